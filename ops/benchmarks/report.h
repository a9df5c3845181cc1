/*
 * report: what the programs of ops/bench print of a measurement.
 */
#ifndef USHER_OPS_BENCHMARKS_REPORT_H
#define USHER_OPS_BENCHMARKS_REPORT_H

#include "ops/benchmarks/client.h"
#include "ops/benchmarks/histogram.h"
#include "ops/benchmarks/stopwatch.h"

#include <stdio.h>

/* A single thread that has so much of a core is not waiting for the server. */
#define REPORT_BOTTLENECK_SHARE 0.9

/* The bytes of a request and of an answer, and how late requests started: past a limit (arrivals.h)
 * the generator was the bottleneck. */
void report_print_traffic(const struct client_traffic *traffic);
/* The members that every measurement has, and the end of the object; processors' time is counted by
 * each of the `done`; this process, and the moment of the monotonic clock when it started, are for
 * the profile. A generator that used up its
 * core was the bottleneck. */
void report_print_speed(uint64_t done, const struct stopwatch *watch,
                        const struct histogram *latency_us);
/* More members: nameP50, nameP99, nameP999, nameMax, in milliseconds. */
void report_print_quantiles(const char *name, const struct histogram *latency_us);
/* False, with a line on stderr, when what was written to the file has not got there. */
MUST_CHECK bool report_is_written(FILE *file, const char *path);

#endif
