/* same_body: answers may differ in the time at which they were true, and in nothing else. */
#include "ops/benchmarks/same_body.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <zlib.h>

enum { GZIP_WINDOW_BITS = 15 + 16 };

static struct bytes plain(const char *text) {
    return (struct bytes){.data = strdup(text), .size_bytes = strlen(text)};
}

static struct bytes packed(const char *text) {
    struct bytes body = {.data = malloc(1024)};
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)text,
                       .avail_in = (uInt)strlen(text),
                       .next_out = (Bytef *)body.data,
                       .avail_out = 1024};
    assert_int_equal(deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, GZIP_WINDOW_BITS,
                                  MAX_MEM_LEVEL, Z_DEFAULT_STRATEGY),
                     Z_OK);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    body.size_bytes = stream.total_out;
    (void)deflateEnd(&stream);
    return body;
}

static void expect_only_time_may_change(bool is_gzip, struct bytes (*body)(const char *text)) {
    struct same_body same = {.is_gzip = is_gzip};
    assert_null(same.expected);
    assert_true(
        same_body_judge_take(&same, body("{\"asOf\":\"2026-11-23T10:00:00.999Z\",\"n\":1}")));
    const struct bytes *first = same.expected;
    assert_true(
        same_body_judge_take(&same, body("{\"asOf\":\"2026-11-23T10:00:01.000Z\",\"n\":1}")));
    assert_ptr_not_equal(same.expected, first);
    const struct bytes *second = same.expected;
    assert_false(
        same_body_judge_take(&same, body("{\"asOf\":\"2026-11-23T10:00:01.000Z\",\"n\":2}")));
    assert_false(same_body_judge_take(&same, body("{\"n\":1}")));
    assert_false(same_body_judge_take(&same, body("")));
    assert_ptr_equal(same.expected, second);
    same_body_clear(&same);
}

static void only_the_time_may_change(void **state) {
    (void)state;
    expect_only_time_may_change(false, plain);
}

static void also_when_it_is_packed(void **state) {
    (void)state;
    expect_only_time_may_change(true, packed);
}

static void what_is_no_gzip_is_wrong(void **state) {
    (void)state;
    struct same_body same = {.is_gzip = true};
    assert_false(same_body_judge_take(&same, plain("{\"n\":1}")));
    struct bytes cut = packed("{\"n\":1}");
    cut.size_bytes--;
    assert_false(same_body_judge_take(&same, cut));
    same_body_clear(&same);
}

static void one_on_its_way_does_not_go_back(void **state) {
    (void)state;
    struct same_body same = {0};
    assert_true(same_body_judge_take(&same, plain("{\"updatedAt\":\"1\"}")));
    assert_true(same_body_judge_take(&same, plain("{\"updatedAt\":\"2\"}")));
    const struct bytes *second = same.expected;
    assert_true(same_body_judge_take(&same, plain("{\"updatedAt\":\"1\"}")));
    assert_ptr_equal(same.expected, second);
    assert_int_equal(same.count, 2);
    same_body_clear(&same);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_time_may_change),
        cmocka_unit_test(also_when_it_is_packed),
        cmocka_unit_test(what_is_no_gzip_is_wrong),
        cmocka_unit_test(one_on_its_way_does_not_go_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
