#include "shared/ids.h"
#include "shared/wire_private.h"

#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* --- writing */

uint8_t *wire_put_varint(uint8_t *at, uint64_t value) {
    while (value >= 0x80) {
        *at++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *at++ = (uint8_t)value;
    return at;
}

/* Zigzag: 0, -1, 1, -2 … become 0, 1, 2, 3 …, so that small negative numbers stay short. */
uint8_t *wire_put_signed(uint8_t *at, int64_t value) {
    uint64_t doubled = (uint64_t)value << 1;
    return wire_put_varint(at, value < 0 ? ~doubled : doubled);
}

uint8_t *wire_put_bytes(uint8_t *at, const void *data, size_t size_bytes) {
    if (size_bytes > 0)
        memcpy(at, data, size_bytes);
    return at + size_bytes;
}

uint8_t *wire_put_id(uint8_t *at, const struct id128 *id) {
    return wire_put_bytes(at, id->bytes, sizeof id->bytes);
}

uint8_t *wire_put_text(uint8_t *at, const char *text) {
    size_t length = strlen(text);
    return wire_put_bytes(wire_put_varint(at, length), text, length);
}

void wire_buffer_free(struct wire_buffer *buffer) {
    free(buffer->data);
    *buffer = (struct wire_buffer){0};
}

static bool buffer_reserve(struct wire_buffer *buffer, size_t size_bytes) {
    size_t needed = buffer->size_bytes + size_bytes;
    if (needed <= buffer->capacity_bytes)
        return true;
    size_t capacity = buffer->capacity_bytes == 0 ? 4096 : buffer->capacity_bytes;
    while (capacity < needed)
        capacity *= 2;
    uint8_t *data = realloc(buffer->data, capacity);
    if (data == NULL)
        return false;
    buffer->data = data;
    buffer->capacity_bytes = capacity;
    return true;
}

/* The number of records is filled in as they come, hence of fixed size. */
static void put_records(struct wire_buffer *buffer) {
    uint32_t little = htole32(buffer->records);
    memcpy(buffer->data + 3, &little, sizeof little);
}

void wire_frame_begin(struct wire_buffer *buffer, enum wire_type type) {
    buffer->size_bytes = 0;
    buffer->records = 0;
    buffer->failed = !buffer_reserve(buffer, WIRE_HEAD_BYTES);
    if (buffer->failed)
        return;
    buffer->data[0] = WIRE_MAGIC;
    buffer->data[1] = WIRE_VERSION;
    buffer->data[2] = (uint8_t)type;
    put_records(buffer);
    buffer->size_bytes = WIRE_HEAD_BYTES;
}

enum status wire_record_begin(struct wire_buffer *buffer, size_t size_bytes, uint8_t **at) {
    if (buffer->failed || !buffer_reserve(buffer, size_bytes))
        return STATUS_NO_MEMORY;
    *at = buffer->data + buffer->size_bytes;
    return STATUS_OK;
}

enum status wire_record_end(struct wire_buffer *buffer, const uint8_t *end) {
    size_t size_bytes = (size_t)(end - buffer->data);
    ensure(size_bytes <= buffer->capacity_bytes);
    if (size_bytes > WIRE_FRAME_MAX_BYTES)
        return STATUS_LIMIT;
    buffer->size_bytes = size_bytes;
    buffer->records++;
    put_records(buffer);
    return STATUS_OK;
}

void wire_record_undo(struct wire_buffer *buffer, size_t size_bytes) {
    buffer->size_bytes = size_bytes;
    buffer->records--;
    put_records(buffer);
}

/* --- reading */

void wire_cursor_fail(struct wire_cursor *cursor, enum status status) {
    if (cursor->status == STATUS_OK)
        cursor->status = status;
    cursor->at = cursor->end;
}

uint64_t wire_get_varint(struct wire_cursor *cursor, uint64_t max) {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 7 * WIRE_VARINT_MAX_BYTES; shift += 7) {
        if (cursor->at == cursor->end) {
            wire_cursor_fail(cursor, STATUS_TRUNCATED);
            return 0;
        }
        uint8_t byte = *cursor->at++;
        uint64_t bits = byte & 0x7F;
        value |= bits << shift;
        if (byte & 0x80)
            continue;
        bool padded = byte == 0 && shift > 0;
        bool overflown = bits << shift >> shift != bits;
        if (padded || overflown || value > max)
            break;
        return value;
    }
    wire_cursor_fail(cursor, STATUS_INVALID);
    return 0;
}

uint64_t wire_get_positive(struct wire_cursor *cursor, uint64_t max) {
    uint64_t value = wire_get_varint(cursor, max);
    if (value == 0)
        wire_cursor_fail(cursor, STATUS_INVALID);
    return value;
}

int64_t wire_get_signed(struct wire_cursor *cursor) {
    uint64_t zigzag = wire_get_varint(cursor, UINT64_MAX);
    return (int64_t)(zigzag & 1 ? ~(zigzag >> 1) : zigzag >> 1);
}

const uint8_t *wire_get_bytes(struct wire_cursor *cursor, size_t size_bytes) {
    if (size_bytes > (size_t)(cursor->end - cursor->at)) {
        wire_cursor_fail(cursor, STATUS_TRUNCATED);
        return NULL;
    }
    const uint8_t *bytes = cursor->at;
    cursor->at += size_bytes;
    return bytes;
}

void wire_get_id(struct wire_cursor *cursor, struct id128 *id) {
    const uint8_t *bytes = wire_get_bytes(cursor, sizeof id->bytes);
    if (bytes == NULL)
        *id = (struct id128){{0}};
    else
        memcpy(id->bytes, bytes, sizeof id->bytes);
}

void wire_get_text(struct wire_cursor *cursor, char *text, size_t text_size) {
    size_t length = (size_t)wire_get_varint(cursor, text_size - 1);
    const uint8_t *bytes = wire_get_bytes(cursor, length);
    text[0] = '\0';
    if (bytes == NULL || length == 0)
        return;
    if (memchr(bytes, '\0', length) != NULL) {
        wire_cursor_fail(cursor, STATUS_INVALID);
        return;
    }
    memcpy(text, bytes, length);
    text[length] = '\0';
}

struct wire_cursor wire_frame_open(const void *data, size_t size_bytes, enum wire_type type,
                                   uint32_t *records) {
    const uint8_t *bytes = data;
    *records = 0;
    if (size_bytes < 2)
        return (struct wire_cursor){.status = STATUS_TRUNCATED};
    struct wire_cursor cursor = {.at = bytes, .end = bytes + size_bytes};
    if (bytes[0] != WIRE_MAGIC || size_bytes > WIRE_FRAME_MAX_BYTES)
        wire_cursor_fail(&cursor, STATUS_INVALID);
    else if (bytes[1] != WIRE_VERSION)
        wire_cursor_fail(&cursor, STATUS_VERSION);
    else if (size_bytes < WIRE_HEAD_BYTES)
        wire_cursor_fail(&cursor, STATUS_TRUNCATED);
    else if (bytes[2] != type)
        wire_cursor_fail(&cursor, STATUS_INVALID);
    if (cursor.status != STATUS_OK)
        return cursor;
    uint32_t little;
    memcpy(&little, bytes + 3, sizeof little);
    *records = le32toh(little);
    cursor.at += WIRE_HEAD_BYTES;
    return cursor;
}

enum status wire_frame_close(struct wire_cursor *cursor) {
    if (cursor->status == STATUS_OK && cursor->at != cursor->end)
        wire_cursor_fail(cursor, STATUS_INVALID);
    return cursor->status;
}

struct wire_cursor wire_record_open(const struct wire_buffer *buffer, size_t size_bytes) {
    return (struct wire_cursor){.at = buffer->data + size_bytes,
                                .end = buffer->data + buffer->size_bytes};
}

enum status wire_records_open(struct wire_reader *reader, struct wire_cursor *cursor,
                              uint32_t records, wire_get_record *get, void *record) {
    *reader = (struct wire_reader){cursor->at, cursor->end, records};
    for (uint32_t i = 0; i < records && cursor->status == STATUS_OK; i++)
        get(cursor, record);
    return wire_frame_close(cursor);
}

bool wire_records_next(struct wire_reader *reader, wire_get_record *get, void *record) {
    if (reader->records_left == 0)
        return false;
    struct wire_cursor cursor = {.at = reader->at, .end = reader->end};
    get(&cursor, record);
    ensure(cursor.status == STATUS_OK);
    reader->at = cursor.at;
    reader->records_left--;
    return true;
}

enum status wire_empty_encode(struct wire_buffer *buffer, enum wire_type type) {
    wire_frame_begin(buffer, type);
    return buffer->failed ? STATUS_NO_MEMORY : STATUS_OK;
}

enum status wire_empty_decode(const void *data, size_t size_bytes, enum wire_type type) {
    uint32_t records;
    struct wire_cursor cursor = wire_frame_open(data, size_bytes, type, &records);
    if (records != 0)
        wire_cursor_fail(&cursor, STATUS_INVALID);
    return wire_frame_close(&cursor);
}

/* --- announcements */

/* instance, leaving, count, then partition and epoch of each */
enum {
    OWNERS_RECORD_MAX_BYTES = (3 + 2 * PARTITION_COUNT) * WIRE_VARINT_MAX_BYTES,
};

enum status wire_owners_encode(struct wire_buffer *buffer, const struct wire_owners *owners) {
    ensure(owners->count <= PARTITION_COUNT && owners->instance != 0);
    ensure(!owners->leaving || owners->count == 0);
    uint8_t *at;
    wire_frame_begin(buffer, WIRE_OWNERS);
    enum status status = wire_record_begin(buffer, OWNERS_RECORD_MAX_BYTES, &at);
    if (status != STATUS_OK)
        return status;
    at = wire_put_varint(at, owners->instance);
    at = wire_put_varint(at, owners->leaving);
    at = wire_put_varint(at, owners->count);
    for (uint32_t i = 0; i < owners->count; i++) {
        ensure(owners->owners[i].partition < PARTITION_COUNT);
        ensure(i == 0 || owners->owners[i].partition > owners->owners[i - 1].partition);
        at = wire_put_varint(at, owners->owners[i].partition);
        at = wire_put_varint(at, owners->owners[i].epoch);
    }
    return wire_record_end(buffer, at);
}

enum status wire_owners_decode(struct wire_owners *owners, const void *data, size_t size_bytes) {
    uint32_t records;
    struct wire_cursor cursor = wire_frame_open(data, size_bytes, WIRE_OWNERS, &records);
    owners->instance = wire_get_varint(&cursor, UINT64_MAX);
    owners->leaving = wire_get_varint(&cursor, 1) == 1;
    owners->count = (uint32_t)wire_get_varint(&cursor, PARTITION_COUNT);
    bool ascending = true;
    for (uint32_t i = 0; i < owners->count; i++) {
        struct wire_owner *owner = &owners->owners[i];
        owner->partition = (uint32_t)wire_get_varint(&cursor, PARTITION_COUNT - 1);
        owner->epoch = wire_get_varint(&cursor, UINT64_MAX);
        ascending = ascending && (i == 0 || owner->partition > owner[-1].partition);
    }
    if (cursor.status == STATUS_OK && (records != 1 || owners->instance == 0 || !ascending ||
                                       (owners->leaving && owners->count > 0)))
        wire_cursor_fail(&cursor, STATUS_INVALID);
    return wire_frame_close(&cursor);
}

enum status wire_ask_owners_encode(struct wire_buffer *buffer) {
    return wire_empty_encode(buffer, WIRE_ASK_OWNERS);
}

enum status wire_ask_owners_decode(const void *data, size_t size_bytes) {
    return wire_empty_decode(data, size_bytes, WIRE_ASK_OWNERS);
}

/* --- subjects */

static void write_subject(char subject[WIRE_SUBJECT_SIZE], const struct id128 *installation,
                          const char *rest) {
    char text[ID128_TEXT_SIZE];
    int length = snprintf(subject, WIRE_SUBJECT_SIZE, "usher.%s.%s",
                          id128_to_text(installation, text), rest);
    ensure(length > 0 && length < WIRE_SUBJECT_SIZE);
}

static void write_instance_subject(char subject[WIRE_SUBJECT_SIZE],
                                   const struct id128 *installation, const char *kind,
                                   uint64_t instance) {
    char rest[32];
    snprintf(rest, sizeof rest, "%s.%016" PRIx64, kind, instance);
    write_subject(subject, installation, rest);
}

void wire_subject_worker(char subject[WIRE_SUBJECT_SIZE], const struct id128 *installation,
                         uint64_t instance) {
    write_instance_subject(subject, installation, "worker", instance);
}

void wire_subject_gateway(char subject[WIRE_SUBJECT_SIZE], const struct id128 *installation,
                          uint64_t instance) {
    write_instance_subject(subject, installation, "gateway", instance);
}

void wire_subject_owners(char subject[WIRE_SUBJECT_SIZE], const struct id128 *installation) {
    write_subject(subject, installation, "owners");
}

void wire_subject_ask_owners(char subject[WIRE_SUBJECT_SIZE], const struct id128 *installation) {
    write_subject(subject, installation, "ask-owners");
}

void wire_subject_seats(char subject[WIRE_SUBJECT_SIZE], const struct id128 *installation) {
    write_subject(subject, installation, "seats");
}

void wire_subject_rooms(char subject[WIRE_SUBJECT_SIZE], const struct id128 *installation) {
    write_subject(subject, installation, "rooms");
}

void wire_subject_grants(char subject[WIRE_SUBJECT_SIZE], const struct id128 *installation) {
    write_subject(subject, installation, "grants");
}

void wire_subject_people(char subject[WIRE_SUBJECT_SIZE], const struct id128 *installation) {
    write_subject(subject, installation, "people");
}

void wire_subject_ask_people(char subject[WIRE_SUBJECT_SIZE], const struct id128 *installation) {
    write_subject(subject, installation, "ask-people");
}
