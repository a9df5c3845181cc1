/*
 * guard: which octets may reach the parser library at all.
 *
 * The libraries are lax in different places (http-parser 2.9.4 lets through a space before the
 * colon, NUL and bare LF in chunk lines, folded headers). What two parsers could read differently
 * must not get in, so every head and every chunked body first passes one of these two state
 * machines, which know RFC 9112's grammar octet by octet and nothing of its meaning. They also find
 * where a message ends, so that the library is given exactly one message.
 *
 *   head     [CRLF] method SP target SP HTTP/d.d CRLF *(name ":" value CRLF) CRLF
 *   chunked  *(1*8HEX [";" extension] CRLF data CRLF) 1*8"0" [";" extension] CRLF *(name ":" value
 * CRLF) CRLF
 *
 * Incremental: hand over what has come, as often as it comes. Pure; no allocation.
 */
#ifndef USHER_GATEWAY_HTTP_GUARD_H
#define USHER_GATEWAY_HTTP_GUARD_H

#include "shared/base.h"

enum http_guard_result {
    HTTP_GUARD_MORE,      /* good so far */
    HTTP_GUARD_END,       /* the message part ends here */
    HTTP_GUARD_INVALID,   /* 400 */
    HTTP_GUARD_TOO_LARGE, /* 431: HTTP_HEAD_MAX_BYTES, HTTP_HEADERS_MAX or HTTP_TRAILERS_MAX_BYTES
                             passed */
    HTTP_GUARD_VERSION,   /* 505: neither HTTP/1.0 nor HTTP/1.1 */
};

enum {
    HTTP_CHUNK_DIGITS_MAX = 8,
    HTTP_CHUNK_EXTENSION_MAX_BYTES = 256,
    HTTP_TRAILERS_MAX_BYTES = 4096
};

/* Zero-initialised at the start of every head. */
struct http_head_guard {
    uint16_t size_bytes; /* looked at so far; at HTTP_GUARD_END: the head's size */
    uint16_t fields;
    uint8_t state;
    uint8_t index;
};

/* `data` is the whole head as far as it has come, always from its first byte. */
MUST_CHECK enum http_guard_result http_head_guard_scan(struct http_head_guard *guard,
                                                       const char *data, size_t size_bytes);

/* Zero-initialised at the start of every chunked body. */
struct http_chunk_guard {
    uint32_t left_bytes; /* of the chunk */
    uint16_t line_bytes; /* of the extension, or of all trailers */
    uint8_t state;
    uint8_t digits;
};

/* `data` is only what is new. `used_bytes`: how much of it belongs to the body (all, unless
 * HTTP_GUARD_END). */
MUST_CHECK enum http_guard_result http_chunk_guard_scan(struct http_chunk_guard *guard,
                                                        const char *data, size_t size_bytes,
                                                        size_t *used_bytes);

#endif
