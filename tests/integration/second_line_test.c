/*
 * The second line of promise 1. Advisory lock and fence are switched off, and both workers believe
 * that they own everything: gateways send commands of one event now to one, now to the other. Then
 * it is the database that refuses the double sale.
 */
#include "tests/support/expect.h"
#include "tests/support/shop.h"
#include "tests/support/wait.h"

#include <inttypes.h>
#include <stdlib.h>

enum { SEATS = 400, RIVALS = 20, REFUSED_MS = 60000, ROUNDS_MIN = 40 };

static void switch_off_the_first_line(struct cluster *cluster) {
    for (unsigned i = 0; i < cluster->worker_count; i++) {
        cluster_arm(&cluster->workers[i], "ownership.no-lock", "always fail");
        cluster_arm(&cluster->workers[i], "committer.no-fence", "always fail");
    }
}

/* unique_violation (PostgreSQL manual, Appendix A). */
static bool database_refused(const struct cluster *cluster) {
    bool refused = false;
    for (unsigned i = 0; i < cluster->worker_count; i++) {
        refused = refused || folder_file_contains(process_log_path(cluster->workers[i].process),
                                                  "\"sqlstate\":\"23505\"");
    }
    return refused;
}

/* Everybody wants the seat; says how many were told that they have it. */
static unsigned race(struct cluster *cluster, const struct shop_customer *rivals, int64_t event_id,
                     unsigned number) {
    char seat[16], body[SHOP_TEXT_SIZE];
    uint16_t ports[RIVALS];
    struct http_request requests[RIVALS];
    struct http_answer answers[RIVALS];
    unsigned winners = 0;
    (void)snprintf(seat, sizeof seat, "A%u", number + 1);
    (void)shop_reserve_body(body, event_id, seat);
    for (unsigned i = 0; i < RIVALS; i++) {
        ports[i] = cluster->gateways[i % cluster->gateway_count].port;
        requests[i] = (struct http_request){
            .method = "POST", .path = "/bookings/reserve", .token = rivals[i].token, .body = body};
    }
    http_call_many(ports, requests, RIVALS, answers);
    for (unsigned i = 0; i < RIVALS; i++) {
        winners += answers[i].status == 201;
        http_answer_free(&answers[i]);
    }
    expect(winners <= 1, "seat %s was sold %u times", seat, winners);
    return winners;
}

static void the_database_refuses_a_double_sale(void **state) {
    struct cluster *cluster = cluster_create(state, NULL);
    const struct shop_event event = {.venue_id = shop_venue(cluster, 1, SEATS),
                                     .seats_per_user = SEATS};
    int64_t event_id = shop_event(cluster, &event);
    struct shop_customer rivals[RIVALS];
    shop_customers(cluster, rivals, RIVALS);
    switch_off_the_first_line(cluster);

    unsigned sold = 0, rounds = 0;
    struct wait wait = wait_at_most(REFUSED_MS);
    while (rounds < ROUNDS_MIN || !database_refused(cluster)) {
        expect(!wait_is_over(&wait) && rounds < SEATS, "the database was not asked to sell twice");
        sold += race(cluster, rivals, event_id, rounds++);
    }
    print_message("%u seats raced for, %u sold, none twice\n", rounds, sold);
    assert_true(sold > 0);
    int64_t stored = sql_number(cluster->sql, "SELECT count(*) FROM report.bookings", NULL);
    expect(stored >= sold, "%u were told that they have a seat, %lld have", sold,
           (long long)stored);
    cluster_finish(cluster);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_database_refuses_a_double_sale, cluster_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
