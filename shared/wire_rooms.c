#include "shared/wire_private.h"

enum {
    /* Of a room without its spans: three texts' lengths and 26 numbers. */
    ROOM_RECORD_MAX_BYTES =
        ROOM_MESSAGE_SIZE + ROOM_SERVER_ID_SIZE + ROOM_CREATED_SIZE + 29 * WIRE_VARINT_MAX_BYTES,
    SPAN_MAX_BYTES = 3 * WIRE_VARINT_MAX_BYTES,
    GRANT_RECORD_MAX_BYTES = ROOM_SERVER_ID_SIZE + ROOM_CREATED_SIZE + 8 * WIRE_VARINT_MAX_BYTES,
    PERSON_RECORD_MAX_BYTES = 2 * (int)sizeof(struct id128) + 5 * WIRE_VARINT_MAX_BYTES,
};

/* --- rooms */

static uint8_t *put_settings(uint8_t *at, const struct room_settings *settings) {
    at = wire_put_varint(at, settings->mode);
    at = wire_put_signed(at, settings->open_us);
    at = wire_put_varint(at, settings->admits_per_minute);
    at = wire_put_varint(at, settings->max_shoppers);
    at = wire_put_varint(at, (uint64_t)settings->claim_ms);
    at = wire_put_varint(at, (uint64_t)settings->pass_ms);
    return wire_put_text(at, settings->message);
}

static void get_settings(struct wire_cursor *cursor, struct room_settings *settings) {
    settings->mode = (enum room_mode)wire_get_varint(cursor, ROOM_MODE_CLOSED);
    settings->open_us = wire_get_signed(cursor);
    settings->admits_per_minute = (uint32_t)wire_get_positive(cursor, ROOM_PEOPLE_MAX);
    settings->max_shoppers = (uint32_t)wire_get_positive(cursor, ROOM_PEOPLE_MAX);
    settings->claim_ms = (int64_t)wire_get_positive(cursor, (uint64_t)ROOM_SECONDS_MAX * 1000);
    settings->pass_ms = (int64_t)wire_get_positive(cursor, (uint64_t)ROOM_SECONDS_MAX * 1000);
    wire_get_text(cursor, settings->message, sizeof settings->message);
}

static uint8_t *put_sale(uint8_t *at, const struct room_sale *sale) {
    at = wire_put_varint(at, sale->state);
    at = wire_put_signed(at, sale->on_sale_us);
    at = wire_put_signed(at, sale->sale_end_us);
    return wire_put_varint(at, sale->sold_out);
}

static void get_sale(struct wire_cursor *cursor, struct room_sale *sale) {
    sale->state = (uint32_t)wire_get_varint(cursor, SHOW_CANCELLED);
    sale->on_sale_us = wire_get_signed(cursor);
    sale->sale_end_us = wire_get_signed(cursor);
    sale->sold_out = wire_get_varint(cursor, 1) == 1;
}

static uint8_t *put_line(uint8_t *at, const struct room_line *line) {
    at = wire_put_varint(at, line->count);
    for (uint32_t i = 0; i < line->count; i++) {
        at = wire_put_varint(at, line->spans[i].first_number);
        at = wire_put_varint(at, line->spans[i].first_sequence);
        at = wire_put_varint(at, line->spans[i].stream);
    }
    return at;
}

static void get_line(struct wire_cursor *cursor, struct room_line *line) {
    uint64_t count = wire_get_varint(cursor, ROOM_SPANS_MAX);
    for (uint64_t i = 0; i < count && cursor->status == STATUS_OK; i++) {
        struct room_span span;
        span.first_number = wire_get_varint(cursor, ROOM_NUMBER_MAX);
        span.first_sequence = wire_get_varint(cursor, ROOM_NUMBER_MAX);
        span.stream = (uint32_t)wire_get_varint(cursor, ROOM_SPANS_MAX - 1);
        if (room_line_add(line, &span) != STATUS_OK)
            wire_cursor_fail(cursor, STATUS_INVALID);
    }
}

static uint8_t *put_room(uint8_t *at, const struct room_state *room) {
    at = wire_put_varint(at, room->event_id);
    at = wire_put_varint(at, room->partition);
    at = wire_put_varint(at, room->instance);
    at = wire_put_varint(at, room->epoch);
    at = put_settings(at, &room->settings);
    at = put_sale(at, &room->sale);
    at = wire_put_text(at, room->server_id);
    at = wire_put_text(at, room->created);
    at = put_line(at, &room->line);
    at = wire_put_varint(at, room->now_serving);
    at = wire_put_varint(at, room->issued_to);
    at = wire_put_varint(at, room->last_number);
    at = wire_put_varint(at, room->admits_per_hour);
    at = wire_put_varint(at, room->joins_per_minute);
    at = wire_put_varint(at, room->oldest_wait_seconds);
    at = wire_put_varint(at, room->called);
    at = wire_put_varint(at, room->passes);
    at = wire_put_varint(at, room->claimed);
    at = wire_put_varint(at, room->missed);
    at = wire_put_varint(at, room->left);
    at = wire_put_varint(at, room->bought);
    return wire_put_signed(at, room->updated_us);
}

static void get_room(struct wire_cursor *cursor, void *record) {
    struct room_state *room = record;
    memset(room, 0, sizeof *room);
    room->event_id = wire_get_positive(cursor, INT64_MAX);
    room->partition = (uint32_t)wire_get_varint(cursor, PARTITION_COUNT - 1);
    room->instance = wire_get_varint(cursor, UINT64_MAX);
    room->epoch = wire_get_varint(cursor, UINT64_MAX);
    get_settings(cursor, &room->settings);
    get_sale(cursor, &room->sale);
    wire_get_text(cursor, room->server_id, sizeof room->server_id);
    wire_get_text(cursor, room->created, sizeof room->created);
    get_line(cursor, &room->line);
    room->now_serving = wire_get_varint(cursor, ROOM_NUMBER_MAX);
    room->issued_to = wire_get_varint(cursor, ROOM_NUMBER_MAX);
    room->last_number = wire_get_varint(cursor, ROOM_NUMBER_MAX);
    room->admits_per_hour = (uint32_t)wire_get_varint(cursor, UINT32_MAX);
    room->joins_per_minute = (uint32_t)wire_get_varint(cursor, UINT32_MAX);
    room->oldest_wait_seconds = (uint32_t)wire_get_varint(cursor, UINT32_MAX);
    room->called = (uint32_t)wire_get_varint(cursor, UINT32_MAX);
    room->passes = (uint32_t)wire_get_varint(cursor, UINT32_MAX);
    room->claimed = wire_get_varint(cursor, UINT64_MAX);
    room->missed = wire_get_varint(cursor, UINT64_MAX);
    room->left = wire_get_varint(cursor, UINT64_MAX);
    room->bought = wire_get_varint(cursor, UINT64_MAX);
    room->updated_us = wire_get_signed(cursor);
    if (room->now_serving > room->issued_to)
        wire_cursor_fail(cursor, STATUS_INVALID);
}

/* The record was ended at `before` … end: all of it is the sender's own, so it decodes. */
static void ensure_decodes(const struct wire_buffer *buffer, size_t before, wire_get_record *get,
                           void *record) {
    struct wire_cursor cursor = wire_record_open(buffer, before);
    get(&cursor, record);
    ensure(cursor.status == STATUS_OK);
}

void wire_rooms_begin(struct wire_buffer *buffer) {
    wire_frame_begin(buffer, WIRE_ROOMS);
}

enum status wire_rooms_add(struct wire_buffer *buffer, const struct room_state *room) {
    ensure(room->line.count <= ROOM_SPANS_MAX);
    size_t before = buffer->size_bytes;
    size_t bytes = ROOM_RECORD_MAX_BYTES + (size_t)room->line.count * SPAN_MAX_BYTES;
    uint8_t *at;
    enum status status = wire_record_begin(buffer, bytes, &at);
    if (status == STATUS_OK)
        status = wire_record_end(buffer, put_room(at, room));
    struct room_state check;
    if (status == STATUS_OK)
        ensure_decodes(buffer, before, get_room, &check);
    return status;
}

enum status wire_rooms_open(struct wire_reader *reader, const void *data, size_t size_bytes) {
    uint32_t records;
    struct wire_cursor cursor = wire_frame_open(data, size_bytes, WIRE_ROOMS, &records);
    struct room_state room;
    return wire_records_open(reader, &cursor, records, get_room, &room);
}

bool wire_rooms_next(struct wire_reader *reader, struct room_state *room) {
    return wire_records_next(reader, get_room, room);
}

/* --- grants */

static uint8_t *put_grant(uint8_t *at, const struct room_grant *grant) {
    at = wire_put_varint(at, grant->event_id);
    at = wire_put_varint(at, grant->partition);
    at = wire_put_varint(at, grant->epoch);
    at = wire_put_text(at, grant->server_id);
    at = wire_put_text(at, grant->created);
    at = wire_put_varint(at, grant->from_number);
    at = wire_put_varint(at, grant->from_sequence);
    return wire_put_varint(at, grant->count);
}

static void get_grant(struct wire_cursor *cursor, void *record) {
    struct room_grant *grant = record;
    memset(grant, 0, sizeof *grant);
    grant->event_id = wire_get_positive(cursor, INT64_MAX);
    grant->partition = (uint32_t)wire_get_varint(cursor, PARTITION_COUNT - 1);
    grant->epoch = wire_get_varint(cursor, UINT64_MAX);
    wire_get_text(cursor, grant->server_id, sizeof grant->server_id);
    wire_get_text(cursor, grant->created, sizeof grant->created);
    grant->from_number = wire_get_positive(cursor, ROOM_NUMBER_MAX);
    grant->from_sequence = wire_get_positive(cursor, ROOM_NUMBER_MAX);
    grant->count = (uint32_t)wire_get_positive(cursor, ROOM_REPORT_MAX);
}

enum status wire_grant_encode(struct wire_buffer *buffer, const struct room_grant *grant) {
    wire_frame_begin(buffer, WIRE_GRANT);
    size_t before = buffer->size_bytes;
    uint8_t *at;
    enum status status = wire_record_begin(buffer, GRANT_RECORD_MAX_BYTES, &at);
    if (status == STATUS_OK)
        status = wire_record_end(buffer, put_grant(at, grant));
    struct room_grant check;
    if (status == STATUS_OK)
        ensure_decodes(buffer, before, get_grant, &check);
    return status;
}

enum status wire_grant_decode(struct room_grant *grant, const void *data, size_t size_bytes) {
    uint32_t records;
    struct wire_cursor cursor = wire_frame_open(data, size_bytes, WIRE_GRANT, &records);
    if (cursor.status == STATUS_OK && records != 1)
        wire_cursor_fail(&cursor, STATUS_INVALID);
    get_grant(&cursor, grant);
    return wire_frame_close(&cursor);
}

/* --- people */

static uint8_t *put_person(uint8_t *at, const struct wire_person *person) {
    at = wire_put_varint(at, person->kind);
    at = wire_put_varint(at, person->event_id);
    at = wire_put_id(at, &person->user);
    switch (person->kind) {
    case WIRE_PERSON_TURN:
        at = wire_put_varint(at, person->number);
        at = wire_put_varint(at, person->turn);
        return wire_put_signed(at, person->expires_us);
    case WIRE_PERSON_BOOKING:
        return wire_put_varint(wire_put_id(at, &person->booking_id), person->status);
    }
    return at;
}

/* What its kind does not use is 0. */
static void get_person(struct wire_cursor *cursor, void *record) {
    struct wire_person *person = record;
    memset(person, 0, sizeof *person);
    person->kind = (enum wire_person_kind)wire_get_positive(cursor, WIRE_PERSON_BOOKING);
    person->event_id = wire_get_positive(cursor, INT64_MAX);
    wire_get_id(cursor, &person->user);
    if (person->kind == WIRE_PERSON_TURN) {
        person->number = wire_get_positive(cursor, ROOM_NUMBER_MAX);
        person->turn = (enum turn_state)wire_get_positive(cursor, TURN_STATE_LAST);
        person->expires_us = wire_get_signed(cursor);
    } else {
        wire_get_id(cursor, &person->booking_id);
        person->status = (enum booking_status)wire_get_positive(cursor, BOOKING_EXPIRED);
    }
}

void wire_people_begin(struct wire_buffer *buffer) {
    wire_frame_begin(buffer, WIRE_PEOPLE);
}

enum status wire_people_add(struct wire_buffer *buffer, const struct wire_person *person) {
    size_t before = buffer->size_bytes;
    uint8_t *at;
    enum status status = wire_record_begin(buffer, PERSON_RECORD_MAX_BYTES, &at);
    if (status == STATUS_OK)
        status = wire_record_end(buffer, put_person(at, person));
    struct wire_person check;
    if (status == STATUS_OK)
        ensure_decodes(buffer, before, get_person, &check);
    return status;
}

enum status wire_people_open(struct wire_reader *reader, const void *data, size_t size_bytes) {
    uint32_t records;
    struct wire_cursor cursor = wire_frame_open(data, size_bytes, WIRE_PEOPLE, &records);
    struct wire_person person;
    return wire_records_open(reader, &cursor, records, get_person, &person);
}

bool wire_people_next(struct wire_reader *reader, struct wire_person *person) {
    return wire_records_next(reader, get_person, person);
}

enum status wire_ask_people_encode(struct wire_buffer *buffer) {
    return wire_empty_encode(buffer, WIRE_ASK_PEOPLE);
}

enum status wire_ask_people_decode(const void *data, size_t size_bytes) {
    return wire_empty_decode(data, size_bytes, WIRE_ASK_PEOPLE);
}
