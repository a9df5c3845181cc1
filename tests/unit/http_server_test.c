/* What a well-behaved client sees: keep-alive, pipelining, bodies, HEAD, answers later and in
 * order. */
#include "tests/unit/http_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* The linker sends the server's allocations through here (tests/unit/CMakeLists.txt). */
static size_t allocations;
static size_t refused_allocation; /* which one gets no memory; 0: none */
void *__real_malloc(size_t size_bytes);
void *__real_calloc(size_t count, size_t size_bytes);
void *__real_realloc(void *memory, size_t size_bytes);
void *__wrap_malloc(size_t size_bytes);
void *__wrap_calloc(size_t count, size_t size_bytes);
void *__wrap_realloc(void *memory, size_t size_bytes);

void *__wrap_malloc(size_t size_bytes) {
    return ++allocations == refused_allocation ? NULL : __real_malloc(size_bytes);
}

void *__wrap_calloc(size_t count, size_t size_bytes) {
    return ++allocations == refused_allocation ? NULL : __real_calloc(count, size_bytes);
}

void *__wrap_realloc(void *memory, size_t size_bytes) {
    return ++allocations == refused_allocation ? NULL : __real_realloc(memory, size_bytes);
}

static int set_up(void **state) {
    *state = fixture_create(NULL);
    return 0;
}

static int tear_down(void **state) {
    fixture_destroy(*state);
    return 0;
}

static void expect_text(struct client *client, const char *body) {
    struct answer answer = client_answer(client, true);
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.body, body);
}

static void answer_later(struct fixture *fixture, const char *body) {
    struct http_request *request = fixture->waiting[0];
    fixture->waiting_count--;
    memmove(fixture->waiting, fixture->waiting + 1,
            fixture->waiting_count * sizeof(struct http_request *));
    http_respond(request, 200, "text/plain", body, strlen(body));
}

static void test_keep_alive(void **state) {
    struct client *client = client_create(*state);
    for (int i = 0; i < 3; i++) {
        client_send_text(client, "GET /text/a%20b HTTP/1.1\r\nHost: x\r\n\r\n");
        expect_text(client, "/text/a b");
    }
    assert_int_equal(http_server_connections(((struct fixture *)*state)->server), 1);
    client_send_text(client, "GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    struct answer answer = client_answer(client, true);
    char value[256];
    assert_string_equal(answer_header(&answer, "Connection", value), "close");
    client_expect_closed(client);
    client_destroy(client);
}

static void test_a_request_costs_no_allocation(void **state) {
    struct fixture *fixture = *state;
    struct client *client = client_create(fixture);
    size_t in_all = 0;
    for (unsigned i = 1; i <= 100; i++) {
        client_send_text(client, "POST /echo?a=b HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer t\r\n"
                                 "Accept: a\r\nAccept: b\r\nContent-Length: 2\r\n\r\nhi");
        size_t start = allocations;
        fixture_wait(fixture, fixture->served == i);
        if (i > 1)
            assert_int_equal(allocations, start);
        in_all += allocations - start;
        expect_text(client, "hi");
    }
    assert_in_range(in_all, 1, 10); /* the first one made what the others used */
    client_destroy(client);
}

/* Whichever allocation fails: at most this connection ends, and the next one is served. */
static void test_without_memory(void **state) {
    (void)state;
    bool was_reached = true;
    for (size_t nth = 1; was_reached; nth++) {
        struct fixture *fixture = fixture_create(NULL);
        struct client *client = client_create(fixture);
        client_send_text(client, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"
                                 "GET /large HTTP/1.1\r\nHost: x\r\n\r\nGET /mo");
        refused_allocation = allocations + nth;
        for (int i = 0; i < 5; i++)
            fixture_turn(fixture, -1);
        was_reached = allocations >= refused_allocation;
        refused_allocation = 0;
        struct client *next = client_create(fixture);
        client_send_text(next, "GET /next HTTP/1.1\r\nHost: x\r\n\r\n");
        expect_text(next, "/next");
        client_destroy(next);
        client_destroy(client);
        fixture_wait(fixture, http_server_connections(fixture->server) == 0);
        assert_int_equal(fixture->released, fixture->shared);
        fixture_destroy(fixture);
    }
}

static void test_http_1_0(void **state) {
    struct client *client = client_create(*state);
    char value[256];
    client_send_text(client, "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    struct answer answer = client_answer(client, true);
    assert_string_equal(answer_header(&answer, "Connection", value), "keep-alive");
    client_send_text(client, "GET /b HTTP/1.0\r\n\r\n");
    answer = client_answer(client, true);
    assert_string_equal(answer_header(&answer, "Connection", value), "close");
    assert_string_equal(answer.body, "/b");
    client_expect_closed(client);
    client_destroy(client);
}

static void test_headers_of_an_answer(void **state) {
    struct client *client = client_create(*state);
    char value[256];
    client_send_text(client, "POST /echo HTTP/1.1\r\nHost: x\r\nX-Request-Id: mine\r\n"
                             "Content-Length: 2\r\n\r\nhi");
    struct answer answer = client_answer(client, true);
    assert_string_equal(answer_header(&answer, "X-Request-Id", value), "mine");
    assert_string_equal(answer_header(&answer, "Content-Type", value), "text/plain");
    assert_string_equal(answer_header(&answer, "Content-Length", value), "2");
    /* RFC 9110, 5.6.7: Sun, 06 Nov 1994 08:49:37 GMT */
    assert_non_null(answer_header(&answer, "Date", value));
    assert_int_equal(strlen(value), 29);
    assert_string_equal(value + 25, " GMT");
    /* A line break in a value makes no header. */
    assert_string_equal(answer_header(&answer, "X-Broken", value), "a  X-Injected: b");
    assert_null(answer_header(&answer, "X-Injected", value));
    assert_null(answer_header(&answer, "Connection", value));
    client_destroy(client);
}

static void test_head_and_answers_without_body(void **state) {
    struct client *client = client_create(*state);
    char value[256];
    client_send_text(client, "HEAD /text/x HTTP/1.1\r\nHost: x\r\n\r\n");
    struct answer answer = client_answer(client, false);
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer_header(&answer, "Content-Length", value), "7");
    client_send_text(client, "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n");
    answer = client_answer(client, false);
    assert_int_equal(answer.status, 204);
    assert_null(answer_header(&answer, "Content-Length", value));
    client_send_text(client, "GET /same HTTP/1.1\r\nHost: x\r\n\r\n");
    answer = client_answer(client, false);
    assert_int_equal(answer.status, 304);
    client_send_text(client, "HEAD /large HTTP/1.1\r\nHost: x\r\n\r\n");
    answer = client_answer(client, false);
    assert_int_equal(answer.status, 200);
    assert_int_equal(((struct fixture *)*state)->released, 1);
    /* Not a byte of a body was sent: the next answer begins where the last head ended. */
    client_send_text(client, "GET /end HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_text(client, "/end");
    client_destroy(client);
}

static void test_bytes_one_by_one(void **state) {
    static const char text[] =
        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        "4\r\nslow\r\n3;a=b\r\nly!\r\n0\r\nTrailer: x\r\n\r\n"
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nmore";
    struct fixture *fixture = *state;
    struct client *client = client_create(fixture);
    for (size_t i = 0; i < sizeof text - 1; i++) {
        client_send(client, text + i, 1);
        fixture_turn(fixture, -1);
    }
    expect_text(client, "slowly!");
    expect_text(client, "more");
    client_destroy(client);
}

static void test_continue(void **state) {
    struct client *client = client_create(*state);
    client_send_text(client, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
                             "Expect: 100-continue\r\n\r\n");
    assert_int_equal(client_answer(client, false).status, 100);
    client_send_text(client, "ok");
    expect_text(client, "ok");
    /* A body that comes along needs no invitation. */
    client_send_text(client, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
                             "Expect: 100-continue\r\n\r\nok");
    expect_text(client, "ok");
    client_destroy(client);
}

static void test_pipelining(void **state) {
    enum { REQUESTS = 200 };
    struct client *client = client_create(*state);
    char text[REQUESTS * 64];
    size_t used = 0;
    for (int i = 0; i < REQUESTS; i++)
        used += (size_t)snprintf(text + used, sizeof text - used,
                                 "GET /text/%d HTTP/1.1\r\nHost: x\r\n\r\n", i);
    client_send_text(client, text);
    for (int i = 0; i < REQUESTS; i++) {
        char expected[32];
        snprintf(expected, sizeof expected, "/text/%d", i);
        expect_text(client, expected);
    }
    client_destroy(client);
}

static void test_pipelined_and_answered_later(void **state) {
    struct fixture *fixture = *state;
    struct client *client = client_create(fixture);
    client_send_text(client, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n"
                             "GET /second HTTP/1.1\r\nHost: x\r\n\r\n"
                             "POST /later HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n3");
    client_send_text(client, "GET /fourth HTTP/1.1\r\nHost: x\r\n\r\nGET /fi");
    fixture_wait(fixture, fixture->waiting_count == 1);
    for (int i = 0; i < 5; i++)
        fixture_turn(fixture, -1);
    assert_int_equal(fixture->served, 1); /* one at a time */
    answer_later(fixture, "first");
    expect_text(client, "first");
    expect_text(client, "/second");
    fixture_wait(fixture, fixture->waiting_count == 1);
    answer_later(fixture, "third");
    expect_text(client, "third");
    expect_text(client, "/fourth");
    client_send_text(client, "fth HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_text(client, "/fifth");
    client_destroy(client);
}

/* The last requests of a client that has already closed its sending side. */
static void test_pipelined_before_the_end(void **state) {
    enum { REQUESTS = 40 };
    struct client *client = client_create(*state);
    for (int i = 0; i < REQUESTS; i++)
        client_send_text(client, "GET /text HTTP/1.1\r\nHost: x\r\n\r\n");
    shutdown(client->fd, SHUT_WR);
    for (int i = 0; i < REQUESTS; i++)
        expect_text(client, "/text");
    client_expect_closed(client);
    client_destroy(client);
}

/* A client may pipeline more than is buffered for it: the rest waits in the socket. */
static void test_more_pipelined_than_buffered(void **state) {
    enum { MORE_BYTES = 300 * 1024 };
    static const char request[] = "GET /text HTTP/1.1\r\nHost: x\r\n\r\n";
    struct fixture *fixture = *state;
    struct client *client = client_create(fixture);
    client_send_text(client, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    size_t requests = 0;
    for (; requests * (sizeof request - 1) < MORE_BYTES; requests++)
        client_send_text(client, request);
    fixture_wait(fixture, fixture->waiting_count == 1);
    for (int i = 0; i < 20; i++)
        fixture_turn(fixture, -1);
    assert_int_equal(fixture->served, 1);
    answer_later(fixture, "late");
    expect_text(client, "late");
    for (size_t i = 0; i < requests; i++)
        expect_text(client, "/text");
    client_destroy(client);
}

static void test_a_client_leaves_while_waiting(void **state) {
    struct fixture *fixture = *state;
    struct client *client = client_create(fixture);
    client_send_text(client,
                     "GET /later HTTP/1.1\r\nHost: x\r\n\r\nGET /x HTTP/1.1\r\nHost: x\r\n\r\n");
    fixture_wait(fixture, fixture->waiting_count == 1);
    client_destroy(client);
    fixture_wait(fixture, fixture->gone == 1);
    assert_int_equal(fixture->waiting_count, 0);
    assert_int_equal(fixture->served, 1);
    assert_int_equal(http_server_connections(fixture->server), 0);
}

/* Also when its input is full, and so is not read. (The rest fits the kernel's buffer, or the
 * client's end could not arrive either.) */
static void test_a_client_leaves_with_its_input_full(void **state) {
    struct fixture *fixture = *state;
    struct client *client = client_create(fixture);
    client_send_text(client, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    enum { MORE_BYTES = 66 * 1024 };
    char *more = calloc(1, MORE_BYTES);
    assert_non_null(more);
    client_send(client, more, MORE_BYTES);
    for (int i = 0; i < 20; i++)
        fixture_turn(fixture, -1);
    assert_int_equal(fixture->gone, 0);
    client_destroy(client);
    fixture_wait(fixture, fixture->gone == 1);
    free(more);
}

static void test_destroying_the_server_tells_waiting_requests(void **state) {
    (void)state;
    struct fixture *fixture = fixture_create(NULL);
    struct client *client = client_create(fixture);
    client_send_text(client, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    fixture_wait(fixture, fixture->waiting_count == 1);
    http_server_destroy(fixture->server);
    fixture->server = NULL;
    assert_int_equal(fixture->gone, 1);
    client_destroy(client);
    fixture_destroy(fixture);
}

static void test_a_large_shared_body(void **state) {
    struct fixture *fixture = *state;
    struct client *client = client_create(fixture);
    for (unsigned i = 1; i <= 2; i++) {
        client_send_text(client, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
        struct answer answer = client_answer(client, true);
        assert_int_equal(answer.body_bytes, LARGE_BYTES);
        assert_memory_equal(answer.body, fixture->large, LARGE_BYTES);
        fixture_wait(fixture, fixture->released == i);
    }
    client_destroy(client);
}

static void test_a_shared_body_is_released_when_the_client_leaves(void **state) {
    struct fixture *fixture = *state;
    unsigned released = fixture->released;
    struct client *client = client_create(fixture);
    client_send_text(client, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    fixture_wait(fixture, fixture->served > 0);
    client_destroy(client);
    fixture_wait(fixture, fixture->released == released + 1);
}

static bool has_ipv6(void) {
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static void test_ipv6_and_peers(void **state) {
    (void)state;
    struct http_server_config config = fixture_config();
    config.address = has_ipv6() ? "::" : "0.0.0.0";
    struct fixture *fixture = fixture_create(&config);
    struct client *client = client_create(fixture);
    client_send_text(client, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    fixture_wait(fixture, fixture->waiting_count == 1);
    assert_string_equal(http_request_peer(fixture->waiting[0]), "127.0.0.1");
    assert_true(http_request_started_us(fixture->waiting[0]) > 0);
    answer_later(fixture, "v4 over v6");
    expect_text(client, "v4 over v6");
    client_destroy(client);
    fixture_destroy(fixture);
}

static void test_a_port_in_use(void **state) {
    struct fixture *fixture = *state;
    struct http_server_config config = fixture->config;
    config.port = http_server_port(fixture->server);
    assert_null(http_server_create(fixture->base, &config));
    config.port = 0;
    config.address = "not an address";
    assert_null(http_server_create(fixture->base, &config));
}

static void test_processes_share_a_port(void **state) {
    struct fixture *fixture = *state;
    struct http_server_config config = fixture->config;
    config.reuse_port = true;
    struct http_server *first = http_server_create(fixture->base, &config);
    assert_non_null(first);
    config.port = http_server_port(first);
    struct http_server *second = http_server_create(fixture->base, &config);
    assert_non_null(second);
    http_server_destroy(second);
    http_server_destroy(first);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_keep_alive),
        TEST(test_a_request_costs_no_allocation),
        cmocka_unit_test(test_without_memory),
        TEST(test_http_1_0),
        TEST(test_headers_of_an_answer),
        TEST(test_head_and_answers_without_body),
        TEST(test_bytes_one_by_one),
        TEST(test_continue),
        TEST(test_pipelining),
        TEST(test_pipelined_and_answered_later),
        TEST(test_pipelined_before_the_end),
        TEST(test_more_pipelined_than_buffered),
        TEST(test_a_client_leaves_while_waiting),
        TEST(test_a_client_leaves_with_its_input_full),
        TEST(test_destroying_the_server_tells_waiting_requests),
        TEST(test_a_large_shared_body),
        TEST(test_a_shared_body_is_released_when_the_client_leaves),
        TEST(test_ipv6_and_peers),
        TEST(test_a_port_in_use),
        TEST(test_processes_share_a_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
