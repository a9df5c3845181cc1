/*
 * door: an observer of a waiting room's door, who looks at the queue's state 20 times a second
 * until a number is served. The clock runs between two looks, so that it counts just the people
 * who were admitted in between, and what that cost.
 */
#ifndef USHER_OPS_BENCHMARKS_DOOR_H
#define USHER_OPS_BENCHMARKS_DOOR_H

#include "ops/benchmarks/client.h"
#include "ops/benchmarks/stopwatch.h"

struct door_result {
    uint64_t admissions; /* while the clock ran */
    struct stopwatch watch;
};

/* Until `number` is served. `result` starts as {0} but for what `watch` is to watch. False, with
 * one line on stderr, when that takes longer than a minute or the queue can't be looked at. */
MUST_CHECK bool door_run(struct client *client, uint64_t event, uint64_t number,
                         struct door_result *result);

#endif
