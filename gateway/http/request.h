/*
 * request: one request as it comes in, without a socket (inside the server; users see http.h).
 *
 *   http_request_take_head --0--> http_request_limit_body --0--> http_request_take_body …, whole
 *
 * Each returns 0, or the status to refuse with: 400, 413, 417, 431, 501 or 505. The head is copied
 * once; all texts are NUL-terminated in that copy. Requests are pooled by the server, so that one
 * costs no allocation in the common case.
 */
#ifndef USHER_GATEWAY_HTTP_REQUEST_H
#define USHER_GATEWAY_HTTP_REQUEST_H

#include "gateway/http/buffer.h"
#include "gateway/http/guard.h"
#include "gateway/http/http.h"
#include "gateway/http/parser.h"
#include "gateway/http/target.h"

struct http_connection;

enum { HTTP_REQUEST_KEEP_BYTES = 8 * 1024 /* of each buffer, in the pool */ };

struct http_field {
    char *name;
    char *value; /* NULL: none came */
    uint16_t name_size;
    uint16_t value_size;
    uint16_t lines; /* how many were joined into this one; 0: joined into an earlier one */
};

struct http_request {
    struct http_connection *connection; /* NULL outside a server (tests) */
    struct http_request *next_free;
    struct http_parse *parse;
    struct http_chunk_guard chunk;

    struct id128 own_id; /* counts up from a random one */

    enum http_method method;
    bool keep_alive;
    bool is_http_1_0;
    bool is_chunked;
    bool expects_continue;
    bool id_is_callers;
    bool body_refused; /* larger than body_max */
    bool no_memory;
    bool is_parsed;      /* the library has seen the end */
    uint64_t left_bytes; /* of a body with Content-Length */
    size_t body_max;

    char *target;
    size_t target_size;
    const char *path;
    const char *query;
    uint32_t field_count;
    uint32_t pair_count;
    struct http_field fields[HTTP_HEADERS_MAX];
    struct http_pair pairs[HTTP_QUERY_MAX];
    char id[HTTP_REQUEST_ID_SIZE];

    struct http_buffer texts;
    struct http_buffer body;
    struct http_buffer answer; /* header lines added by the handler */

    const void *tag;
    void *context;
    void (*on_gone)(void *context, struct http_request *request);
    http_taker *on_taken; /* it was answered by http_upgrade; with `context` */
};

MUST_CHECK struct http_request *http_request_create(void);
void http_request_destroy(struct http_request *request);
/* For the next use: as new, with a fresh id. */
void http_request_reset(struct http_request *request);

/* `head` passed the guard, to its end. */
MUST_CHECK int http_request_take_head(struct http_request *request, const char *head,
                                      size_t size_bytes);
/* Whether one is announced; it may be empty. */
bool http_request_has_body(const struct http_request *request);
/* 413 when the body is announced as larger; else it is refused when it grows larger. */
MUST_CHECK int http_request_limit_body(struct http_request *request, size_t max_bytes);
/* The next bytes of the connection (may be none). `used_bytes`: how many belonged to this request;
 * `whole`: it is complete. */
MUST_CHECK int http_request_take_body(struct http_request *request, const char *data,
                                      size_t size_bytes, size_t *used_bytes, bool *whole);

/* The refusal a guard's result stands for; 0 for MORE and END. */
int http_guard_refusal(enum http_guard_result result);

#endif
