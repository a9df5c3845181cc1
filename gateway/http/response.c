#include "gateway/http/connection.h"
#include "gateway/http/cors.h"
#include "gateway/http/request.h"
#include "gateway/http/security.h"
#include "gateway/http/server.h"
#include "gateway/http/status_text.h"

#include <stdio.h>
#include <time.h>

/* More than the lines of the server's own: status, date, lengths, connection, request id. */
enum { OWN_LINES_BYTES = 512 };

void http_answer_header(struct http_request *request, const char *name, const char *value) {
    struct http_buffer *answer = &request->answer;
    size_t value_size = strlen(value);
    if (!http_buffer_reserve(answer, strlen(name) + value_size + 4)) {
        request->no_memory = true;
        return;
    }
    http_buffer_put_text(answer, name);
    http_buffer_put(answer, ": ", 2);
    http_buffer_put(answer, value, value_size);
    /* A value with a line break would become headers of its own. */
    for (char *c = answer->data + answer->size_bytes - value_size; value_size-- > 0; c++)
        if ((unsigned char)*c < ' ' && *c != '\t')
            *c = ' ';
    http_buffer_put(answer, "\r\n", 2);
}

void http_answer_lines(struct http_request *request, const char *lines, size_t size_bytes) {
    request->no_memory |= !http_buffer_add(&request->answer, lines, size_bytes);
}

static void put_date(struct http_server *server) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (now.tv_sec != server->date_second) {
        struct tm utc;
        gmtime_r(&now.tv_sec, &utc);
        size_t size =
            strftime(server->date, sizeof server->date, "%a, %d %b %Y %H:%M:%S GMT", &utc);
        ensure(size == sizeof server->date - 1);
        server->date_second = now.tv_sec;
    }
    http_buffer_put_text(&server->head, "\r\nDate: ");
    http_buffer_put(&server->head, server->date, sizeof server->date - 1);
}

static void put_number(struct http_buffer *head, uint64_t number) {
    char digits[20];
    size_t at = sizeof digits;
    do
        digits[--at] = (char)('0' + number % 10);
    while (number /= 10);
    http_buffer_put(head, digits + at, sizeof digits - at);
}

/* The answer's head, in server->head. */
static bool write_head(struct http_server *server, const struct http_request *request, int status,
                       const char *content_type, size_t size_bytes, bool keep_alive) {
    struct http_buffer *head = &server->head;
    size_t type_bytes = content_type ? strlen(content_type) : 0;
    struct http_lines security =
        http_security_lines(content_type, request->connection->transport.tls != NULL);
    struct http_lines cors = cors_answer_lines(server->config.cors, request->method,
                                               http_request_header(request, "Origin"));
    http_buffer_reset(head, HTTP_INPUT_MAX_BYTES);
    if (!http_buffer_reserve(head, OWN_LINES_BYTES + type_bytes + security.size_bytes +
                                       cors.size_bytes + request->answer.size_bytes))
        return false;
    http_buffer_put_text(head, "HTTP/1.1 ");
    put_number(head, (uint64_t)status);
    http_buffer_put(head, " ", 1);
    http_buffer_put_text(head, http_status_text(status));
    put_date(server);
    if (content_type) {
        http_buffer_put_text(head, "\r\nContent-Type: ");
        http_buffer_put(head, content_type, type_bytes);
    }
    if (status != 101 && status != 204 && status != 304) {
        http_buffer_put_text(head, "\r\nContent-Length: ");
        put_number(head, size_bytes);
    }
    if (!keep_alive)
        http_buffer_put_text(head, "\r\nConnection: close");
    else if (request->is_http_1_0)
        http_buffer_put_text(head, "\r\nConnection: keep-alive");
    http_buffer_put_text(head, "\r\nX-Request-Id: ");
    http_buffer_put_text(head, request->id);
    http_buffer_put(head, "\r\n", 2);
    http_buffer_put(head, security.text, security.size_bytes);
    http_buffer_put(head, cors.text, cors.size_bytes);
    http_buffer_put(head, request->answer.data, request->answer.size_bytes);
    http_buffer_put(head, "\r\n", 2);
    return true;
}

static void respond(struct http_request *request, int status, const char *content_type,
                    const void *body, size_t size_bytes, struct http_share share) {
    struct http_connection *connection = request->connection;
    struct http_server *server = connection->server;
    ensure(connection->request == request);
    bool keep_alive = request->on_taken || (request->keep_alive && !server->draining);
    if (request->no_memory ||
        !write_head(server, request, status, content_type, size_bytes, keep_alive)) {
        request->on_gone = NULL;
        http_share_release(&share);
        http_connection_close(connection);
        return;
    }
    if (request->method == HTTP_METHOD_HEAD || status == 204 || status == 304)
        size_bytes = 0;
    if (server->config.on_end)
        server->config.on_end(server->config.context, request, status, size_bytes);
    http_connection_answer(connection, &server->head, body, size_bytes, share, keep_alive);
}

void http_respond(struct http_request *request, int status, const char *content_type,
                  const void *body, size_t size_bytes) {
    ensure(status >= 200 && status <= 599);
    respond(request, status, content_type, body, size_bytes, (struct http_share){0});
}

void http_respond_shared(struct http_request *request, int status, const char *content_type,
                         const void *body, size_t size_bytes, void (*release)(void *context),
                         void *context) {
    ensure(status >= 200 && status <= 599);
    respond(request, status, content_type, body, size_bytes,
            (struct http_share){.release = release, .context = context});
}

void http_upgrade(struct http_request *request, const char *protocol, http_taker *on_taken,
                  void *context) {
    http_answer_header(request, "Upgrade", protocol);
    http_answer_header(request, "Connection", "Upgrade");
    request->context = context;
    request->on_gone = NULL;
    request->on_taken = on_taken;
    respond(request, 101, NULL, NULL, 0, (struct http_share){0});
}

const char *http_request_peer(const struct http_request *request) {
    return request->connection->peer;
}

int64_t http_request_started_us(const struct http_request *request) {
    return request->connection->started_us;
}
