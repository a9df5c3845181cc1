/*
 * The pace in small simulations: people wait, are called as the pace allows (read from the stream
 * one step after it was granted), come or don't, shop, leave. Steps of 200 ms, all time simulated.
 */
#include "tests/sim/random.h"
#include "worker/engine/meter.h"
#include "worker/engine/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { STEP_MS = 200, MINUTE_MS = 60000, PEOPLE_MAX = 4000, SECONDS_MAX = 50000 };

/* Somebody who was called. */
struct shopper {
    int64_t called_us;
    int64_t claims_ms; /* INT64_MAX: never */
    int64_t holds_ms;  /* from then on with a hold */
    int64_t leaves_ms;
    bool claimed;
};

struct world {
    struct pace pace;
    struct pace_limits limits;
    struct random random;
    int64_t now_ms;
    uint64_t waiting;
    uint32_t no_show_percent;
    uint32_t never_finish_percent; /* of those who come: they keep their pass to its end */
    int64_t shopping_ms;           /* on average */
    int64_t pass_ms;
    uint32_t live;
    struct shopper shoppers[PEOPLE_MAX];
    uint64_t called;
    uint64_t claimed;
    uint64_t finished;
    uint32_t called_in_second[SECONDS_MAX];
};

static struct world *begin(uint32_t per_minute, uint32_t max_shoppers) {
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    world->limits = (struct pace_limits){.open = true,
                                         .per_minute = per_minute,
                                         .claim_ms = 120000,
                                         .max_shoppers = max_shoppers,
                                         .free_seats = 1000000};
    world->random.state = 4;
    world->waiting = 1000000;
    world->shopping_ms = 60000;
    world->pass_ms = 600000;
    return world;
}

static void call(struct world *world) {
    struct random *random = &world->random;
    struct shopper *shopper = &world->shoppers[world->live++];
    assert_true(world->live <= PEOPLE_MAX);
    bool comes = !random_percent(random, world->no_show_percent);
    bool finishes = !random_percent(random, world->never_finish_percent);
    int64_t claims_ms = world->now_ms + random_between(random, 1000, 20000);
    int64_t takes_ms = random_between(random, 1, (uint32_t)world->shopping_ms * 2);
    *shopper = (struct shopper){
        .called_us = world->now_ms * 1000,
        .claims_ms = comes ? claims_ms : INT64_MAX,
        .holds_ms = claims_ms + takes_ms / 2,
        .leaves_ms = !comes     ? world->now_ms + world->limits.claim_ms
                     : finishes ? claims_ms + takes_ms
                                : claims_ms + world->pass_ms,
    };
    pace_take(&world->pace);
    world->called++;
    world->called_in_second[world->now_ms / 1000]++;
    world->waiting--;
}

static void let_shop(struct world *world) {
    world->limits.without_hold = 0;
    for (uint32_t i = 0; i < world->live;) {
        struct shopper *shopper = &world->shoppers[i];
        if (!shopper->claimed && world->now_ms >= shopper->claims_ms) {
            shopper->claimed = true;
            world->claimed++;
            pace_judge(&world->pace, shopper->called_us, true);
        }
        if (world->now_ms >= shopper->leaves_ms) {
            if (!shopper->claimed) {
                pace_judge(&world->pace, shopper->called_us, false);
            }
            world->finished++;
            *shopper = world->shoppers[--world->live];
            continue;
        }
        world->limits.without_hold += !shopper->claimed || world->now_ms < shopper->holds_ms;
        i++;
    }
}

/* Who was granted a place a step ago is called, then the pace is told how things stand. */
static void step(struct world *world) {
    world->now_ms += STEP_MS;
    for (uint32_t n = pace_allowance(&world->pace); n > 0 && world->waiting > 0; n--) {
        call(world);
    }
    let_shop(world);
    world->limits.live = world->live;
    pace_fill(&world->pace, &world->limits, world->now_ms * 1000);
    assert_true(pace_allowance(&world->pace) == 0 ||
                world->live + pace_allowance(&world->pace) <= world->limits.max_shoppers);
}

static void run(struct world *world, int64_t passed_ms) {
    for (int64_t end_ms = world->now_ms + passed_ms; world->now_ms < end_ms;) {
        step(world);
    }
}

/* Claims a minute over so long. */
static double claims_a_minute(struct world *world, int64_t passed_ms) {
    uint64_t before = world->claimed;
    run(world, passed_ms);
    return (double)(world->claimed - before) * MINUTE_MS / (double)passed_ms;
}

static void assert_within_5_percent(double actual, double expected) {
    assert_true(actual >= expected * 0.95 && actual <= expected * 1.05);
}

static void test_the_rate_is_kept_whatever_part_does_not_come(void **state UNUSED) {
    static const uint32_t no_shows[] = {0, 33, 50};
    static const uint32_t rates[] = {60, 600};
    for (size_t i = 0; i < ARRAY_LEN(no_shows) * ARRAY_LEN(rates); i++) {
        uint32_t rate = rates[i / ARRAY_LEN(no_shows)];
        struct world *world = begin(rate, PEOPLE_MAX);
        world->no_show_percent = no_shows[i % ARRAY_LEN(no_shows)];
        run(world, 10 * MINUTE_MS);
        double claims = claims_a_minute(world, 30 * MINUTE_MS);
        printf("%u a minute, %u%% don't come: %.1f come a minute\n", rate, world->no_show_percent,
               claims);
        assert_within_5_percent(claims, rate);
        free(world);
    }
}

static void test_what_is_called_in_addition_has_an_end(void **state UNUSED) {
    struct world *world = begin(60, PEOPLE_MAX);
    world->no_show_percent = 99;
    run(world, 10 * MINUTE_MS);
    uint64_t before = world->called;
    run(world, 10 * MINUTE_MS);
    assert_within_5_percent((double)(world->called - before), 60 * 10 * PACE_EXTRA);
    free(world);
}

static void test_a_few_say_nothing_of_the_rest(void **state UNUSED) {
    struct world *world = begin(6, PEOPLE_MAX);
    world->no_show_percent = 100;
    run(world, 6 * MINUTE_MS);
    assert_within_5_percent((double)world->called, 36); /* of them 24 have decided */
    free(world);
}

static void test_every_rate_is_kept_to(void **state UNUSED) {
    static const uint32_t rates[] = {1, 6, 59, 601, 1999};
    for (size_t i = 0; i < ARRAY_LEN(rates); i++) {
        struct world *world = begin(rates[i], PEOPLE_MAX);
        world->shopping_ms = 1000;
        run(world, 2 * MINUTE_MS);
        uint64_t before = world->called;
        run(world, 60 * MINUTE_MS);
        assert_within_5_percent((double)(world->called - before), rates[i] * 60.0);
        free(world);
    }
}

static uint32_t most_in_a_second(const struct world *world) {
    uint32_t most = 0;
    for (int64_t second = 0; second <= world->now_ms / 1000; second++) {
        most = world->called_in_second[second] > most ? world->called_in_second[second] : most;
    }
    return most;
}

/* Ten a second; a pause, a lull without anybody waiting, owners that stood still. */
static void test_nobody_comes_in_crowds(void **state UNUSED) {
    struct world *world = begin(600, PEOPLE_MAX);
    run(world, 10000);
    world->limits.open = false;
    run(world, 60000);
    assert_int_equal(pace_allowance(&world->pace), 0);
    world->limits.open = true;
    run(world, 10000);
    world->waiting = 0;
    run(world, 60000);
    world->waiting = 100000;
    run(world, 10000);
    world->now_ms += 60000;
    run(world, 10000);
    world->pace = (struct pace){0};
    run(world, 10000);
    assert_in_range(world->called, 450, 550);
    assert_in_range(most_in_a_second(world), 10, 22);
    free(world);
}

static void test_a_stalling_database_slows_it_down(void **state UNUSED) {
    static const struct {
        uint32_t commit_ms;
        double called;
    } cases[] = {{PACE_FAST_MS, 600}, {1125, 330}, {PACE_SLOW_MS, 60}, {60000, 60}, {0, 600}};
    struct world *world = begin(600, PEOPLE_MAX);
    run(world, MINUTE_MS);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        world->limits.commit_ms = cases[i].commit_ms;
        run(world, 2000);
        uint64_t before = world->called;
        run(world, MINUTE_MS);
        assert_within_5_percent((double)(world->called - before), cases[i].called);
    }
    free(world);
}

/* What is known of no-shows from the old rate does not bend the new one. */
static void test_the_rate_changes_while_running(void **state UNUSED) {
    struct world *world = begin(600, PEOPLE_MAX);
    world->no_show_percent = 33;
    run(world, 20 * MINUTE_MS);
    static const uint32_t rates[] = {120, 1200, 60, 600};
    for (size_t i = 0; i < ARRAY_LEN(rates); i++) {
        world->limits.per_minute = rates[i];
        run(world, MINUTE_MS / 2); /* those of the old rate have claimed */
        double claims = claims_a_minute(world, 20 * MINUTE_MS);
        assert_within_5_percent(claims, rates[i]);
    }
    free(world);
}

static void test_lowered_max_shoppers_is_waited_for(void **state UNUSED) {
    struct world *world = begin(600, 400);
    run(world, 5 * MINUTE_MS);
    assert_in_range(world->live, 390, 400);
    world->limits.max_shoppers = 100;
    pace_lower(&world->pace, 0);
    uint64_t before = world->called;
    while (world->live > 100) {
        step(world);
    }
    assert_int_equal(world->called, before);
    run(world, MINUTE_MS);
    assert_in_range(world->live, 90, 100);
    free(world);
}

static void test_no_more_are_called_than_could_buy(void **state UNUSED) {
    static const struct {
        uint32_t free_seats;
        uint32_t people;
    } cases[] = {{0, 0}, {1, PACE_SEATS_LEAST}, {20, 20}, {57, 57}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct world *world = begin(600, PEOPLE_MAX);
        world->limits.free_seats = cases[i].free_seats;
        world->shopping_ms = 10000000; /* nobody holds anything yet */
        run(world, 20000);
        assert_int_equal(world->called, cases[i].people);
        free(world);
    }
}

static void test_the_door_never_starves(void **state UNUSED) {
    struct world *world = begin(600, 50);
    uint64_t live_steps = 0, steps = 0;
    world->waiting = 10000;
    world->no_show_percent = 33;
    world->never_finish_percent = 10;
    world->shopping_ms = 120000;
    run(world, MINUTE_MS);
    for (; world->waiting > 0; steps++) {
        step(world);
        live_steps += world->live;
    }
    double used = 100.0 * (double)live_steps / ((double)steps * world->limits.max_shoppers);
    printf("10,000 waiting, 50 may shop, a third don't come, a tenth never finish: %.1f%% of the "
           "places used over %.1f hours\n",
           used, (double)world->now_ms / (60.0 * MINUTE_MS));
    assert_true(used >= 90);
    free(world);
}

static void test_a_steady_stream_waits_for_nothing(void **state UNUSED) {
    struct world *world = begin(600, PEOPLE_MAX);
    uint64_t most_waiting = 0;
    world->waiting = 0;
    run(world, 1000);
    for (int i = 0; i < 5 * 60 * 10; i++) { /* eight a second come, ten a second may */
        world->waiting += i % 5 < 3 ? 2 : 1;
        step(world);
        most_waiting = world->waiting > most_waiting ? world->waiting : most_waiting;
    }
    assert_int_equal(most_waiting, 0);
    free(world);
}

static void test_a_clock_that_runs_backwards_grants_nothing(void **state UNUSED) {
    struct world *world = begin(600, PEOPLE_MAX);
    world->waiting = 0;
    run(world, 400);
    uint32_t before = pace_allowance(&world->pace);
    pace_fill(&world->pace, &world->limits, 1000);
    assert_int_equal(pace_allowance(&world->pace), before);
    free(world);
}

static void test_a_meter_knows_the_rate_of_the_last_minute(void **state UNUSED) {
    struct meter meter = {0};
    int64_t now_us = INT64_C(1700000000000000);
    assert_int_equal(meter_sum(&meter, now_us), 0);
    for (int i = 0; i < 4; i++) {
        meter_add(&meter, now_us += 1000000, 1);
    }
    assert_int_equal(meter_per_hour(&meter, now_us), 0); /* too few */
    for (int i = 0; i < 300; i++) {
        meter_add(&meter, now_us += 1000000, 2);
        if (i > 10) {
            assert_in_range(meter_per_hour(&meter, now_us), 6500, 7500);
        }
    }
    assert_in_range(meter_sum(&meter, now_us), 110, 120);
    assert_int_not_equal(meter_per_hour(&meter, now_us + 29000000), 0);
    assert_int_equal(meter_per_hour(&meter, now_us + 31000000), 0);
    assert_int_equal(meter_sum(&meter, now_us + 61000000), 0);
    meter_add(&meter, now_us + 3600000000, 7);
    assert_int_equal(meter_sum(&meter, now_us + 3600000000), 7);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_rate_is_kept_whatever_part_does_not_come),
        cmocka_unit_test(test_what_is_called_in_addition_has_an_end),
        cmocka_unit_test(test_a_few_say_nothing_of_the_rest),
        cmocka_unit_test(test_every_rate_is_kept_to),
        cmocka_unit_test(test_nobody_comes_in_crowds),
        cmocka_unit_test(test_a_stalling_database_slows_it_down),
        cmocka_unit_test(test_the_rate_changes_while_running),
        cmocka_unit_test(test_lowered_max_shoppers_is_waited_for),
        cmocka_unit_test(test_no_more_are_called_than_could_buy),
        cmocka_unit_test(test_the_door_never_starves),
        cmocka_unit_test(test_a_steady_stream_waits_for_nothing),
        cmocka_unit_test(test_a_clock_that_runs_backwards_grants_nothing),
        cmocka_unit_test(test_a_meter_knows_the_rate_of_the_last_minute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
