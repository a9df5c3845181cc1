#include "ops/benchmarks/sessions.h"

#include <event2/event_struct.h>
#include <stdio.h>
#include <stdlib.h>

struct session {
    struct sessions *all;
    PGconn *connection;
    struct event readable;
    struct event writable;
    uint32_t *under_way; /* tickets, a ring of `depth` */
    uint32_t first;
    uint32_t count;
    PGresult *result; /* of the first; its Sync is still to come */
    bool dirty;       /* something is to be flushed */
};

struct sessions {
    struct sessions_config config;
    struct session *items;
    uint32_t *line; /* tickets, a ring of `tickets` */
    uint32_t line_first;
    uint32_t line_count;
    struct event end_of_turn;
};

/* Statements are planned once, always for a few rows by index; an error is an answer like any other
 * and nothing to be written into the server's log. */
static const char settings[] =
    "options='-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_hashjoin=off "
    "-c enable_mergejoin=off -c enable_bitmapscan=off -c jit=off -c log_min_messages=fatal'";

static _Noreturn void give_up(const struct session *session) {
    fprintf(stderr, "a session was lost: %s", PQerrorMessage(session->connection));
    exit(1);
}

static void session_flush(struct session *session) {
    session->dirty = false;
    int left = PQflush(session->connection);
    if (left < 0)
        give_up(session);
    if (left > 0)
        event_add(&session->writable, NULL);
}

static void on_writable(evutil_socket_t fd, short events, void *context) {
    (void)fd, (void)events;
    session_flush(context);
}

static struct session *least_busy(struct sessions *sessions) {
    struct session *best = &sessions->items[0];
    for (uint32_t i = 1; i < sessions->config.count && best->count > 0; i++)
        if (sessions->items[i].count < best->count)
            best = &sessions->items[i];
    return best->count < sessions->config.depth ? best : NULL;
}

static void on_end_of_turn(evutil_socket_t fd, short events, void *context) {
    (void)fd, (void)events;
    struct sessions *sessions = context;
    const struct sessions_config *config = &sessions->config;
    for (struct session *session; sessions->line_count > 0 && (session = least_busy(sessions));) {
        uint32_t ticket = sessions->line[sessions->line_first];
        sessions->line_first = (sessions->line_first + 1) % config->tickets;
        sessions->line_count--;
        session->under_way[(session->first + session->count++) % config->depth] = ticket;
        session->dirty = true;
        if (!config->send(config->context, session->connection, ticket) ||
            PQpipelineSync(session->connection) != 1)
            give_up(session);
    }
    for (uint32_t i = 0; i < config->count; i++)
        if (sessions->items[i].dirty)
            session_flush(&sessions->items[i]);
}

void sessions_ask(struct sessions *sessions, uint32_t ticket) {
    ensure(sessions->line_count < sessions->config.tickets);
    sessions->line[(sessions->line_first + sessions->line_count++) % sessions->config.tickets] =
        ticket;
    event_active(&sessions->end_of_turn, EV_TIMEOUT, 0);
}

static void session_answered(struct session *session) {
    const struct sessions_config *config = &session->all->config;
    uint32_t ticket = session->under_way[session->first];
    PGresult *result = session->result;
    session->first = (session->first + 1) % config->depth;
    session->count--;
    session->result = NULL;
    config->answered(config->context, ticket, result);
    PQclear(result);
    if (session->all->line_count > 0)
        event_active(&session->all->end_of_turn, EV_TIMEOUT, 0);
}

static void on_readable(evutil_socket_t fd, short events, void *context) {
    (void)fd, (void)events;
    struct session *session = context;
    if (PQconsumeInput(session->connection) != 1)
        give_up(session);
    while (session->count > 0 && !PQisBusy(session->connection)) {
        PGresult *result = PQgetResult(session->connection);
        if (result == NULL)
            continue; /* between a statement and its Sync */
        if (PQresultStatus(result) != PGRES_PIPELINE_SYNC) {
            PQclear(session->result);
            session->result = result;
            continue;
        }
        PQclear(result);
        session_answered(session);
    }
}

static bool session_open(struct session *session, const struct sessions_statement *statement) {
    session->connection = PQconnectdb(settings);
    bool open = PQstatus(session->connection) == CONNECTION_OK;
    for (; open && statement->name != NULL; statement++) {
        PGresult *result = PQprepare(session->connection, statement->name, statement->sql, 0, NULL);
        open = PQresultStatus(result) == PGRES_COMMAND_OK;
        PQclear(result);
    }
    open = open && PQsetnonblocking(session->connection, 1) == 0 &&
           PQenterPipelineMode(session->connection) == 1;
    if (!open) {
        fputs(PQerrorMessage(session->connection), stderr);
        return false;
    }
    struct event_base *base = session->all->config.base;
    int fd = PQsocket(session->connection);
    event_assign(&session->readable, base, fd, EV_READ | EV_PERSIST, on_readable, session);
    event_assign(&session->writable, base, fd, EV_WRITE, on_writable, session);
    return event_add(&session->readable, NULL) == 0;
}

struct sessions *sessions_create(const struct sessions_config *config) {
    struct sessions *sessions = calloc(1, sizeof *sessions);
    ensure(sessions != NULL);
    sessions->config = *config;
    sessions->line = calloc(config->tickets, sizeof sessions->line[0]);
    sessions->items = calloc(config->count, sizeof sessions->items[0]);
    ensure(sessions->line != NULL && sessions->items != NULL);
    event_assign(&sessions->end_of_turn, config->base, -1, 0, on_end_of_turn, sessions);
    bool open = true;
    for (uint32_t i = 0; open && i < config->count; i++) {
        struct session *session = &sessions->items[i];
        session->all = sessions;
        session->under_way = calloc(config->depth, sizeof session->under_way[0]);
        ensure(session->under_way != NULL);
        open = session_open(session, config->statements);
    }
    if (open)
        return sessions;
    sessions_destroy(sessions);
    return NULL;
}

void sessions_destroy(struct sessions *sessions) {
    if (sessions == NULL)
        return;
    for (uint32_t i = 0; i < sessions->config.count; i++) {
        struct session *session = &sessions->items[i];
        if (event_initialized(&session->readable)) {
            event_del(&session->readable);
            event_del(&session->writable);
        }
        PQclear(session->result);
        PQfinish(session->connection);
        free(session->under_way);
    }
    event_del(&sessions->end_of_turn);
    free(sessions->items);
    free(sessions->line);
    free(sessions);
}
