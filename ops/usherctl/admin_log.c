#include "ops/usherctl/admin_log.h"

#include "ops/usherctl/session.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

enum { TYPE_INT4 = 23, CHANGE_SHOWN_BYTES = 120, SUBJECT_SIZE = 96 };

static const struct database_statement select_log = {
    .name = "select_log",
    .sql = "SELECT json_build_object('at', to_char(at AT TIME ZONE 'UTC',"
           "  'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), 'who', who, 'role', role, 'what', what,"
           "  'eventId', event_id, 'venueId', venue_id, 'keyName', key_name,"
           "  'requestId', request_id, 'from', address, 'status', status, 'change', change)::text"
           " FROM (SELECT * FROM usher.admin_log ORDER BY log_id DESC LIMIT $1) newest"
           " ORDER BY log_id",
    .parameter_count = 1,
    .types = {TYPE_INT4},
};

static const struct database_statement *const statements[] = {&select_log, NULL};

static const char *text_of(const json_t *line, const char *name) {
    const char *text = json_string_value(json_object_get(line, name));
    return text != NULL ? text : "-";
}

/* What was changed. */
static void write_subject(const json_t *line, char subject[SUBJECT_SIZE]) {
    const json_t *event_id = json_object_get(line, "eventId");
    const json_t *venue_id = json_object_get(line, "venueId");
    const json_t *key_name = json_object_get(line, "keyName");
    if (json_is_integer(event_id)) {
        (void)snprintf(subject, SUBJECT_SIZE, "event %" PRId64,
                       (int64_t)json_integer_value(event_id));
    } else if (json_is_integer(venue_id)) {
        (void)snprintf(subject, SUBJECT_SIZE, "venue %" PRId64,
                       (int64_t)json_integer_value(venue_id));
    } else {
        (void)snprintf(subject, SUBJECT_SIZE, "key %s",
                       json_is_string(key_name) ? json_string_value(key_name) : "-");
    }
}

/* Where a text of UTF-8 is cut so that it has at most `max_bytes`. */
static size_t cut(const char *text, size_t max_bytes) {
    size_t size = strnlen(text, max_bytes + 1);
    if (size <= max_bytes) {
        return size;
    }
    size = max_bytes;
    while (size > 0 && ((uint8_t)text[size] & 0xc0) == 0x80) {
        size--;
    }
    return size;
}

static void print_line(const json_t *line) {
    char subject[SUBJECT_SIZE];
    char status[16] = "unknown";
    const json_t *known = json_object_get(line, "status");
    if (json_is_integer(known)) {
        (void)snprintf(status, sizeof status, "%d", (int)json_integer_value(known));
    }
    write_subject(line, subject);
    char *change = json_dumps(json_object_get(line, "change"), JSON_COMPACT | JSON_ENCODE_ANY);
    ensure(change != NULL);
    size_t shown = cut(change, CHANGE_SHOWN_BYTES);
    (void)printf("%-24s %-16s %-9s %-26s %-14s %-7s %-15s %-32s %.*s%s\n", text_of(line, "at"),
                 text_of(line, "who"), text_of(line, "role"), text_of(line, "what"), subject,
                 status, text_of(line, "from"), text_of(line, "requestId"), (int)shown, change,
                 change[shown] != '\0' ? "…" : "");
    free(change);
}

static void print_table(void *context, PGresult *const *results) {
    (void)context;
    (void)printf("%-24s %-16s %-9s %-26s %-14s %-7s %-15s %-32s %s\n", "AT", "WHO", "ROLE", "WHAT",
                 "ON", "STATUS", "FROM", "REQUEST", "CHANGE");
    for (int row = 0; row < PQntuples(results[0]); row++) {
        json_t *line = json_loads(database_text(results[0], row, 0), 0, NULL);
        ensure(line != NULL);
        print_line(line);
        json_decref(line);
    }
}

static void print_json(void *context, PGresult *const *results) {
    (void)context;
    for (int row = 0; row < PQntuples(results[0]); row++) {
        (void)printf("%s\n", database_text(results[0], row, 0));
    }
}

bool admin_log_print(const char *url, int32_t limit, bool json) {
    struct session *session = session_open(url, statements);
    if (session == NULL) {
        return false;
    }
    struct database_group *group = session_group(session);
    database_group_add(group, &select_log);
    database_group_i32(group, limit);
    bool good =
        session_run_take(session, group, json ? print_json : print_table, NULL) == STATUS_OK;
    if (!good) {
        (void)fprintf(stderr, "usherctl: %s\n", session_error(session));
    }
    session_close(session);
    return good;
}
