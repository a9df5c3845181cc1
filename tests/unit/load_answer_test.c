/* The load generator believes whole answers only, and talks to loopback only. */
#include "ops/benchmarks/answer.h"
#include "ops/benchmarks/loopback.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const char booking[] = "HTTP/1.1 201 Created\r\n"
                              "Content-Type: application/json\r\n"
                              "content-length:  4\r\n"
                              "X-Request-Id: Content-Length: 7\r\n"
                              "\r\n"
                              "{\"\"}";

static void finds_status_and_body(void **state) {
    (void)state;
    struct answer answer;
    assert_int_equal(answer_read(booking, sizeof booking - 1, &answer), ANSWER_WHOLE);
    assert_int_equal(answer.status, 201);
    assert_int_equal(answer.body_bytes, 4);
    assert_memory_equal(answer.body, "{\"\"}", 4);
}

static void no_content_has_no_length(void **state) {
    (void)state;
    static const char left[] = "HTTP/1.1 204 No Content\r\nCache-Control: no-store\r\n\r\n";
    struct answer answer;
    assert_int_equal(answer_read(left, sizeof left - 1, &answer), ANSWER_WHOLE);
    assert_int_equal(answer.status, 204);
    assert_int_equal(answer.body_bytes, 0);
}

static void every_shorter_text_is_partial(void **state) {
    (void)state;
    struct answer answer;
    for (size_t size = 0; size < sizeof booking - 1; size++)
        assert_int_equal(answer_read(booking, size, &answer), ANSWER_PARTIAL);
}

static void refuses_what_it_does_not_understand(void **state) {
    (void)state;
    static const char *const texts[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP",
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2x\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\n",
        "HTTP/1.1 2x0 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1\r\n\r\n",
        "\r\n\r\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct answer answer;
        if (answer_read(texts[i], strlen(texts[i]), &answer) != ANSWER_STRANGE)
            fail_msg("believed: %s", texts[i]);
    }
}

static void loopback_is_the_only_address(void **state) {
    (void)state;
    static const char *const own[] = {"http://127.0.0.1:8080", "http://127.8.9.10:1",
                                      "http://[::1]:65535"};
    static const char *const others[] = {
        "http://10.0.0.1:8080",  "http://0.0.0.0:8080",
        "http://128.0.0.1:80",   "http://[::]:80",
        "http://[fe80::1]:80",   "http://localhost:8080",
        "http://127.0.0.1",      "http://127.0.0.1:0",
        "https://127.0.0.1:443", "127.0.0.1:8080",
        "http://[::1]",          "http://127.0.0.1:70000",
        "http://127.0.0.1:80/x", "",
    };
    struct sockaddr_storage address;
    socklen_t size;
    for (size_t i = 0; i < ARRAY_LEN(own); i++) {
        if (!loopback_from_url(own[i], &address, &size))
            fail_msg("refused: %s", own[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        if (loopback_from_url(others[i], &address, &size))
            fail_msg("accepted: %s", others[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_status_and_body),
        cmocka_unit_test(no_content_has_no_length),
        cmocka_unit_test(every_shorter_text_is_partial),
        cmocka_unit_test(refuses_what_it_does_not_understand),
        cmocka_unit_test(loopback_is_the_only_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
