#include "tests/fuzz/wire_random.h"

uint64_t wire_random(uint64_t *seed) {
    uint64_t z = *seed += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

/* 0 … max; the ends of the range and small numbers come often. */
static uint64_t up_to(uint64_t *seed, uint64_t max) {
    uint64_t number = wire_random(seed) >> wire_random(seed) % 64;
    switch (wire_random(seed) % 8) {
    case 0:
        return 0;
    case 1:
        return max;
    default:
        return max == UINT64_MAX ? number : number % (max + 1);
    }
}

static int64_t any_signed(uint64_t *seed) {
    uint64_t bits = up_to(seed, UINT64_MAX);
    return (int64_t)(bits >> 1) * (bits & 1 ? 1 : -1);
}

static struct id128 any_id(uint64_t *seed) {
    struct id128 id;
    for (size_t i = 0; i < sizeof id.bytes; i++)
        id.bytes[i] = (uint8_t)wire_random(seed);
    return id;
}

static void any_text(uint64_t *seed, char *text, size_t text_size) {
    size_t length = up_to(seed, text_size - 1);
    memset(text, 0, text_size);
    for (size_t i = 0; i < length; i++)
        text[i] = (char)(1 + wire_random(seed) % 255);
}

static uint32_t any_seats(uint64_t *seed, uint32_t seats[BOOKING_SEATS_MAX], uint32_t at_least) {
    uint32_t count = at_least + (uint32_t)up_to(seed, BOOKING_SEATS_MAX - at_least);
    for (uint32_t i = 0; i < count; i++)
        seats[i] = (uint32_t)up_to(seed, SHOW_SEATS_MAX - 1);
    return count;
}

static void any_reserve(uint64_t *seed, struct command *command) {
    command->body_hash = up_to(seed, UINT64_MAX);
    command->seat_count = any_seats(seed, command->seats, 0);
    command->item_count = (uint32_t)up_to(seed, BOOKING_ITEMS_MAX);
    for (uint32_t i = 0; i < command->item_count; i++) {
        command->items[i].section = (uint32_t)up_to(seed, SHOW_SECTIONS_MAX - 1);
        command->items[i].quantity = (uint32_t)up_to(seed, SHOW_SEATS_MAX);
    }
    switch (wire_random(seed) % 3) {
    case 0:
        command->pass = PASS_BAD;
        return;
    case 1:
        command->pass = PASS_GOOD;
        command->queue_number = 1 + up_to(seed, ROOM_NUMBER_MAX - 1);
        return;
    default:
        return;
    }
}

static void any_report(uint64_t *seed, struct command *command, uint8_t *arrivals) {
    command->queue_number = 1 + up_to(seed, ROOM_NUMBER_MAX - 1);
    any_text(seed, command->server_id, sizeof command->server_id);
    any_text(seed, command->created, sizeof command->created);
    uint32_t most = wire_random(seed) % 16 == 0 ? ROOM_REPORT_MAX : 10;
    command->arrival_count = 1 + (uint32_t)up_to(seed, most - 1);
    command->arrivals = arrivals;
    for (size_t i = 0; i < (size_t)command->arrival_count * ROOM_ARRIVAL_BYTES; i++)
        arrivals[i] = (uint8_t)wire_random(seed);
}

void wire_random_command(uint64_t *seed, struct command *command,
                         uint8_t arrivals[WIRE_RANDOM_ARRIVALS_BYTES]) {
    memset(command, 0, sizeof *command);
    command->kind = (enum command_kind)(COMMAND_RESERVE + wire_random(seed) % COMMAND_ROOM_MOVE);
    command->request_id = any_id(seed);
    command->deadline_us = any_signed(seed);
    any_text(seed, command->trace, sizeof command->trace);
    command->event_id = 1 + up_to(seed, INT64_MAX - 1);
    command->partition = (uint32_t)up_to(seed, PARTITION_COUNT - 1);
    command->epoch = up_to(seed, UINT64_MAX);
    command->user = any_id(seed);
    command->guest = wire_random(seed) % 2 == 0;
    if (command->kind <= COMMAND_CANCEL || command->kind == COMMAND_TRANSFER)
        command->booking_id = any_id(seed);
    if (command->kind == COMMAND_TRANSFER || command->kind == COMMAND_ROOM_MOVE)
        command->new_user = any_id(seed);
    if (command->kind == COMMAND_RESERVE)
        any_reserve(seed, command);
    if (command->kind == COMMAND_CONFIRM) {
        any_text(seed, command->payment_token, sizeof command->payment_token);
        any_text(seed, command->contact_name, sizeof command->contact_name);
        any_text(seed, command->contact_email, sizeof command->contact_email);
    }
    if (command->kind == COMMAND_UPDATE_EVENT)
        command->patch = wire_random(seed) % 2 == 0 ? "" : "{\"state\":\"PAUSED\"}";
    if (command->kind == COMMAND_ROOM_REPORT)
        any_report(seed, command, arrivals);
    else if (command->kind >= COMMAND_ROOM_LOOK)
        command->queue_number = up_to(seed, ROOM_NUMBER_MAX);
    if (command->kind == COMMAND_ROOM_ISSUE) {
        command->span = (uint32_t)up_to(seed, ROOM_SPANS_MAX - 1);
        command->answered = up_to(seed, ROOM_NUMBER_MAX);
    }
}

static void any_booking(uint64_t *seed, struct booking *booking) {
    booking->id = any_id(seed);
    booking->user = any_id(seed);
    booking->event_id = 1 + up_to(seed, INT64_MAX - 1);
    booking->body_hash = up_to(seed, UINT64_MAX);
    booking->status = (enum booking_status)(BOOKING_PENDING + wire_random(seed) % BOOKING_EXPIRED);
    booking->seat_count = any_seats(seed, booking->seats, 1);
    for (uint32_t i = 0; i < booking->seat_count; i++) {
        booking->prices[i] = (int64_t)up_to(seed, INT64_MAX / BOOKING_SEATS_MAX);
        booking->amount += booking->prices[i];
    }
    for (size_t i = 0; i < CURRENCY_SIZE - 1; i++)
        booking->currency[i] = (char)('A' + wire_random(seed) % 26);
    booking->created_us = any_signed(seed);
    booking->deadline_served_ms = any_signed(seed);
    booking->expires_us = any_signed(seed);
}

void wire_random_reply(uint64_t *seed, struct reply *reply,
                       uint8_t packed[WIRE_RANDOM_PACKED_BYTES]) {
    memset(reply, 0, sizeof *reply);
    reply->request_id = any_id(seed);
    reply->partition = (uint32_t)up_to(seed, PARTITION_COUNT - 1);
    reply->epoch = up_to(seed, UINT64_MAX);
    reply->code = (enum reply_code)up_to(seed, REPLY_CODE_COUNT - 1);
    reply->replayed = wire_random(seed) % 2 == 0;
    reply->has_booking = wire_random(seed) % 2 == 0;
    if (reply->has_booking)
        any_booking(seed, &reply->booking);
    if (reply->code == REPLY_SEAT_TAKEN)
        reply->seat_count = any_seats(seed, reply->seats, 0);
    if (reply->code == REPLY_SEAT_LIMIT)
        reply->limit = (uint32_t)up_to(seed, UINT32_MAX);
    if (reply->code == REPLY_NOT_ON_SALE)
        reply->on_sale_us = any_signed(seed);
    reply->has_turn = wire_random(seed) % 2 == 0;
    if (reply->has_turn)
        reply->turn = (struct turn_view){.state = (enum turn_state)up_to(seed, TURN_STATE_LAST),
                                         .number = up_to(seed, ROOM_NUMBER_MAX),
                                         .expires_us = any_signed(seed),
                                         .now_serving = up_to(seed, ROOM_NUMBER_MAX)};
    if (reply->code != REPLY_OK || wire_random(seed) % 2 == 0)
        return;
    reply->instance = up_to(seed, UINT64_MAX);
    reply->seats_version = up_to(seed, UINT64_MAX);
    uint32_t most = wire_random(seed) % 64 == 0 ? SHOW_SEATS_MAX : 100;
    reply->packed_seat_count = 1 + (uint32_t)up_to(seed, most - 1);
    reply->packed_seats = packed;
    for (size_t i = 0; i < packed_seats_bytes(reply->packed_seat_count); i++)
        packed[i] = (uint8_t)wire_random(seed);
}

static void any_owners(uint64_t *seed, struct wire_buffer *buffer) {
    struct wire_owners owners = {.instance = 1 + up_to(seed, UINT64_MAX - 1),
                                 .leaving = wire_random(seed) % 4 == 0};
    for (uint32_t partition = 0; partition < PARTITION_COUNT && !owners.leaving; partition++)
        if (wire_random(seed) % 2 == 0)
            owners.owners[owners.count++] = (struct wire_owner){partition, up_to(seed, UINT64_MAX)};
    ensure(wire_owners_encode(buffer, &owners) == STATUS_OK);
}

static void any_seat_news(uint64_t *seed, struct wire_buffer *buffer) {
    struct wire_seat_change changes[64];
    wire_seats_begin(buffer);
    for (uint64_t shows = wire_random(seed) % 4; shows > 0; shows--) {
        struct wire_seats head = {.event_id = 1 + up_to(seed, INT64_MAX - 1),
                                  .partition = (uint32_t)up_to(seed, PARTITION_COUNT - 1),
                                  .instance = up_to(seed, UINT64_MAX),
                                  .epoch = up_to(seed, UINT64_MAX),
                                  .from = up_to(seed, UINT64_MAX),
                                  .change_count = (uint32_t)up_to(seed, ARRAY_LEN(changes))};
        head.version = head.from + up_to(seed, UINT64_MAX - head.from);
        for (uint32_t i = 0; i < head.change_count; i++)
            changes[i] = (struct wire_seat_change){(uint32_t)up_to(seed, SHOW_SEATS_MAX - 1),
                                                   (enum seat_state)(wire_random(seed) % 4)};
        ensure(wire_seats_add(buffer, &head, changes) == STATUS_OK);
    }
}

static void any_settings(uint64_t *seed, struct room_settings *settings) {
    settings->mode = (enum room_mode)(wire_random(seed) % (ROOM_MODE_CLOSED + 1));
    settings->open_us = any_signed(seed);
    settings->admits_per_minute = 1 + (uint32_t)up_to(seed, ROOM_PEOPLE_MAX - 1);
    settings->max_shoppers = 1 + (uint32_t)up_to(seed, ROOM_PEOPLE_MAX - 1);
    settings->claim_ms = 1 + (int64_t)up_to(seed, ROOM_SECONDS_MAX * UINT64_C(1000) - 1);
    settings->pass_ms = 1 + (int64_t)up_to(seed, ROOM_SECONDS_MAX * UINT64_C(1000) - 1);
    any_text(seed, settings->message, sizeof settings->message);
}

static void any_line(uint64_t *seed, struct room_line *line) {
    uint64_t count = up_to(seed, wire_random(seed) % 16 == 0 ? ROOM_SPANS_MAX : 5);
    uint64_t issued_to = 0;
    while (line->count < count) {
        bool same_stream = line->count > 0 && wire_random(seed) % 2 == 0;
        issued_to += up_to(seed, UINT64_C(1) << 40);
        struct room_span span =
            room_line_begin(line, issued_to, up_to(seed, UINT64_C(1) << 40), same_stream);
        ensure(room_line_add(line, &span) == STATUS_OK);
    }
}

void wire_random_room(uint64_t *seed, struct room_state *room) {
    memset(room, 0, sizeof *room);
    room->event_id = 1 + up_to(seed, INT64_MAX - 1);
    room->partition = (uint32_t)up_to(seed, PARTITION_COUNT - 1);
    room->instance = up_to(seed, UINT64_MAX);
    room->epoch = up_to(seed, UINT64_MAX);
    any_settings(seed, &room->settings);
    room->sale.state = (uint32_t)up_to(seed, SHOW_CANCELLED);
    room->sale.on_sale_us = any_signed(seed);
    room->sale.sale_end_us = any_signed(seed);
    room->sale.sold_out = wire_random(seed) % 2 == 0;
    any_text(seed, room->server_id, sizeof room->server_id);
    any_text(seed, room->created, sizeof room->created);
    any_line(seed, &room->line);
    room->issued_to = up_to(seed, ROOM_NUMBER_MAX);
    room->now_serving = up_to(seed, room->issued_to);
    room->last_number = up_to(seed, ROOM_NUMBER_MAX);
    room->admits_per_hour = (uint32_t)up_to(seed, UINT32_MAX);
    room->joins_per_minute = (uint32_t)up_to(seed, UINT32_MAX);
    room->oldest_wait_seconds = (uint32_t)up_to(seed, UINT32_MAX);
    room->called = (uint32_t)up_to(seed, UINT32_MAX);
    room->passes = (uint32_t)up_to(seed, UINT32_MAX);
    room->claimed = up_to(seed, UINT64_MAX);
    room->missed = up_to(seed, UINT64_MAX);
    room->left = up_to(seed, UINT64_MAX);
    room->bought = up_to(seed, UINT64_MAX);
    room->updated_us = any_signed(seed);
}

void wire_random_grant(uint64_t *seed, struct room_grant *grant) {
    memset(grant, 0, sizeof *grant);
    grant->event_id = 1 + up_to(seed, INT64_MAX - 1);
    grant->partition = (uint32_t)up_to(seed, PARTITION_COUNT - 1);
    grant->epoch = up_to(seed, UINT64_MAX);
    any_text(seed, grant->server_id, sizeof grant->server_id);
    any_text(seed, grant->created, sizeof grant->created);
    grant->from_number = 1 + up_to(seed, ROOM_NUMBER_MAX - 1);
    grant->from_sequence = 1 + up_to(seed, ROOM_NUMBER_MAX - 1);
    grant->count = 1 + (uint32_t)up_to(seed, ROOM_REPORT_MAX - 1);
}

void wire_random_person(uint64_t *seed, struct wire_person *person) {
    memset(person, 0, sizeof *person);
    person->event_id = 1 + up_to(seed, INT64_MAX - 1);
    person->user = any_id(seed);
    if (wire_random(seed) % 2 == 0) {
        person->kind = WIRE_PERSON_TURN;
        person->number = 1 + up_to(seed, ROOM_NUMBER_MAX - 1);
        person->turn = (enum turn_state)(1 + wire_random(seed) % TURN_STATE_LAST);
        person->expires_us = any_signed(seed);
    } else {
        person->kind = WIRE_PERSON_BOOKING;
        person->booking_id = any_id(seed);
        person->status = (enum booking_status)(1 + wire_random(seed) % BOOKING_EXPIRED);
    }
}

static void any_commands(uint64_t *seed, struct wire_buffer *buffer, uint64_t records) {
    struct command command;
    uint8_t arrivals[WIRE_RANDOM_ARRIVALS_BYTES];
    wire_commands_begin(buffer, up_to(seed, UINT64_MAX));
    for (; records > 0; records--) {
        wire_random_command(seed, &command, arrivals);
        ensure(wire_commands_add(buffer, &command) == STATUS_OK);
    }
}

static void any_replies(uint64_t *seed, struct wire_buffer *buffer, uint64_t records) {
    struct reply reply;
    uint8_t packed[WIRE_RANDOM_PACKED_BYTES];
    wire_replies_begin(buffer);
    for (; records > 0; records--) {
        wire_random_reply(seed, &reply, packed);
        ensure(wire_replies_add(buffer, &reply) == STATUS_OK);
    }
}

static void any_rooms(uint64_t *seed, struct wire_buffer *buffer, uint64_t records) {
    struct room_state room;
    wire_rooms_begin(buffer);
    for (; records > 0; records--) {
        wire_random_room(seed, &room);
        ensure(wire_rooms_add(buffer, &room) == STATUS_OK);
    }
}

static void any_people(uint64_t *seed, struct wire_buffer *buffer, uint64_t records) {
    struct wire_person person;
    wire_people_begin(buffer);
    for (; records > 0; records--) {
        wire_random_person(seed, &person);
        ensure(wire_people_add(buffer, &person) == STATUS_OK);
    }
}

void wire_random_frame(uint64_t *seed, struct wire_buffer *buffer) {
    struct room_grant grant;
    uint64_t records = wire_random(seed) % 6;
    switch ((enum wire_type)(WIRE_COMMANDS + wire_random(seed) % WIRE_ASK_PEOPLE)) {
    case WIRE_COMMANDS:
        any_commands(seed, buffer, records);
        return;
    case WIRE_REPLIES:
        any_replies(seed, buffer, records);
        return;
    case WIRE_OWNERS:
        any_owners(seed, buffer);
        return;
    case WIRE_ASK_OWNERS:
        ensure(wire_ask_owners_encode(buffer) == STATUS_OK);
        return;
    case WIRE_SEATS:
        any_seat_news(seed, buffer);
        return;
    case WIRE_ROOMS:
        any_rooms(seed, buffer, records);
        return;
    case WIRE_GRANT:
        wire_random_grant(seed, &grant);
        ensure(wire_grant_encode(buffer, &grant) == STATUS_OK);
        return;
    case WIRE_PEOPLE:
        any_people(seed, buffer, records);
        return;
    case WIRE_ASK_PEOPLE:
        ensure(wire_ask_people_encode(buffer) == STATUS_OK);
        return;
    }
}
