#include "shared/wire_private.h"

/* Upper bounds of a record without its variable part (patch, packed seats): every number at its
 * longest. */
enum {
    COMMAND_RECORD_MAX_BYTES =
        4 * (int)sizeof(struct id128) + TRACE_SIZE + PAYMENT_TOKEN_SIZE + 2 * CONTACT_SIZE +
        ROOM_SERVER_ID_SIZE + ROOM_CREATED_SIZE +
        (20 + BOOKING_SEATS_MAX + 2 * BOOKING_ITEMS_MAX) * WIRE_VARINT_MAX_BYTES,
    REPLY_RECORD_MAX_BYTES = 3 * (int)sizeof(struct id128) + CURRENCY_SIZE +
                             (24 + 3 * BOOKING_SEATS_MAX) * WIRE_VARINT_MAX_BYTES,
};

enum reply_flag {
    REPLY_REPLAYED = 1,
    REPLY_BOOKING = 2,
    REPLY_SNAPSHOT = 4,
    REPLY_TURN = 8,
    REPLY_FLAGS = REPLY_REPLAYED | REPLY_BOOKING | REPLY_SNAPSHOT | REPLY_TURN,
};

static uint8_t *put_seats(uint8_t *at, const uint32_t *seats, uint32_t count) {
    at = wire_put_varint(at, count);
    for (uint32_t i = 0; i < count; i++)
        at = wire_put_varint(at, seats[i]);
    return at;
}

static uint32_t get_seats(struct wire_cursor *cursor, uint32_t seats[BOOKING_SEATS_MAX]) {
    uint32_t count = (uint32_t)wire_get_varint(cursor, BOOKING_SEATS_MAX);
    for (uint32_t i = 0; i < count; i++)
        seats[i] = (uint32_t)wire_get_varint(cursor, SHOW_SEATS_MAX - 1);
    return count;
}

/* --- commands */

static uint8_t *put_reserve(uint8_t *at, const struct command *command) {
    at = wire_put_id(at, &command->booking_id);
    at = wire_put_varint(at, command->body_hash);
    at = put_seats(at, command->seats, command->seat_count);
    at = wire_put_varint(at, command->item_count);
    for (uint32_t i = 0; i < command->item_count; i++) {
        at = wire_put_varint(at, command->items[i].section);
        at = wire_put_varint(at, command->items[i].quantity);
    }
    at = wire_put_varint(at, command->pass);
    return command->pass == PASS_GOOD ? wire_put_varint(at, command->queue_number) : at;
}

static void get_reserve(struct wire_cursor *cursor, struct command *command) {
    wire_get_id(cursor, &command->booking_id);
    command->body_hash = wire_get_varint(cursor, UINT64_MAX);
    command->seat_count = get_seats(cursor, command->seats);
    command->item_count = (uint32_t)wire_get_varint(cursor, BOOKING_ITEMS_MAX);
    for (uint32_t i = 0; i < command->item_count; i++) {
        command->items[i].section = (uint32_t)wire_get_varint(cursor, SHOW_SECTIONS_MAX - 1);
        command->items[i].quantity = (uint32_t)wire_get_varint(cursor, SHOW_SEATS_MAX);
    }
    uint64_t pass = wire_get_varint(cursor, PASS_GOOD);
    command->pass = pass == PASS_GOOD ? PASS_GOOD : pass == PASS_BAD ? PASS_BAD : PASS_NONE;
    if (command->pass == PASS_GOOD)
        command->queue_number = wire_get_positive(cursor, ROOM_NUMBER_MAX);
}

static uint8_t *put_confirm(uint8_t *at, const struct command *command) {
    at = wire_put_id(at, &command->booking_id);
    at = wire_put_text(at, command->payment_token);
    at = wire_put_text(at, command->contact_name);
    return wire_put_text(at, command->contact_email);
}

static void get_confirm(struct wire_cursor *cursor, struct command *command) {
    wire_get_id(cursor, &command->booking_id);
    wire_get_text(cursor, command->payment_token, sizeof command->payment_token);
    wire_get_text(cursor, command->contact_name, sizeof command->contact_name);
    wire_get_text(cursor, command->contact_email, sizeof command->contact_email);
}

/* With its NUL, so that the reader can use it where it lies. */
static uint8_t *put_patch(uint8_t *at, const char *patch) {
    size_t length = strlen(patch);
    return wire_put_bytes(wire_put_varint(at, length), patch, length + 1);
}

static const char *get_patch(struct wire_cursor *cursor) {
    size_t length = (size_t)wire_get_varint(cursor, EVENT_PATCH_MAX_BYTES);
    const uint8_t *bytes = wire_get_bytes(cursor, length + 1);
    if (bytes == NULL)
        return NULL;
    if (memchr(bytes, '\0', length + 1) != bytes + length) {
        wire_cursor_fail(cursor, STATUS_INVALID);
        return NULL;
    }
    return (const char *)bytes;
}

static uint8_t *put_report(uint8_t *at, const struct command *command) {
    at = wire_put_varint(at, command->queue_number);
    at = wire_put_text(at, command->server_id);
    at = wire_put_text(at, command->created);
    at = wire_put_varint(at, command->arrival_count);
    return wire_put_bytes(at, command->arrivals,
                          (size_t)command->arrival_count * ROOM_ARRIVAL_BYTES);
}

static void get_report(struct wire_cursor *cursor, struct command *command) {
    command->queue_number = wire_get_positive(cursor, ROOM_NUMBER_MAX);
    wire_get_text(cursor, command->server_id, sizeof command->server_id);
    wire_get_text(cursor, command->created, sizeof command->created);
    command->arrival_count = (uint32_t)wire_get_positive(cursor, ROOM_REPORT_MAX);
    command->arrivals = wire_get_bytes(cursor, (size_t)command->arrival_count * ROOM_ARRIVAL_BYTES);
}

static uint8_t *put_issue(uint8_t *at, const struct command *command) {
    at = wire_put_varint(at, command->queue_number);
    at = wire_put_varint(at, command->span);
    return wire_put_varint(at, command->answered);
}

static void get_issue(struct wire_cursor *cursor, struct command *command) {
    command->queue_number = wire_get_varint(cursor, ROOM_NUMBER_MAX);
    command->span = (uint32_t)wire_get_varint(cursor, ROOM_SPANS_MAX - 1);
    command->answered = wire_get_varint(cursor, ROOM_NUMBER_MAX);
}

static uint8_t *put_command(uint8_t *at, const struct command *command) {
    at = wire_put_varint(at, command->kind);
    at = wire_put_id(at, &command->request_id);
    at = wire_put_signed(at, command->deadline_us);
    at = wire_put_text(at, command->trace);
    at = wire_put_varint(at, command->event_id);
    at = wire_put_varint(at, command->partition);
    at = wire_put_varint(at, command->epoch);
    at = wire_put_id(at, &command->user);
    at = wire_put_varint(at, command->guest);
    switch (command->kind) {
    case COMMAND_RESERVE:
        return put_reserve(at, command);
    case COMMAND_CONFIRM:
        return put_confirm(at, command);
    case COMMAND_CANCEL:
        return wire_put_id(at, &command->booking_id);
    case COMMAND_SNAPSHOT:
        return at;
    case COMMAND_UPDATE_EVENT:
        return put_patch(at, command->patch);
    case COMMAND_TRANSFER:
        return wire_put_id(wire_put_id(at, &command->booking_id), &command->new_user);
    case COMMAND_ROOM_LOOK:
    case COMMAND_ROOM_CLAIM:
    case COMMAND_ROOM_LEAVE:
        return wire_put_varint(at, command->queue_number);
    case COMMAND_ROOM_ISSUE:
        return put_issue(at, command);
    case COMMAND_ROOM_REPORT:
        return put_report(at, command);
    case COMMAND_ROOM_MOVE:
        return wire_put_id(wire_put_varint(at, command->queue_number), &command->new_user);
    case COMMAND_ROOM_VOUCH:
        break; /* the decoder refuses it */
    }
    return at;
}

/* What its kind does not use is 0. */
static void get_command(struct wire_cursor *cursor, void *record) {
    struct command *command = record;
    memset(command, 0, sizeof *command);
    command->kind = (enum command_kind)wire_get_varint(cursor, COMMAND_KIND_LAST);
    wire_get_id(cursor, &command->request_id);
    command->deadline_us = wire_get_signed(cursor);
    wire_get_text(cursor, command->trace, sizeof command->trace);
    command->event_id = wire_get_positive(cursor, INT64_MAX);
    command->partition = (uint32_t)wire_get_varint(cursor, PARTITION_COUNT - 1);
    command->epoch = wire_get_varint(cursor, UINT64_MAX);
    wire_get_id(cursor, &command->user);
    command->guest = wire_get_varint(cursor, 1) == 1;
    switch (command->kind) {
    case COMMAND_RESERVE:
        get_reserve(cursor, command);
        return;
    case COMMAND_CONFIRM:
        get_confirm(cursor, command);
        return;
    case COMMAND_CANCEL:
        wire_get_id(cursor, &command->booking_id);
        return;
    case COMMAND_SNAPSHOT:
        return;
    case COMMAND_UPDATE_EVENT:
        command->patch = get_patch(cursor);
        return;
    case COMMAND_TRANSFER:
        wire_get_id(cursor, &command->booking_id);
        wire_get_id(cursor, &command->new_user);
        return;
    case COMMAND_ROOM_LOOK:
    case COMMAND_ROOM_CLAIM:
    case COMMAND_ROOM_LEAVE:
        command->queue_number = wire_get_varint(cursor, ROOM_NUMBER_MAX);
        return;
    case COMMAND_ROOM_ISSUE:
        get_issue(cursor, command);
        return;
    case COMMAND_ROOM_REPORT:
        get_report(cursor, command);
        return;
    case COMMAND_ROOM_MOVE:
        command->queue_number = wire_get_varint(cursor, ROOM_NUMBER_MAX);
        wire_get_id(cursor, &command->new_user);
        return;
    case COMMAND_ROOM_VOUCH:
        break;
    }
    wire_cursor_fail(cursor, STATUS_INVALID);
}

void wire_commands_begin(struct wire_buffer *buffer, uint64_t gateway_instance) {
    wire_frame_begin(buffer, WIRE_COMMANDS);
    if (!buffer->failed) /* the first allocation has room for it */
        buffer->size_bytes =
            (size_t)(wire_put_varint(buffer->data + buffer->size_bytes, gateway_instance) -
                     buffer->data);
}

enum status wire_commands_add(struct wire_buffer *buffer, const struct command *command) {
    if (command->seat_count > BOOKING_SEATS_MAX || command->item_count > BOOKING_ITEMS_MAX ||
        (command->kind == COMMAND_UPDATE_EVENT && command->patch == NULL) ||
        (command->kind == COMMAND_ROOM_REPORT && command->arrivals == NULL) ||
        command->arrival_count > ROOM_REPORT_MAX)
        return STATUS_INVALID;
    size_t patch_bytes = command->kind == COMMAND_UPDATE_EVENT ? strlen(command->patch) + 1 : 0;
    size_t arrival_bytes = (size_t)command->arrival_count * ROOM_ARRIVAL_BYTES;
    size_t before = buffer->size_bytes;
    uint8_t *at;
    enum status status =
        wire_record_begin(buffer, COMMAND_RECORD_MAX_BYTES + patch_bytes + arrival_bytes, &at);
    if (status == STATUS_OK)
        status = wire_record_end(buffer, put_command(at, command));
    if (status != STATUS_OK)
        return status;
    /* One command that the owner's decoder refuses would have the whole frame refused. */
    struct command check;
    struct wire_cursor cursor = wire_record_open(buffer, before);
    get_command(&cursor, &check);
    if (cursor.status != STATUS_OK)
        wire_record_undo(buffer, before);
    return cursor.status;
}

enum status wire_commands_open(struct wire_reader *reader, const void *data, size_t size_bytes,
                               uint64_t *gateway_instance) {
    uint32_t records;
    struct wire_cursor cursor = wire_frame_open(data, size_bytes, WIRE_COMMANDS, &records);
    *gateway_instance = wire_get_varint(&cursor, UINT64_MAX);
    struct command command;
    return wire_records_open(reader, &cursor, records, get_command, &command);
}

bool wire_commands_next(struct wire_reader *reader, struct command *command) {
    return wire_records_next(reader, get_command, command);
}

/* --- replies */

static const uint64_t price_max =
    INT64_MAX / BOOKING_SEATS_MAX; /* so that their sum is a number, too */

/* The amount is the sum of the prices and does not travel. */
static uint8_t *put_booking(uint8_t *at, const struct booking *booking) {
    at = wire_put_id(at, &booking->id);
    at = wire_put_id(at, &booking->user);
    at = wire_put_varint(at, booking->event_id);
    at = wire_put_varint(at, booking->body_hash);
    at = wire_put_varint(at, booking->status);
    at = put_seats(at, booking->seats, booking->seat_count);
    for (uint32_t i = 0; i < booking->seat_count; i++)
        at = wire_put_varint(at, (uint64_t)booking->prices[i]);
    at = wire_put_bytes(at, booking->currency, CURRENCY_SIZE - 1);
    at = wire_put_signed(at, booking->created_us);
    at = wire_put_signed(at, booking->deadline_served_ms);
    return wire_put_signed(at, booking->expires_us);
}

static void get_currency(struct wire_cursor *cursor, char currency[CURRENCY_SIZE]) {
    const uint8_t *letters = wire_get_bytes(cursor, CURRENCY_SIZE - 1);
    if (letters == NULL)
        return;
    for (size_t i = 0; i < CURRENCY_SIZE - 1; i++)
        if (letters[i] < 'A' || letters[i] > 'Z')
            wire_cursor_fail(cursor, STATUS_INVALID);
    memcpy(currency, letters, CURRENCY_SIZE - 1);
}

static void get_booking(struct wire_cursor *cursor, struct booking *booking) {
    wire_get_id(cursor, &booking->id);
    wire_get_id(cursor, &booking->user);
    booking->event_id = wire_get_positive(cursor, INT64_MAX);
    booking->body_hash = wire_get_varint(cursor, UINT64_MAX);
    booking->status = (enum booking_status)wire_get_varint(cursor, BOOKING_EXPIRED);
    booking->seat_count = get_seats(cursor, booking->seats);
    for (uint32_t i = 0; i < booking->seat_count; i++) {
        booking->prices[i] = (int64_t)wire_get_varint(cursor, price_max);
        booking->amount += booking->prices[i];
    }
    get_currency(cursor, booking->currency);
    booking->created_us = wire_get_signed(cursor);
    booking->deadline_served_ms = wire_get_signed(cursor);
    booking->expires_us = wire_get_signed(cursor);
    if (booking->status == BOOKING_NONE || booking->seat_count == 0)
        wire_cursor_fail(cursor, STATUS_INVALID);
}

static uint8_t *put_snapshot(uint8_t *at, const struct reply *reply) {
    at = wire_put_varint(at, reply->instance);
    at = wire_put_varint(at, reply->seats_version);
    at = wire_put_varint(at, reply->packed_seat_count);
    return wire_put_bytes(at, reply->packed_seats, packed_seats_bytes(reply->packed_seat_count));
}

static void get_snapshot(struct wire_cursor *cursor, struct reply *reply) {
    reply->instance = wire_get_varint(cursor, UINT64_MAX);
    reply->seats_version = wire_get_varint(cursor, UINT64_MAX);
    reply->packed_seat_count = (uint32_t)wire_get_varint(cursor, SHOW_SEATS_MAX);
    reply->packed_seats = wire_get_bytes(cursor, packed_seats_bytes(reply->packed_seat_count));
    if (reply->packed_seat_count == 0 || reply->code != REPLY_OK)
        wire_cursor_fail(cursor, STATUS_INVALID);
}

static uint8_t *put_turn(uint8_t *at, const struct turn_view *turn) {
    at = wire_put_varint(at, turn->state);
    at = wire_put_varint(at, turn->number);
    at = wire_put_signed(at, turn->expires_us);
    return wire_put_varint(at, turn->now_serving);
}

static void get_turn(struct wire_cursor *cursor, struct turn_view *turn) {
    turn->state = (enum turn_state)wire_get_varint(cursor, TURN_STATE_LAST);
    turn->number = wire_get_varint(cursor, ROOM_NUMBER_MAX);
    turn->expires_us = wire_get_signed(cursor);
    turn->now_serving = wire_get_varint(cursor, ROOM_NUMBER_MAX);
}

static uint8_t *put_reply(uint8_t *at, const struct reply *reply) {
    unsigned flags =
        (reply->replayed ? REPLY_REPLAYED : 0u) | (reply->has_booking ? REPLY_BOOKING : 0u) |
        (reply->packed_seat_count > 0 ? REPLY_SNAPSHOT : 0u) | (reply->has_turn ? REPLY_TURN : 0u);
    at = wire_put_id(at, &reply->request_id);
    at = wire_put_varint(at, reply->partition);
    at = wire_put_varint(at, reply->epoch);
    at = wire_put_varint(at, reply->code);
    at = wire_put_varint(at, flags);
    if (reply->code == REPLY_SEAT_TAKEN)
        at = put_seats(at, reply->seats, reply->seat_count);
    if (reply->code == REPLY_SEAT_LIMIT)
        at = wire_put_varint(at, reply->limit);
    if (reply->code == REPLY_NOT_ON_SALE)
        at = wire_put_signed(at, reply->on_sale_us);
    if (reply->has_booking)
        at = put_booking(at, &reply->booking);
    if (reply->packed_seat_count > 0)
        at = put_snapshot(at, reply);
    if (reply->has_turn)
        at = put_turn(at, &reply->turn);
    return at;
}

/* What its code does not use is 0. */
static void get_reply(struct wire_cursor *cursor, void *record) {
    struct reply *reply = record;
    memset(reply, 0, sizeof *reply);
    wire_get_id(cursor, &reply->request_id);
    reply->partition = (uint32_t)wire_get_varint(cursor, PARTITION_COUNT - 1);
    reply->epoch = wire_get_varint(cursor, UINT64_MAX);
    reply->code = (enum reply_code)wire_get_varint(cursor, REPLY_CODE_COUNT - 1);
    uint64_t flags = wire_get_varint(cursor, REPLY_FLAGS);
    reply->replayed = (flags & REPLY_REPLAYED) != 0;
    reply->has_booking = (flags & REPLY_BOOKING) != 0;
    if (reply->code == REPLY_SEAT_TAKEN)
        reply->seat_count = get_seats(cursor, reply->seats);
    if (reply->code == REPLY_SEAT_LIMIT)
        reply->limit = (uint32_t)wire_get_varint(cursor, UINT32_MAX);
    if (reply->code == REPLY_NOT_ON_SALE)
        reply->on_sale_us = wire_get_signed(cursor);
    if (reply->has_booking)
        get_booking(cursor, &reply->booking);
    if ((flags & REPLY_SNAPSHOT) != 0)
        get_snapshot(cursor, reply);
    reply->has_turn = (flags & REPLY_TURN) != 0;
    if (reply->has_turn)
        get_turn(cursor, &reply->turn);
}

void wire_replies_begin(struct wire_buffer *buffer) {
    wire_frame_begin(buffer, WIRE_REPLIES);
}

enum status wire_replies_add(struct wire_buffer *buffer, const struct reply *reply) {
    if (reply->seat_count > BOOKING_SEATS_MAX ||
        (reply->has_booking && reply->booking.seat_count > BOOKING_SEATS_MAX) ||
        reply->packed_seat_count > SHOW_SEATS_MAX)
        return STATUS_INVALID;
    size_t before = buffer->size_bytes;
    size_t bytes = REPLY_RECORD_MAX_BYTES + packed_seats_bytes(reply->packed_seat_count);
    uint8_t *at;
    enum status status = wire_record_begin(buffer, bytes, &at);
    if (status == STATUS_OK)
        status = wire_record_end(buffer, put_reply(at, reply));
    if (status != STATUS_OK)
        return status;
    struct reply check; /* as in wire_commands_add */
    struct wire_cursor cursor = wire_record_open(buffer, before);
    get_reply(&cursor, &check);
    if (cursor.status == STATUS_OK && reply->has_booking &&
        check.booking.amount != reply->booking.amount)
        wire_cursor_fail(&cursor, STATUS_INVALID);
    if (cursor.status != STATUS_OK)
        wire_record_undo(buffer, before);
    return cursor.status;
}

enum status wire_replies_add_encoded(struct wire_buffer *buffer, const uint8_t *record,
                                     size_t size_bytes) {
    uint8_t *at;
    enum status status = wire_record_begin(buffer, size_bytes, &at);
    return status == STATUS_OK ? wire_record_end(buffer, wire_put_bytes(at, record, size_bytes))
                               : status;
}

enum status wire_replies_open(struct wire_reader *reader, const void *data, size_t size_bytes) {
    uint32_t records;
    struct wire_cursor cursor = wire_frame_open(data, size_bytes, WIRE_REPLIES, &records);
    struct reply reply;
    return wire_records_open(reader, &cursor, records, get_reply, &reply);
}

bool wire_replies_next(struct wire_reader *reader, struct reply *reply) {
    return wire_records_next(reader, get_reply, reply);
}
