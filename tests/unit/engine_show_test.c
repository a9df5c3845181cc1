/*
 * What the engine promises, as short stories. A show with six seats: stalls 0-3 by id (10.00 each),
 * floor 4-5 by quantity (free of charge). Breadth is the simulator's matter (tests/sim).
 */
#include "worker/engine/show.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { EVENT = 17, HOLD_MS = 300000, STALLS = 0, FLOOR = 1 };

static const struct show_section sections[] = {
    {.first_seat = 0, .seat_count = 4, .price_category = 0, .general = false},
    {.first_seat = 4, .seat_count = 2, .price_category = 1, .general = true},
};
static const struct show_layout layout = {ARRAY_LEN(sections), sections};
static const struct show_settings on_sale = {
    .state = SHOW_OPEN,
    .hold_ms = HOLD_MS,
    .seats_per_user = 4,
    .guests = true,
    .price_count = 2,
    .prices = {1000, 0},
    .currency = "EUR",
};
static const struct id128 ann = {{0xa}};
static const struct id128 bob = {{0xb}};
static const struct id128 carl = {{0xc}};

struct stage {
    struct show *show;
    struct show_time time;
    struct show_decision decision;
};

static int set_up(void **state) {
    static struct stage stage;
    stage = (struct stage){
        .show = show_create(EVENT, &layout, &on_sale, SHOW_ENDED_MAX),
        .time = {.now_us = 1700000000000000, .served_ms = 5000},
    };
    *state = &stage;
    return stage.show == NULL;
}

static int tear_down(void **state) {
    struct stage *stage = *state;
    const char *broken = show_check(stage->show);
    show_destroy(stage->show);
    return broken != NULL;
}

static struct command command(enum command_kind kind, const struct id128 *user, uint8_t booking) {
    return (struct command){.kind = kind,
                            .event_id = EVENT,
                            .user = *user,
                            .booking_id = {{[15] = booking}},
                            .body_hash = booking};
}

static enum reply_code decide_request(struct stage *stage, const struct show_request *request) {
    assert_int_equal(show_decide(stage->show, request, &stage->time, &stage->decision),
                     SHOW_DECIDED);
    return stage->decision.reply.code;
}

static enum reply_code decide(struct stage *stage, const struct command *command_given,
                              enum payment_result payment) {
    struct show_request request = {.command = command_given, .payment = payment};
    return decide_request(stage, &request);
}

static enum reply_code reserve(struct stage *stage, const struct id128 *user, uint8_t booking,
                               uint32_t first_seat, uint32_t seat_count) {
    struct command reserving = command(COMMAND_RESERVE, user, booking);
    for (uint32_t i = 0; i < seat_count; i++) {
        reserving.seats[reserving.seat_count++] = first_seat + i;
    }
    return decide(stage, &reserving, PAYMENT_NOT_ASKED);
}

static enum reply_code reserve_floor(struct stage *stage, const struct id128 *user, uint8_t booking,
                                     uint32_t quantity) {
    struct command reserving = command(COMMAND_RESERVE, user, booking);
    reserving.item_count = 1;
    reserving.items[0] = (struct command_item){FLOOR, quantity};
    return decide(stage, &reserving, PAYMENT_NOT_ASKED);
}

static enum reply_code confirm(struct stage *stage, const struct id128 *user, uint8_t booking,
                               enum payment_result payment) {
    struct command confirming = command(COMMAND_CONFIRM, user, booking);
    return decide(stage, &confirming, payment);
}

static enum reply_code cancel(struct stage *stage, const struct id128 *user, uint8_t booking) {
    struct command cancelling = command(COMMAND_CANCEL, user, booking);
    return decide(stage, &cancelling, PAYMENT_NOT_ASKED);
}

static enum reply_code transfer(struct stage *stage, const struct id128 *from,
                                const struct id128 *to, uint8_t booking) {
    struct command transferring = command(COMMAND_TRANSFER, from, booking);
    transferring.new_user = *to;
    return decide(stage, &transferring, PAYMENT_NOT_ASKED);
}

static void pass_ms(struct stage *stage, int64_t passed_ms) {
    stage->time.now_us += passed_ms * 1000;
    stage->time.served_ms += passed_ms;
}

static void test_a_hold_is_paid_for(void **state) {
    struct stage *stage = *state;
    assert_int_equal(reserve(stage, &ann, 1, 2, 2), REPLY_OK);
    const struct booking *held = &stage->decision.reply.booking;
    assert_int_equal(held->status, BOOKING_PENDING);
    assert_int_equal(held->amount, 2000);
    assert_int_equal(held->deadline_served_ms, stage->time.served_ms + HOLD_MS);
    assert_int_equal(held->expires_us, stage->time.now_us + (int64_t)HOLD_MS * 1000);
    assert_int_equal(stage->decision.change.before, BOOKING_NONE);
    assert_int_equal(show_seat_state(stage->show, 2), SEAT_HELD);

    assert_int_equal(confirm(stage, &ann, 1, PAYMENT_NOT_ASKED), REPLY_PAYMENT_INVALID);
    assert_int_equal(confirm(stage, &ann, 1, PAYMENT_DECLINED), REPLY_PAYMENT_DECLINED);
    assert_int_equal(confirm(stage, &ann, 1, PAYMENT_APPROVED), REPLY_OK);
    assert_int_equal(stage->decision.change.before, BOOKING_PENDING);
    assert_int_equal(show_seat_state(stage->show, 2), SEAT_BOOKED);
    assert_int_equal(show_next_deadline(stage->show), INT64_MAX);

    assert_int_equal(confirm(stage, &ann, 1, PAYMENT_DECLINED), REPLY_OK);
    assert_true(stage->decision.reply.replayed);
    assert_false(stage->decision.has_change);
    assert_int_equal(cancel(stage, &ann, 1), REPLY_CONFLICT);
}

static void test_a_taken_seat_takes_nothing(void **state) {
    struct stage *stage = *state;
    assert_int_equal(reserve(stage, &ann, 1, 1, 1), REPLY_OK);
    assert_int_equal(reserve(stage, &bob, 2, 0, 3), REPLY_SEAT_TAKEN);
    assert_int_equal(stage->decision.reply.seat_count, 1);
    assert_int_equal(stage->decision.reply.seats[0], 1);
    assert_int_equal(show_seat_state(stage->show, 0), SEAT_AVAILABLE);
    assert_int_equal(cancel(stage, &ann, 1), REPLY_OK);
    assert_int_equal(reserve(stage, &bob, 2, 0, 3), REPLY_OK);
}

static void test_the_floor_sells_its_lowest_free_seats(void **state) {
    struct stage *stage = *state;
    struct command both = command(COMMAND_RESERVE, &ann, 1);
    both.seat_count = 1;
    both.seats[0] = 4; /* by id, though it is general admission */
    both.item_count = 1;
    both.items[0] = (struct command_item){FLOOR, 1};
    assert_int_equal(decide(stage, &both, PAYMENT_NOT_ASKED), REPLY_OK);
    assert_int_equal(stage->decision.reply.booking.seats[0], 4);
    assert_int_equal(stage->decision.reply.booking.seats[1], 5);
    assert_int_equal(reserve_floor(stage, &bob, 2, 1), REPLY_SEAT_TAKEN);
    assert_int_equal(stage->decision.reply.seat_count, 0);
    assert_int_equal(confirm(stage, &ann, 1, PAYMENT_NOT_ASKED), REPLY_OK); /* costs nothing */
}

static void test_one_key_makes_one_booking(void **state) {
    struct stage *stage = *state;
    assert_int_equal(reserve(stage, &ann, 1, 0, 1), REPLY_OK);
    pass_ms(stage, 1000);
    stage->time.now_us += 7000000; /* an outage: served time stood still */
    assert_int_equal(reserve(stage, &ann, 1, 0, 1), REPLY_OK);
    assert_true(stage->decision.reply.replayed);
    assert_false(stage->decision.has_change);
    assert_int_equal(stage->decision.reply.booking.expires_us,
                     stage->time.now_us + (int64_t)(HOLD_MS - 1000) * 1000);

    assert_int_equal(reserve(stage, &bob, 1, 0, 1), REPLY_NOT_FOUND);
    struct command other_body = command(COMMAND_RESERVE, &ann, 1);
    other_body.body_hash = 99;
    assert_int_equal(decide(stage, &other_body, PAYMENT_NOT_ASKED), REPLY_KEY_REUSED);
}

static void test_an_ended_key_is_looked_up(void **state) {
    struct stage *stage = *state;
    assert_int_equal(reserve(stage, &ann, 1, 0, 1), REPLY_OK);
    assert_int_equal(cancel(stage, &ann, 1), REPLY_OK);
    struct booking cancelled = stage->decision.change.booking;
    struct command again = command(COMMAND_RESERVE, &ann, 1);
    struct show_request request = {.command = &again};
    assert_int_equal(show_decide(stage->show, &request, &stage->time, &stage->decision),
                     SHOW_NEEDS_LOOKUP);

    request.lookup = LOOKUP_FOUND;
    request.looked_up = &cancelled;
    assert_int_equal(decide_request(stage, &request), REPLY_OK);
    assert_true(stage->decision.reply.replayed);
    assert_int_equal(stage->decision.reply.booking.status, BOOKING_CANCELLED);
    assert_int_equal(show_seat_state(stage->show, 0), SEAT_AVAILABLE);
}

static void test_a_hold_ends_to_the_millisecond(void **state) {
    struct stage *stage = *state;
    struct show_change swept[1];
    assert_int_equal(reserve(stage, &ann, 1, 0, 1), REPLY_OK);
    assert_int_equal(reserve(stage, &ann, 2, 1, 1), REPLY_OK);
    pass_ms(stage, HOLD_MS - 1);
    assert_int_equal(show_expire(stage->show, &stage->time, swept, 1), 0);
    assert_int_equal(confirm(stage, &ann, 1, PAYMENT_APPROVED), REPLY_OK);

    pass_ms(stage, 1);
    assert_int_equal(confirm(stage, &ann, 2, PAYMENT_APPROVED), REPLY_HOLD_EXPIRED);
    assert_int_equal(stage->decision.change.booking.status, BOOKING_EXPIRED);
    assert_int_equal(show_seat_state(stage->show, 1), SEAT_AVAILABLE);
    assert_int_equal(show_expire(stage->show, &stage->time, swept, 1), 0);
}

static void test_the_sweep_goes_by_deadline(void **state) {
    struct stage *stage = *state;
    struct show_change swept[2];
    assert_int_equal(reserve(stage, &ann, 2, 0, 1), REPLY_OK);
    assert_int_equal(reserve(stage, &bob, 1, 1, 1), REPLY_OK);
    pass_ms(stage, 1);
    assert_int_equal(reserve(stage, &bob, 3, 2, 1), REPLY_OK);
    pass_ms(stage, HOLD_MS);
    assert_int_equal(show_expire(stage->show, &stage->time, swept, 2), 2);
    assert_int_equal(swept[0].booking.id.bytes[15], 1); /* ties go by id */
    assert_int_equal(swept[1].booking.id.bytes[15], 2);
    assert_int_equal(show_expire(stage->show, &stage->time, swept, 2), 1);
    assert_int_equal(show_count(stage->show).seats[SEAT_AVAILABLE], 6);
}

static void test_open_holds_count_towards_the_limit(void **state) {
    struct stage *stage = *state;
    assert_int_equal(reserve(stage, &ann, 1, 0, 3), REPLY_OK);
    assert_int_equal(reserve_floor(stage, &ann, 2, 2), REPLY_SEAT_LIMIT);
    assert_int_equal(stage->decision.reply.limit, 4);
    assert_int_equal(reserve_floor(stage, &ann, 2, 1), REPLY_OK);
    assert_int_equal(cancel(stage, &ann, 1), REPLY_OK);
    assert_int_equal(reserve(stage, &ann, 3, 0, 3), REPLY_OK);
}

static void test_a_sale_has_its_hours(void **state) {
    struct stage *stage = *state;
    struct show_settings settings = on_sale;
    settings.on_sale_us = stage->time.now_us + 1000;
    settings.sale_end_us = stage->time.now_us + 3000;
    show_set_settings(stage->show, &settings);
    assert_int_equal(reserve(stage, &ann, 1, 0, 1), REPLY_NOT_ON_SALE);
    assert_int_equal(stage->decision.reply.on_sale_us, settings.on_sale_us);
    stage->time.now_us = settings.on_sale_us;
    assert_int_equal(reserve(stage, &ann, 1, 0, 1), REPLY_OK);
    stage->time.now_us = settings.sale_end_us;
    assert_int_equal(reserve(stage, &ann, 2, 1, 1), REPLY_NOT_ON_SALE);
    assert_int_equal(stage->decision.reply.on_sale_us, 0);

    settings.state = SHOW_PAUSED;
    show_set_settings(stage->show, &settings);
    assert_int_equal(confirm(stage, &ann, 1, PAYMENT_APPROVED), REPLY_OK);
    settings.state = SHOW_DRAFT;
    show_set_settings(stage->show, &settings);
    assert_int_equal(reserve(stage, &ann, 2, 1, 1), REPLY_NOT_FOUND);
}

static void test_an_open_hold_keeps_its_price(void **state) {
    struct stage *stage = *state;
    assert_int_equal(reserve(stage, &ann, 1, 0, 1), REPLY_OK);
    struct show_settings dearer = on_sale;
    dearer.prices[0] = 5000;
    dearer.hold_ms = SHOW_HOLD_MIN_MS;
    show_set_settings(stage->show, &dearer);
    pass_ms(stage, HOLD_MS - 1);
    assert_int_equal(confirm(stage, &ann, 1, PAYMENT_APPROVED), REPLY_OK);
    assert_int_equal(stage->decision.reply.booking.amount, 1000);
}

static void test_foolish_requests_are_refused(void **state) {
    struct stage *stage = *state;
    assert_int_equal(reserve(stage, &ann, 1, 0, 0), REPLY_INVALID);
    assert_int_equal(reserve(stage, &ann, 1, 6, 1), REPLY_UNKNOWN_SEAT);
    assert_int_equal(reserve_floor(stage, &ann, 1, BOOKING_SEATS_MAX + 1), REPLY_INVALID);
    struct command twice = command(COMMAND_RESERVE, &ann, 1);
    twice.seat_count = 2;
    assert_int_equal(decide(stage, &twice, PAYMENT_NOT_ASKED), REPLY_INVALID);
    struct command seated = command(COMMAND_RESERVE, &ann, 1);
    seated.item_count = 1;
    seated.items[0] = (struct command_item){STALLS, 1};
    assert_int_equal(decide(stage, &seated, PAYMENT_NOT_ASKED), REPLY_INVALID);
    seated.items[0].section = 2;
    assert_int_equal(decide(stage, &seated, PAYMENT_NOT_ASKED), REPLY_UNKNOWN_SEAT);
    assert_int_equal(confirm(stage, &ann, 1, PAYMENT_APPROVED), REPLY_NOT_FOUND);
    assert_int_equal(cancel(stage, &ann, 1), REPLY_NOT_FOUND);
}

static void test_a_hold_is_given_to_another_user(void **state) {
    struct stage *stage = *state;
    assert_int_equal(reserve(stage, &ann, 1, 0, 2), REPLY_OK);
    pass_ms(stage, 1000);
    assert_int_equal(transfer(stage, &carl, &bob, 1), REPLY_NOT_FOUND);
    assert_int_equal(transfer(stage, &ann, &bob, 2), REPLY_NOT_FOUND);
    assert_int_equal(transfer(stage, &ann, &bob, 1), REPLY_OK);
    assert_false(stage->decision.reply.replayed);
    const struct show_change *change = &stage->decision.change;
    assert_true(id128_equal(&change->user_before, &ann));
    assert_true(id128_equal(&change->booking.user, &bob));
    assert_int_equal(change->before, BOOKING_PENDING);
    assert_int_equal(change->booking.status, BOOKING_PENDING);
    assert_int_equal(show_next_deadline(stage->show), stage->time.served_ms - 1000 + HOLD_MS);

    assert_int_equal(transfer(stage, &ann, &bob, 1), REPLY_OK);
    assert_true(stage->decision.reply.replayed);
    assert_false(stage->decision.has_change);
    assert_int_equal(transfer(stage, &ann, &carl, 1), REPLY_NOT_FOUND);
    assert_int_equal(confirm(stage, &ann, 1, PAYMENT_APPROVED), REPLY_NOT_FOUND);
    assert_int_equal(reserve(stage, &ann, 1, 0, 2), REPLY_NOT_FOUND); /* her key */
    assert_int_equal(confirm(stage, &bob, 1, PAYMENT_APPROVED), REPLY_OK);
    assert_int_equal(transfer(stage, &bob, &ann, 1), REPLY_OK); /* what is paid for as well */
    assert_int_equal(show_seat_state(stage->show, 0), SEAT_BOOKED);
}

static void test_a_transfer_keeps_the_limit(void **state) {
    struct stage *stage = *state;
    assert_int_equal(reserve(stage, &ann, 1, 0, 2), REPLY_OK);
    assert_int_equal(reserve(stage, &bob, 2, 2, 2), REPLY_OK);
    assert_int_equal(reserve_floor(stage, &bob, 3, 1), REPLY_OK);
    assert_int_equal(transfer(stage, &ann, &bob, 1), REPLY_SEAT_LIMIT);
    assert_int_equal(stage->decision.reply.limit, 4);
    assert_false(stage->decision.has_change);
    assert_int_equal(cancel(stage, &bob, 3), REPLY_OK);
    assert_int_equal(transfer(stage, &ann, &bob, 1), REPLY_OK);
    assert_int_equal(reserve_floor(stage, &bob, 4, 1), REPLY_SEAT_LIMIT);
    assert_int_equal(reserve_floor(stage, &ann, 5, 2), REPLY_OK); /* hers count no more */
}

static void test_what_has_ended_is_not_given_away(void **state) {
    struct stage *stage = *state;
    assert_int_equal(reserve(stage, &ann, 1, 0, 1), REPLY_OK);
    pass_ms(stage, HOLD_MS);
    assert_int_equal(transfer(stage, &ann, &bob, 1), REPLY_HOLD_EXPIRED);
    assert_int_equal(stage->decision.change.booking.status, BOOKING_EXPIRED);
    assert_true(id128_equal(&stage->decision.change.booking.user, &ann));

    assert_int_equal(reserve(stage, &ann, 2, 0, 1), REPLY_OK);
    assert_int_equal(cancel(stage, &ann, 2), REPLY_OK);
    struct booking cancelled = stage->decision.change.booking;
    struct command again = command(COMMAND_TRANSFER, &ann, 2);
    again.new_user = bob;
    struct show_request request = {
        .command = &again, .lookup = LOOKUP_FOUND, .looked_up = &cancelled};
    assert_int_equal(decide_request(stage, &request), REPLY_NOT_PENDING);
    assert_false(stage->decision.has_change);
}

/* As many users as seats, and one more: there is room for that one. */
static void test_a_full_house_is_given_away(void **state) {
    struct stage *stage = *state;
    for (uint8_t seat = 0; seat < 6; seat++) {
        const struct id128 user = {{0x10, seat}};
        assert_int_equal(reserve(stage, &user, seat, seat, 1), REPLY_OK);
    }
    const struct id128 first = {{0x10, 0}};
    assert_int_equal(transfer(stage, &first, &ann, 0), REPLY_OK);
}

static void test_recovery_refuses_a_broken_store(void **state) {
    struct stage *stage = *state;
    struct booking booking = {.id = {{1}},
                              .user = ann,
                              .event_id = EVENT,
                              .status = BOOKING_CONFIRMED,
                              .seat_count = 2,
                              .seats = {0, 1}};
    assert_int_equal(show_restore_booking(stage->show, &booking), STATUS_OK);
    assert_int_equal(show_restore_booking(stage->show, &booking), STATUS_CONFLICT);
    booking.id.bytes[0] = 2;
    booking.seats[0] = 2;
    assert_int_equal(show_restore_booking(stage->show, &booking), STATUS_CONFLICT);
    assert_int_equal(show_seat_state(stage->show, 2), SEAT_AVAILABLE);
    assert_int_equal(show_restore_blocked(stage->show, 1), STATUS_CONFLICT);
    assert_int_equal(show_restore_blocked(stage->show, 2), STATUS_OK);
    assert_int_equal(reserve(stage, &bob, 9, 2, 1), REPLY_SEAT_TAKEN);
}

int main(void) {
#define STORY(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        STORY(test_a_hold_is_paid_for),
        STORY(test_a_taken_seat_takes_nothing),
        STORY(test_the_floor_sells_its_lowest_free_seats),
        STORY(test_one_key_makes_one_booking),
        STORY(test_an_ended_key_is_looked_up),
        STORY(test_a_hold_ends_to_the_millisecond),
        STORY(test_the_sweep_goes_by_deadline),
        STORY(test_open_holds_count_towards_the_limit),
        STORY(test_a_sale_has_its_hours),
        STORY(test_an_open_hold_keeps_its_price),
        STORY(test_foolish_requests_are_refused),
        STORY(test_a_hold_is_given_to_another_user),
        STORY(test_a_transfer_keeps_the_limit),
        STORY(test_what_has_ended_is_not_given_away),
        STORY(test_a_full_house_is_given_away),
        STORY(test_recovery_refuses_a_broken_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
