/*
 * arrivals: when requests are to start in an open loop: so many a second on average, each by chance
 * and none because of another (a Poisson process), as people come who know nothing of each other.
 *
 * Latency counts from the moment that a request was to start, so a generator that is late itself
 * makes the latency longer, never shorter; by how much it was late is recorded, and past a limit it
 * says that the generator was the bottleneck. Plain data, time is passed in, the seed repeats a
 * course.
 */
#ifndef USHER_OPS_BENCHMARKS_ARRIVALS_H
#define USHER_OPS_BENCHMARKS_ARRIVALS_H

#include "ops/benchmarks/histogram.h"

enum { ARRIVALS_LATE_US = 5000 };

struct arrivals {
    double gap_us; /* between two, on average */
    double next_us;
    uint64_t seed;
    struct histogram late_us; /* by how much those taken were */
};

/* `rate`: a second, above 0. */
void arrivals_start(struct arrivals *arrivals, double rate, uint64_t seed, int64_t now_us);
/* Takes the next one if it is due by now; then `*due_us` is when it was to start. */
bool arrivals_take(struct arrivals *arrivals, int64_t now_us, int64_t *due_us);
/* How long it is until the next one is due, 0 when it is. */
int64_t arrivals_wait_us(const struct arrivals *arrivals, int64_t now_us);
/* Whether one of a hundred was more than ARRIVALS_LATE_US late. */
bool arrivals_were_late(const struct histogram *late_us);

#endif
