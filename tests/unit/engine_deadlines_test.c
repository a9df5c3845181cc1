#include "tests/sim/random.h"
#include "worker/engine/deadlines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct live_booking *add(struct deadlines *deadlines, struct live_booking *booking,
                                int64_t deadline_ms, uint8_t id) {
    *booking = (struct live_booking){0};
    booking->booking.deadline_served_ms = deadline_ms;
    booking->booking.id.bytes[0] = id;
    assert_int_equal(deadlines_make_room(deadlines), STATUS_OK);
    deadlines_add(deadlines, booking);
    return booking;
}

static void test_the_earliest_comes_first_and_ids_settle_ties(void **state UNUSED) {
    struct deadlines *deadlines = deadlines_create();
    struct live_booking bookings[4];
    assert_null(deadlines_first(deadlines));
    add(deadlines, &bookings[0], 30, 1);
    add(deadlines, &bookings[1], 10, 9);
    add(deadlines, &bookings[2], 20, 1);
    add(deadlines, &bookings[3], 10, 3);
    static const int order[] = {3, 1, 2, 0};
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        assert_ptr_equal(deadlines_first(deadlines), &bookings[order[i]]);
        deadlines_remove(deadlines, &bookings[order[i]]);
    }
    assert_int_equal(deadlines_count(deadlines), 0);
    deadlines_destroy(deadlines);
}

enum { BOOKINGS = 200 };

static struct live_booking *earliest(struct live_booking *bookings, const bool *in_order) {
    struct live_booking *first = NULL;
    for (int i = 0; i < BOOKINGS; i++) {
        if (!in_order[i]) {
            continue;
        }
        const struct booking *booking = &bookings[i].booking;
        if (first == NULL || booking->deadline_served_ms < first->booking.deadline_served_ms ||
            (booking->deadline_served_ms == first->booking.deadline_served_ms &&
             booking->id.bytes[0] < first->booking.id.bytes[0])) {
            first = &bookings[i];
        }
    }
    return first;
}

static void test_holds_leave_from_the_middle(void **state UNUSED) {
    struct deadlines *deadlines = deadlines_create();
    struct live_booking *bookings = calloc(BOOKINGS, sizeof *bookings);
    bool in_order[BOOKINGS] = {0};
    struct random random = {3};
    assert_non_null(bookings);
    for (int step = 0; step < 20000; step++) {
        uint32_t i = random_below(&random, BOOKINGS);
        if (in_order[i]) {
            deadlines_remove(deadlines, &bookings[i]);
        } else {
            add(deadlines, &bookings[i], random_below(&random, 50), (uint8_t)i);
        }
        in_order[i] = !in_order[i];
        assert_ptr_equal(deadlines_first(deadlines), earliest(bookings, in_order));
    }
    for (int i = 0; i < BOOKINGS; i++) {
        assert_true(!in_order[i] || deadlines_holds(deadlines, &bookings[i]));
    }
    free(bookings);
    deadlines_destroy(deadlines);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_earliest_comes_first_and_ids_settle_ties),
        cmocka_unit_test(test_holds_leave_from_the_middle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
