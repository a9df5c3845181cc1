/*
 * ws_client: a test's WebSocket client (RFC 6455) on plain sockets to 127.0.0.1. All clients of a
 * test live on one event_base, which turns while the test waits: no threads, and many thousands in
 * one process (about 1 KB each besides what the kernel has).
 *
 * It sends what it is given, right or wrong. What it receives must be right, or the test fails: an
 * answer to its request that gateway/web/openapi.json allows (contract.h), then whole frames
 * without a mask, lengths as short as can be. Frames are handed to `on_frame`, or kept for
 * ws_client_receive; pings and close frames are answered, unless the client is `raw`.
 */
#ifndef USHER_TESTS_SUPPORT_WS_CLIENT_H
#define USHER_TESTS_SUPPORT_WS_CLIENT_H

#include "shared/base.h"

#include <event2/event.h>

enum { WS_CLIENT_WAIT_MS = 30000 };

/* FIN and opcode of whole frames. */
enum { WS_TEXT = 0x81, WS_BINARY = 0x82, WS_CLOSE = 0x88, WS_PING = 0x89, WS_PONG = 0x8a };

struct ws_client_frame {
    uint8_t first; /* FIN and opcode */
    const char *payload;
    size_t size_bytes;
};

struct ws_client;

struct ws_client_config {
    struct event_base *base;
    uint16_t port;
    const char *path;
    const char *headers; /* more of the request, each line with its CR LF; NULL: none */
    bool raw;            /* answers nothing by itself */
    bool unchecked;      /* asks a server of the test's own: any answer to the request will do */
    int receive_bytes;   /* SO_RCVBUF; 0: the system's */
    /* The frame lasts for the call. It may send, but not destroy. NULL: frames are kept. */
    void (*on_frame)(void *context, struct ws_client *client, const struct ws_client_frame *frame);
    void *context;
};

/* Connects and asks; does not wait. */
struct ws_client *ws_client_create(const struct ws_client_config *config);
/* Closes the connection at once, without a word. NULL is allowed. */
void ws_client_destroy(struct ws_client *client);

/* Of the answer to the handshake, 101 when it is open; 0: there is none yet. */
int ws_client_status(const struct ws_client *client);
/* The connection has ended: in order, or `was_reset`. */
bool ws_client_is_over(const struct ws_client *client);
bool ws_client_was_reset(const struct ws_client *client);

/* --- sending: what the socket does not take waits in the client */

void ws_client_send_raw(struct ws_client *client, const void *bytes, size_t size_bytes);
/* A masked frame with any first byte. */
void ws_client_send_frame(struct ws_client *client, uint8_t first, const void *payload,
                          size_t size_bytes);
void ws_client_send_text(struct ws_client *client, const char *text);
void ws_client_send_close(struct ws_client *client, uint16_t code);
/* Waits until everything has left, sends nothing any more, and goes on reading. */
void ws_client_shut(struct ws_client *client);
/* Resets the connection. */
void ws_client_reset(struct ws_client *client);
/* Reads nothing until told to. */
void ws_client_read(struct ws_client *client, bool reads);

/* --- waiting; a test that waits for more than WS_CLIENT_WAIT_MS fails */

/* One turn of the loop; waits at most some milliseconds for something to happen. */
void ws_client_turn(struct event_base *base);
/* Until the handshake is answered with 101. */
void ws_client_wait_open(struct ws_client *client);
/* The next frame that was kept, until the next call; its payload is NUL-terminated. NULL: the
 * connection has ended. */
const struct ws_client_frame *ws_client_receive(struct ws_client *client);
/* The next frame is this text. */
void ws_client_expect_text(struct ws_client *client, const char *text);
/* The next frame is a close frame with this code; 1005: without one. */
void ws_client_expect_close(struct ws_client *client, uint16_t code);
/* The connection ends in order, without another frame. */
void ws_client_expect_over(struct ws_client *client);

/* Turns the loop until the condition holds; fails the test when it never does. */
#define ws_client_wait(base, condition)                                                            \
    do {                                                                                           \
        int64_t ws_client_end_ms = ws_client_now_ms() + WS_CLIENT_WAIT_MS;                         \
        while (!(condition)) {                                                                     \
            if (ws_client_now_ms() > ws_client_end_ms)                                             \
                ws_client_fail(#condition);                                                        \
            ws_client_turn(base);                                                                  \
        }                                                                                          \
    } while (0)
int64_t ws_client_now_ms(void);
_Noreturn void ws_client_fail(const char *what);

#endif
