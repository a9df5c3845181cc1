#include "shared/wire_private.h"

enum {
    SEATS_HEAD_MAX_BYTES = 7 * WIRE_VARINT_MAX_BYTES,
    SEAT_STATE_BITS = 2,
    CHANGE_MAX_BYTES = 3, /* a seat below SHOW_SEATS_MAX and its state in one varint */
};
_Static_assert(((uint64_t)SHOW_SEATS_MAX << SEAT_STATE_BITS) < 1u << (7 * CHANGE_MAX_BYTES),
               "a change fits into its bytes");

void wire_seats_begin(struct wire_buffer *buffer) {
    wire_frame_begin(buffer, WIRE_SEATS);
}

enum status wire_seats_add(struct wire_buffer *buffer, const struct wire_seats *head,
                           const struct wire_seat_change *changes) {
    ensure(head->event_id > 0 && head->event_id <= INT64_MAX && head->partition < PARTITION_COUNT);
    ensure(head->from <= head->version && head->change_count <= SHOW_SEATS_MAX);
    uint8_t *at;
    size_t bytes = SEATS_HEAD_MAX_BYTES + (size_t)head->change_count * CHANGE_MAX_BYTES;
    enum status status = wire_record_begin(buffer, bytes, &at);
    if (status != STATUS_OK)
        return status;
    at = wire_put_varint(at, head->event_id);
    at = wire_put_varint(at, head->partition);
    at = wire_put_varint(at, head->instance);
    at = wire_put_varint(at, head->epoch);
    at = wire_put_varint(at, head->from);
    at = wire_put_varint(at, head->version - head->from);
    at = wire_put_varint(at, head->change_count);
    for (uint32_t i = 0; i < head->change_count; i++) {
        ensure(changes[i].seat < SHOW_SEATS_MAX && changes[i].state <= SEAT_BLOCKED);
        at = wire_put_varint(at, changes[i].seat << SEAT_STATE_BITS | (uint32_t)changes[i].state);
    }
    return wire_record_end(buffer, at);
}

static struct wire_seats get_head(struct wire_cursor *cursor) {
    struct wire_seats head = {0};
    head.event_id = wire_get_positive(cursor, INT64_MAX);
    head.partition = (uint32_t)wire_get_varint(cursor, PARTITION_COUNT - 1);
    head.instance = wire_get_varint(cursor, UINT64_MAX);
    head.epoch = wire_get_varint(cursor, UINT64_MAX);
    head.from = wire_get_varint(cursor, UINT64_MAX);
    head.version = head.from + wire_get_varint(cursor, UINT64_MAX - head.from);
    head.change_count = (uint32_t)wire_get_varint(cursor, SHOW_SEATS_MAX);
    return head;
}

static struct wire_seat_change get_change(struct wire_cursor *cursor) {
    uint64_t max = ((uint64_t)SHOW_SEATS_MAX << SEAT_STATE_BITS) - 1;
    uint32_t packed = (uint32_t)wire_get_varint(cursor, max);
    return (struct wire_seat_change){
        .seat = packed >> SEAT_STATE_BITS,
        .state = (enum seat_state)(packed & ((1u << SEAT_STATE_BITS) - 1)),
    };
}

enum status wire_seats_open(struct wire_reader *reader, const void *data, size_t size_bytes) {
    uint32_t records;
    struct wire_cursor cursor = wire_frame_open(data, size_bytes, WIRE_SEATS, &records);
    *reader = (struct wire_reader){cursor.at, cursor.end, records};
    for (uint32_t i = 0; i < records && cursor.status == STATUS_OK; i++) {
        struct wire_seats head = get_head(&cursor);
        for (uint32_t k = 0; k < head.change_count && cursor.status == STATUS_OK; k++)
            (void)get_change(&cursor);
    }
    return wire_frame_close(&cursor);
}

bool wire_seats_next(struct wire_reader *reader, struct wire_seats *head) {
    if (reader->records_left == 0)
        return false;
    struct wire_cursor cursor = {.at = reader->at, .end = reader->end};
    *head = get_head(&cursor);
    ensure(cursor.status == STATUS_OK);
    reader->at = cursor.at;
    reader->records_left--;
    return true;
}

struct wire_seat_change wire_seats_change(struct wire_reader *reader) {
    struct wire_cursor cursor = {.at = reader->at, .end = reader->end};
    struct wire_seat_change change = get_change(&cursor);
    ensure(cursor.status == STATUS_OK);
    reader->at = cursor.at;
    return change;
}
