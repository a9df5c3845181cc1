/* The statements about rooms and turns; see worker/store.h. */
#include "worker/store_private.h"

#include "worker/store.h"

#define OPTIONAL_US(us) US_TO_TIME("nullif(" us ", 0)")
#define TURN_BOOKING "nullif(new.booking_id, '00000000-0000-0000-0000-000000000000')"
#define TURN_TIMES OPTIONAL_US("joined") ", " OPTIONAL_US("called") ", " OPTIONAL_US("ended")

const struct database_statement store_insert_turns = {
    "insert_turns",
    "INSERT INTO usher.turn (event_id, number, user_id, state, joined_at, called_at, ended_at, "
    "deadline_served_ms, booking_id) "
    "SELECT event_id, number, user_id, state, " TURN_TIMES ", deadline, " TURN_BOOKING " "
    "FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9) AS new(event_id, number, user_id, state, "
    "joined, called, deadline, booking_id, ended)",
    9,
    {T_INT8_ARRAY, T_INT8_ARRAY, T_UUID_ARRAY, T_INT2_ARRAY, T_INT8_ARRAY, T_INT8_ARRAY,
     T_INT8_ARRAY, T_UUID_ARRAY, T_INT8_ARRAY}};

const struct database_statement store_update_turns = {
    "update_turns",
    "UPDATE usher.turn t SET user_id = new.user_id, state = new.state, "
    "(joined_at, called_at, ended_at) = (" TURN_TIMES "), deadline_served_ms = deadline, "
    "booking_id = " TURN_BOOKING " "
    "FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) AS new(event_id, number, user_id, "
    "state, joined, called, deadline, booking_id, ended, state_before, user_before) "
    "WHERE t.event_id = new.event_id AND t.number = new.number "
    "AND t.state = new.state_before AND t.user_id = new.user_before",
    11,
    {T_INT8_ARRAY, T_INT8_ARRAY, T_UUID_ARRAY, T_INT2_ARRAY, T_INT8_ARRAY, T_INT8_ARRAY,
     T_INT8_ARRAY, T_UUID_ARRAY, T_INT8_ARRAY, T_INT2_ARRAY, T_UUID_ARRAY}};

#define RECORD_COLUMNS "admitted_to, issued_to, claimed, missed, gone, bought"

const struct database_statement store_insert_rooms = {
    "insert_rooms",
    "INSERT INTO usher.room (event_id, " RECORD_COLUMNS ") "
    "SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7)",
    7,
    {T_INT8_ARRAY, T_INT8_ARRAY, T_INT8_ARRAY, T_INT8_ARRAY, T_INT8_ARRAY, T_INT8_ARRAY,
     T_INT8_ARRAY}};

const struct database_statement store_update_rooms = {
    "update_rooms",
    "UPDATE usher.room r SET admitted_to = new.admitted_to, issued_to = new.issued_to, "
    "claimed = new.claimed, missed = new.missed, gone = new.gone, bought = new.bought "
    "FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9) AS new(event_id, " RECORD_COLUMNS ", "
    "admitted_before, issued_before) WHERE r.event_id = new.event_id "
    "AND r.admitted_to = new.admitted_before AND r.issued_to = new.issued_before",
    9,
    {T_INT8_ARRAY, T_INT8_ARRAY, T_INT8_ARRAY, T_INT8_ARRAY, T_INT8_ARRAY, T_INT8_ARRAY,
     T_INT8_ARRAY, T_INT8_ARRAY, T_INT8_ARRAY}};

#define SPAN_COLUMNS                                                                               \
    "span_no, first_number, first_sequence, stream_no, server_id, created, admitted_to, "          \
    "vouched_served_ms"

const struct database_statement store_insert_spans = {
    "insert_spans",
    "INSERT INTO usher.room_span (event_id, " SPAN_COLUMNS ") "
    "SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    9,
    {T_INT8_ARRAY, T_INT4_ARRAY, T_INT8_ARRAY, T_INT8_ARRAY, T_INT4_ARRAY, T_TEXT_ARRAY,
     T_TEXT_ARRAY, T_INT8_ARRAY, T_INT8_ARRAY}};

const struct database_statement store_select_room = {
    "select_room", "SELECT " RECORD_COLUMNS " FROM usher.room WHERE event_id = $1", 1, {T_INT8}};

const struct database_statement store_select_spans = {
    "select_spans",
    "SELECT " SPAN_COLUMNS " FROM usher.room_span WHERE event_id = $1 ORDER BY span_no",
    1,
    {T_INT8}};

#define JOINED_US OPTIONAL_TIME_TO_US("t.joined_at")
#define CALLED_US OPTIONAL_TIME_TO_US("t.called_at")
#define ENDED_US OPTIONAL_TIME_TO_US("t.ended_at")
#define TURNS                                                                                      \
    "SELECT t.number, t.user_id, t.state, " JOINED_US ", " CALLED_US ", " ENDED_US ", "            \
    "t.deadline_served_ms, t.booking_id FROM usher.turn t "

/* Those that have not ended (1 … 3); those that the door has not reached; those of gaps, which lie
 * where the door had not been when a span began, and were never read from a stream. */
const struct database_statement store_select_turns = {
    "select_turns",
    TURNS "WHERE t.event_id = $1 AND t.state <= 3 UNION " TURNS
          "WHERE t.event_id = $1 AND t.number > "
          "coalesce((SELECT admitted_to FROM usher.room WHERE event_id = $1), 0) UNION " TURNS
          "JOIN usher.room_span s USING (event_id) WHERE t.event_id = $1 "
          "AND t.number > s.admitted_to AND t.number < s.first_number AND t.joined_at IS NULL",
    1,
    {T_INT8}};

const struct database_statement store_select_busy_events = {
    "select_busy_events",
    "SELECT event_id FROM usher.show WHERE partition_id = ANY($1) AND open_holds > 0 "
    "UNION SELECT event_id FROM usher.event WHERE partition_id = ANY($1) "
    "AND room ->> 'mode' IN ('open', 'paused') AND state IN (1, 2) "
    "AND (sale_end_time IS NULL OR sale_end_time > clock_timestamp()) "
    "UNION SELECT s.event_id FROM usher.room JOIN usher.show s USING (event_id) "
    "WHERE s.partition_id = ANY($1) AND EXISTS "
    "(SELECT FROM usher.turn t WHERE t.event_id = s.event_id AND t.state IN (2, 3))",
    1,
    {T_INT2_ARRAY}};

bool store_read_record(const PGresult *result, int row, struct room_record *record) {
    *record = (struct room_record){
        .admitted_to = (uint64_t)database_i64(result, row, 0),
        .issued_to = (uint64_t)database_i64(result, row, 1),
        .claimed = (uint64_t)database_i64(result, row, 2),
        .missed = (uint64_t)database_i64(result, row, 3),
        .left = (uint64_t)database_i64(result, row, 4),
        .bought = (uint64_t)database_i64(result, row, 5),
    };
    return record->issued_to <= INT64_MAX && record->admitted_to <= record->issued_to;
}

static bool read_text(const PGresult *result, int row, int column, char *text, size_t size_bytes) {
    const char *stored = database_text(result, row, column);
    size_t length = strlen(stored);
    if (length >= size_bytes)
        return false;
    memcpy(text, stored, length + 1);
    return true;
}

bool store_read_vouch(const PGresult *result, int row, struct room_vouch *vouch) {
    int64_t first_number = database_i64(result, row, 1);
    int64_t first_sequence = database_i64(result, row, 2);
    int32_t stream = database_i32(result, row, 3);
    *vouch = (struct room_vouch){
        .span = {.first_number = (uint64_t)first_number,
                 .first_sequence = (uint64_t)first_sequence,
                 .stream = (uint32_t)stream},
        .admitted_to = (uint64_t)database_i64(result, row, 6),
        .vouched_served_ms = database_i64(result, row, 7),
    };
    return database_i32(result, row, 0) == row && first_number > 0 && first_sequence > 0 &&
           stream >= 0 && vouch->admitted_to <= INT64_MAX &&
           read_text(result, row, 4, vouch->server_id, sizeof vouch->server_id) &&
           read_text(result, row, 5, vouch->created, sizeof vouch->created);
}

bool store_read_turn(const PGresult *result, int row, struct turn *turn) {
    int64_t number = database_i64(result, row, 0);
    int16_t state = database_i16(result, row, 2);
    *turn = (struct turn){
        .number = (uint64_t)number,
        .user = database_uuid(result, row, 1),
        .state = (enum turn_state)state,
        .joined_us = database_i64(result, row, 3),
        .called_us = database_i64(result, row, 4),
        .ended_us = database_i64(result, row, 5),
        .deadline_served_ms = database_i64(result, row, 6),
    };
    if (!database_is_null(result, row, 7))
        turn->booking_id = database_uuid(result, row, 7);
    return number > 0 && state > TURN_NONE && state <= TURN_STATE_LAST;
}
