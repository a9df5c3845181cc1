/*
 * wire_private: the bytes under wire's frames, for wire.c, wire_commands.c, wire_rooms.c and
 * wire_seats.c.
 *
 * Writing goes to memory reserved for the whole record before, so that `wire_put_…` checks nothing
 * and returns where the next value goes. Reading goes through a cursor that remembers the first
 * thing wrong with the input and yields zeros from then on, so that a decoder may look at its
 * status once, at the end. Every value has exactly one encoding: what decodes, encodes to the same
 * bytes again.
 */
#ifndef USHER_SHARED_WIRE_PRIVATE_H
#define USHER_SHARED_WIRE_PRIVATE_H

#include "shared/wire.h"

enum {
    WIRE_MAGIC = 0x75,
    WIRE_HEAD_BYTES = 7, /* magic, version, type, number of records */
    WIRE_VARINT_MAX_BYTES = 10,
};

/* --- writing */

uint8_t *wire_put_varint(uint8_t *at, uint64_t value);
uint8_t *wire_put_signed(uint8_t *at, int64_t value);
uint8_t *wire_put_bytes(uint8_t *at, const void *data, size_t size_bytes);
uint8_t *wire_put_id(uint8_t *at, const struct id128 *id);
/* Its length, then its bytes. */
uint8_t *wire_put_text(uint8_t *at, const char *text);

/* Empties the buffer and writes a head. */
void wire_frame_begin(struct wire_buffer *buffer, enum wire_type type);
/* Memory for a record of at most `size_bytes`; *at is where it begins. STATUS_NO_MEMORY. */
MUST_CHECK enum status wire_record_begin(struct wire_buffer *buffer, size_t size_bytes,
                                         uint8_t **at);
/* The record lies between what wire_record_begin gave and `end`. STATUS_LIMIT: the frame would get
 * too big; it is as before. */
MUST_CHECK enum status wire_record_end(struct wire_buffer *buffer, const uint8_t *end);
/* Takes back the record that was ended last and began at `size_bytes`. */
void wire_record_undo(struct wire_buffer *buffer, size_t size_bytes);

/* --- reading */

struct wire_cursor {
    const uint8_t *at;
    const uint8_t *end;
    enum status status; /* STATUS_OK, or what was wrong first: then `at` is `end` */
};

void wire_cursor_fail(struct wire_cursor *cursor, enum status status);
/* At most `max`, else STATUS_INVALID. */
uint64_t wire_get_varint(struct wire_cursor *cursor, uint64_t max);
/* 1 … max. */
uint64_t wire_get_positive(struct wire_cursor *cursor, uint64_t max);
int64_t wire_get_signed(struct wire_cursor *cursor);
/* NULL when there are not so many. */
const uint8_t *wire_get_bytes(struct wire_cursor *cursor, size_t size_bytes);
void wire_get_id(struct wire_cursor *cursor, struct id128 *id);
/* Fits into `text` with its NUL and has none inside; "" when it does not. */
void wire_get_text(struct wire_cursor *cursor, char *text, size_t text_size);

/* Reads the head: a frame of `type`. */
struct wire_cursor wire_frame_open(const void *data, size_t size_bytes, enum wire_type type,
                                   uint32_t *records);
/* All records were read: nothing may follow. */
MUST_CHECK enum status wire_frame_close(struct wire_cursor *cursor);

/* Decodes one record, a struct of the frame's type. */
typedef void wire_get_record(struct wire_cursor *cursor, void *record);
/* The record that was ended last and began at `size_bytes`. */
struct wire_cursor wire_record_open(const struct wire_buffer *buffer, size_t size_bytes);
/* The cursor is at the first of `records`. Walks them all, so that wire_records_next can't fail
 * afterwards; `record` has room for one. */
MUST_CHECK enum status wire_records_open(struct wire_reader *reader, struct wire_cursor *cursor,
                                         uint32_t records, wire_get_record *get, void *record);
/* False at the end. */
bool wire_records_next(struct wire_reader *reader, wire_get_record *get, void *record);

/* Frames of no record. */
MUST_CHECK enum status wire_empty_encode(struct wire_buffer *buffer, enum wire_type type);
MUST_CHECK enum status wire_empty_decode(const void *data, size_t size_bytes, enum wire_type type);

#endif
