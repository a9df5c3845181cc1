#include "tests/support/http_client.h"
#include "tests/support/expect.h"
#include "tests/support/http_message.h"
#include "tests/support/wait.h"

#include "shared/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_BYTES = 65536 };

struct http_connection {
    uint16_t port;
    int fd; /* -1: closed */
    bool asked;
    bool unread, unchecked; /* as in the request */
    char *first;            /* what was sent first, with the request line if there is one */
    size_t first_bytes;
    enum http_outcome outcome;
    struct wait limit;
    int64_t sent_us, done_us;
    char *out;
    size_t out_bytes, out_sent;
    bool sent; /* at least a byte of this request */
    char *in;
    size_t in_bytes, in_capacity;
    struct http_message answer; /* at the start of `in`, once its head is there */
};

/* --- answers
 * -------------------------------------------------------------------------------------------- */

void http_answer_free(struct http_answer *answer) {
    free(answer->head);
    free(answer->body);
    json_decref(answer->json);
    *answer = (struct http_answer){0};
}

bool http_answer_has_header(const struct http_answer *answer, const char *name, const char *value) {
    size_t length = 0;
    const char *found =
        answer->head == NULL ? NULL : http_message_header(answer->head, name, &length);
    return found != NULL &&
           (value == NULL || (strlen(value) == length && strncmp(found, value, length) == 0));
}

const char *http_answer_text(const struct http_answer *answer, const char *field) {
    return json_string_value(json_object_get(answer->json, field));
}

int64_t http_answer_number(const struct http_answer *answer, const char *field) {
    const json_t *value = json_object_get(answer->json, field);
    return json_is_integer(value) ? json_integer_value(value) : -1;
}

const char *http_answer_code(const struct http_answer *answer) {
    const char *code = http_answer_text(answer, "code");
    return code != NULL ? code : "";
}

/* --- one connection
 * ------------------------------------------------------------------------------------- */

struct http_connection *http_connection_create(uint16_t port) {
    struct http_connection *connection = calloc(1, sizeof *connection);
    ensure(connection != NULL);
    connection->port = port;
    connection->fd = -1;
    return connection;
}

static void disconnect(struct http_connection *connection) {
    if (connection->fd >= 0) {
        (void)close(connection->fd);
        connection->fd = -1;
    }
}

void http_connection_destroy(struct http_connection *connection) {
    if (connection == NULL) {
        return;
    }
    disconnect(connection);
    free(connection->first);
    free(connection->out);
    free(connection->in);
    free(connection);
}

void http_connection_set_port(struct http_connection *connection, uint16_t port) {
    if (connection->port != port) {
        disconnect(connection);
        connection->port = port;
    }
}

bool http_connection_is_open(const struct http_connection *connection) {
    return connection->fd >= 0;
}

static void finish(struct http_connection *connection, enum http_outcome outcome) {
    bool refused = outcome == HTTP_CLOSED && !connection->sent;
    connection->outcome = refused ? HTTP_REFUSED : outcome;
    connection->done_us = clock_monotonic_us();
    if (outcome != HTTP_ANSWERED) {
        disconnect(connection);
    }
}

static void reconnect(struct http_connection *connection) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(connection->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1;
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    expect(connection->fd >= 0, "no socket: %s", strerror(errno));
    (void)setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connection->in_bytes = 0;
    if (connect(connection->fd, (struct sockaddr *)&address, sizeof address) != 0 &&
        errno != EINPROGRESS) {
        finish(connection, HTTP_CLOSED);
    }
}

/* --- sending
 * -------------------------------------------------------------------------------------------- */

static void append_out(struct http_connection *connection, const void *bytes, size_t size_bytes) {
    size_t unsent = connection->out_bytes - connection->out_sent;
    char *out = malloc(unsent + size_bytes + 1);
    ensure(out != NULL);
    if (unsent > 0) {
        memcpy(out, connection->out + connection->out_sent, unsent);
    }
    memcpy(out + unsent, bytes, size_bytes);
    free(connection->out);
    connection->out = out;
    connection->out_bytes = unsent + size_bytes;
    connection->out_sent = 0;
}

/* A keep-alive connection that the server closed meanwhile is readable: nothing is owed to us. */
static bool was_closed(const struct http_connection *connection) {
    struct pollfd socket_end = {.fd = connection->fd, .events = POLLIN};
    return poll(&socket_end, 1, 0) != 0;
}

static void begin(struct http_connection *connection) {
    connection->asked = true;
    connection->outcome = HTTP_WAITING;
    connection->unread = connection->unchecked = false;
    connection->first_bytes = 0;
    connection->answer = (struct http_message){0};
    connection->in_bytes = 0;
    connection->out_bytes = connection->out_sent = 0;
    connection->sent = false;
    connection->sent_us = clock_monotonic_us();
    if (connection->fd >= 0 && was_closed(connection)) {
        disconnect(connection);
    }
    if (connection->fd < 0) {
        reconnect(connection);
    }
}

/* For its answer: no more than a request line may have. */
static void keep_first(struct http_connection *connection, const void *bytes, size_t size_bytes) {
    size_t room = HTTP_MESSAGE_LINE_SIZE - connection->first_bytes;
    size_t kept = size_bytes < room ? size_bytes : room;
    connection->first = realloc(connection->first, connection->first_bytes + kept + 1);
    ensure(connection->first != NULL);
    memcpy(connection->first + connection->first_bytes, bytes, kept);
    connection->first_bytes += kept;
}

void http_connection_send_bytes(struct http_connection *connection, const void *bytes,
                                size_t size_bytes, int64_t timeout_ms) {
    if (!connection->asked) {
        begin(connection);
    }
    keep_first(connection, bytes, size_bytes);
    connection->limit = wait_at_most(timeout_ms);
    append_out(connection, bytes, size_bytes);
}

void http_connection_send(struct http_connection *connection, const struct http_request *request,
                          int64_t timeout_ms) {
    char *text = NULL;
    size_t size_bytes = 0;
    FILE *out = open_memstream(&text, &size_bytes);
    ensure(out != NULL);
    (void)fprintf(out, "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n", request->method, request->path,
                  connection->port);
    if (request->token != NULL) {
        (void)fprintf(out, "Authorization: Bearer %s\r\n", request->token);
    }
    if (request->key != NULL) {
        (void)fprintf(out, "Idempotency-Key: %s\r\n", request->key);
    }
    if (request->headers != NULL) {
        (void)fputs(request->headers, out);
    }
    if (request->body != NULL) {
        (void)fprintf(out, "Content-Type: %s\r\nContent-Length: %zu\r\n\r\n%s",
                      request->content_type != NULL ? request->content_type : "application/json",
                      strlen(request->body), request->body);
    } else {
        (void)fputs("\r\n", out);
    }
    ensure(fclose(out) == 0);
    ensure(!connection->asked);
    begin(connection);
    connection->unread = request->unread;
    connection->unchecked = request->unchecked;
    http_connection_send_bytes(connection, text, size_bytes, timeout_ms);
    free(text);
}

/* --- receiving
 * ------------------------------------------------------------------------------------------ */

static void look_for_answer(struct http_connection *connection) {
    struct http_message *answer = &connection->answer;
    if (answer->head_bytes == 0) {
        bool is_for_head =
            connection->first_bytes > 5 && memcmp(connection->first, "HEAD ", 5) == 0;
        *answer = http_message_answer(connection->in, connection->in_bytes, is_for_head);
    }
    if (answer->head_bytes > 0 && connection->in_bytes >= answer->head_bytes + answer->body_bytes) {
        finish(connection, HTTP_ANSWERED);
    }
}

static void read_bytes(struct http_connection *connection) {
    while (connection->outcome == HTTP_WAITING) {
        if (connection->in_bytes + READ_BYTES > connection->in_capacity) {
            connection->in_capacity = connection->in_capacity * 2 + READ_BYTES;
            connection->in = realloc(connection->in, connection->in_capacity);
            ensure(connection->in != NULL);
        }
        ssize_t got = recv(connection->fd, connection->in + connection->in_bytes, READ_BYTES, 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        if (got <= 0) {
            finish(connection, HTTP_CLOSED);
            return;
        }
        connection->in_bytes += (size_t)got;
        look_for_answer(connection);
    }
}

/* A peer that no longer reads may have answered all the same, so only reading notices the end. */
static void write_bytes(struct http_connection *connection) {
    ssize_t sent = send(connection->fd, connection->out + connection->out_sent,
                        connection->out_bytes - connection->out_sent, MSG_NOSIGNAL);
    if (sent > 0) {
        connection->out_sent += (size_t)sent;
        connection->sent = true;
    } else if (errno != EAGAIN && errno != EINTR) {
        connection->out_sent = connection->out_bytes;
    }
}

static bool is_waiting(const struct http_connection *connection) {
    return connection->asked && connection->outcome == HTTP_WAITING;
}

void http_drive(struct http_connection *const *connections, size_t count, int timeout_ms) {
    struct pollfd *ends = calloc(count + 1, sizeof *ends);
    ensure(ends != NULL);
    for (size_t i = 0; i < count; i++) {
        struct http_connection *connection = connections[i];
        bool waiting = is_waiting(connection);
        ends[i].fd = waiting ? connection->fd : -1;
        ends[i].events = POLLIN;
        if (waiting && connection->out_sent < connection->out_bytes) {
            ends[i].events |= POLLOUT;
        }
        if (waiting && wait_left_ms(&connection->limit) < timeout_ms) {
            timeout_ms = wait_left_ms(&connection->limit);
        }
    }
    (void)poll(ends, (nfds_t)count, timeout_ms);
    for (size_t i = 0; i < count; i++) {
        struct http_connection *connection = connections[i];
        if ((ends[i].revents & POLLOUT) != 0) {
            write_bytes(connection);
        }
        if ((ends[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
            read_bytes(connection);
        }
        if (is_waiting(connection) && wait_is_over(&connection->limit)) {
            finish(connection, HTTP_TIMED_OUT);
        }
    }
    free(ends);
}

static void expect_documented(const struct http_connection *connection,
                              const struct http_answer *answer) {
    struct http_message_request request;
    bool is_read = http_message_request(connection->first, connection->first_bytes, &request) &&
                   !connection->unread;
    contract_expect(&(struct contract_answer){.method = is_read ? request.method : NULL,
                                              .target = is_read ? request.target : "",
                                              .status = answer->status,
                                              .head = answer->head,
                                              .body = answer->body,
                                              .body_bytes = answer->body_bytes});
}

bool http_connection_take(struct http_connection *connection, struct http_answer *answer) {
    ensure(connection->asked);
    if (connection->outcome == HTTP_WAITING) {
        return false;
    }
    *answer = (struct http_answer){.outcome = connection->outcome,
                                   .sent_us = connection->sent_us,
                                   .done_us = connection->done_us};
    connection->asked = false;
    if (connection->outcome == HTTP_ANSWERED) {
        const struct http_message *message = &connection->answer;
        const char *body = connection->in + message->head_bytes;
        answer->status = message->status;
        answer->head = http_message_copy(connection->in, message->head_bytes);
        answer->body = http_message_copy(body, message->body_bytes);
        answer->body_bytes = message->body_bytes;
        answer->json = json_loadb(body, message->body_bytes, 0, NULL);
        if (!connection->unchecked) {
            expect_documented(connection, answer);
        }
        if (http_answer_has_header(answer, "Connection", "close")) {
            disconnect(connection);
        }
    }
    return true;
}

/* --- conveniences
 * --------------------------------------------------------------------------------------- */

void http_ask(struct http_connection *connection, const struct http_request *request,
              struct http_answer *answer) {
    http_connection_send(connection, request, HTTP_CALL_MS);
    while (!http_connection_take(connection, answer)) {
        http_drive(&connection, 1, HTTP_CALL_MS);
    }
}

void http_call(uint16_t port, const struct http_request *request, struct http_answer *answer) {
    struct http_connection *connection = http_connection_create(port);
    http_ask(connection, request, answer);
    http_connection_destroy(connection);
}

void http_call_many(const uint16_t *ports, const struct http_request *requests, size_t count,
                    struct http_answer *answers) {
    struct http_connection **connections = calloc(count, sizeof(struct http_connection *));
    ensure(connections != NULL);
    for (size_t i = 0; i < count; i++) {
        connections[i] = http_connection_create(ports[i]);
        http_connection_send(connections[i], &requests[i], HTTP_CALL_MS);
    }
    bool waiting = true;
    while (waiting) {
        waiting = false;
        http_drive(connections, count, HTTP_CALL_MS);
        for (size_t i = 0; i < count; i++) {
            waiting = waiting || is_waiting(connections[i]);
        }
    }
    for (size_t i = 0; i < count; i++) {
        ensure(http_connection_take(connections[i], &answers[i]));
        http_connection_destroy(connections[i]);
    }
    free(connections);
}
