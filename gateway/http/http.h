/*
 * http: the gateway's HTTP/1.1 server (RFC 9110, RFC 9112): connections, parsing, limits, time
 * limits, answers in order. It knows no route and no JSON. On libevent events over a parser
 * library, strict: whatever two parsers could read differently (duplicate or signed Content-Length,
 * length with chunked, a space before the colon, bare LF, NUL, folded headers) is answered 400 and
 * the connection closed.
 *
 *   HEAD --whole request--> WAITING --http_respond--> SENDING --all sent--> HEAD or closed
 *
 * A connection handles one request at a time; pipelined ones wait in its bounded input buffer (64
 * KB; a full one is not read until the answer is sent). While a request is WAITING the socket is
 * still read, so a client that leaves, or only closes its sending side, is noticed: the request's
 * on_gone is called, and the request must not be touched afterwards.
 *
 * Time limits: the whole request within `request_ms` of its first byte (408 and close; slow senders
 * can't hold a connection), `idle_ms` between requests, `send_ms` without progress while sending.
 * One coarse timer wheel for all connections, no timer a connection. At `connections_max` the
 * oldest idle connection is closed; with none idle the new one is answered 503 and closed.
 *
 * An answer with Connection: close is followed by up to two seconds of reading and dropping, so
 * that it reaches the client and is not destroyed by a reset. An idle connection costs at most 384
 * bytes here (connection.h).
 *
 * Also: HTTP/1.0 is answered, closing unless asked to keep alive; other versions 505. Transfer
 * codings other than "chunked" (some of them 400), CONNECT and methods unknown to the parser
 * library: 501. Expect other than 100-continue: 417. Trailers are checked and dropped. An encoded
 * slash in the path is 400. Upgrade is ignored, unless the handler follows it (http_upgrade).
 *
 * Over TLS (tls.h) the handshake has `request_ms` as well; a client that speaks plain HTTP to the
 * port gets a 400 in plain text.
 *
 * Single-threaded: everything on the loop.
 */
#ifndef USHER_GATEWAY_HTTP_HTTP_H
#define USHER_GATEWAY_HTTP_HTTP_H

#include "shared/base.h"
#include "shared/status.h"

#include <event2/event.h>

struct cors;
struct http_server;
struct http_request;
struct http_tls;

enum {
    HTTP_HEAD_MAX_BYTES = 16 * 1024, /* request line and headers: 431 past it */
    HTTP_BODY_MAX_BYTES = 64 * 1024, /* 413 past it */
    HTTP_ADMIN_BODY_MAX_BYTES = 16 * 1024 * 1024,
    HTTP_HEADERS_MAX = 100, /* 431 past it */
    HTTP_QUERY_MAX = 32,    /* parameters; 400 past it */
    HTTP_REQUEST_ID_SIZE = 65,
};

enum http_method {
    HTTP_METHOD_GET,
    HTTP_METHOD_HEAD,
    HTTP_METHOD_POST,
    HTTP_METHOD_PATCH,
    HTTP_METHOD_DELETE,
    HTTP_METHOD_OPTIONS,
    HTTP_METHOD_OTHER
};

/* A refusal the server itself makes (400, 408, 413, 417, 431, 501, 503, 505): answers with
 * http_respond, so that it looks like every other problem of the API. Left unanswered, or with no
 * writer, the body is empty. */
typedef void http_problem_writer(void *context, struct http_request *request, int status);
typedef void http_handler(void *context, struct http_request *request);
/* Called when the head is complete: how many body bytes this request may have. NULL:
 * HTTP_BODY_MAX_BYTES. */
typedef size_t http_body_limit(void *context, enum http_method method, const char *path);
/* Told of every request's end, just before its answer leaves (`status`, and how large the body is),
 * or when the client has left before it (status 0). It only looks. */
typedef void http_observer(void *context, const struct http_request *request, int status,
                           size_t size_bytes);

struct http_server_config {
    const char *address; /* "127.0.0.1", "0.0.0.0", "::" */
    uint16_t port;
    bool reuse_port; /* several processes share the port (SO_REUSEPORT) */
    uint32_t connections_max;
    int64_t request_ms;
    int64_t idle_ms;
    int64_t send_ms;
    const struct http_tls *tls; /* NULL: plain HTTP */
    const struct cors *cors;    /* NULL: pages of other sites may nothing */
    http_handler *on_request;
    http_problem_writer *on_problem;
    http_body_limit *body_limit;
    http_observer *on_end; /* may be NULL */
    void *context;
};

/* NULL, logged, when the port can't be listened on. */
MUST_CHECK struct http_server *http_server_create(struct event_base *base,
                                                  const struct http_server_config *config);
/* Stops accepting, closes idle connections, lets open requests finish with Connection: close;
 * on_drained is called once when the last is gone or `limit_ms` has passed. */
void http_server_drain(struct http_server *server, int64_t limit_ms,
                       void (*on_drained)(void *context), void *context);
/* Closes everything. on_gone is called for waiting requests. May be called in on_drained, not in a
 * handler. Connections that were taken over have to be released before. */
void http_server_destroy(struct http_server *server);
uint16_t http_server_port(const struct http_server *server);
/* Those that were taken over as well. */
uint32_t http_server_connections(const struct http_server *server);

/* --- the request; texts belong to it and live until it is answered or gone */

enum http_method http_request_method(const struct http_request *request);
/* Percent-decoded, no query; a path with %00, an invalid escape or invalid UTF-8 was answered 400.
 */
const char *http_request_path(const struct http_request *request);
/* First value of a query parameter, decoded ('+' is a space); NULL when absent. */
const char *http_request_query(const struct http_request *request, const char *name);
/* The raw query string, "" when none. */
const char *http_request_query_string(const struct http_request *request);
/* Case-insensitive; NULL when absent; several fields of one name are joined by ", ". */
const char *http_request_header(const struct http_request *request, const char *name);
const char *http_request_body(const struct http_request *request, size_t *size_bytes);
/* The caller's X-Request-Id when sane (1 … 64 of [A-Za-z0-9._-]), else one of our own: 32 hex
 * digits. */
const char *http_request_id(const struct http_request *request);
/* The id whose text that is; NULL when it is the caller's. */
const struct id128 *http_request_own_id(const struct http_request *request);
/* Whether a header whose value is a list of tokens has this one; case-insensitive. */
bool http_request_lists(const struct http_request *request, const char *name, const char *token);
bool http_request_is_http_1_0(const struct http_request *request);
/* Numeric, without port. */
const char *http_request_peer(const struct http_request *request);
int64_t http_request_started_us(const struct http_request *request); /* monotonic, first byte */

/* A place for the handler's own state. `on_gone` (may be NULL) is called instead of the answer when
 * the client leaves or the server is destroyed. */
void http_request_set_context(struct http_request *request, void *context,
                              void (*on_gone)(void *context, struct http_request *request));
void *http_request_context(const struct http_request *request);
/* What the handler took the request for (say, a row of its routes), for on_end; NULL at first. */
void http_request_set_tag(struct http_request *request, const void *tag);
const void *http_request_tag(const struct http_request *request);

/* --- the answer */

/* Adds a header; value copied, control characters in it become spaces. Date, Content-Length,
 * Connection and X-Request-Id are the server's, and what security.h and cors.h say every answer
 * has. */
void http_answer_header(struct http_request *request, const char *name, const char *value);
/* Adds whole lines of them, each with its CRLF, that are right as they are. */
void http_answer_lines(struct http_request *request, const char *lines, size_t size_bytes);
/* Sends; the request ends with this call. For HEAD the body is counted and not sent; 204 and 304
 * carry none. Without memory the connection is closed. */
void http_respond(struct http_request *request, int status, const char *content_type,
                  const void *body, size_t size_bytes);
/* The same with a body that is shared and not copied when large: `release(context)` is called when
 * it is no longer needed, also when the connection breaks. */
void http_respond_shared(struct http_request *request, int status, const char *content_type,
                         const void *body, size_t size_bytes, void (*release)(void *context),
                         void *context);

/* --- another protocol instead of an answer (RFC 9110, 7.8) */

struct http_transport;

/* A connection that is the server's no more, but counts towards `connections_max` and is waited for
 * by a drain until http_server_release. */
struct http_taken {
    struct http_server *server;
    const struct http_transport *transport; /* to be copied, and closed by the copy's owner */
    const char *data;                       /* came behind the request already; may be none */
    size_t size_bytes;
    const char *peer; /* numeric, without port */
};

/* `taken` and what it points to last for the call. NULL: the client left before it came to it. */
typedef void http_taker(void *context, const struct http_taken *taken);
/* Answers 101 with `Upgrade: protocol` and the headers that were added; the request ends with this
 * call. on_taken is called once, when the answer is sent, maybe within this call. */
void http_upgrade(struct http_request *request, const char *protocol, http_taker *on_taken,
                  void *context);
/* One connection that was taken over is closed. */
void http_server_release(struct http_server *server);

#endif
