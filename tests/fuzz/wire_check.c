#include "tests/fuzz/wire_check.h"

#include <stdlib.h>

static bool text_ends_within(const char *text, size_t size) {
    return memchr(text, '\0', size) != NULL;
}

static void check_seats(const uint32_t *seats, uint32_t count) {
    ensure(count <= BOOKING_SEATS_MAX);
    for (uint32_t i = 0; i < count; i++)
        ensure(seats[i] < SHOW_SEATS_MAX);
}

static void check_command(const struct command *command) {
    ensure(command->kind >= COMMAND_RESERVE && command->kind <= COMMAND_KIND_LAST);
    ensure(command->event_id > 0 && command->event_id <= INT64_MAX);
    ensure(command->partition < PARTITION_COUNT);
    check_seats(command->seats, command->seat_count);
    ensure(command->item_count <= BOOKING_ITEMS_MAX);
    for (uint32_t i = 0; i < command->item_count; i++)
        ensure(command->items[i].section < SHOW_SECTIONS_MAX &&
               command->items[i].quantity <= SHOW_SEATS_MAX);
    ensure(text_ends_within(command->trace, sizeof command->trace));
    ensure(text_ends_within(command->payment_token, sizeof command->payment_token));
    ensure(text_ends_within(command->contact_name, sizeof command->contact_name));
    ensure(text_ends_within(command->contact_email, sizeof command->contact_email));
    ensure((command->patch != NULL) == (command->kind == COMMAND_UPDATE_EVENT));
    ensure(command->patch == NULL || strlen(command->patch) <= EVENT_PATCH_MAX_BYTES);
}

static void check_reply(const struct reply *reply) {
    ensure(reply->partition < PARTITION_COUNT && reply->code < REPLY_CODE_COUNT);
    check_seats(reply->seats, reply->seat_count);
    ensure(reply->packed_seat_count <= SHOW_SEATS_MAX);
    unsigned sum = 0; /* touches every byte */
    for (uint32_t seat = 0; seat < reply->packed_seat_count; seat++)
        sum += packed_seats_get(reply->packed_seats, seat);
    ensure(sum <= 3u * SHOW_SEATS_MAX);
    if (!reply->has_booking)
        return;
    const struct booking *booking = &reply->booking;
    check_seats(booking->seats, booking->seat_count);
    ensure(booking->seat_count > 0 && booking->amount >= 0);
    ensure(booking->status >= BOOKING_PENDING && booking->status <= BOOKING_EXPIRED);
    ensure(strlen(booking->currency) == CURRENCY_SIZE - 1);
}

static bool check_commands(const uint8_t *data, size_t size_bytes, struct wire_buffer *again) {
    struct wire_reader reader;
    struct command command;
    uint64_t gateway;
    if (wire_commands_open(&reader, data, size_bytes, &gateway) != STATUS_OK)
        return false;
    wire_commands_begin(again, gateway);
    while (wire_commands_next(&reader, &command)) {
        check_command(&command);
        ensure(wire_commands_add(again, &command) == STATUS_OK);
    }
    return true;
}

static bool check_replies(const uint8_t *data, size_t size_bytes, struct wire_buffer *again) {
    struct wire_reader reader;
    struct reply reply;
    if (wire_replies_open(&reader, data, size_bytes) != STATUS_OK)
        return false;
    wire_replies_begin(again);
    while (wire_replies_next(&reader, &reply)) {
        check_reply(&reply);
        ensure(wire_replies_add(again, &reply) == STATUS_OK);
    }
    return true;
}

static bool check_owners(const uint8_t *data, size_t size_bytes, struct wire_buffer *again) {
    struct wire_owners owners;
    if (wire_owners_decode(&owners, data, size_bytes) != STATUS_OK)
        return false;
    ensure(wire_owners_encode(again, &owners) == STATUS_OK); /* aborts on values out of range */
    return true;
}

static bool check_ask_owners(const uint8_t *data, size_t size_bytes, struct wire_buffer *again) {
    if (wire_ask_owners_decode(data, size_bytes) != STATUS_OK)
        return false;
    ensure(wire_ask_owners_encode(again) == STATUS_OK);
    return true;
}

static bool check_seat_news(const uint8_t *data, size_t size_bytes, struct wire_buffer *again) {
    struct wire_reader reader;
    struct wire_seats head;
    if (wire_seats_open(&reader, data, size_bytes) != STATUS_OK)
        return false;
    wire_seats_begin(again);
    while (wire_seats_next(&reader, &head)) {
        struct wire_seat_change *changes = malloc((head.change_count + 1) * sizeof *changes);
        ensure(changes != NULL);
        for (uint32_t i = 0; i < head.change_count; i++)
            changes[i] = wire_seats_change(&reader);
        ensure(wire_seats_add(again, &head, changes) == STATUS_OK);
        free(changes);
    }
    return true;
}

bool wire_check_frame(const uint8_t *data, size_t size_bytes) {
    uint8_t *exact = malloc(size_bytes);
    ensure(exact != NULL || size_bytes == 0);
    if (size_bytes > 0)
        memcpy(exact, data, size_bytes);
    struct wire_buffer again = {0};
    int accepted = 0;
    accepted += check_commands(exact, size_bytes, &again);
    accepted += check_replies(exact, size_bytes, &again);
    accepted += check_owners(exact, size_bytes, &again);
    accepted += check_ask_owners(exact, size_bytes, &again);
    accepted += check_seat_news(exact, size_bytes, &again);
    ensure(accepted <= 1);
    if (accepted == 1)
        ensure(again.size_bytes == size_bytes && memcmp(again.data, exact, size_bytes) == 0);
    wire_buffer_free(&again);
    free(exact);
    return accepted == 1;
}

/* --- random frames
 * --------------------------------------------------------------------------------- */

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

void wire_random_command(uint64_t *seed, struct command *command) {
    memset(command, 0, sizeof *command);
    command->kind = (enum command_kind)(COMMAND_RESERVE + wire_random(seed) % COMMAND_KIND_LAST);
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
    if (command->kind == COMMAND_TRANSFER)
        command->new_user = any_id(seed);
    if (command->kind == COMMAND_RESERVE) {
        command->body_hash = up_to(seed, UINT64_MAX);
        command->seat_count = any_seats(seed, command->seats, 0);
        command->item_count = (uint32_t)up_to(seed, BOOKING_ITEMS_MAX);
        for (uint32_t i = 0; i < command->item_count; i++) {
            command->items[i].section = (uint32_t)up_to(seed, SHOW_SECTIONS_MAX - 1);
            command->items[i].quantity = (uint32_t)up_to(seed, SHOW_SEATS_MAX);
        }
    }
    if (command->kind == COMMAND_CONFIRM) {
        any_text(seed, command->payment_token, sizeof command->payment_token);
        any_text(seed, command->contact_name, sizeof command->contact_name);
        any_text(seed, command->contact_email, sizeof command->contact_email);
    }
    if (command->kind == COMMAND_UPDATE_EVENT)
        command->patch = wire_random(seed) % 2 == 0 ? "" : "{\"state\":\"PAUSED\"}";
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
                       uint8_t packed[(SHOW_SEATS_MAX + 3) / 4]) {
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

void wire_random_frame(uint64_t *seed, struct wire_buffer *buffer) {
    struct command command;
    struct reply reply;
    uint8_t packed[(SHOW_SEATS_MAX + 3) / 4];
    uint64_t records = wire_random(seed) % 6;
    switch (WIRE_COMMANDS + wire_random(seed) % WIRE_SEATS) {
    case WIRE_COMMANDS:
        wire_commands_begin(buffer, up_to(seed, UINT64_MAX));
        for (; records > 0; records--) {
            wire_random_command(seed, &command);
            ensure(wire_commands_add(buffer, &command) == STATUS_OK);
        }
        return;
    case WIRE_REPLIES:
        wire_replies_begin(buffer);
        for (; records > 0; records--) {
            wire_random_reply(seed, &reply, packed);
            ensure(wire_replies_add(buffer, &reply) == STATUS_OK);
        }
        return;
    case WIRE_OWNERS:
        any_owners(seed, buffer);
        return;
    case WIRE_ASK_OWNERS:
        ensure(wire_ask_owners_encode(buffer) == STATUS_OK);
        return;
    default:
        any_seat_news(seed, buffer);
    }
}
