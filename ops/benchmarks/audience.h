/*
 * audience: as many sockets as are wanted, in as few processes (hearer.h) as a process's limit of
 * open files allows, that all hear the same.
 */
#ifndef USHER_OPS_BENCHMARKS_AUDIENCE_H
#define USHER_OPS_BENCHMARKS_AUDIENCE_H

#include "ops/benchmarks/hearer.h"

#include <stdio.h>

enum {
    AUDIENCE_SOCKETS_MAX = 1000000,
    AUDIENCE_FILES_SPARED = 200, /* of a process's limit, for what is no socket */
    AUDIENCE_OPEN_MS = 120000,
    AUDIENCE_WAIT_MS = 20000,
};

struct audience;

/* How many sockets a process may have. Raises the limit of this one, and its crews, to what it can
 * be. */
uint32_t audience_sockets_per_process(void);

/* All are open (hearer.h, struct hearer_plan, says what). NULL, with a line on stderr, when they
 * can't be. */
MUST_CHECK struct audience *audience_create(const struct sockaddr_storage *servers,
                                            uint32_t server_count, const char *path,
                                            uint32_t sockets);
/* As many WebSockets to an event of the usher behind that URL, which is http://127.…:PORT. */
MUST_CHECK struct audience *audience_of_event(const char *url, uint64_t event, uint32_t sockets);
/* The frame of that number has come on every socket: `news` is what all have in common, from the
 * first who heard to the last. False, with a line on stderr, when it does not come in time, or
 * anything is wrong. */
MUST_CHECK bool audience_wait(struct audience *audience, uint32_t number, int64_t limit_ms,
                              struct hearer_news *news);
/* A line for each seat that the frame says has changed: seat, state. Returns how many. */
size_t audience_write_seats(const struct hearer_news *news, FILE *file);
uint32_t audience_processes(const struct audience *audience);
/* What they have used of the processors. */
double audience_cpu_seconds(const struct audience *audience);
/* NULL is allowed. */
void audience_destroy(struct audience *audience);

#endif
