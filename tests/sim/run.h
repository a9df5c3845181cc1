/*
 * run: a life of one show, and one of a waiting room, under one seed. Everything that happens in
 * them follows from the seed.
 */
#ifndef USHER_TESTS_SIM_RUN_H
#define USHER_TESTS_SIM_RUN_H

#include "tests/sim/progress.h"

enum { RUN_STEPS = 500 };

/* False when engine and model came apart; progress tells where and why. */
MUST_CHECK bool run_seed(uint64_t seed, struct progress *progress);
/* The second part of it. */
MUST_CHECK bool room_run_seed(uint64_t seed, struct progress *progress);

#endif
