/*
 * random: the simulator's only source of chance. The same seed gives the same numbers everywhere.
 * (SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.)
 */
#ifndef USHER_TESTS_SIM_RANDOM_H
#define USHER_TESTS_SIM_RANDOM_H

#include "shared/base.h"

struct random {
    uint64_t state;
};

static inline uint64_t random_u64(struct random *random) {
    uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* 0 … count - 1; count > 0. */
static inline uint32_t random_below(struct random *random, uint32_t count) {
    return (uint32_t)((random_u64(random) >> 32) * count >> 32);
}

/* from … to, both included. */
static inline uint32_t random_between(struct random *random, uint32_t from, uint32_t to) {
    return from + random_below(random, to - from + 1);
}

static inline bool random_percent(struct random *random, uint32_t percent) {
    return random_below(random, 100) < percent;
}

#endif
