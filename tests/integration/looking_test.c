/* A page that nobody has asked for yet is wanted by everybody at once: one query answers all. */
#include "tests/support/expect.h"
#include "tests/support/shop.h"
#include "tests/support/wait.h"

#include <inttypes.h>
#include <stdlib.h>

enum { WAVES = 4, WAVE_REQUESTS = 2500, STATISTICS_MS = 15000 };

/* How often usher's event table was read by its key. PostgreSQL's counters come late: whoever
 * compares waits until they stand still. */
static int64_t event_reads(struct cluster *cluster) {
    return sql_number(cluster->sql,
                      "SELECT idx_scan FROM pg_stat_user_indexes "
                      "WHERE schemaname = 'usher' AND indexrelname = 'event_pkey'",
                      NULL);
}

static int64_t settled_event_reads(struct cluster *cluster) {
    struct wait wait = wait_at_most(STATISTICS_MS);
    int64_t reads = -1;
    int64_t since_ms = wait_now_ms();
    for (;;) {
        int64_t now = event_reads(cluster);
        if (now != reads) {
            reads = now;
            since_ms = wait_now_ms();
        } else if (wait_now_ms() - since_ms > 2500) {
            return reads;
        }
        wait_again(&wait, "PostgreSQL's counters to stand still");
    }
}

static void ten_thousand_want_one_cold_page(void **state) {
    const struct cluster_options options = {.gateways = 1};
    struct cluster *cluster = cluster_create(state, &options);
    const struct shop_event event = {.venue_id = shop_venue(cluster, 2, 20)};
    char path[SHOP_TEXT_SIZE];
    (void)snprintf(path, sizeof path, "/events/%" PRId64 "/layout?v=1",
                   shop_event(cluster, &event));

    uint16_t *ports = calloc(WAVE_REQUESTS, sizeof *ports);
    struct http_request *requests = calloc(WAVE_REQUESTS, sizeof *requests);
    struct http_answer *answers = calloc(WAVE_REQUESTS, sizeof *answers);
    for (size_t i = 0; i < WAVE_REQUESTS; i++) {
        ports[i] = cluster->gateways[0].port;
        requests[i] = (struct http_request){.method = "GET", .path = path};
    }
    int64_t before = settled_event_reads(cluster);
    int64_t started_ms = wait_now_ms();
    for (size_t wave = 0; wave < WAVES; wave++) {
        http_call_many(ports, requests, WAVE_REQUESTS, answers);
        for (size_t i = 0; i < WAVE_REQUESTS; i++) {
            shop_expect(answers[i], 200, NULL);
        }
    }
    int64_t took_ms = wait_now_ms() - started_ms;
    int64_t reads = settled_event_reads(cluster) - before;
    print_message("%d requests in %" PRId64 " ms, %" PRId64 " reads of the event\n",
                  WAVES * WAVE_REQUESTS, took_ms, reads);
    /* The page itself, and again for each second that the waves take. */
    expect(reads <= 1 + took_ms / 1000, "%" PRId64 " reads", reads);
    free(ports);
    free(requests);
    free(answers);
    cluster_finish(cluster);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(ten_thousand_want_one_cold_page, cluster_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
