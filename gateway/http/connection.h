/*
 * connection: one client's connection (inside the server; users see http.h).
 *
 *   HANDSHAKE --over TLS: done--> HEAD
 *
 *   HEAD --head complete--> BODY --whole--> WAITING --answered--> SENDING --all sent--> HEAD
 *     |                       |                |                     |
 *     +------- refusal -------+--> WAITING     +---- not keep-alive -+--> LINGERING --> CLOSED
 *                                              +---- 101 ------------+--> UPGRADED --> CLOSED
 *
 *   HANDSHAKE  TLS is being agreed on; before its first byte it is idle
 *   HEAD       reading a head; with nothing of one yet it is idle
 *   BODY       reading a body
 *   WAITING    the handler has the request; the socket is read, to notice that the client leaves
 *   SENDING    the socket did not take the whole answer; nothing is read
 *   LINGERING  answered and shut down for writing; input is dropped until the client closes, since
 *              closing over unread input would reset the connection and could destroy the answer
 *   UPGRADED   somebody else takes the transport over after this wake-up
 *   CLOSED     no descriptor any more; freed after the loop's turn
 *
 * An idle connection costs sizeof(struct http_connection), at most HTTP_IDLE_BYTES, and no buffer;
 * over TLS also what transport.h says.
 */
#ifndef USHER_GATEWAY_HTTP_CONNECTION_H
#define USHER_GATEWAY_HTTP_CONNECTION_H

#include "gateway/http/buffer.h"
#include "gateway/http/guard.h"
#include "gateway/http/http.h"
#include "gateway/http/output.h"
#include "gateway/http/transport.h"
#include "gateway/http/wheel.h"

#include <event2/event_struct.h>
#include <netinet/in.h>
#include <sys/queue.h>

enum { HTTP_IDLE_BYTES = 384, HTTP_LINGER_MS = 2000 };

enum http_connection_state {
    HTTP_CONNECTION_HANDSHAKE,
    HTTP_CONNECTION_HEAD,
    HTTP_CONNECTION_BODY,
    HTTP_CONNECTION_WAITING,
    HTTP_CONNECTION_SENDING,
    HTTP_CONNECTION_LINGERING,
    HTTP_CONNECTION_UPGRADED,
    HTTP_CONNECTION_CLOSED,
};

struct http_connection {
    struct http_server *server;
    struct event event;
    LIST_ENTRY(http_connection) entry; /* open or closed */
    TAILQ_ENTRY(http_connection) idle_entry;
    struct http_timer timer;
    struct http_buffer input;     /* came, not yet used; empty while idle */
    struct http_request *request; /* in BODY and WAITING; until it is UPGRADED */
    struct http_output *output;   /* in SENDING */
    struct http_head_guard guard;
    int64_t started_us; /* first byte of the request */
    struct http_transport transport;
    short watched; /* EV_READ, EV_WRITE, EV_CLOSED */
    uint8_t state;
    bool is_idle;     /* on the server's idle list */
    bool is_working;  /* inside the callback that parses: it settles at its end */
    bool must_resume; /* whole requests may be waiting in `input` */
    bool keep_alive;  /* after the answer under way */
    bool is_too_many; /* it is told so, once it can be told anything */
    bool handshake_sends;
    char peer[INET6_ADDRSTRLEN];
};

/* Takes over `fd`. False without memory: `fd` is closed. */
MUST_CHECK bool http_connection_create(struct http_server *server, int fd,
                                       const struct sockaddr_storage *address, bool is_too_many);
void http_connection_close(struct http_connection *connection);
void http_connection_timed_out(struct http_connection *connection);
/* Sends the answer of the request it waits for; the request ends here. */
void http_connection_answer(struct http_connection *connection, const struct http_buffer *head,
                            const void *body, size_t body_bytes, struct http_share share,
                            bool keep_alive);

#endif
