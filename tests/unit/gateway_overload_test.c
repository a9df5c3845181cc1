/* What a gateway takes on, with time moved by hand; a queue of known speed stands for the workers.
 */
#include "gateway/overload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { STEP_US = 1000, MEASURE_US = 50000 };

/* Serves `rate` a second in order; those that wait are a number and the times they came at. */
struct server {
    struct overload overload;
    int64_t came_us[1 << 17];
    size_t first, last; /* waiting: came_us[first … last) */
    double credit;
    int64_t now_us;
    unsigned served, shed;
};

static void turn(struct server *server, double rate, double *arrivals, double offered) {
    server->now_us += STEP_US;
    *arrivals += offered * STEP_US / 1e6;
    while (*arrivals >= 1) {
        --*arrivals;
        if (overload_takes(&server->overload, OVERLOAD_BOOKING, server->last - server->first)) {
            server->came_us[server->last++ % ARRAY_LEN(server->came_us)] = server->now_us;
        } else {
            server->shed++;
        }
    }
    server->credit += rate * STEP_US / 1e6;
    while (server->credit >= 1 && server->first < server->last) {
        int64_t came_us = server->came_us[server->first++ % ARRAY_LEN(server->came_us)];
        overload_answered(&server->overload, server->now_us - came_us);
        server->served++;
        server->credit--;
    }
    if (server->first == server->last && server->credit > 1) {
        server->credit = 1;
    }
    if (server->now_us % MEASURE_US == 0) {
        overload_lag(&server->overload, 100, server->last - server->first, server->now_us);
    }
}

static void run(struct server *server, double rate, double offered, int64_t duration_us) {
    double arrivals = 0;
    server->served = 0;
    server->shed = 0;
    for (int64_t end_us = server->now_us + duration_us; server->now_us < end_us;) {
        turn(server, rate, &arrivals, offered);
    }
}

static struct server *fresh_server(void) {
    static struct server server;
    server = (struct server){.now_us = 1000000};
    return &server;
}

static void below_its_rate_nobody_is_turned_away(void **state) {
    (void)state;
    struct server *server = fresh_server();
    run(server, 2000, 1900, 20000000);
    assert_int_equal(server->shed, 0);
    /* Nor for a burst that drains. */
    for (int i = 0; i < 500; i++) {
        server->came_us[server->last++ % ARRAY_LEN(server->came_us)] = server->now_us;
    }
    run(server, 2000, 1000, 5000000);
    assert_int_equal(server->shed, 0);
    assert_false(server->overload.shedding);
}

static void three_times_its_rate_is_cut_to_what_is_served_in_time(void **state) {
    (void)state;
    struct server *server = fresh_server();
    run(server, 2000, 6000, 10000000);
    assert_true(server->overload.shedding);
    run(server, 2000, 6000, 20000000);
    double goodput = server->served / 20.0;
    int64_t wait_us = server->now_us - server->came_us[server->first % ARRAY_LEN(server->came_us)];
    printf("2000/s can be served, 6000/s asked: %.0f/s served, %.0f/s turned away, wait %lld ms\n",
           goodput, server->shed / 20.0, (long long)wait_us / 1000);
    assert_true(goodput > 1900);
    assert_true(wait_us < 2 * OVERLOAD_WAIT_US);
    /* It is over soon after it is over. */
    run(server, 2000, 1000, 60000000);
    assert_false(server->overload.shedding);
    run(server, 2000, 1900, 5000000);
    assert_int_equal(server->shed, 0);
}

static void a_slow_loop_is_overload_too(void **state) {
    (void)state;
    struct overload overload = {0};
    int64_t now_us = 1000000;
    for (int i = 0; i < 10; i++) {
        now_us += 800000;
        overload_lag(&overload, 700000, 1000, now_us);
    }
    assert_true(overload.shedding);
    assert_false(overload_takes(&overload, OVERLOAD_BOOKING, 1000));
    assert_true(overload_takes(&overload, OVERLOAD_BOOKING, OVERLOAD_PENDING_MIN - 1));
    assert_false(overload_takes(&overload, OVERLOAD_SESSIONS, 0));
    assert_true(overload_takes(&overload, OVERLOAD_LOOKING, 1000));
    /* Looking goes last, and comes back first. */
    for (int i = 0; i < 4; i++) {
        now_us += 5000000;
        overload_lag(&overload, 4000000, 1000, now_us);
    }
    assert_false(overload_takes(&overload, OVERLOAD_LOOKING, 0));
    for (int i = 0; i < 30; i++) {
        now_us += MEASURE_US;
        overload_lag(&overload, 100, 0, now_us);
    }
    assert_true(overload_takes(&overload, OVERLOAD_LOOKING, 0));
    assert_true(overload_takes(&overload, OVERLOAD_SESSIONS, 0));
}

static void after_a_standstill_all_is_taken_on_again(void **state) {
    (void)state;
    struct overload overload = {0};
    int64_t now_us = 1000000;
    for (int i = 0; i < 10; i++) {
        now_us += 800000;
        overload_lag(&overload, 700000, 1000, now_us);
    }
    assert_int_equal(overload.limit, OVERLOAD_PENDING_MIN);
    for (int i = 0; i < 6000000 / MEASURE_US; i++) {
        now_us += MEASURE_US;
        overload_answered(&overload, OVERLOAD_WAIT_US / 10);
        overload_lag(&overload, 100, 1000, now_us);
    }
    assert_false(overload.shedding);
}

static void one_pause_is_none(void **state) {
    (void)state;
    struct overload overload = {0};
    int64_t now_us = 1000000;
    for (int i = 0; i < 100; i++) {
        now_us += MEASURE_US;
        overload_lag(&overload, i % 5 == 0 ? 2000000 : 100, 1000, now_us);
        overload_answered(&overload, i % 5 == 0 ? 2000 : 3000000);
    }
    assert_false(overload.shedding);
}

static void silence_says_nothing(void **state) {
    (void)state;
    struct overload overload = {0};
    int64_t now_us = 1000000;
    for (int i = 0; i < 100; i++) { /* an owner is away for five seconds … */
        now_us += MEASURE_US;
        overload_lag(&overload, 100, 5000, now_us);
    }
    assert_false(overload.shedding);
    for (int i = 0; i < 5; i++) { /* … then all it had not decided is, and what came since */
        overload_answered(&overload, 5000000 - i * 1000000);
    }
    overload_answered(&overload, 2000);
    overload_lag(&overload, 100, 0, now_us + MEASURE_US);
    assert_false(overload.shedding);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(below_its_rate_nobody_is_turned_away),
        cmocka_unit_test(three_times_its_rate_is_cut_to_what_is_served_in_time),
        cmocka_unit_test(a_slow_loop_is_overload_too),
        cmocka_unit_test(after_a_standstill_all_is_taken_on_again),
        cmocka_unit_test(one_pause_is_none),
        cmocka_unit_test(silence_says_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
