#include "gateway/http/server.h"

#include "gateway/http/request.h"
#include "shared/clock.h"
#include "shared/log.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    ACCEPTS_PER_WAKE = 64,
    ACCEPT_PAUSE_MS = 100,
    ACCEPT_PAUSE_LOG_SECONDS = 60,
    LISTEN_BACKLOG = 4096,
};

/* --- requests, lent -------------------------------------------------------------------------- */

struct http_request *http_server_lend_request(struct http_server *server) {
    struct http_request *request = server->free_requests;
    if (!request)
        return http_request_create();
    server->free_requests = request->next_free;
    server->free_count--;
    request->next_free = NULL;
    return request;
}

void http_server_return_request(struct http_server *server, struct http_request *request) {
    if (server->free_count == HTTP_POOLED_REQUESTS_MAX) {
        http_request_destroy(request);
        return;
    }
    http_request_reset(request);
    request->next_free = server->free_requests;
    server->free_requests = request;
    server->free_count++;
}

/* --- closing and draining -------------------------------------------------------------------- */

void http_server_reap(struct http_server *server) {
    event_active(server->reap_event, EV_TIMEOUT, 0);
}

static void free_closed(struct http_server *server) {
    while (!LIST_EMPTY(&server->closed)) {
        struct http_connection *connection = LIST_FIRST(&server->closed);
        LIST_REMOVE(connection, entry);
        http_buffer_reset(&connection->input, 0);
        free(connection);
    }
}

/* The last thing a callback does: on_drained may destroy the server. */
static void tell_drained(struct http_server *server) {
    void (*on_drained)(void *context) = server->on_drained;
    bool is_drained = server->count == 0 || clock_monotonic_us() >= server->drain_until_us;
    if (!server->draining || !on_drained || !is_drained)
        return;
    server->on_drained = NULL;
    on_drained(server->drained_context);
}

static void on_reap(evutil_socket_t fd UNUSED, short what UNUSED, void *context) {
    struct http_server *server = context;
    free_closed(server);
    tell_drained(server);
}

static void on_due(void *context UNUSED, struct http_timer *timer) {
    char *connection = (char *)timer - offsetof(struct http_connection, timer);
    http_connection_timed_out((struct http_connection *)(void *)connection);
}

static void on_tick(evutil_socket_t fd UNUSED, short what UNUSED, void *context) {
    struct http_server *server = context;
    http_wheel_advance(&server->wheel, clock_monotonic_us(), on_due, server);
    tell_drained(server);
}

static void stop_listening(struct http_server *server) {
    if (server->fd < 0)
        return;
    event_del(server->accept_event);
    event_del(server->resume_event);
    close(server->fd);
    server->fd = -1;
}

void http_server_drain(struct http_server *server, int64_t limit_ms,
                       void (*on_drained)(void *context), void *context) {
    stop_listening(server);
    server->draining = true;
    server->drain_until_us = clock_monotonic_us() + limit_ms * 1000;
    server->on_drained = on_drained;
    server->drained_context = context;
    while (!TAILQ_EMPTY(&server->idle))
        http_connection_close(TAILQ_FIRST(&server->idle));
    http_server_reap(server);
}

/* --- accepting ------------------------------------------------------------------------------- */

static void on_resume(evutil_socket_t fd UNUSED, short what UNUSED, void *context) {
    struct http_server *server = context;
    event_add(server->accept_event, NULL);
}

/* No descriptor is left: the client waits in the kernel's queue until one is. */
static void pause_accepting(struct http_server *server, int error) {
    static const struct timeval pause = {.tv_usec = ACCEPT_PAUSE_MS * 1000};
    event_del(server->accept_event);
    event_add(server->resume_event, &pause);
    int64_t now_us = clock_monotonic_us();
    if (server->pause_logged_us &&
        now_us - server->pause_logged_us < ACCEPT_PAUSE_LOG_SECONDS * (int64_t)1000000)
        return;
    server->pause_logged_us = now_us;
    log_write(
        LOG_WARNING, "http-accept-paused",
        "New connections wait: the process can't open more of them now; trying again every 100 ms.",
        LOG_TEXT("error", strerror(error)), LOG_U64("connections", server->count));
}

static void take_client(struct http_server *server, int fd,
                        const struct sockaddr_storage *address) {
    uint32_t max = server->config.connections_max;
    if (server->count >= max && !TAILQ_EMPTY(&server->idle))
        http_connection_close(TAILQ_FIRST(&server->idle));
    if (server->count >= max + HTTP_REFUSED_MAX)
        close(fd);
    else if (!http_connection_create(server, fd, address, server->count >= max))
        log_write(LOG_WARNING, "http-accept-failed",
                  "A new connection was closed: there is no memory for it.");
}

static void on_accept(evutil_socket_t listening, short what UNUSED, void *context) {
    struct http_server *server = context;
    for (unsigned i = 0; i < ACCEPTS_PER_WAKE; i++) {
        struct sockaddr_storage address;
        socklen_t size = sizeof address;
        int fd =
            accept4(listening, (struct sockaddr *)&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            take_client(server, fd, &address);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            pause_accepting(server, errno);
            return;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return;
        } /* else: a client that has left already */
    }
}

/* --- listening ------------------------------------------------------------------------------- */

static bool configure_socket(int fd, const struct addrinfo *address, bool reuse_port) {
    static const int yes = 1, no = 0;
    return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
           (!reuse_port || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes) == 0) &&
           (address->ai_family != AF_INET6 ||
            setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no) == 0) &&
           /* inherited by what is accepted */
           setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) == 0;
}

/* The descriptor, or -1 with errno set. */
static int listen_on(const struct http_server_config *config) {
    struct addrinfo hints = {
        .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
        .ai_socktype = SOCK_STREAM,
    };
    struct addrinfo *address;
    char port[8];
    snprintf(port, sizeof port, "%u", (unsigned)config->port);
    if (getaddrinfo(config->address, port, &hints, &address) != 0) {
        errno = EINVAL;
        return -1;
    }
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 &&
        (!configure_socket(fd, address, config->reuse_port) ||
         bind(fd, address->ai_addr, address->ai_addrlen) != 0 || listen(fd, LISTEN_BACKLOG) != 0)) {
        int error = errno;
        close(fd);
        errno = error;
        fd = -1;
    }
    freeaddrinfo(address);
    return fd;
}

static uint16_t port_of(int fd) {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address = {.v6 = {.sin6_port = 0}};
    socklen_t size = sizeof address;
    ensure(getsockname(fd, &address.any, &size) == 0);
    bool is_v6 = address.any.sa_family == AF_INET6;
    return ntohs(is_v6 ? address.v6.sin6_port : address.v4.sin_port);
}

/* --- life ------------------------------------------------------------------------------------ */

static bool create_events(struct http_server *server) {
    static const struct timeval tick = {.tv_usec = HTTP_TICK_MS * 1000};
    server->accept_event =
        event_new(server->base, server->fd, EV_READ | EV_PERSIST, on_accept, server);
    server->resume_event = event_new(server->base, -1, 0, on_resume, server);
    server->tick_event = event_new(server->base, -1, EV_PERSIST, on_tick, server);
    server->reap_event = event_new(server->base, -1, 0, on_reap, server);
    return server->accept_event && server->resume_event && server->tick_event &&
           server->reap_event && event_add(server->accept_event, NULL) == 0 &&
           event_add(server->tick_event, &tick) == 0;
}

struct http_server *http_server_create(struct event_base *base,
                                       const struct http_server_config *config) {
    int fd = listen_on(config);
    if (fd < 0) {
        log_write(LOG_ERROR, "http-listen-failed",
                  "The address can't be listened on; is another program using the port?",
                  LOG_TEXT("address", config->address), LOG_U64("port", config->port),
                  LOG_TEXT("error", strerror(errno)));
        return NULL;
    }
    struct http_server *server = calloc(1, sizeof *server);
    if (!server) {
        close(fd);
        return NULL;
    }
    server->config = *config;
    server->base = base;
    server->fd = fd;
    server->port = port_of(fd);
    LIST_INIT(&server->open);
    LIST_INIT(&server->closed);
    TAILQ_INIT(&server->idle);
    http_wheel_init(&server->wheel, clock_monotonic_us());
    if (!create_events(server)) {
        http_server_destroy(server);
        return NULL;
    }
    return server;
}

static void free_event(struct event *event) {
    if (event)
        event_free(event);
}

void http_server_destroy(struct http_server *server) {
    if (!server)
        return;
    server->draining = true;
    server->on_drained = NULL;
    while (!LIST_EMPTY(&server->open))
        http_connection_close(LIST_FIRST(&server->open));
    ensure(server->count == 0);
    free_closed(server);
    free_event(server->accept_event);
    free_event(server->resume_event);
    free_event(server->tick_event);
    free_event(server->reap_event);
    if (server->fd >= 0)
        close(server->fd);
    while (server->free_requests) {
        struct http_request *request = server->free_requests;
        server->free_requests = request->next_free;
        http_request_destroy(request);
    }
    http_buffer_reset(&server->head, 0);
    free(server);
}

uint16_t http_server_port(const struct http_server *server) {
    return server->port;
}

void http_server_release(struct http_server *server) {
    ensure(server->count > 0);
    server->count--;
    http_server_reap(server);
}

uint32_t http_server_connections(const struct http_server *server) {
    return server->count;
}
