#include "ops/benchmarks/client.h"

#include "ops/benchmarks/loopback.h"
#include "shared/clock.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* At high rates, several arrive at a time: waking up for each would cost more than asking. */
enum { ARRIVAL_STEP_US = 100, PACE_MS = 1 };

struct connection {
    struct client *client;
    struct event *readable; /* NULL: closed */
    int fd;
    uint32_t number;
    bool waiting;     /* for an answer */
    int64_t began_us; /* closed loop: was sent; open loop: was to be sent */
    size_t received;
    char answer[CLIENT_ANSWER_MAX_BYTES];
};

struct client {
    struct sockaddr_storage server;
    socklen_t server_size;
    struct event_base *base;
    struct event *time_is_up;
    const struct client_calls *calls;
    void *context;
    uint32_t count;
    uint32_t waiting;
    struct client_traffic traffic;
    /* Open loop. */
    struct event *arrival; /* NULL: closed loop */
    bool arriving;
    bool paced; /* by the caller */
    struct arrivals arrivals;
    uint64_t unsent;
    uint32_t resting_first;
    uint32_t resting_count;
    uint32_t *resting; /* ring of the connections that are free */
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

/* False: there was nothing to ask, and it rests. */
static bool connection_ask(struct connection *connection, int64_t began_us) {
    struct client *client = connection->client;
    char request[CLIENT_REQUEST_MAX_BYTES];
    size_t size_bytes = client->calls->next(client->context, connection->number, request);
    if (size_bytes == 0) {
        connection_rest(connection);
        return false;
    }
    connection->received = 0;
    connection->began_us = began_us;
    /* The one request under way always fits into an empty socket buffer. */
    if (send(connection->fd, request, size_bytes, MSG_NOSIGNAL) != (ssize_t)size_bytes)
        connection_lose(connection);
    client->traffic.sent_bytes += size_bytes;
    return true;
}

/* --- open loop: connections take turns, so that none rests until the server closes it */

static void connection_free(struct connection *connection) {
    struct client *client = connection->client;
    client->resting[(client->resting_first + client->resting_count++) % client->count] =
        connection->number;
}

/* NULL: none is free. */
static struct connection *connection_take(struct client *client) {
    while (client->resting_count > 0) {
        struct connection *connection =
            &client->connections[client->resting[client->resting_first]];
        client->resting_first = (client->resting_first + 1) % client->count;
        client->resting_count--;
        if (connection->readable != NULL) {
            connection->waiting = true;
            client->waiting++;
            return connection;
        }
    }
    return NULL;
}

/* The one that was just taken is the next again. */
static void connection_put_back(struct client *client) {
    client->resting_first = (client->resting_first + client->count - 1) % client->count;
    client->resting_count++;
}

static void ask_what_is_due(struct client *client) {
    struct connection *connection = NULL;
    while (client->arriving && (connection = connection_take(client)) != NULL) {
        if (!connection_ask(connection, clock_monotonic_us())) {
            connection_put_back(client);
            return;
        }
    }
}

/* --- answers */

static void connection_answered(struct connection *connection, const struct answer *answer) {
    struct client *client = connection->client;
    int64_t now_us = clock_monotonic_us();
    client->traffic.answers++;
    client->traffic.received_bytes += connection->received;
    client->calls->answered(client->context, connection->number, answer,
                            now_us - connection->began_us);
    if (client->arrival == NULL) {
        connection_ask(connection, clock_monotonic_us());
        return;
    }
    connection_free(connection);
    connection_rest(connection);
    if (client->paced)
        ask_what_is_due(client);
}

static void connection_readable(evutil_socket_t fd, short what, void *context) {
    (void)what;
    struct connection *connection = context;
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
        connection_answered(connection, &answer);
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

/* --- running */

void client_stop(struct client *client) {
    client->arriving = false;
    event_del(client->arrival);
    if (client->waiting == 0)
        event_base_loopbreak(client->base);
}

static void arrival_wait(struct client *client) {
    int64_t wait_us = arrivals_wait_us(&client->arrivals, clock_monotonic_us());
    if (wait_us < ARRIVAL_STEP_US)
        wait_us = ARRIVAL_STEP_US;
    const struct timeval wait = {.tv_sec = wait_us / 1000000, .tv_usec = wait_us % 1000000};
    ensure(event_add(client->arrival, &wait) == 0);
}

/* Every request that is due by now, each on a connection that is free. */
static void arrive(evutil_socket_t fd, short what, void *context) {
    (void)fd, (void)what;
    struct client *client = context;
    int64_t now_us = clock_monotonic_us();
    for (int64_t due_us; client->arriving && arrivals_take(&client->arrivals, now_us, &due_us);) {
        struct connection *connection = connection_take(client);
        if (connection == NULL)
            client->unsent++;
        else if (!connection_ask(connection, due_us))
            client_stop(client);
    }
    if (client->arriving)
        arrival_wait(client);
}

static void pace(evutil_socket_t fd, short what, void *context) {
    (void)fd, (void)what;
    ask_what_is_due(context);
}

static void time_is_up(evutil_socket_t fd, short what, void *context) {
    (void)fd, (void)what;
    event_base_loopbreak(context);
}

int client_connect(const struct client *client, uint32_t number) {
    return loopback_connect(&client->server, client->server_size, number);
}

static bool connection_open(struct connection *connection) {
    int fd = client_connect(connection->client, connection->number);
    if (fd < 0)
        return false;
    connection->fd = fd;
    connection->readable = event_new(connection->client->base, fd, EV_READ | EV_PERSIST,
                                     connection_readable, connection);
    ensure(connection->readable != NULL && event_add(connection->readable, NULL) == 0);
    return true;
}

/* Its timers are as fine as the kernel's, or every arrival would be up to a millisecond late. */
static struct event_base *base_create(void) {
    struct event_config *config = event_config_new();
    ensure(config != NULL && event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER) == 0);
    struct event_base *base = event_base_new_with_config(config);
    ensure(base != NULL);
    event_config_free(config);
    return base;
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
    client->server = server;
    client->server_size = size;
    client->base = base_create();
    client->time_is_up = evtimer_new(client->base, time_is_up, client->base);
    ensure(client->time_is_up != NULL);
    for (; client->count < connections; client->count++) {
        struct connection *connection = &client->connections[client->count];
        connection->client = client;
        connection->number = client->count;
        if (!connection_open(connection)) {
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

static void client_start(struct client *client, const struct client_calls *calls, void *context) {
    client->calls = calls;
    client->context = context;
    client->traffic = (struct client_traffic){0};
}

static void client_turn(struct client *client, int64_t limit_ms) {
    const struct timeval limit = {.tv_sec = limit_ms / 1000, .tv_usec = limit_ms % 1000 * 1000};
    ensure(evtimer_add(client->time_is_up, &limit) == 0);
    event_base_dispatch(client->base);
    evtimer_del(client->time_is_up);
    lose_waiting(client);
}

static void open_begin(struct client *client, short kind, event_callback_fn arrival) {
    client->arriving = true;
    client->resting_first = client->resting_count = 0;
    client->resting = calloc(client->count, sizeof *client->resting);
    client->arrival = event_new(client->base, -1, kind, arrival, client);
    ensure(client->resting != NULL && client->arrival != NULL);
    for (uint32_t i = 0; i < client->count; i++)
        connection_free(&client->connections[i]);
}

static void open_end(struct client *client) {
    client->arriving = false;
    event_free(client->arrival);
    client->arrival = NULL;
    free(client->resting);
}

uint64_t client_run_open(struct client *client, const struct client_calls *calls, void *context,
                         double rate, int64_t limit_ms) {
    client_start(client, calls, context);
    client->unsent = 0;
    open_begin(client, 0, arrive);
    arrivals_start(&client->arrivals, rate, 1, clock_monotonic_us());
    arrival_wait(client);
    client_turn(client, limit_ms);
    client->traffic.late_us = client->arrivals.late_us;
    open_end(client);
    return client->unsent;
}

void client_run_paced(struct client *client, const struct client_calls *calls, void *context,
                      int64_t limit_ms) {
    static const struct timeval every = {.tv_usec = PACE_MS * 1000};
    client_start(client, calls, context);
    client->paced = true;
    open_begin(client, EV_PERSIST, pace);
    ensure(event_add(client->arrival, &every) == 0);
    client_turn(client, limit_ms);
    open_end(client);
    client->paced = false;
}

struct event_base *client_base(struct client *client) {
    return client->base;
}

void client_run(struct client *client, const struct client_calls *calls, void *context,
                int64_t limit_ms) {
    client_start(client, calls, context);
    for (uint32_t i = 0; i < client->count; i++) {
        client->connections[i].waiting = client->connections[i].readable != NULL;
        client->waiting += client->connections[i].waiting;
    }
    for (uint32_t i = 0; i < client->count; i++) {
        if (client->connections[i].waiting)
            connection_ask(&client->connections[i], clock_monotonic_us());
    }
    if (client->waiting > 0)
        client_turn(client, limit_ms);
}

const struct client_traffic *client_traffic(const struct client *client) {
    return &client->traffic;
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
