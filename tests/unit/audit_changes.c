#include "tests/unit/audit_history.h"

typedef bool is_fit(const struct audit_number *n);

static bool is_called(const struct audit_number *n) {
    return n->stored && n->called_us != 0 && n->ended_us != 0 && n->linked_us == 0;
}

static bool is_waiting(const struct audit_number *n) {
    return n->stored && n->state == TURN_NONE;
}

static bool is_missed(const struct audit_number *n) {
    return is_called(n) && n->state == TURN_MISSED;
}

static bool has_booked(const struct audit_number *n) {
    return is_called(n) && n->state == TURN_BOUGHT;
}

static bool is_shopping(const struct audit_number *n) {
    return n->state == TURN_PASS;
}

/* The first from `from` on. */
static struct audit_number *pick(struct history *history, is_fit *fit, size_t from) {
    for (size_t i = from; i < history->count; i++)
        if (fit(&history->numbers[i]))
            return &history->numbers[i];
    return NULL;
}

static size_t position_of(const struct history *history, const struct audit_number *n) {
    return (size_t)(n - history->numbers);
}

/* Two of them with others between. */
static bool pick_two(struct history *history, is_fit *fit, struct audit_number **a,
                     struct audit_number **b) {
    *a = pick(history, fit, history->count / 3);
    *b = *a != NULL ? pick(history, fit, position_of(history, *a) + 5) : NULL;
    return *b != NULL;
}

static void take_out(struct history *history, const struct audit_number *n) {
    size_t position = position_of(history, n);
    memmove(&history->numbers[position], &history->numbers[position + 1],
            (history->count - position - 1) * sizeof *n);
    history->count--;
}

static void book(struct history *history, struct audit_number *n, int64_t created_us) {
    struct audit_booking *booking = &history->bookings[position_of(history, n)][n->booking_count++];
    *booking = (struct audit_booking){
        .user = n->joined, .created_us = created_us, .status = BOOKING_CONFIRMED};
}

static bool call_two_the_other_way_round(struct history *history) {
    struct audit_number *a, *b;
    if (!pick_two(history, is_called, &a, &b) || b->called_us <= a->called_us + AUDIT_CLOCK_US)
        return false;
    int64_t called_us = a->called_us;
    a->called_us = b->called_us;
    b->called_us = called_us;
    a->ended_us += b->called_us - called_us;
    return true;
}

static bool store_two_the_other_way_round(struct history *history) {
    struct audit_number *a, *b;
    if (!pick_two(history, is_waiting, &a, &b))
        return false;
    int64_t joined_us = a->joined_us;
    a->joined_us = b->joined_us;
    b->joined_us = joined_us;
    return true;
}

static bool give_two_turns_to_each_other(struct history *history) {
    struct audit_number *a, *b;
    if (!pick_two(history, is_called, &a, &b) || id128_equal(&a->user, &b->user))
        return false;
    struct id128 user = a->user;
    a->user = b->user;
    b->user = user;
    return true;
}

static bool let_one_wait_twice(struct history *history) {
    struct audit_number *a, *b;
    if (!pick_two(history, is_waiting, &a, &b))
        return false;
    b->joined = a->joined;
    return true;
}

static bool let_one_come_back_while_called(struct history *history) {
    struct audit_number *a, *b;
    if (!pick_two(history, is_called, &a, &b))
        return false;
    b->joined = b->user = a->joined;
    a->ended_us = b->called_us + 1000000;
    return true;
}

static bool give_a_number_twice(struct history *history) {
    struct audit_number *n = pick(history, is_waiting, 0);
    if (n == NULL || n + 1 == history->numbers + history->count)
        return false;
    n[1].number = n->number;
    return true;
}

static bool forget_somebody(struct history *history) {
    const struct audit_number *n = pick(history, is_called, 0);
    if (n != NULL)
        take_out(history, n);
    return n != NULL;
}

static bool pass_somebody_over(struct history *history) {
    struct audit_number *n = pick(history, is_called, history->count / 4);
    if (n == NULL)
        return false;
    n->state = TURN_NONE;
    n->called_us = n->ended_us = n->turn_joined_us = 0;
    n->booking_count = 0;
    return true;
}

static bool let_somebody_wait_on(struct history *history) {
    struct audit_number *n = pick(history, is_called, history->count / 4);
    if (n == NULL)
        return false;
    n->state = TURN_WAITING;
    n->called_us = n->ended_us = n->turn_joined_us = 0;
    n->booking_count = 0;
    return true;
}

static bool skip_without_a_reason(struct history *history) {
    struct audit_number *n = pick(history, is_missed, 0);
    if (n == NULL)
        return false;
    n->state = TURN_SKIPPED;
    n->ended_us = n->called_us + HISTORY_CLAIM_MS * 500;
    n->called_us = 0;
    return true;
}

static bool cut_a_turn_short(struct history *history) {
    struct audit_number *n = pick(history, is_missed, 0);
    if (n != NULL)
        n->ended_us = n->called_us + HISTORY_CLAIM_MS * 500;
    return n != NULL;
}

static bool call_ahead_of_the_door(struct history *history) {
    struct audit_number *n = pick(history, is_waiting, history->count - 3);
    if (n == NULL)
        return false;
    n->state = TURN_CALLED;
    n->user = n->joined;
    n->turn_joined_us = n->joined_us;
    n->called_us = n->joined_us + INT64_C(3600000000);
    return true;
}

static bool book_without_a_turn(struct history *history) {
    struct audit_number *n = pick(history, is_waiting, 0);
    if (n != NULL)
        book(history, n, n->joined_us + 1000);
    return n != NULL;
}

static bool book_before_the_turn(struct history *history) {
    struct audit_number *n = pick(history, has_booked, 0);
    if (n != NULL)
        history->bookings[position_of(history, n)][0].created_us = n->called_us - 1000000;
    return n != NULL;
}

static bool book_after_the_turn(struct history *history) {
    struct audit_number *n = pick(history, has_booked, 0);
    if (n != NULL)
        history->bookings[position_of(history, n)][0].created_us = n->ended_us + 1000000;
    return n != NULL;
}

static bool book_with_a_turn_that_was_missed(struct history *history) {
    struct audit_number *n = pick(history, is_missed, 0);
    if (n != NULL)
        book(history, n, n->called_us + 1000);
    return n != NULL;
}

static bool book_with_anothers_turn(struct history *history) {
    struct audit_number *n = pick(history, has_booked, 0);
    if (n != NULL)
        history->bookings[position_of(history, n)][0].user.bytes[7] ^= 1;
    return n != NULL;
}

static bool book_twice_with_a_turn(struct history *history) {
    struct audit_number *n = pick(history, has_booked, 0);
    if (n == NULL || n->booking_count == HISTORY_BOOKINGS_MAX)
        return false;
    book(history, n, n->ended_us);
    return true;
}

static bool lose_a_booking(struct history *history) {
    struct audit_number *n = pick(history, has_booked, 0);
    if (n != NULL)
        n->booking_count = 0;
    return n != NULL;
}

static bool lose_an_entry(struct history *history) {
    struct audit_number *n = pick(history, is_called, 0);
    if (n != NULL)
        n->stored = false;
    return n != NULL;
}

static bool store_in_a_gap(struct history *history) {
    for (size_t i = 0; i < history->count; i++) {
        struct audit_number *n = &history->numbers[i];
        if (!n->stored) {
            n->stored = true;
            return true;
        }
    }
    return false;
}

static bool store_for_another_span(struct history *history) {
    struct audit_number *n = pick(history, is_waiting, 0);
    if (n != NULL)
        n->span++;
    return n != NULL;
}

static bool give_numbers_above_those_issued(struct history *history) {
    struct audit_number *n = pick(history, is_called, history->count / 4);
    if (n != NULL)
        history->room.issued_to = n->number - 1;
    return n != NULL;
}

static bool begin_a_span_too_low(struct history *history) {
    if (history->room.span_count < 2)
        return false;
    history->room.spans[1].span.first_number = 1;
    return true;
}

static bool store_another_time_than_the_turn_says(struct history *history) {
    struct audit_number *n = pick(history, is_called, 0);
    if (n != NULL)
        n->turn_joined_us++;
    return n != NULL;
}

static bool let_a_pass_have_ended(struct history *history) {
    struct audit_number *n = pick(history, is_shopping, 0);
    if (n != NULL)
        n->ended_us = n->called_us + 1;
    return n != NULL;
}

static bool have_been_called_without_a_time(struct history *history) {
    struct audit_number *n = pick(history, is_missed, 0);
    if (n != NULL)
        n->called_us = 0;
    return n != NULL;
}

const struct history_change history_changes[] = {
#define CHANGE(function, rule)                                                                     \
    { #function, function, rule }
    CHANGE(call_two_the_other_way_round, AUDIT_CALL_ORDER),
    CHANGE(store_two_the_other_way_round, AUDIT_JOIN_ORDER),
    CHANGE(give_two_turns_to_each_other, AUDIT_WRONG_PERSON),
    CHANGE(let_one_wait_twice, AUDIT_TWO_PLACES),
    CHANGE(let_one_come_back_while_called, AUDIT_TWO_TURNS),
    CHANGE(give_a_number_twice, AUDIT_NUMBER_TWICE),
    CHANGE(forget_somebody, AUDIT_NO_TURN),
    CHANGE(pass_somebody_over, AUDIT_NO_TURN),
    CHANGE(let_somebody_wait_on, AUDIT_NO_TURN),
    CHANGE(skip_without_a_reason, AUDIT_NO_REASON),
    CHANGE(cut_a_turn_short, AUDIT_CUT_SHORT),
    CHANGE(call_ahead_of_the_door, AUDIT_AHEAD),
    CHANGE(book_without_a_turn, AUDIT_NOT_ADMITTED),
    CHANGE(book_before_the_turn, AUDIT_NOT_ADMITTED),
    CHANGE(book_after_the_turn, AUDIT_NOT_ADMITTED),
    CHANGE(book_with_a_turn_that_was_missed, AUDIT_NOT_ADMITTED),
    CHANGE(book_with_anothers_turn, AUDIT_NOT_ADMITTED),
    CHANGE(book_twice_with_a_turn, AUDIT_TWO_BOOKINGS),
    CHANGE(lose_a_booking, AUDIT_TURN_BROKEN),
    CHANGE(lose_an_entry, AUDIT_NO_ENTRY),
    CHANGE(store_in_a_gap, AUDIT_SPAN),
    CHANGE(store_for_another_span, AUDIT_SPAN),
    CHANGE(give_numbers_above_those_issued, AUDIT_NOT_ISSUED),
    CHANGE(begin_a_span_too_low, AUDIT_LINE),
    CHANGE(store_another_time_than_the_turn_says, AUDIT_TURN_BROKEN),
    CHANGE(let_a_pass_have_ended, AUDIT_TURN_BROKEN),
    CHANGE(have_been_called_without_a_time, AUDIT_TURN_BROKEN),
#undef CHANGE
    {0},
};
