/*
 * rivals: how else seats could be reserved, each written as its advocates would write it: what
 * usher is measured beside (ops/benchmarks/rivals.sql has their tables).
 *
 *   optimistic   reads the two seats and their versions, then writes seats and booking in one
 *                statement if the versions are still those; who loses a race reads again
 *   redis-lock   `SET seat user NX EX 300` for both seats, then one transaction
 *   batch-limit  none of them: the worker's own statements, fed with batches that are ready; what
 *                PostgreSQL leaves for HTTP, NATS and deciding to be used up
 *
 * True: measured, and the result printed. False, with a line on stderr, else.
 */
#ifndef USHER_OPS_BENCHMARKS_RIVALS_H
#define USHER_OPS_BENCHMARKS_RIVALS_H

#include "ops/benchmarks/options.h"

MUST_CHECK bool rival_optimistic(const struct options *options);
MUST_CHECK bool rival_redis_lock(const struct options *options);
MUST_CHECK bool rival_batch_limit(const struct options *options);

#endif
