/* What the waiting room promises, as short stories. Breadth is the simulator's matter (tests/sim).
 */
#include "shared/id_map.h"
#include "tests/unit/room_fixture.h"

static enum reply_code move(struct stage *stage, uint8_t user, uint64_t number, uint8_t new_user) {
    struct command command = {.kind = COMMAND_ROOM_MOVE,
                              .event_id = EVENT,
                              .user = USER(user),
                              .queue_number = number,
                              .new_user = USER(new_user)};
    return decide(stage, &command);
}

static enum reply_code check_pass(struct stage *stage, uint8_t user, uint64_t number) {
    struct command reserve = {.kind = COMMAND_RESERVE,
                              .event_id = EVENT,
                              .user = USER(user),
                              .pass = PASS_GOOD,
                              .queue_number = number};
    return room_check_pass(stage->room, &reserve, &stage->facts, &stage->time);
}

static void follow(struct stage *stage, uint64_t number, enum booking_status before,
                   enum booking_status after) {
    struct show_change change = {
        .before = before,
        .booking = {.id = {{[0] = 0xb, [15] = (uint8_t)number}},
                    .queue_number = number,
                    .status = after},
    };
    room_follow(stage->room, &change, &stage->time, &stage->changes);
}

static enum turn_state state_of(const struct stage *stage, uint64_t number) {
    const struct turn *turn = room_get_turn(stage->room, number);
    return turn == NULL ? TURN_NONE : turn->state;
}

/* The change of that number in the last decision. */
static const struct room_change *changed(const struct stage *stage, uint64_t number) {
    for (size_t i = 0; i < stage->changes.count; i++) {
        const struct room_change *change = &stage->changes.items[i];
        if (change->kind == ROOM_CHANGE_TURN && change->turn.number == number) {
            return change;
        }
    }
    return NULL;
}

static void test_people_are_called_claim_and_buy(void **state) {
    struct stage *stage = *state;
    keep_pace(stage, 200);
    struct room_grant grant;
    assert_true(room_grant(stage->room, &grant));
    assert_int_equal(grant.from_number, 1);
    assert_int_equal(grant.from_sequence, 1);
    assert_int_equal(grant.count, 2);
    assert_string_equal(grant.server_id, "run-1");
    assert_int_equal(ask(stage, COMMAND_ROOM_CLAIM, 1, 1), REPLY_NOT_YOUR_TURN);
    assert_int_equal(report(stage, 1, 1, 2), REPLY_OK);
    assert_int_equal(stage->changes.count, 3);
    assert_int_equal(changed(stage, 1)->turn.joined_us, 1000);
    assert_int_equal(changed(stage, 2)->before, TURN_NONE);
    assert_int_equal(stage->changes.items[2].kind, ROOM_CHANGE_RECORD);
    assert_int_equal(stage->changes.items[2].record.admitted_to, 2);

    assert_int_equal(ask(stage, COMMAND_ROOM_CLAIM, 1, 1), REPLY_OK);
    assert_int_equal(stage->reply.turn.state, TURN_PASS);
    assert_int_equal(stage->reply.turn.expires_us, stage->time.now_us + PASS_MS * 1000);
    assert_int_equal(check_pass(stage, 1, 1), REPLY_OK);
    follow(stage, 1, BOOKING_NONE, BOOKING_PENDING);
    assert_int_equal(check_pass(stage, 1, 1), REPLY_PASS_BUSY);
    follow(stage, 1, BOOKING_PENDING, BOOKING_CONFIRMED);
    assert_int_equal(changed(stage, 1)->turn.state, TURN_BOUGHT);
    assert_int_equal(check_pass(stage, 1, 1), REPLY_BAD_PASS);
    assert_int_equal(room_live_count(stage->room), 1);
    assert_int_equal(room_get_record(stage->room)->bought, 1);
    assert_int_equal(ask(stage, COMMAND_ROOM_CLAIM, 1, 1), REPLY_TURN_MISSED);
}

static void test_only_the_report_that_is_due_counts(void **state) {
    struct stage *stage = *state;
    assert_int_equal(report(stage, 1, 1, 1), REPLY_INVALID); /* nothing is granted yet */
    keep_pace(stage, 200);
    assert_int_equal(report(stage, 1, 1, 3), REPLY_INVALID);
    assert_int_equal(report(stage, 2, 2, 1), REPLY_INVALID);
    assert_int_equal(report(stage, 1, 1, 0), REPLY_INVALID);
    assert_int_equal(stage->changes.count, 0);
    assert_int_equal(report(stage, 1, 1, 1), REPLY_OK);
    assert_int_equal(report(stage, 1, 1, 1), REPLY_INVALID); /* doubled */
    assert_int_equal(vouch(stage, "run-1", "monday", 9), REPLY_OK);
    assert_true(stage->reply.replayed);
    stage->facts.sale.state = SHOW_PAUSED;
    assert_int_equal(report(stage, 2, 2, 1), REPLY_INVALID);
}

static void test_who_does_not_come_misses_it(void **state) {
    struct stage *stage = *state;
    keep_pace(stage, 600);
    assert_int_equal(report(stage, 1, 1, 3), REPLY_OK);
    pass_ms(stage, CLAIM_MS - 1);
    assert_int_equal(ask(stage, COMMAND_ROOM_CLAIM, 1, 1), REPLY_OK);
    pass_ms(stage, 1);
    assert_int_equal(ask(stage, COMMAND_ROOM_CLAIM, 2, 2), REPLY_TURN_MISSED);
    assert_int_equal(changed(stage, 2)->turn.state, TURN_MISSED);
    room_sweep(stage->room, &stage->facts, &stage->time, &stage->changes);
    assert_int_equal(changed(stage, 3)->turn.state, TURN_MISSED);
    assert_int_equal(room_get_record(stage->room)->missed, 2);
    assert_int_equal(room_next_deadline(stage->room), stage->time.served_ms + PASS_MS - 1);
}

static void test_a_pass_lives_as_long_as_its_hold(void **state) {
    struct stage *stage = *state;
    keep_pace(stage, 200);
    assert_int_equal(report(stage, 1, 1, 1), REPLY_OK);
    assert_int_equal(ask(stage, COMMAND_ROOM_CLAIM, 1, 1), REPLY_OK);
    follow(stage, 1, BOOKING_NONE, BOOKING_PENDING);
    pass_ms(stage, PASS_MS);
    assert_int_equal(room_next_deadline(stage->room), INT64_MAX);
    assert_int_equal(ask(stage, COMMAND_ROOM_CLAIM, 1, 1), REPLY_OK);
    assert_true(stage->reply.replayed);
    assert_int_equal(stage->reply.turn.expires_us, stage->time.now_us);
    follow(stage, 1, BOOKING_PENDING, BOOKING_EXPIRED);
    assert_int_equal(changed(stage, 1)->turn.state, TURN_OVER);
}

static void test_who_left_is_passed_over_and_who_moved_is_called(void **state) {
    struct stage *stage = *state;
    assert_int_equal(ask(stage, COMMAND_ROOM_LEAVE, 1, 1), REPLY_OK);
    assert_int_equal(changed(stage, 1)->turn.state, TURN_LEFT);
    assert_int_equal(move(stage, 2, 2, 22), REPLY_OK);
    assert_int_equal(ask(stage, COMMAND_ROOM_LOOK, 2, 2), REPLY_BAD_NUMBER);
    assert_int_equal(ask(stage, COMMAND_ROOM_LOOK, 22, 2), REPLY_OK);
    assert_int_equal(stage->reply.turn.state, TURN_WAITING);
    keep_pace(stage, 400);
    assert_int_equal(report(stage, 1, 1, 3), REPLY_OK);
    assert_null(changed(stage, 1));
    assert_int_equal(changed(stage, 2)->before, TURN_WAITING);
    assert_true(id128_equal(&changed(stage, 2)->turn.user, &USER(22)));
    assert_int_equal(room_allowance(stage->room), 2); /* the one who left took nothing */
    assert_int_equal(ask(stage, COMMAND_ROOM_LEAVE, 22, 2), REPLY_OK);
    assert_int_equal(ask(stage, COMMAND_ROOM_LEAVE, 22, 2), REPLY_OK);
    assert_true(stage->reply.replayed);
}

static void test_a_person_has_one_turn(void **state) {
    struct stage *stage = *state;
    keep_pace(stage, 600);
    assert_int_equal(report(stage, 1, 1, 1), REPLY_OK);
    assert_int_equal(report(stage, 2, 1, 1), REPLY_OK);
    assert_int_equal(changed(stage, 2)->turn.state, TURN_SKIPPED);
    assert_int_equal(report(stage, 3, 3, 1), REPLY_OK);
    assert_int_equal(move(stage, 3, 3, 1), REPLY_OK);
    assert_int_equal(changed(stage, 3)->turn.state, TURN_SKIPPED);
    assert_int_equal(move(stage, 3, 3, 1), REPLY_TURN_MISSED);
}

static void test_the_door_shuts(void **state) {
    struct stage *stage = *state;
    struct room_grant grant;
    keep_pace(stage, 2000);
    assert_true(room_grant(stage->room, &grant));
    assert_int_equal(grant.count, 5); /* max_shoppers */
    assert_int_equal(report(stage, 1, 1, 2), REPLY_OK);
    stage->facts.free_seats = 0;
    keep_pace(stage, 200);
    assert_false(room_grant(stage->room, &grant));
    stage->facts.free_seats = 1; /* then twenty may try */
    keep_pace(stage, 2000);
    assert_int_equal(room_allowance(stage->room), 3);
    stage->facts.sale.sold_out = true;
    assert_int_equal(report(stage, 3, 3, 1), REPLY_INVALID);
    assert_int_equal(ask(stage, COMMAND_ROOM_CLAIM, 1, 1), REPLY_NOT_YOUR_TURN);
    keep_pace(stage, 200);
    assert_int_equal(room_allowance(stage->room), 0);
    struct room_settings off = stage->settings;
    off.mode = ROOM_MODE_OFF;
    room_set_settings(stage->room, &off);
    assert_int_equal(ask(stage, COMMAND_ROOM_CLAIM, 1, 1), REPLY_ROOM_CLOSED);
    assert_int_equal(check_pass(stage, 99, 99), REPLY_OK);
}

/* Sequences 4 … 6 are lost; the next to join gets number 1007. */
static void test_a_lost_tail_is_called_by_roll(void **state) {
    struct stage *stage = *state;
    struct room_gap gaps[ROOM_SPANS_MAX];
    keep_pace(stage, 600);
    assert_int_equal(report(stage, 1, 1, 2), REPLY_OK);
    assert_int_equal(vouch(stage, "run-2", "monday", 3), REPLY_OK);
    assert_int_equal(stage->changes.items[0].kind, ROOM_CHANGE_VOUCH);
    assert_int_equal(stage->changes.items[0].vouch.span.first_number, 1007);
    assert_int_equal(stage->changes.items[0].vouch.span.first_sequence, 4);
    assert_int_equal(stage->changes.items[0].vouch.admitted_to, 2);
    assert_int_equal(room_gaps(stage->room, gaps), 1);
    assert_int_equal(gaps[0].first, 4);
    assert_int_equal(gaps[0].last, 1006);

    look(stage, 4); /* somebody new: 1007 */
    assert_int_equal(report(stage, 3, 3, 2), REPLY_INVALID);
    assert_int_equal(report(stage, 3, 3, 1), REPLY_OK);
    assert_int_equal(ask(stage, COMMAND_ROOM_CLAIM, 6, 6), REPLY_NOT_YOUR_TURN);
    assert_int_equal(changed(stage, 6)->turn.state, TURN_WAITING);
    assert_int_equal(ask(stage, COMMAND_ROOM_CLAIM, 5, 5), REPLY_NOT_YOUR_TURN);
    assert_int_equal(ask(stage, COMMAND_ROOM_LOOK, 4, 4), REPLY_OK);
    assert_int_equal(stage->reply.turn.state, TURN_NONE);
    keep_pace(stage, CLAIM_MS - 800); /* the first turns are missed meanwhile */
    struct room_grant grant;
    assert_false(room_grant(stage->room, &grant));
    assert_int_equal(state_of(stage, 5), TURN_WAITING);
    keep_pace(stage, 1600);
    assert_int_equal(state_of(stage, 5), TURN_CALLED);
    assert_int_equal(state_of(stage, 6), TURN_CALLED);
    assert_true(room_grant(stage->room, &grant));
    assert_int_equal(grant.from_number, 1007);
    assert_int_equal(grant.from_sequence, 4);

    assert_int_equal(ask(stage, COMMAND_ROOM_CLAIM, 4, 4), REPLY_NOT_YOUR_TURN); /* late */
    assert_false(room_grant(stage->room, &grant));
    assert_int_equal(report(stage, 1007, 7, 1), REPLY_INVALID);
    keep_pace(stage, 200);
    assert_int_equal(ask(stage, COMMAND_ROOM_CLAIM, 4, 4), REPLY_OK);
    assert_int_equal(report(stage, 1007, 7, 1), REPLY_OK);
    follow(stage, 4, BOOKING_NONE, BOOKING_PENDING);
    follow(stage, 4, BOOKING_PENDING, BOOKING_CONFIRMED);
    assert_int_equal(ask(stage, COMMAND_ROOM_CLAIM, 4, 4), REPLY_TURN_MISSED); /* remembered */
}

/* The roll call was long over when the door comes: it waits for those who look only then. */
static void test_the_door_stands_before_a_gap(void **state) {
    struct stage *stage = *state;
    struct room_settings paused = stage->settings;
    paused.mode = ROOM_MODE_PAUSED;
    assert_int_equal(vouch(stage, "run-2", "monday", 0), REPLY_OK);
    room_set_settings(stage->room, &paused);
    keep_pace(stage, 2 * (int64_t)CLAIM_MS);
    room_set_settings(stage->room, &stage->settings);
    keep_pace(stage, ROOM_ROLL_MS);
    assert_int_equal(room_get_record(stage->room)->admitted_to, 0);
    assert_int_equal(ask(stage, COMMAND_ROOM_CLAIM, 2, 2), REPLY_NOT_YOUR_TURN);
    keep_pace(stage, 200);
    assert_int_equal(state_of(stage, 2), TURN_CALLED);
    assert_int_equal(room_get_record(stage->room)->admitted_to, PEOPLE + ROOM_ISSUE_AHEAD);
}

/* More are over than fit into a batch: the rest is left to the next sweep. */
static void test_a_sweep_has_an_end(void **state) {
    struct stage *stage = *state;
    struct room_settings many = stage->settings;
    static uint8_t arrivals[ROOM_REPORT_MAX * ROOM_ARRIVAL_BYTES];
    struct command command = {.kind = COMMAND_ROOM_REPORT,
                              .event_id = EVENT,
                              .server_id = "run-1",
                              .created = "monday",
                              .arrival_count = ROOM_REPORT_MAX,
                              .arrivals = arrivals};
    many.max_shoppers = 3 * ROOM_REPORT_MAX;
    many.admits_per_minute = ROOM_PEOPLE_MAX;
    stage->facts.free_seats = 3 * ROOM_REPORT_MAX;
    room_set_settings(stage->room, &many);
    keep_pace(stage, 1000);
    for (uint64_t person = 1; person <= 3 * ROOM_REPORT_MAX; person++) {
        struct room_arrival arrival = {.user = id128_of_u64(person)};
        uint64_t place = (person - 1) % ROOM_REPORT_MAX;
        room_arrival_put(&arrivals[place * ROOM_ARRIVAL_BYTES], &arrival);
        if (place == ROOM_REPORT_MAX - 1) {
            command.queue_number = person - place;
            assert_int_equal(decide(stage, &command), REPLY_OK);
        }
    }
    assert_int_equal(room_live_count(stage->room), 3 * ROOM_REPORT_MAX);
    pass_ms(stage, CLAIM_MS);
    room_sweep(stage->room, &stage->facts, &stage->time, &stage->changes);
    assert_in_range(stage->changes.count, 2 * ROOM_REPORT_MAX - 2, ROOM_CHANGES_MAX);
    room_sweep(stage->room, &stage->facts, &stage->time, &stage->changes);
    assert_int_equal(room_live_count(stage->room), 0);
}

static void test_another_stream_begins_anew(void **state) {
    struct stage *stage = *state;
    struct room_gap gaps[ROOM_SPANS_MAX];
    assert_int_equal(move(stage, 5, 5, 55), REPLY_OK);
    assert_int_equal(vouch(stage, "run-1", "tuesday", 2), REPLY_OK);
    const struct room_vouch *newest = room_get_vouch(stage->room);
    assert_int_equal(newest->span.first_sequence, 1);
    assert_int_equal(newest->span.first_number, 1007);
    assert_int_equal(newest->span.stream, 1);
    assert_int_equal(room_gaps(stage->room, gaps), 1);
    assert_int_equal(gaps[0].first, 1);
    assert_int_equal(vouch(stage, "run-1", "monday", 6), REPLY_CONFLICT);
    keep_pace(stage, CLAIM_MS + 200); /* who was moved has shown up by that */
    assert_int_equal(state_of(stage, 5), TURN_CALLED);
}

static void test_people_known_early_have_a_limit(void **state) {
    struct stage *stage = *state;
    for (uint8_t user = 1; user <= WAITING_LIMIT; user++) {
        assert_int_equal(ask(stage, COMMAND_ROOM_LEAVE, user, user), REPLY_OK);
    }
    assert_int_equal(ask(stage, COMMAND_ROOM_LEAVE, 5, 5), REPLY_OVERLOADED);
    assert_int_equal(stage->changes.count, 0);
}

static void test_numbers_are_issued_ahead(void **state) {
    struct stage *stage = *state;
    assert_int_equal(room_get_record(stage->room)->issued_to, PEOPLE + ROOM_ISSUE_AHEAD);
    assert_int_equal(ask(stage, COMMAND_ROOM_CLAIM, 1, PEOPLE + ROOM_ISSUE_AHEAD + 1),
                     REPLY_BAD_NUMBER);
    assert_int_equal(ask(stage, COMMAND_ROOM_ISSUE, 0, 2), REPLY_OK);
    assert_int_equal(stage->changes.count, 0);
    look(stage, 50000); /* they come fast */
    assert_int_equal(ask(stage, COMMAND_ROOM_ISSUE, 0, 50000), REPLY_OK);
    assert_in_range(room_get_record(stage->room)->issued_to, 90000, 110000);
    assert_int_equal(ask(stage, COMMAND_ROOM_ISSUE, 0, UINT64_MAX), REPLY_INVALID);
}

static void test_forecasts_are_made_of_what_was_seen(void **state) {
    struct stage *stage = *state;
    struct room_state described = {.epoch = 7};
    struct room_settings many = stage->settings;
    many.max_shoppers = 500;
    room_set_settings(stage->room, &many);
    room_describe(stage->room, &stage->facts, &stage->time, &described);
    assert_int_equal(described.admits_per_hour, 0);
    uint64_t next = 1;
    for (int i = 0; i < 50; i++) { /* ten seconds, ten a second */
        keep_pace(stage, 200);
        uint8_t user = (uint8_t)next;
        assert_int_equal(report(stage, next, user, 2), REPLY_OK);
        next += 2;
    }
    room_describe(stage->room, &stage->facts, &stage->time, &described);
    assert_in_range(described.admits_per_hour, 34000, 38000);
    assert_int_equal(described.now_serving, 100);
    assert_int_equal(described.called, 100);
    assert_int_equal(described.epoch, 7);
    pass_ms(stage, 31000);
    room_describe(stage->room, &stage->facts, &stage->time, &described);
    assert_int_equal(described.admits_per_hour, 0);
}

static void test_nobody_has_waited_when_nobody_waits(void **state) {
    struct stage *stage = *state;
    struct room_state described = {.epoch = 7};
    look(stage, 1);
    room_describe(stage->room, &stage->facts, &stage->time, &described);
    assert_true(described.oldest_wait_seconds > 0);
    keep_pace(stage, 200);
    assert_int_equal(report(stage, 1, 1, 1), REPLY_OK);
    room_describe(stage->room, &stage->facts, &stage->time, &described);
    assert_int_equal(described.last_number, described.now_serving);
    assert_int_equal(described.oldest_wait_seconds, 0);
}

static void test_what_was_stored_is_loaded(void **state) {
    struct stage *stage = *state;
    keep_pace(stage, 400);
    assert_int_equal(report(stage, 1, 1, 2), REPLY_OK);
    const struct turn first = *room_get_turn(stage->room, 1);
    const struct turn second = *room_get_turn(stage->room, 2);
    struct room *loaded = room_create(EVENT, &stage->settings, WAITING_LIMIT);
    assert_non_null(loaded);
    assert_int_equal(room_restore_record(loaded, room_get_record(stage->room)), STATUS_OK);
    assert_int_equal(room_restore_vouch(loaded, room_get_vouch(stage->room)), STATUS_OK);
    assert_int_equal(room_restore_turn(loaded, &second), STATUS_OK);
    assert_int_equal(room_restore_turn(loaded, &first), STATUS_OK);
    assert_int_equal(room_restore_turn(loaded, &first), STATUS_CONFLICT);
    struct turn ahead = {.number = 3, .user = USER(3), .state = TURN_CALLED};
    assert_int_equal(room_restore_turn(loaded, &ahead), STATUS_CONFLICT);
    assert_null(room_check(loaded));
    assert_int_equal(room_live_count(loaded), 2);
    assert_int_equal(room_allowance(loaded), 0); /* a takeover starts slowly */
    room_destroy(stage->room);
    stage->room = loaded;
    look(stage, PEOPLE);
    assert_int_equal(ask(stage, COMMAND_ROOM_CLAIM, 1, 1), REPLY_OK);
}

#define STORY(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(test_people_are_called_claim_and_buy),
        STORY(test_only_the_report_that_is_due_counts),
        STORY(test_who_does_not_come_misses_it),
        STORY(test_a_pass_lives_as_long_as_its_hold),
        STORY(test_who_left_is_passed_over_and_who_moved_is_called),
        STORY(test_a_person_has_one_turn),
        STORY(test_the_door_shuts),
        STORY(test_a_lost_tail_is_called_by_roll),
        STORY(test_the_door_stands_before_a_gap),
        STORY(test_a_sweep_has_an_end),
        STORY(test_another_stream_begins_anew),
        STORY(test_people_known_early_have_a_limit),
        STORY(test_numbers_are_issued_ahead),
        STORY(test_forecasts_are_made_of_what_was_seen),
        STORY(test_nobody_has_waited_when_nobody_waits),
        STORY(test_what_was_stored_is_loaded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
