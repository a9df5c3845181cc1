/*
 * A large show costs what its seats cost, and a hold in it what a hold in a small one costs.
 *
 * Processor time, the quickest of a few rounds, and of more while other programs disturb: those
 * only ever add to it. Memory once had stays with the program, since how fast the kernel hands out
 * pages is not what is to be measured.
 */
#include "worker/engine/show.h"

#include <limits.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

enum {
    SMALL = 10000,
    LARGE = 100000,
    ROUNDS_MIN = 3,
    ROUNDS = 30,
    HOLDS = 20000,
    SEATS_PER_BOOKING = 2,
};

static double processor_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Ids as good as random, for id_map and the order of deadlines. */
static struct id128 make_id(uint64_t number) {
    uint64_t words[2] = {number, number * UINT64_C(0x9e3779b97f4a7c15)};
    struct id128 id;
    memcpy(id.bytes, words, sizeof id.bytes);
    return id;
}

static struct show *make_show(uint32_t seat_count) {
    struct show_section section = {.seat_count = seat_count, .general = true};
    struct show_layout layout = {1, &section};
    struct show_settings settings = {.state = SHOW_OPEN,
                                     .hold_ms = SHOW_HOLD_MAX_MS,
                                     .seats_per_user = 10,
                                     .price_count = 1,
                                     .currency = "EUR"};
    struct show *show = show_create(1, &layout, &settings, SHOW_ENDED_MAX);
    assert_non_null(show);
    return show;
}

/* Every seat but the last few is held or booked, two by two. */
static struct show *load_show(uint32_t seat_count) {
    struct show *show = make_show(seat_count);
    for (uint32_t seat = 0; seat + 10 < seat_count; seat += SEATS_PER_BOOKING) {
        struct booking booking = {.id = make_id(seat),
                                  .user = make_id(seat + 1),
                                  .event_id = 1,
                                  .status = seat % 4 == 0 ? BOOKING_PENDING : BOOKING_CONFIRMED,
                                  .seat_count = SEATS_PER_BOOKING,
                                  .seats = {seat, seat + 1},
                                  .deadline_served_ms = SHOW_HOLD_MIN_MS + seat * 7919 % 300000};
        assert_int_equal(show_restore_booking(show, &booking), STATUS_OK);
    }
    return show;
}

struct cost {
    double load_seconds;
    double hold_seconds;
    size_t size_bytes;
};

/* By id and by quantity in turn, each given back. */
static double time_holds(struct show *show) {
    uint32_t seat_count = show_seat_count(show);
    struct show_time time = {.now_us = 1, .served_ms = 1};
    double start = processor_seconds();
    for (uint32_t i = 0; i < HOLDS; i++) {
        struct command command = {.kind = COMMAND_RESERVE,
                                  .event_id = 1,
                                  .user = make_id(3),
                                  .booking_id = make_id(seat_count + i)};
        if (i % 2 == 0) {
            command.seat_count = 2;
            command.seats[0] = seat_count - 1;
            command.seats[1] = seat_count - 2;
        } else {
            command.item_count = 1;
            command.items[0] = (struct command_item){0, 2};
        }
        struct show_request request = {.command = &command, .lookup = LOOKUP_NONE};
        struct show_decision decision;
        assert_int_equal(show_decide(show, &request, &time, &decision), SHOW_DECIDED);
        assert_int_equal(decision.reply.code, REPLY_OK);
        command.kind = COMMAND_CANCEL;
        assert_int_equal(show_decide(show, &request, &time, &decision), SHOW_DECIDED);
        assert_int_equal(decision.reply.code, REPLY_OK);
    }
    return processor_seconds() - start;
}

/* Shows of LARGE seats together: the same memory is touched, in one show or in many. */
static void measure(uint32_t seat_count, struct cost *best) {
    enum { SHOWS_MAX = LARGE / SMALL };
    struct show *shows[SHOWS_MAX];
    uint32_t count = LARGE / seat_count;
    double start = processor_seconds();
    for (uint32_t i = 0; i < count; i++) {
        shows[i] = load_show(seat_count);
    }
    double load_seconds = processor_seconds() - start;
    double hold_seconds = time_holds(shows[0]);
    bool first = best->size_bytes == 0;
    best->size_bytes = show_size_bytes(shows[0]) * count;
    best->load_seconds =
        first || load_seconds < best->load_seconds ? load_seconds : best->load_seconds;
    best->hold_seconds =
        first || hold_seconds < best->hold_seconds ? hold_seconds : best->hold_seconds;
    assert_null(show_check(shows[0]));
    for (uint32_t i = 0; i < count; i++) {
        show_destroy(shows[i]);
    }
}

struct ratios {
    double size;
    double load;
    double hold;
};

static bool ratios_are_good(const struct ratios *ratios) {
    return ratios->size < 1.5 && ratios->load < 1.5 && ratios->hold < 2;
}

static void test_costs_are_linear_and_a_hold_costs_the_same(void **state UNUSED) {
    struct cost small = {0};
    struct cost large = {0};
    struct ratios ratios = {0};
    for (int round = 0; round < ROUNDS && (round < ROUNDS_MIN || !ratios_are_good(&ratios));
         round++) {
        measure(SMALL, &small);
        measure(LARGE, &large);
        ratios.size = (double)large.size_bytes / (double)small.size_bytes;
        ratios.load = large.load_seconds / small.load_seconds;
        ratios.hold = large.hold_seconds / small.hold_seconds;
    }
    print_message("shows of %d and of %d seats: %.0f and %.0f bytes a seat (x %.2f), loading %.0f "
                  "and %.0f ns a seat (x %.2f), hold and cancel %.0f and %.0f ns (x %.2f)\n",
                  SMALL, LARGE, (double)small.size_bytes / LARGE, (double)large.size_bytes / LARGE,
                  ratios.size, small.load_seconds / LARGE * 1e9, large.load_seconds / LARGE * 1e9,
                  ratios.load, small.hold_seconds / HOLDS * 1e9, large.hold_seconds / HOLDS * 1e9,
                  ratios.hold);
    assert_true(ratios_are_good(&ratios));
}

int main(void) {
    mallopt(M_MMAP_THRESHOLD, 1 << 25);
    mallopt(M_TRIM_THRESHOLD, INT_MAX);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_costs_are_linear_and_a_hold_costs_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
