#include "ops/benchmarks/web_socket.h"

#include <stdio.h>
#include <sys/socket.h>

/* The example of RFC 6455, 1.3. */
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"

enum {
    WHOLE_TEXT = 0x81,
    WHOLE_CLOSE = 0x88,
    WHOLE_PING = 0x89,
    WHOLE_PONG = 0x8a,
    MASKED = 0x80,
    LONG_LENGTH = 126, /* in two more bytes */
    MASK_BYTES = 4,
};

enum web_socket_found web_socket_read_answer(const char *bytes, size_t size_bytes,
                                             struct web_socket_frame *frame) {
    static const char upgraded[] = "HTTP/1.1 101 ";
    const char *end = memmem(bytes, size_bytes, "\r\n\r\n", 4);
    if (end == NULL)
        return WEB_SOCKET_NOTHING;
    *frame = (struct web_socket_frame){.size_bytes = (size_t)(end - bytes) + 4};
    bool open = frame->size_bytes >= sizeof upgraded &&
                memcmp(bytes, upgraded, sizeof upgraded - 1) == 0 &&
                memmem(bytes, frame->size_bytes, ACCEPT, sizeof ACCEPT - 1) != NULL;
    return open ? WEB_SOCKET_OPEN : WEB_SOCKET_STRANGE;
}

enum web_socket_found web_socket_read_frame(const char *bytes, size_t size_bytes,
                                            struct web_socket_frame *frame) {
    const uint8_t *head = (const uint8_t *)bytes;
    if (size_bytes < 2 || (head[1] == LONG_LENGTH && size_bytes < 4))
        return WEB_SOCKET_NOTHING;
    size_t header_bytes = head[1] == LONG_LENGTH ? 4 : 2;
    frame->payload = bytes + header_bytes;
    frame->payload_bytes = header_bytes == 4 ? (size_t)(head[2] << 8 | head[3]) : head[1];
    frame->size_bytes = header_bytes + frame->payload_bytes;
    if (head[1] > LONG_LENGTH)
        return WEB_SOCKET_STRANGE;
    if (size_bytes < frame->size_bytes)
        return WEB_SOCKET_NOTHING;
    return head[0] == WHOLE_TEXT    ? WEB_SOCKET_TEXT
           : head[0] == WHOLE_PING  ? WEB_SOCKET_PING
           : head[0] == WHOLE_CLOSE ? WEB_SOCKET_CLOSE
                                    : WEB_SOCKET_STRANGE;
}

static bool send_all(int fd, const void *bytes, size_t size_bytes) {
    return send(fd, bytes, size_bytes, MSG_NOSIGNAL) == (ssize_t)size_bytes;
}

bool web_socket_ask(int fd, const char *path) {
    char request[512];
    int size_bytes = snprintf(request, sizeof request,
                              "GET %s HTTP/1.1\r\nHost: usher\r\nUpgrade: websocket\r\n"
                              "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                              "Sec-WebSocket-Key: " KEY "\r\n\r\n",
                              path);
    ensure(size_bytes > 0 && (size_t)size_bytes < sizeof request);
    return send_all(fd, request, (size_t)size_bytes);
}

/* A mask of zeros leaves the text as it is. */
bool web_socket_send_text(int fd, const char *text, size_t text_bytes) {
    uint8_t bytes[4 + MASK_BYTES + WEB_SOCKET_TEXT_MAX_BYTES] = {WHOLE_TEXT};
    ensure(text_bytes <= WEB_SOCKET_TEXT_MAX_BYTES);
    size_t header_bytes = text_bytes < LONG_LENGTH ? 2 : 4;
    bytes[1] = (uint8_t)(MASKED | (header_bytes == 2 ? text_bytes : LONG_LENGTH));
    if (header_bytes == 4) {
        bytes[2] = (uint8_t)(text_bytes >> 8);
        bytes[3] = (uint8_t)text_bytes;
    }
    memcpy(bytes + header_bytes + MASK_BYTES, text, text_bytes);
    return send_all(fd, bytes, header_bytes + MASK_BYTES + text_bytes);
}

bool web_socket_send_pong(int fd) {
    static const uint8_t pong[2 + MASK_BYTES] = {WHOLE_PONG, MASKED};
    return send_all(fd, pong, sizeof pong);
}
