#include "ops/usherctl/session.h"

#include <stdio.h>
#include <stdlib.h>

enum { CONNECT_TIMEOUT_MS = 10000 };

struct session {
    struct event_base *base;
    struct database_session *database;
    bool is_down;
    bool is_answered;
    enum status status;
    session_reader *read;
    void *read_context;
    char error[DATABASE_ERROR_SIZE];
};

static void on_up(void *context) {
    struct session *session = context;
    session->is_answered = true;
}

static void on_down(void *context, const char *why) {
    struct session *session = context;
    session->is_down = true;
    (void)snprintf(session->error, sizeof session->error, "%s", why);
}

static void turn_until_answered(struct session *session) {
    while (!session->is_answered && !session->is_down) {
        ensure(event_base_loop(session->base, EVLOOP_ONCE) == 0);
    }
}

struct session *session_open(const char *url, const struct database_statement *const *statements) {
    struct session *session = calloc(1, sizeof *session);
    ensure(session != NULL);
    session->base = event_base_new();
    ensure(session->base != NULL);
    const struct database_session_config config = {
        .url = url,
        .application_name = "usherctl",
        .statements = statements,
        .connect_timeout_ms = CONNECT_TIMEOUT_MS,
        .limit_groups = 1,
        .on_up = on_up,
        .on_down = on_down,
        .context = session,
    };
    session->database = database_session_open(session->base, &config);
    ensure(session->database != NULL);
    turn_until_answered(session);
    if (session->is_down) {
        (void)fprintf(stderr, "usherctl: the database can't be used: %s\n", session->error);
        session_close(session);
        return NULL;
    }
    return session;
}

void session_close(struct session *session) {
    database_session_close(session->database);
    event_base_free(session->base);
    free(session);
}

struct database_group *session_group(struct session *session) {
    return database_group_create(session->database);
}

static void on_answer(void *context, const struct database_answer *answer) {
    struct session *session = context;
    session->is_answered = true;
    switch (answer->outcome) {
    case DATABASE_DONE:
        session->status = STATUS_OK;
        if (session->read) {
            session->read(session->read_context, answer->results);
        }
        return;
    case DATABASE_FAILED:
        session->status = STATUS_INVALID;
        break;
    case DATABASE_LOST:
        session->status = STATUS_UNAVAILABLE;
        break;
    }
    (void)snprintf(session->error, sizeof session->error, "%s", answer->error);
}

enum status session_run_take(struct session *session, struct database_group *group,
                             session_reader *read, void *context) {
    session->is_answered = false;
    session->read = read;
    session->read_context = context;
    enum status status = database_group_send_take(group, on_answer, session);
    if (status != STATUS_OK) {
        (void)snprintf(session->error, sizeof session->error, "%s", status_text(status));
        return status;
    }
    turn_until_answered(session);
    return session->is_answered ? session->status : STATUS_UNAVAILABLE;
}

const char *session_error(const struct session *session) {
    return session->error;
}
