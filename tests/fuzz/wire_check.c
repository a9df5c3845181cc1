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
    ensure(command->kind != COMMAND_ROOM_VOUCH && command->queue_number <= ROOM_NUMBER_MAX);
    ensure(command->pass != PASS_GOOD || command->queue_number > 0);
    ensure(command->span < ROOM_SPANS_MAX && command->answered <= ROOM_NUMBER_MAX);
    ensure(text_ends_within(command->server_id, sizeof command->server_id));
    ensure(text_ends_within(command->created, sizeof command->created));
    ensure((command->arrivals != NULL) == (command->kind == COMMAND_ROOM_REPORT));
    ensure((command->arrivals != NULL) == (command->arrival_count > 0));
    ensure(command->arrival_count <= ROOM_REPORT_MAX);
    uint64_t sum = 0; /* touches every byte */
    for (size_t i = 0; i < (size_t)command->arrival_count * ROOM_ARRIVAL_BYTES; i++)
        sum += command->arrivals[i];
    ensure(sum <= (uint64_t)UINT8_MAX * ROOM_ARRIVAL_BYTES * ROOM_REPORT_MAX);
}

static void check_reply(const struct reply *reply) {
    ensure(reply->partition < PARTITION_COUNT && reply->code < REPLY_CODE_COUNT);
    check_seats(reply->seats, reply->seat_count);
    ensure(reply->packed_seat_count <= SHOW_SEATS_MAX);
    unsigned sum = 0; /* touches every byte */
    for (uint32_t seat = 0; seat < reply->packed_seat_count; seat++)
        sum += packed_seats_get(reply->packed_seats, seat);
    ensure(sum <= 3u * SHOW_SEATS_MAX);
    ensure(reply->turn.state <= TURN_STATE_LAST && reply->turn.number <= ROOM_NUMBER_MAX &&
           reply->turn.now_serving <= ROOM_NUMBER_MAX);
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

static void check_room(const struct room_state *room) {
    const struct room_settings *settings = &room->settings;
    ensure(room->event_id > 0 && room->event_id <= INT64_MAX && room->partition < PARTITION_COUNT);
    ensure(settings->mode <= ROOM_MODE_CLOSED && room->sale.state <= SHOW_CANCELLED);
    ensure(settings->admits_per_minute > 0 && settings->admits_per_minute <= ROOM_PEOPLE_MAX);
    ensure(settings->max_shoppers > 0 && settings->max_shoppers <= ROOM_PEOPLE_MAX);
    ensure(settings->claim_ms > 0 && settings->claim_ms <= ROOM_SECONDS_MAX * INT64_C(1000));
    ensure(settings->pass_ms > 0 && settings->pass_ms <= ROOM_SECONDS_MAX * INT64_C(1000));
    ensure(text_ends_within(settings->message, sizeof settings->message));
    ensure(text_ends_within(room->server_id, sizeof room->server_id));
    ensure(text_ends_within(room->created, sizeof room->created));
    ensure(room->now_serving <= room->issued_to && room->issued_to <= ROOM_NUMBER_MAX);
    ensure(room->last_number <= ROOM_NUMBER_MAX && room->line.count <= ROOM_SPANS_MAX);
    struct room_gap gaps[ROOM_SPANS_MAX];
    size_t gap_count = room_line_gaps(&room->line, room->now_serving, gaps);
    ensure(gap_count <= room->line.count);
    for (size_t i = 0; i < gap_count; i++)
        ensure(gaps[i].first <= gaps[i].last && (i == 0 || gaps[i].first > gaps[i - 1].last + 1));
}

static bool check_rooms(const uint8_t *data, size_t size_bytes, struct wire_buffer *again) {
    struct wire_reader reader;
    struct room_state room;
    if (wire_rooms_open(&reader, data, size_bytes) != STATUS_OK)
        return false;
    wire_rooms_begin(again);
    while (wire_rooms_next(&reader, &room)) {
        check_room(&room);
        ensure(wire_rooms_add(again, &room) == STATUS_OK);
    }
    return true;
}

static bool check_grant(const uint8_t *data, size_t size_bytes, struct wire_buffer *again) {
    struct room_grant grant;
    if (wire_grant_decode(&grant, data, size_bytes) != STATUS_OK)
        return false;
    ensure(grant.event_id > 0 && grant.event_id <= INT64_MAX && grant.partition < PARTITION_COUNT);
    ensure(grant.from_number > 0 && grant.from_number <= ROOM_NUMBER_MAX);
    ensure(grant.from_sequence > 0 && grant.from_sequence <= ROOM_NUMBER_MAX);
    ensure(grant.count > 0 && grant.count <= ROOM_REPORT_MAX);
    ensure(text_ends_within(grant.server_id, sizeof grant.server_id));
    ensure(text_ends_within(grant.created, sizeof grant.created));
    ensure(wire_grant_encode(again, &grant) == STATUS_OK);
    return true;
}

static bool check_people(const uint8_t *data, size_t size_bytes, struct wire_buffer *again) {
    struct wire_reader reader;
    struct wire_person person;
    if (wire_people_open(&reader, data, size_bytes) != STATUS_OK)
        return false;
    wire_people_begin(again);
    while (wire_people_next(&reader, &person)) {
        bool turn = person.kind == WIRE_PERSON_TURN;
        ensure(turn || person.kind == WIRE_PERSON_BOOKING);
        ensure(person.event_id > 0 && person.event_id <= INT64_MAX);
        ensure(turn == (person.number > 0) && person.number <= ROOM_NUMBER_MAX);
        ensure(turn == (person.turn != TURN_NONE) && person.turn <= TURN_STATE_LAST);
        ensure(turn == (person.status == BOOKING_NONE) && person.status <= BOOKING_EXPIRED);
        ensure(wire_people_add(again, &person) == STATUS_OK);
    }
    return true;
}

static bool check_ask_people(const uint8_t *data, size_t size_bytes, struct wire_buffer *again) {
    if (wire_ask_people_decode(data, size_bytes) != STATUS_OK)
        return false;
    ensure(wire_ask_people_encode(again) == STATUS_OK);
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
    accepted += check_rooms(exact, size_bytes, &again);
    accepted += check_grant(exact, size_bytes, &again);
    accepted += check_people(exact, size_bytes, &again);
    accepted += check_ask_people(exact, size_bytes, &again);
    ensure(accepted <= 1);
    if (accepted == 1)
        ensure(again.size_bytes == size_bytes && memcmp(again.data, exact, size_bytes) == 0);
    wire_buffer_free(&again);
    free(exact);
    return accepted == 1;
}
