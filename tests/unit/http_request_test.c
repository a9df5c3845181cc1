/* One request without a socket: what a head means, targets, queries, joined fields, bodies. */
#include "gateway/http/request.h"

#include "shared/ids.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static int set_up(void **state) {
    *state = http_request_create();
    return *state ? 0 : -1;
}

static int tear_down(void **state) {
    http_request_destroy(*state);
    return 0;
}

/* 0, or the status of the refusal. */
static int take(struct http_request *request, const char *head) {
    http_request_reset(request);
    struct http_head_guard guard = {0};
    enum http_guard_result result = http_head_guard_scan(&guard, head, strlen(head));
    assert_int_equal(result, HTTP_GUARD_END);
    return http_request_take_head(request, head, guard.size_bytes);
}

static void test_a_head_is_read(void **state) {
    struct http_request *request = *state;
    assert_int_equal(take(request, "GET /a%20b/c?q=x+y%21&q=2&empty&&=v HTTP/1.1\r\n"
                                   "HOST: example.org:8080\r\n"
                                   "Accept:  text/html \t\r\n"
                                   "X-Empty:\r\n"
                                   "\r\n"),
                     0);
    assert_int_equal(http_request_method(request), HTTP_METHOD_GET);
    assert_string_equal(http_request_path(request), "/a b/c");
    assert_string_equal(http_request_query_string(request), "q=x+y%21&q=2&empty&&=v");
    assert_string_equal(http_request_query(request, "q"), "x y!");
    assert_string_equal(http_request_query(request, "empty"), "");
    assert_string_equal(http_request_query(request, ""), "v");
    assert_null(http_request_query(request, "nothing"));
    assert_string_equal(http_request_header(request, "host"), "example.org:8080");
    assert_string_equal(http_request_header(request, "ACCEPT"), "text/html");
    assert_string_equal(http_request_header(request, "x-empty"), "");
    assert_null(http_request_header(request, "x-nothing"));
    assert_true(request->keep_alive);
}

static void test_fields_of_one_name_are_joined(void **state) {
    struct http_request *request = *state;
    assert_int_equal(take(request, "GET / HTTP/1.1\r\nA: 1\r\nHost: x\r\na: 2\r\nB: 9\r\nA:\r\n"
                                   "A: 3 \r\nb: 8\r\n\r\n"),
                     0);
    assert_string_equal(http_request_header(request, "a"), "1, 2, , 3");
    assert_string_equal(http_request_header(request, "B"), "9, 8");
}

static void test_many_long_fields_of_one_name(void **state) {
    struct http_request *request = *state;
    char head[HTTP_HEAD_MAX_BYTES];
    size_t used = (size_t)snprintf(head, sizeof head, "GET / HTTP/1.1\r\nHost: x\r\n");
    for (unsigned i = 1; i < HTTP_HEADERS_MAX; i++)
        used += (size_t)snprintf(head + used, sizeof head - used, "n:%0155u\r\n", i);
    snprintf(head + used, sizeof head - used, "\r\n");
    assert_int_equal(take(request, head), 0);
    assert_int_equal(strlen(http_request_header(request, "n")), 99 * 155 + 98 * 2);
}

static void test_methods(void **state) {
    static const struct {
        const char *head;
        enum http_method method;
        int refusal;
    } cases[] = {
        {"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", HTTP_METHOD_HEAD, 0},
        {"POST / HTTP/1.1\r\nHost: x\r\n\r\n", HTTP_METHOD_POST, 0},
        {"PATCH / HTTP/1.1\r\nHost: x\r\n\r\n", HTTP_METHOD_PATCH, 0},
        {"DELETE / HTTP/1.1\r\nHost: x\r\n\r\n", HTTP_METHOD_DELETE, 0},
        {"OPTIONS / HTTP/1.1\r\nHost: x\r\n\r\n", HTTP_METHOD_OPTIONS, 0},
        {"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", HTTP_METHOD_OPTIONS, 0},
        {"PUT / HTTP/1.1\r\nHost: x\r\n\r\n", HTTP_METHOD_OTHER, 0},
        {"TRACE / HTTP/1.1\r\nHost: x\r\n\r\n", HTTP_METHOD_OTHER, 0},
        {"GET * HTTP/1.1\r\nHost: x\r\n\r\n", HTTP_METHOD_GET, 400},
        {"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n", HTTP_METHOD_OTHER, 501},
        {"get / HTTP/1.1\r\nHost: x\r\n\r\n", HTTP_METHOD_OTHER, 501},
        {"BREW / HTTP/1.1\r\nHost: x\r\n\r\n", HTTP_METHOD_OTHER, 501},
        {"GETX / HTTP/1.1\r\nHost: x\r\n\r\n", HTTP_METHOD_OTHER, 501},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int refusal = take(*state, cases[i].head);
        if (refusal != cases[i].refusal || http_request_method(*state) != cases[i].method)
            fail_msg("%s: %d", cases[i].head, refusal);
    }
}

static void test_refused_heads(void **state) {
    static const struct {
        const char *head;
        int refusal;
    } cases[] = {
        {"GET / HTTP/1.1\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: user@a\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost:\r\n\r\n", 0},
        {"GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 0},
        {"GET / HTTP/1.0\r\n\r\n", 0},
        {"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3, 3\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +3\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0x3\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3 3\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3 \r\n\r\n", 0},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
         400},
        {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
         400},
        {"POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n", 0},
        {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
        {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501},
        {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n", 501},
        {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: "
         "chunked\r\n\r\n",
         501},
        {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\r\n\r\n", 501},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nExpect: 100-Continue\r\n\r\n", 0},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nExpect: 200-ok\r\n\r\n", 417},
        {"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", 0},
        {"GET /%2f HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"GET /a%2Fb HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"GET /%4 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"GET /%c3 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"GET /?a=%00 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"GET /?a=% HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"GET /?%e0%80%80 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"GET /?a=%2F%2f HTTP/1.1\r\nHost: x\r\n\r\n", 0},
        {"GET a HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"GET ftp://x/ HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"GET http://u@x/ HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"GET http:///x HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int refusal = take(*state, cases[i].head);
        if (refusal != cases[i].refusal)
            fail_msg("%d instead of %d: %s", refusal, cases[i].refusal, cases[i].head);
    }
}

/* The libraries refuse some of these themselves, with 400. */
static void test_other_transfer_codings(void **state) {
    static const char *const codings[] = {"gzip",        "chunked, identity", "chunked,",
                                          "chunked;q=1", "identity",          "chunked gzip"};
    for (size_t i = 0; i < ARRAY_LEN(codings); i++) {
        char head[128];
        snprintf(head, sizeof head, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: %s\r\n\r\n",
                 codings[i]);
        int refusal = take(*state, head);
        if (refusal != 501 && refusal != 400)
            fail_msg("%s: %d", codings[i], refusal);
    }
}

static void test_absolute_targets(void **state) {
    static const struct {
        const char *head, *path, *query;
    } cases[] = {
        {"GET http://x/a?b HTTP/1.1\r\nHost: x\r\n\r\n", "/a", "b"},
        {"GET HTTPS://x:1?b=/ HTTP/1.1\r\nHost: x\r\n\r\n", "/", "b=/"},
        {"GET http://x HTTP/1.1\r\nHost: x\r\n\r\n", "/", ""},
        {"GET //x/a HTTP/1.1\r\nHost: x\r\n\r\n", "//x/a", ""},
        {"GET /%C3%BC/%E2%82%ac HTTP/1.1\r\nHost: x\r\n\r\n", "/ü/€", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(take(*state, cases[i].head), 0);
        assert_string_equal(http_request_path(*state), cases[i].path);
        assert_string_equal(http_request_query_string(*state), cases[i].query);
    }
}

static void test_utf8(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool valid;
    } cases[] = {
        {"/%7f", true},           {"/%c2%80", true},        {"/%c1%bf", false},
        {"/%df%bf", true},        {"/%e0%a0%80", true},     {"/%e0%9f%bf", false},
        {"/%ed%9f%bf", true},     {"/%ed%a0%80", false},    {"/%ef%bf%bf", true},
        {"/%f0%90%80%80", true},  {"/%f0%8f%bf%bf", false}, {"/%f4%8f%bf%bf", true},
        {"/%f4%90%80%80", false}, {"/%f5%80%80%80", false}, {"/%e2%82", false},
        {"/%80", false},          {"/%c3%28", false},       {"/%f0%90%80", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char target[32];
        const char *path, *query;
        snprintf(target, sizeof target, "%s", cases[i].text);
        if (http_target_read(target, &path, &query) != cases[i].valid)
            fail_msg("%s", cases[i].text);
    }
}

static void test_the_most_query_parameters(void **state) {
    char head[512];
    size_t used = (size_t)snprintf(head, sizeof head, "GET /?");
    for (unsigned i = 0; i < HTTP_QUERY_MAX; i++)
        used += (size_t)snprintf(head + used, sizeof head - used, "a&");
    snprintf(head + used, sizeof head - used, " HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(take(*state, head), 0);
    snprintf(head + used, sizeof head - used, "a HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(take(*state, head), 400);
}

static void test_request_ids(void **state) {
    struct http_request *request = *state;
    assert_int_equal(take(request, "GET / HTTP/1.1\r\nHost: x\r\nX-Request-Id: a-B_1.2\r\n\r\n"),
                     0);
    assert_string_equal(http_request_id(request), "a-B_1.2");
    assert_null(http_request_own_id(request));
    static const char *const own[] = {
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nX-Request-Id: a b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nX-Request-Id:\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nX-Request-Id: "
        "01234567890123456789012345678901234567890123456789012345678901234\r\n\r\n",
    };
    char last[HTTP_REQUEST_ID_SIZE] = "";
    for (size_t i = 0; i < ARRAY_LEN(own); i++) {
        assert_int_equal(take(request, own[i]), 0);
        assert_int_equal(strspn(http_request_id(request), "0123456789abcdef"), 32);
        assert_int_equal(strlen(http_request_id(request)), 32);
        assert_string_not_equal(http_request_id(request), last);
        char text[ID128_TEXT_SIZE];
        assert_string_equal(id128_to_text(http_request_own_id(request), text),
                            http_request_id(request));
        snprintf(last, sizeof last, "%s", http_request_id(request));
    }
}

static void test_keep_alive(void **state) {
    static const struct {
        const char *head;
        bool keep_alive;
    } cases[] = {
        {"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", false},
        {"GET / HTTP/1.1\r\nHost: x\r\nConnection: te , CLOSE\r\n\r\n", false},
        {"GET / HTTP/1.1\r\nHost: x\r\nConnection: closed\r\n\r\n", true},
        {"GET / HTTP/1.0\r\n\r\n", false},
        {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
    };
    struct http_request *request = *state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(take(request, cases[i].head), 0);
        assert_int_equal(request->keep_alive, cases[i].keep_alive);
    }
}

static void test_bodies_in_every_split(void **state) {
    static const struct {
        const char *head, *bytes, *body;
    } cases[] = {
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n", "hello worldNEXT",
         "hello world"},
        {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
         "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nHost: other\r\nA:\r\n\r\nNEXT", "hello world"},
        {"POST / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: h2c\r\nContent-Length: "
         "2\r\n\r\n",
         "abNEXT", "ab"},
        {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "NEXT", ""},
        {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "NEXT", ""},
    };
    struct http_request *request = *state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        size_t total = strlen(cases[i].bytes);
        for (size_t step = 1; step <= total; step++) {
            assert_int_equal(take(request, cases[i].head), 0);
            assert_int_equal(http_request_limit_body(request, 11), 0);
            size_t at = 0, used = 0;
            bool whole = false;
            for (; !whole; at += used) {
                size_t size = total - at < step ? total - at : step;
                assert_int_equal(
                    http_request_take_body(request, cases[i].bytes + at, size, &used, &whole), 0);
            }
            assert_string_equal(cases[i].bytes + at, "NEXT");
            size_t size;
            assert_string_equal(http_request_body(request, &size), cases[i].body);
            assert_int_equal(size, strlen(cases[i].body));
            assert_string_equal(http_request_header(request, "host"), "x");
        }
    }
}

static void test_bodies_over_the_limit(void **state) {
    struct http_request *request = *state;
    assert_int_equal(take(request, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"), 0);
    assert_int_equal(http_request_limit_body(request, 4), 413);
    assert_int_equal(take(request, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: "
                                   "9223372036854775807\r\n\r\n"),
                     0);
    assert_int_equal(http_request_limit_body(request, HTTP_ADMIN_BODY_MAX_BYTES), 413);
    assert_int_equal(take(request, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: "
                                   "99999999999999999999999999\r\n\r\n"),
                     400);
    assert_int_equal(
        take(request, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"), 0);
    assert_int_equal(http_request_limit_body(request, 4), 0);
    size_t used;
    bool whole;
    static const char chunks[] = "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    assert_int_equal(http_request_take_body(request, chunks, sizeof chunks - 1, &used, &whole),
                     413);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_head_is_read),
        cmocka_unit_test(test_fields_of_one_name_are_joined),
        cmocka_unit_test(test_many_long_fields_of_one_name),
        cmocka_unit_test(test_methods),
        cmocka_unit_test(test_refused_heads),
        cmocka_unit_test(test_other_transfer_codings),
        cmocka_unit_test(test_absolute_targets),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_the_most_query_parameters),
        cmocka_unit_test(test_request_ids),
        cmocka_unit_test(test_keep_alive),
        cmocka_unit_test(test_bodies_in_every_split),
        cmocka_unit_test(test_bodies_over_the_limit),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
