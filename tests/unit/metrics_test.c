/* What a process says of itself is Prometheus text, format 0.0.4. */
#include "shared/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct numbers {
    uint64_t before;
    uint64_t served;
    struct metrics_histogram took_us;
    struct metrics_histogram sizes;
};

static void write_odd(struct metrics_text *text, const struct metric *metric, const void *context) {
    (void)context;
    const struct metrics_label labels[] = {{"path", "C:\\new\n\"file\""}, {"empty", ""}};
    metrics_value(text, metric, labels, 2, 0.25);
    metrics_value(text, metric, NULL, 0, 1e300 * 1e300);
}

static void write_took(struct metrics_text *text, const struct metric *metric,
                       const void *context) {
    const struct numbers *numbers = context;
    const struct metrics_label label = {"route", "/events"};
    metrics_buckets(text, metric, &label, 1, &numbers->took_us, &metrics_seconds);
}

static void write_sizes(struct metrics_text *text, const struct metric *metric,
                        const void *context) {
    const struct numbers *numbers = context;
    metrics_buckets(text, metric, NULL, 0, &numbers->sizes, &metrics_counts);
}

static const struct metric rows[] = {
    METRICS_FIELD(METRIC_COUNTER, "served_total", struct numbers, served,
                  "a \\ and\na second line"),
    {METRIC_GAUGE, "odd", "path, empty", "odd values", 0, write_odd},
    {METRIC_HISTOGRAM, "took_seconds", "route", "times", 0, write_took},
    {METRIC_HISTOGRAM, "sizes", "", "sizes", 0, write_sizes},
};

static void expect_line(const char *text, const char *line) {
    char wanted[256];
    (void)snprintf(wanted, sizeof wanted, "%s\n", line);
    const char *at = strstr(text, wanted);
    if (at == NULL || (at > text && at[-1] != '\n'))
        fail_msg("no line %s in\n%s", line, text);
}

static void rows_are_prometheus_text(void **state) {
    (void)state;
    static char text[16384];
    struct numbers numbers = {.served = UINT64_C(18446744073709551615)};
    metrics_record(&numbers.took_us, &metrics_seconds, 1000);
    metrics_record(&numbers.took_us, &metrics_seconds, 1001);
    metrics_record(&numbers.took_us, &metrics_seconds, 11000000);
    metrics_record(&numbers.sizes, &metrics_counts, 0);
    metrics_record(&numbers.sizes, &metrics_counts, 7);
    assert_true(metrics_write(rows, ARRAY_LEN(rows), &numbers, &numbers, text, sizeof text));

    expect_line(text, "# HELP served_total a \\\\ and\\na second line");
    expect_line(text, "# TYPE served_total counter");
    expect_line(text, "served_total 18446744073709551615");
    expect_line(text, "# TYPE odd gauge");
    expect_line(text, "odd{path=\"C:\\\\new\\n\\\"file\\\"\",empty=\"\"} 0.25");
    expect_line(text, "odd +Inf");
    /* Buckets are cumulative, and the last has all. */
    expect_line(text, "# TYPE took_seconds histogram");
    expect_line(text, "took_seconds_bucket{route=\"/events\",le=\"0.001\"} 1");
    expect_line(text, "took_seconds_bucket{route=\"/events\",le=\"0.0025\"} 2");
    expect_line(text, "took_seconds_bucket{route=\"/events\",le=\"10\"} 2");
    expect_line(text, "took_seconds_bucket{route=\"/events\",le=\"+Inf\"} 3");
    expect_line(text, "took_seconds_count{route=\"/events\"} 3");
    const char *sum = strstr(text, "took_seconds_sum{route=\"/events\"} ");
    assert_non_null(sum);
    double seconds = strtod(strchr(sum, ' '), NULL);
    assert_true(seconds > 11.002 && seconds < 11.0021);
    expect_line(text, "sizes_bucket{le=\"1\"} 1");
    expect_line(text, "sizes_bucket{le=\"10\"} 2");
    expect_line(text, "sizes_sum 7");
    expect_line(text, "sizes_count 2");
}

static void what_does_not_fit_is_not_cut(void **state) {
    (void)state;
    char text[16384];
    const struct numbers numbers = {0};
    assert_true(metrics_write(rows, ARRAY_LEN(rows), &numbers, &numbers, text, sizeof text));
    size_t size = strlen(text);
    for (size_t room = 1; room <= size; room += 97) {
        char *exact = malloc(room);
        assert_non_null(exact);
        assert_false(metrics_write(rows, ARRAY_LEN(rows), &numbers, &numbers, exact, room));
        assert_string_equal(exact, "");
        free(exact);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_prometheus_text),
        cmocka_unit_test(what_does_not_fit_is_not_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
