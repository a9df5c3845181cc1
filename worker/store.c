#include "worker/store_private.h"

#include "worker/store.h"

#include "shared/catalogue_sql.h"

#include <stdlib.h>

const struct database_statement store_begin = {"begin", "BEGIN", 0, {0}};
const struct database_statement store_begin_snapshot = {
    "begin_snapshot", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", 0, {0}};
const struct database_statement store_commit = {"commit", "COMMIT", 0, {0}};
const struct database_statement store_rollback = {"rollback", "ROLLBACK", 0, {0}};

#define FENCE                                                                                      \
    "SELECT p.partition_id FROM usher.partition p "                                                \
    "JOIN unnest($1, $2) AS mine(partition_id, epoch) USING (partition_id, epoch) ORDER BY "       \
    "p.partition_id"

const struct database_statement store_fence_lock = {
    "fence_lock", FENCE " FOR NO KEY UPDATE OF p", 2, {T_INT2_ARRAY, T_INT8_ARRAY}};
const struct database_statement store_fence_look = {
    "fence_look", FENCE, 2, {T_INT2_ARRAY, T_INT8_ARRAY}};

#define HOLD_TIMES US_TO_TIME("created") ", deadline, " US_TO_TIME("expires")

/* What is inserted is unnested in a select list: in FROM, all rows would be gathered once more
 * before the first of them is inserted, which costs a tenth of the whole. */
const struct database_statement store_insert_bookings = {
    "insert_bookings",
    "INSERT INTO usher.booking (event_id, booking_id, user_id, status, body_hash, seats, prices, "
    "amount, currency, created_at, deadline_served_ms, expires_at, contact_name, contact_email, "
    "queue_number) "
    "SELECT event_id, booking_id, user_id, status, body_hash, ($8)[first:last], ($9)[first:last], "
    "amount, currency, " HOLD_TIMES ", nullif(name, ''), nullif(email, ''), "
    "nullif(queue_number, 0) "
    "FROM (SELECT unnest($1) AS event_id, unnest($2) AS booking_id, unnest($3) AS user_id, "
    "unnest($4) AS status, unnest($5) AS body_hash, unnest($6) AS first, unnest($7) AS last, "
    "unnest($10) AS amount, unnest($11) AS currency, unnest($12) AS created, "
    "unnest($13) AS deadline, unnest($14) AS expires, unnest($15) AS name, unnest($16) AS email, "
    "unnest($17) AS queue_number) AS made",
    17,
    {T_INT8_ARRAY, T_UUID_ARRAY, T_UUID_ARRAY, T_INT2_ARRAY, T_INT8_ARRAY, T_INT4_ARRAY,
     T_INT4_ARRAY, T_INT4_ARRAY, T_INT8_ARRAY, T_INT8_ARRAY, T_TEXT_ARRAY, T_INT8_ARRAY,
     T_INT8_ARRAY, T_INT8_ARRAY, T_TEXT_ARRAY, T_TEXT_ARRAY, T_INT8_ARRAY}};

const struct database_statement store_update_bookings = {
    "update_bookings",
    "UPDATE usher.booking b SET status = new.after, user_id = new.user_after, "
    "contact_name = coalesce(nullif(name, ''), "
    "contact_name), "
    "contact_email = coalesce(nullif(email, ''), contact_email) "
    "FROM unnest($1, $2, $3, $4, $5, $6, $7, $8) AS new(event_id, booking_id, before, after, "
    "user_before, user_after, name, email) "
    "WHERE b.event_id = new.event_id AND b.booking_id = new.booking_id AND b.status = new.before "
    "AND b.user_id = new.user_before",
    8,
    {T_INT8_ARRAY, T_UUID_ARRAY, T_INT2_ARRAY, T_INT2_ARRAY, T_UUID_ARRAY, T_UUID_ARRAY,
     T_TEXT_ARRAY, T_TEXT_ARRAY}};

const struct database_statement store_delete_claims = {
    "delete_claims",
    "DELETE FROM usher.seat_claim c USING unnest($1, $2, $3) AS freed(event_id, seat, booking_id) "
    "WHERE c.event_id = freed.event_id AND c.seat = freed.seat AND c.booking_id = freed.booking_id",
    3,
    {T_INT8_ARRAY, T_INT4_ARRAY, T_UUID_ARRAY}};

const struct database_statement store_update_claims = {
    "update_claims",
    "UPDATE usher.seat_claim c SET booking_id = new.after "
    "FROM unnest($1, $2, $3, $4) AS new(event_id, seat, before, after) "
    "WHERE c.event_id = new.event_id AND c.seat = new.seat AND c.booking_id = new.before",
    4,
    {T_INT8_ARRAY, T_INT4_ARRAY, T_UUID_ARRAY, T_UUID_ARRAY}};

const struct database_statement store_insert_claims = {
    "insert_claims",
    "INSERT INTO usher.seat_claim (event_id, seat, booking_id) "
    "SELECT unnest($1), unnest($2), unnest($3)",
    3,
    {T_INT8_ARRAY, T_INT4_ARRAY, T_UUID_ARRAY}};

const struct database_statement store_update_shows = {
    "update_shows",
    "UPDATE usher.show s SET seats_version = new.version, seats_available = new.available, "
    "open_holds = new.holds FROM unnest($1, $2, $3, $4, $5) AS new(event_id, was, version, "
    "available, holds) "
    "WHERE s.event_id = new.event_id AND s.seats_version = new.was",
    5,
    {T_INT8_ARRAY, T_INT8_ARRAY, T_INT8_ARRAY, T_INT4_ARRAY, T_INT4_ARRAY}};

const struct database_statement store_update_served = {
    "update_served",
    "UPDATE usher.partition p SET served_ms = new.served_ms "
    "FROM unnest($1, $2) AS new(partition_id, served_ms) WHERE p.partition_id = new.partition_id",
    2,
    {T_INT2_ARRAY, T_INT8_ARRAY}};

#define EVENT_TIMES                                                                                \
    OPTIONAL_TIME_TO_US("e.on_sale_time") ", " OPTIONAL_TIME_TO_US("e.sale_end_time")

const struct database_statement store_select_event = {
    "select_event",
    "SELECT s.seats_version, l.seat_count, e.state, " EVENT_TIMES ", e.hold_seconds, "
    "e.seats_per_user, e.guests, e.prices, e.currency, e.room "
    "FROM usher.event e JOIN usher.show s USING (event_id) "
    "JOIN usher.layout l USING (venue_id, layout_version) WHERE e.event_id = $1",
    1,
    {T_INT8}};

const struct database_statement store_select_sections = {
    "select_sections",
    "SELECT s.first_seat, s.seat_count, s.category_no, s.general FROM usher.event e "
    "JOIN usher.layout_section s USING (venue_id, layout_version) WHERE e.event_id = $1 ORDER BY "
    "s.section_no",
    1,
    {T_INT8}};

#define BOOKING_COLUMNS                                                                            \
    "b.event_id, b.booking_id, b.user_id, b.status, b.body_hash, b.seats, b.prices, b.amount, "    \
    "b.currency, " TIME_TO_US("b.created_at") ", b.deadline_served_ms, " TIME_TO_US(               \
        "b.expires_at") ", coalesce(b.queue_number, 0) "

const struct database_statement store_select_live = {
    "select_live",
    "SELECT " BOOKING_COLUMNS "FROM usher.booking b WHERE b.event_id = $1 AND b.booking_id IN "
    "(SELECT c.booking_id FROM usher.seat_claim c WHERE c.event_id = $1)",
    1,
    {T_INT8}};

const struct database_statement store_select_blocked = {
    "select_blocked",
    "SELECT seat FROM usher.seat_claim WHERE event_id = $1 AND booking_id IS NULL",
    1,
    {T_INT8}};

const struct database_statement store_select_ended = {
    "select_ended",
    "SELECT booking_id FROM usher.booking WHERE event_id = $1 AND status IN (3, 4) LIMIT $2",
    2,
    {T_INT8, T_INT8}};

const struct database_statement store_select_booking = {
    "select_booking",
    "SELECT " BOOKING_COLUMNS "FROM usher.booking b WHERE b.event_id = $1 AND b.booking_id = $2",
    2,
    {T_INT8, T_UUID}};

const struct database_statement *const store_write_statements[] = {
    &store_begin,
    &store_commit,
    &store_rollback,
    &store_fence_lock,
    &store_fence_look,
    &store_insert_bookings,
    &store_update_bookings,
    &store_delete_claims,
    &store_update_claims,
    &store_insert_claims,
    &store_update_shows,
    &store_update_served,
    &store_insert_turns,
    &store_update_turns,
    &store_insert_rooms,
    &store_update_rooms,
    &store_insert_spans,
    &catalogue_update_event,
    NULL,
};

const struct database_statement *const store_load_statements[] = {
    &store_begin_snapshot,     &store_commit,
    &store_rollback,           &store_select_event,
    &store_select_sections,    &store_select_live,
    &store_select_blocked,     &store_select_ended,
    &store_select_booking,     &store_select_room,
    &store_select_spans,       &store_select_turns,
    &store_select_busy_events, NULL,
};

static bool read_settings(const PGresult *event, struct show_settings *settings) {
    int32_t state = database_i16(event, 0, 2);
    int32_t hold_seconds = database_i32(event, 0, 5);
    int32_t seats_per_user = database_i32(event, 0, 6);
    *settings = (struct show_settings){
        .state = (enum show_state)state,
        .on_sale_us = database_i64(event, 0, 3),
        .sale_end_us = database_i64(event, 0, 4),
        .hold_ms = hold_seconds * INT64_C(1000),
        .seats_per_user = (uint32_t)seats_per_user,
        .guests = database_bool(event, 0, 7),
    };
    size_t prices = database_i64_array(event, 0, 8, settings->prices, PRICE_CATEGORIES_MAX);
    const char *currency = database_text(event, 0, 9);
    if (state < SHOW_DRAFT || state > SHOW_CANCELLED || hold_seconds < 1 || seats_per_user < 1 ||
        prices < 1 || prices > PRICE_CATEGORIES_MAX || strlen(currency) != CURRENCY_SIZE - 1)
        return false;
    for (size_t i = 0; i < prices; i++)
        if (settings->prices[i] < 0)
            return false;
    settings->price_count = (uint32_t)prices;
    memcpy(settings->currency, currency, CURRENCY_SIZE);
    return true;
}

/* Sections must follow one another and cover all seats: the engine aborts on anything else. */
static bool read_sections(const PGresult *rows, struct store_show *show) {
    uint32_t next_seat = 0;
    for (uint32_t i = 0; i < show->section_count; i++) {
        int row = (int)i;
        int32_t category = database_i16(rows, row, 2);
        struct show_section *section = &show->sections[i];
        *section = (struct show_section){
            .first_seat = (uint32_t)database_i32(rows, row, 0),
            .seat_count = (uint32_t)database_i32(rows, row, 1),
            .price_category = (uint16_t)category,
            .general = database_bool(rows, row, 3),
        };
        if (section->first_seat != next_seat || section->seat_count > SHOW_SEATS_MAX ||
            category < 0 || (uint32_t)category >= show->settings.price_count)
            return false;
        next_seat += section->seat_count;
    }
    return next_seat == show->seat_count;
}

enum status store_read_show(const PGresult *event, const PGresult *sections,
                            struct store_show *show) {
    *show = (struct store_show){0};
    if (PQntuples(event) == 0)
        return STATUS_NOT_FOUND;
    int section_count = PQntuples(sections);
    show->seats_version = (uint64_t)database_i64(event, 0, 0);
    show->seat_count = (uint32_t)database_i32(event, 0, 1);
    if (show->seat_count < 1 || show->seat_count > SHOW_SEATS_MAX || section_count < 1 ||
        section_count > SHOW_SECTIONS_MAX || !read_settings(event, &show->settings))
        return STATUS_INVALID;
    room_settings_default(&show->room);
    enum status status = room_settings_apply(&show->room, database_jsonb(event, 0, 10));
    if (status != STATUS_OK)
        return status;
    show->section_count = (uint32_t)section_count;
    show->sections = calloc(show->section_count, sizeof *show->sections);
    if (!show->sections)
        return STATUS_NO_MEMORY;
    if (!read_sections(sections, show)) {
        free(show->sections);
        show->sections = NULL;
        return STATUS_INVALID;
    }
    return STATUS_OK;
}

bool store_read_booking(const PGresult *result, int row, struct booking *booking) {
    *booking = (struct booking){
        .event_id = (uint64_t)database_i64(result, row, 0),
        .id = database_uuid(result, row, 1),
        .user = database_uuid(result, row, 2),
        .status = (enum booking_status)database_i16(result, row, 3),
        .body_hash = (uint64_t)database_i64(result, row, 4),
        .amount = database_i64(result, row, 7),
        .created_us = database_i64(result, row, 9),
        .deadline_served_ms = database_i64(result, row, 10),
        .expires_us = database_i64(result, row, 11),
        .queue_number = (uint64_t)database_i64(result, row, 12),
    };
    int32_t seats[BOOKING_SEATS_MAX];
    size_t seat_count = database_i32_array(result, row, 5, seats, BOOKING_SEATS_MAX);
    size_t price_count = database_i64_array(result, row, 6, booking->prices, BOOKING_SEATS_MAX);
    const char *currency = database_text(result, row, 8);
    if (seat_count < 1 || seat_count > BOOKING_SEATS_MAX || price_count != seat_count ||
        strlen(currency) != CURRENCY_SIZE - 1)
        return false;
    for (size_t i = 0; i < seat_count; i++) {
        if (seats[i] < 0)
            return false;
        booking->seats[i] = (uint32_t)seats[i];
    }
    booking->seat_count = (uint32_t)seat_count;
    memcpy(booking->currency, currency, CURRENCY_SIZE);
    return true;
}
