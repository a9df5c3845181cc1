/*
 * watch: one change of an event, told to everybody who watches it over a WebSocket; beside it the
 * same frame to as many sockets in a bare loop of write(2) (crier.h), in turn, in the same run and
 * to the same kind of audience (audience.h). A change is a reservation over HTTP; its frame is what
 * is cried next.
 *
 * What takes its time is the telling: from when the first socket has the frame to when the last has
 * it, the same on both sides.
 */
#ifndef USHER_OPS_BENCHMARKS_WATCH_H
#define USHER_OPS_BENCHMARKS_WATCH_H

#include "ops/benchmarks/options.h"

enum {
    WATCH_ROUND_DELIVERIES = 200000, /* or more, on each side */
    WATCH_ROUND_CHANGES_MAX = 10,
    WATCH_ROUNDS_MAX = 20,
    WATCH_SEATS_A_CHANGE = 2,
};

/* A command of usher-load: the gateways are the processes that were named, the crier has as many.
 * Prints an object a round, after one that warms up; what everybody has seen of the seats goes to
 * `answers`: seat, state. */
bool watch_load(const struct options *options);

#endif
