/*
 * served_time: the clock that holds' deadlines count in. One a partition, in milliseconds, stored
 * in its row.
 *
 * It advances only while somebody serves: by the monotonic time since the last look, at most
 * SERVED_STEP_MAX_MS at once (a process that was frozen served nobody meanwhile), and not at all
 * while the bus is away or a batch takes longer than that to be stored. So an outage takes nobody's
 * turn, and a takeover continues from what was stored last: at most SERVED_STORE_AFTER_MS behind,
 * in favour of whoever holds seats. Pure; time is passed in.
 */
#ifndef USHER_WORKER_SERVED_TIME_H
#define USHER_WORKER_SERVED_TIME_H

#include "shared/base.h"

enum { SERVED_STEP_MAX_MS = 2000, SERVED_STORE_AFTER_MS = 250 };

struct served_time {
    int64_t value_us;
    int64_t seen_us; /* monotonic, of the last look */
    int64_t stored_ms;
};

void served_time_start(struct served_time *served, int64_t stored_ms, int64_t monotonic_us);
/* Advances and returns the time now, in ms. With `running` false only the look is noted. */
int64_t served_time_advance(struct served_time *served, int64_t monotonic_us, bool running);
/* Whether enough has passed for the next batch to store it. */
bool served_time_store_due(const struct served_time *served);

#endif
