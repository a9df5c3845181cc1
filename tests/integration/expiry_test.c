/* A hold ends when it should: not before what the customer was told, and soon after. */
#include "tests/support/expect.h"
#include "tests/support/shop.h"
#include "tests/support/wait.h"

#include "shared/clock.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    HOLD_S = 2,
    SWEEP_MS = 3000,      /* a hold is swept at most so long after its deadline */
    LONG_HOLD_S = 8,      /* outlives a takeover */
    TAKEOVER_MS = 6000,   /* served time stands still so long at most */
    EARLY_SLACK_MS = 100, /* PostgreSQL's time is known to a worker to within a round trip */
    FREEZE_MS = 1600,     /* shorter than any time-out of a worker's session */
    TRIES = 5,
};

/* Monotonic milliseconds of the answer's expiresAt. */
static int64_t told_end_ms(const struct http_answer *answer) {
    const char *text = http_answer_text(answer, "expiresAt");
    int64_t expires_us = 0;
    expect(text != NULL && time_from_text(text, &expires_us), "no expiresAt: %s", answer->body);
    return wait_now_ms() + (expires_us - clock_wall_us()) / 1000;
}

/* Holds one seat; the booking's id and when it was said to end. */
static int64_t hold(struct cluster *cluster, const struct shop_customer *customer, int64_t event_id,
                    const char *seat, char booking_id[64]) {
    struct http_answer answer = shop_reserve(cluster, 0, customer, event_id, seat, NULL);
    expect(answer.status == 201, "reserve: %d %s", answer.status, answer.body);
    int64_t end_ms = told_end_ms(&answer);
    (void)snprintf(booking_id, 64, "%s", http_answer_text(&answer, "bookingId"));
    http_answer_free(&answer);
    return end_ms;
}

/* When the seat turned AVAILABLE in the database. */
static int64_t wait_until_free(struct cluster *cluster, int64_t event_id, const char *seat,
                               int64_t limit_ms) {
    struct wait wait = wait_at_most(limit_ms);
    for (;;) {
        char *state = shop_stored_seat(cluster, event_id, seat);
        bool is_free = strcmp(state, "AVAILABLE") == 0;
        free(state);
        if (is_free) {
            return wait_now_ms();
        }
        wait_again(&wait, "an expired seat to be free");
    }
}

static void a_seat_is_free_again(void **state) {
    struct cluster *cluster = cluster_create(state, NULL);
    const struct shop_event event = {.venue_id = shop_venue(cluster, 1, 10),
                                     .hold_seconds = HOLD_S};
    struct shop_customer customer, next;
    char booking_id[64], next_id[64];
    shop_customer(cluster, &customer);
    shop_customer(cluster, &next);
    for (unsigned worker = 0; worker < 2; worker++) {
        int64_t event_id = shop_event_owned_by(cluster, &event, worker);
        int64_t end_ms = hold(cluster, &customer, event_id, "A1", booking_id);
        shop_wait_shown(cluster, 1, event_id, "A1", "HELD");
        int64_t free_ms = wait_until_free(cluster, event_id, "A1", HOLD_S * 1000 + SWEEP_MS);
        expect(free_ms >= end_ms - EARLY_SLACK_MS, "expired %lld ms early",
               (long long)(end_ms - free_ms));
        expect(free_ms <= end_ms + SWEEP_MS, "expired %lld ms late", (long long)(free_ms - end_ms));
        shop_wait_shown(cluster, 0, event_id, "A1", "AVAILABLE");
        shop_wait_shown(cluster, 1, event_id, "A1", "AVAILABLE");

        struct http_answer answer = shop_booking(cluster, 1, &customer, booking_id);
        assert_string_equal(http_answer_text(&answer, "status"), "EXPIRED");
        http_answer_free(&answer);
        shop_expect(shop_confirm(cluster, 0, &customer, booking_id), 410, "hold-expired");
        shop_expect(shop_cancel(cluster, 0, &customer, booking_id), 410, "hold-expired");
        shop_hold(cluster, 1, &next, event_id, "A1", next_id);
    }
    shop_expect_sound_database(cluster);
    cluster_finish(cluster);
}

/* The worker stands still while the deadline passes, so that the confirm is there before any sweep.
 * False when the machine was too slow to say: then the freeze may have cost the worker its session.
 */
static bool confirm_late_before_sweep(struct cluster *cluster, const struct shop_customer *customer,
                                      int64_t event_id, const char *seat) {
    char booking_id[64], path[SHOP_TEXT_SIZE];
    int owner = cluster_owner(cluster, event_id);
    int64_t end_ms = hold(cluster, customer, event_id, seat, booking_id);
    struct wait near_end = wait_at_most(HOLD_S * 1000);
    while (wait_now_ms() < end_ms - 400) {
        wait_again(&near_end, "the hold's last moments");
    }
    int64_t frozen_ms = wait_now_ms();
    process_freeze(cluster->workers[owner].process);
    (void)snprintf(path, sizeof path, "/bookings/%s/confirm", booking_id);
    const struct http_request request = {.method = "POST",
                                         .path = path,
                                         .token = customer->token,
                                         .body = "{\"paymentToken\":\"tok_ok\"}"};
    struct http_connection *connection = http_connection_create(cluster->gateways[1].port);
    struct http_answer answer;
    http_connection_send(connection, &request, HTTP_CALL_MS);
    while (wait_now_ms() < end_ms + 1000) {
        http_drive(&connection, 1, (int)(end_ms + 1000 - wait_now_ms()));
    }
    process_thaw(cluster->workers[owner].process);
    bool in_time = wait_now_ms() - frozen_ms < FREEZE_MS;
    while (!http_connection_take(connection, &answer)) {
        http_drive(&connection, 1, HTTP_CALL_MS);
    }
    http_connection_destroy(connection);
    expect(!in_time || answer.status == 410, "a confirm one second late: %d %s", answer.status,
           answer.body != NULL ? answer.body : "(no answer)");
    http_answer_free(&answer);
    return in_time;
}

static void a_confirm_one_second_late_is_refused_before_the_sweep(void **state) {
    struct cluster *cluster = cluster_create(state, NULL);
    const struct shop_event event = {.venue_id = shop_venue(cluster, 1, 10),
                                     .hold_seconds = HOLD_S};
    int64_t event_id = shop_event(cluster, &event);
    struct shop_customer customer;
    shop_customer(cluster, &customer);
    bool done = false;
    for (unsigned try = 0; try < TRIES && !done; try++) {
        char seat[16];
        (void)snprintf(seat, sizeof seat, "A%u", try + 1);
        done = confirm_late_before_sweep(cluster, &customer, event_id, seat);
    }
    expect(done, "this machine is too slow for a freeze of %d ms", FREEZE_MS);
    shop_expect_sound_database(cluster);
    cluster_finish(cluster);
}

/* The second worker's wall clock is half a minute ahead; each takes over from the other. */
static void clocks_apart_end_nothing_early_or_late(void **state) {
    const struct cluster_options options = {
        .worker_settings = {NULL, "USHER_TEST_CLOCK_SKEW_MS=30000"}};
    struct cluster *cluster = cluster_create(state, &options);
    const struct shop_event event = {.venue_id = shop_venue(cluster, 1, 10),
                                     .hold_seconds = LONG_HOLD_S};
    struct shop_customer customer;
    char ids[2][64];
    shop_customer(cluster, &customer);
    for (unsigned worker = 0; worker < 2; worker++) {
        int64_t event_id = shop_event_owned_by(cluster, &event, worker);
        int64_t end_ms = hold(cluster, &customer, event_id, "A1", ids[0]);
        int64_t kept_ms = hold(cluster, &customer, event_id, "A2", ids[1]);
        cluster_kill(&cluster->workers[worker]);
        /* Still the customer's, after the takeover; and paid for by then. */
        shop_expect(shop_confirm(cluster, 1, &customer, ids[1]), 200, NULL);
        assert_true(wait_now_ms() < kept_ms);
        int64_t limit_ms = LONG_HOLD_S * 1000 + TAKEOVER_MS + SWEEP_MS;
        int64_t free_ms = wait_until_free(cluster, event_id, "A1", limit_ms);
        expect(free_ms >= end_ms - EARLY_SLACK_MS, "expired %lld ms early",
               (long long)(end_ms - free_ms));
        expect(free_ms <= end_ms + TAKEOVER_MS + SWEEP_MS, "expired %lld ms late",
               (long long)(free_ms - end_ms));
        shop_expect(shop_confirm(cluster, 0, &customer, ids[0]), 410, "hold-expired");
        cluster_start_worker(cluster, worker);
        cluster_wait_ready(cluster);
    }
    shop_expect_sound_database(cluster);
    cluster_finish(cluster);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_seat_is_free_again, cluster_teardown),
        cmocka_unit_test_teardown(a_confirm_one_second_late_is_refused_before_the_sweep,
                                  cluster_teardown),
        cmocka_unit_test_teardown(clocks_apart_end_nothing_early_or_late, cluster_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
