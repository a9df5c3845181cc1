/* A room without NATS, and one that nobody asks about. */
#include "tests/integration/crowd.h"
#include "tests/support/expect.h"
#include "tests/support/wait.h"

enum {
    NOTICE_MS = 10000,
    END_MS = 15000,
    SEATS = 200,
    WINDOW_SECONDS = 4, /* as in `brief` */
};

#define FAST "\"mode\":\"open\",\"admitsPerMinute\":600000,\"maxShoppers\":2000"
static const char fast[] = "{" FAST "}";
static const char brief[] = "{" FAST ",\"claimSeconds\":4,\"passSeconds\":4}";

static struct crowd *open_crowd(struct scene *scene, const char *room) {
    return crowd_open(scene, &(struct stage_show){.seats = SEATS}, room);
}

/* NATS is away for longer than a turn or a pass lasts. */
static void nobody_loses_a_turn_without_nats(void **state) {
    scene_open(state, NULL);
    struct scene *scene = *state;
    struct crowd *crowd = open_crowd(scene, brief);
    crowd_admit_and_claim(crowd, 1, 1);
    crowd_admit(crowd, 2, 2);
    int64_t called_ms = wait_now_ms();
    nats_kill(&scene->stage->nats);
    stage_wait_partitions(scene->stage, 0, 0, NOTICE_MS);
    struct wait wait = wait_at_most(NOTICE_MS);
    while (wait_now_ms() - called_ms < WINDOW_SECONDS * 1000)
        wait_again(&wait, "turns to be over by the wall clock");
    assert_int_equal(crowd_stored(crowd, 1), TURN_PASS);
    assert_int_equal(crowd_stored(crowd, 2), TURN_CALLED);
    nats_start(&scene->stage->nats);
    assert_int_equal(crowd_decide(crowd, COMMAND_ROOM_CLAIM, 2), REPLY_OK);
    assert_int_equal(desk_decide(scene->desk, crowd_reserve(crowd, 1, 0))->code, REPLY_OK);
    /* And afterwards time runs. */
    crowd_wait_stored(crowd, 3, TURN_MISSED, END_MS);
    crowd_close(crowd);
    stage_finish(scene->stage);
}

static void wait_for_shows(struct scene *scene, int64_t wanted) {
    struct wait wait = wait_at_most(NOTICE_MS);
    while (stage_number(scene->stage, 0, "shows") != wanted)
        wait_again(&wait, "the worker to have forgotten what is idle");
}

/* A room that is on is not forgotten, and neither is one in which somebody has a turn. */
static void what_is_on_stays(void **state) {
    scene_open(state, (const char *const[]){"USHER_IDLE_SHOW_SECONDS=1", NULL});
    struct scene *scene = *state;
    struct crowd *crowd = open_crowd(scene, fast);
    int64_t idle = stage_show(scene->stage, &(struct stage_show){.seats = SEATS});
    struct desk_ask *look = desk_new(scene->desk, COMMAND_SNAPSHOT, idle);
    assert_int_equal(desk_decide(scene->desk, look)->code, REPLY_OK);
    wait_for_shows(scene, 1);
    crowd_admit(crowd, 1, 1);
    assert_int_equal(crowd_patch(crowd, "{\"room\":{\"mode\":\"closed\"}}"), REPLY_OK);
    look = desk_new(scene->desk, COMMAND_SNAPSHOT, idle);
    assert_int_equal(desk_decide(scene->desk, look)->code, REPLY_OK);
    wait_for_shows(scene, 1);
    assert_int_equal(crowd_decide(crowd, COMMAND_ROOM_LEAVE, 1), REPLY_OK);
    wait_for_shows(scene, 0);
    crowd_close(crowd);
    stage_finish(scene->stage);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(nobody_loses_a_turn_without_nats, scene_tear_down),
        cmocka_unit_test_teardown(what_is_on_stays, scene_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
