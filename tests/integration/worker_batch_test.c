/*
 * What a batch of decisions comes to in PostgreSQL. Commands sent in one frame are decided into one
 * batch; each test counts the commits to be sure of that.
 */
#include "tests/integration/scene.h"
#include "tests/support/expect.h"
#include "tests/support/wait.h"

#include "shared/ids.h"

#include <inttypes.h>

enum { QUICK_MS = 8000, EXPIRED = BOOKING_EXPIRED };

/* Sends them in one frame; they must all be fine, in one commit, and the map one version on. */
static void decide_together(struct scene *scene, int64_t show, struct desk_ask *const *asks,
                            size_t count) {
    static const char version[] = "SELECT seats_version FROM usher.show WHERE event_id = $1";
    int64_t commits = stage_number(scene->stage, 0, "commits");
    int64_t version_before = stage_event_number(scene->stage, version, show);
    desk_send(scene->desk, asks, count);
    desk_settle(scene->desk, asks, count, QUICK_MS);
    for (size_t i = 0; i < count; i++)
        expect(asks[i]->reply.code == REPLY_OK, "command %zu: %s", i,
               reply_code_text(asks[i]->reply.code));
    assert_int_equal(stage_event_number(scene->stage, version, show), version_before + 1);
    assert_int_equal(stage_number(scene->stage, 0, "redone"), 0);
    expect(stage_number(scene->stage, 0, "commits") >= commits + 1, "nothing was committed");
}

/* Whose seat it is by the database; the id as a text with dashes, "" for nobody. */
static void expect_seat_of(struct scene *scene, int64_t show, unsigned seat,
                           const struct id128 *booking_id) {
    char event[24], number[16], wanted[UUID_TEXT_SIZE] = "";
    (void)snprintf(event, sizeof event, "%" PRId64, show);
    (void)snprintf(number, sizeof number, "%u", seat);
    if (booking_id != NULL)
        (void)id128_to_uuid(booking_id, wanted);
    char *found = sql_text(scene->stage->sql,
                           "SELECT coalesce((SELECT booking_id::text FROM usher.seat_claim"
                           " WHERE event_id = $1 AND seat = $2), '')",
                           (const char *[]){event, number, NULL});
    expect(strcmp(found, wanted) == 0, "seat %u is of %s, not of %s", seat, found, wanted);
    free(found);
}

static void loaded(struct scene *scene, int64_t show) {
    assert_int_equal(desk_decide(scene->desk, desk_new(scene->desk, COMMAND_SNAPSHOT, show))->code,
                     REPLY_OK);
}

static void expect_status(struct scene *scene, const struct desk_ask *ask,
                          enum booking_status status) {
    assert_int_equal(stage_booking_status(scene->stage, &ask->command.booking_id), status);
}

static void held_cancelled_and_held_again(void **state) {
    struct scene *scene = *state;
    int64_t show = stage_show(scene->stage, &(struct stage_show){.seats = 4});
    loaded(scene, show);
    struct desk_ask *first = desk_reserve(scene->desk, show, 2);
    struct desk_ask *second = desk_reserve(scene->desk, show, 2);
    struct desk_ask *asks[] = {first, desk_again(scene->desk, COMMAND_CANCEL, first), second};
    decide_together(scene, show, asks, ARRAY_LEN(asks));
    expect_status(scene, first, BOOKING_CANCELLED);
    expect_status(scene, second, BOOKING_PENDING);
    expect_seat_of(scene, show, 2, &second->command.booking_id);
    stage_expect_sound_database(scene->stage);
}

/* The first hold is stored already: its claim changes hands. */
static void a_stored_hold_cancelled_and_held_by_another(void **state) {
    struct scene *scene = *state;
    int64_t show = stage_show(scene->stage, &(struct stage_show){.seats = 4});
    struct desk_ask *first = desk_reserve(scene->desk, show, 1);
    assert_int_equal(desk_decide(scene->desk, first)->code, REPLY_OK);
    struct desk_ask *second = desk_reserve(scene->desk, show, 1);
    struct desk_ask *asks[] = {desk_again(scene->desk, COMMAND_CANCEL, first), second};
    decide_together(scene, show, asks, ARRAY_LEN(asks));
    expect_status(scene, first, BOOKING_CANCELLED);
    expect_status(scene, second, BOOKING_PENDING);
    expect_seat_of(scene, show, 1, &second->command.booking_id);
    stage_expect_sound_database(scene->stage);
}

/* … and once more back and forth, so that nothing but the versions has changed in the end. */
static void a_stored_hold_moved_twice(void **state) {
    struct scene *scene = *state;
    int64_t show = stage_show(scene->stage, &(struct stage_show){.seats = 4});
    struct desk_ask *first = desk_reserve(scene->desk, show, 3);
    assert_int_equal(desk_decide(scene->desk, first)->code, REPLY_OK);
    struct desk_ask *second = desk_reserve(scene->desk, show, 3);
    struct desk_ask *third = desk_reserve(scene->desk, show, 3);
    struct desk_ask *asks[] = {
        desk_again(scene->desk, COMMAND_CANCEL, first),  second,
        desk_again(scene->desk, COMMAND_CANCEL, second), third,
        desk_again(scene->desk, COMMAND_CONFIRM, third),
    };
    decide_together(scene, show, asks, ARRAY_LEN(asks));
    expect_status(scene, first, BOOKING_CANCELLED);
    expect_status(scene, second, BOOKING_CANCELLED);
    expect_status(scene, third, BOOKING_CONFIRMED);
    expect_seat_of(scene, show, 3, &third->command.booking_id);
    stage_expect_sound_database(scene->stage);
}

static void held_and_confirmed(void **state) {
    struct scene *scene = *state;
    int64_t show = stage_show(scene->stage, &(struct stage_show){.seats = 4});
    loaded(scene, show);
    struct desk_ask *hold = desk_reserve(scene->desk, show, 0);
    struct desk_ask *confirm = desk_again(scene->desk, COMMAND_CONFIRM, hold);
    memcpy(confirm->command.contact_email, "a@b.example", sizeof "a@b.example");
    struct desk_ask *asks[] = {hold, confirm};
    decide_together(scene, show, asks, ARRAY_LEN(asks));
    expect_status(scene, hold, BOOKING_CONFIRMED);
    assert_int_equal(stage_event_number(scene->stage,
                                        "SELECT count(*) FROM usher.booking WHERE event_id = $1"
                                        " AND contact_email = 'a@b.example'",
                                        show),
                     1);
    stage_expect_sound_database(scene->stage);
}

static void held_and_cancelled(void **state) {
    struct scene *scene = *state;
    int64_t show = stage_show(scene->stage, &(struct stage_show){.seats = 4});
    loaded(scene, show);
    struct desk_ask *hold = desk_reserve(scene->desk, show, 0);
    struct desk_ask *asks[] = {hold, desk_again(scene->desk, COMMAND_CANCEL, hold)};
    decide_together(scene, show, asks, ARRAY_LEN(asks));
    expect_status(scene, hold, BOOKING_CANCELLED);
    expect_seat_of(scene, show, 0, NULL);
    stage_expect_sound_database(scene->stage);
}

/* Whose a booking is by the database. */
static void expect_user_of(struct scene *scene, const struct desk_ask *ask,
                           const struct id128 *user) {
    char id[UUID_TEXT_SIZE], wanted[UUID_TEXT_SIZE];
    char *found =
        sql_text(scene->stage->sql, "SELECT user_id::text FROM usher.booking WHERE booking_id = $1",
                 (const char *[]){id128_to_uuid(&ask->command.booking_id, id), NULL});
    assert_string_equal(found, id128_to_uuid(user, wanted));
    free(found);
}

static struct desk_ask *transfer_of(struct scene *scene, const struct desk_ask *hold,
                                    const struct id128 *new_user) {
    struct desk_ask *transfer = desk_again(scene->desk, COMMAND_TRANSFER, hold);
    transfer->command.new_user = *new_user;
    return transfer;
}

/* Stored, or made in the same batch; the seats look as before, so their version stays. */
static void a_stored_hold_transferred(void **state) {
    struct scene *scene = *state;
    static const char version[] = "SELECT seats_version FROM usher.show WHERE event_id = $1";
    int64_t show = stage_show(scene->stage, &(struct stage_show){.seats = 4});
    struct desk_ask *hold = desk_reserve(scene->desk, show, 1);
    assert_int_equal(desk_decide(scene->desk, hold)->code, REPLY_OK);
    int64_t version_before = stage_event_number(scene->stage, version, show);
    const struct id128 account = id128_random();
    const struct reply *reply = desk_decide(scene->desk, transfer_of(scene, hold, &account));
    assert_int_equal(reply->code, REPLY_OK);
    assert_true(id128_equal(&reply->booking.user, &account));
    assert_int_equal(stage_event_number(scene->stage, version, show), version_before);
    expect_status(scene, hold, BOOKING_PENDING);
    expect_user_of(scene, hold, &account);
    expect_seat_of(scene, show, 1, &hold->command.booking_id);
    stage_expect_sound_database(scene->stage);
}

static void held_transferred_and_confirmed(void **state) {
    struct scene *scene = *state;
    int64_t show = stage_show(scene->stage, &(struct stage_show){.seats = 4});
    loaded(scene, show);
    const struct id128 account = id128_random();
    struct desk_ask *stored = desk_reserve(scene->desk, show, 0);
    assert_int_equal(desk_decide(scene->desk, stored)->code, REPLY_OK);
    struct desk_ask *fresh = desk_reserve(scene->desk, show, 1);
    struct desk_ask *confirms[] = {desk_again(scene->desk, COMMAND_CONFIRM, stored),
                                   desk_again(scene->desk, COMMAND_CONFIRM, fresh)};
    confirms[0]->command.user = confirms[1]->command.user = account;
    struct desk_ask *asks[] = {transfer_of(scene, stored, &account), confirms[0], fresh,
                               transfer_of(scene, fresh, &account), confirms[1]};
    decide_together(scene, show, asks, ARRAY_LEN(asks));
    expect_status(scene, stored, BOOKING_CONFIRMED);
    expect_status(scene, fresh, BOOKING_CONFIRMED);
    expect_user_of(scene, stored, &account);
    expect_user_of(scene, fresh, &account);
    stage_expect_sound_database(scene->stage);
}

static void served_time_is_stored_and_never_goes_back(void **state) {
    struct scene *scene = *state;
    static const char served[] = "SELECT served_ms FROM usher.partition WHERE partition_id ="
                                 " usher.partition_of_event($1)";
    int64_t show = stage_show(scene->stage, &(struct stage_show){.seats = 4, .hold_seconds = 2});
    int64_t before = stage_event_number(scene->stage, served, show);
    struct desk_ask *hold = desk_reserve(scene->desk, show, 0);
    const struct reply *reply = desk_decide(scene->desk, hold);
    assert_int_equal(reply->code, REPLY_OK);
    int64_t deadline = reply->booking.deadline_served_ms;
    assert_true(deadline >= before + 2000);
    struct wait wait = wait_at_most(QUICK_MS);
    for (int64_t last = before;
         stage_booking_status(scene->stage, &hold->command.booking_id) != EXPIRED;) {
        int64_t now = stage_event_number(scene->stage, served, show);
        assert_true(now >= last);
        last = now;
        wait_again(&wait, "a hold to expire");
    }
    /* It was swept in a batch that stored the time as well. */
    assert_true(stage_event_number(scene->stage, served, show) >= deadline - 250);
    stage_expect_sound_database(scene->stage);
}

/* --- the database is not what memory says */

/* The seat is blocked behind the worker's back: the insert of the claim is refused. */
static void a_seat_taken_behind_its_back(void **state) {
    struct scene *scene = *state;
    int64_t show = stage_show(scene->stage, &(struct stage_show){.seats = 4});
    loaded(scene, show);
    char event[24];
    (void)snprintf(event, sizeof event, "%" PRId64, show);
    sql_run(scene->stage->sql, "INSERT INTO usher.seat_claim VALUES ($1, 0, NULL)",
            (const char *[]){event, NULL});
    struct desk_ask *blocked = desk_reserve(scene->desk, show, 0);
    struct desk_ask *free_one = desk_reserve(scene->desk, show, 1);
    struct desk_ask *asks[] = {blocked, free_one};
    desk_send(scene->desk, asks, ARRAY_LEN(asks));
    desk_settle(scene->desk, asks, ARRAY_LEN(asks), QUICK_MS);
    assert_int_equal(blocked->reply.code, REPLY_SEAT_TAKEN);
    assert_int_equal(free_one->reply.code, REPLY_OK);
}

/* The hold is another user's behind the worker's back: the update touches no row. */
static void a_hold_given_away_behind_its_back(void **state) {
    struct scene *scene = *state;
    int64_t show = stage_show(scene->stage, &(struct stage_show){.seats = 4});
    struct desk_ask *hold = desk_reserve(scene->desk, show, 0);
    assert_int_equal(desk_decide(scene->desk, hold)->code, REPLY_OK);
    char id[UUID_TEXT_SIZE];
    int64_t redone = stage_number(scene->stage, 0, "redone");
    sql_run(scene->stage->sql,
            "UPDATE usher.booking SET user_id = gen_random_uuid() WHERE booking_id = $1",
            (const char *[]){id128_to_uuid(&hold->command.booking_id, id), NULL});
    struct desk_ask *confirm = desk_again(scene->desk, COMMAND_CONFIRM, hold);
    assert_int_equal(desk_decide(scene->desk, confirm)->code, REPLY_NOT_FOUND);
    assert_true(stage_number(scene->stage, 0, "redone") > redone);
}

/* The hold is cancelled behind the worker's back: the update touches no row. */
static void a_hold_ended_behind_its_back(void **state) {
    struct scene *scene = *state;
    int64_t show = stage_show(scene->stage, &(struct stage_show){.seats = 4});
    struct desk_ask *hold = desk_reserve(scene->desk, show, 0);
    assert_int_equal(desk_decide(scene->desk, hold)->code, REPLY_OK);
    char id[UUID_TEXT_SIZE];
    const char *const parameters[] = {id128_to_uuid(&hold->command.booking_id, id), NULL};
    sql_run(scene->stage->sql, "UPDATE usher.booking SET status = 3 WHERE booking_id = $1",
            parameters);
    sql_run(scene->stage->sql, "DELETE FROM usher.seat_claim WHERE booking_id = $1", parameters);
    struct desk_ask *confirm = desk_again(scene->desk, COMMAND_CONFIRM, hold);
    struct desk_ask *stranger = desk_reserve(scene->desk, show, 1);
    struct desk_ask *asks[] = {confirm, stranger};
    desk_send(scene->desk, asks, ARRAY_LEN(asks));
    desk_settle(scene->desk, asks, ARRAY_LEN(asks), QUICK_MS);
    assert_int_equal(confirm->reply.code, REPLY_NOT_PENDING);
    assert_int_equal(stranger->reply.code, REPLY_OK);
    assert_true(stage_number(scene->stage, 0, "redone") > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(held_cancelled_and_held_again),
        cmocka_unit_test(a_stored_hold_cancelled_and_held_by_another),
        cmocka_unit_test(a_stored_hold_moved_twice),
        cmocka_unit_test(held_and_confirmed),
        cmocka_unit_test(held_and_cancelled),
        cmocka_unit_test(a_stored_hold_transferred),
        cmocka_unit_test(held_transferred_and_confirmed),
        cmocka_unit_test(served_time_is_stored_and_never_goes_back),
        cmocka_unit_test(a_seat_taken_behind_its_back),
        cmocka_unit_test(a_hold_given_away_behind_its_back),
        cmocka_unit_test(a_hold_ended_behind_its_back),
        cmocka_unit_test(scene_ends_well),
    };
    return cmocka_run_group_tests(tests, scene_set_up, scene_tear_down);
}
