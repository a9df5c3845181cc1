/*
 * frame: the server's side of the WebSocket framing (RFC 6455, 5 to 8), without a socket: bytes
 * that came are decoded to whole messages, what is to be sent is encoded. No extensions.
 *
 * Decoding is strict: a frame must be masked, have no reserved bit and a known opcode; a length
 * must be written the shortest way; control frames have at most 125 bytes, whole, and may stand
 * between the fragments of a message; a text is UTF-8, looked at as it comes, so that a bad one is
 * refused at its first bad byte. A violation names the code to close with:
 *
 *   1002  the framing is wrong, or the code of a close frame is none that may be sent
 *   1003  a binary message
 *   1007  a text, or the reason of a close frame, is not UTF-8
 *   1009  a message of more than WS_MESSAGE_MAX_BYTES, also over all its fragments
 *   1011  there is no memory
 *
 * Memory: while no message or control frame is partly received a decoder has no buffer; what
 * arrives in one piece is never copied.
 */
#ifndef USHER_GATEWAY_WS_FRAME_H
#define USHER_GATEWAY_WS_FRAME_H

#include "gateway/http/buffer.h"
#include "shared/utf8.h"

enum {
    WS_MESSAGE_MAX_BYTES = 4096,
    WS_CONTROL_MAX_BYTES = 125,
    WS_HEADER_MAX_BYTES = 14, /* with a mask */
};

enum ws_opcode {
    WS_OPCODE_CONTINUATION = 0x0,
    WS_OPCODE_TEXT = 0x1,
    WS_OPCODE_BINARY = 0x2,
    WS_OPCODE_CLOSE = 0x8,
    WS_OPCODE_PING = 0x9,
    WS_OPCODE_PONG = 0xa,
};

/* RFC 6455, 7.4.1, and IANA's registry of close codes. */
enum ws_close_code {
    WS_CLOSE_NORMAL = 1000,
    WS_CLOSE_GOING_AWAY = 1001,
    WS_CLOSE_PROTOCOL_ERROR = 1002,
    WS_CLOSE_UNSUPPORTED = 1003,
    WS_CLOSE_NO_CODE = 1005,  /* never sent: a close frame without one */
    WS_CLOSE_ABNORMAL = 1006, /* never sent: no close frame at all */
    WS_CLOSE_BAD_DATA = 1007,
    WS_CLOSE_POLICY = 1008,
    WS_CLOSE_TOO_BIG = 1009,
    WS_CLOSE_INTERNAL = 1011,
    WS_CLOSE_TRY_LATER = 1013,
};

/* --- decoding */

enum ws_received_kind {
    WS_RECEIVED_NOTHING, /* all bytes are taken; more are needed */
    WS_RECEIVED_TEXT,
    WS_RECEIVED_PING,
    WS_RECEIVED_PONG,
    WS_RECEIVED_CLOSE,
    WS_RECEIVED_VIOLATION,
};

struct ws_received {
    enum ws_received_kind kind;
    uint16_t code; /* of a close frame (WS_CLOSE_NO_CODE: none); to close with after a violation */
    const char *data; /* a text, a payload or a close frame's reason; not NUL-terminated */
    size_t size_bytes;
};

/* Zero-initialised at the start of a connection. */
struct ws_decoder {
    struct http_buffer kept; /* of an unfinished message; behind it, of a control frame in it */
    uint16_t message_bytes;  /* of the message, in `kept` */
    uint16_t payload_bytes;  /* of the frame */
    uint16_t taken_bytes;    /* of these */
    bool in_payload;
    bool in_message; /* more fragments have to come */
    struct utf8 utf8;
    uint8_t header_bytes; /* that have come */
    uint8_t header[WS_HEADER_MAX_BYTES];
};

/* Takes bytes up to the end of the next message or control frame, and returns how many. They are
 * unmasked in place; what `received` points to, in them or in the decoder, lasts until the next
 * call. So it is called until it has RECEIVED_NOTHING, also with no bytes left; never again after
 * a close frame or a violation. */
size_t ws_decoder_take(struct ws_decoder *decoder, char *data, size_t size_bytes,
                       struct ws_received *received);
void ws_decoder_free(struct ws_decoder *decoder);

/* --- encoding */

/* A frame as it is sent, shared by all who send it: encoded once, freed with the last reference. */
struct ws_frame {
    uint32_t references;
    uint32_t size_bytes;
    uint8_t bytes[];
};

/* One reference, the caller's. NULL without memory. The payload is copied; UTF-8 for a text, at
 * most WS_CONTROL_MAX_BYTES for a ping or pong. */
MUST_CHECK struct ws_frame *ws_frame_create(enum ws_opcode opcode, const void *payload,
                                            size_t size_bytes);
/* `reason` may be "". WS_CLOSE_NO_CODE: a close frame with neither. */
MUST_CHECK struct ws_frame *ws_frame_create_close(uint16_t code, const char *reason);
struct ws_frame *ws_frame_hold(struct ws_frame *frame);
/* NULL is allowed. */
void ws_frame_release(struct ws_frame *frame);

#endif
