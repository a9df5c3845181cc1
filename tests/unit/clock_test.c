/* Times as text, and the database's time as a process knows it. */
#include "shared/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const int64_t second_us = 1000000;

static void writes_milliseconds_in_utc(void **state) {
    (void)state;
    static const struct {
        int64_t unix_us;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {999, "1970-01-01T00:00:00.000Z"},
        {-1, "1969-12-31T23:59:59.999Z"},
        {-1000000, "1969-12-31T23:59:59.000Z"},
        {951782400123456, "2000-02-29T00:00:00.123Z"},
        {1795455092999999, "2026-11-23T17:31:32.999Z"},
        {253402300799999999, "9999-12-31T23:59:59.999Z"},
    };
    char text[TIME_TEXT_SIZE];
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_string_equal(time_to_text(cases[i].unix_us, text), cases[i].text);
    assert_true(strlen(time_to_text(INT64_MIN, text)) > 20);
    assert_true(strlen(time_to_text(INT64_MAX, text)) > 20);
}

static void reads_rfc_3339(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t unix_us;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01t00:00:00z", 0},
        {"1970-01-01T00:00:00-00:00", 0},
        {"1970-01-01T00:00:00.1Z", 100000},
        {"1970-01-01T00:00:00.000001Z", 1},
        {"1970-01-01T00:00:00.000001999Z", 1},
        {"1970-01-01T05:45:00+05:45", 0},
        {"1969-12-31T15:30:00-08:30", 0},
        {"1969-12-31T23:59:59.75Z", -250000},
        {"2000-02-29T00:00:00.123456Z", 951782400123456},
        {"2024-02-29T23:59:59+23:59", 1709164859000000},
        {"0000-01-01T00:00:00Z", -62167219200000000},
        {"9999-12-31T23:59:59.999999999Z", 253402300799999999},
        {"2016-12-31T23:59:60Z", 1483228800000000}, /* leap seconds */
        {"1990-12-31T15:59:60-08:00", 662688000000000},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t unix_us = 42;
        if (!time_from_text(cases[i].text, &unix_us) || unix_us != cases[i].unix_us)
            fail_msg("%s gave %lld", cases[i].text, (long long)unix_us);
    }
}

static void refuses_what_is_not_rfc_3339(void **state) {
    (void)state;
    static const char *const cases[] = {
        "",
        "now",
        "2026-11-23",
        "2026-11-23T17:31Z",
        "2026-11-23T17:31:32",
        "2026-11-23 17:31:32Z",
        "2026-11-23T17:31:32ZZ",
        "2026-11-23T17:31:32Z ",
        " 2026-11-23T17:31:32Z",
        "2026-11-23T17:31:32.Z",
        "2026-11-23T17:31:32,5Z",
        "2026-11-23T17:31:32.0123456789Z",
        "2026-11-23T17:31:32+1",
        "2026-11-23T17:31:32+01",
        "2026-11-23T17:31:32+0100",
        "2026-11-23T17:31:32+24:00",
        "2026-11-23T17:31:32+01:60",
        "2026-11-23T17:31:32+-1:00",
        "2026-1-23T17:31:32Z",
        "+026-11-23T17:31:32Z",
        "-2026-11-23T17:31:32Z",
        "12026-11-23T17:31:32Z",
        "2026-00-23T17:31:32Z",
        "2026-13-23T17:31:32Z",
        "2026-11-00T17:31:32Z",
        "2026-11-31T17:31:32Z",
        "2026-02-29T17:31:32Z",
        "1900-02-29T17:31:32Z",
        "2026-11-23T24:00:00Z",
        "2026-11-23T17:60:32Z",
        "2026-11-23T17:31:61Z",
        "2026-11-23T17:31:60Z",
        "2016-12-31T23:59:60+01:00",
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t unix_us;
        if (time_from_text(cases[i], &unix_us))
            fail_msg("\"%s\" was taken for a time", cases[i]);
    }
}

static void text_and_time_go_round(void **state) {
    (void)state;
    char text[TIME_TEXT_SIZE];
    for (int64_t unix_us = -62167219200000000; unix_us < 253402300799000000;
         unix_us += 123456789 * second_us + 1000) {
        int64_t again;
        assert_true(time_from_text(time_to_text(unix_us, text), &again));
        assert_true(again == unix_us);
    }
}

/* The clock's offset, between two readings of the monotonic clock. */
static void expect_offset(const struct database_clock *clock, int64_t offset_us) {
    int64_t before_us = clock_monotonic_us();
    int64_t now_us = database_clock_now_us(clock);
    assert_in_range(now_us - offset_us, before_us, clock_monotonic_us());
}

static void shortest_round_trip_of_the_last_ones_counts(void **state) {
    (void)state;
    struct database_clock clock = {0};
    assert_false(database_clock_known(&clock));
    database_clock_sample(&clock, 1000, 1400, 500 * second_us);
    assert_true(database_clock_known(&clock));
    expect_offset(&clock, 500 * second_us - 1200);
    database_clock_sample(&clock, 2000, 2100, 600 * second_us); /* shorter */
    expect_offset(&clock, 600 * second_us - 2050);
    database_clock_sample(&clock, 3000, 9000, 700 * second_us); /* longer */
    expect_offset(&clock, 600 * second_us - 2050);
    /* The best one is forgotten after DATABASE_CLOCK_SAMPLES others. */
    for (int i = 0; i < DATABASE_CLOCK_SAMPLES - 1; i++)
        database_clock_sample(&clock, 4000, 4300, 800 * second_us);
    expect_offset(&clock, 800 * second_us - 4150);
}

static void a_wrong_wall_clock_moves_only_the_wall_clock(void **state) {
    (void)state;
    struct database_clock clock = {0};
    int64_t now_us = clock_monotonic_us();
    database_clock_sample(&clock, now_us, now_us, 500 * second_us);
    int64_t wall_us = clock_wall_us();
    assert_int_equal(setenv("USHER_TEST_CLOCK_SKEW_MS", "-3600000", 1), 0);
    assert_true(clock_wall_us() < wall_us - 3500 * second_us);
    assert_in_range(clock_monotonic_us(), now_us, now_us + 60 * second_us);
    assert_in_range(database_clock_now_us(&clock), 500 * second_us, 560 * second_us);
    assert_int_equal(unsetenv("USHER_TEST_CLOCK_SKEW_MS"), 0);
    assert_true(clock_wall_us() >= wall_us);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_milliseconds_in_utc),
        cmocka_unit_test(reads_rfc_3339),
        cmocka_unit_test(refuses_what_is_not_rfc_3339),
        cmocka_unit_test(text_and_time_go_round),
        cmocka_unit_test(shortest_round_trip_of_the_last_ones_counts),
        cmocka_unit_test(a_wrong_wall_clock_moves_only_the_wall_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
