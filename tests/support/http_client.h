/*
 * http_client: a test's HTTP/1.1 client on raw sockets: one thread, any number of connections at
 * once.
 *
 * A connection is made with the first request, kept alive, and made again when the server had
 * closed it. It carries what it is given, byte by byte when wanted, and knows when an answer is
 * complete. Requests are sent to 127.0.0.1. An answer that does not come is no failure of the test
 * but an outcome.
 *
 * Every answer has to be one that gateway/web/openapi.json allows, or the test fails (contract.h).
 * Bytes sent as they are are read for what they ask; where they are no request, the answer has to
 * be one to that.
 */
#ifndef USHER_TESTS_SUPPORT_HTTP_CLIENT_H
#define USHER_TESTS_SUPPORT_HTTP_CLIENT_H

#include "shared/base.h"

#include "tests/support/contract.h"

#include <jansson.h>

enum {
    HTTP_CALL_MS = 15000, /* longer than any deadline of the gateway's */
};

enum http_outcome {
    HTTP_WAITING,   /* nothing asked, or no whole answer yet */
    HTTP_ANSWERED,  /* status, head and body are there */
    HTTP_REFUSED,   /* no byte of the request left: there is nobody at that port */
    HTTP_CLOSED,    /* the connection was closed or reset before the answer was complete */
    HTTP_TIMED_OUT, /* the connection was given up */
};

struct http_request {
    const char *method;
    const char *path;
    const char *token;        /* Authorization: Bearer …; NULL: none */
    const char *key;          /* Idempotency-Key; NULL: none */
    const char *headers;      /* more of them, each line with its CR LF; NULL: none */
    const char *body;         /* NULL: none */
    const char *content_type; /* of the body; NULL: application/json */
    bool unread;              /* a port that speaks HTTPS can't read it, and has to say so */
    bool unchecked;           /* asked of an ops port: any answer will do */
};

struct http_answer {
    enum http_outcome outcome;
    int status; /* 0 unless HTTP_ANSWERED */
    char *head; /* status line and headers; NULL unless HTTP_ANSWERED */
    char *body; /* NUL-terminated */
    size_t body_bytes;
    json_t *json;    /* NULL when the body is not JSON */
    int64_t sent_us; /* monotonic: just before the first byte was given to the system */
    int64_t done_us; /* when the answer, or its absence, was noticed */
};

void http_answer_free(struct http_answer *answer);
/* Whether the answer has this header with this value (case of the value matters); NULL: any value.
 */
bool http_answer_has_header(const struct http_answer *answer, const char *name, const char *value);
/* Of the JSON object's field; NULL / -1 when it is not there or of another type. */
const char *http_answer_text(const struct http_answer *answer, const char *field);
int64_t http_answer_number(const struct http_answer *answer, const char *field);
/* "code" of a problem, "" when there is none. */
const char *http_answer_code(const struct http_answer *answer);

struct http_connection;

struct http_connection *http_connection_create(uint16_t port);
/* Closes at once; NULL is allowed. */
void http_connection_destroy(struct http_connection *connection);
void http_connection_set_port(struct http_connection *connection,
                              uint16_t port); /* from the next request on */
/* One request at a time: http_connection_take before the next. Time-outs count from here. */
void http_connection_send(struct http_connection *connection, const struct http_request *request,
                          int64_t timeout_ms);
/* Bytes as they are; called again before the answer was taken, further ones of the same request. */
void http_connection_send_bytes(struct http_connection *connection, const void *bytes,
                                size_t size_bytes, int64_t timeout_ms);
/* What came of the request sent last; `answer` is the caller's (http_answer_free). False while
 * HTTP_WAITING. */
MUST_CHECK bool http_connection_take(struct http_connection *connection,
                                     struct http_answer *answer);
bool http_connection_is_open(const struct http_connection *connection);

/* Moves bytes of all the connections, waiting up to `timeout_ms` for the first; takes note of
 * time-outs. */
void http_drive(struct http_connection *const *connections, size_t count, int timeout_ms);

/* One request and its answer. */
void http_ask(struct http_connection *connection, const struct http_request *request,
              struct http_answer *answer);
/* The same on a connection of its own. */
void http_call(uint16_t port, const struct http_request *request, struct http_answer *answer);
/* All at once: opens connections[i] for requests[i], first writes all, then reads all. */
void http_call_many(const uint16_t *ports, const struct http_request *requests, size_t count,
                    struct http_answer *answers);

#endif
