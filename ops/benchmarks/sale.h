/*
 * sale: the loop around those that usher is measured beside, over HTTP or NATS none of them: a
 * number of buyers at a time, each of whom asks as soon as the one before has an answer, for the
 * seats of ops/benchmarks/demand.h; and what came of it. How seats are reserved is a strategy's.
 */
#ifndef USHER_OPS_BENCHMARKS_SALE_H
#define USHER_OPS_BENCHMARKS_SALE_H

#include "ops/benchmarks/demand.h"
#include "ops/benchmarks/histogram.h"
#include "ops/benchmarks/options.h"
#include "ops/benchmarks/stopwatch.h"

#include <event2/event.h>

enum { SALE_HOLD_SECONDS = 300 };

/* A buyer who is being served. */
struct sale_buyer {
    uint64_t event;
    uint32_t seats[2];    /* ascending */
    struct id128 booking; /* time-ordered */
    struct id128 user;
    uint32_t attempt;
    int64_t started_us;
};

struct sale {
    const struct options *options;
    struct event_base *base;
    uint32_t buyer_count;
    struct sale_buyer *buyers;
    /* Begins to serve the buyer at that place, which ends with one sale_end. */
    void (*serve)(void *context, uint32_t place);
    /* All places have their first buyer; may be NULL. */
    void (*opened)(void *context);
    void *context;

    uint32_t resting; /* places without a buyer, at the end */
    struct demand demand;
    uint32_t attempt_count;
    uint32_t cursor;
    uint64_t random;
    struct id128 *bookings; /* by attempt; zero: none */
    uint64_t reservations;  /* while the clock ran */
    uint64_t taken;
    struct stopwatch watch;
    struct histogram latency_us;
};

/* Makes the event loop; `serve` and `context` are the caller's to set before sale_run. */
void sale_init(struct sale *sale, const struct options *options);
/* Serves until time is up or everybody has been, and all have an answer. */
void sale_run(struct sale *sale);
/* `sold`: the booking is stored; else somebody else has one of the seats. */
void sale_end(struct sale *sale, uint32_t place, bool sold);
/* The answers' file and the result. False, with a line on stderr, when the file can't be written.
 */
MUST_CHECK bool sale_report(const struct sale *sale);
void sale_clear(struct sale *sale);

#endif
