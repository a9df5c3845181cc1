/*
 * reads: the gateway's database sessions, opened again for ever with backoff (100 ms … 2 s) and
 * jitter.
 *
 * READS_CATALOGUE  looking: events, layouts, seats; on USHER_READ_DATABASE_URL, maybe a replica
 * READS_SEARCH     the same database; apart, so that nobody's search holds up a page
 * READS_PRIMARY    the installation, the database's clock, a person's own bookings
 * READS_ADMIN      what admin routes read and insert; apart, since a hall of 100,000 seats takes
 * its time
 *
 * Every session asks for the time once a second; one that does not answer within its limit (a
 * frozen server, a network that swallows) is closed, and what it had under way is answered
 * DATABASE_LOST. So every question to a session ends within a bounded time.
 */
#ifndef USHER_GATEWAY_READS_H
#define USHER_GATEWAY_READS_H

#include "shared/clock.h"
#include "shared/config.h"
#include "shared/database.h"

enum reads_session {
    READS_CATALOGUE,
    READS_SEARCH,
    READS_PRIMARY,
    READS_ADMIN,
    READS_SESSION_COUNT
};

enum {
    READS_LIMIT_GROUPS = 10000,
    READS_LIMIT_SEARCHES = 100, /* more would wait for seconds */
    READS_SILENCE_MS = 3000,
    READS_ADMIN_SILENCE_MS = 60000,
};

struct reads;

/* `on_primary_up(context)` is called every time READS_PRIMARY has come up. NULL when there is no
 * memory. */
MUST_CHECK struct reads *reads_create(struct event_base *base, const struct config *config,
                                      void (*on_primary_up)(void *context), void *context);
/* Everything under way is answered DATABASE_LOST. NULL is allowed. */
void reads_destroy(struct reads *reads);

/* A new group on a session; NULL when it is not up. */
struct database_group *reads_group(struct reads *reads, enum reads_session which);
/* The database's time, sampled on READS_PRIMARY. */
const struct database_clock *reads_clock(const struct reads *reads);
/* Unix µs of a monotonic time, by that clock; before it is known nothing was confirmed by anybody,
 * and the machine's own has to do. */
int64_t reads_unix_us(const struct reads *reads, int64_t monotonic_us);
bool reads_is_up(const struct reads *reads, enum reads_session which);
const char *reads_session_name(const struct reads *reads, enum reads_session which);

#endif
