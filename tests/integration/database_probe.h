/*
 * database_probe: a session under test, on an event loop of its own, that remembers what it was
 * told.
 */
#ifndef USHER_TESTS_INTEGRATION_DATABASE_PROBE_H
#define USHER_TESTS_INTEGRATION_DATABASE_PROBE_H

#include "shared/database.h"
#include "tests/support/expect.h"
#include "tests/support/servers.h"
#include "tests/support/sql.h"

enum {
    PROBE_ANSWERS_MAX = 128,
    PROBE_STATEMENTS_MAX = 4,
    PROBE_LIMIT_GROUPS = 64,
    PROBE_WAIT_MS = 20000
};

/* A server for all tests of a program, and a look into it that does not use the code under test. */
struct database_place {
    char folder[FOLDER_PATH_SIZE];
    char url[SERVER_URL_SIZE]; /* over TCP */
    struct postgres_server postgres;
    struct sql *sql;
};

int database_place_create(void **state);
int database_place_destroy(void **state);

struct probe_answer {
    enum database_outcome outcome;
    int count;
    int failed_statement;
    char sqlstate[6];
    char error[DATABASE_ERROR_SIZE];
    bool warned;
};

struct probe {
    struct event_base *base;
    struct event *tick; /* so that one turn of the loop ends */
    struct database_session *session;
    bool up;
    int downs;
    char why[DATABASE_ERROR_SIZE];
    struct probe_answer answers[PROBE_ANSWERS_MAX]; /* by order of sending */
    int order[PROBE_ANSWERS_MAX];                   /* which one came first, second, … */
    int sent;
    int answered;
    /* What a test does inside the callbacks; NULL: nothing. `index`: the order of sending. */
    void (*on_answer)(struct probe *probe, int index, const struct database_answer *answer);
    void (*on_down)(struct probe *probe);
    void *context;
    struct probe_ask {
        struct probe *probe;
        int index;
        struct database_statement statements[PROBE_STATEMENTS_MAX]; /* of probe_send_sql */
    } asks[PROBE_ANSWERS_MAX];
};

/* `config` without its handlers; limits that are 0 get usual values. Returns at once. */
void probe_open(struct probe *probe, const struct database_session_config *config);
/* The same to `url` without settings, and waits until it is up. */
void probe_connect(struct probe *probe, const char *url);
void probe_close(struct probe *probe);
void probe_turn(struct probe *probe);
void probe_wait_up(struct probe *probe);
void probe_wait_down(struct probe *probe);
/* Until `count` groups have been answered since the start. */
void probe_wait_answers(struct probe *probe, int count);
/* Sends; returns the group's index. Fails the test when it can't be sent. */
int probe_send(struct probe *probe, struct database_group *group);
/* A group of statements without parameters; the list ends with NULL. */
int probe_send_sql(struct probe *probe, const char *const *statements);

#endif
