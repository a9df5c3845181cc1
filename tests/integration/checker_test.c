/* The checker itself: it accepts what a correct seat can do, and finds what none can. */
#include "tests/integration/checker.h"
#include "tests/support/expect.h"

enum { LIMIT = 20000, NEVER = 1000000 };

/* One operation a line: what, booking, from, to. */
#define OP(what, b, from, to)                                                                      \
    {                                                                                              \
        .kind = CHECKER_##what, .booking = (b), .certain = true, .invoked_us = (from),             \
        .returned_us = (to)                                                                        \
    }
#define MAYBE(what, b, from)                                                                       \
    { .kind = CHECKER_##what, .booking = (b), .invoked_us = (from) }

static enum checker_verdict decide(const struct checker_operation *operations, size_t count,
                                   const int64_t deadlines_us[3]) {
    static const int64_t never[] = {NEVER, NEVER, NEVER};
    const struct checker_history history = {
        .count = count,
        .operations = operations,
        .booking_count = 3,
        .deadlines_us = deadlines_us != NULL ? deadlines_us : never,
    };
    return checker_decide(&history, LIMIT);
}

#define accept(operations, deadlines)                                                              \
    assert_int_equal(decide(operations, ARRAY_LEN(operations), deadlines), CHECKER_LINEARIZABLE)
#define find_broken(operations, deadlines)                                                         \
    assert_int_equal(decide(operations, ARRAY_LEN(operations), deadlines), CHECKER_BROKEN)

static void accepts_hold_confirm_and_refusals(void **state) {
    (void)state;
    const struct checker_operation operations[] = {
        OP(SEE_FREE, 0, 0, 5),    OP(TAKE, 0, 10, 20),       OP(SEE_TAKEN, 1, 15, 25),
        OP(SEE_HELD, 0, 21, 22),  OP(CONFIRM, 0, 30, 40),    OP(CONFIRM, 0, 50, 60),
        OP(SEE_TAKEN, 1, 70, 80), OP(SEE_BOOKED, 0, 90, 91),
    };
    accept(operations, NULL);
}

static void accepts_a_race_in_the_only_order_that_fits(void **state) {
    (void)state;
    const struct checker_operation operations[] = {
        OP(TAKE, 0, 0, 100),      OP(TAKE, 1, 0, 100),       OP(CANCEL, 1, 0, 100),
        OP(SEE_TAKEN, 2, 0, 100), OP(SEE_HELD, 0, 100, 110),
    };
    accept(operations, NULL);
}

static void accepts_a_take_without_an_answer_that_happened_or_did_not(void **state) {
    (void)state;
    const struct checker_operation happened[] = {
        MAYBE(TAKE, 0, 0),
        OP(SEE_FREE, 0, 10, 20),
        OP(SEE_TAKEN, 1, 500, 510),
        OP(SEE_HELD, 0, 600, 610),
    };
    const struct checker_operation did_not[] = {MAYBE(TAKE, 0, 0), OP(TAKE, 1, 10, 20),
                                                OP(CONFIRM, 1, 30, 40)};
    accept(happened, NULL);
    accept(did_not, NULL);
}

static void accepts_an_expiry_after_the_deadline_only(void **state) {
    (void)state;
    const int64_t deadlines_us[] = {1000, NEVER, NEVER};
    const struct checker_operation late[] = {OP(TAKE, 0, 0, 10), OP(TAKE, 1, 900, 1100),
                                             OP(SEE_ENDED, 0, 1200, 1210)};
    const struct checker_operation early[] = {OP(TAKE, 0, 0, 10), OP(TAKE, 1, 900, 990)};
    accept(late, deadlines_us);
    find_broken(early, deadlines_us);
}

static void finds_a_double_sale(void **state) {
    (void)state;
    const struct checker_operation operations[] = {OP(TAKE, 0, 0, 10), OP(TAKE, 1, 5, 15),
                                                   OP(CONFIRM, 0, 20, 30), OP(CONFIRM, 1, 20, 30)};
    const struct checker_operation holds_only[] = {OP(TAKE, 0, 0, 10), OP(TAKE, 1, 5, 15)};
    find_broken(operations, NULL);
    find_broken(holds_only, NULL);
}

static void finds_a_lost_booking(void **state) {
    (void)state;
    const struct checker_operation confirmed[] = {OP(TAKE, 0, 0, 10), OP(CONFIRM, 0, 20, 30),
                                                  OP(SEE_FREE, 1, 40, 50)};
    const struct checker_operation held[] = {OP(TAKE, 0, 0, 10), OP(SEE_FREE, 1, 40, 50)};
    find_broken(confirmed, NULL);
    find_broken(held, NULL);
}

static void finds_a_stale_read(void **state) {
    (void)state;
    const struct checker_operation free_after_hold[] = {OP(TAKE, 0, 0, 10), OP(SEE_FREE, 1, 11, 12),
                                                        OP(SEE_TAKEN, 1, 20, 30)};
    const struct checker_operation held_after_cancel[] = {OP(TAKE, 0, 0, 10), OP(CANCEL, 0, 20, 30),
                                                          OP(SEE_HELD, 0, 31, 40)};
    const struct checker_operation refused_while_free[] = {OP(SEE_TAKEN, 1, 0, 10),
                                                           OP(TAKE, 0, 11, 20)};
    find_broken(free_after_hold, NULL);
    find_broken(held_after_cancel, NULL);
    find_broken(refused_while_free, NULL);
}

static void finds_a_resurrection(void **state) {
    (void)state;
    const int64_t deadlines_us[] = {100, NEVER, NEVER};
    const struct checker_operation by_repeat[] = {OP(TAKE, 0, 0, 10), OP(CANCEL, 0, 20, 30),
                                                  OP(TAKE, 0, 40, 50)};
    const struct checker_operation by_confirm[] = {OP(TAKE, 0, 0, 10), OP(SEE_ENDED, 0, 150, 160),
                                                   OP(CONFIRM, 0, 170, 180)};
    const struct checker_operation by_late_message[] = {
        MAYBE(TAKE, 0, 0), OP(SEE_HELD, 0, 10, 20), OP(CANCEL, 0, 30, 40), OP(SEE_HELD, 0, 50, 60)};
    find_broken(by_repeat, deadlines_us);
    find_broken(by_confirm, deadlines_us);
    find_broken(by_late_message, NULL);
}

/* --- histories of a correct seat, at random
 * ------------------------------------------------------------- */

enum { RANDOM_OPERATIONS = 400, RANDOM_BOOKINGS = 60, RANDOM_HISTORIES = 30, WIDTH_US = 30 };

struct random_history {
    struct checker_operation operations[RANDOM_OPERATIONS];
    int64_t deadlines_us[RANDOM_BOOKINGS];
    uint32_t bookings;
};

/* A linear congruential generator is random enough here (Numerical Recipes). */
static uint32_t below(uint32_t *random, uint32_t limit) {
    *random = *random * 1664525u + 1013904223u;
    return (*random >> 8) % limit;
}

/* A correct seat acts at instants 10 µs apart; calls and answers lie around them and overlap. */
static void make_history(struct random_history *made, uint32_t seed) {
    uint32_t random = seed, holder = 0;
    enum checker_kind state = CHECKER_SEE_FREE;
    made->bookings = 0;
    for (int i = 0; i < RANDOM_OPERATIONS; i++) {
        struct checker_operation *operation = &made->operations[i];
        uint32_t dice = below(&random, 10);
        int64_t at_us = 10 * (i + WIDTH_US);
        *operation = (struct checker_operation){
            .booking = holder,
            .certain = true,
            .invoked_us = at_us - below(&random, WIDTH_US),
            .returned_us = at_us + below(&random, WIDTH_US),
        };
        if (state == CHECKER_SEE_BOOKED || (state == CHECKER_SEE_HELD && dice < 7)) {
            operation->kind = state;
        } else if (state == CHECKER_SEE_FREE && made->bookings < RANDOM_BOOKINGS && dice < 8) {
            holder = operation->booking = made->bookings++;
            made->deadlines_us[holder] = at_us + 50;
            operation->kind = CHECKER_TAKE;
            operation->certain = dice < 6;
            state = CHECKER_SEE_HELD;
        } else if (state == CHECKER_SEE_HELD) {
            bool last = made->bookings == RANDOM_BOOKINGS;
            operation->kind = last ? CHECKER_CONFIRM : CHECKER_CANCEL;
            operation->certain = dice < 9;
            state = last ? CHECKER_SEE_BOOKED : CHECKER_SEE_FREE;
        } else {
            operation->kind = CHECKER_SEE_FREE;
        }
    }
}

static enum checker_verdict decide_random(const struct random_history *made) {
    const struct checker_history history = {.count = RANDOM_OPERATIONS,
                                            .operations = made->operations,
                                            .booking_count = made->bookings,
                                            .deadlines_us = made->deadlines_us};
    return checker_decide(&history, LIMIT);
}

static void accepts_what_a_correct_seat_does(void **state) {
    (void)state;
    for (uint32_t seed = 1; seed <= RANDOM_HISTORIES; seed++) {
        struct random_history made;
        make_history(&made, seed);
        expect(decide_random(&made) == CHECKER_LINEARIZABLE, "seed %u", seed);
    }
}

/* At the end the seat is BOOKED; that it was seen free an instant later is impossible, whatever
 * came before. */
static void finds_one_lie_among_hundreds(void **state) {
    (void)state;
    for (uint32_t seed = 1; seed <= RANDOM_HISTORIES; seed++) {
        struct random_history made;
        make_history(&made, seed);
        struct checker_operation *lie = &made.operations[RANDOM_OPERATIONS - 1];
        assert_int_equal(lie->kind, CHECKER_SEE_BOOKED);
        lie->kind = CHECKER_SEE_FREE;
        lie->invoked_us = lie->returned_us;
        expect(decide_random(&made) != CHECKER_LINEARIZABLE, "seed %u", seed);
    }
}

static void says_when_it_gives_up(void **state) {
    (void)state;
    /* Many holds in flight at once, none of which explains the last sight: every order would be
     * tried. */
    struct checker_operation operations[17];
    int64_t deadlines_us[17];
    for (uint32_t i = 0; i < 16; i++) {
        operations[i] = (struct checker_operation){.kind = CHECKER_TAKE, .booking = i};
        deadlines_us[i] = 0;
    }
    operations[16] = (struct checker_operation)OP(SEE_BOOKED, 16, 10, 20);
    deadlines_us[16] = 0;
    const struct checker_history history = {
        .count = 17, .operations = operations, .booking_count = 17, .deadlines_us = deadlines_us};
    assert_int_equal(checker_decide(&history, 1000), CHECKER_UNDECIDED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_hold_confirm_and_refusals),
        cmocka_unit_test(accepts_a_race_in_the_only_order_that_fits),
        cmocka_unit_test(accepts_a_take_without_an_answer_that_happened_or_did_not),
        cmocka_unit_test(accepts_an_expiry_after_the_deadline_only),
        cmocka_unit_test(finds_a_double_sale),
        cmocka_unit_test(finds_a_lost_booking),
        cmocka_unit_test(finds_a_stale_read),
        cmocka_unit_test(finds_a_resurrection),
        cmocka_unit_test(accepts_what_a_correct_seat_does),
        cmocka_unit_test(finds_one_lie_among_hundreds),
        cmocka_unit_test(says_when_it_gives_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
