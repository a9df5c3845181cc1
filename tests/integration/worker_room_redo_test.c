/*
 * Rooms' batches that the database refuses, or that don't fit what is stored: nothing is half done,
 * and nobody else's room stands still.
 */
#include "tests/integration/crowd.h"
#include "tests/support/expect.h"
#include "tests/support/wait.h"

#include <inttypes.h>

enum { QUICK_MS = 8000, END_MS = 20000, SEATS = 20 };

#define FAST "\"mode\":\"open\",\"admitsPerMinute\":600000,\"maxShoppers\":2000"
static const char fast[] = "{" FAST "}";
static const char brief[] = "{" FAST ",\"claimSeconds\":1}";

static struct crowd *open_crowd(struct scene *scene, const char *room) {
    return crowd_open(scene, &(struct stage_show){.seats = SEATS}, room);
}

/* What the database refuses is not half done: the pass is as good as before. */
static void a_poisonous_hold_leaves_the_pass(void **state) {
    struct crowd *crowd = open_crowd(*state, fast);
    crowd_admit_and_claim(crowd, 1, 2);
    scene_poison(crowd->scene, &crowd->users[1], "0");
    struct desk_ask *asks[] = {crowd_reserve(crowd, 1, 0), crowd_reserve(crowd, 2, 1),
                               crowd_report(crowd, 3, 1)};
    desk_send(crowd->scene->desk, asks, ARRAY_LEN(asks));
    desk_settle(crowd->scene->desk, asks, ARRAY_LEN(asks), QUICK_MS);
    assert_int_equal(asks[0]->reply.code, REPLY_INTERNAL);
    assert_int_equal(asks[1]->reply.code, REPLY_OK);
    assert_int_equal(crowd_stored(crowd, 1), TURN_PASS);
    sql_run(crowd->scene->stage->sql, "DELETE FROM usher.test_poison", NULL);
    assert_int_equal(desk_decide(crowd->scene->desk, crowd_reserve(crowd, 1, 0))->code, REPLY_OK);
    crowd_admit(crowd, (uint64_t)crowd_record(crowd, "admitted_to") + 1, 1);
    crowd_close(crowd);
}

/* The turn is somebody else's, and the door further, behind the worker's back. */
static void rows_changed_behind_its_back(void **state) {
    struct crowd *crowd = open_crowd(*state, fast);
    crowd_admit(crowd, 1, 2);
    int64_t redone = stage_number(crowd->scene->stage, 0, "redone");
    char event[24];
    (void)snprintf(event, sizeof event, "%" PRId64, crowd->show);
    const char *const parameters[] = {event, NULL};
    sql_run(crowd->scene->stage->sql,
            "UPDATE usher.turn SET user_id = gen_random_uuid() WHERE event_id = $1 AND number = 1",
            parameters);
    assert_int_equal(crowd_decide(crowd, COMMAND_ROOM_CLAIM, 1), REPLY_BAD_NUMBER);
    assert_true(stage_number(crowd->scene->stage, 0, "redone") > redone);
    sql_run(crowd->scene->stage->sql,
            "INSERT INTO usher.turn (event_id, number, user_id, state, ended_at)"
            " VALUES ($1, 3, gen_random_uuid(), 8, clock_timestamp())",
            parameters);
    sql_run(crowd->scene->stage->sql,
            "UPDATE usher.room SET admitted_to = 3, issued_to = 3 WHERE event_id = $1", parameters);
    redone = stage_number(crowd->scene->stage, 0, "redone");
    struct wait wait = wait_at_most(QUICK_MS);
    while (stage_number(crowd->scene->stage, 0, "redone") == redone) {
        assert_int_equal(desk_decide(crowd->scene->desk, crowd_report(crowd, 3, 1))->code,
                         REPLY_INVALID);
        wait_again(&wait, "the door to call number 3");
    }
    crowd_admit(crowd, 4, 1);
    assert_int_equal(crowd_record(crowd, "admitted_to"), 4);
    crowd_close(crowd);
}

/* A turn whose end the database refuses keeps no other room's from ending. */
static void a_poisonous_end_stays_alone(void **state) {
    struct scene *scene = *state;
    struct crowd *poisonous = open_crowd(scene, brief), *stranger = open_crowd(scene, brief);
    sql_run(scene->stage->sql,
            "CREATE TRIGGER test_refuse BEFORE UPDATE ON usher.turn"
            " FOR EACH ROW EXECUTE FUNCTION usher.test_refuse()",
            NULL);
    crowd_admit(poisonous, 1, 1);
    scene_poison(scene, &poisonous->users[1], "0");
    crowd_admit(stranger, 1, 1);
    crowd_wait_stored(stranger, 1, TURN_MISSED, END_MS);
    assert_int_equal(crowd_stored(poisonous, 1), TURN_CALLED);
    sql_run(scene->stage->sql, "DELETE FROM usher.test_poison", NULL);
    crowd_wait_stored(poisonous, 1, TURN_MISSED, END_MS);
    crowd_close(poisonous);
    crowd_close(stranger);
}

static void rooms_are_sound(void **state) {
    struct scene *scene = *state;
    crowd_expect_sound_rooms(scene->stage);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_poisonous_hold_leaves_the_pass),
        cmocka_unit_test(rows_changed_behind_its_back),
        cmocka_unit_test(a_poisonous_end_stays_alone),
        cmocka_unit_test(rooms_are_sound),
        cmocka_unit_test(scene_ends_well),
    };
    return cmocka_run_group_tests(tests, scene_set_up, scene_tear_down);
}
