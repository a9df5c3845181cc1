#include "shared/booking.h"
#include "tests/sim/random.h"
#include "worker/engine/seat_index.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_all_seats_are_free_at_first(void **state UNUSED) {
    struct seat_index *index = seat_index_create(130);
    for (uint32_t seat = 0; seat < 130; seat++) {
        assert_int_equal(seat_index_next(index, seat), seat);
    }
    assert_int_equal(seat_index_next(index, 130), SEAT_INDEX_NONE);
    assert_int_equal(seat_index_next(index, UINT32_MAX), SEAT_INDEX_NONE);
    seat_index_destroy(index);
}

static void test_the_lowest_free_seat_is_found_across_the_largest_show(void **state UNUSED) {
    struct seat_index *index = seat_index_create(SHOW_SEATS_MAX);
    for (uint32_t seat = 0; seat < SHOW_SEATS_MAX; seat++) {
        seat_index_take(index, seat);
    }
    assert_int_equal(seat_index_next(index, 0), SEAT_INDEX_NONE);
    seat_index_give_back(index, SHOW_SEATS_MAX - 1);
    assert_int_equal(seat_index_next(index, 0), SHOW_SEATS_MAX - 1);
    seat_index_give_back(index, 4096);
    assert_int_equal(seat_index_next(index, 0), 4096);
    assert_int_equal(seat_index_next(index, 4097), SHOW_SEATS_MAX - 1);
    seat_index_destroy(index);
}

static void test_it_agrees_with_a_plain_array(void **state UNUSED) {
    static const uint32_t sizes[] = {1, 63, 64, 65, 4095, 4096, 4097, 9000};
    struct random random = {7};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct seat_index *index = seat_index_create(sizes[i]);
        bool *taken = calloc(sizes[i], sizeof *taken);
        assert_non_null(taken);
        for (int step = 0; step < 3000; step++) {
            uint32_t seat = random_below(&random, sizes[i]);
            taken[seat] = random_percent(&random, 90);
            if (taken[seat]) {
                seat_index_take(index, seat);
            } else {
                seat_index_give_back(index, seat);
            }
            uint32_t from = random_below(&random, sizes[i]);
            uint32_t expected = from;
            while (expected < sizes[i] && taken[expected]) {
                expected++;
            }
            assert_int_equal(seat_index_next(index, from),
                             expected == sizes[i] ? SEAT_INDEX_NONE : expected);
        }
        free(taken);
        seat_index_destroy(index);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_seats_are_free_at_first),
        cmocka_unit_test(test_the_lowest_free_seat_is_found_across_the_largest_show),
        cmocka_unit_test(test_it_agrees_with_a_plain_array),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
