/*
 * server: what the connections of one server share (inside the server; users see http.h).
 *
 * Requests and large buffers belong to the server and are lent to a connection while it has use for
 * them. A closed connection's memory is freed after the loop's turn, never inside a callback.
 */
#ifndef USHER_GATEWAY_HTTP_SERVER_H
#define USHER_GATEWAY_HTTP_SERVER_H

#include "gateway/http/buffer.h"
#include "gateway/http/connection.h"
#include "gateway/http/http.h"
#include "gateway/http/wheel.h"

enum {
    HTTP_INPUT_MAX_BYTES = 64 * 1024, /* one recv, and what a connection may have waiting */
    HTTP_POOLED_REQUESTS_MAX = 1024,
    HTTP_REFUSED_MAX = 64, /* connections above connections_max that are being told so */
    HTTP_DATE_SIZE = 30,
};

LIST_HEAD(http_connection_list, http_connection);
TAILQ_HEAD(http_connection_queue, http_connection);

struct http_server {
    struct http_server_config config;
    struct event_base *base;
    struct event *accept_event;
    struct event *resume_event; /* accepting again, after the process had no descriptor left */
    struct event *tick_event;
    struct event *reap_event;
    int fd; /* -1: not accepting any more */
    uint16_t port;

    struct http_connection_list open;
    struct http_connection_list closed; /* freed by the next reap */
    struct http_connection_queue idle;  /* oldest first */
    uint32_t count;
    struct http_wheel wheel;
    int64_t now_us; /* when the connection at work was woken, or answered from outside */

    struct http_request *free_requests;
    uint32_t free_count;
    struct http_buffer head; /* of the answer that is being sent */
    char date[HTTP_DATE_SIZE];
    int64_t date_second;
    int64_t pause_logged_us;

    bool draining;
    int64_t drain_until_us;
    void (*on_drained)(void *context);
    void *drained_context;

    char input[HTTP_INPUT_MAX_BYTES];
};

/* NULL without memory. */
MUST_CHECK struct http_request *http_server_lend_request(struct http_server *server);
void http_server_return_request(struct http_server *server, struct http_request *request);
/* Frees closed connections after this turn of the loop. */
void http_server_reap(struct http_server *server);

#endif
