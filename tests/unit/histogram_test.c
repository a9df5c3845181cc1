/* Every quantile is right to better than 1 %, over the whole range. */
#include "ops/benchmarks/histogram.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void says_zero_when_empty(void **state) {
    (void)state;
    struct histogram histogram = {0};
    assert_int_equal(histogram_quantile(&histogram, 0.5), 0);
    assert_int_equal(histogram.max, 0);
}

static void one_value_is_every_quantile(void **state) {
    (void)state;
    static const uint64_t values[] = {0,   1,   127,     128,        129,
                                      255, 256, 1000003, 1ull << 35, HISTOGRAM_VALUE_MAX};
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        struct histogram histogram = {0};
        histogram_record(&histogram, values[i]);
        assert_true(histogram_quantile(&histogram, 0) == values[i]);
        assert_true(histogram_quantile(&histogram, 0.5) == values[i]);
        assert_true(histogram_quantile(&histogram, 1) == values[i]);
    }
}

/* With two much larger values behind it, the lower one is reported by its bucket alone. */
static void a_bucket_is_never_below_and_less_than_one_percent_above(void **state) {
    (void)state;
    for (uint64_t value = 1; value < HISTOGRAM_VALUE_MAX / 2; value += 1 + value / 37) {
        struct histogram histogram = {0};
        histogram_record(&histogram, value);
        histogram_record(&histogram, HISTOGRAM_VALUE_MAX);
        uint64_t said = histogram_quantile(&histogram, 0.5);
        if (said < value || (said - value) * 100 >= value)
            fail_msg("%llu became %llu", (unsigned long long)value, (unsigned long long)said);
    }
}

static void quantiles_of_many_values(void **state) {
    (void)state;
    struct histogram histogram = {0};
    for (uint64_t value = 100000; value >= 1; value--)
        histogram_record(&histogram, value);
    static const struct {
        double share;
        uint64_t value;
    } cases[] = {{0, 1}, {0.001, 100}, {0.5, 50000}, {0.9, 90000}, {0.99, 99000}, {0.999, 99900}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint64_t said = histogram_quantile(&histogram, cases[i].share);
        assert_in_range(said, cases[i].value, cases[i].value + cases[i].value / 100);
    }
    assert_int_equal(histogram_quantile(&histogram, 1), 100000);
    assert_int_equal(histogram.count, 100000);
    assert_int_equal(histogram.max, 100000);
}

static void rare_slow_answers_show(void **state) {
    (void)state;
    struct histogram histogram = {0};
    for (int i = 0; i < 990; i++)
        histogram_record(&histogram, 50);
    for (int i = 0; i < 10; i++)
        histogram_record(&histogram, 7000000);
    assert_int_equal(histogram_quantile(&histogram, 0.99), 50);
    assert_int_equal(histogram_quantile(&histogram, 0.991), 7000000);
}

static void what_is_too_large_counts_as_the_largest(void **state) {
    (void)state;
    struct histogram histogram = {0};
    histogram_record(&histogram, HISTOGRAM_VALUE_MAX + 1);
    histogram_record(&histogram, UINT64_MAX);
    assert_int_equal(histogram.count, 2);
    assert_true(histogram_quantile(&histogram, 1) == HISTOGRAM_VALUE_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_zero_when_empty),
        cmocka_unit_test(one_value_is_every_quantile),
        cmocka_unit_test(a_bucket_is_never_below_and_less_than_one_percent_above),
        cmocka_unit_test(quantiles_of_many_values),
        cmocka_unit_test(rare_slow_answers_show),
        cmocka_unit_test(what_is_too_large_counts_as_the_largest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
