/*
 * line: a waiting room's stream, as nats.c itself makes, fills and reads one: what joining is
 * measured beside, and how its answers are checked.
 */
#ifndef USHER_OPS_BENCHMARKS_LINE_H
#define USHER_OPS_BENCHMARKS_LINE_H

#include "ops/benchmarks/stopwatch.h"

#include <stdio.h>

enum { LINE_IN_FLIGHT = 1000, LINE_PEOPLE_MAX = 1000000 };

/* Publishes as many different people's joins as a gateway would, LINE_IN_FLIGHT at a time, into a
 * stream of its own, which is deleted afterwards; `watch` runs from the first to the last
 * acknowledgement. False, with one line on stderr, when not all of them were stored. */
MUST_CHECK bool line_publish(const char *nats_url, uint32_t people, struct stopwatch *watch);
/* The same into a stream that is there: a crowd that nobody admitted will ever hear of again. */
MUST_CHECK bool line_fill(const char *nats_url, const char *stream, uint32_t people,
                          struct stopwatch *watch);
/* Writes a line for every message: its sequence, its subject's user. False, with one line on
 * stderr, when the stream can't be read whole. */
MUST_CHECK bool line_print(const char *nats_url, const char *stream, FILE *out);

#endif
