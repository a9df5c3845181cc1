#include "ops/usherctl/audit_tables.h"

#include "ops/usherctl/audit_modes.h"
#include "shared/ids.h"

#include <inttypes.h>
#include <stdlib.h>

struct cursor {
    const char *fetch;
    PGresult *rows;
    int row;
};

struct audit_tables {
    PGconn *connection;
    char event_id[24];
    struct cursor turns;
    struct cursor bookings;
};

/* --- statements */

/* All results are text. */
#define US(time) "coalesce((extract(epoch from " time ") * 1000000)::int8, 0)"

#define AT_US US("at")
#define BOOKED_US US("b.created_at")
#define CALLED_US US("t.called_at")
#define CREATED_US US("created_at")
#define ENDED_US US("t.ended_at")
#define JOINED_US US("t.joined_at")
#define LINKED_US US("linked_at")
#define NOW_US US("clock_timestamp()")
#define SINCE_US US("a.since")
#define UNTIL_US US("g.linked_at")
#define VOUCHED_US US("vouched_at")

static const char select_event[] =
    "SELECT room::text, " CREATED_US ", (SELECT installation_id FROM usher.installation), " NOW_US
    " FROM usher.event WHERE event_id = $1";

static const char select_room[] =
    "SELECT coalesce(max(r.admitted_to), 0), coalesce(max(r.issued_to), 0),"
    " greatest((SELECT max(number) FROM usher.turn WHERE event_id = $1),"
    "          (SELECT max(queue_number) FROM usher.booking WHERE event_id = $1), 0)"
    " FROM usher.room r WHERE r.event_id = $1";

static const char select_spans[] =
    "SELECT first_number, first_sequence, stream_no, admitted_to, " VOUCHED_US
    ", server_id, created FROM usher.room_span WHERE event_id = $1 ORDER BY span_no";

/* Of what was asked for: the members of a room's settings that it names. */
static const char select_changes[] =
    "SELECT " AT_US ", what = 'POST /admin/events',"
    " CASE WHEN status IS NULL THEN 'unknown' WHEN status < 300 THEN 'done' ELSE 'refused' END,"
    " coalesce(change -> 'room' ->> 'mode', ''), coalesce(change -> 'room' ? 'maxShoppers', false),"
    " coalesce(change -> 'room' ? 'claimSeconds', false),"
    " coalesce(change -> 'room' ? 'passSeconds', false)"
    " FROM usher.admin_log WHERE event_id = $1"
    " AND (what = 'POST /admin/events' OR jsonb_typeof(change -> 'room') = 'object')"
    " ORDER BY log_id";

static const char declare_turns[] =
    "DECLARE audit_turns NO SCROLL CURSOR FOR"
    " SELECT t.number, t.user_id, t.state, " JOINED_US ", " CALLED_US ", " ENDED_US ", " SINCE_US
    ", " UNTIL_US " FROM usher.turn t"
    " LEFT JOIN (SELECT user_id, min(linked_at) AS since FROM usher.guest_link GROUP BY user_id) a"
    " USING (user_id)"
    " LEFT JOIN usher.guest_link g ON g.guest_user_id = t.user_id"
    " WHERE t.event_id = $1 ORDER BY t.number";

static const char declare_bookings[] =
    "DECLARE audit_bookings NO SCROLL CURSOR FOR"
    " SELECT coalesce(b.queue_number, 0), b.user_id, " BOOKED_US ", b.status,"
    " b.user_id <> t.user_id AND coalesce("
    "   (SELECT user_id FROM usher.guest_link WHERE guest_user_id = b.user_id) = t.user_id"
    "   OR (SELECT user_id FROM usher.guest_link WHERE guest_user_id = t.user_id) = b.user_id,"
    "   false)"
    " FROM usher.booking b"
    " LEFT JOIN usher.turn t ON t.event_id = b.event_id AND t.number = b.queue_number"
    " WHERE b.event_id = $1 ORDER BY b.queue_number NULLS LAST, b.created_at, b.booking_id";

static const char select_link[] =
    "SELECT " LINKED_US " FROM usher.guest_link WHERE guest_user_id = $1 AND user_id = $2";

/* NULL: `error` says why. */
static PGresult *run(struct audit_tables *tables, const char *sql, const char *const *parameters,
                     int count, char error[AUDIT_ERROR_SIZE]) {
    PGresult *result =
        PQexecParams(tables->connection, sql, count, NULL, parameters, NULL, NULL, 0);
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
        return result;
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (sqlstate != NULL && strcmp(sqlstate, "42P01") == 0) {
        (void)snprintf(error, AUDIT_ERROR_SIZE,
                       "this database has no waiting rooms yet: run usherctl migrate");
    } else {
        const char *why = PQerrorMessage(tables->connection);
        (void)snprintf(error, AUDIT_ERROR_SIZE, "the database: %.*s", (int)strcspn(why, "\n"), why);
    }
    PQclear(result);
    return NULL;
}

static PGresult *run_of_event(struct audit_tables *tables, const char *sql,
                              char error[AUDIT_ERROR_SIZE]) {
    return run(tables, sql, (const char *const[]){tables->event_id}, 1, error);
}

static bool run_command(struct audit_tables *tables, const char *sql, int parameters,
                        char error[AUDIT_ERROR_SIZE]) {
    PGresult *result = run(tables, sql, (const char *const[]){tables->event_id}, parameters, error);
    PQclear(result);
    return result != NULL;
}

static int64_t number_at(const PGresult *result, int row, int column) {
    return strtoll(PQgetvalue(result, row, column), NULL, 10);
}

static bool is_true(const PGresult *result, int row, int column) {
    return PQgetvalue(result, row, column)[0] == 't';
}

static struct id128 user_at(const PGresult *result, int row, int column) {
    struct id128 user;
    enum status status = id128_from_uuid(PQgetvalue(result, row, column), &user);
    ensure(status == STATUS_OK);
    return user;
}

/* --- the room */

static bool copy_text(const PGresult *result, int row, int column, char *text, size_t size_bytes) {
    const char *value = PQgetvalue(result, row, column);
    if (strlen(value) >= size_bytes)
        return false;
    memcpy(text, value, strlen(value) + 1);
    return true;
}

static bool read_spans(const PGresult *result, struct audit_tables_room *room,
                       int64_t vouched_us[ROOM_SPANS_MAX], char error[AUDIT_ERROR_SIZE]) {
    int count = PQntuples(result);
    bool good = count <= ROOM_SPANS_MAX;
    for (int row = 0; good && row < count; row++) {
        room->header.room.spans[row] = (struct audit_span){
            .span = {.first_number = (uint64_t)number_at(result, row, 0),
                     .first_sequence = (uint64_t)number_at(result, row, 1),
                     .stream = (uint32_t)number_at(result, row, 2)},
            .admitted_to = (uint64_t)number_at(result, row, 3),
        };
        vouched_us[row] = number_at(result, row, 4);
        good = copy_text(result, row, 5, room->server_id, sizeof room->server_id) &&
               copy_text(result, row, 6, room->created, sizeof room->created);
    }
    room->header.room.span_count = (uint32_t)count;
    if (!good)
        (void)snprintf(error, AUDIT_ERROR_SIZE, "the rows of usher.room_span can't be used");
    return good;
}

static bool mode_from_text(const char *text, enum room_mode *mode) {
    for (*mode = ROOM_MODE_OFF; *mode <= ROOM_MODE_CLOSED; (*mode)++)
        if (strcmp(text, room_mode_text(*mode)) == 0)
            return true;
    return false;
}

static struct audit_change change_at(const PGresult *result, int row) {
    const char *outcome = PQgetvalue(result, row, 2);
    struct audit_change change = {
        .at_us = number_at(result, row, 0),
        .creates = is_true(result, row, 1),
        .outcome = strcmp(outcome, "done") == 0      ? AUDIT_DONE
                   : strcmp(outcome, "refused") == 0 ? AUDIT_REFUSED
                                                     : AUDIT_UNKNOWN,
        .has_max_shoppers = is_true(result, row, 4),
        .has_claim = is_true(result, row, 5),
        .has_pass = is_true(result, row, 6),
    };
    change.has_mode = mode_from_text(PQgetvalue(result, row, 3), &change.mode);
    change.mode = change.has_mode ? change.mode : ROOM_MODE_OFF;
    return change;
}

static void read_changes(const PGresult *result, struct audit_header *header,
                         const int64_t *vouched_us, int64_t created_us) {
    struct audit_modes modes;
    bool mode_changes = false;
    for (int row = 0; row < PQntuples(result); row++) {
        struct audit_change change = change_at(result, row);
        mode_changes =
            mode_changes || (change.has_mode && !change.creates && change.outcome != AUDIT_REFUSED);
    }
    audit_modes_begin(&modes, &header->room, vouched_us, &header->settings, created_us,
                      mode_changes);
    for (int row = 0; row < PQntuples(result); row++) {
        struct audit_change change = change_at(result, row);
        audit_modes_add(&modes, &change);
    }
    audit_modes_finish(&modes, &header->settings);
}

static bool read_event(const PGresult *result, struct audit_tables_room *room,
                       char error[AUDIT_ERROR_SIZE]) {
    struct audit_header *header = &room->header;
    if (PQntuples(result) == 0) {
        (void)snprintf(error, AUDIT_ERROR_SIZE, "there is no event %" PRIu64, header->event_id);
        return false;
    }
    room_settings_default(&header->settings);
    if (room_settings_apply(&header->settings, PQgetvalue(result, 0, 0)) != STATUS_OK) {
        (void)snprintf(error, AUDIT_ERROR_SIZE, "the event's room settings can't be read");
        return false;
    }
    room->installation = user_at(result, 0, 2);
    audit_hash(room->installation.bytes, sizeof room->installation.bytes, header->installation);
    header->made_us = number_at(result, 0, 3);
    return true;
}

static bool read_room(struct audit_tables *tables, struct audit_tables_room *room,
                      char error[AUDIT_ERROR_SIZE]) {
    int64_t vouched_us[ROOM_SPANS_MAX];
    struct audit_room *about = &room->header.room;
    PGresult *event = run_of_event(tables, select_event, error);
    PGresult *record = event ? run_of_event(tables, select_room, error) : NULL;
    PGresult *spans = record ? run_of_event(tables, select_spans, error) : NULL;
    PGresult *changes = spans ? run_of_event(tables, select_changes, error) : NULL;
    bool good =
        changes && read_event(event, room, error) && read_spans(spans, room, vouched_us, error);
    if (good) {
        about->admitted_to = (uint64_t)number_at(record, 0, 0);
        about->issued_to = (uint64_t)number_at(record, 0, 1);
        about->lost_above = UINT64_MAX;
        room->last_number = (uint64_t)number_at(record, 0, 2);
        read_changes(changes, &room->header, vouched_us, number_at(event, 0, 1));
    }
    PQclear(changes);
    PQclear(spans);
    PQclear(record);
    PQclear(event);
    return good;
}

struct audit_tables *audit_tables_open(PGconn *connection, uint64_t event_id,
                                       struct audit_tables_room *room,
                                       char error[AUDIT_ERROR_SIZE]) {
    struct audit_tables *tables = calloc(1, sizeof *tables);
    ensure(tables != NULL);
    *tables = (struct audit_tables){
        .connection = connection,
        .turns = {.fetch = "FETCH 1000 FROM audit_turns"},
        .bookings = {.fetch = "FETCH 1000 FROM audit_bookings"},
    };
    *room = (struct audit_tables_room){.header = {.event_id = event_id}};
    (void)snprintf(tables->event_id, sizeof tables->event_id, "%" PRIu64, event_id);
    if (run_command(tables, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", 0, error) &&
        read_room(tables, room, error) && run_command(tables, declare_turns, 1, error) &&
        run_command(tables, declare_bookings, 1, error))
        return tables;
    audit_tables_close(tables);
    return NULL;
}

void audit_tables_close(struct audit_tables *tables) {
    if (tables == NULL)
        return;
    PQclear(tables->turns.rows);
    PQclear(tables->bookings.rows);
    PQclear(PQexec(tables->connection, "ROLLBACK"));
    free(tables);
}

/* --- rows */

static enum status next_row(struct audit_tables *tables, struct cursor *cursor,
                            char error[AUDIT_ERROR_SIZE]) {
    if (cursor->rows != NULL && ++cursor->row < PQntuples(cursor->rows))
        return STATUS_OK;
    PQclear(cursor->rows);
    cursor->row = 0;
    cursor->rows = run(tables, cursor->fetch, NULL, 0, error);
    if (cursor->rows == NULL)
        return STATUS_UNAVAILABLE;
    return PQntuples(cursor->rows) > 0 ? STATUS_OK : STATUS_NOT_FOUND;
}

enum status audit_tables_turn(struct audit_tables *tables, struct audit_turn_row *row,
                              char error[AUDIT_ERROR_SIZE]) {
    struct cursor *cursor = &tables->turns;
    enum status status = next_row(tables, cursor, error);
    if (status != STATUS_OK)
        return status;
    *row = (struct audit_turn_row){
        .number = (uint64_t)number_at(cursor->rows, cursor->row, 0),
        .user = user_at(cursor->rows, cursor->row, 1),
        .state = (enum turn_state)number_at(cursor->rows, cursor->row, 2),
        .joined_us = number_at(cursor->rows, cursor->row, 3),
        .called_us = number_at(cursor->rows, cursor->row, 4),
        .ended_us = number_at(cursor->rows, cursor->row, 5),
        .account_since_us = number_at(cursor->rows, cursor->row, 6),
        .guest_until_us = number_at(cursor->rows, cursor->row, 7),
    };
    return STATUS_OK;
}

enum status audit_tables_booking(struct audit_tables *tables, struct audit_booking_row *row,
                                 char error[AUDIT_ERROR_SIZE]) {
    struct cursor *cursor = &tables->bookings;
    enum status status = next_row(tables, cursor, error);
    if (status != STATUS_OK)
        return status;
    *row = (struct audit_booking_row){
        .number = (uint64_t)number_at(cursor->rows, cursor->row, 0),
        .booking = {.user = user_at(cursor->rows, cursor->row, 1),
                    .created_us = number_at(cursor->rows, cursor->row, 2),
                    .status = (enum booking_status)number_at(cursor->rows, cursor->row, 3),
                    .linked = is_true(cursor->rows, cursor->row, 4)},
    };
    return STATUS_OK;
}

enum status audit_tables_link(struct audit_tables *tables, const struct id128 *guest,
                              const struct id128 *account, int64_t *linked_us,
                              char error[AUDIT_ERROR_SIZE]) {
    char guest_text[UUID_TEXT_SIZE], account_text[UUID_TEXT_SIZE];
    const char *const parameters[] = {id128_to_uuid(guest, guest_text),
                                      id128_to_uuid(account, account_text)};
    PGresult *result = run(tables, select_link, parameters, ARRAY_LEN(parameters), error);
    if (result == NULL)
        return STATUS_UNAVAILABLE;
    *linked_us = PQntuples(result) > 0 ? number_at(result, 0, 0) : 0;
    PQclear(result);
    return STATUS_OK;
}
