/* What a bad client sees, and what it can't do to others: refusals, time limits, limits of number,
 * draining. */
#include "tests/unit/http_fixture.h"

#include "shared/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>

enum { SHORT_MS = 300 };

static int set_up(void **state) {
    *state = fixture_create(NULL);
    return 0;
}

static int tear_down(void **state) {
    fixture_destroy(*state);
    return 0;
}

static void expect_problem(struct client *client, int status, const char *code) {
    char expected[64], value[256];
    struct answer answer = client_answer(client, true);
    snprintf(expected, sizeof expected, "\"code\":\"%s\"", code);
    if (answer.status != status || !strstr(answer.body, expected))
        fail_msg("%d %s instead of %d %s", answer.status, answer.body, status, code);
    assert_string_equal(answer_header(&answer, "Content-Type", value), "application/problem+json");
    assert_string_equal(answer_header(&answer, "Connection", value), "close");
    assert_non_null(answer_header(&answer, "X-Request-Id", value));
    client_expect_closed(client);
}

static void expect_served(struct fixture *fixture) {
    struct client *client = client_create(fixture);
    client_send_text(client, "GET /fine HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(client_answer(client, true).status, 200);
    client_destroy(client);
}

/* --- refusals -------------------------------------------------------------------------------- */

#define HEAD "POST /echo HTTP/1.1\r\nHost: x\r\n"
#define CHUNKED HEAD "Transfer-Encoding: chunked\r\n\r\n"
#define BYTES(literal) literal, sizeof(literal) - 1

static const struct {
    const char *name;
    const char *bytes;
    size_t size;
    int status;
    const char *code;
} refusals[] = {
    {"not HTTP", BYTES("hello\r\n"), 400, "bad-request"},
    {"a TLS hello", BYTES("\x16\x03\x01\x02"), 400, "bad-request"},
    {"two equal lengths", BYTES(HEAD "Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi"), 400,
     "bad-request"},
    {"two lengths", BYTES(HEAD "Content-Length: 2\r\nContent-Length: 3\r\n\r\nhi"), 400,
     "bad-request"},
    {"a signed length", BYTES(HEAD "Content-Length: +2\r\n\r\nhi"), 400, "bad-request"},
    {"a negative length", BYTES(HEAD "Content-Length: -1\r\n\r\n"), 400, "bad-request"},
    {"a list of lengths", BYTES(HEAD "Content-Length: 2, 2\r\n\r\nhi"), 400, "bad-request"},
    {"length with chunked",
     BYTES(HEAD "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400,
     "bad-request"},
    {"another coding", BYTES(HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n"), 501, "not-built"},
    {"a signed chunk", BYTES(CHUNKED "+2\r\nhi\r\n0\r\n\r\n"), 400, "bad-request"},
    {"a negative chunk", BYTES(CHUNKED "-2\r\nhi\r\n0\r\n\r\n"), 400, "bad-request"},
    {"a bare LF after a chunk's size", BYTES(CHUNKED "2\nhi\r\n0\r\n\r\n"), 400, "bad-request"},
    {"a bare LF after a chunk", BYTES(CHUNKED "2\r\nhi\n0\r\n\r\n"), 400, "bad-request"},
    {"a chunk longer than said", BYTES(CHUNKED "2\r\nhiho\r\n0\r\n\r\n"), 400, "bad-request"},
    {"NUL in an extension", BYTES(CHUNKED "2;\0\r\nhi\r\n0\r\n\r\n"), 400, "bad-request"},
    {"a space before the colon", BYTES("GET / HTTP/1.1\r\nHost : x\r\n\r\n"), 400, "bad-request"},
    {"a bare LF in the head", BYTES("GET / HTTP/1.1\nHost: x\n\n"), 400, "bad-request"},
    {"a bare LF between fields", BYTES("GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n"), 400,
     "bad-request"},
    {"NUL in a value", BYTES("GET / HTTP/1.1\r\nHost: x\r\nA: \0\r\n\r\n"), 400, "bad-request"},
    {"a folded field", BYTES("GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n"), 400,
     "bad-request"},
    {"a control character", BYTES("GET / HTTP/1.1\r\nHost: x\r\nA: \x08\r\n\r\n"), 400,
     "bad-request"},
    {"no Host", BYTES("GET / HTTP/1.1\r\n\r\n"), 400, "bad-request"},
    {"two Hosts", BYTES("GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n"), 400, "bad-request"},
    {"an encoded NUL", BYTES("GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n"), 400, "bad-request"},
    {"an encoded slash", BYTES("GET /a%2fb HTTP/1.1\r\nHost: x\r\n\r\n"), 400, "bad-request"},
    {"another version", BYTES("GET / HTTP/2.0\r\nHost: x\r\n\r\n"), 505, "version-not-supported"},
    {"another expectation", BYTES(HEAD "Expect: x\r\nContent-Length: 1\r\n\r\n"), 417,
     "expectation-failed"},
    {"CONNECT", BYTES("CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n"), 501, "not-built"},
    {"an unknown method", BYTES("BREW / HTTP/1.1\r\nHost: x\r\n\r\n"), 501, "not-built"},
    {"a body announced too large", BYTES(HEAD "Content-Length: 65537\r\n\r\n"), 413, "too-large"},
};

static void test_refusals(void **state) {
    struct fixture *fixture = *state;
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        for (int follows = 0; follows < 2; follows++) {
            print_message("%s\n", refusals[i].name);
            struct client *client = client_create(fixture);
            unsigned served = fixture->served;
            client_send(client, refusals[i].bytes, refusals[i].size);
            if (follows) /* what comes behind is never taken for a request */
                client_send_text(client, "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n");
            expect_problem(client, refusals[i].status, refusals[i].code);
            assert_int_equal(fixture->served, served);
            client_destroy(client);
        }
    }
    fixture_wait(fixture, http_server_connections(fixture->server) == 0);
}

static void test_a_head_too_large(void **state) {
    struct client *client = client_create(*state);
    char *head = malloc(HTTP_HEAD_MAX_BYTES * 2);
    assert_non_null(head);
    int start = snprintf(head, HTTP_HEAD_MAX_BYTES, "GET /");
    memset(head + start, 'x', HTTP_HEAD_MAX_BYTES * 2 - (size_t)start);
    client_send(client, head, HTTP_HEAD_MAX_BYTES * 2);
    expect_problem(client, 431, "headers-too-large");
    client_destroy(client);
    free(head);
}

static void test_bodies_too_large(void **state) {
    struct fixture *fixture = *state;
    size_t size = HTTP_ADMIN_BODY_MAX_BYTES;
    char *body = calloc(1, size + 1);
    assert_non_null(body);
    char text[256];

    struct client *client = client_create(fixture);
    client_send_text(client, HEAD "Content-Length: 65536\r\n\r\n");
    client_send(client, body, HTTP_BODY_MAX_BYTES);
    assert_int_equal(client_answer(client, true).body_bytes, HTTP_BODY_MAX_BYTES);
    client_send_text(client, CHUNKED "10000\r\n");
    client_send(client, body, HTTP_BODY_MAX_BYTES);
    client_send_text(client, "\r\n1\r\nx\r\n0\r\n\r\n");
    expect_problem(client, 413, "too-large");
    client_destroy(client);

    client = client_create(fixture);
    snprintf(text, sizeof text,
             "POST /admin/venues HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n", size);
    client_send_text(client, text);
    client_send(client, body, size);
    assert_string_equal(client_answer(client, true).body, "16777216");
    /* The whole of it is sent before the answer is read: the refusal must survive. */
    snprintf(text, sizeof text,
             "POST /admin/venues HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n", size + 1);
    client_send_text(client, text);
    client_send(client, body, size + 1);
    expect_problem(client, 413, "too-large");
    client_destroy(client);
    free(body);
}

static void test_refused_without_a_writer(void **state) {
    (void)state;
    struct http_server_config config = fixture_config();
    config.on_problem = NULL;
    config.body_limit = NULL;
    struct fixture *fixture = fixture_create(&config);
    struct client *client = client_create(fixture);
    client_send_text(client, HEAD "Content-Length: 65537\r\n\r\n");
    struct answer answer = client_answer(client, true);
    assert_int_equal(answer.status, 413);
    assert_int_equal(answer.body_bytes, 0);
    client_expect_closed(client);
    client_destroy(client);
    fixture_destroy(fixture);
}

/* --- time limits ----------------------------------------------------------------------------- */

static void test_half_a_request_then_silence(void **state) {
    (void)state;
    static const char *const halves[] = {"G", "GET / HTTP/1.1\r\nHost: x\r\n",
                                         HEAD "Content-Length: 5\r\n\r\nabc", CHUNKED "5\r\nab"};
    struct http_server_config config = fixture_config();
    config.request_ms = SHORT_MS;
    struct fixture *fixture = fixture_create(&config);
    for (size_t i = 0; i < ARRAY_LEN(halves); i++) {
        struct client *client = client_create(fixture);
        int64_t start_us = clock_monotonic_us();
        client_send_text(client, halves[i]);
        expect_problem(client, 408, "request-timeout");
        assert_in_range((clock_monotonic_us() - start_us) / 1000, SHORT_MS - 1, 5000);
        client_destroy(client);
    }
    fixture_destroy(fixture);
}

/* The limit counts from the first byte: a trickle does not move it. */
static void test_a_trickle_is_cut(void **state) {
    (void)state;
    struct http_server_config config = fixture_config();
    config.request_ms = SHORT_MS;
    struct fixture *fixture = fixture_create(&config);
    struct client *client = client_create(fixture);
    client_send_text(client, "GET / HTTP/1.1\r\nHost: x\r\nA: ");
    while (fixture->problems == 0) {
        client_send_text(client, "x");
        fixture_turn(fixture, -1);
    }
    expect_problem(client, 408, "request-timeout");
    client_destroy(client);
    fixture_destroy(fixture);
}

static void test_idle_connections_end(void **state) {
    (void)state;
    struct http_server_config config = fixture_config();
    config.idle_ms = SHORT_MS;
    struct fixture *fixture = fixture_create(&config);
    struct client *silent = client_create(fixture);
    struct client *served = client_create(fixture);
    client_send_text(served, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(client_answer(served, true).status, 200);
    client_expect_closed(served);
    client_expect_closed(silent);
    client_destroy(served);
    client_destroy(silent);
    fixture_destroy(fixture);
}

static void test_a_waiting_request_has_no_time_limit_here(void **state) {
    (void)state;
    struct http_server_config config = fixture_config();
    config.request_ms = config.idle_ms = config.send_ms = SHORT_MS;
    struct fixture *fixture = fixture_create(&config);
    struct client *waiting = client_create(fixture);
    struct client *idle = client_create(fixture);
    client_send_text(waiting, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    fixture_wait(fixture, fixture->waiting_count == 1);
    client_expect_closed(idle);
    assert_int_equal(fixture->gone, 0);
    http_respond(fixture->waiting[0], 200, NULL, "", 0);
    assert_int_equal(client_answer(waiting, true).status, 200);
    client_destroy(waiting);
    client_destroy(idle);
    fixture_destroy(fixture);
}

static void test_a_client_that_does_not_read(void **state) {
    (void)state;
    struct http_server_config config = fixture_config();
    config.send_ms = SHORT_MS;
    struct fixture *fixture = fixture_create(&config);
    struct client *client = client_create(fixture);
    client_send_text(client, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    fixture_wait(fixture, fixture->released == 1);
    assert_int_equal(http_server_connections(fixture->server), 0);
    client_destroy(client);
    fixture_destroy(fixture);
}

/* --- limits of number ------------------------------------------------------------------------ */

static void test_too_many_connections(void **state) {
    (void)state;
    struct http_server_config config = fixture_config();
    config.connections_max = 2;
    struct fixture *fixture = fixture_create(&config);
    struct client *busy[2], *oldest, *idle;
    busy[0] = client_create(fixture);
    client_send_text(busy[0], "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    fixture_wait(fixture, fixture->waiting_count == 1);
    /* One more idle one than there is room for: the oldest goes. */
    oldest = client_create(fixture);
    fixture_wait(fixture, http_server_connections(fixture->server) == 2);
    idle = client_create(fixture);
    client_expect_closed(oldest);
    assert_int_equal(http_server_connections(fixture->server), 2);
    /* None idle: the new one is told so. */
    busy[1] = idle;
    client_send_text(busy[1], "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    fixture_wait(fixture, fixture->waiting_count == 2);
    struct client *refused = client_create(fixture);
    client_send_text(refused, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    struct answer answer = client_answer(refused, true);
    char value[256];
    assert_int_equal(answer.status, 503);
    assert_non_null(strstr(answer.body, "\"code\":\"overloaded\""));
    assert_non_null(answer_header(&answer, "Retry-After", value));
    client_expect_closed(refused);
    client_destroy(refused);
    for (int i = 0; i < 2; i++) {
        http_respond(fixture->waiting[i], 200, NULL, "", 0);
        assert_int_equal(client_answer(busy[i], true).status, 200);
        client_destroy(busy[i]);
    }
    client_destroy(oldest);
    fixture_destroy(fixture);
}

/* As many file descriptors as the system lets a process have, at most `wanted`. */
static size_t raise_descriptors(size_t wanted) {
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_cur < wanted) {
        struct rlimit raised = {.rlim_cur = wanted,
                                .rlim_max = limit.rlim_max < wanted ? wanted : limit.rlim_max};
        if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
            return wanted;
        limit.rlim_cur = limit.rlim_max;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    }
    return limit.rlim_cur < wanted ? limit.rlim_cur : wanted;
}

static void test_thousands_of_trickling_connections(void **state) {
    enum { TRICKLING = 5000, OTHER_DESCRIPTORS = 100, ROUNDS = 5 };
    struct fixture *fixture = *state;
    size_t count = (raise_descriptors(2 * TRICKLING + OTHER_DESCRIPTORS) - OTHER_DESCRIPTORS) / 2;
    struct client **clients = calloc(count, sizeof *clients);
    assert_non_null(clients);
    static const char head[] = "GET /slow HTTP/1.1\r\nHost: x\r\n";
    for (size_t i = 0; i < count; i++) {
        clients[i] = client_create(fixture);
        client_send(clients[i], head, 1);
        if (i % 64 == 0)
            fixture_turn(fixture, -1);
    }
    fixture_wait(fixture, http_server_connections(fixture->server) == count);
    for (size_t round = 1; round <= ROUNDS; round++) {
        for (size_t i = 0; i < count; i++)
            client_send(clients[i], head + round, 1);
        int64_t start_us = clock_monotonic_us();
        expect_served(fixture);
        assert_in_range(clock_monotonic_us() - start_us, 0, 2000000);
    }
    /* Each of them would still be served. */
    client_send_text(clients[count / 2], head + ROUNDS + 1);
    client_send_text(clients[count / 2], "\r\n");
    assert_string_equal(client_answer(clients[count / 2], true).body, "/slow");
    print_message("%zu connections\n", count);
    for (size_t i = 0; i < count; i++)
        client_destroy(clients[i]);
    free(clients);
    fixture_wait(fixture, http_server_connections(fixture->server) == 0);
}

/* With no descriptor left new clients wait, and are served once there is one. */
static void test_no_descriptor_left(void **state) {
    struct fixture *fixture = *state;
    struct client *client = client_create(fixture);
    struct rlimit before, none;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    client_send_text(client, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    for (int i = 0; i < 5; i++)
        fixture_turn(fixture, -1);
    assert_int_equal(http_server_connections(fixture->server), 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(client_answer(client, true).status, 200);
    client_destroy(client);
}

/* --- draining -------------------------------------------------------------------------------- */

static void on_drained(void *context) {
    ((struct fixture *)context)->drained++;
}

static void test_draining(void **state) {
    struct fixture *fixture = *state;
    struct client *idle = client_create(fixture);
    struct client *receiving = client_create(fixture);
    struct client *waiting = client_create(fixture);
    client_send_text(receiving, "GET /rest HTTP/1.1\r\n");
    client_send_text(waiting, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    fixture_wait(fixture,
                 fixture->waiting_count == 1 && http_server_connections(fixture->server) == 3);
    http_server_drain(fixture->server, 60000, on_drained, fixture);
    client_expect_closed(idle);
    assert_int_equal(fixture->drained, 0);

    char value[256];
    client_send_text(receiving, "Host: x\r\n\r\n");
    struct answer answer = client_answer(receiving, true);
    assert_string_equal(answer.body, "/rest");
    assert_string_equal(answer_header(&answer, "Connection", value), "close");
    client_expect_closed(receiving);
    http_respond(fixture->waiting[0], 200, "text/plain", "done", 4);
    assert_string_equal(client_answer(waiting, true).body, "done");
    client_expect_closed(waiting);
    client_destroy(idle);
    client_destroy(receiving);
    client_destroy(waiting);
    fixture_wait(fixture, fixture->drained > 0);
    for (int i = 0; i < 5; i++)
        fixture_turn(fixture, -1);
    assert_int_equal(fixture->drained, 1);
    assert_int_equal(http_server_connections(fixture->server), 0);
}

static void destroy_server(void *context) {
    struct fixture *fixture = context;
    fixture->drained++;
    http_server_destroy(fixture->server);
    fixture->server = NULL;
}

static void test_draining_ends_at_its_limit(void **state) {
    struct fixture *fixture = *state;
    struct client *client = client_create(fixture);
    client_send_text(client, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    fixture_wait(fixture, fixture->waiting_count == 1);
    http_server_drain(fixture->server, SHORT_MS, destroy_server, fixture);
    fixture_wait(fixture, fixture->drained == 1);
    assert_int_equal(fixture->gone, 1);
    client_destroy(client);
}

static void test_draining_with_nobody_there(void **state) {
    struct fixture *fixture = *state;
    http_server_drain(fixture->server, 60000, destroy_server, fixture);
    assert_int_equal(fixture->drained, 0); /* never within the call */
    fixture_wait(fixture, fixture->drained == 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_refusals),
        TEST(test_a_head_too_large),
        TEST(test_bodies_too_large),
        cmocka_unit_test(test_refused_without_a_writer),
        cmocka_unit_test(test_half_a_request_then_silence),
        cmocka_unit_test(test_a_trickle_is_cut),
        cmocka_unit_test(test_idle_connections_end),
        cmocka_unit_test(test_a_waiting_request_has_no_time_limit_here),
        cmocka_unit_test(test_a_client_that_does_not_read),
        cmocka_unit_test(test_too_many_connections),
        TEST(test_thousands_of_trickling_connections),
        TEST(test_no_descriptor_left),
        TEST(test_draining),
        TEST(test_draining_ends_at_its_limit),
        TEST(test_draining_with_nobody_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
