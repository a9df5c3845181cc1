/* Many customers want the same seats at the same time: who gets them, and what the others are told.
 */
#include "tests/integration/load.h"
#include "tests/support/expect.h"
#include "tests/support/wait.h"

#include <inttypes.h>
#include <stdlib.h>

enum { CLIENTS = 1000, ROUNDS = 20, EVENTS = 4, MIXED_CLIENTS = 100, MIXED_MS = 8000 };

struct race {
    struct cluster *cluster;
    struct shop_customer customers[CLIENTS];
    uint16_t ports[CLIENTS];
    struct http_request requests[CLIENTS];
    struct http_answer answers[CLIENTS];
};

static void race_for(struct race *race, int64_t event_id, const char *seat) {
    char body[SHOP_TEXT_SIZE];
    unsigned won = 0, lost = 0;
    (void)shop_reserve_body(body, event_id, seat);
    for (unsigned i = 0; i < CLIENTS; i++) {
        race->ports[i] = race->cluster->gateways[i % race->cluster->gateway_count].port;
        race->requests[i] = (struct http_request){.method = "POST",
                                                  .path = "/bookings/reserve",
                                                  .token = race->customers[i].token,
                                                  .body = body};
    }
    http_call_many(race->ports, race->requests, CLIENTS, race->answers);
    for (unsigned i = 0; i < CLIENTS; i++) {
        struct http_answer *answer = &race->answers[i];
        const char *code = http_answer_code(answer);
        won += answer->status == 201;
        lost += answer->status == 409 && strcmp(code, "seat-taken") == 0;
        expect(answer->status == 201 || answer->status == 409, "client %u: %d %s", i,
               answer->status, answer->body != NULL ? answer->body : "(no answer)");
        http_answer_free(answer);
    }
    expect(won == 1 && lost == CLIENTS - 1, "%u got the seat, %u were told that it is taken", won,
           lost);
}

static void a_thousand_race_for_one_seat(void **state) {
    struct cluster *cluster = cluster_create(state, NULL);
    const struct shop_event event = {.venue_id = shop_venue(cluster, 1, ROUNDS),
                                     .seats_per_user = ROUNDS};
    int64_t events[EVENTS];
    for (unsigned i = 0; i < EVENTS; i++) {
        events[i] = shop_event_owned_by(cluster, &event, i % 2);
    }
    struct race *race = calloc(1, sizeof *race);
    ensure(race != NULL);
    race->cluster = cluster;
    shop_customers(cluster, race->customers, CLIENTS);
    for (unsigned round = 0; round < ROUNDS; round++) {
        char seat[16];
        (void)snprintf(seat, sizeof seat, "A%u", round + 1);
        race_for(race, events[round % EVENTS], seat);
    }
    free(race);
    assert_int_equal(sql_number(cluster->sql, "SELECT count(*) FROM report.bookings", NULL),
                     ROUNDS);
    assert_int_equal(
        sql_number(cluster->sql, "SELECT count(*) FROM report.seats WHERE status = 'HELD'", NULL),
        ROUNDS);
    shop_expect_sound_database(cluster);
    cluster_finish(cluster);
}

static void overlapping_sets_with_cancels_and_confirms(void **state) {
    struct cluster *cluster = cluster_create(state, NULL);
    struct load_options options = {.cluster = cluster,
                                   .clients = MIXED_CLIENTS,
                                   .event_count = EVENTS,
                                   .rows = SHOP_ROWS_MAX,
                                   .seats_per_row = 60,
                                   .window = 16,
                                   .hold_seconds = 2,
                                   .pause_ms = 5,
                                   .seed = 1};
    const struct shop_event event = {.venue_id =
                                         shop_venue(cluster, options.rows, options.seats_per_row),
                                     .hold_seconds = options.hold_seconds,
                                     .seats_per_user = 1000};
    for (unsigned i = 0; i < EVENTS; i++) {
        options.events[i] = shop_event_owned_by(cluster, &event, i % 2);
    }
    struct load *load = load_create(&options);
    load_drive_until(load, wait_now_ms() + MIXED_MS);
    load_settle(load);
    const struct load_counts *counts = load_counts(load);
    print_message("%" PRIu64 " held, %" PRIu64 " taken, %" PRIu64 " confirmed, %" PRIu64
                  " cancelled, %" PRIu64 " unanswered\n",
                  counts->held, counts->taken, counts->confirmed, counts->cancelled,
                  counts->unanswered);
    assert_true(counts->held > 100 && counts->taken > 100);
    assert_true(counts->confirmed > 20 && counts->cancelled > 20);
    history_check(load_history(load));
    shop_expect_sound_database(cluster);
    load_destroy(load);
    cluster_finish(cluster);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_thousand_race_for_one_seat, cluster_teardown),
        cmocka_unit_test_teardown(overlapping_sets_with_cancels_and_confirms, cluster_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
