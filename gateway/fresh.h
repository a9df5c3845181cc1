/*
 * fresh: a cache of answers that cost a query. Keeps what was found for as long as there is room,
 * hands it out without asking while it is younger than `max_age_us`, and stale when asking fails or
 * takes longer than `patience_us`: looking never stops. However many want one key, one load of it
 * is under way.
 *
 *   EMPTY --fresh_want--> LOADING --fresh_loaded--> KNOWN --older than max_age_us--> LOADING …
 *                            \--nothing there--> forgotten after telling who waits
 *
 * Pure but for memory: time (monotonic µs) is passed in. The least recently wanted entries are
 * forgotten when `limit_bytes` is passed. Values belong to the cache and are released with
 * `release`.
 */
#ifndef USHER_GATEWAY_FRESH_H
#define USHER_GATEWAY_FRESH_H

#include "shared/base.h"
#include "shared/status.h"

struct fresh;
struct fresh_entry;

enum { FRESH_WAITERS_MAX = 100000, FRESH_ENTRIES_MAX = 200000 };

enum fresh_outcome { FRESH_FOUND, FRESH_ABSENT, FRESH_UNAVAILABLE };

/* `value` and what hangs on it (FRESH_FOUND, else NULL) ends with the call. `age_us`: since it was
 * loaded. */
typedef void fresh_handler(void *context, enum fresh_outcome outcome, void *value, int64_t age_us);

struct fresh_config {
    size_t limit_bytes;
    int64_t max_age_us; /* INT64_MAX: what is known never changes */
    int64_t patience_us;
    /* Starts to load; exactly one fresh_loaded for the entry follows, maybe at once. `detail` is
     * what fresh_want was given, and ends with the call. */
    void (*load)(void *context, struct fresh_entry *entry, const struct id128 *key,
                 const void *detail);
    void (*release)(void *value);
    void *context;
};

/* How often a value was given out: young enough, after waiting for a load, older than max_age_us.
 */
struct fresh_numbers {
    uint64_t hits;
    uint64_t misses;
    uint64_t stale;
};

MUST_CHECK struct fresh *fresh_create(const struct fresh_config *config);
/* No load may be under way any more. NULL is allowed. */
void fresh_destroy(struct fresh *fresh);

/* Calls the handler once, maybe at once. With `any_age` what is known is good enough, however old.
 * FRESH_UNAVAILABLE also when a limit is reached. */
void fresh_want(struct fresh *fresh, const struct id128 *key, const void *detail, bool any_age,
                int64_t now_us, fresh_handler *handler, void *context);
/* What is known without asking, else NULL. Ends with the next call of any other function. */
void *fresh_peek(struct fresh *fresh, const struct id128 *key);
/* The end of a load. Takes `value` (FRESH_FOUND, else NULL) of `size_bytes`. */
void fresh_loaded(struct fresh_entry *entry, enum fresh_outcome outcome, void *value,
                  size_t size_bytes, int64_t now_us);
/* The same, FRESH_FOUND, with a value from elsewhere that was true at `true_us`: it is shown, with
 * its age, and asked for again. */
void fresh_recalled(struct fresh_entry *entry, void *value, size_t size_bytes, int64_t true_us,
                    int64_t now_us);
/* Whether there is a value to show when loading fails. */
bool fresh_is_known(const struct fresh_entry *entry);
/* The next fresh_want asks, unless it takes any age. */
void fresh_expire(struct fresh *fresh, const struct id128 *key);
/* Every 100 ms or so: whoever has waited for longer than the patience is given what is known. */
void fresh_tick(struct fresh *fresh, int64_t now_us);
const struct fresh_numbers *fresh_numbers(const struct fresh *fresh);

#endif
