/*
 * Batches that the database refuses: what is decided again, in which order, and that nothing waits
 * for ever. Poison is a user whose bookings the database does not take, after a while.
 */
#include "tests/integration/scene.h"
#include "tests/support/expect.h"
#include "tests/support/wait.h"

#include "shared/ids.h"

enum { QUICK_MS = 4000, PATIENT_MS = 15000, INNOCENTS = 40 };

static void load(struct scene *scene, int64_t show) {
    assert_int_equal(desk_decide(scene->desk, desk_new(scene->desk, COMMAND_SNAPSHOT, show))->code,
                     REPLY_OK);
}

static int64_t loaded_show(struct scene *scene, unsigned hold_seconds) {
    int64_t show = stage_show(
        scene->stage, &(struct stage_show){.seats = INNOCENTS * 4, .hold_seconds = hold_seconds});
    load(scene, show);
    return show;
}

/* A hold that the database refuses after `delay` seconds. */
static struct desk_ask *poisonous(struct scene *scene, int64_t show, uint32_t seat,
                                  const char *delay) {
    struct desk_ask *ask = desk_reserve(scene->desk, show, seat);
    scene_poison(scene, &ask->command.user, delay);
    return ask;
}

static void one_poisonous_command_hears_of_it_alone(void **state) {
    struct scene *scene = *state;
    int64_t show = loaded_show(scene, 0), other = loaded_show(scene, 0);
    struct desk_ask *asks[INNOCENTS];
    for (uint32_t i = 0; i < INNOCENTS; i++)
        asks[i] = i == 7 ? poisonous(scene, show, i, "0")
                         : desk_reserve(scene->desk, i % 2 == 0 ? show : other, i);
    desk_send(scene->desk, asks, INNOCENTS);
    desk_settle(scene->desk, asks, INNOCENTS, PATIENT_MS);
    for (uint32_t i = 0; i < INNOCENTS; i++)
        assert_int_equal(asks[i]->reply.code, i == 7 ? REPLY_INTERNAL : REPLY_OK);
}

/* The poison's deadline passes while it is decided again: nothing is left to redo, and what came
 * meanwhile goes on at once. */
static void what_came_meanwhile_goes_on(void **state) {
    struct scene *scene = *state;
    int64_t show = loaded_show(scene, 0);
    struct desk_ask *poison = poisonous(scene, show, 0, "0.4");
    poison->command.deadline_us -= (DESK_DEADLINE_MS - 600) * INT64_C(1000);
    desk_send(scene->desk, &poison, 1);
    desk_turn_for(scene->desk, 550); /* refused once, and under way by itself */
    struct desk_ask *stranger = desk_reserve(scene->desk, show, 1);
    desk_send(scene->desk, &stranger, 1);
    desk_settle(scene->desk, &stranger, 1, QUICK_MS);
    assert_int_equal(stranger->reply.code, REPLY_OK);
}

/* A command for an event that does not exist, decided on top of a batch that fails. */
static void an_unknown_event_among_what_is_redone(void **state) {
    struct scene *scene = *state;
    int64_t show = loaded_show(scene, 0);
    struct desk_ask *asks[] = {
        poisonous(scene, show, 0, "0.4"),
        desk_new(scene->desk, COMMAND_SNAPSHOT, 987654321),
        desk_reserve(scene->desk, show, 1),
    };
    desk_send(scene->desk, &asks[0], 1);
    asks[1]->command.epoch = desk_epoch(scene->desk, asks[1]->command.partition);
    desk_send(scene->desk, &asks[1], 2);
    desk_settle(scene->desk, asks, ARRAY_LEN(asks), QUICK_MS);
    assert_int_equal(asks[0]->reply.code, REPLY_INTERNAL);
    assert_int_equal(asks[1]->reply.code, REPLY_NOT_FOUND);
    assert_int_equal(asks[2]->reply.code, REPLY_OK);
}

/* A show that is forgotten for a batch's failure, and that nobody asks about again. */
static void holds_of_a_forgotten_show_expire(void **state) {
    struct scene *scene = *state;
    int64_t show = loaded_show(scene, 1);
    struct desk_ask *hold = desk_reserve(scene->desk, show, 0);
    assert_int_equal(desk_decide(scene->desk, hold)->code, REPLY_OK);
    struct desk_ask *poison = poisonous(scene, show, 1, "0.4");
    poison->command.deadline_us -= (DESK_DEADLINE_MS - 300) * INT64_C(1000);
    desk_send(scene->desk, &poison, 1);
    struct wait wait = wait_at_most(PATIENT_MS);
    while (stage_booking_status(scene->stage, &hold->command.booking_id) != BOOKING_EXPIRED)
        wait_again(&wait, "the hold to expire");
}

/* A hold whose end the database refuses keeps nobody else's from ending. */
static void a_poisonous_expiry_stays_alone(void **state) {
    struct scene *scene = *state;
    struct desk_ask *holds[4];
    for (size_t i = 0; i < ARRAY_LEN(holds); i++) {
        holds[i] = desk_reserve(scene->desk, loaded_show(scene, 1), 0);
        desk_send(scene->desk, &holds[i], 1);
    }
    desk_settle(scene->desk, holds, ARRAY_LEN(holds), QUICK_MS);
    scene_poison(scene, &holds[2]->command.user, "0");
    struct wait wait = wait_at_most(PATIENT_MS);
    for (size_t i = 0; i < ARRAY_LEN(holds); i++)
        while (i != 2 &&
               stage_booking_status(scene->stage, &holds[i]->command.booking_id) != BOOKING_EXPIRED)
            wait_again(&wait, "strangers' holds to expire");
    assert_int_equal(stage_booking_status(scene->stage, &holds[2]->command.booking_id),
                     BOOKING_PENDING);
    /* Booking on that show goes on, too. */
    struct desk_ask *more = desk_reserve(scene->desk, (int64_t)holds[2]->command.event_id, 1);
    assert_int_equal(desk_decide(scene->desk, more)->code, REPLY_OK);
    sql_run(scene->stage->sql, "DELETE FROM usher.test_poison", NULL);
    while (stage_booking_status(scene->stage, &holds[2]->command.booking_id) != BOOKING_EXPIRED)
        wait_again(&wait, "the last hold to expire");
}

/* A new booking's id that looks like an ended one's (its last 8 bytes are what is remembered of
 * that), so that it has to be looked up each time it is decided. */
static struct desk_ask *lookalike(struct scene *scene, const struct desk_ask *ended, int64_t show,
                                  uint32_t seat) {
    struct desk_ask *ask = desk_reserve(scene->desk, show, seat);
    memcpy(ask->command.booking_id.bytes + 8, ended->command.booking_id.bytes + 8, 8);
    return ask;
}

/* Whoever comes back from a look-up is not taken for the one that fails. */
static void looked_up_commands_are_not_blamed(void **state) {
    struct scene *scene = *state;
    int64_t show = loaded_show(scene, 0);
    struct desk_ask *ended = desk_reserve(scene->desk, show, 0);
    assert_int_equal(desk_decide(scene->desk, ended)->code, REPLY_OK);
    assert_int_equal(desk_decide(scene->desk, desk_again(scene->desk, COMMAND_CANCEL, ended))->code,
                     REPLY_OK);
    struct desk_ask *asks[INNOCENTS * 2];
    for (uint32_t i = 0; i < INNOCENTS; i++) {
        asks[2 * i] = poisonous(scene, show, INNOCENTS + i, "0.01");
        asks[2 * i + 1] = lookalike(scene, ended, show, i);
        desk_send(scene->desk, &asks[2 * i], 2);
        desk_turn(scene->desk);
    }
    desk_settle(scene->desk, asks, ARRAY_LEN(asks), PATIENT_MS);
    for (uint32_t i = 0; i < ARRAY_LEN(asks); i++)
        expect(asks[i]->reply.code == (i % 2 == 0 ? REPLY_INTERNAL : REPLY_OK), "command %u: %s", i,
               reply_code_text(asks[i]->reply.code));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_poisonous_command_hears_of_it_alone),
        cmocka_unit_test(what_came_meanwhile_goes_on),
        cmocka_unit_test(an_unknown_event_among_what_is_redone),
        cmocka_unit_test(holds_of_a_forgotten_show_expire),
        cmocka_unit_test(a_poisonous_expiry_stays_alone),
        cmocka_unit_test(looked_up_commands_are_not_blamed),
        cmocka_unit_test(scene_ends_well),
    };
    return cmocka_run_group_tests(tests, scene_set_up, scene_tear_down);
}
