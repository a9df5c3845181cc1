/* Whether the door waits before a gap: it depends on who may have answered numbers of it. */
#include "tests/unit/room_fixture.h"

/* A gateway asks for numbers of the newest span. */
static enum reply_code attend(struct stage *stage, uint64_t gateway, uint64_t answered) {
    struct command command = {.kind = COMMAND_ROOM_ISSUE,
                              .event_id = EVENT,
                              .queue_number = answered,
                              .span = room_get_line(stage->room)->count - 1,
                              .answered = answered,
                              .gateway = gateway};
    return decide(stage, &command);
}

/* All six are called; the door stands before what comes next. */
static void call_all(struct stage *stage) {
    struct room_settings many = stage->settings;
    many.max_shoppers = PEOPLE + 1;
    room_set_settings(stage->room, &many);
    look(stage, PEOPLE);
    keep_pace(stage, 1000);
    assert_int_equal(report(stage, 1, 1, PEOPLE), REPLY_OK);
}

static bool gap_is_passed(struct stage *stage) {
    keep_pace(stage, 200);
    return room_get_record(stage->room)->admitted_to > PEOPLE;
}

static void test_an_empty_gap_is_passed_at_once(void **state) {
    struct stage *stage = *state;
    assert_int_equal(attend(stage, 8, 0), REPLY_OK);
    assert_int_equal(vouch(stage, "run-2", "monday", PEOPLE), REPLY_OK);
    call_all(stage);
    assert_false(gap_is_passed(stage));
    assert_int_equal(attend(stage, 0, PEOPLE), REPLY_OK); /* who asked before anybody joined */
    assert_false(gap_is_passed(stage));
    assert_int_equal(attend(stage, 8, 2), REPLY_OK);
    assert_int_equal(attend(stage, 9, 0), REPLY_OK); /* a new one */
    assert_true(gap_is_passed(stage));
    assert_int_equal(room_get_record(stage->room)->admitted_to, PEOPLE + ROOM_ISSUE_AHEAD);
}

static void test_a_gap_with_an_answered_number_is_not(void **state) {
    struct stage *stage = *state;
    assert_int_equal(vouch(stage, "run-2", "monday", PEOPLE), REPLY_OK);
    call_all(stage);
    assert_int_equal(attend(stage, 0, PEOPLE + 1), REPLY_OK);
    assert_int_equal(attend(stage, 0, PEOPLE), REPLY_OK); /* its first word counts */
    assert_false(gap_is_passed(stage));
    keep_pace(stage, CLAIM_MS);
    assert_true(gap_is_passed(stage));
}

/* Who answered in the old span is of no matter to the gaps of later ones. */
static void test_the_dead_of_older_spans_do_not_count(void **state) {
    struct stage *stage = *state;
    assert_int_equal(vouch(stage, "run-2", "monday", PEOPLE), REPLY_OK);
    call_all(stage);
    keep_pace(stage, CLAIM_MS);
    assert_true(gap_is_passed(stage));
    assert_int_equal(attend(stage, 8, 0), REPLY_OK);
    assert_int_equal(vouch(stage, "run-3", "monday", PEOPLE), REPLY_OK);
    uint64_t before = room_get_line(stage->room)->spans[2].first_number - 1;
    keep_pace(stage, 200);
    assert_true(room_get_record(stage->room)->admitted_to < before);
    assert_int_equal(attend(stage, 8, 0), REPLY_OK);
    keep_pace(stage, 200);
    assert_int_equal(room_get_record(stage->room)->admitted_to, before);
}

/* Nobody knows who asked the owner before. */
static void test_an_owner_who_came_later_waits(void **state) {
    struct stage *stage = *state;
    struct room *loaded = room_create(EVENT, &stage->settings, WAITING_LIMIT);
    assert_non_null(loaded);
    assert_int_equal(room_restore_record(loaded, room_get_record(stage->room)), STATUS_OK);
    assert_int_equal(room_restore_vouch(loaded, room_get_vouch(stage->room)), STATUS_OK);
    room_destroy(stage->room);
    stage->room = loaded;
    assert_int_equal(attend(stage, 8, 0), REPLY_OK);
    assert_int_equal(vouch(stage, "run-2", "monday", PEOPLE), REPLY_OK);
    assert_int_equal(attend(stage, 8, PEOPLE), REPLY_OK);
    call_all(stage);
    assert_false(gap_is_passed(stage));
    keep_pace(stage, CLAIM_MS);
    assert_true(gap_is_passed(stage));
    assert_int_equal(vouch(stage, "run-3", "monday", PEOPLE), REPLY_OK); /* that it knows */
    assert_int_equal(attend(stage, 8, PEOPLE), REPLY_OK);
    keep_pace(stage, 200);
    assert_int_equal(room_get_record(stage->room)->admitted_to,
                     room_get_line(stage->room)->spans[2].first_number - 1);
}

static void test_more_gateways_than_can_be_known(void **state) {
    struct stage *stage = *state;
    for (uint64_t gateway = 0; gateway <= ROOM_GATEWAYS_MAX; gateway++) {
        assert_int_equal(attend(stage, gateway, 0), REPLY_OK);
    }
    assert_int_equal(vouch(stage, "run-2", "monday", PEOPLE), REPLY_OK);
    call_all(stage);
    for (uint64_t gateway = 0; gateway < ROOM_GATEWAYS_MAX; gateway++) {
        assert_int_equal(attend(stage, gateway, 0), REPLY_OK);
    }
    assert_false(gap_is_passed(stage));
    keep_pace(stage, CLAIM_MS);
    assert_true(gap_is_passed(stage));
    assert_int_equal(vouch(stage, "run-3", "monday", PEOPLE), REPLY_OK);
    keep_pace(stage, CLAIM_MS + ROOM_ROLL_MS);
    /* All of them are of no matter any more. */
    for (uint64_t gateway = 100; gateway < 100 + ROOM_GATEWAYS_MAX; gateway++) {
        assert_int_equal(attend(stage, gateway, 0), REPLY_OK);
    }
    assert_int_equal(vouch(stage, "run-4", "monday", PEOPLE), REPLY_OK);
    for (uint64_t gateway = 100; gateway < 100 + ROOM_GATEWAYS_MAX; gateway++) {
        assert_int_equal(attend(stage, gateway, 0), REPLY_OK);
    }
    keep_pace(stage, 200);
    assert_int_equal(room_get_record(stage->room)->admitted_to,
                     room_get_line(stage->room)->spans[3].first_number - 1);
}

static void test_numbers_of_an_older_span_are_not_issued(void **state) {
    struct stage *stage = *state;
    assert_int_equal(vouch(stage, "run-2", "monday", PEOPLE), REPLY_OK);
    assert_int_equal(ask(stage, COMMAND_ROOM_ISSUE, 0, 5000), REPLY_CONFLICT);
    assert_int_equal(stage->changes.count, 0);
}

int main(void) {
#define STORY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        STORY(test_an_empty_gap_is_passed_at_once),
        STORY(test_a_gap_with_an_answered_number_is_not),
        STORY(test_the_dead_of_older_spans_do_not_count),
        STORY(test_an_owner_who_came_later_waits),
        STORY(test_more_gateways_than_can_be_known),
        STORY(test_numbers_of_an_older_span_are_not_issued),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
