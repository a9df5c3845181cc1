#include "tests/unit/http_fixture.h"

#include "gateway/http/cors.h"
#include "gateway/http/problem.h"
#include "shared/clock.h"

#include <errno.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- the server ------------------------------------------------------------------------------ */

static void on_gone(void *context, struct http_request *request) {
    struct fixture *fixture = context;
    fixture->gone++;
    for (unsigned i = 0; i < fixture->waiting_count; i++) {
        if (fixture->waiting[i] == request) {
            memmove(&fixture->waiting[i], &fixture->waiting[i + 1],
                    (fixture->waiting_count - i - 1) * sizeof(struct http_request *));
            fixture->waiting_count--;
            return;
        }
    }
}

static void on_released(void *context) {
    ((struct fixture *)context)->released++;
}

static void on_request(void *context, struct http_request *request) {
    struct fixture *fixture = context;
    const char *path = http_request_path(request);
    size_t body_bytes;
    const char *body = http_request_body(request, &body_bytes);
    fixture->served++;
    if (http_request_method(request) == HTTP_METHOD_OPTIONS) {
        cors_answer_preflight(fixture->config.cors, request, "GET, HEAD, POST, OPTIONS");
        http_respond(request, 204, NULL, NULL, 0);
    } else if (strcmp(path, "/echo") == 0) {
        http_answer_header(request, "X-Broken", "a\r\nX-Injected: b");
        http_respond(request, 200, "text/plain", body, body_bytes);
    } else if (strcmp(path, "/later") == 0) {
        ensure(fixture->waiting_count < WAITING_MAX);
        fixture->waiting[fixture->waiting_count++] = request;
        http_request_set_context(request, fixture, on_gone);
    } else if (strcmp(path, "/page") == 0) {
        http_respond(request, 200, "text/html; charset=utf-8", "<h1>x</h1>", 10);
    } else if (strcmp(path, "/nothing") == 0) {
        http_respond(request, 204, NULL, "x", 1);
    } else if (strcmp(path, "/same") == 0) {
        http_respond(request, 304, NULL, "x", 1);
    } else if (strcmp(path, "/large") == 0) {
        fixture->shared++;
        http_respond_shared(request, 200, "text/plain", fixture->large, LARGE_BYTES, on_released,
                            fixture);
    } else if (strncmp(path, "/admin/", 7) == 0) {
        char size[32];
        int length = snprintf(size, sizeof size, "%zu", body_bytes);
        http_respond(request, 200, "text/plain", size, (size_t)length);
    } else {
        http_respond(request, 200, "text/plain", path, strlen(path));
    }
}

static void on_problem(void *context, struct http_request *request, int status) {
    ((struct fixture *)context)->problems++;
    problem_write(NULL, request, status);
}

static size_t body_limit(void *context UNUSED, enum http_method method, const char *path) {
    bool is_admin = method == HTTP_METHOD_POST && strncmp(path, "/admin/", 7) == 0;
    return is_admin ? HTTP_ADMIN_BODY_MAX_BYTES : HTTP_BODY_MAX_BYTES;
}

struct http_server_config fixture_config(void) {
    return (struct http_server_config){
        .address = "127.0.0.1",
        .connections_max = 10000,
        .request_ms = 60000,
        .idle_ms = 60000,
        .send_ms = 60000,
        .on_request = on_request,
        .on_problem = on_problem,
        .body_limit = body_limit,
    };
}

struct fixture *fixture_create(const struct http_server_config *config) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    fixture->config = config ? *config : fixture_config();
    fixture->config.context = fixture;
    fixture->base = event_base_new();
    fixture->large = malloc(LARGE_BYTES);
    assert_non_null(fixture->large);
    for (size_t i = 0; i < LARGE_BYTES; i++)
        fixture->large[i] = (char)('a' + i % 23);
    fixture->server = http_server_create(fixture->base, &fixture->config);
    assert_non_null(fixture->server);
    return fixture;
}

void fixture_destroy(struct fixture *fixture) {
    http_server_destroy(fixture->server);
    event_base_free(fixture->base);
    free(fixture->large);
    free(fixture);
}

void fixture_turn(struct fixture *fixture, int fd) {
    if (event_base_loop(fixture->base, EVLOOP_NONBLOCK) < 0)
        fail_msg("the loop failed");
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    poll(&ready, 1, 2);
}

int64_t fixture_deadline_us(void) {
    return clock_monotonic_us() + FIXTURE_WAIT_MS * (int64_t)1000;
}

bool fixture_is_late(int64_t end_us) {
    return clock_monotonic_us() > end_us;
}

/* --- clients --------------------------------------------------------------------------------- */

struct client *client_create(struct fixture *fixture) {
    struct client *client = calloc(1, sizeof *client);
    assert_non_null(client);
    client->fixture = fixture;
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(http_server_port(fixture->server)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    assert_int_equal(connect(client->fd, (struct sockaddr *)&address, sizeof address), 0);
    client->input = calloc(1, 1);
    assert_non_null(client->input);
    return client;
}

void client_destroy(struct client *client) {
    SSL_free(client->tls);
    close(client->fd);
    free(client->input);
    free(client);
}

/* As send and recv, over TLS too. */
static ssize_t as_call(const struct client *client, int result, size_t size_bytes) {
    if (result == 1)
        return (ssize_t)size_bytes;
    int error = SSL_get_error(client->tls, result);
    errno = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? EAGAIN : ECONNRESET;
    return error == SSL_ERROR_ZERO_RETURN ? 0 : -1;
}

static ssize_t send_some(struct client *client, const void *data, size_t size_bytes) {
    if (!client->tls)
        return send(client->fd, data, size_bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
    size_t sent = 0;
    ERR_clear_error();
    int result = SSL_write_ex(client->tls, data, size_bytes, &sent);
    return as_call(client, result, sent);
}

static ssize_t receive_some(struct client *client, void *data, size_t size_bytes) {
    if (!client->tls)
        return recv(client->fd, data, size_bytes, MSG_DONTWAIT);
    size_t received = 0;
    ERR_clear_error();
    int result = SSL_read_ex(client->tls, data, size_bytes, &received);
    return as_call(client, result, received);
}

void client_send(struct client *client, const void *data, size_t size_bytes) {
    int64_t end_us = fixture_deadline_us();
    for (size_t sent = 0; sent < size_bytes;) {
        ssize_t now = send_some(client, (const char *)data + sent, size_bytes - sent);
        if (now > 0) {
            sent += (size_t)now;
            continue;
        }
        if (errno == EPIPE || errno == ECONNRESET)
            return; /* the server has refused already: the answer tells */
        assert_false(fixture_is_late(end_us));
        fixture_turn(client->fixture, client->fd);
    }
}

void client_send_text(struct client *client, const char *text) {
    client_send(client, text, strlen(text));
}

/* Reads what is there. */
static void client_read(struct client *client) {
    enum { PIECE_BYTES = 256 * 1024 };
    client->input = realloc(client->input, client->input_bytes + PIECE_BYTES + 1);
    assert_non_null(client->input);
    size_t end = client->input_bytes + PIECE_BYTES;
    ssize_t size = 1;
    while (size > 0 && client->input_bytes < end) {
        size = receive_some(client, client->input + client->input_bytes, end - client->input_bytes);
        if (size > 0)
            client->input_bytes += (size_t)size;
    }
    if (size == 0)
        client->is_closed = true;
    else if (size < 0 && errno != EAGAIN)
        client->is_reset = true;
    client->input[client->input_bytes] = '\0';
}

static bool client_is_over(const struct client *client) {
    return client->is_closed || client->is_reset;
}

bool client_wait(struct client *client, size_t size_bytes) {
    int64_t end_us = fixture_deadline_us();
    while (client->input_bytes < size_bytes && !client_is_over(client)) {
        assert_false(fixture_is_late(end_us));
        fixture_turn(client->fixture, client->fd);
        client_read(client);
    }
    return client->input_bytes >= size_bytes;
}

void client_drop(struct client *client, size_t size_bytes) {
    client->input_bytes -= size_bytes;
    memmove(client->input, client->input + size_bytes, client->input_bytes + 1);
}

char *answer_header(const struct answer *answer, const char *name, char value[256]) {
    size_t size = strlen(name);
    for (const char *line = strstr(answer->head, "\r\n"); line; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, size) != 0 || line[size] != ':')
            continue;
        line += size + 1 + strspn(line + size + 1, " ");
        snprintf(value, 256, "%.*s", (int)strcspn(line, "\r"), line);
        return value;
    }
    return NULL;
}

struct answer client_answer(struct client *client, bool has_body) {
    /* The body of the answer before is given up only now. */
    struct answer answer = {.status = 0};
    char *end;
    while (!(end = strstr(client->input, "\r\n\r\n")))
        if (!client_wait(client, client->input_bytes + 1))
            fail_msg("no whole answer (%s): '%s'", client->is_reset ? "reset" : "closed",
                     client->input);
    size_t head_bytes = (size_t)(end - client->input) + 4;
    assert_in_range(head_bytes, 16, sizeof answer.head - 1);
    memcpy(answer.head, client->input, head_bytes);
    assert_memory_equal(answer.head, "HTTP/1.1 ", 9);
    answer.status = (int)strtol(answer.head + 9, NULL, 10);
    char length[256];
    if (has_body && answer_header(&answer, "Content-Length", length))
        answer.body_bytes = strtoul(length, NULL, 10);
    if (!client_wait(client, head_bytes + answer.body_bytes))
        fail_msg("the body is cut: %zu of %zu", client->input_bytes - head_bytes,
                 answer.body_bytes);
    /* The body moves behind what is left, so that it stays while the rest moves to the front. */
    size_t rest = client->input_bytes - head_bytes - answer.body_bytes;
    char *input = malloc(rest + 1 + answer.body_bytes + 1);
    assert_non_null(input);
    memcpy(input, client->input + head_bytes + answer.body_bytes, rest);
    input[rest] = '\0';
    answer.body = input + rest + 1;
    memcpy(answer.body, client->input + head_bytes, answer.body_bytes);
    answer.body[answer.body_bytes] = '\0';
    free(client->input);
    client->input = input;
    client->input_bytes = rest;
    return answer;
}

void client_expect_closed(struct client *client) {
    bool more = client_wait(client, client->input_bytes + 1);
    if (more || client->input_bytes)
        fail_msg("expected the end, got '%s'", client->input);
    if (client->is_reset)
        fail_msg("the connection was reset");
}
