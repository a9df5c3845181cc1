/* The database answers and stores nothing: turns wait, and so does a partition that is given up. */
#include "tests/integration/crowd.h"
#include "tests/support/expect.h"
#include "tests/support/wait.h"

enum {
    NOTICE_MS = 10000,
    END_MS = 15000,
    SEATS = 200,
    WINDOW_SECONDS = 5, /* as in `brief` */
};

#define FAST "\"mode\":\"open\",\"admitsPerMinute\":600000,\"maxShoppers\":2000"
static const char fast[] = "{" FAST "}";
static const char brief[] = "{" FAST ",\"claimSeconds\":5,\"passSeconds\":5}";

/* A booking that can't be stored before release: no batch can. */
static void obstruct(struct scene *scene, int64_t show) {
    struct desk_ask *slow = desk_reserve(scene->desk, show, 0);
    struct wait wait = wait_at_most(NOTICE_MS);
    sql_run(scene->stage->sql, "BEGIN", NULL);
    (void)stage_event_number(
        scene->stage, "SELECT event_id FROM usher.show WHERE event_id = $1 FOR UPDATE", show);
    desk_send(scene->desk, &slow, 1);
    while (sql_number(scene->stage->sql, "SELECT count(*) FROM pg_locks WHERE NOT granted", NULL) ==
           0)
        wait_again(&wait, "the booking to wait for the test");
}

static void release(struct scene *scene) {
    sql_run(scene->stage->sql, "COMMIT", NULL);
}

/* Nothing is stored, and so nobody answered, for longer than a turn, a pass or a hold lasts. */
static void nobody_loses_a_turn_while_nothing_is_stored(void **state) {
    scene_open(state, NULL);
    struct scene *scene = *state;
    int64_t other = stage_show(scene->stage, &(struct stage_show){.seats = 1});
    struct crowd *crowd = crowd_open(
        scene, &(struct stage_show){.seats = SEATS, .hold_seconds = WINDOW_SECONDS}, brief);
    crowd_admit_and_claim(crowd, 1, 2);
    crowd_admit(crowd, 3, 1);
    struct desk_ask *hold = crowd_reserve(crowd, 1, 0);
    assert_int_equal(desk_decide(scene->desk, hold)->code, REPLY_OK);
    int64_t held_ms = wait_now_ms();
    obstruct(scene, other);
    struct wait wait = wait_at_most(NOTICE_MS);
    while (wait_now_ms() - held_ms < WINDOW_SECONDS * 1000)
        wait_again(&wait, "turns to be over by the wall clock");
    release(scene);
    assert_int_equal(crowd_decide(crowd, COMMAND_ROOM_CLAIM, 3), REPLY_OK);
    assert_int_equal(desk_decide(scene->desk, desk_again(scene->desk, COMMAND_CONFIRM, hold))->code,
                     REPLY_OK);
    assert_int_equal(desk_decide(scene->desk, crowd_reserve(crowd, 2, 1))->code, REPLY_OK);
    /* And afterwards time runs. */
    crowd_wait_stored(crowd, 3, TURN_OVER, END_MS);
    crowd_close(crowd);
    stage_finish(scene->stage);
}

/* Another show that the same worker always has: of the same partition. */
static int64_t neighbour_of(struct scene *scene, int64_t show) {
    int64_t other = 0;
    do
        other = stage_show(scene->stage, &(struct stage_show){.seats = 1});
    while (partition_of_event((uint64_t)other) != partition_of_event((uint64_t)show));
    return other;
}

/* NATS comes back when the worker has given all up, but for one partition that still waits for the
 * database to store another show's booking: that one is kept, and its room goes on. */
static void a_partition_that_is_kept_after_all_goes_on(void **state) {
    scene_open(state, NULL);
    struct scene *scene = *state;
    struct crowd *crowd = crowd_open(scene, &(struct stage_show){.seats = SEATS}, fast);
    obstruct(scene, neighbour_of(scene, crowd->show));
    nats_kill(&scene->stage->nats);
    stage_wait_partitions(scene->stage, 0, 1, NOTICE_MS);
    nats_start(&scene->stage->nats);
    stage_wait_partitions(scene->stage, 0, PARTITION_COUNT, NOTICE_MS);
    release(scene);
    crowd_wait_spans(crowd, 2);
    crowd_close(crowd);
    stage_finish(scene->stage);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(nobody_loses_a_turn_while_nothing_is_stored, scene_tear_down),
        cmocka_unit_test_teardown(a_partition_that_is_kept_after_all_goes_on, scene_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
