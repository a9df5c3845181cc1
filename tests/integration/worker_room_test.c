/*
 * What a room's decisions come to in PostgreSQL, and what of them is refused. The test reads nobody
 * from the stream: it reports whom it likes (crowd.h).
 */
#include "tests/integration/crowd.h"
#include "tests/support/expect.h"
#include "tests/support/wait.h"

#include "shared/ids.h"

#include <inttypes.h>

enum { QUICK_MS = 8000, END_MS = 15000, SEATS = 2000, MANY = ROOM_REPORT_MAX };

#define FAST "\"mode\":\"open\",\"admitsPerMinute\":600000,\"maxShoppers\":2000"
static const char fast[] = "{" FAST "}";
/* Turns and passes that end while one looks on. */
static const char brief_turns[] = "{" FAST ",\"claimSeconds\":2}";
static const char brief_passes[] = "{" FAST ",\"passSeconds\":2}";

static struct crowd *open_crowd(struct scene *scene, const char *room) {
    return crowd_open(scene, &(struct stage_show){.seats = SEATS}, room);
}

static int64_t count_turns(struct crowd *crowd) {
    return stage_event_number(crowd->scene->stage,
                              "SELECT count(*) FROM usher.turn WHERE event_id = $1", crowd->show);
}

/* A refusal that changes nothing. */
static void expect_refused(struct crowd *crowd, struct desk_ask *ask, enum reply_code code) {
    static const char rows[] =
        "SELECT count(*) + coalesce(sum(hashtext(t::text)::bigint), 0)"
        " FROM (SELECT turn::text t FROM usher.turn WHERE event_id = $1"
        " UNION ALL SELECT booking::text FROM usher.booking WHERE event_id = $1"
        " UNION ALL SELECT room::text FROM usher.room WHERE event_id = $1) all_rows";
    int64_t before = stage_event_number(crowd->scene->stage, rows, crowd->show);
    enum reply_code found = desk_decide(crowd->scene->desk, ask)->code;
    expect(found == code, "%s, not %s", reply_code_text(found), reply_code_text(code));
    assert_int_equal(stage_event_number(crowd->scene->stage, rows, crowd->show), before);
}

/* --- the door */

static void whoever_is_reported_is_called(void **state) {
    struct crowd *crowd = open_crowd(*state, fast);
    crowd_admit(crowd, 1, 3);
    assert_int_equal(crowd_record(crowd, "admitted_to"), 3);
    for (uint64_t number = 1; number <= 3; number++)
        assert_int_equal(crowd_stored(crowd, number), TURN_CALLED);
    assert_int_equal(count_turns(crowd), 3);
    char user[UUID_TEXT_SIZE], joined[24];
    (void)snprintf(joined, sizeof joined, "%" PRId64, crowd->joined_us + 1000);
    assert_int_equal(
        sql_number(crowd->scene->stage->sql,
                   "SELECT count(*) FROM usher.turn WHERE user_id = $1 AND number = 2"
                   " AND extract(epoch FROM joined_at) * 1000000 = $2::bigint"
                   " AND called_at > clock_timestamp() - interval '1 minute'"
                   " AND deadline_served_ms > 0 AND booking_id IS NULL AND ended_at IS NULL",
                   (const char *[]){id128_to_uuid(&crowd->users[2], user), joined, NULL}),
        1);
    crowd_close(crowd);
}

static void a_full_report_is_one_batch(void **state) {
    struct crowd *crowd = open_crowd(*state, fast);
    crowd_admit(crowd, 1, MANY);
    crowd_admit(crowd, MANY + 1, MANY);
    assert_int_equal(count_turns(crowd), 2 * MANY);
    assert_int_equal(crowd_record(crowd, "admitted_to"), 2 * MANY);
    assert_int_equal(stage_number(crowd->scene->stage, 0, "redone"), 0);
    crowd_close(crowd);
}

static void a_report_counts_once_in_order_and_of_this_stream(void **state) {
    struct crowd *crowd = open_crowd(*state, fast);
    crowd_admit(crowd, 1, 3);
    expect_refused(crowd, crowd_report(crowd, 1, 3), REPLY_INVALID); /* doubled */
    expect_refused(crowd, crowd_report(crowd, 1, 5), REPLY_INVALID); /* late */
    expect_refused(crowd, crowd_report(crowd, 5, 2), REPLY_INVALID); /* with somebody left out */
    struct desk_ask *other = crowd_report(crowd, 4, 2);
    other->command.server_id[0] ^= 1;
    expect_refused(crowd, other, REPLY_INVALID);
    other = crowd_report(crowd, 4, 2);
    other->command.created[0] ^= 1;
    expect_refused(crowd, other, REPLY_INVALID);
    crowd_admit(crowd, 4, 2);
    assert_int_equal(crowd_record(crowd, "admitted_to"), 5);
    crowd_close(crowd);
}

/* --- turns and passes */

static void a_turn_becomes_a_pass_once(void **state) {
    struct crowd *crowd = open_crowd(*state, fast);
    struct desk *desk = crowd->scene->desk;
    crowd_admit(crowd, 1, 2);
    assert_int_equal(crowd_decide(crowd, COMMAND_ROOM_ISSUE, 10), REPLY_OK);
    expect_refused(crowd, crowd_ask(crowd, COMMAND_ROOM_CLAIM, 3), REPLY_NOT_YOUR_TURN);
    struct desk_ask *foreign = crowd_ask(crowd, COMMAND_ROOM_CLAIM, 2);
    foreign->command.user = crowd->users[1];
    expect_refused(crowd, foreign, REPLY_BAD_NUMBER);

    const struct reply *first = desk_decide(desk, crowd_ask(crowd, COMMAND_ROOM_CLAIM, 1));
    assert_int_equal(first->code, REPLY_OK);
    assert_true(first->has_turn);
    assert_int_equal(first->turn.state, TURN_PASS);
    const struct reply *again = desk_decide(desk, crowd_ask(crowd, COMMAND_ROOM_CLAIM, 1));
    assert_int_equal(again->code, REPLY_OK);
    assert_true(again->replayed);
    assert_int_equal(crowd_stored(crowd, 1), TURN_PASS);
    assert_int_equal(crowd_stored(crowd, 2), TURN_CALLED);
    assert_int_equal(crowd_record(crowd, "claimed"), 1);
    crowd_close(crowd);
}

static void only_a_pass_of_ones_own_reserves(void **state) {
    struct crowd *crowd = open_crowd(*state, fast);
    struct desk *desk = crowd->scene->desk;
    crowd_admit_and_claim(crowd, 1, 2);
    crowd_admit(crowd, 3, 1);
    struct desk_ask *none = desk_reserve(desk, crowd->show, 0);
    expect_refused(crowd, none, REPLY_PASS_REQUIRED);
    struct desk_ask *broken = crowd_reserve(crowd, 1, 0);
    broken->command.pass = PASS_BAD;
    expect_refused(crowd, broken, REPLY_BAD_PASS);
    struct desk_ask *foreign = crowd_reserve(crowd, 1, 0);
    foreign->command.user = crowd->users[2];
    expect_refused(crowd, foreign, REPLY_BAD_PASS);
    expect_refused(crowd, crowd_reserve(crowd, 3, 0), REPLY_BAD_PASS); /* not claimed yet */
    expect_refused(crowd, crowd_reserve(crowd, 4, 0), REPLY_BAD_PASS); /* not called yet */
    /* A pass of this number, but for another show, which gateways tell apart; their word counts. */
    struct crowd *elsewhere = open_crowd(crowd->scene, fast);
    struct desk_ask *other = desk_reserve(desk, elsewhere->show, 0);
    other->command.user = crowd->users[1];
    other->command.pass = PASS_GOOD;
    other->command.queue_number = 1;
    expect_refused(elsewhere, other, REPLY_BAD_PASS);
    crowd_close(elsewhere);

    const struct reply *held = desk_decide(desk, crowd_reserve(crowd, 1, 0));
    assert_int_equal(held->code, REPLY_OK);
    char id[UUID_TEXT_SIZE];
    assert_int_equal(
        sql_number(crowd->scene->stage->sql,
                   "SELECT t.number FROM usher.turn t JOIN usher.booking b USING (event_id,"
                   " booking_id) WHERE booking_id = $1 AND b.queue_number = t.number",
                   (const char *[]){id128_to_uuid(&held->booking.id, id), NULL}),
        1);
    crowd_close(crowd);
}

static void one_hold_at_a_time_and_one_booking(void **state) {
    struct crowd *crowd = open_crowd(*state, fast);
    struct desk *desk = crowd->scene->desk;
    crowd_admit_and_claim(crowd, 1, 1);
    struct desk_ask *hold = crowd_reserve(crowd, 1, 0);
    assert_int_equal(desk_decide(desk, hold)->code, REPLY_OK);
    expect_refused(crowd, crowd_reserve(crowd, 1, 1), REPLY_PASS_BUSY);
    /* Given back, it may be another one. */
    assert_int_equal(desk_decide(desk, desk_again(desk, COMMAND_CANCEL, hold))->code, REPLY_OK);
    struct desk_ask *second = crowd_reserve(crowd, 1, 1);
    assert_int_equal(desk_decide(desk, second)->code, REPLY_OK);
    assert_int_equal(desk_decide(desk, desk_again(desk, COMMAND_CONFIRM, second))->code, REPLY_OK);
    assert_int_equal(crowd_stored(crowd, 1), TURN_BOUGHT);
    assert_int_equal(crowd_record(crowd, "bought"), 1);
    expect_refused(crowd, crowd_reserve(crowd, 1, 2), REPLY_BAD_PASS); /* spent */
    expect_refused(crowd, crowd_ask(crowd, COMMAND_ROOM_CLAIM, 1), REPLY_TURN_MISSED);
    /* A repeat of what was booked is answered, whatever the pass is now. */
    struct desk_ask *repeat = crowd_reserve(crowd, 1, 1);
    repeat->command.booking_id = second->command.booking_id;
    const struct reply *answer = desk_decide(desk, repeat);
    assert_int_equal(answer->code, REPLY_OK);
    assert_true(answer->replayed);
    crowd_close(crowd);
}

static void a_turn_not_claimed_is_missed(void **state) {
    struct crowd *crowd = open_crowd(*state, brief_turns);
    crowd_admit(crowd, 1, 2);
    assert_int_equal(crowd_decide(crowd, COMMAND_ROOM_CLAIM, 2), REPLY_OK);
    crowd_wait_stored(crowd, 1, TURN_MISSED, END_MS);
    assert_int_equal(crowd_stored(crowd, 2), TURN_PASS);
    assert_int_equal(crowd_record(crowd, "missed"), 1);
    expect_refused(crowd, crowd_ask(crowd, COMMAND_ROOM_CLAIM, 1), REPLY_TURN_MISSED);
    crowd_close(crowd);
}

/* It ends by itself; with an open hold it ends with that. */
static void a_pass_runs_out(void **state) {
    struct crowd *crowd =
        crowd_open(*state, &(struct stage_show){.seats = SEATS, .hold_seconds = 4}, brief_passes);
    crowd_admit_and_claim(crowd, 1, 1);
    crowd_admit_and_claim(crowd, 2, 1);
    struct desk_ask *hold = crowd_reserve(crowd, 2, 0);
    assert_int_equal(desk_decide(crowd->scene->desk, hold)->code, REPLY_OK);
    crowd_wait_stored(crowd, 1, TURN_OVER, END_MS);
    expect_refused(crowd, crowd_reserve(crowd, 1, 1), REPLY_BAD_PASS);
    assert_int_equal(crowd_stored(crowd, 2), TURN_PASS);
    crowd_wait_stored(crowd, 2, TURN_OVER, END_MS);
    assert_int_equal(stage_booking_status(crowd->scene->stage, &hold->command.booking_id),
                     BOOKING_EXPIRED);
    crowd_close(crowd);
}

static void a_hold_that_expires_leaves_the_pass(void **state) {
    struct crowd *crowd =
        crowd_open(*state, &(struct stage_show){.seats = SEATS, .hold_seconds = 1}, fast);
    crowd_admit_and_claim(crowd, 1, 1);
    struct desk_ask *hold = crowd_reserve(crowd, 1, 0);
    assert_int_equal(desk_decide(crowd->scene->desk, hold)->code, REPLY_OK);
    struct wait wait = wait_at_most(END_MS);
    while (stage_booking_status(crowd->scene->stage, &hold->command.booking_id) != BOOKING_EXPIRED)
        wait_again(&wait, "the hold to expire");
    assert_int_equal(crowd_stored(crowd, 1), TURN_PASS);
    assert_int_equal(desk_decide(crowd->scene->desk, crowd_reserve(crowd, 1, 0))->code, REPLY_OK);
    crowd_close(crowd);
}

static void whoever_leaves_has_left(void **state) {
    struct crowd *crowd = open_crowd(*state, fast);
    crowd_admit(crowd, 1, 2);
    assert_int_equal(crowd_decide(crowd, COMMAND_ROOM_CLAIM, 2), REPLY_OK);
    assert_int_equal(crowd_decide(crowd, COMMAND_ROOM_ISSUE, 10), REPLY_OK);
    for (uint64_t number = 1; number <= 3; number++) {
        assert_int_equal(crowd_decide(crowd, COMMAND_ROOM_LEAVE, number), REPLY_OK);
        assert_int_equal(crowd_stored(crowd, number), TURN_LEFT);
    }
    assert_int_equal(crowd_record(crowd, "gone"), 3);
    crowd_admit(crowd, 3, 2); /* passes over who has left */
    assert_int_equal(crowd_stored(crowd, 3), TURN_LEFT);
    assert_int_equal(crowd_stored(crowd, 4), TURN_CALLED);
    crowd_close(crowd);
}

static void a_turn_moves_to_an_account(void **state) {
    struct crowd *crowd = open_crowd(*state, fast);
    struct desk *desk = crowd->scene->desk;
    const struct id128 account = id128_random();
    crowd_admit_and_claim(crowd, 1, 1);
    struct desk_ask *hold = crowd_reserve(crowd, 1, 0);
    assert_int_equal(desk_decide(desk, hold)->code, REPLY_OK);
    struct desk_ask *transfer = desk_again(desk, COMMAND_TRANSFER, hold);
    struct desk_ask *move = crowd_ask(crowd, COMMAND_ROOM_MOVE, 1);
    transfer->command.new_user = move->command.new_user = account;
    assert_int_equal(desk_decide(desk, transfer)->code, REPLY_OK);
    assert_int_equal(desk_decide(desk, move)->code, REPLY_OK);
    char user[UUID_TEXT_SIZE];
    assert_int_equal(sql_number(crowd->scene->stage->sql,
                                "SELECT count(*) FROM usher.turn t JOIN usher.booking b"
                                " USING (event_id, booking_id, user_id) WHERE user_id = $1",
                                (const char *[]){id128_to_uuid(&account, user), NULL}),
                     1);
    struct desk_ask *confirm = desk_again(desk, COMMAND_CONFIRM, hold);
    confirm->command.user = account;
    assert_int_equal(desk_decide(desk, confirm)->code, REPLY_OK);
    assert_int_equal(crowd_stored(crowd, 1), TURN_BOUGHT);
    crowd_close(crowd);
}

/* All that happens to one turn in one batch is one row. */
static void called_claimed_held_and_bought_at_once(void **state) {
    struct crowd *crowd = open_crowd(*state, fast);
    crowd_admit(crowd, 1, 1);
    struct desk_ask *hold = crowd_reserve(crowd, 1, 0), *next = crowd_reserve(crowd, 2, 1);
    struct desk_ask *asks[] = {
        crowd_ask(crowd, COMMAND_ROOM_CLAIM, 1),
        hold,
        desk_again(crowd->scene->desk, COMMAND_CONFIRM, hold),
        crowd_report(crowd, 2, 1),
        crowd_ask(crowd, COMMAND_ROOM_CLAIM, 2),
        next,
    };
    desk_send(crowd->scene->desk, asks, ARRAY_LEN(asks));
    desk_settle(crowd->scene->desk, asks, ARRAY_LEN(asks), QUICK_MS);
    for (size_t i = 0; i < ARRAY_LEN(asks); i++)
        expect(asks[i]->reply.code == REPLY_OK, "command %zu: %s", i,
               reply_code_text(asks[i]->reply.code));
    assert_int_equal(crowd_stored(crowd, 1), TURN_BOUGHT);
    assert_int_equal(crowd_stored(crowd, 2), TURN_PASS);
    assert_int_equal(stage_number(crowd->scene->stage, 0, "redone"), 0);
    crowd_close(crowd);
}

/* --- settings */

static void settings_change_while_it_runs(void **state) {
    struct crowd *crowd = open_crowd(*state, fast);
    crowd_admit(crowd, 1, 2);
    /* Paused: nobody more is called; who was called goes on. */
    assert_int_equal(crowd_patch(crowd, "{\"room\":{\"mode\":\"paused\"}}"), REPLY_OK);
    expect_refused(crowd, crowd_report(crowd, 3, 1), REPLY_INVALID);
    assert_int_equal(crowd_decide(crowd, COMMAND_ROOM_CLAIM, 1), REPLY_OK);
    /* Closed: nothing goes on. */
    assert_int_equal(crowd_patch(crowd, "{\"room\":{\"mode\":\"closed\"}}"), REPLY_OK);
    expect_refused(crowd, crowd_ask(crowd, COMMAND_ROOM_CLAIM, 2), REPLY_ROOM_CLOSED);
    expect_refused(crowd, crowd_reserve(crowd, 1, 0), REPLY_BAD_PASS);
    /* Open again; one setting at a time leaves the others. */
    assert_int_equal(crowd_patch(crowd, "{\"room\":{\"mode\":\"open\",\"maxShoppers\":3}}"),
                     REPLY_OK);
    assert_int_equal(crowd_decide(crowd, COMMAND_ROOM_CLAIM, 2), REPLY_OK);
    expect_refused(crowd, crowd_report(crowd, 3, 2), REPLY_INVALID); /* they would be four */
    crowd_admit(crowd, 3, 1);
    assert_int_equal(stage_event_number(crowd->scene->stage,
                                        "SELECT count(*) FROM usher.event WHERE event_id = $1 AND"
                                        " room ->> 'maxShoppers' = '3' AND"
                                        " room ->> 'admitsPerMinute' = '600000'",
                                        crowd->show),
                     1);
    /* Off: no pass is needed. */
    assert_int_equal(crowd_patch(crowd, "{\"room\":{\"mode\":\"off\"}}"), REPLY_OK);
    assert_int_equal(
        desk_decide(crowd->scene->desk, desk_reserve(crowd->scene->desk, crowd->show, 0))->code,
        REPLY_OK);
    crowd_close(crowd);
}

static void the_sale_begins_by_the_clock(void **state) {
    struct crowd *crowd = open_crowd(*state, fast);
    char soon[80];
    char *time = sql_text(crowd->scene->stage->sql,
                          "SELECT to_char((clock_timestamp() + interval '1 hour') AT TIME ZONE"
                          " 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
                          NULL);
    (void)snprintf(soon, sizeof soon, "{\"onSaleTime\":\"%s\"}", time);
    free(time);
    assert_int_equal(crowd_patch(crowd, soon), REPLY_OK);
    expect_refused(crowd, crowd_report(crowd, 1, 1), REPLY_INVALID);
    assert_int_equal(crowd_decide(crowd, COMMAND_ROOM_ISSUE, 1), REPLY_OK); /* people join */
    time = sql_text(crowd->scene->stage->sql,
                    "SELECT to_char((clock_timestamp() + interval '1 second') AT TIME ZONE"
                    " 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
                    NULL);
    (void)snprintf(soon, sizeof soon, "{\"onSaleTime\":\"%s\"}", time);
    free(time);
    assert_int_equal(crowd_patch(crowd, soon), REPLY_OK);
    crowd_admit(crowd, 1, 1);
    assert_int_equal(stage_event_number(crowd->scene->stage,
                                        "SELECT count(*) FROM usher.turn JOIN usher.event"
                                        " USING (event_id) WHERE event_id = $1"
                                        " AND called_at >= on_sale_time",
                                        crowd->show),
                     1);
    crowd_close(crowd);
}

static void rooms_are_sound(void **state) {
    struct scene *scene = *state;
    crowd_expect_sound_rooms(scene->stage);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whoever_is_reported_is_called),
        cmocka_unit_test(a_full_report_is_one_batch),
        cmocka_unit_test(a_report_counts_once_in_order_and_of_this_stream),
        cmocka_unit_test(a_turn_becomes_a_pass_once),
        cmocka_unit_test(only_a_pass_of_ones_own_reserves),
        cmocka_unit_test(one_hold_at_a_time_and_one_booking),
        cmocka_unit_test(a_turn_not_claimed_is_missed),
        cmocka_unit_test(a_pass_runs_out),
        cmocka_unit_test(a_hold_that_expires_leaves_the_pass),
        cmocka_unit_test(whoever_leaves_has_left),
        cmocka_unit_test(a_turn_moves_to_an_account),
        cmocka_unit_test(called_claimed_held_and_bought_at_once),
        cmocka_unit_test(settings_change_while_it_runs),
        cmocka_unit_test(the_sale_begins_by_the_clock),
        cmocka_unit_test(rooms_are_sound),
        cmocka_unit_test(scene_ends_well),
    };
    return cmocka_run_group_tests(tests, scene_set_up, scene_tear_down);
}
