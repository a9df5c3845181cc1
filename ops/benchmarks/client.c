#include "ops/benchmarks/client.h"

#include "ops/benchmarks/loopback.h"
#include "shared/clock.h"

#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ARRIVAL_MS = 1 };

struct connection {
    struct client *client;
    struct event *readable; /* NULL: closed */
    int fd;
    uint32_t number;
    bool waiting; /* for an answer */
    int64_t sent_us;
    size_t received;
    char answer[CLIENT_ANSWER_MAX_BYTES];
};

struct client {
    struct event_base *base;
    struct event *time_is_up;
    const struct client_calls *calls;
    void *context;
    uint32_t count;
    uint32_t waiting;
    /* Open loop. */
    struct event *arrival;
    bool arriving;
    double rate; /* a second; 0: closed loop */
    int64_t began_us;
    uint64_t arrived;
    uint64_t unsent;
    uint32_t resting_count;
    uint32_t *resting; /* numbers of the connections that are free */
    struct connection connections[];
};

static void connection_close(struct connection *connection) {
    if (connection->readable == NULL)
        return;
    event_free(connection->readable);
    connection->readable = NULL;
    close(connection->fd);
}

static void connection_rest(struct connection *connection) {
    struct client *client = connection->client;
    ensure(connection->waiting);
    connection->waiting = false;
    if (--client->waiting == 0 && !client->arriving)
        event_base_loopbreak(client->base);
}

static void connection_lose(struct connection *connection) {
    struct client *client = connection->client;
    connection_close(connection);
    if (connection->waiting) {
        client->calls->lost(client->context, connection->number);
        connection_rest(connection);
    }
}

static void connection_ask(struct connection *connection) {
    struct client *client = connection->client;
    char request[CLIENT_REQUEST_MAX_BYTES];
    size_t size_bytes = client->calls->next(client->context, connection->number, request);
    if (size_bytes == 0) {
        connection_rest(connection);
        return;
    }
    connection->received = 0;
    connection->sent_us = clock_monotonic_us();
    /* The one request under way always fits into an empty socket buffer. */
    if (send(connection->fd, request, size_bytes, MSG_NOSIGNAL) != (ssize_t)size_bytes)
        connection_lose(connection);
}

static void connection_readable(evutil_socket_t fd, short what, void *context) {
    (void)what;
    struct connection *connection = context;
    struct client *client = connection->client;
    ssize_t got = recv(fd, connection->answer + connection->received,
                       sizeof connection->answer - connection->received, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0 || !connection->waiting) {
        connection_lose(connection);
        return;
    }
    connection->received += (size_t)got;
    struct answer answer;
    switch (answer_read(connection->answer, connection->received, &answer)) {
    case ANSWER_WHOLE:
        client->calls->answered(client->context, connection->number, &answer,
                                clock_monotonic_us() - connection->sent_us);
        if (client->rate > 0) {
            client->resting[client->resting_count++] = connection->number;
            connection_rest(connection);
        } else {
            connection_ask(connection);
        }
        break;
    case ANSWER_PARTIAL:
        if (connection->received == sizeof connection->answer)
            connection_lose(connection);
        break;
    case ANSWER_STRANGE:
        connection_lose(connection);
        break;
    }
}

static void stop_arriving(struct client *client) {
    client->arriving = false;
    event_del(client->arrival);
    if (client->waiting == 0)
        event_base_loopbreak(client->base);
}

/* Every request that is due by now, each on a connection that is free. */
static void arrive(evutil_socket_t fd, short what, void *context) {
    (void)fd, (void)what;
    struct client *client = context;
    double passed_seconds = (double)(clock_monotonic_us() - client->began_us) / 1e6;
    uint64_t due = (uint64_t)(passed_seconds * client->rate);
    while (client->arriving && client->arrived < due) {
        client->arrived++;
        if (client->resting_count == 0) {
            client->unsent++;
            continue;
        }
        struct connection *connection =
            &client->connections[client->resting[--client->resting_count]];
        connection->waiting = true;
        client->waiting++;
        connection_ask(connection);
        if (!connection->waiting && connection->readable != NULL)
            stop_arriving(client); /* nothing more to ask */
    }
}

static void time_is_up(evutil_socket_t fd, short what, void *context) {
    (void)fd, (void)what;
    event_base_loopbreak(context);
}

static bool connection_open(struct connection *connection, const struct sockaddr_storage *server,
                            socklen_t size) {
    static const int yes = 1;
    int fd = socket(server->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    connection->fd = fd;
    if (connect(fd, (const struct sockaddr *)server, size) == 0 &&
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) == 0 &&
        evutil_make_socket_nonblocking(fd) == 0) {
        connection->readable = event_new(connection->client->base, fd, EV_READ | EV_PERSIST,
                                         connection_readable, connection);
        if (connection->readable != NULL && event_add(connection->readable, NULL) == 0)
            return true;
        if (connection->readable != NULL)
            event_free(connection->readable);
        connection->readable = NULL;
    }
    int error = errno;
    close(fd);
    errno = error;
    return false;
}

struct client *client_create(const char *url, uint32_t connections) {
    struct sockaddr_storage server;
    socklen_t size;
    if (connections < 1 || connections > CLIENT_CONNECTIONS_MAX ||
        !loopback_from_url(url, &server, &size)) {
        fprintf(stderr, "%s is not http://ADDRESS:PORT of loopback\n", url);
        return NULL;
    }
    struct client *client =
        calloc(1, sizeof *client + (size_t)connections * sizeof client->connections[0]);
    ensure(client != NULL);
    client->base = event_base_new();
    ensure(client->base != NULL);
    client->time_is_up = evtimer_new(client->base, time_is_up, client->base);
    ensure(client->time_is_up != NULL);
    for (; client->count < connections; client->count++) {
        struct connection *connection = &client->connections[client->count];
        connection->client = client;
        connection->number = client->count;
        if (!connection_open(connection, &server, size)) {
            fprintf(stderr, "connection %u to %s: %s\n", client->count + 1, url, strerror(errno));
            client_destroy(client);
            return NULL;
        }
    }
    return client;
}

static void lose_waiting(struct client *client) {
    for (uint32_t i = 0; i < client->count; i++) {
        if (client->connections[i].waiting)
            connection_lose(&client->connections[i]);
    }
}

uint64_t client_run_open(struct client *client, const struct client_calls *calls, void *context,
                         double rate, int64_t limit_ms) {
    static const struct timeval every = {.tv_usec = ARRIVAL_MS * 1000};
    const struct timeval limit = {.tv_sec = limit_ms / 1000, .tv_usec = limit_ms % 1000 * 1000};
    client->calls = calls;
    client->context = context;
    client->rate = rate;
    client->arriving = true;
    client->began_us = clock_monotonic_us();
    client->arrived = client->unsent = 0;
    client->resting_count = 0;
    client->resting = calloc(client->count, sizeof *client->resting);
    client->arrival = event_new(client->base, -1, EV_PERSIST, arrive, client);
    ensure(client->resting != NULL && client->arrival != NULL);
    for (uint32_t i = 0; i < client->count; i++) {
        if (client->connections[i].readable != NULL)
            client->resting[client->resting_count++] = i;
    }
    ensure(evtimer_add(client->time_is_up, &limit) == 0 && event_add(client->arrival, &every) == 0);
    event_base_dispatch(client->base);
    evtimer_del(client->time_is_up);
    event_free(client->arrival);
    client->arriving = false;
    lose_waiting(client);
    free(client->resting);
    client->rate = 0;
    return client->unsent;
}

void client_run(struct client *client, const struct client_calls *calls, void *context,
                int64_t limit_ms) {
    const struct timeval limit = {.tv_sec = limit_ms / 1000, .tv_usec = limit_ms % 1000 * 1000};
    client->calls = calls;
    client->context = context;
    for (uint32_t i = 0; i < client->count; i++) {
        client->connections[i].waiting = client->connections[i].readable != NULL;
        client->waiting += client->connections[i].waiting;
    }
    for (uint32_t i = 0; i < client->count; i++) {
        if (client->connections[i].waiting)
            connection_ask(&client->connections[i]);
    }
    if (client->waiting == 0)
        return;
    ensure(evtimer_add(client->time_is_up, &limit) == 0);
    event_base_dispatch(client->base);
    evtimer_del(client->time_is_up);
    lose_waiting(client);
}

void client_destroy(struct client *client) {
    if (client == NULL)
        return;
    for (uint32_t i = 0; i < client->count; i++)
        connection_close(&client->connections[i]);
    event_free(client->time_is_up);
    event_base_free(client->base);
    free(client);
}
