/*
 * admin_keys: which keys of the administration are good now, and whose they are.
 *
 * The list is read from the primary every second (ADMIN_KEYS_REFRESH_MS), so a revoked key stops
 * within 2 s. While the database is away, the last list that was read serves: nothing can be
 * changed meanwhile, and a caller learns that the database is away, not that the key is bad.
 * admin.key, the file in USHER_HOME, is read as often, and needs no database; putting another key
 * into the file replaces it.
 *
 * Kept are hashes only. A key is compared with all of them, each in constant time.
 */
#ifndef USHER_GATEWAY_ADMIN_KEYS_H
#define USHER_GATEWAY_ADMIN_KEYS_H

#include "gateway/reads.h"
#include "shared/admin_key.h"

enum { ADMIN_KEYS_REFRESH_MS = 1000 };

struct admin_keys;

/* Whoever a key belongs to. */
struct admin_caller {
    char name[ADMIN_KEY_NAME_MAX_BYTES + 1];
    enum admin_role role;
};

/* `home` is kept by pointer. Reads admin.key; without one, logged, only other keys are good. NULL:
 * no memory. */
MUST_CHECK struct admin_keys *admin_keys_create(struct reads *reads, const char *home);
/* After reads_destroy. NULL is allowed. */
void admin_keys_destroy(struct admin_keys *keys);
/* Often; `now_us` is monotonic. */
void admin_keys_tick(struct admin_keys *keys, int64_t now_us);

/* False: no key that is known. */
MUST_CHECK bool admin_keys_find(const struct admin_keys *keys, const char *text,
                                struct admin_caller *caller);
/* Whether the list has been read; before that nobody knows whether a key is good. */
bool admin_keys_known(const struct admin_keys *keys);

#endif
