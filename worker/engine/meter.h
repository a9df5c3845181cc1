/*
 * meter: how often something happened lately, counted in METER_SLOTS slots of time. Plain data, no
 * memory of its own. Time is passed in, in µs; one that runs backwards counts as the latest seen.
 */
#ifndef USHER_WORKER_ENGINE_METER_H
#define USHER_WORKER_ENGINE_METER_H

#include "shared/base.h"

enum {
    METER_SLOTS = 12,
    METER_SLOT_US = 5 * 1000 * 1000, /* together a minute */
    METER_LEAST = 5,                 /* fewer in that minute say nothing of the rate */
    METER_QUIET_US = 30 * 1000 * 1000,
};

struct meter {
    int64_t slot;     /* the newest: its time / METER_SLOT_US */
    int64_t since_us; /* when the first one came after a minute without any */
    int64_t last_us;
    uint64_t counts[METER_SLOTS];
};

void meter_add(struct meter *meter, int64_t now_us, uint64_t count);
/* In the last minute. */
uint64_t meter_sum(const struct meter *meter, int64_t now_us);
/* 0: not known: fewer than METER_LEAST in the last minute, the first of them just now, or none for
 * METER_QUIET_US. */
uint64_t meter_per_hour(const struct meter *meter, int64_t now_us);

#endif
