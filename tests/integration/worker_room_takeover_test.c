/*
 * A room whose owner dies in the middle: the next one goes on with all that was answered, by
 * itself.
 */
#include "tests/integration/crowd.h"
#include "tests/support/expect.h"
#include "tests/support/wait.h"

#include "shared/ids.h"

enum { END_MS = 15000, SEATS = 200, LOST = 5, LEAVER = 8, MOVER = 9 };

#define FAST "\"mode\":\"open\",\"admitsPerMinute\":600000,\"maxShoppers\":2000"
static const char fast[] = "{" FAST "}";
static const char brief[] = "{" FAST ",\"claimSeconds\":2,\"passSeconds\":2}";

static struct crowd *open_crowd(struct scene *scene, const char *room) {
    return crowd_open(scene, &(struct stage_show){.seats = SEATS}, room);
}

static void kill_and_start_again(struct stage *stage) {
    process_kill(stage->workers[0].process);
    process_destroy(stage->workers[0].process);
    stage->workers[0].process = NULL;
    stage_start_worker(stage, 0, NULL, NULL);
}

static void its_owner_is_killed(void **state) {
    scene_open(state, NULL);
    struct scene *scene = *state;
    struct desk *desk = scene->desk;
    struct crowd *crowd = open_crowd(scene, fast);
    const struct id128 account = id128_random();
    crowd_admit(crowd, 1, 5);
    for (uint64_t number = 2; number <= 5; number++)
        assert_int_equal(crowd_decide(crowd, COMMAND_ROOM_CLAIM, number), REPLY_OK);
    struct desk_ask *hold = crowd_reserve(crowd, 3, 0), *sold = crowd_reserve(crowd, 4, 1);
    assert_int_equal(desk_decide(desk, hold)->code, REPLY_OK);
    assert_int_equal(desk_decide(desk, sold)->code, REPLY_OK);
    assert_int_equal(desk_decide(desk, desk_again(desk, COMMAND_CONFIRM, sold))->code, REPLY_OK);
    assert_int_equal(crowd_decide(crowd, COMMAND_ROOM_LEAVE, 5), REPLY_OK);
    assert_int_equal(crowd_decide(crowd, COMMAND_ROOM_ISSUE, MOVER), REPLY_OK);
    assert_int_equal(crowd_decide(crowd, COMMAND_ROOM_LEAVE, LEAVER), REPLY_OK);
    struct desk_ask *move = crowd_ask(crowd, COMMAND_ROOM_MOVE, MOVER);
    move->command.new_user = account;
    assert_int_equal(desk_decide(desk, move)->code, REPLY_OK);
    int64_t issued_to = crowd_record(crowd, "issued_to");

    kill_and_start_again(scene->stage);
    assert_int_equal(crowd_decide(crowd, COMMAND_ROOM_CLAIM, 1), REPLY_OK);
    assert_int_equal(desk_decide(desk, crowd_reserve(crowd, 2, 2))->code, REPLY_OK);
    assert_int_equal(desk_decide(desk, crowd_reserve(crowd, 3, 3))->code, REPLY_PASS_BUSY);
    assert_int_equal(desk_decide(desk, desk_again(desk, COMMAND_CONFIRM, hold))->code, REPLY_OK);
    assert_int_equal(crowd_stored(crowd, 3), TURN_BOUGHT);
    assert_int_equal(desk_decide(desk, crowd_reserve(crowd, 4, 4))->code, REPLY_BAD_PASS);
    assert_int_equal(crowd_decide(crowd, COMMAND_ROOM_CLAIM, 5), REPLY_TURN_MISSED);
    assert_int_equal(desk_decide(desk, crowd_report(crowd, 5, 1))->code, REPLY_INVALID);
    crowd_admit(crowd, 6, 4);
    assert_int_equal(crowd_stored(crowd, LEAVER), TURN_LEFT);
    move = crowd_ask(crowd, COMMAND_ROOM_CLAIM, MOVER);
    assert_int_equal(desk_decide(desk, move)->code, REPLY_BAD_NUMBER); /* not the guest's now */
    move = crowd_ask(crowd, COMMAND_ROOM_CLAIM, MOVER);
    move->command.user = account;
    assert_int_equal(desk_decide(desk, move)->code, REPLY_OK);
    assert_int_equal(crowd_record(crowd, "issued_to"), issued_to);
    assert_int_equal(crowd_record(crowd, "claimed"), 6);
    /* NATS was the same all the time: no number is put in doubt. */
    assert_int_equal(stage_event_number(scene->stage,
                                        "SELECT count(*) FROM usher.room_span WHERE event_id = $1",
                                        crowd->show),
                     1);
    crowd_expect_sound_rooms(scene->stage);
    stage_expect_sound_database(scene->stage);
    crowd_close(crowd);
    stage_finish(scene->stage);
}

/* With a commit sent of which it never hears: what was asked is repeated, and has happened once. */
static void its_owner_is_killed_with_a_commit_sent(void **state) {
    scene_open(state, NULL);
    struct scene *scene = *state;
    struct stage_worker *worker = &scene->stage->workers[0];
    struct crowd *crowd = open_crowd(scene, fast);
    crowd_admit_and_claim(crowd, 1, 1);
    folder_write(worker->failpoints, "committer.commit-sent", 0644, "kill");
    struct desk_ask *asks[] = {crowd_report(crowd, 2, 1), crowd_reserve(crowd, 1, 0)};
    desk_send(scene->desk, asks, ARRAY_LEN(asks));
    assert_true(process_wait(worker->process, END_MS, NULL));
    process_destroy(worker->process);
    worker->process = NULL;
    stage_start_worker(scene->stage, 0, NULL, NULL);
    desk_settle(scene->desk, asks, ARRAY_LEN(asks), END_MS);
    assert_int_equal(asks[1]->reply.code, REPLY_OK);
    crowd_admit(crowd, (uint64_t)crowd_record(crowd, "admitted_to") + 1, 2);
    assert_int_equal(crowd_stored(crowd, 2), TURN_CALLED);
    assert_int_equal(
        desk_decide(scene->desk, desk_again(scene->desk, COMMAND_CONFIRM, asks[1]))->code,
        REPLY_OK);
    assert_int_equal(crowd_stored(crowd, 1), TURN_BOUGHT);
    crowd_expect_sound_rooms(scene->stage);
    crowd_close(crowd);
    stage_finish(scene->stage);
}

/* The next owner finds the room by itself: turns end in it, and its stream is looked at. */
static void nobody_asks_its_next_owner(void **state) {
    scene_open(state, NULL);
    struct scene *scene = *state;
    struct crowd *crowd = open_crowd(scene, brief);
    crowd_admit_and_claim(crowd, 1, 1);
    crowd_admit(crowd, 2, 1);
    kill_and_start_again(scene->stage);
    crowd_wait_stored(crowd, 1, TURN_OVER, END_MS);
    crowd_wait_stored(crowd, 2, TURN_MISSED, END_MS);
    crowd_expect_sound_rooms(scene->stage);
    crowd_close(crowd);
    stage_finish(scene->stage);
}

/* NATS forgets the numbers that were given: whoever shows one is called when it is due, once, and
 * every owner knows what became of it. */
static void a_roll_call_goes_on(void **state) {
    scene_open(state, NULL);
    struct scene *scene = *state;
    struct crowd *crowd = open_crowd(scene, brief);
    crowd_admit(crowd, 1, 2);
    assert_int_equal(crowd_decide(crowd, COMMAND_ROOM_ISSUE, 10), REPLY_OK);
    nats_kill(&scene->stage->nats);
    nats_start(&scene->stage->nats);
    crowd_wait_spans(crowd, 2);
    assert_int_equal(crowd_decide(crowd, COMMAND_ROOM_CLAIM, LOST), REPLY_NOT_YOUR_TURN);
    assert_int_equal(crowd_stored(crowd, LOST), TURN_WAITING);
    kill_and_start_again(scene->stage);
    crowd_wait_stored(crowd, LOST, TURN_CALLED, END_MS);
    assert_int_equal(crowd_decide(crowd, COMMAND_ROOM_CLAIM, LOST), REPLY_OK);
    assert_int_equal(crowd_decide(crowd, COMMAND_ROOM_LEAVE, LOST), REPLY_OK);
    kill_and_start_again(scene->stage);
    assert_int_equal(crowd_decide(crowd, COMMAND_ROOM_CLAIM, LOST), REPLY_TURN_MISSED);
    int64_t first = stage_event_number(
        scene->stage, "SELECT max(first_number) FROM usher.room_span WHERE event_id = $1",
        crowd->show);
    assert_true(first > 10);
    crowd_admit(crowd, (uint64_t)first, 1);
    assert_int_equal(crowd_decide(crowd, COMMAND_ROOM_CLAIM, LOST + 1), REPLY_NOT_YOUR_TURN);
    crowd_wait_stored(crowd, LOST + 1, TURN_CALLED, END_MS); /* late, and still let in */
    crowd_close(crowd);
    stage_finish(scene->stage);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(its_owner_is_killed, scene_tear_down),
        cmocka_unit_test_teardown(its_owner_is_killed_with_a_commit_sent, scene_tear_down),
        cmocka_unit_test_teardown(nobody_asks_its_next_owner, scene_tear_down),
        cmocka_unit_test_teardown(a_roll_call_goes_on, scene_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
