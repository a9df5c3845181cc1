/* The cache of what costs a query: one load a key, stale on error, bounded. */
#include "gateway/fresh.h"
#include "tests/support/expect.h"

#include <stdlib.h>

enum { LOADS_MAX = 16, VALUE_BYTES = 100, LIMIT_BYTES = 350 };
static const int64_t second_us = 1000000;

struct bench {
    struct fresh *fresh;
    int64_t now_us;
    struct fresh_entry *loads[LOADS_MAX]; /* in order of their beginning */
    unsigned load_count;
    unsigned released;
    unsigned told;
    enum fresh_outcome outcome;
    unsigned number; /* of the value told last */
    int64_t age_us;
};

struct value {
    struct bench *bench;
    unsigned number;
};

static void keep_load(void *context, struct fresh_entry *entry, const struct id128 *key,
                      const void *detail) {
    struct bench *bench = context;
    assert_memory_equal(key, detail, sizeof *key);
    ensure(bench->load_count < LOADS_MAX);
    bench->loads[bench->load_count++] = entry;
}

static void release_value(void *pointer) {
    struct value *value = pointer;
    value->bench->released++;
    free(value);
}

static void keep_answer(void *context, enum fresh_outcome outcome, void *value, int64_t age_us) {
    struct bench *bench = context;
    bench->told++;
    bench->outcome = outcome;
    bench->number = value != NULL ? ((struct value *)value)->number : 0;
    bench->age_us = age_us;
}

static int make_bench(void **state) {
    struct bench *bench = calloc(1, sizeof *bench);
    ensure(bench != NULL);
    bench->now_us = 1000 * second_us;
    const struct fresh_config config = {.limit_bytes = LIMIT_BYTES,
                                        .max_age_us = second_us,
                                        .patience_us = second_us / 2,
                                        .load = keep_load,
                                        .release = release_value,
                                        .context = bench};
    bench->fresh = fresh_create(&config);
    ensure(bench->fresh != NULL);
    *state = bench;
    return 0;
}

static int free_bench(void **state) {
    struct bench *bench = *state;
    fresh_destroy(bench->fresh);
    free(bench);
    return 0;
}

static void want(struct bench *bench, uint8_t number, bool any_age) {
    const struct id128 key = {{number}};
    fresh_want(bench->fresh, &key, &key, any_age, bench->now_us, keep_answer, bench);
}

static void load(struct bench *bench, unsigned index, unsigned number) {
    struct value *value = malloc(sizeof *value);
    ensure(value != NULL);
    *value = (struct value){.bench = bench, .number = number};
    fresh_loaded(bench->loads[index], FRESH_FOUND, value, VALUE_BYTES, bench->now_us);
}

static void fail_load(struct bench *bench, unsigned index, enum fresh_outcome outcome) {
    fresh_loaded(bench->loads[index], outcome, NULL, 0, bench->now_us);
}

static void many_want_and_one_loads(void **state) {
    struct bench *bench = *state;
    want(bench, 1, false);
    want(bench, 1, false);
    assert_int_equal(bench->load_count, 1);
    load(bench, 0, 41);
    assert_int_equal(bench->told, 2);
    assert_int_equal(bench->number, 41);
    bench->now_us += second_us;
    want(bench, 1, false);
    assert_int_equal(bench->told, 3);
    assert_int_equal(bench->load_count, 1);
}

static void what_is_old_is_loaded_again(void **state) {
    struct bench *bench = *state;
    want(bench, 1, false);
    load(bench, 0, 41);
    bench->now_us += second_us + 1;
    want(bench, 1, true);
    assert_int_equal(bench->told, 2);
    assert_int_equal(bench->load_count, 1);
    want(bench, 1, false);
    assert_int_equal(bench->told, 2);
    assert_int_equal(bench->load_count, 2);
    load(bench, 1, 42);
    assert_int_equal(bench->number, 42);
    assert_int_equal(bench->released, 1);
}

static void stale_when_loading_fails(void **state) {
    struct bench *bench = *state;
    want(bench, 1, false);
    load(bench, 0, 41);
    bench->now_us += 60 * second_us;
    want(bench, 1, false);
    fail_load(bench, 1, FRESH_UNAVAILABLE);
    assert_int_equal(bench->told, 2);
    assert_int_equal(bench->outcome, FRESH_FOUND);
    assert_int_equal(bench->number, 41);
    assert_int_equal(bench->age_us, 60 * second_us);
}

/* Asked every second of an outage: always the last known answer, always with its true age. */
static void ten_minutes_without_a_database(void **state) {
    struct bench *bench = *state;
    want(bench, 1, false);
    load(bench, 0, 41);
    bench->now_us += second_us;
    for (int second = 2; second <= 600; second++) {
        bench->now_us += second_us;
        bench->load_count = 0;
        want(bench, 1, false);
        assert_int_equal(bench->load_count, 1);
        fail_load(bench, 0, FRESH_UNAVAILABLE);
        assert_int_equal(bench->outcome, FRESH_FOUND);
        assert_int_equal(bench->number, 41);
        assert_int_equal(bench->age_us, second * second_us);
    }
    bench->load_count = 0;
    bench->now_us += second_us;
    want(bench, 1, false);
    load(bench, 0, 42);
    assert_int_equal(bench->number, 42);
    assert_int_equal(bench->age_us, 0);
}

/* From a copy on disk: shown with its age, asked for again, and replaced by what is fresh. */
static void a_copy_is_shown_until_loading_works(void **state) {
    struct bench *bench = *state;
    want(bench, 1, false);
    assert_false(fresh_is_known(bench->loads[0]));
    struct value *value = malloc(sizeof *value);
    ensure(value != NULL);
    *value = (struct value){.bench = bench, .number = 40};
    fresh_recalled(bench->loads[0], value, VALUE_BYTES, bench->now_us - 600 * second_us,
                   bench->now_us);
    assert_int_equal(bench->number, 40);
    assert_int_equal(bench->age_us, 600 * second_us);
    want(bench, 1, false);
    assert_true(fresh_is_known(bench->loads[1]));
    load(bench, 1, 41);
    assert_int_equal(bench->number, 41);
    assert_int_equal(bench->age_us, 0);
}

static void stale_when_loading_takes_too_long(void **state) {
    struct bench *bench = *state;
    want(bench, 1, false);
    load(bench, 0, 41);
    bench->now_us += 60 * second_us;
    want(bench, 1, false);
    bench->now_us += second_us / 2;
    fresh_tick(bench->fresh, bench->now_us);
    assert_int_equal(bench->told, 1);
    bench->now_us += 1;
    fresh_tick(bench->fresh, bench->now_us);
    assert_int_equal(bench->told, 2);
    want(bench, 1, false);
    assert_int_equal(bench->told, 3);
    assert_int_equal(bench->load_count, 2);
    load(bench, 1, 42);
    assert_int_equal(bench->told, 3);
}

static void absent_is_told_and_not_kept(void **state) {
    struct bench *bench = *state;
    want(bench, 1, false);
    fail_load(bench, 0, FRESH_ABSENT);
    assert_int_equal(bench->outcome, FRESH_ABSENT);
    want(bench, 1, false);
    assert_int_equal(bench->load_count, 2);
    fail_load(bench, 1, FRESH_UNAVAILABLE);
    assert_int_equal(bench->outcome, FRESH_UNAVAILABLE);
}

static void expired_is_loaded_again(void **state) {
    struct bench *bench = *state;
    const struct id128 key = {{1}};
    want(bench, 1, false);
    load(bench, 0, 41);
    fresh_expire(bench->fresh, &key);
    want(bench, 1, false);
    assert_int_equal(bench->load_count, 2);
    load(bench, 1, 42);
    assert_int_equal(((struct value *)fresh_peek(bench->fresh, &key))->number, 42);
}

static void the_least_wanted_is_forgotten(void **state) {
    struct bench *bench = *state;
    for (uint8_t number = 1; number <= 3; number++) {
        want(bench, number, false);
        load(bench, number - 1u, number);
    }
    want(bench, 1, false);
    want(bench, 4, false);
    load(bench, 3, 4);
    const struct id128 first = {{1}};
    const struct id128 second = {{2}};
    assert_non_null(fresh_peek(bench->fresh, &first));
    assert_null(fresh_peek(bench->fresh, &second));
    assert_int_equal(bench->released, 1);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_bench, free_bench)
    const struct CMUnitTest tests[] = {
        TEST(many_want_and_one_loads),        TEST(what_is_old_is_loaded_again),
        TEST(stale_when_loading_fails),       TEST(stale_when_loading_takes_too_long),
        TEST(ten_minutes_without_a_database), TEST(a_copy_is_shown_until_loading_works),
        TEST(absent_is_told_and_not_kept),    TEST(expired_is_loaded_again),
        TEST(the_least_wanted_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
