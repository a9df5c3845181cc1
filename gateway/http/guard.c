#include "gateway/http/guard.h"

#include "gateway/http/http.h"

/* RFC 9110, 5.6.2: one bit for each of the 128 ASCII characters. */
static bool is_token(uint8_t c) {
    static const uint32_t token[4] = {0, 0x03ff6cfa, 0xc7fffffe, 0x57ffffff};
    return c < 128 && (token[c / 32] >> (c % 32) & 1) != 0;
}

/* RFC 9110, 5.5: visible, space, tab, and octets outside ASCII. */
static bool is_value(uint8_t c) {
    return (c >= 0x20 && c != 0x7f) || c == '\t';
}

/* RFC 3986 has ASCII only: llhttp refuses the rest, http-parser does not. */
static bool is_target(uint8_t c) {
    return c > 0x20 && c < 0x7f;
}

static int hex_digit(uint8_t c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
        return (c | 0x20) - 'a' + 10;
    return -1;
}

/* --- the head -------------------------------------------------------------------------------- */

enum head_state {
    HEAD_START,
    HEAD_EMPTY_LF, /* an empty line before the request is ignored (RFC 9112, 2.2) */
    HEAD_METHOD_START,
    HEAD_METHOD,
    HEAD_TARGET_START,
    HEAD_TARGET,
    HEAD_VERSION,
    HEAD_LINE_LF,
    HEAD_LINE_START,
    HEAD_NAME,
    HEAD_VALUE,
    HEAD_END_LF,
    HEAD_BAD,
    HEAD_BAD_VERSION,
    HEAD_DONE,
};

static enum head_state step_version(struct http_head_guard *guard, uint8_t c) {
    static const char shape[] = "HTTP/d.d\r";
    char expected = shape[guard->index];
    if (expected == 'd' ? c < '0' || c > '9' : c != (uint8_t)expected)
        return HEAD_BAD;
    static const uint8_t major = 5, minor = 7;
    if ((guard->index == major && c != '1') || (guard->index == minor && c > '1'))
        return HEAD_BAD_VERSION;
    guard->index++;
    return expected == '\r' ? HEAD_LINE_LF : HEAD_VERSION;
}

static enum head_state step_head(struct http_head_guard *guard, uint8_t c) {
    switch ((enum head_state)guard->state) {
    case HEAD_START:
        return c == '\r' ? HEAD_EMPTY_LF : is_token(c) ? HEAD_METHOD : HEAD_BAD;
    case HEAD_EMPTY_LF:
        return c == '\n' ? HEAD_METHOD_START : HEAD_BAD;
    case HEAD_METHOD_START:
        return is_token(c) ? HEAD_METHOD : HEAD_BAD;
    case HEAD_METHOD:
        return is_token(c) ? HEAD_METHOD : c == ' ' ? HEAD_TARGET_START : HEAD_BAD;
    case HEAD_TARGET_START:
        return is_target(c) ? HEAD_TARGET : HEAD_BAD;
    case HEAD_TARGET:
        return is_target(c) ? HEAD_TARGET : c == ' ' ? HEAD_VERSION : HEAD_BAD;
    case HEAD_VERSION:
        return step_version(guard, c);
    case HEAD_LINE_LF:
        return c == '\n' ? HEAD_LINE_START : HEAD_BAD;
    case HEAD_LINE_START: /* a space here would be a folded header */
        guard->fields++;
        return c == '\r' ? HEAD_END_LF : is_token(c) ? HEAD_NAME : HEAD_BAD;
    case HEAD_NAME:
        return is_token(c) ? HEAD_NAME : c == ':' ? HEAD_VALUE : HEAD_BAD;
    case HEAD_VALUE:
        return is_value(c) ? HEAD_VALUE : c == '\r' ? HEAD_LINE_LF : HEAD_BAD;
    case HEAD_END_LF:
        return c == '\n' ? HEAD_DONE : HEAD_BAD;
    case HEAD_BAD:
    case HEAD_BAD_VERSION:
    case HEAD_DONE:
        break;
    }
    return HEAD_BAD;
}

enum http_guard_result http_head_guard_scan(struct http_head_guard *guard, const char *data,
                                            size_t size_bytes) {
    while (guard->size_bytes < size_bytes) {
        if (guard->size_bytes == HTTP_HEAD_MAX_BYTES)
            return HTTP_GUARD_TOO_LARGE;
        guard->state = (uint8_t)step_head(guard, (uint8_t)data[guard->size_bytes]);
        guard->size_bytes++;
        if (guard->state == HEAD_NAME && guard->fields > HTTP_HEADERS_MAX)
            return HTTP_GUARD_TOO_LARGE;
        if (guard->state >= HEAD_BAD)
            return guard->state == HEAD_DONE          ? HTTP_GUARD_END
                   : guard->state == HEAD_BAD_VERSION ? HTTP_GUARD_VERSION
                                                      : HTTP_GUARD_INVALID;
    }
    return HTTP_GUARD_MORE;
}

/* --- chunked bodies -------------------------------------------------------------------------- */

enum chunk_state {
    CHUNK_SIZE,
    CHUNK_EXTENSION,
    CHUNK_SIZE_LF,
    CHUNK_DATA,
    CHUNK_DATA_CR,
    CHUNK_DATA_LF,
    CHUNK_TRAILER_START,
    CHUNK_TRAILER_NAME,
    CHUNK_TRAILER_VALUE,
    CHUNK_TRAILER_LF,
    CHUNK_END_LF,
    CHUNK_BAD,
    CHUNK_TOO_LARGE,
    CHUNK_DONE,
};

/* The size's digits and what follows them. */
static enum chunk_state step_size(struct http_chunk_guard *guard, uint8_t c) {
    int digit = hex_digit(c);
    if (digit >= 0) {
        if (guard->digits++ == HTTP_CHUNK_DIGITS_MAX)
            return CHUNK_BAD;
        guard->left_bytes = guard->left_bytes << 4 | (uint32_t)digit;
        return CHUNK_SIZE;
    }
    if (guard->digits == 0)
        return CHUNK_BAD;
    guard->line_bytes = 0;
    return c == '\r' ? CHUNK_SIZE_LF : c == ';' ? CHUNK_EXTENSION : CHUNK_BAD;
}

static enum chunk_state step_size_end(struct http_chunk_guard *guard, uint8_t c) {
    if (c != '\n')
        return CHUNK_BAD;
    guard->digits = 0;
    return guard->left_bytes ? CHUNK_DATA : CHUNK_TRAILER_START;
}

static enum chunk_state step_trailer(struct http_chunk_guard *guard, uint8_t c) {
    if (++guard->line_bytes > HTTP_TRAILERS_MAX_BYTES)
        return CHUNK_TOO_LARGE;
    switch ((enum chunk_state)guard->state) {
    case CHUNK_TRAILER_START:
        return c == '\r' ? CHUNK_END_LF : is_token(c) ? CHUNK_TRAILER_NAME : CHUNK_BAD;
    case CHUNK_TRAILER_NAME:
        return is_token(c) ? CHUNK_TRAILER_NAME : c == ':' ? CHUNK_TRAILER_VALUE : CHUNK_BAD;
    case CHUNK_TRAILER_VALUE:
        return is_value(c) ? CHUNK_TRAILER_VALUE : c == '\r' ? CHUNK_TRAILER_LF : CHUNK_BAD;
    default: /* CHUNK_TRAILER_LF */
        return c == '\n' ? CHUNK_TRAILER_START : CHUNK_BAD;
    }
}

static enum chunk_state step_chunk(struct http_chunk_guard *guard, uint8_t c) {
    switch ((enum chunk_state)guard->state) {
    case CHUNK_SIZE:
        return step_size(guard, c);
    case CHUNK_EXTENSION:
        if (++guard->line_bytes > HTTP_CHUNK_EXTENSION_MAX_BYTES)
            return CHUNK_BAD;
        return is_value(c) ? CHUNK_EXTENSION : c == '\r' ? CHUNK_SIZE_LF : CHUNK_BAD;
    case CHUNK_SIZE_LF:
        return step_size_end(guard, c);
    case CHUNK_DATA_CR:
        return c == '\r' ? CHUNK_DATA_LF : CHUNK_BAD;
    case CHUNK_DATA_LF:
        return c == '\n' ? CHUNK_SIZE : CHUNK_BAD;
    case CHUNK_END_LF:
        return c == '\n' ? CHUNK_DONE : CHUNK_BAD;
    case CHUNK_TRAILER_START:
    case CHUNK_TRAILER_NAME:
    case CHUNK_TRAILER_VALUE:
    case CHUNK_TRAILER_LF:
        return step_trailer(guard, c);
    case CHUNK_DATA:
    case CHUNK_BAD:
    case CHUNK_TOO_LARGE:
    case CHUNK_DONE:
        break;
    }
    return CHUNK_BAD;
}

enum http_guard_result http_chunk_guard_scan(struct http_chunk_guard *guard, const char *data,
                                             size_t size_bytes, size_t *used_bytes) {
    size_t at = 0;
    while (at < size_bytes && guard->state < CHUNK_BAD) {
        if (guard->state == CHUNK_DATA) {
            size_t here = size_bytes - at < guard->left_bytes ? size_bytes - at : guard->left_bytes;
            at += here;
            guard->left_bytes -= (uint32_t)here;
            if (guard->left_bytes == 0)
                guard->state = CHUNK_DATA_CR;
        } else {
            guard->state = (uint8_t)step_chunk(guard, (uint8_t)data[at++]);
        }
    }
    *used_bytes = at;
    switch ((enum chunk_state)guard->state) {
    case CHUNK_BAD:
        return HTTP_GUARD_INVALID;
    case CHUNK_TOO_LARGE:
        return HTTP_GUARD_TOO_LARGE;
    case CHUNK_DONE:
        return HTTP_GUARD_END;
    default:
        return HTTP_GUARD_MORE;
    }
}
