#include "shared/database_private.h"
#include "shared/failpoint.h"
#include "shared/log.h"

#include <event2/event_struct.h>
#include <stdio.h>
#include <stdlib.h>

enum session_state { SESSION_CONNECTING, SESSION_PREPARING, SESSION_UP, SESSION_DOWN };

struct database_session {
    struct event_base *base;
    PGconn *conn; /* NULL once the session is down */
    enum session_state state;
    bool simple_protocol;
    const struct database_statement *const *statements;
    int connect_timeout_ms;
    size_t limit_groups;
    void (*on_up)(void *context);
    void (*on_down)(void *context, const char *why);
    void *context;

    struct event readable;
    struct event writable;
    struct event later;   /* work that must not happen inside a caller's call */
    struct event timeout; /* of connecting and preparing */

    struct database_group *head; /* oldest first */
    struct database_group *tail;
    size_t in_flight;
    bool simple_busy; /* simple protocol: the head has been sent */

    int entered;                          /* libevent callbacks on the stack */
    bool closing;                         /* freed when the last of them ends */
    bool broken;                          /* found while sending; on_later takes the session down */
    char last_words[DATABASE_ERROR_SIZE]; /* why the server or libpq ended it; "" when not known */
};

/* --- ends */

/* libpq's messages have several lines; a log line has one. */
static void copy_one_line(char text[DATABASE_ERROR_SIZE], const char *message) {
    size_t used = 0;
    for (const char *at = message; *at != '\0' && used < DATABASE_ERROR_SIZE - 1; at++)
        text[used++] = *at == '\n' ? ' ' : *at;
    while (used > 0 && text[used - 1] == ' ')
        used--;
    text[used] = '\0';
}

static void session_disconnect(struct database_session *session) {
    session->state = SESSION_DOWN;
    if (session->conn == NULL)
        return;
    event_del(&session->readable);
    event_del(&session->writable);
    event_del(&session->later);
    event_del(&session->timeout);
    PQfinish(session->conn);
    session->conn = NULL;
}

static struct database_group *session_pop(struct database_session *session) {
    struct database_group *group = session->head;
    session->head = group->next;
    if (session->head == NULL)
        session->tail = NULL;
    session->in_flight--;
    return group;
}

static void session_answer_lost(struct database_session *session) {
    while (session->head != NULL) {
        struct database_group *group = session_pop(session);
        struct database_answer answer = {.outcome = DATABASE_LOST, .warned = group->warned};
        memcpy(answer.error, session->last_words, sizeof answer.error);
        group->on_answer(group->context, &answer);
        database_group_free(group);
    }
}

static void session_free(struct database_session *session) {
    session_answer_lost(session);
    free(session);
}

void database_session_close(struct database_session *session) {
    if (session == NULL || session->closing)
        return;
    session->closing = true;
    session_disconnect(session);
    if (session->last_words[0] == '\0')
        copy_one_line(session->last_words, "the session was closed here");
    if (session->entered == 0)
        session_free(session);
}

static void session_enter(struct database_session *session) {
    session->entered++;
}

static void session_leave(struct database_session *session) {
    if (--session->entered == 0 && session->closing)
        session_free(session);
}

/* Only from inside a libevent callback: the owner's handlers are called. */
static void session_down(struct database_session *session, const char *why) {
    if (session->last_words[0] == '\0')
        copy_one_line(session->last_words, why);
    session_disconnect(session);
    session_answer_lost(session);
    if (!session->closing)
        session->on_down(session->context, session->last_words);
}

/* From anywhere. What the server said before (last_words) tells more than libpq's "closed
 * unexpectedly". */
static void session_break(struct database_session *session) {
    if (session->last_words[0] == '\0')
        copy_one_line(session->last_words, PQerrorMessage(session->conn));
    session->broken = true;
    event_active(&session->later, EV_TIMEOUT, 0);
}

/* --- sending */

static void session_flush(struct database_session *session) {
    int left = PQflush(session->conn);
    if (left < 0)
        session_break(session);
    else if (left > 0)
        event_add(&session->writable, NULL);
}

static bool group_send_statement(const struct database_group *group, int index, int first_parameter,
                                 PGconn *conn) {
    static const int binary[DATABASE_PARAMETERS_MAX] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                                        1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                                        1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    const struct database_statement *statement = group->statements[index];
    const char *values[DATABASE_PARAMETERS_MAX];
    int sizes[DATABASE_PARAMETERS_MAX];
    for (int i = 0; i < statement->parameter_count; i++) {
        const struct group_parameter *parameter = &group->parameters[first_parameter + i];
        bool null = parameter->size_bytes < 0;
        values[i] = null ? NULL : (const char *)group->data + parameter->offset;
        sizes[i] = null ? 0 : parameter->size_bytes;
    }
    if (statement->name != NULL)
        return PQsendQueryPrepared(conn, statement->name, statement->parameter_count, values, sizes,
                                   binary, 1) == 1;
    return PQsendQueryParams(conn, statement->sql, statement->parameter_count, statement->types,
                             values, sizes, binary, 1) == 1;
}

static bool group_send_pipelined(const struct database_group *group, PGconn *conn) {
    int parameter = 0;
    for (int i = 0; i < group->statement_count; i++) {
        if (!group_send_statement(group, i, parameter, conn))
            return false;
        parameter += group->statements[i]->parameter_count;
        /* A worker frozen here has the server hold its locks in the middle of a pipeline. */
        if (FAILPOINTS_BUILT_IN && i == 0 && group->statement_count >= 3 && PQflush(conn) >= 0)
            (void)FAILPOINT("database.half-sent");
    }
    return PQpipelineSync(conn) == 1;
}

/* The simple protocol has one statement in flight. */
static void session_send_simple(struct database_session *session) {
    if (session->simple_busy || session->head == NULL || session->broken)
        return;
    session->simple_busy = true;
    if (PQsendQuery(session->conn, session->head->statements[0]->sql) != 1)
        session_break(session);
    else
        session_flush(session);
}

enum status database_group_send_take(struct database_group *group,
                                     database_answer_handler *on_answer, void *context) {
    if (group == NULL)
        return STATUS_NO_MEMORY;
    struct database_session *session = group->session;
    enum status status = database_group_check(group);
    if (status == STATUS_OK && (session->state != SESSION_UP || session->broken))
        status = STATUS_UNAVAILABLE;
    if (status == STATUS_OK && session->in_flight == session->limit_groups)
        status = STATUS_LIMIT;
    if (status != STATUS_OK) {
        database_group_free(group);
        return status;
    }
    group->on_answer = on_answer;
    group->context = context;
    if (session->tail == NULL)
        session->head = group;
    else
        session->tail->next = group;
    session->tail = group;
    session->in_flight++;
    if (session->simple_protocol) {
        ensure(group->statement_count == 1 && group->parameter_count == 0);
        session_send_simple(session);
    } else if (group_send_pipelined(group, session->conn)) {
        session_flush(session);
    } else { /* half of it may have left: the group is answered LOST */
        session_break(session);
    }
    database_group_release_data(group);
    /* When the socket was full, libpq has read as well: what it has then makes no fd readable
     * again. */
    event_active(&session->later, EV_TIMEOUT, 0);
    return STATUS_OK;
}

/* --- receiving */

static bool result_is_error(const PGresult *result) {
    ExecStatusType kind = PQresultStatus(result);
    return kind != PGRES_TUPLES_OK && kind != PGRES_COMMAND_OK && kind != PGRES_EMPTY_QUERY;
}

static const char *result_field(const PGresult *result, int field) {
    const char *text = PQresultErrorField(result, field);
    return text == NULL ? "" : text;
}

static bool result_is_fatal(const PGresult *result) {
    const char *severity = result_field(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    return strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0;
}

static const char *result_message(const PGresult *result) {
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    return text == NULL ? PQresultErrorMessage(result) : text;
}

/* Errors that belong to no statement (a FATAL in an idle session) arrive here as well. */
static void on_notice(void *context, const PGresult *notice) {
    struct database_session *session = context;
    if (result_is_fatal(notice))
        copy_one_line(session->last_words, result_message(notice));
    if (strcmp(result_field(notice, PG_DIAG_SEVERITY_NONLOCALIZED), "WARNING") != 0)
        return;
    if (session->head != NULL)
        session->head->warned = true;
    log_write(LOG_WARNING, "database-warning", "PostgreSQL answered with a warning.",
              LOG_TEXT("sqlstate", result_field(notice, PG_DIAG_SQLSTATE)),
              LOG_TEXT("warning", result_message(notice)));
}

/* The head is complete: answers it. */
static void session_answer(struct database_session *session) {
    struct database_group *group = session_pop(session);
    struct database_answer answer = {.outcome = DATABASE_DONE, .warned = group->warned};
    if (group->failed_statement < 0) {
        ensure(group->answered == group->statement_count);
        answer.results = group->results;
        answer.count = group->statement_count;
    } else {
        const PGresult *error = group->results[group->failed_statement];
        answer.outcome = DATABASE_FAILED;
        answer.failed_statement = group->failed_statement;
        snprintf(answer.sqlstate, sizeof answer.sqlstate, "%s",
                 result_field(error, PG_DIAG_SQLSTATE));
        copy_one_line(answer.error, result_message(error));
    }
    group->on_answer(group->context, &answer);
    database_group_free(group);
}

static void group_keep_result(struct database_group *group, PGresult *result) {
    bool failed = result_is_error(result);
    /* A second result of a simple statement, or what follows an error: nobody asks for it. */
    if (group->failed_statement >= 0 || (group->answered == group->statement_count && !failed)) {
        PQclear(result);
        return;
    }
    if (failed)
        group->failed_statement = group->answered;
    group->results[group->answered++] = result;
}

static void session_up(struct database_session *session) {
    session->state = SESSION_UP;
    event_del(&session->timeout);
    session->on_up(session->context);
}

static void session_prepare_result(struct database_session *session, PGresult *result) {
    ExecStatusType kind = PQresultStatus(result);
    char error[DATABASE_ERROR_SIZE] = "";
    if (kind != PGRES_PIPELINE_SYNC && result_is_error(result))
        copy_one_line(error, result_message(result));
    PQclear(result);
    if (error[0] != '\0') {
        session_down(session, error);
    } else if (kind == PGRES_PIPELINE_SYNC) {
        session_up(session);
    }
}

static void session_result(struct database_session *session, PGresult *result) {
    if (result != NULL && result_is_error(result) && result_is_fatal(result))
        copy_one_line(session->last_words, result_message(result));
    if (session->state == SESSION_PREPARING) {
        if (result != NULL)
            session_prepare_result(session, result);
    } else if (session->simple_protocol && result == NULL) {
        session->simple_busy = false;
        session_answer(session);
        if (session->state == SESSION_UP)
            session_send_simple(session);
    } else if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
        PQclear(result);
        session_answer(session);
    } else if (result != NULL) { /* NULL only separates the results of a pipeline's statements */
        group_keep_result(session->head, result);
    }
}

static bool session_expects_results(const struct database_session *session) {
    return session->state == SESSION_PREPARING ||
           (session->state == SESSION_UP && session->head != NULL);
}

/* Hands on whatever libpq has complete. */
static void session_read(struct database_session *session) {
    while (session_expects_results(session) && !PQisBusy(session->conn)) {
        if (PQstatus(session->conn) != CONNECTION_OK) {
            session_down(session, PQerrorMessage(session->conn));
            return;
        }
        session_result(session, PQgetResult(session->conn));
    }
}

static void on_readable(evutil_socket_t fd, short events, void *context) {
    (void)fd;
    (void)events;
    struct database_session *session = context;
    session_enter(session);
    if (PQconsumeInput(session->conn) == 1) {
        session_read(session);
        /* Without a group in flight nobody has parsed what came: the server's last words, perhaps.
         */
        if (session->state == SESSION_UP && session->head == NULL)
            (void)PQisBusy(session->conn);
    } else {
        session_down(session, PQerrorMessage(session->conn));
    }
    session_leave(session);
}

static void on_writable(evutil_socket_t fd, short events, void *context) {
    (void)fd;
    (void)events;
    struct database_session *session = context;
    session_enter(session);
    session_flush(session);
    session_read(session);
    session_leave(session);
}

static void on_later(evutil_socket_t fd, short events, void *context) {
    (void)fd;
    (void)events;
    struct database_session *session = context;
    session_enter(session);
    if (session->broken)
        session_down(session, "the session broke while sending");
    else
        session_read(session);
    session_leave(session);
}

/* --- connecting */

static bool session_prepare(struct database_session *session) {
    if (PQsetnonblocking(session->conn, 1) != 0)
        return false;
    if (!session->simple_protocol && PQenterPipelineMode(session->conn) != 1)
        return false;
    event_assign(&session->readable, session->base, PQsocket(session->conn), EV_READ | EV_PERSIST,
                 on_readable, session);
    event_assign(&session->writable, session->base, PQsocket(session->conn), EV_WRITE, on_writable,
                 session);
    event_add(&session->readable, NULL);
    if (session->statements == NULL || session->statements[0] == NULL)
        return true;
    ensure(!session->simple_protocol);
    session->state = SESSION_PREPARING;
    for (const struct database_statement *const *at = session->statements; *at != NULL; at++)
        if (PQsendPrepare(session->conn, (*at)->name, (*at)->sql, (*at)->parameter_count,
                          (*at)->types) != 1)
            return false;
    return PQpipelineSync(session->conn) == 1;
}

static void session_connected(struct database_session *session) {
    if (!session_prepare(session)) {
        session_down(session, PQerrorMessage(session->conn));
    } else if (session->state == SESSION_PREPARING) {
        session_flush(session);
        event_active(&session->later, EV_TIMEOUT, 0); /* as in database_group_send_take */
    } else {
        session_up(session);
    }
}

static void on_connecting(evutil_socket_t fd, short events, void *context);

/* libpq may change sockets from one step to the next (several addresses): the event is made anew.
 */
static void session_wait_connecting(struct database_session *session, short events) {
    event_assign(&session->readable, session->base, PQsocket(session->conn), events, on_connecting,
                 session);
    event_add(&session->readable, NULL);
}

static void on_connecting(evutil_socket_t fd, short events, void *context) {
    (void)fd;
    (void)events;
    struct database_session *session = context;
    session_enter(session);
    PostgresPollingStatusType next = PQconnectPoll(session->conn);
    if (next == PGRES_POLLING_OK)
        session_connected(session);
    else if (next == PGRES_POLLING_FAILED)
        session_down(session, PQerrorMessage(session->conn));
    else
        session_wait_connecting(session, next == PGRES_POLLING_READING ? EV_READ : EV_WRITE);
    session_leave(session);
}

static void on_timeout(evutil_socket_t fd, short events, void *context) {
    (void)fd;
    (void)events;
    struct database_session *session = context;
    char why[DATABASE_ERROR_SIZE];
    snprintf(why, sizeof why, "connecting took longer than %d ms", session->connect_timeout_ms);
    session_enter(session);
    session_down(session, why);
    session_leave(session);
}

static PGconn *connect_start(const struct database_session_config *config) {
    const char *fast =
        config->fail_fast_network ? "1" : NULL; /* libpq skips settings that are NULL */
    const char *const names[] = {"dbname",
                                 "application_name",
                                 "options",
                                 "client_encoding",
                                 "keepalives",
                                 "keepalives_idle",
                                 "keepalives_interval",
                                 "keepalives_count",
                                 "tcp_user_timeout",
                                 NULL};
    const char *const values[] = {config->url,
                                  config->application_name,
                                  config->options,
                                  "UTF8",
                                  fast,
                                  fast,
                                  fast,
                                  config->fail_fast_network ? "2" : NULL,
                                  config->fail_fast_network ? "3000" : NULL,
                                  NULL};
    return PQconnectStartParams(names, values, 1);
}

struct database_session *database_session_open(struct event_base *base,
                                               const struct database_session_config *config) {
    ensure(config->limit_groups > 0);
    struct database_session *session = calloc(1, sizeof *session);
    if (session == NULL)
        return NULL;
    session->base = base;
    session->simple_protocol = config->simple_protocol;
    session->statements = config->statements;
    session->connect_timeout_ms = config->connect_timeout_ms;
    session->limit_groups = config->limit_groups;
    session->on_up = config->on_up;
    session->on_down = config->on_down;
    session->context = config->context;
    session->conn = connect_start(config);
    if (session->conn == NULL) {
        free(session);
        return NULL;
    }
    PQsetNoticeReceiver(session->conn, on_notice, session);
    event_assign(&session->readable, base, -1, 0, on_readable, session);
    event_assign(&session->writable, base, -1, 0, on_writable, session);
    event_assign(&session->later, base, -1, 0, on_later, session);
    event_assign(&session->timeout, base, -1, 0, on_timeout, session);
    struct timeval timeout = {config->connect_timeout_ms / 1000,
                              config->connect_timeout_ms % 1000 * 1000};
    event_add(&session->timeout, &timeout);
    if (PQstatus(session->conn) == CONNECTION_BAD)
        session_break(session);
    else
        session_wait_connecting(session, EV_WRITE);
    return session;
}

bool database_session_is_up(const struct database_session *session) {
    return session->state == SESSION_UP;
}

int database_session_backend_pid(const struct database_session *session) {
    return session->state == SESSION_UP ? PQbackendPID(session->conn) : 0;
}

size_t database_session_in_flight(const struct database_session *session) {
    return session->in_flight;
}
