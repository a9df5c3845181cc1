/*
 * overhear: a command of usher-load that watches an event while others book on it: many WebSockets,
 * all checked to be told the same, every change once and in order (hearer.h), at a pace that is
 * usher's.
 */
#ifndef USHER_OPS_BENCHMARKS_OVERHEAR_H
#define USHER_OPS_BENCHMARKS_OVERHEAR_H

#include "ops/benchmarks/options.h"

/* Prints an object once all sockets are open. Then waits for a line on standard input, the version
 * of the seats that everybody has to know at the end, and prints another one: the frames, what a
 * telling took (from the first socket to the last), and what the gateways, which are the processes
 * named, used for each delivery, bookings included. What the frames said of seats goes to
 * `answers`. */
bool overhear_load(const struct options *options);

#endif
