#include "shared/ops_server.h"

#include "shared/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/http.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { OPS_HEADERS_MAX_BYTES = 8192, OPS_BODY_MAX_BYTES = 1024, OPS_TIMEOUT_SECONDS = 10 };

static const char loopback[] = "127.0.0.1";
static const char json_type[] = "application/json";
static const char metrics_type[] = "text/plain; version=0.0.4; charset=utf-8";

struct ops_server {
    struct evhttp *http;
    uint16_t port;
    ops_writer *ready;
    ops_writer *metrics;
    void *context;
    char text[OPS_TEXT_MAX_BYTES]; /* of the answer being made */
};

static int write_health(void *context, char *text, size_t size_bytes) {
    (void)context;
    snprintf(text, size_bytes, "{\"status\":\"up\"}");
    return HTTP_OK;
}

static void answer(struct ops_server *server, struct evhttp_request *request, ops_writer *writer,
                   const char *content_type) {
    server->text[0] = '\0';
    int status =
        writer == NULL ? HTTP_NOTFOUND : writer(server->context, server->text, sizeof server->text);
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    struct evbuffer *body = evhttp_request_get_output_buffer(request);
    if (evhttp_add_header(headers, "Content-Type", content_type) != 0 ||
        evhttp_add_header(headers, "Cache-Control", "no-store") != 0 ||
        evbuffer_add(body, server->text, strlen(server->text)) != 0)
        status = HTTP_SERVUNAVAIL; /* no memory */
    evhttp_send_reply(request, status, NULL, NULL);
}

static void on_request(struct evhttp_request *request, void *context) {
    struct ops_server *server = context;
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
    const char *path = uri == NULL ? NULL : evhttp_uri_get_path(uri);
    if (path != NULL && strcmp(path, "/healthz") == 0)
        answer(server, request, write_health, json_type);
    else if (path != NULL && strcmp(path, "/readyz") == 0)
        answer(server, request, server->ready, json_type);
    else if (path != NULL && strcmp(path, "/metrics") == 0)
        answer(server, request, server->metrics, metrics_type);
    else
        answer(server, request, NULL, metrics_type);
}

static uint16_t bound_port(struct evhttp_bound_socket *bound) {
    struct sockaddr_in address = {0};
    socklen_t length = sizeof address;
    ensure(getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&address, &length) ==
           0);
    return ntohs(address.sin_port);
}

struct ops_server *ops_server_create(struct event_base *base, uint16_t port, ops_writer *ready,
                                     ops_writer *metrics, void *context) {
    struct ops_server *server = calloc(1, sizeof *server);
    struct evhttp_bound_socket *bound = NULL;
    if (server == NULL)
        goto failed;
    server->ready = ready;
    server->metrics = metrics;
    server->context = context;
    server->http = evhttp_new(base);
    if (server->http == NULL)
        goto failed;
    evhttp_set_allowed_methods(server->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
    evhttp_set_max_headers_size(server->http, OPS_HEADERS_MAX_BYTES);
    evhttp_set_max_body_size(server->http, OPS_BODY_MAX_BYTES);
    evhttp_set_timeout(server->http, OPS_TIMEOUT_SECONDS);
    evhttp_set_gencb(server->http, on_request, server);
    errno = ENOMEM;
    bound = evhttp_bind_socket_with_handle(server->http, loopback, port);
    if (bound == NULL)
        goto failed;
    server->port = bound_port(bound);
    log_write(LOG_INFO, "ops-listening", "this process answers its operators on its ops address",
              LOG_TEXT("address", loopback), LOG_U64("port", server->port));
    return server;

failed:
    log_write(LOG_ERROR, "ops-listen-failed",
              "the ops address can't be opened; choose another USHER_OPS_PORT, or 0 for any",
              LOG_U64("port", port), LOG_TEXT("reason", strerror(errno)));
    ops_server_destroy(server);
    return NULL;
}

void ops_server_destroy(struct ops_server *server) {
    if (server == NULL)
        return;
    if (server->http != NULL)
        evhttp_free(server->http);
    free(server);
}

uint16_t ops_server_port(const struct ops_server *server) {
    return server->port;
}
