/* Token buckets, with time moved by hand. */
#include "gateway/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { SEED = 4711 };

static const int64_t SECOND_US = 1000000;
static const int64_t START_US = INT64_C(86400) * 1000000;
static const struct limit five_of_twenty = {.rate = 5, .burst = 20};

static struct id128 nobody(uint64_t number) {
    struct id128 id = {0};
    memcpy(id.bytes + 4, &number, sizeof number);
    return id;
}

static int setup(void **state) {
    *state = limits_create(SEED);
    return *state == NULL;
}

static int teardown(void **state) {
    limits_destroy(*state);
    return 0;
}

static uint32_t take(struct limits *limits, uint64_t who, int64_t now_us) {
    struct id128 id = nobody(who);
    return limits_take(limits, &five_of_twenty, LIMITS_BOOKING, LIMITS_USER, &id, now_us);
}

/* Of `tries` at the same instant. */
static unsigned taken(struct limits *limits, uint64_t who, unsigned tries, int64_t now_us) {
    unsigned count = 0;
    for (unsigned i = 0; i < tries; i++) {
        count += take(limits, who, now_us) == 0;
    }
    return count;
}

static void a_burst_then_the_rate(void **state) {
    struct limits *limits = *state;
    assert_int_equal(taken(limits, 1, 1000, START_US), 20);
    /* In every second five more, however often one asks. */
    for (int64_t second = 1; second <= 60; second++) {
        assert_int_equal(taken(limits, 1, 1000, START_US + second * SECOND_US), 5);
    }
    /* A bucket never holds more than its burst. */
    assert_int_equal(taken(limits, 1, 1000, START_US + 3600 * SECOND_US), 20);
    printf("limit 5/20: 20 of 1000 at once, then 5 of 1000 in each of 60 s, 20 after an hour\n");
}

static void who_waits_as_told_is_served(void **state) {
    struct limits *limits = *state;
    const struct limit slow = {.rate = 1, .burst = 3};
    struct id128 id = nobody(2);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(limits_take(limits, &slow, LIMITS_LOOKING, LIMITS_ADDRESS, &id, START_US),
                         0);
    }
    uint32_t wait = limits_take(limits, &slow, LIMITS_LOOKING, LIMITS_ADDRESS, &id, START_US);
    assert_int_equal(wait, 1);
    /* A moment before it is refused, and told to wait no longer than it has to; then served. */
    assert_int_equal(
        limits_take(limits, &slow, LIMITS_LOOKING, LIMITS_ADDRESS, &id, START_US + SECOND_US - 1),
        1);
    assert_int_equal(limits_take(limits, &slow, LIMITS_LOOKING, LIMITS_ADDRESS, &id,
                                 START_US + wait * SECOND_US),
                     0);
    /* Asking while it is refused costs nothing. */
    assert_int_equal(taken(limits, 3, 20, START_US), 20);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(take(limits, 3, START_US), 1);
    }
    assert_int_equal(take(limits, 3, START_US + SECOND_US / 5), 0);
}

static void nobody_pays_for_another(void **state) {
    struct limits *limits = *state;
    struct id128 id = nobody(7);
    assert_int_equal(taken(limits, 7, 100, START_US), 20);
    assert_int_equal(taken(limits, 8, 100, START_US), 20);
    /* The same id in another class, or as an address, is somebody else. */
    assert_int_equal(limits_take(limits, &five_of_twenty, LIMITS_ADMIN, LIMITS_USER, &id, START_US),
                     0);
    assert_int_equal(
        limits_take(limits, &five_of_twenty, LIMITS_BOOKING, LIMITS_ADDRESS, &id, START_US), 0);
    assert_true(take(limits, 7, START_US) > 0);
    /* No limit is none. */
    const struct limit none = {0};
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(limits_take(limits, &none, LIMITS_BOOKING, LIMITS_USER, &id, START_US), 0);
    }
}

static void memory_is_fixed_and_forgets_the_fullest(void **state) {
    struct limits *limits = *state;
    const uint64_t crowd = UINT64_C(4) * LIMITS_BUCKETS;
    assert_int_equal(taken(limits, 1, 20, START_US), 20); /* empty: the last to be forgotten */
    for (uint64_t who = 100; who < 100 + crowd; who++) {
        assert_int_equal(take(limits, who, START_US + 1), 0);
    }
    assert_true(limits_in_use(limits, START_US + 1) <= LIMITS_BUCKETS);
    assert_true(limits_in_use(limits, START_US + 1) > LIMITS_BUCKETS / 10 * 9);
    assert_true(take(limits, 1, START_US + 1) > 0);
    /* When they are full again their places are free. */
    assert_int_equal(limits_in_use(limits, START_US + 60 * SECOND_US), 0);
}

static void settings_are_read(void **state) {
    (void)state;
    struct limit limit;
    assert_true(limit_from_text("5/20", &limit) && limit.rate == 5 && limit.burst == 20);
    assert_true(limit_from_text("1000000/1000000", &limit));
    assert_true(limit_from_text("0", &limit) && limit.rate == 0);
    static const char *const bad[] = {"",     "5",    "/",     "5/",    "/5",     "0/5",      "5/0",
                                      "-5/5", "5/5 ", "5.5/6", "5/6/7", "five/6", "1000001/5"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_false(limit_from_text(bad[i], &limit));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_burst_then_the_rate, setup, teardown),
        cmocka_unit_test_setup_teardown(who_waits_as_told_is_served, setup, teardown),
        cmocka_unit_test_setup_teardown(nobody_pays_for_another, setup, teardown),
        cmocka_unit_test_setup_teardown(memory_is_fixed_and_forgets_the_fullest, setup, teardown),
        cmocka_unit_test(settings_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
