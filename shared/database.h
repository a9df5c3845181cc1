/*
 * database: one PostgreSQL session on the event loop (libpq, non-blocking, pipeline mode).
 *
 * A session connects in the background, prepares its statements, calls on_up, and then carries
 * *groups*: one or more statements that end in one Sync. Groups are answered in the order in which
 * they were sent; sending does not wait for earlier answers. In one group the statements after a
 * failed one are not executed, and an implicit transaction around the group is rolled back
 * (PostgreSQL manual, 34.5 Pipeline Mode); a group may also contain BEGIN, in which case the
 * transaction stays open after the group.
 *
 *   CLOSED --database_session_open--> CONNECTING --> PREPARING --> UP --error--> DOWN (on_down)
 *
 * A session never reconnects by itself: whoever owns it decides what a lost session means (a worker
 * raises epochs, a gateway just opens another after a backoff). After on_down the owner calls
 * database_session_close, also from inside on_down.
 *
 * Every group gets exactly one answer:
 *   DATABASE_DONE    all statements succeeded; results[i] belongs to statement i
 *   DATABASE_FAILED  the server refused one: SQLSTATE and text; nothing of an implicit transaction
 *                    happened
 *   DATABASE_LOST    the session ended before the answer: what the server did with it is unknown
 *
 * Results are PGresult and are freed after the callback. Parameters and results are binary.
 * Bounded: at most `limit_groups` groups in flight (STATUS_LIMIT past it).
 */
#ifndef USHER_SHARED_DATABASE_H
#define USHER_SHARED_DATABASE_H

#include "shared/base.h"
#include "shared/status.h"

#include <event2/event.h>
#include <libpq-fe.h>

struct database_session;
struct database_group;

enum { DATABASE_PARAMETERS_MAX = 32, DATABASE_GROUP_MAX = 20, DATABASE_ERROR_SIZE = 512 };

/* A named, prepared statement; SQL text with $1…, types as OIDs (0: let the server decide). */
struct database_statement {
    const char *name; /* unique in the session and on the server; NULL: sent whole, not prepared */
    const char *sql;
    int parameter_count;
    Oid types[DATABASE_PARAMETERS_MAX];
};

enum database_outcome { DATABASE_DONE, DATABASE_FAILED, DATABASE_LOST };

struct database_answer {
    enum database_outcome outcome;
    PGresult **results; /* DONE: `count` of them */
    int count;
    int failed_statement; /* FAILED: which one of the group; their number: the implicit commit */
    char sqlstate[6];     /* FAILED */
    char error[DATABASE_ERROR_SIZE]; /* FAILED, LOST: one line for the log */
    bool warned; /* a WARNING came while this group ran (e.g. 01000 "committed locally") */
};

typedef void database_answer_handler(void *context, const struct database_answer *answer);

struct database_session_config {
    const char *url;              /* libpq connection string or URI */
    const char *application_name; /* at most 63 bytes */
    /* Startup options, e.g. "-c idle_session_timeout=2500"; may be NULL. */
    const char *options;
    /* Adds keepalives and tcp_user_timeout that find a dead peer within 3 s. */
    bool fail_fast_network;
    /* No pipeline mode: groups of one statement without parameters, sent with PQsendQuery one after
     * the other; results are text (database_text, database_number_text). */
    bool simple_protocol;
    /* Prepared before on_up; NULL-terminated; may be NULL. */
    const struct database_statement *const *statements;
    int connect_timeout_ms;
    size_t limit_groups;
    void (*on_up)(void *context);
    /* Once; also when connecting failed; after all groups in flight were answered DATABASE_LOST. */
    void (*on_down)(void *context, const char *why);
    void *context;
};

/* Strings are copied, statements kept by pointer. NULL when there is no memory. Never calls back
 * before it returned. */
MUST_CHECK struct database_session *
database_session_open(struct event_base *base, const struct database_session_config *config);
/* Closes at once; groups in flight are answered DATABASE_LOST first (not when `session` is being
 * destroyed from inside one of its own callbacks: then they are answered after that callback,
 * before memory is freed). No callback follows. NULL is allowed. */
void database_session_close(struct database_session *session);
bool database_session_is_up(const struct database_session *session);
/* The server process id of this session (0 before UP). */
int database_session_backend_pid(const struct database_session *session);
size_t database_session_in_flight(const struct database_session *session);

/*
 * Building and sending a group. Parameters are appended in order; the group owns copies.
 * With a parameter that could not be added (memory, limits) the send fails; no need to check each.
 */
struct database_group *database_group_create(struct database_session *session);
/* Keeps the statement by pointer until the group is answered. */
void database_group_add(struct database_group *group, const struct database_statement *statement);
void database_group_null(struct database_group *group);
void database_group_bool(struct database_group *group, bool value);
void database_group_i16(struct database_group *group, int16_t value);
void database_group_i32(struct database_group *group, int32_t value);
void database_group_i64(struct database_group *group, int64_t value);
/* text, varchar, json. NULL: SQL NULL, here and for jsonb. */
void database_group_text(struct database_group *group, const char *text);
void database_group_jsonb(struct database_group *group, const char *text);
/* bytea */
void database_group_bytes(struct database_group *group, const void *data, size_t size_bytes);
void database_group_uuid(struct database_group *group, const struct id128 *id);
void database_group_time(struct database_group *group, int64_t unix_us); /* timestamptz */
void database_group_i16_array(struct database_group *group, const int16_t *values, size_t count);
void database_group_i32_array(struct database_group *group, const int32_t *values, size_t count);
void database_group_i64_array(struct database_group *group, const int64_t *values, size_t count);
void database_group_uuid_array(struct database_group *group, const struct id128 *ids,
                               const bool *nulls, size_t count);
void database_group_text_array(struct database_group *group, const char *const *texts,
                               size_t count);
/* Takes the group, also when it fails: then nothing was sent and no answer comes.
 * STATUS_UNAVAILABLE (not up), STATUS_LIMIT, STATUS_NO_MEMORY. */
MUST_CHECK enum status database_group_send_take(struct database_group *group,
                                                database_answer_handler *on_answer, void *context);

/* Reading binary results; the column must have the named type and not be NULL (checked: ensure). */
bool database_is_null(const PGresult *result, int row, int column);
bool database_bool(const PGresult *result, int row, int column);
int16_t database_i16(const PGresult *result, int row, int column);
int32_t database_i32(const PGresult *result, int row, int column);
int64_t database_i64(const PGresult *result, int row, int column);
double database_f64(const PGresult *result, int row, int column);
/* text, varchar, json; NUL-terminated */
const char *database_text(const PGresult *result, int row, int column);
const char *database_jsonb(const PGresult *result, int row, int column);
struct id128 database_uuid(const PGresult *result, int row, int column);
int64_t database_time_us(const PGresult *result, int row, int column); /* timestamptz, unix µs */
size_t database_bytes(const PGresult *result, int row, int column, const uint8_t **data);
/* A whole number from a result of the simple protocol, which is text. */
int64_t database_number_text(const PGresult *result, int row, int column);
/* int4[] / int8[] of one dimension without NULLs; returns how many there are; at most `limit` are
 * copied. */
size_t database_i32_array(const PGresult *result, int row, int column, int32_t *values,
                          size_t limit);
size_t database_i64_array(const PGresult *result, int row, int column, int64_t *values,
                          size_t limit);
/* Rows touched, from the command tag. */
int64_t database_rows_affected(const PGresult *result);

#endif
