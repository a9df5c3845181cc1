/*
 * join: guests who join the waiting room of an event, each once, as many at a time as there are
 * connections, in a closed loop. A join counts when its answer is a 201 with a number; answers are
 * kept and judged when the clock has stopped. The first guest goes ahead of the clock.
 */
#ifndef USHER_OPS_BENCHMARKS_JOIN_H
#define USHER_OPS_BENCHMARKS_JOIN_H

#include "ops/benchmarks/client.h"
#include "ops/benchmarks/guests.h"
#include "ops/benchmarks/histogram.h"
#include "ops/benchmarks/stopwatch.h"

#include <stdio.h>

struct join_plan {
    uint64_t event;
    const struct guest *guests;
    uint32_t count;
    FILE *answers; /* gets a line for everybody who was told a number: number, user */
};

struct join_result {
    uint64_t joins;   /* while the clock ran; the histogram has these */
    uint64_t refused; /* answered with another status */
    uint64_t wrong;   /* 201 without a number */
    uint64_t lost;    /* no answer */
    struct stopwatch watch;
    struct histogram latency_us;
};

/* `result` starts as {0} but for what `watch` is to watch. */
void join_run(struct client *client, const struct join_plan *plan, struct join_result *result);

#endif
