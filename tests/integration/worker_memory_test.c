/* What a worker keeps in memory: idle shows are forgotten and come back as they were; a limit is
 * kept. */
#include "tests/integration/scene.h"
#include "tests/support/expect.h"
#include "tests/support/wait.h"

enum {
    FORGET_MS = 10000,
    SETTLE_MS = 30000,
    SHOWS = 40,
    SEATS = 4000,
    SHOW_BYTES_MIN = SEATS * 10,
    LOADS_AT_ONCE = 4
};

static void wait_for_shows(struct scene *scene, int64_t wanted) {
    struct wait wait = wait_at_most(FORGET_MS);
    while (stage_number(scene->stage, 0, "shows") != wanted)
        wait_again(&wait, "the worker to have forgotten its idle shows");
}

static void an_idle_show_is_forgotten_and_comes_back(void **state) {
    scene_open(state, (const char *const[]){"USHER_IDLE_SHOW_SECONDS=1", NULL});
    struct scene *scene = *state;
    int64_t sold = stage_show(scene->stage, &(struct stage_show){.seats = 4});
    int64_t held = stage_show(scene->stage, &(struct stage_show){.seats = 4});
    struct desk_ask *booking = desk_reserve(scene->desk, sold, 1);
    struct desk_ask *ended = desk_reserve(scene->desk, sold, 2);
    struct desk_ask *hold = desk_reserve(scene->desk, held, 1);
    assert_int_equal(desk_decide(scene->desk, booking)->code, REPLY_OK);
    assert_int_equal(desk_decide(scene->desk, ended)->code, REPLY_OK);
    assert_int_equal(desk_decide(scene->desk, hold)->code, REPLY_OK);
    assert_int_equal(
        desk_decide(scene->desk, desk_again(scene->desk, COMMAND_CONFIRM, booking))->code,
        REPLY_OK);
    assert_int_equal(desk_decide(scene->desk, desk_again(scene->desk, COMMAND_CANCEL, ended))->code,
                     REPLY_OK);

    /* The one with an open hold stays: it has to expire. */
    wait_for_shows(scene, 1);
    assert_int_equal(desk_decide(scene->desk, desk_again(scene->desk, COMMAND_CANCEL, hold))->code,
                     REPLY_OK);
    wait_for_shows(scene, 0);

    /* All is as it was, also what has ended. */
    assert_int_equal(desk_decide(scene->desk, desk_reserve(scene->desk, sold, 1))->code,
                     REPLY_SEAT_TAKEN);
    const struct reply *again =
        desk_decide(scene->desk, desk_again(scene->desk, COMMAND_CANCEL, ended));
    assert_int_equal(again->code, REPLY_OK);
    assert_true(again->replayed);
    assert_int_equal(
        desk_decide(scene->desk, desk_again(scene->desk, COMMAND_CONFIRM, ended))->code,
        REPLY_NOT_PENDING);
    assert_int_equal(desk_decide(scene->desk, desk_reserve(scene->desk, sold, 2))->code, REPLY_OK);
    stage_expect_sound_database(scene->stage);
    stage_finish(scene->stage);
}

/* More shows are asked for at once than there is room: all are answered, after one another. */
static void a_limit_of_memory_is_kept(void **state) {
    scene_open(state, (const char *const[]){"USHER_SHOW_MEMORY_MB=1", NULL});
    struct scene *scene = *state;
    struct desk_ask *asks[SHOWS];
    for (size_t i = 0; i < SHOWS; i++) {
        int64_t show = stage_show(scene->stage, &(struct stage_show){.seats = SEATS});
        asks[i] = desk_new(scene->desk, COMMAND_SNAPSHOT, show);
    }
    desk_send(scene->desk, asks, SHOWS);
    desk_settle(scene->desk, asks, SHOWS, SETTLE_MS);
    for (size_t i = 0; i < SHOWS; i++) {
        assert_int_equal(asks[i]->reply.code, REPLY_OK);
        assert_int_equal(asks[i]->reply.packed_seat_count, SEATS);
    }
    /* Loads were under way when the limit was reached. */
    expect(stage_number(scene->stage, 0, "shows") <= (1 << 20) / SHOW_BYTES_MIN + LOADS_AT_ONCE + 1,
           "more shows are kept than fit");
    stage_finish(scene->stage);
}

/* What is busy can't be forgotten: others are refused, until it is busy no more. */
static void who_does_not_fit_is_told_so(void **state) {
    scene_open(state, (const char *const[]){"USHER_SHOW_MEMORY_MB=1", NULL});
    struct scene *scene = *state;
    struct desk_ask *asks[SHOWS];
    int64_t refused = 0;
    for (size_t i = 0; i < SHOWS; i++) {
        int64_t show = stage_show(scene->stage, &(struct stage_show){.seats = SEATS});
        asks[i] = desk_reserve(scene->desk, show, 1);
    }
    desk_send(scene->desk, asks, SHOWS);
    desk_settle(scene->desk, asks, SHOWS, SETTLE_MS);
    for (size_t i = 0; i < SHOWS; i++) {
        expect(asks[i]->reply.code == REPLY_OK || asks[i]->reply.code == REPLY_OVERLOADED,
               "the answer is %d", asks[i]->reply.code);
        if (asks[i]->reply.code == REPLY_OVERLOADED)
            refused = (int64_t)asks[i]->command.event_id;
    }
    expect(refused > 0, "all fit");
    for (size_t i = 0; i < SHOWS; i++)
        if (asks[i]->reply.code == REPLY_OK)
            assert_int_equal(
                desk_decide(scene->desk, desk_again(scene->desk, COMMAND_CANCEL, asks[i]))->code,
                REPLY_OK);
    struct wait wait = wait_at_most(SETTLE_MS);
    while (desk_decide(scene->desk, desk_reserve(scene->desk, refused, 1))->code != REPLY_OK)
        wait_again(&wait, "the refused to be served");
    stage_expect_sound_database(scene->stage);
    stage_finish(scene->stage);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(an_idle_show_is_forgotten_and_comes_back, scene_tear_down),
        cmocka_unit_test_teardown(a_limit_of_memory_is_kept, scene_tear_down),
        cmocka_unit_test_teardown(who_does_not_fit_is_told_so, scene_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
