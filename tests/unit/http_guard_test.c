/* The octet-level rules: heads and chunked bodies, whole and in every split. */
#include "gateway/http/guard.h"

#include "gateway/http/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct text {
    const char *bytes;
    size_t size;
    enum http_guard_result expected;
};
#define TEXT(literal, result)                                                                      \
    { literal, sizeof(literal) - 1, result }

static const struct text heads[] = {
    TEXT("GET / HTTP/1.1\r\n\r\n", HTTP_GUARD_END),
    TEXT("\r\nGET / HTTP/1.0\r\nA:\r\nb: \tc \r\n\r\n", HTTP_GUARD_END),
    TEXT("X!#$%&'*+-.^_`|~9 /{|}\"<> HTTP/1.1\r\nA: \xff\r\n\r\n", HTTP_GUARD_END),
    TEXT("GET /\xc3\xbc HTTP/1.1\r\n\r\n", HTTP_GUARD_INVALID),
    TEXT("GET / HTTP/1.1\r\nHost: x\r\n", HTTP_GUARD_MORE),
    TEXT("", HTTP_GUARD_MORE),
    TEXT("\r\n\r\nGET / HTTP/1.1\r\n\r\n", HTTP_GUARD_INVALID),
    TEXT("\nGET / HTTP/1.1\r\n\r\n", HTTP_GUARD_INVALID),
    TEXT("GET / HTTP/1.1\n\n", HTTP_GUARD_INVALID),
    TEXT("GET / HTTP/1.1\r\nA: b\n\r\n", HTTP_GUARD_INVALID),
    TEXT("GET / HTTP/1.1\r\nA: b\r\n\n", HTTP_GUARD_INVALID),
    TEXT("GET / HTTP/1.1\rA: b\r\n\r\n", HTTP_GUARD_INVALID),
    TEXT("GET / HTTP/1.1\r\nA: b\rc\r\n\r\n", HTTP_GUARD_INVALID),
    TEXT("GET / HTTP/1.1\r\nA : b\r\n\r\n", HTTP_GUARD_INVALID),
    TEXT("GET / HTTP/1.1\r\n A: b\r\n\r\n", HTTP_GUARD_INVALID),
    TEXT("GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", HTTP_GUARD_INVALID),
    TEXT("GET / HTTP/1.1\r\nA: b\r\n\tc\r\n\r\n", HTTP_GUARD_INVALID),
    TEXT("GET / HTTP/1.1\r\nA: b\0c\r\n\r\n", HTTP_GUARD_INVALID),
    TEXT("GET / HTTP/1.1\r\nA\0: b\r\n\r\n", HTTP_GUARD_INVALID),
    TEXT("GET / HTTP/1.1\r\nA: \x01\r\n\r\n", HTTP_GUARD_INVALID),
    TEXT("GET / HTTP/1.1\r\nA: \x7f\r\n\r\n", HTTP_GUARD_INVALID),
    TEXT("GET / HTTP/1.1\r\n: b\r\n\r\n", HTTP_GUARD_INVALID),
    TEXT("GET / HTTP/1.1\r\nno colon\r\n\r\n", HTTP_GUARD_INVALID),
    TEXT("GET  / HTTP/1.1\r\n\r\n", HTTP_GUARD_INVALID),
    TEXT("GET /  HTTP/1.1\r\n\r\n", HTTP_GUARD_INVALID),
    TEXT("GET / HTTP/1.1 \r\n\r\n", HTTP_GUARD_INVALID),
    TEXT("GET / http/1.1\r\n\r\n", HTTP_GUARD_INVALID),
    TEXT("GET /\r\n\r\n", HTTP_GUARD_INVALID),
    TEXT("GET /a\0b HTTP/1.1\r\n\r\n", HTTP_GUARD_INVALID),
    TEXT("GET /a\tb HTTP/1.1\r\n\r\n", HTTP_GUARD_INVALID),
    TEXT("G(T / HTTP/1.1\r\n\r\n", HTTP_GUARD_INVALID),
    TEXT("\x16\x03\x01", HTTP_GUARD_INVALID),
    TEXT("GET / HTTP/1.2\r\n\r\n", HTTP_GUARD_VERSION),
    TEXT("GET / HTTP/0.9\r\n\r\n", HTTP_GUARD_VERSION),
    TEXT("PRI * HTTP/2.0\r\n\r\n", HTTP_GUARD_VERSION),
};

static void test_heads(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        const struct text *text = &heads[i];
        struct http_head_guard guard = {0};
        enum http_guard_result result = http_head_guard_scan(&guard, text->bytes, text->size);
        if (result != text->expected)
            fail_msg("head %zu: %d instead of %d", i, (int)result, (int)text->expected);
        if (result == HTTP_GUARD_END)
            assert_int_equal(guard.size_bytes, text->size);
    }
}

static void test_a_head_arrives_byte_by_byte(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        const struct text *text = &heads[i];
        struct http_head_guard guard = {0};
        enum http_guard_result result = HTTP_GUARD_MORE;
        for (size_t size = 1; size <= text->size && result == HTTP_GUARD_MORE; size++)
            result = http_head_guard_scan(&guard, text->bytes, size);
        assert_int_equal(result, text->expected);
    }
}

static void test_what_follows_the_head_is_left(void **state) {
    (void)state;
    static const char two[] = "GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n";
    struct http_head_guard guard = {0};
    assert_int_equal(http_head_guard_scan(&guard, two, sizeof two - 1), HTTP_GUARD_END);
    assert_int_equal(guard.size_bytes, (sizeof two - 1) / 2);
}

/* Which octets may stand in a name, against the list in RFC 9110, 5.6.2. */
static void test_every_octet_of_a_name(void **state) {
    (void)state;
    for (int c = 0; c < 256; c++) {
        char head[] = "GET / HTTP/1.1\r\nAB: c\r\n\r\n";
        head[17] = (char)c;
        bool is_alnum = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        bool allowed = is_alnum || (c && strchr("!#$%&'*+-.^_`|~", c)) || c == ':';
        struct http_head_guard guard = {0};
        enum http_guard_result result = http_head_guard_scan(&guard, head, sizeof head - 1);
        assert_int_equal(result, allowed ? HTTP_GUARD_END : HTTP_GUARD_INVALID);
    }
}

/* A head of exactly `size` bytes. */
static char *head_of(size_t size) {
    char *head = malloc(size + 1);
    assert_non_null(head);
    int start = snprintf(head, size, "GET / HTTP/1.1\r\nA: ");
    memset(head + start, 'x', size - (size_t)start);
    snprintf(head + size - 4, 5, "\r\n\r\n");
    return head;
}

static void test_the_largest_head(void **state) {
    (void)state;
    for (size_t size = HTTP_HEAD_MAX_BYTES; size <= HTTP_HEAD_MAX_BYTES + 1; size++) {
        char *head = head_of(size);
        struct http_head_guard guard = {0};
        enum http_guard_result expected =
            size == HTTP_HEAD_MAX_BYTES ? HTTP_GUARD_END : HTTP_GUARD_TOO_LARGE;
        assert_int_equal(http_head_guard_scan(&guard, head, size), expected);
        free(head);
    }
}

static void test_the_most_fields(void **state) {
    (void)state;
    for (unsigned count = HTTP_HEADERS_MAX; count <= HTTP_HEADERS_MAX + 1; count++) {
        char head[2048];
        size_t used = (size_t)snprintf(head, sizeof head, "GET / HTTP/1.1\r\n");
        for (unsigned i = 0; i < count; i++)
            used += (size_t)snprintf(head + used, sizeof head - used, "A: b\r\n");
        snprintf(head + used, sizeof head - used, "\r\n");
        struct http_head_guard guard = {0};
        enum http_guard_result expected =
            count == HTTP_HEADERS_MAX ? HTTP_GUARD_END : HTTP_GUARD_TOO_LARGE;
        assert_int_equal(http_head_guard_scan(&guard, head, strlen(head)), expected);
    }
}

static const struct text bodies[] = {
    TEXT("0\r\n\r\n", HTTP_GUARD_END),
    TEXT("3\r\nabc\r\n0\r\n\r\n", HTTP_GUARD_END),
    TEXT("3;name=value\r\nabc\r\n00000000;x\r\nTrailer: x\r\nB:\r\n\r\n", HTTP_GUARD_END),
    TEXT("a\r\n0123456789\r\nA\r\n0\r\n3456789\r\n0\r\n\r\n", HTTP_GUARD_END),
    TEXT("3\r\nabc\r\n0\r\n", HTTP_GUARD_MORE),
    TEXT("+3\r\nabc\r\n0\r\n\r\n", HTTP_GUARD_INVALID),
    TEXT("-3\r\nabc\r\n0\r\n\r\n", HTTP_GUARD_INVALID),
    TEXT("0x3\r\nabc\r\n0\r\n\r\n", HTTP_GUARD_INVALID),
    TEXT(" 3\r\nabc\r\n0\r\n\r\n", HTTP_GUARD_INVALID),
    TEXT("3 \r\nabc\r\n0\r\n\r\n", HTTP_GUARD_INVALID),
    TEXT("\r\n", HTTP_GUARD_INVALID),
    TEXT(";x\r\n", HTTP_GUARD_INVALID),
    TEXT("3\nabc\r\n0\r\n\r\n", HTTP_GUARD_INVALID),
    TEXT("3;x\nabc\r\n0\r\n\r\n", HTTP_GUARD_INVALID),
    TEXT("3;\0\r\nabc\r\n0\r\n\r\n", HTTP_GUARD_INVALID),
    TEXT("3\r\nabc\n0\r\n\r\n", HTTP_GUARD_INVALID),
    TEXT("3\r\nabcd\r\n0\r\n\r\n", HTTP_GUARD_INVALID),
    TEXT("3\r\nab\r\n0\r\n\r\n", HTTP_GUARD_INVALID),
    TEXT("000000003\r\nabc\r\n0\r\n\r\n", HTTP_GUARD_INVALID),
    TEXT("0\r\n\n", HTTP_GUARD_INVALID),
    TEXT("0\r\n folded\r\n\r\n", HTTP_GUARD_INVALID),
    TEXT("0\r\nA : b\r\n\r\n", HTTP_GUARD_INVALID),
    TEXT("0\r\nA: b\n\r\n", HTTP_GUARD_INVALID),
};

static void test_chunked_bodies(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        const struct text *text = &bodies[i];
        for (size_t step = 1; step <= text->size; step++) {
            struct http_chunk_guard guard = {0};
            enum http_guard_result result = HTTP_GUARD_MORE;
            size_t at = 0, used = 0;
            for (; at < text->size && result == HTTP_GUARD_MORE; at += used) {
                size_t size = text->size - at < step ? text->size - at : step;
                result = http_chunk_guard_scan(&guard, text->bytes + at, size, &used);
            }
            if (result != text->expected)
                fail_msg("body %zu by %zu: %d", i, step, (int)result);
            if (result == HTTP_GUARD_END)
                assert_int_equal(at, text->size);
        }
    }
}

static void test_chunk_extensions_and_trailers_end(void **state) {
    (void)state;
    char extension[2 + HTTP_CHUNK_EXTENSION_MAX_BYTES + 1] = "1;";
    memset(extension + 2, 'x', sizeof extension - 2);
    struct http_chunk_guard guard = {0};
    size_t used;
    assert_int_equal(http_chunk_guard_scan(&guard, extension, sizeof extension - 1, &used),
                     HTTP_GUARD_MORE);
    assert_int_equal(http_chunk_guard_scan(&guard, "x", 1, &used), HTTP_GUARD_INVALID);

    guard = (struct http_chunk_guard){0};
    assert_int_equal(http_chunk_guard_scan(&guard, "0\r\nA:", 5, &used), HTTP_GUARD_MORE);
    for (size_t i = 2; i < HTTP_TRAILERS_MAX_BYTES; i++)
        assert_int_equal(http_chunk_guard_scan(&guard, "x", 1, &used), HTTP_GUARD_MORE);
    assert_int_equal(http_chunk_guard_scan(&guard, "x", 1, &used), HTTP_GUARD_TOO_LARGE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_heads),
        cmocka_unit_test(test_a_head_arrives_byte_by_byte),
        cmocka_unit_test(test_what_follows_the_head_is_left),
        cmocka_unit_test(test_every_octet_of_a_name),
        cmocka_unit_test(test_the_largest_head),
        cmocka_unit_test(test_the_most_fields),
        cmocka_unit_test(test_chunked_bodies),
        cmocka_unit_test(test_chunk_extensions_and_trailers_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
