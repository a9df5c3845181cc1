/*
 * clock: the process's two clocks, and the database's time as this process knows it.
 *
 * Whatever is decided or compared between processes uses PostgreSQL's time: `database_clock` keeps
 * the offset measured on a session and advances it by the monotonic clock, so that a step of the
 * machine's wall clock moves nothing. Of the last samples the one with the shortest round trip
 * counts. Single-threaded; no allocation.
 */
#ifndef USHER_SHARED_CLOCK_H
#define USHER_SHARED_CLOCK_H

#include "shared/base.h"

int64_t clock_monotonic_us(void);
/* For log lines and for nothing else. Microseconds since 1970 UTC. */
int64_t clock_wall_us(void);

enum { DATABASE_CLOCK_SAMPLES = 8 };

struct database_clock {
    struct {
        int64_t offset_us; /* database time minus monotonic time */
        int64_t round_trip_us;
    } samples[DATABASE_CLOCK_SAMPLES];
    unsigned count; /* samples taken in all */
};

/* One measurement: the monotonic time before sending and after receiving, and what the database
 * said. */
void database_clock_sample(struct database_clock *clock, int64_t sent_us, int64_t received_us,
                           int64_t database_us);
bool database_clock_known(const struct database_clock *clock);
/* Microseconds since 1970 UTC by PostgreSQL's clock. Must be known. The first: at that monotonic
 * time. */
int64_t database_clock_at_us(const struct database_clock *clock, int64_t monotonic_us);
int64_t database_clock_now_us(const struct database_clock *clock);

/* Writes e.g. 2026-11-23T17:31:32.123Z (RFC 3339, UTC, milliseconds). Returns `text`. */
enum { TIME_TEXT_SIZE = 32 };
char *time_to_text(int64_t unix_us, char text[TIME_TEXT_SIZE]);
/* RFC 3339 date-time with 'Z' or a numeric offset; 0 to 9 digits of fraction. False when it is not
 * one. */
MUST_CHECK bool time_from_text(const char *text, int64_t *unix_us);

#endif
