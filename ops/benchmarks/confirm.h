/*
 * confirm: people who hold seats pay for them (the sandbox takes everybody's tok_ok): in a closed
 * loop as many at a time as there are connections, or in an open loop at a rate. A confirmation
 * counts when its answer says 200 and that this booking is CONFIRMED; answers are judged when the
 * clock has stopped.
 */
#ifndef USHER_OPS_BENCHMARKS_CONFIRM_H
#define USHER_OPS_BENCHMARKS_CONFIRM_H

#include "ops/benchmarks/client.h"
#include "ops/benchmarks/guests.h"
#include "ops/benchmarks/histogram.h"
#include "ops/benchmarks/reserve.h"
#include "ops/benchmarks/stopwatch.h"

struct confirm_plan {
    const struct guest *guests;
    const struct reserve_held *held; /* each is confirmed once */
    uint32_t count;
    double rate; /* 0: closed loop; else so many ask a second */
};

struct confirm_result {
    uint64_t confirmations; /* the histogram has these */
    uint64_t refused;       /* answered with another status */
    uint64_t wrong;         /* 200, but not what was asked for */
    uint64_t lost;          /* no answer */
    uint64_t unsent;        /* open loop: no connection was free */
    struct stopwatch watch;
    struct histogram latency_us;
};

/* `result` starts as {0} but for what `watch` is to watch. */
void confirm_run(struct client *client, const struct confirm_plan *plan,
                 struct confirm_result *result);

#endif
