/* The ops address: health, readiness and metrics of a process. */
#include "shared/log.h"
#include "shared/ops_server.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { TIMEOUT_SECONDS = 20 };

/* What the process behind the address says. */
struct process {
    int ready_status;
    size_t metrics_bytes;
};

static int write_ready(void *context, char *text, size_t size_bytes) {
    const struct process *process = context;
    snprintf(text, size_bytes, "{\"booking\":\"%s\"}",
             process->ready_status == 200 ? "up" : "down");
    return process->ready_status;
}

static int write_metrics(void *context, char *text, size_t size_bytes) {
    const struct process *process = context;
    assert_true(process->metrics_bytes < size_bytes);
    memset(text, '#', process->metrics_bytes);
    text[process->metrics_bytes] = '\0';
    return 200;
}

struct answer {
    struct event_base *base;
    int status;
    size_t body_bytes;
    char body[64];
    char type[64];
};

static void on_answer(struct evhttp_request *request, void *context) {
    struct answer *answer = context;
    if (request != NULL) {
        answer->status = evhttp_request_get_response_code(request);
        struct evbuffer *body = evhttp_request_get_input_buffer(request);
        answer->body_bytes = evbuffer_get_length(body);
        evbuffer_copyout(body, answer->body, sizeof answer->body - 1);
        const char *type =
            evhttp_find_header(evhttp_request_get_input_headers(request), "Content-Type");
        snprintf(answer->type, sizeof answer->type, "%s", type == NULL ? "" : type);
    }
    event_base_loopbreak(answer->base);
}

static struct answer ask(struct event_base *base, const struct ops_server *server,
                         enum evhttp_cmd_type method, const char *path) {
    struct answer answer = {.base = base};
    struct evhttp_connection *connection =
        evhttp_connection_base_new(base, NULL, "127.0.0.1", ops_server_port(server));
    assert_non_null(connection);
    evhttp_connection_set_timeout(connection, TIMEOUT_SECONDS);
    struct evhttp_request *request = evhttp_request_new(on_answer, &answer);
    assert_non_null(request);
    assert_int_equal(evhttp_make_request(connection, request, method, path), 0);
    assert_int_equal(event_base_dispatch(base), 0);
    evhttp_connection_free(connection);
    return answer;
}

static void answers_operators(void **state) {
    (void)state;
    struct process process = {.ready_status = 200, .metrics_bytes = 5};
    struct event_base *base = event_base_new();
    struct ops_server *server = ops_server_create(base, 0, write_ready, write_metrics, &process);
    assert_non_null(server);
    assert_int_not_equal(ops_server_port(server), 0);

    struct answer answer = ask(base, server, EVHTTP_REQ_GET, "/healthz");
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.body, "{\"status\":\"up\"}");
    assert_string_equal(answer.type, "application/json");

    answer = ask(base, server, EVHTTP_REQ_GET, "/readyz?verbose=1");
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.body, "{\"booking\":\"up\"}");
    process.ready_status = 503;
    answer = ask(base, server, EVHTTP_REQ_GET, "/readyz");
    assert_int_equal(answer.status, 503);
    assert_string_equal(answer.body, "{\"booking\":\"down\"}");

    answer = ask(base, server, EVHTTP_REQ_GET, "/metrics");
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.body, "#####");
    assert_string_equal(answer.type, "text/plain; version=0.0.4; charset=utf-8");
    process.metrics_bytes = OPS_TEXT_MAX_BYTES - 1;
    answer = ask(base, server, EVHTTP_REQ_GET, "/metrics");
    assert_int_equal(answer.body_bytes, OPS_TEXT_MAX_BYTES - 1);

    ops_server_destroy(server);
    event_base_free(base);
}

static void knows_nothing_else(void **state) {
    (void)state;
    struct process process = {.ready_status = 200};
    struct event_base *base = event_base_new();
    struct ops_server *server = ops_server_create(base, 0, write_ready, NULL, &process);
    assert_non_null(server);
    assert_int_equal(ask(base, server, EVHTTP_REQ_GET, "/metrics").status, 404);
    assert_int_equal(ask(base, server, EVHTTP_REQ_GET, "/").status, 404);
    assert_int_equal(ask(base, server, EVHTTP_REQ_GET, "/healthz/x").status, 404);
    assert_int_equal(ask(base, server, EVHTTP_REQ_HEAD, "/healthz").status, 200);
    assert_true(ask(base, server, EVHTTP_REQ_POST, "/healthz").status >= 400);
    ops_server_destroy(server);
    event_base_free(base);
}

static void a_taken_port_is_refused(void **state) {
    (void)state;
    struct process process = {.ready_status = 200};
    struct event_base *base = event_base_new();
    struct ops_server *first = ops_server_create(base, 0, write_ready, NULL, &process);
    assert_non_null(first);
    assert_null(ops_server_create(base, ops_server_port(first), write_ready, NULL, &process));
    assert_int_equal(ask(base, first, EVHTTP_REQ_GET, "/healthz").status, 200);
    ops_server_destroy(first);
    ops_server_destroy(NULL);
    event_base_free(base);
}

int main(void) {
    log_init("ops_server_test", LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_operators),
        cmocka_unit_test(knows_nothing_else),
        cmocka_unit_test(a_taken_port_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
