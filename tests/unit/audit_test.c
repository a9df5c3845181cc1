/* The audit: rooms that kept their word pass; whatever is then changed in their records is found.
 */
#include "tests/unit/audit_history.h"

#include "tests/support/expect.h"

enum { HISTORIES = 60 };

/* --- what can be done to a history; false: nothing there to do it to */

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

static const struct {
    const char *name;
    bool (*apply)(struct history *history);
    enum audit_rule rule;
} mutations[] = {
#define MUTATION(function, rule)                                                                   \
    { #function, function, rule }
    MUTATION(call_two_the_other_way_round, AUDIT_CALL_ORDER),
    MUTATION(store_two_the_other_way_round, AUDIT_JOIN_ORDER),
    MUTATION(give_two_turns_to_each_other, AUDIT_WRONG_PERSON),
    MUTATION(let_one_wait_twice, AUDIT_TWO_PLACES),
    MUTATION(let_one_come_back_while_called, AUDIT_TWO_TURNS),
    MUTATION(give_a_number_twice, AUDIT_NUMBER_TWICE),
    MUTATION(forget_somebody, AUDIT_NO_TURN),
    MUTATION(pass_somebody_over, AUDIT_NO_TURN),
    MUTATION(let_somebody_wait_on, AUDIT_NO_TURN),
    MUTATION(skip_without_a_reason, AUDIT_NO_REASON),
    MUTATION(cut_a_turn_short, AUDIT_CUT_SHORT),
    MUTATION(call_ahead_of_the_door, AUDIT_AHEAD),
    MUTATION(book_without_a_turn, AUDIT_NOT_ADMITTED),
    MUTATION(book_before_the_turn, AUDIT_NOT_ADMITTED),
    MUTATION(book_after_the_turn, AUDIT_NOT_ADMITTED),
    MUTATION(book_with_a_turn_that_was_missed, AUDIT_NOT_ADMITTED),
    MUTATION(book_with_anothers_turn, AUDIT_NOT_ADMITTED),
    MUTATION(book_twice_with_a_turn, AUDIT_TWO_BOOKINGS),
    MUTATION(lose_a_booking, AUDIT_TURN_BROKEN),
    MUTATION(lose_an_entry, AUDIT_NO_ENTRY),
    MUTATION(store_in_a_gap, AUDIT_SPAN),
    MUTATION(store_for_another_span, AUDIT_SPAN),
    MUTATION(give_numbers_above_those_issued, AUDIT_NOT_ISSUED),
    MUTATION(begin_a_span_too_low, AUDIT_LINE),
    MUTATION(store_another_time_than_the_turn_says, AUDIT_TURN_BROKEN),
    MUTATION(let_a_pass_have_ended, AUDIT_TURN_BROKEN),
    MUTATION(have_been_called_without_a_time, AUDIT_TURN_BROKEN),
#undef MUTATION
};

/* --- tests */

static void expect_nothing(const struct audit *audit, size_t history) {
    size_t count;
    const struct audit_finding *findings = audit_findings(audit, &count);
    expect(count == 0, "history %zu: %s: %s", history, audit_rule_text(findings[0].rule),
           findings[0].text);
}

static void rooms_that_kept_their_word_pass(void **state) {
    (void)state;
    struct random random = {.state = 20261123};
    struct audit_summary all = {0};
    for (size_t i = 0; i < HISTORIES; i++) {
        struct history history;
        history_make(&history, &random);
        struct audit *audit = history_audit(&history);
        expect_nothing(audit, i);
        const struct audit_summary *summary = audit_summary(audit);
        assert_true(summary->most_shoppers <= HISTORY_SHOPPERS_MAX);
        for (size_t turn = 0; turn <= TURN_STATE_LAST; turn++)
            all.turns[turn] += summary->turns[turn];
        all.gap_turns += summary->gap_turns;
        all.bookings += summary->bookings;
        all.waiting += summary->waiting;
        audit_destroy(audit);
    }
    for (size_t turn = TURN_WAITING; turn <= TURN_STATE_LAST; turn++)
        expect(all.turns[turn] > 0, "no history has a turn that is %s",
               turn_state_text((enum turn_state)turn));
    assert_true(all.gap_turns > 0 && all.bookings > 0 && all.waiting > 0);
}

static void whatever_is_changed_is_found(void **state) {
    (void)state;
    size_t applied[ARRAY_LEN(mutations)] = {0};
    struct random random = {.state = 4};
    for (size_t i = 0; i < HISTORIES; i++) {
        struct history kept;
        history_make(&kept, &random);
        for (size_t m = 0; m < ARRAY_LEN(mutations); m++) {
            struct history history = kept;
            for (size_t n = 0; n < history.count; n++)
                history.numbers[n].bookings = history.bookings[n];
            if (!mutations[m].apply(&history))
                continue;
            applied[m]++;
            struct audit *audit = history_audit(&history);
            expect(audit_summary(audit)->findings_of[mutations[m].rule] > 0,
                   "history %zu: %s is not found", i, mutations[m].name);
            audit_destroy(audit);
        }
    }
    for (size_t m = 0; m < ARRAY_LEN(mutations); m++)
        expect(applied[m] > 0, "%s was never tried", mutations[m].name);
}

static void more_shoppers_than_allowed_are_found(void **state) {
    (void)state;
    struct random random = {.state = 7};
    struct history history;
    history_make(&history, &random);
    struct audit *audit = history_audit(&history);
    uint64_t most = audit_summary(audit)->most_shoppers;
    audit_destroy(audit);
    assert_true(most > 1);
    history.room.max_shoppers = (uint32_t)most - 1;
    audit = history_audit(&history);
    assert_int_equal(audit_summary(audit)->findings_of[AUDIT_SHOPPERS], 1);
    audit_destroy(audit);
    history.room.max_shoppers = 0; /* it was changed: nothing can be said */
    audit = history_audit(&history);
    expect_nothing(audit, 0);
    audit_destroy(audit);
}

static void without_a_number_nobody_books_while_the_room_is_on(void **state) {
    (void)state;
    const struct audit_room room = {
        .on_count = 2, .on = {{1000, 2000}, {5000, INT64_MAX}}, .lost_above = UINT64_MAX};
    const int64_t off[] = {999, 2000, 4999};
    const int64_t on[] = {1000, 1999, 5000, INT64_MAX - 1};
    struct audit *audit = audit_create(&room);
    for (size_t i = 0; i < ARRAY_LEN(off); i++)
        audit_add_without_number(audit, &(struct audit_booking){.created_us = off[i]});
    expect_nothing(audit, 0);
    for (size_t i = 0; i < ARRAY_LEN(on); i++)
        audit_add_without_number(audit, &(struct audit_booking){.created_us = on[i]});
    assert_int_equal(audit_summary(audit)->findings_of[AUDIT_WITHOUT_NUMBER], ARRAY_LEN(on));
    assert_int_equal(audit_finish(audit), STATUS_OK);
    audit_destroy(audit);
}

static void what_a_restart_may_have_lost_is_no_finding(void **state) {
    (void)state;
    struct audit_room room = {.span_count = 1,
                              .spans = {{.span = {1, 1, 0}}},
                              .admitted_to = 1,
                              .issued_to = 100,
                              .lost_above = 0};
    const struct audit_number lost = {.number = 1,
                                      .joined_us = 5,
                                      .span = -1,
                                      .turn_joined_us = 5,
                                      .state = TURN_CALLED,
                                      .called_us = 10};
    struct audit *audit = audit_create(&room);
    assert_int_equal(audit_add(audit, &lost), STATUS_OK);
    assert_int_equal(audit_finish(audit), STATUS_OK);
    expect_nothing(audit, 0);
    assert_int_equal(audit_summary(audit)->lost, 1);
    audit_destroy(audit);
}

static void many_findings_are_counted_and_the_first_kept(void **state) {
    (void)state;
    const struct audit_room room = {.span_count = 1,
                                    .spans = {{.span = {1, 1, 0}}},
                                    .admitted_to = 100,
                                    .issued_to = 100,
                                    .lost_above = UINT64_MAX};
    struct audit *audit = audit_create(&room);
    size_t count;
    for (uint64_t number = 2; number <= 100; number += 2) {
        struct audit_number n = {
            .number = number, .stored = true, .joined_us = (int64_t)number, .span = -1};
        memcpy(n.joined.bytes, &number, sizeof number);
        assert_int_equal(audit_add(audit, &n), STATUS_OK);
    }
    assert_int_equal(audit_finish(audit), STATUS_OK);
    assert_int_equal(audit_summary(audit)->findings, 100);
    const struct audit_finding *findings = audit_findings(audit, &count);
    assert_int_equal(count, AUDIT_FINDINGS_KEPT);
    assert_int_equal(findings[0].number, 1);
    assert_int_equal(findings[AUDIT_FINDINGS_KEPT - 1].number, AUDIT_FINDINGS_KEPT);
    audit_destroy(audit);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rooms_that_kept_their_word_pass),
        cmocka_unit_test(whatever_is_changed_is_found),
        cmocka_unit_test(more_shoppers_than_allowed_are_found),
        cmocka_unit_test(without_a_number_nobody_books_while_the_room_is_on),
        cmocka_unit_test(what_a_restart_may_have_lost_is_no_finding),
        cmocka_unit_test(many_findings_are_counted_and_the_first_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
