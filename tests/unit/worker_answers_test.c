/* A command is decided once: what `answers` remembers, until when, and what it forgets. */
#include "worker/answers.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct work_pool *pool;

static int make_pool(void **state) {
    (void)state;
    pool = work_pool_create();
    return pool ? 0 : -1;
}

static int destroy_pool(void **state) {
    (void)state;
    work_pool_destroy(pool);
    return 0;
}

enum { SECOND_US = 1000000 };

static const uint8_t RECORD[] = {1, 2, 3};

static struct command command_of(uint8_t number, uint64_t epoch) {
    return (struct command){
        .kind = COMMAND_RESERVE,
        .request_id = {{number}},
        .epoch = epoch,
        .deadline_us = 10 * SECOND_US,
    };
}

static struct work *begin(struct answers *answers, const struct command *command) {
    struct work *work = work_create(pool, command, 1, 1);
    assert_non_null(work);
    assert_true(answers_begin(answers, work));
    return work;
}

static enum answers_verdict find(const struct answers *answers, const struct command *command) {
    const uint8_t *record = NULL;
    size_t size_bytes = 0;
    enum answers_verdict verdict = answers_find(answers, command, &record, &size_bytes);
    if (verdict == ANSWERS_KNOWN) {
        assert_int_equal(size_bytes, sizeof RECORD);
        assert_memory_equal(record, RECORD, sizeof RECORD);
    }
    return verdict;
}

static void a_repeat_hears_the_same_answer(void **state) {
    (void)state;
    struct answers *answers = answers_create();
    struct command command = command_of(1, 7);
    assert_int_equal(find(answers, &command), ANSWERS_NEW);
    struct work *work = begin(answers, &command);
    assert_int_equal(find(answers, &command), ANSWERS_UNDER_WAY);
    assert_int_equal(answers_under_way(answers), 1);
    answers_store(answers, work, RECORD, sizeof RECORD);
    work_free(work);
    assert_int_equal(answers_under_way(answers), 0);
    assert_int_equal(find(answers, &command), ANSWERS_KNOWN);
    answers_destroy(answers);
}

static void what_was_dropped_may_come_again(void **state) {
    (void)state;
    struct answers *answers = answers_create();
    struct command command = command_of(1, 7);
    work_free(begin(answers, &command));
    assert_int_equal(answers_under_way(answers), 0);
    assert_int_equal(find(answers, &command), ANSWERS_NEW);
    answers_destroy(answers);
}

static void a_newer_epoch_decides_anew_and_an_older_one_never(void **state) {
    (void)state;
    struct answers *answers = answers_create();
    struct command old = command_of(1, 7);
    struct command new = command_of(1, 8);
    struct work *work = begin(answers, &old);
    answers_store(answers, work, RECORD, sizeof RECORD);
    work_free(work);
    assert_int_equal(find(answers, &new), ANSWERS_NEW);
    work = begin(answers, &new);
    assert_int_equal(find(answers, &old), ANSWERS_UNDER_WAY);
    work_free(work);
    answers_destroy(answers);
}

static void answers_are_kept_until_the_deadline(void **state) {
    (void)state;
    struct answers *answers = answers_create();
    struct command command = command_of(1, 7);
    struct work *work = begin(answers, &command);
    answers_store(answers, work, RECORD, sizeof RECORD);
    work_free(work);
    answers_expire(answers, 10 * SECOND_US);
    assert_int_equal(find(answers, &command), ANSWERS_KNOWN);
    answers_expire(answers, 10 * SECOND_US + 1);
    assert_int_equal(find(answers, &command), ANSWERS_NEW);
    answers_destroy(answers);
}

static void a_work_outlives_its_deadline(void **state) {
    (void)state;
    struct answers *answers = answers_create();
    struct command command = command_of(1, 7);
    struct work *work = begin(answers, &command);
    answers_expire(answers, 11 * SECOND_US);
    assert_null(work->answer);
    answers_store(answers, work, RECORD, sizeof RECORD);
    work_free(work);
    answers_destroy(answers);
}

static void too_many_under_way_are_not_taken(void **state) {
    (void)state;
    struct answers *answers = answers_create();
    struct work_list works = {0};
    struct command command = command_of(0, 7);
    for (uint32_t i = 0; i < ANSWERS_UNDER_WAY_MAX; i++) {
        memcpy(command.request_id.bytes + 4, &i, sizeof i);
        assert_int_equal(find(answers, &command), ANSWERS_NEW);
        work_list_push(&works, begin(answers, &command));
    }
    assert_int_equal(find(answers, &command), ANSWERS_UNDER_WAY);
    command.request_id.bytes[0] = 1;
    assert_int_equal(find(answers, &command), ANSWERS_FULL);
    work_list_free(&works);
    assert_int_equal(find(answers, &command), ANSWERS_NEW);
    answers_destroy(answers);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_repeat_hears_the_same_answer),
        cmocka_unit_test(what_was_dropped_may_come_again),
        cmocka_unit_test(a_newer_epoch_decides_anew_and_an_older_one_never),
        cmocka_unit_test(answers_are_kept_until_the_deadline),
        cmocka_unit_test(a_work_outlives_its_deadline),
        cmocka_unit_test(too_many_under_way_are_not_taken),
    };
    return cmocka_run_group_tests(tests, make_pool, destroy_pool);
}
