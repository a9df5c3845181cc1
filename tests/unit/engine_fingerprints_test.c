#include "tests/sim/random.h"
#include "worker/engine/fingerprints.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct id128 random_id(struct random *random) {
    struct id128 id;
    uint64_t words[2] = {random_u64(random), random_u64(random)};
    memcpy(id.bytes, words, sizeof id.bytes);
    return id;
}

static void test_what_was_added_is_found_and_hardly_anything_else(void **state UNUSED) {
    struct fingerprints *fingerprints = fingerprints_create(100000);
    struct random added = {1};
    struct random others = {2};
    for (int i = 0; i < 100000; i++) {
        struct id128 id = random_id(&added);
        fingerprints_add(fingerprints, &id);
        fingerprints_add(fingerprints, &id); /* twice is once */
    }
    added.state = 1;
    int false_hits = 0;
    for (int i = 0; i < 100000; i++) {
        struct id128 id = random_id(&added);
        assert_true(fingerprints_may_hold(fingerprints, &id));
        id = random_id(&others);
        false_hits += fingerprints_may_hold(fingerprints, &id);
    }
    assert_int_equal(false_hits, 0);
    assert_in_range(fingerprints_size_bytes(fingerprints), 8 * 100000, 8 * 100000 * 3);
    fingerprints_destroy(fingerprints);
}

static void test_past_the_limit_everything_may_be_there(void **state UNUSED) {
    struct fingerprints *fingerprints = fingerprints_create(3);
    struct random random = {5};
    struct id128 stranger = random_id(&random);
    for (int i = 0; i < 3; i++) {
        struct id128 id = random_id(&random);
        fingerprints_add(fingerprints, &id);
        assert_false(fingerprints_may_hold(fingerprints, &stranger));
    }
    struct id128 one_too_many = random_id(&random);
    fingerprints_add(fingerprints, &one_too_many);
    assert_true(fingerprints_may_hold(fingerprints, &stranger));
    fingerprints_destroy(fingerprints);
}

static void test_an_id_of_zeros_is_an_id(void **state UNUSED) {
    struct fingerprints *fingerprints = fingerprints_create(3);
    struct id128 zeros = {{0}};
    assert_false(fingerprints_may_hold(fingerprints, &zeros));
    fingerprints_add(fingerprints, &zeros);
    assert_true(fingerprints_may_hold(fingerprints, &zeros));
    fingerprints_destroy(fingerprints);
}

static void test_the_last_bytes_decide(void **state UNUSED) {
    struct fingerprints *fingerprints = fingerprints_create(3);
    struct id128 ended = {{1, [15] = 7}};
    struct id128 same_end = {{2, [15] = 7}};
    struct id128 other_end = {{1, [15] = 8}};
    fingerprints_add(fingerprints, &ended);
    assert_true(fingerprints_may_hold(fingerprints, &same_end));
    assert_false(fingerprints_may_hold(fingerprints, &other_end));
    fingerprints_destroy(fingerprints);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_added_is_found_and_hardly_anything_else),
        cmocka_unit_test(test_past_the_limit_everything_may_be_there),
        cmocka_unit_test(test_an_id_of_zeros_is_an_id),
        cmocka_unit_test(test_the_last_bytes_decide),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
