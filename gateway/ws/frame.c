#include "gateway/ws/frame.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    FIN_BIT = 0x80,
    RESERVED_BITS = 0x70,
    OPCODE_BITS = 0x0f,
    CONTROL_BIT = 0x08, /* of an opcode */
    MASK_BIT = 0x80,
    LENGTH_BITS = 0x7f,
    LENGTH_16 = 126, /* the length stands in the next 2 bytes */
    LENGTH_64 = 127, /* … 8 bytes */
    MASK_BYTES = 4,
};

/* --- what a frame's header says -------------------------------------------------------------- */

static bool is_control(const struct ws_decoder *decoder) {
    return decoder->header[0] & CONTROL_BIT;
}

static bool is_final(const struct ws_decoder *decoder) {
    return decoder->header[0] & FIN_BIT;
}

/* 0, or the code to close with. */
static uint16_t check_first_byte(const struct ws_decoder *decoder) {
    uint8_t first = decoder->header[0];
    if (first & RESERVED_BITS)
        return WS_CLOSE_PROTOCOL_ERROR;
    switch (first & OPCODE_BITS) {
    case WS_OPCODE_CONTINUATION:
        return decoder->in_message ? 0 : WS_CLOSE_PROTOCOL_ERROR;
    case WS_OPCODE_TEXT:
        return decoder->in_message ? WS_CLOSE_PROTOCOL_ERROR : 0;
    case WS_OPCODE_BINARY:
        return decoder->in_message ? WS_CLOSE_PROTOCOL_ERROR : WS_CLOSE_UNSUPPORTED;
    case WS_OPCODE_CLOSE:
    case WS_OPCODE_PING:
    case WS_OPCODE_PONG:
        return first & FIN_BIT ? 0 : WS_CLOSE_PROTOCOL_ERROR;
    default:
        return WS_CLOSE_PROTOCOL_ERROR;
    }
}

static uint16_t check_second_byte(const struct ws_decoder *decoder) {
    uint8_t second = decoder->header[1];
    bool is_masked = second & MASK_BIT;
    bool is_too_long = is_control(decoder) && (second & LENGTH_BITS) > WS_CONTROL_MAX_BYTES;
    return is_masked && !is_too_long ? 0 : WS_CLOSE_PROTOCOL_ERROR;
}

static size_t length_bytes(const struct ws_decoder *decoder) {
    switch (decoder->header[1] & LENGTH_BITS) {
    case LENGTH_16:
        return 2;
    case LENGTH_64:
        return 8;
    default:
        return 0;
    }
}

static uint16_t read_length(struct ws_decoder *decoder) {
    size_t bytes = length_bytes(decoder);
    uint64_t length = bytes ? 0 : decoder->header[1] & LENGTH_BITS;
    for (size_t i = 0; i < bytes; i++)
        length = length << 8 | decoder->header[2 + i];
    bool is_padded = (bytes == 2 && length < LENGTH_16) || (bytes == 8 && length <= UINT16_MAX);
    if (is_padded || length > INT64_MAX)
        return WS_CLOSE_PROTOCOL_ERROR;
    if (!is_control(decoder) && length > WS_MESSAGE_MAX_BYTES - (uint64_t)decoder->message_bytes)
        return WS_CLOSE_TOO_BIG;
    decoder->payload_bytes = (uint16_t)length;
    return 0;
}

/* The next byte of a header; what is wrong is found at the first byte that tells. */
static uint16_t take_header_byte(struct ws_decoder *decoder, char byte) {
    decoder->header[decoder->header_bytes++] = (uint8_t)byte;
    size_t bytes = decoder->header_bytes;
    if (bytes == 1)
        return check_first_byte(decoder);
    uint16_t code = 0;
    if (bytes == 2)
        code = check_second_byte(decoder);
    if (!code && bytes == 2 + length_bytes(decoder))
        code = read_length(decoder);
    decoder->in_payload = bytes == 2 + length_bytes(decoder) + MASK_BYTES;
    decoder->taken_bytes = 0;
    return code;
}

/* --- its payload ----------------------------------------------------------------------------- */

static void unmask(const struct ws_decoder *decoder, char *data, size_t size_bytes) {
    const uint8_t *mask = decoder->header + decoder->header_bytes - MASK_BYTES;
    for (size_t i = 0; i < size_bytes; i++)
        data[i] = (char)(data[i] ^ mask[(decoder->taken_bytes + i) % MASK_BYTES]);
}

/* IANA's registry, and the ranges for libraries and applications. */
static bool may_be_sent(unsigned code) {
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

/* 0, or the code of a violation. */
static uint16_t read_close(struct ws_received *received) {
    received->code = WS_CLOSE_NO_CODE;
    if (received->size_bytes == 0)
        return 0;
    if (received->size_bytes == 1)
        return WS_CLOSE_PROTOCOL_ERROR;
    struct utf8 utf8 = {0};
    const uint8_t *code = (const uint8_t *)received->data;
    received->code = (uint16_t)(code[0] << 8 | code[1]);
    received->data += 2;
    received->size_bytes -= 2;
    if (!may_be_sent(received->code))
        return WS_CLOSE_PROTOCOL_ERROR;
    bool is_utf8 = utf8_take(&utf8, received->data, received->size_bytes) && utf8_is_whole(&utf8);
    return is_utf8 ? 0 : WS_CLOSE_BAD_DATA;
}

static uint16_t end_control(const struct ws_decoder *decoder, struct ws_received *received) {
    switch (decoder->header[0] & OPCODE_BITS) {
    case WS_OPCODE_PING:
        received->kind = WS_RECEIVED_PING;
        return 0;
    case WS_OPCODE_PONG:
        received->kind = WS_RECEIVED_PONG;
        return 0;
    default:
        received->kind = WS_RECEIVED_CLOSE;
        return read_close(received);
    }
}

static uint16_t end_text(struct ws_decoder *decoder, struct ws_received *received) {
    decoder->message_bytes = 0;
    received->kind = WS_RECEIVED_TEXT;
    return utf8_is_whole(&decoder->utf8) ? 0 : WS_CLOSE_BAD_DATA;
}

/* The next piece of the payload; looks at it, and keeps it unless it is all there is. */
static uint16_t take_payload(struct ws_decoder *decoder, char *data, size_t size_bytes,
                             struct ws_received *received) {
    bool control = is_control(decoder);
    unmask(decoder, data, size_bytes);
    if (!control && !utf8_take(&decoder->utf8, data, size_bytes))
        return WS_CLOSE_BAD_DATA;
    bool ends_item = control || is_final(decoder);
    size_t start = control ? decoder->message_bytes : 0; /* in what is kept */
    bool is_all = ends_item && size_bytes == decoder->payload_bytes &&
                  (control || decoder->message_bytes == 0);
    if (!is_all && !http_buffer_add(&decoder->kept, data, size_bytes))
        return WS_CLOSE_INTERNAL;
    if (!is_all && !control)
        decoder->message_bytes = (uint16_t)decoder->kept.size_bytes;
    decoder->taken_bytes = (uint16_t)(decoder->taken_bytes + size_bytes);
    if (decoder->taken_bytes < decoder->payload_bytes)
        return 0;
    decoder->in_payload = false;
    decoder->header_bytes = 0;
    decoder->in_message = control ? decoder->in_message : !ends_item;
    if (!ends_item)
        return 0;
    received->data = is_all ? data : decoder->kept.data + start;
    received->size_bytes = is_all ? size_bytes : decoder->kept.size_bytes - start;
    return control ? end_control(decoder, received) : end_text(decoder, received);
}

/* Forgets what was handed out the last time. */
static void drop_handed_out(struct ws_decoder *decoder) {
    if (decoder->in_payload && is_control(decoder))
        return; /* its beginning lies behind the message's */
    decoder->kept.size_bytes = decoder->message_bytes;
    if (decoder->message_bytes == 0)
        http_buffer_reset(&decoder->kept, 0);
}

size_t ws_decoder_take(struct ws_decoder *decoder, char *data, size_t size_bytes,
                       struct ws_received *received) {
    size_t used = 0;
    uint16_t violation = 0;
    drop_handed_out(decoder);
    *received = (struct ws_received){.kind = WS_RECEIVED_NOTHING};
    while (used < size_bytes && received->kind == WS_RECEIVED_NOTHING && !violation) {
        if (!decoder->in_payload)
            violation = take_header_byte(decoder, data[used++]);
        if (decoder->in_payload && (used < size_bytes || decoder->payload_bytes == 0)) {
            size_t left = (size_t)decoder->payload_bytes - decoder->taken_bytes;
            size_t now = left < size_bytes - used ? left : size_bytes - used;
            violation = take_payload(decoder, data + used, now, received);
            used += now;
        }
    }
    if (violation)
        *received = (struct ws_received){.kind = WS_RECEIVED_VIOLATION, .code = violation};
    return used;
}

void ws_decoder_free(struct ws_decoder *decoder) {
    http_buffer_reset(&decoder->kept, 0);
}

/* --- encoding -------------------------------------------------------------------------------- */

/* A server's frames are not masked (RFC 6455, 5.1). Returns the header's size. */
static size_t write_header(uint8_t header[WS_HEADER_MAX_BYTES], enum ws_opcode opcode,
                           size_t size_bytes) {
    header[0] = (uint8_t)(FIN_BIT | opcode);
    if (size_bytes < LENGTH_16) {
        header[1] = (uint8_t)size_bytes;
        return 2;
    }
    size_t bytes = size_bytes <= UINT16_MAX ? 2 : 8;
    header[1] = bytes == 2 ? LENGTH_16 : LENGTH_64;
    for (size_t i = bytes; i > 0; i--, size_bytes >>= 8)
        header[1 + i] = (uint8_t)size_bytes;
    return 2 + bytes;
}

struct ws_frame *ws_frame_create(enum ws_opcode opcode, const void *payload, size_t size_bytes) {
    uint8_t header[WS_HEADER_MAX_BYTES];
    ensure(!(opcode & CONTROL_BIT) || size_bytes <= WS_CONTROL_MAX_BYTES);
    ensure(size_bytes <= UINT32_MAX - WS_HEADER_MAX_BYTES);
    size_t header_bytes = write_header(header, opcode, size_bytes);
    struct ws_frame *frame = malloc(sizeof *frame + header_bytes + size_bytes);
    if (!frame)
        return NULL;
    frame->references = 1;
    frame->size_bytes = (uint32_t)(header_bytes + size_bytes);
    memcpy(frame->bytes, header, header_bytes);
    if (size_bytes)
        memcpy(frame->bytes + header_bytes, payload, size_bytes);
    return frame;
}

struct ws_frame *ws_frame_create_close(uint16_t code, const char *reason) {
    char payload[WS_CONTROL_MAX_BYTES + 1] = {(char)(code >> 8), (char)code};
    if (code == WS_CLOSE_NO_CODE)
        return ws_frame_create(WS_OPCODE_CLOSE, NULL, 0);
    int length = snprintf(payload + 2, sizeof payload - 2, "%s", reason);
    ensure(may_be_sent(code) && length >= 0 && length <= WS_CONTROL_MAX_BYTES - 2);
    return ws_frame_create(WS_OPCODE_CLOSE, payload, 2 + (size_t)length);
}

struct ws_frame *ws_frame_hold(struct ws_frame *frame) {
    frame->references++;
    return frame;
}

void ws_frame_release(struct ws_frame *frame) {
    if (frame && --frame->references == 0)
        free(frame);
}
