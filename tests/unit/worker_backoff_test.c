/* The pauses between attempts: they grow, have a limit, and differ from process to process. */
#include "worker/backoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { ATTEMPTS = 12, ROUNDS = 50 };

static int64_t next_us(struct backoff *backoff) {
    struct timeval pause = backoff_next(backoff);
    return (int64_t)pause.tv_sec * 1000000 + pause.tv_usec;
}

static void pauses_double_up_to_a_limit(void **state) {
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct backoff backoff = {0};
        int64_t wanted_us = BACKOFF_MIN_MS * 1000;
        for (int i = 0; i < ATTEMPTS; i++) {
            int64_t pause_us = next_us(&backoff);
            assert_true(pause_us >= wanted_us * 3 / 4 && pause_us <= wanted_us * 5 / 4);
            wanted_us =
                wanted_us * 2 < BACKOFF_MAX_MS * 1000 ? wanted_us * 2 : BACKOFF_MAX_MS * 1000;
        }
    }
}

static void pauses_have_jitter(void **state) {
    (void)state;
    struct backoff first = {0};
    int64_t pause_us = next_us(&first);
    int different = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct backoff backoff = {0};
        different += next_us(&backoff) != pause_us;
    }
    assert_true(different > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pauses_double_up_to_a_limit),
        cmocka_unit_test(pauses_have_jitter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
