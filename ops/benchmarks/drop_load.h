/*
 * drop_load: the command `usher-load drop` (drop.h): its options, and its result as JSON; and
 * `usher-load guests`, which makes the people's sessions beforehand.
 */
#ifndef USHER_OPS_BENCHMARKS_DROP_LOAD_H
#define USHER_OPS_BENCHMARKS_DROP_LOAD_H

#include "ops/benchmarks/options.h"

bool load_guests(const struct options *options);
bool load_drop(const struct options *options);

#endif
