/*
 * web_socket: a WebSocket as a client of the load generator sees it (RFC 6455): the handshake, and
 * a server's frames, found in the bytes received so far. Only what usher's gateways send is
 * understood: whole texts, pings and closes of at most 65,535 bytes, without a mask.
 */
#ifndef USHER_OPS_BENCHMARKS_WEB_SOCKET_H
#define USHER_OPS_BENCHMARKS_WEB_SOCKET_H

#include "shared/base.h"

enum { WEB_SOCKET_TEXT_MAX_BYTES = 1024 }; /* that are sent */

enum web_socket_found {
    WEB_SOCKET_NOTHING, /* more bytes are needed */
    WEB_SOCKET_OPEN,    /* the handshake's answer: it is a WebSocket */
    WEB_SOCKET_TEXT,
    WEB_SOCKET_PING,
    WEB_SOCKET_CLOSE,
    WEB_SOCKET_STRANGE,
};

struct web_socket_frame {
    const char *payload; /* points into the bytes */
    size_t payload_bytes;
    size_t size_bytes; /* of all of it */
};

enum web_socket_found web_socket_read_answer(const char *bytes, size_t size_bytes,
                                             struct web_socket_frame *frame);
enum web_socket_found web_socket_read_frame(const char *bytes, size_t size_bytes,
                                            struct web_socket_frame *frame);

/* These are sent at once, on a connected socket; false, and errno, when it does not take them. */
MUST_CHECK bool web_socket_ask(int fd, const char *path);
MUST_CHECK bool web_socket_send_text(int fd, const char *text, size_t text_bytes);
MUST_CHECK bool web_socket_send_pong(int fd);

#endif
