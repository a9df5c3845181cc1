/*
 * office: what a test of the administration does: calls usherctl, makes keys, uses them, and reads
 * the log.
 */
#ifndef USHER_TESTS_INTEGRATION_OFFICE_H
#define USHER_TESTS_INTEGRATION_OFFICE_H

#include "shared/admin_key.h"
#include "tests/support/shop.h"

#include <limits.h>

enum { OFFICE_REFRESH_MS = 20000 };

struct office {
    struct cluster *cluster;
    char output[PATH_MAX]; /* of the last usherctl: what it printed, to both */
};

void office_open(struct office *office, struct cluster *cluster);
/* Runs usherctl with these words; returns its exit status. */
int office_usherctl(struct office *office, const char *const *words);
#define USHERCTL_WORDS(office, ...) office_usherctl((office), (const char *[]){__VA_ARGS__, NULL})
/* What the last one printed. The caller's, free. */
char *office_output(const struct office *office);
bool office_printed(const struct office *office, const char *text);

/* Makes a key; returns when all running gateways know it. */
void office_make_key(struct office *office, const char *name, const char *role,
                     char key[ADMIN_KEY_TEXT_SIZE]);

/* A request with a key as token; `body` may be NULL. The answer is the caller's. */
struct http_answer office_ask(struct office *office, unsigned gateway, const char *key,
                              const char *method, const char *path, const char *body);

/* The newest lines of `usherctl log --json --limit N`, oldest first, as an array: json_decref. */
json_t *office_log(struct office *office, unsigned lines);
/* How many lines there are. */
int64_t office_log_count(struct office *office);

#endif
