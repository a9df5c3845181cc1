#include "gateway/http/connection.h"

#include "gateway/http/request.h"
#include "gateway/http/server.h"
#include "shared/clock.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* Pipelined requests handled before other connections get their turn. */
enum { REQUESTS_PER_WAKE = 16 };

static_assert(sizeof(struct http_connection) <= HTTP_IDLE_BYTES, "an idle connection grew");

static void on_ready(evutil_socket_t fd, short what, void *context);

/* --- state ----------------------------------------------------------------------------------- */

static void watch(struct http_connection *connection, short what) {
    if (connection->watched == what)
        return;
    if (connection->watched)
        event_del(&connection->event);
    connection->watched = 0;
    if (!what)
        return;
    if (event_assign(&connection->event, connection->server->base, connection->transport.fd,
                     (short)(what | EV_PERSIST), on_ready, connection) != 0 ||
        event_add(&connection->event, NULL) != 0) {
        http_connection_close(connection); /* the kernel has no memory for it */
        return;
    }
    connection->watched = what;
}

static void limit(struct http_connection *connection, int64_t since_us, int64_t limit_ms) {
    http_wheel_set(&connection->server->wheel, &connection->timer, since_us + limit_ms * 1000);
}

static void unlist_idle(struct http_connection *connection) {
    if (connection->is_idle)
        TAILQ_REMOVE(&connection->server->idle, connection, idle_entry);
    connection->is_idle = false;
}

static void list_idle(struct http_connection *connection) {
    TAILQ_INSERT_TAIL(&connection->server->idle, connection, idle_entry);
    connection->is_idle = true;
}

static void become_idle(struct http_connection *connection) {
    struct http_server *server = connection->server;
    if (server->draining) {
        http_connection_close(connection);
        return;
    }
    http_buffer_reset(&connection->input, 0);
    list_idle(connection);
    limit(connection, server->now_us, server->config.idle_ms);
    watch(connection, EV_READ);
}

static void end_request(struct http_connection *connection) {
    struct http_request *request = connection->request;
    connection->request = NULL;
    if (request)
        http_server_return_request(connection->server, request);
}

/* No longer one of the open ones; its transport is left alone. */
static void retire(struct http_connection *connection) {
    connection->state = HTTP_CONNECTION_CLOSED;
    watch(connection, 0);
    http_wheel_clear(&connection->timer);
    unlist_idle(connection);
    http_output_destroy(connection->output);
    connection->output = NULL;
    LIST_REMOVE(connection, entry);
    LIST_INSERT_HEAD(&connection->server->closed, connection, entry);
    http_server_reap(connection->server);
}

void http_connection_close(struct http_connection *connection) {
    if (connection->state == HTTP_CONNECTION_CLOSED)
        return;
    struct http_server *server = connection->server;
    bool was_waiting = connection->state == HTTP_CONNECTION_WAITING;
    retire(connection);
    http_transport_close(&connection->transport);
    struct http_request *request = connection->request;
    if (was_waiting && request && server->config.on_end)
        server->config.on_end(server->config.context, request, 0, 0);
    if (was_waiting && request && request->on_gone)
        request->on_gone(request->context, request);
    if (request && request->on_taken)
        request->on_taken(request->context, NULL);
    end_request(connection);
    server->count--;
}

/* The server goes on counting it. */
static void hand_over(struct http_connection *connection) {
    struct http_request *request = connection->request;
    const struct http_taken taken = {
        .server = connection->server,
        .transport = &connection->transport,
        .data = connection->input.data,
        .size_bytes = connection->input.size_bytes,
        .peer = connection->peer,
    };
    retire(connection);
    request->on_taken(request->context, &taken);
    end_request(connection);
}

/* After whatever may have changed the state: what is watched, and which time limit holds. */
static void settle(struct http_connection *connection) {
    size_t waiting_bytes = connection->input.size_bytes;
    if (connection->is_idle)
        return; /* woken for nothing, or for part of a TLS record: its time limit stands */
    switch ((enum http_connection_state)connection->state) {
    case HTTP_CONNECTION_HANDSHAKE:
        if (!connection->transport.tls)
            list_idle(connection); /* it has said nothing so far */
        limit(connection, connection->started_us, connection->server->config.request_ms);
        watch(connection, connection->handshake_sends ? EV_WRITE : EV_READ);
        break;
    case HTTP_CONNECTION_HEAD:
        if (waiting_bytes == 0) {
            become_idle(connection);
            break;
        }
        /* fall through */
    case HTTP_CONNECTION_BODY:
        limit(connection, connection->started_us, connection->server->config.request_ms);
        watch(connection, EV_READ);
        break;
    case HTTP_CONNECTION_WAITING:
        http_wheel_clear(&connection->timer);
        watch(connection, waiting_bytes < HTTP_INPUT_MAX_BYTES ? EV_READ : EV_CLOSED);
        break;
    case HTTP_CONNECTION_SENDING:
        watch(connection, EV_WRITE);
        break;
    case HTTP_CONNECTION_LINGERING:
        http_buffer_reset(&connection->input, 0);
        watch(connection, EV_READ);
        break;
    case HTTP_CONNECTION_UPGRADED:
        hand_over(connection);
        return;
    case HTTP_CONNECTION_CLOSED:
        return;
    }
    bool has_more = connection->must_resume || http_transport_has_received(&connection->transport);
    if ((connection->watched & EV_READ) && has_more)
        event_active(&connection->event, EV_READ, 0);
}

/* --- answering ------------------------------------------------------------------------------- */

static void linger(struct http_connection *connection) {
    connection->state = HTTP_CONNECTION_LINGERING;
    http_transport_end(&connection->transport);
    limit(connection, clock_monotonic_us(), HTTP_LINGER_MS);
}

static void answered(struct http_connection *connection) {
    if (connection->request) {
        connection->state = HTTP_CONNECTION_UPGRADED;
        return;
    }
    if (connection->keep_alive) {
        connection->state = HTTP_CONNECTION_HEAD;
        connection->started_us = connection->server->now_us;
        connection->must_resume = connection->input.size_bytes > 0;
        return;
    }
    linger(connection);
}

static void take_sent(struct http_connection *connection, enum http_sent sent) {
    switch (sent) {
    case HTTP_SENT_ALL:
        http_output_destroy(connection->output);
        connection->output = NULL;
        answered(connection);
        break;
    case HTTP_SENT_PART: /* progress: the time limit starts again */
        limit(connection, clock_monotonic_us(), connection->server->config.send_ms);
        break;
    case HTTP_SENT_NOTHING:
        break;
    case HTTP_SENT_BROKEN:
        http_connection_close(connection);
        break;
    }
}

void http_connection_answer(struct http_connection *connection, const struct http_buffer *head,
                            const void *body, size_t body_bytes, struct http_share share,
                            bool keep_alive) {
    ensure(connection->state == HTTP_CONNECTION_WAITING);
    if (!connection->is_working)
        connection->server->now_us = clock_monotonic_us();
    connection->state = HTTP_CONNECTION_SENDING;
    connection->keep_alive = keep_alive;
    enum http_sent sent = http_output_start(&connection->transport, head->data, head->size_bytes,
                                            body, body_bytes, share, &connection->output);
    if (!connection->request->on_taken)
        end_request(connection); /* only now: the body may be the request's own memory */
    if (sent == HTTP_SENT_NOTHING)
        limit(connection, clock_monotonic_us(), connection->server->config.send_ms);
    take_sent(connection, sent);
    if (!connection->is_working)
        settle(connection);
}

/* For the server's own answer, which the connection ends with. NULL without memory: it is closed.
 */
static struct http_request *begin_refusal(struct http_connection *connection) {
    if (!connection->request)
        connection->request = http_server_lend_request(connection->server);
    struct http_request *request = connection->request;
    if (!request) {
        http_connection_close(connection);
        return NULL;
    }
    request->connection = connection;
    request->keep_alive = false;
    connection->state = HTTP_CONNECTION_WAITING;
    return request;
}

static void refuse(struct http_connection *connection, int status) {
    const struct http_server_config *config = &connection->server->config;
    struct http_request *request = begin_refusal(connection);
    if (request && config->on_problem)
        config->on_problem(config->context, request, status);
    if (request && connection->request == request)
        http_respond(request, status, NULL, NULL, 0);
}

static void refuse_plain(struct http_connection *connection) {
    static const char text[] = "This port speaks HTTPS: write https:// instead of http://.\n";
    struct http_request *request = begin_refusal(connection);
    if (request)
        http_respond(request, 400, "text/plain; charset=utf-8", text, sizeof text - 1);
}

/* --- receiving ------------------------------------------------------------------------------- */

/* The next head, from data[*used] on. False: there is nothing more to do now. */
static bool take_head(struct http_connection *connection, const char *data, size_t size_bytes,
                      size_t *used) {
    const struct http_server_config *config = &connection->server->config;
    if (connection->guard.size_bytes == 0)
        connection->started_us = connection->server->now_us;
    enum http_guard_result result =
        http_head_guard_scan(&connection->guard, data + *used, size_bytes - *used);
    if (result == HTTP_GUARD_MORE)
        return false;
    struct http_request *request = http_server_lend_request(connection->server);
    connection->request = request;
    if (!request) {
        http_connection_close(connection);
        return false;
    }
    request->connection = connection;
    int refusal = http_guard_refusal(result);
    if (!refusal)
        refusal = http_request_take_head(request, data + *used, connection->guard.size_bytes);
    if (!refusal && config->body_limit && http_request_has_body(request))
        refusal = http_request_limit_body(
            request, config->body_limit(config->context, request->method, request->path));
    else if (!refusal)
        refusal = http_request_limit_body(request, HTTP_BODY_MAX_BYTES);
    *used += connection->guard.size_bytes;
    connection->guard = (struct http_head_guard){0};
    connection->state = HTTP_CONNECTION_BODY;
    if (refusal)
        refuse(connection, refusal);
    return !refusal;
}

/* RFC 9110, 10.1.1. The socket's buffer is empty here: nothing else is under way. */
static void send_continue(struct http_connection *connection) {
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    const struct iovec parts[2] = {{(void *)(uintptr_t)text, sizeof text - 1},
                                   {(void *)(uintptr_t)text, 0}};
    if (http_transport_send(&connection->transport, parts) != (ssize_t)sizeof text - 1)
        http_connection_close(connection);
}

static bool take_body(struct http_connection *connection, const char *data, size_t size_bytes,
                      size_t *used) {
    struct http_request *request = connection->request;
    size_t taken;
    bool whole;
    int refusal = http_request_take_body(request, data + *used, size_bytes - *used, &taken, &whole);
    if (refusal) {
        refuse(connection, refusal);
        return false;
    }
    *used += taken;
    if (whole) {
        connection->state = HTTP_CONNECTION_WAITING;
        connection->server->config.on_request(connection->server->config.context, request);
        return true;
    }
    bool must_invite = request->expects_continue && taken == 0;
    request->expects_continue = false;
    if (must_invite)
        send_continue(connection);
    return false;
}

/* Takes requests out of `data` as far as they are complete and get answered at once. Returns the
 * bytes used. */
static size_t take_requests(struct http_connection *connection, const char *data,
                            size_t size_bytes) {
    size_t used = 0;
    unsigned requests = 0;
    for (;;) {
        connection->must_resume = false;
        if (connection->state == HTTP_CONNECTION_HEAD) {
            connection->must_resume = used < size_bytes && requests++ == REQUESTS_PER_WAKE;
            if (used == size_bytes || connection->must_resume ||
                !take_head(connection, data, size_bytes, &used))
                return used;
        }
        if (connection->state != HTTP_CONNECTION_BODY ||
            !take_body(connection, data, size_bytes, &used))
            return used;
    }
}

static void take_waiting_input(struct http_connection *connection) {
    struct http_buffer *input = &connection->input;
    size_t used = take_requests(connection, input->data, input->size_bytes);
    if (connection->state != HTTP_CONNECTION_CLOSED)
        http_buffer_drop(input, used);
}

static void take_new_input(struct http_connection *connection, const char *data,
                           size_t size_bytes) {
    size_t used = 0;
    bool is_first = connection->input.size_bytes == 0;
    if (is_first)
        used = take_requests(connection, data, size_bytes);
    if (connection->state == HTTP_CONNECTION_CLOSED || used == size_bytes)
        return;
    if (!http_buffer_add(&connection->input, data + used, size_bytes - used))
        http_connection_close(connection);
    else if (!is_first)
        take_waiting_input(connection);
}

static void receive(struct http_connection *connection) {
    if (connection->must_resume) {
        take_waiting_input(connection);
        return;
    }
    char *data = connection->server->input;
    size_t room = HTTP_INPUT_MAX_BYTES - connection->input.size_bytes;
    ensure(room > 0);
    ssize_t received = http_transport_receive(&connection->transport, data, room);
    if (received > 0)
        unlist_idle(connection);
    if (received > 0 && connection->state != HTTP_CONNECTION_LINGERING)
        take_new_input(connection, data, (size_t)received);
    else if (received == 0 || (received < 0 && errno != EAGAIN && errno != EINTR))
        http_connection_close(connection); /* the client left */
}

/* --- beginning ------------------------------------------------------------------------------- */

static void begin(struct http_connection *connection) {
    connection->state = HTTP_CONNECTION_HEAD;
    if (connection->is_too_many)
        refuse(connection, 503);
}

static void shake_hands(struct http_connection *connection) {
    unlist_idle(connection);
    enum http_handshake handshake =
        http_transport_shake_hands(&connection->transport, connection->server->config.tls);
    connection->handshake_sends = handshake == HTTP_HANDSHAKE_SENDS;
    switch (handshake) {
    case HTTP_HANDSHAKE_DONE:
        begin(connection);
        break;
    case HTTP_HANDSHAKE_RECEIVES:
    case HTTP_HANDSHAKE_SENDS:
        break;
    case HTTP_HANDSHAKE_PLAIN:
        refuse_plain(connection);
        break;
    case HTTP_HANDSHAKE_FAILED: /* the client was told why, and may still be sending */
        linger(connection);
        break;
    }
}

/* --- events ---------------------------------------------------------------------------------- */

static void on_ready(evutil_socket_t fd UNUSED, short what, void *context) {
    struct http_connection *connection = context;
    connection->server->now_us = clock_monotonic_us();
    connection->is_working = true;
    if (connection->state == HTTP_CONNECTION_HANDSHAKE)
        shake_hands(connection);
    else if (connection->state == HTTP_CONNECTION_SENDING)
        take_sent(connection, http_output_continue(connection->output, &connection->transport));
    else if (what & EV_CLOSED)
        http_connection_close(connection);
    else
        receive(connection);
    connection->is_working = false;
    settle(connection);
}

void http_connection_timed_out(struct http_connection *connection) {
    bool is_receiving = connection->state == HTTP_CONNECTION_BODY ||
                        (connection->state == HTTP_CONNECTION_HEAD && !connection->is_idle);
    if (is_receiving)
        refuse(connection, 408);
    else
        http_connection_close(connection);
}

static void write_peer(char peer[INET6_ADDRSTRLEN], const struct sockaddr_storage *address) {
    *peer = '\0';
    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
        inet_ntop(AF_INET, &v4->sin_addr, peer, INET6_ADDRSTRLEN);
    } else if (address->ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
        if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
            inet_ntop(AF_INET, v6->sin6_addr.s6_addr + 12, peer, INET6_ADDRSTRLEN);
        else
            inet_ntop(AF_INET6, &v6->sin6_addr, peer, INET6_ADDRSTRLEN);
    }
}

bool http_connection_create(struct http_server *server, int fd,
                            const struct sockaddr_storage *address, bool is_too_many) {
    struct http_connection *connection = calloc(1, sizeof *connection);
    if (!connection) {
        close(fd);
        return false;
    }
    connection->server = server;
    connection->transport.fd = fd;
    connection->is_too_many = is_too_many;
    connection->started_us = server->now_us = clock_monotonic_us();
    write_peer(connection->peer, address);
    LIST_INSERT_HEAD(&server->open, connection, entry);
    server->count++;
    connection->is_working = true;
    if (server->config.tls)
        connection->state = HTTP_CONNECTION_HANDSHAKE;
    else
        begin(connection);
    connection->is_working = false;
    settle(connection);
    return true;
}
