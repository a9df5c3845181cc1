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
    struct crowd *crowd = open_crowd(scene, fast);
    struct desk_ask *slow = desk_reserve(scene->desk, neighbour_of(scene, crowd->show), 0);
    struct wait wait = wait_at_most(NOTICE_MS);
    sql_run(scene->stage->sql, "BEGIN", NULL);
    (void)stage_event_number(scene->stage,
                             "SELECT event_id FROM usher.show WHERE event_id = $1 FOR UPDATE",
                             (int64_t)slow->command.event_id);
    desk_send(scene->desk, &slow, 1);
    while (sql_number(scene->stage->sql, "SELECT count(*) FROM pg_locks WHERE NOT granted", NULL) ==
           0)
        wait_again(&wait, "the booking to wait for the test");
    nats_kill(&scene->stage->nats);
    stage_wait_partitions(scene->stage, 0, 1, NOTICE_MS);
    nats_start(&scene->stage->nats);
    stage_wait_partitions(scene->stage, 0, PARTITION_COUNT, NOTICE_MS);
    sql_run(scene->stage->sql, "COMMIT", NULL);
    crowd_wait_spans(crowd, 2);
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
        cmocka_unit_test_teardown(a_partition_that_is_kept_after_all_goes_on, scene_tear_down),
        cmocka_unit_test_teardown(what_is_on_stays, scene_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
