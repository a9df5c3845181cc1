/* What a worker answers, and how often: driven by a gateway that does what it wants. */
#include "tests/integration/scene.h"
#include "tests/support/expect.h"
#include "tests/support/wait.h"

enum { SILENCE_MS = 300, QUICK_MS = 5000 };

static void a_repeat_is_not_decided_again(void **state) {
    struct scene *scene = *state;
    int64_t show = stage_show(scene->stage, &(struct stage_show){.seats = 4});
    struct desk_ask *first = desk_reserve(scene->desk, show, 0);
    struct desk_ask *late = desk_reserve(scene->desk, show, 0);
    assert_int_equal(desk_decide(scene->desk, first)->code, REPLY_OK);
    assert_int_equal(desk_decide(scene->desk, late)->code, REPLY_SEAT_TAKEN);
    assert_int_equal(desk_decide(scene->desk, desk_again(scene->desk, COMMAND_CANCEL, first))->code,
                     REPLY_OK);

    /* The seat is free now; whoever was refused asks again, and hears what it has heard. */
    unsigned heard = late->heard;
    struct wait wait = wait_at_most(QUICK_MS);
    desk_send(scene->desk, &late, 1);
    while (late->heard == heard) {
        expect(!wait_is_over(&wait), "a repeat was not answered");
        desk_turn(scene->desk);
    }
    assert_false(late->differed);
    assert_int_equal(stage_booking_status(scene->stage, &late->command.booking_id), 0);
    /* As a new request it is decided. */
    assert_int_equal(desk_decide(scene->desk, desk_again(scene->desk, COMMAND_CONFIRM, late))->code,
                     REPLY_NOT_FOUND);
}

static void many_repeats_at_once_make_one_booking(void **state) {
    struct scene *scene = *state;
    int64_t show = stage_show(scene->stage, &(struct stage_show){.seats = 4});
    struct desk_ask *ask = desk_reserve(scene->desk, show, 0);
    for (int i = 0; i < 30; i++)
        desk_send(scene->desk, &ask, 1);
    desk_settle(scene->desk, &ask, 1, QUICK_MS);
    desk_turn_for(scene->desk, SILENCE_MS);
    assert_int_equal(ask->reply.code, REPLY_OK);
    assert_false(ask->reply.replayed);
    assert_false(ask->differed);
    /* The same booking by another request: as it is. */
    struct desk_ask *again = desk_reserve(scene->desk, show, 0);
    again->command.user = ask->command.user;
    again->command.booking_id = ask->command.booking_id;
    const struct reply *reply = desk_decide(scene->desk, again);
    assert_int_equal(reply->code, REPLY_OK);
    assert_true(reply->replayed);
    assert_int_equal(stage_event_number(scene->stage,
                                        "SELECT count(*) FROM usher.booking WHERE event_id = $1",
                                        show),
                     1);
}

/* Ends the write session: its last words were those of a batch without changes. */
static void end_write_session(struct scene *scene, int64_t show) {
    assert_int_equal(desk_decide(scene->desk, desk_new(scene->desk, COMMAND_SNAPSHOT, show))->code,
                     REPLY_OK);
    assert_int_equal(sql_number(scene->stage->sql,
                                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                                " WHERE application_name LIKE 'usher:%'"
                                " AND query LIKE '%AS mine(partition_id, epoch)%'",
                                NULL),
                     1);
}

static void wait_for_epoch_after(struct scene *scene, uint32_t partition, uint64_t epoch) {
    struct wait wait = wait_at_most(QUICK_MS);
    while (desk_epoch(scene->desk, partition) <= epoch) {
        expect(!wait_is_over(&wait), "no newer epoch was announced");
        desk_turn(scene->desk);
    }
}

static void another_epoch_is_told_so_and_decides_nothing(void **state) {
    struct scene *scene = *state;
    int64_t show = stage_show(scene->stage, &(struct stage_show){.seats = 4});
    struct desk_ask *kept = desk_reserve(scene->desk, show, 3);
    assert_int_equal(desk_decide(scene->desk, kept)->code, REPLY_OK);
    struct desk_ask *older = desk_reserve(scene->desk, show, 0);
    end_write_session(scene, show);
    wait_for_epoch_after(scene, older->command.partition, older->command.epoch);

    struct desk_ask *newer = desk_reserve(scene->desk, show, 1);
    newer->command.epoch++;
    struct desk_ask *both[] = {older, newer};
    desk_send(scene->desk, both, ARRAY_LEN(both));
    struct wait wait = wait_at_most(QUICK_MS);
    while (older->wrong_epochs == 0 || newer->wrong_epochs == 0) {
        expect(!wait_is_over(&wait), "nobody said that the epoch is wrong");
        desk_turn(scene->desk);
    }
    assert_false(older->answered || newer->answered);
    assert_int_equal(stage_booking_status(scene->stage, &older->command.booking_id), 0);
    /* Addressed again, it is decided; and what was stored before is known. */
    older->command.epoch = desk_epoch(scene->desk, older->command.partition);
    assert_int_equal(desk_decide(scene->desk, older)->code, REPLY_OK);
    assert_int_equal(desk_decide(scene->desk, desk_reserve(scene->desk, show, 3))->code,
                     REPLY_SEAT_TAKEN);
    assert_int_equal(desk_decide(scene->desk, desk_again(scene->desk, COMMAND_CONFIRM, kept))->code,
                     REPLY_OK);
}

/* The epoch is raised while a batch waits at its fence: the row it gets at last is not the one it
 * has asked for. */
static void a_fence_that_had_to_wait_holds(void **state) {
    struct scene *scene = *state;
    struct stage *stage = scene->stage;
    int64_t show = stage_show(stage, &(struct stage_show){.seats = 4});
    assert_int_equal(desk_decide(scene->desk, desk_new(scene->desk, COMMAND_SNAPSHOT, show))->code,
                     REPLY_OK);
    char url[SERVER_URL_SIZE];
    postgres_url(&stage->postgres, "usher", false, url);
    struct sql *thief = sql_open(url);
    char partition[16];
    (void)snprintf(partition, sizeof partition, "%u", partition_of_event((uint64_t)show));
    sql_run(thief, "BEGIN", NULL);
    sql_run(thief, "UPDATE usher.partition SET epoch = epoch + 1 WHERE partition_id = $1",
            (const char *[]){partition, NULL});

    struct desk_ask *hold = desk_reserve(scene->desk, show, 0);
    uint64_t epoch = hold->command.epoch;
    desk_send(scene->desk, &hold, 1);
    struct wait wait = wait_at_most(QUICK_MS);
    while (sql_number(stage->sql,
                      "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                      " AND application_name LIKE 'usher:%'",
                      NULL) == 0) {
        expect(!wait_is_over(&wait), "no batch waits at its fence");
        desk_turn(scene->desk);
    }
    sql_run(thief, "COMMIT", NULL);
    sql_close(thief);
    desk_settle(scene->desk, &hold, 1, QUICK_MS);
    assert_int_equal(hold->reply.code, REPLY_OK);
    assert_false(hold->reply.replayed);
    assert_true(hold->reply.epoch > epoch);
}

static void past_its_deadline_nothing_is_decided(void **state) {
    struct scene *scene = *state;
    int64_t show = stage_show(scene->stage, &(struct stage_show){.seats = 4});
    struct desk_ask *late = desk_reserve(scene->desk, show, 0);
    late->command.deadline_us -= (DESK_DEADLINE_MS + 1) * INT64_C(1000);
    struct desk_ask *good = desk_reserve(scene->desk, show, 0);
    struct desk_ask *both[] = {late, good};
    desk_send(scene->desk, both, ARRAY_LEN(both));
    desk_settle(scene->desk, &good, 1, QUICK_MS);
    assert_int_equal(good->reply.code, REPLY_OK);
    assert_int_equal(late->heard + late->wrong_epochs, 0);
}

static void an_unknown_event_is_not_found(void **state) {
    struct scene *scene = *state;
    const int64_t nowhere = 987654321;
    assert_int_equal(desk_decide(scene->desk, desk_reserve(scene->desk, nowhere, 0))->code,
                     REPLY_NOT_FOUND);
    assert_int_equal(
        desk_decide(scene->desk, desk_new(scene->desk, COMMAND_SNAPSHOT, nowhere))->code,
        REPLY_NOT_FOUND);
}

/* A snapshot asked for in the frame that changes the map shows the change, and its version. */
static void a_snapshot_is_of_its_batch(void **state) {
    struct scene *scene = *state;
    int64_t show = stage_show(scene->stage, &(struct stage_show){.seats = 9});
    struct desk_ask *snapshot = desk_new(scene->desk, COMMAND_SNAPSHOT, show);
    struct desk_ask *hold = desk_reserve(scene->desk, show, 7);
    struct desk_ask *both[] = {snapshot, hold};
    desk_send(scene->desk, both, ARRAY_LEN(both));
    desk_settle(scene->desk, both, ARRAY_LEN(both), QUICK_MS);
    assert_int_equal(hold->reply.code, REPLY_OK);
    assert_int_equal(snapshot->reply.code, REPLY_OK);
    assert_int_equal(snapshot->reply.packed_seat_count, 9);
    assert_int_equal(packed_seats_get(snapshot->reply.packed_seats, 7), SEAT_HELD);
    assert_int_equal(packed_seats_get(snapshot->reply.packed_seats, 6), SEAT_AVAILABLE);
    assert_int_equal(stage_event_number(scene->stage,
                                        "SELECT seats_version FROM usher.show WHERE event_id = $1",
                                        show),
                     snapshot->reply.seats_version);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_repeat_is_not_decided_again),
        cmocka_unit_test(many_repeats_at_once_make_one_booking),
        cmocka_unit_test(another_epoch_is_told_so_and_decides_nothing),
        cmocka_unit_test(a_fence_that_had_to_wait_holds),
        cmocka_unit_test(past_its_deadline_nothing_is_decided),
        cmocka_unit_test(an_unknown_event_is_not_found),
        cmocka_unit_test(a_snapshot_is_of_its_batch),
        cmocka_unit_test(scene_ends_well),
    };
    return cmocka_run_group_tests(tests, scene_set_up, scene_tear_down);
}
