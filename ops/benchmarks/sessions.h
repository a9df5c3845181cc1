/*
 * sessions: a number of PostgreSQL sessions in pipeline mode on one event loop, for those that
 * usher is measured beside: as little as can stand between a program and libpq.
 *
 * Who wants a statement stands in one line, a ticket each; the next in line gets the session with
 * the fewest statements under way, of at most `depth` (1: none is sent before the last is
 * answered). Every statement is a transaction of its own. What one turn of the loop sends through a
 * session leaves in one write.
 */
#ifndef USHER_OPS_BENCHMARKS_SESSIONS_H
#define USHER_OPS_BENCHMARKS_SESSIONS_H

#include "shared/base.h"

#include <event2/event.h>
#include <libpq-fe.h>

struct sessions;

struct sessions_statement {
    const char *name;
    const char *sql;
};

struct sessions_config {
    struct event_base *base;
    uint32_t count;
    uint32_t depth;
    uint32_t tickets; /* 0 … tickets - 1; each stands in line at most once */
    /* Prepared in every session; ends with {0}. */
    const struct sessions_statement *statements;
    /* Sends one prepared statement, binary in and out. False ends the program. */
    bool (*send)(void *context, PGconn *connection, uint32_t ticket);
    void (*answered)(void *context, uint32_t ticket, const PGresult *result);
    void *context;
};

/* Connects to what libpq's environment names (PGHOST …) and prepares. NULL, with a line on stderr,
 * when that fails. A session that is lost later ends the program: nothing was measured. */
MUST_CHECK struct sessions *sessions_create(const struct sessions_config *config);
void sessions_destroy(struct sessions *sessions);
void sessions_ask(struct sessions *sessions, uint32_t ticket);

#endif
