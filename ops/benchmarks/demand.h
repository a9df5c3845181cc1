/*
 * demand: which two seats each buyer of an event asks for, in an order of chance that the seed
 * repeats: the same for usher and for what it is measured beside.
 *
 * Either everybody gets what they want, a pair of neighbours each, or, in a storm, more buyers than
 * there are seats all ask for some two neighbours among the same few.
 */
#ifndef USHER_OPS_BENCHMARKS_DEMAND_H
#define USHER_OPS_BENCHMARKS_DEMAND_H

#include "shared/base.h"

struct demand {
    uint32_t buyers;      /* an event */
    uint32_t *first_seat; /* of each; the other one is the next */
};

/* Of `seat_count` seats, at least two; `storm_buyers` 0: a pair each. */
void demand_init(struct demand *demand, uint32_t seat_count, uint32_t storm_buyers, uint64_t seed);
void demand_clear(struct demand *demand);

/* splitmix64 (Steele, Lea, Flood 2014). */
uint64_t demand_random(uint64_t *seed);

#endif
