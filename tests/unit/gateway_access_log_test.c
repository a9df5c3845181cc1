/* Which requests get a line. */
#include "gateway/access_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const int64_t SECOND_US = 1000000;

static unsigned lines(struct access_log *log, int status, int64_t took_us, unsigned requests,
                      int64_t now_us) {
    const struct access_entry entry = {.request_id = "r1",
                                       .method = "GET",
                                       .route = "/events/{id}",
                                       .status = status,
                                       .took_us = took_us};
    unsigned count = 0;
    for (unsigned i = 0; i < requests; i++) {
        count += access_log_note(log, &entry, now_us);
    }
    return count;
}

static void modes(void **state) {
    (void)state;
    struct access_log off = {.mode = ACCESS_OFF, .slow_us = SECOND_US};
    struct access_log sampled = {.mode = ACCESS_SAMPLED, .slow_us = SECOND_US};
    struct access_log full = {.mode = ACCESS_FULL};
    assert_int_equal(lines(&off, 200, 10, 1000, SECOND_US), 0);
    assert_int_equal(lines(&off, 503, 10, 1000, SECOND_US), 0);
    assert_int_equal(lines(&off, 200, SECOND_US, 3, SECOND_US), 3);
    assert_int_equal(lines(&sampled, 200, 10, 1000, SECOND_US), 10);
    assert_int_equal(lines(&sampled, 404, 10, 1000, SECOND_US), 10);
    assert_int_equal(lines(&sampled, 429, 10, 7, SECOND_US), 7);
    assert_int_equal(lines(&sampled, 500, 10, 7, SECOND_US), 7);
    assert_int_equal(lines(&sampled, 200, SECOND_US, 7, SECOND_US), 7);
    assert_int_equal(lines(&full, 200, 10, 1000, SECOND_US), 1000);
    assert_int_equal(access_mode_from_text("off"), ACCESS_OFF);
    assert_int_equal(access_mode_from_text("sampled"), ACCESS_SAMPLED);
    assert_int_equal(access_mode_from_text("full"), ACCESS_FULL);
}

static void an_overload_does_not_flood_the_log(void **state) {
    (void)state;
    struct access_log log = {.mode = ACCESS_SAMPLED};
    assert_int_equal(lines(&log, 503, 10, 100000, SECOND_US), ACCESS_LINES_A_SECOND);
    assert_int_equal(log.left_out, 100000 - ACCESS_LINES_A_SECOND);
    assert_int_equal(lines(&log, 503, 10, 1, 2 * SECOND_US), 1);
    assert_int_equal(log.left_out, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(modes),
        cmocka_unit_test(an_overload_does_not_flood_the_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
