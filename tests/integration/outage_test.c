/* PostgreSQL or NATS is away: looking goes on, booking says so, and all comes back by itself. */
#include "tests/support/expect.h"
#include "tests/support/shop.h"
#include "tests/support/wait.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

enum { NOTICE_MS = 20000, RECOVER_MS = 30000, ANSWER_MS = 11000 };

static bool says_booking_is(struct cluster *cluster, unsigned gateway, const char *wanted) {
    struct http_answer answer = shop_get(cluster, gateway, "/readyz");
    const char *booking = http_answer_text(&answer, "booking");
    expect(answer.status == 200, "/readyz: %d", answer.status);
    bool is = booking != NULL && strcmp(booking, wanted) == 0;
    http_answer_free(&answer);
    return is;
}

static void wait_until_booking_is(struct cluster *cluster, const char *wanted) {
    struct wait wait = wait_at_most(RECOVER_MS);
    for (unsigned gateway = 0; gateway < cluster->gateway_count; gateway++) {
        while (!says_booking_is(cluster, gateway, wanted)) {
            wait_again(&wait, "/readyz to say that booking is up, or down");
        }
    }
}

static bool seats_are_stale(struct cluster *cluster, unsigned gateway, int64_t event_id) {
    struct http_answer answer = shop_seats(cluster, gateway, event_id);
    expect(answer.status == 200, "seats: %d %s", answer.status,
           answer.body != NULL ? answer.body : "(no answer)");
    bool stale = json_is_true(json_object_get(answer.json, "stale"));
    http_answer_free(&answer);
    return stale;
}

static void wait_until_stale_is(struct cluster *cluster, int64_t event_id, bool wanted) {
    struct wait wait = wait_at_most(NOTICE_MS);
    for (unsigned gateway = 0; gateway < cluster->gateway_count; gateway++) {
        while (seats_are_stale(cluster, gateway, event_id) != wanted) {
            wait_again(&wait, wanted ? "the map to be marked stale" : "the map to be fresh");
        }
    }
}

/* Everything there is to look at, as long as the source is away. */
static void expect_looking(struct cluster *cluster, int64_t event_id) {
    char paths[3][SHOP_TEXT_SIZE] = {"/events"};
    (void)snprintf(paths[1], SHOP_TEXT_SIZE, "/events/%" PRId64, event_id);
    (void)snprintf(paths[2], SHOP_TEXT_SIZE, "/events/%" PRId64 "/layout", event_id);
    for (unsigned gateway = 0; gateway < cluster->gateway_count; gateway++) {
        for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
            shop_expect(shop_get(cluster, gateway, paths[i]), 200, NULL);
        }
        char *seat = shop_shown_seat(cluster, gateway, event_id, "A1");
        assert_string_equal(seat, "HELD");
        free(seat);
    }
}

static void expect_no_booking(struct cluster *cluster, const struct shop_customer *customer,
                              int64_t event_id) {
    for (unsigned gateway = 0; gateway < cluster->gateway_count; gateway++) {
        struct http_answer answer = shop_reserve(cluster, gateway, customer, event_id, "A2", NULL);
        expect(answer.done_us - answer.sent_us < ANSWER_MS * INT64_C(1000), "503 after %lld ms",
               (long long)(answer.done_us - answer.sent_us) / 1000);
        assert_true(http_answer_has_header(&answer, "Retry-After", NULL));
        shop_expect(answer, 503, NULL);
    }
}

struct stall {
    struct cluster *cluster;
    struct shop_customer customer;
    int64_t event_id;
    char booking_id[64];
};

/* A hold on A1, and every gateway has been asked for everything once. */
static struct stall set_up(void **state) {
    struct stall stall = {.cluster = cluster_create(state, NULL)};
    const struct shop_event event = {.venue_id = shop_venue(stall.cluster, 1, 20)};
    stall.event_id = shop_event(stall.cluster, &event);
    shop_customer(stall.cluster, &stall.customer);
    shop_hold(stall.cluster, 0, &stall.customer, stall.event_id, "A1", stall.booking_id);
    for (unsigned gateway = 0; gateway < stall.cluster->gateway_count; gateway++) {
        shop_wait_shown(stall.cluster, gateway, stall.event_id, "A1", "HELD");
    }
    expect_looking(stall.cluster, stall.event_id);
    assert_false(seats_are_stale(stall.cluster, 0, stall.event_id));
    return stall;
}

static void expect_all_back(struct stall *stall) {
    char booking_id[64];
    wait_until_booking_is(stall->cluster, "up");
    wait_until_stale_is(stall->cluster, stall->event_id, false);
    shop_hold(stall->cluster, 1, &stall->customer, stall->event_id, "A3", booking_id);
    shop_expect(shop_confirm(stall->cluster, 0, &stall->customer, booking_id), 200, NULL);
    shop_expect(shop_confirm(stall->cluster, 1, &stall->customer, stall->booking_id), 200, NULL);
    shop_wait_shown(stall->cluster, 1, stall->event_id, "A3", "BOOKED");
    shop_expect_sound_database(stall->cluster);
    cluster_finish(stall->cluster);
}

static void postgresql_goes_and_comes_back(void **state) {
    struct stall stall = set_up(state);
    postgres_crash(stall.cluster->postgres);
    wait_until_booking_is(stall.cluster, "down");
    wait_until_stale_is(stall.cluster, stall.event_id, true);
    expect_looking(stall.cluster, stall.event_id);
    expect_no_booking(stall.cluster, &stall.customer, stall.event_id);
    postgres_start(stall.cluster->postgres);
    expect_all_back(&stall);
}

static void wait_until_kept(struct cluster *cluster, const char *gateway, int64_t event_id) {
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/home/%s/seats-%" PRId64, cluster->folder, gateway,
                   event_id);
    struct wait wait = wait_at_most(NOTICE_MS);
    while (access(path, R_OK) != 0) {
        wait_again(&wait, "a copy of the map to be on the disk");
    }
}

static void wait_until_it_answers(struct cluster *cluster, unsigned gateway) {
    struct wait wait = wait_at_most(RECOVER_MS);
    for (int status = 0; status == 0;) {
        struct http_answer answer = shop_get(cluster, gateway, "/healthz");
        status = answer.status;
        http_answer_free(&answer);
        if (status == 0) {
            wait_again(&wait, "a gateway to answer at all");
        }
    }
}

/* A copy may be young when it is shown first; then it is as good as fresh and has no Age. */
static void wait_until_old(struct cluster *cluster, unsigned gateway, const char *page) {
    struct wait wait = wait_at_most(NOTICE_MS);
    for (bool old = false; !old;) {
        struct http_answer answer = shop_get(cluster, gateway, page);
        old = http_answer_has_header(&answer, "Age", NULL);
        shop_expect(answer, 200, NULL);
        if (!old) {
            wait_again(&wait, "a page to say its age");
        }
    }
}

/* Shows everything it showed before, from its disk, and says how old it is. */
static void a_gateway_started_meanwhile_still_shows_everything(void **state) {
    struct stall stall = set_up(state);
    struct cluster *cluster = stall.cluster;
    char page[SHOP_TEXT_SIZE];
    (void)snprintf(page, sizeof page, "/events/%" PRId64, stall.event_id);
    wait_until_kept(cluster, "gateway-2", stall.event_id);
    postgres_crash(cluster->postgres);
    cluster_kill(&cluster->gateways[1]);
    cluster_start_gateway(cluster, 1);
    wait_until_it_answers(cluster, 1);
    wait_until_booking_is(cluster, "down");
    expect_looking(cluster, stall.event_id);
    assert_true(seats_are_stale(cluster, 1, stall.event_id));
    wait_until_old(cluster, 1, page);
    expect_no_booking(cluster, &stall.customer, stall.event_id);
    postgres_start(cluster->postgres);
    expect_all_back(&stall);
}

static void nats_goes_and_comes_back(void **state) {
    struct stall stall = set_up(state);
    nats_kill(stall.cluster->nats);
    wait_until_booking_is(stall.cluster, "down");
    wait_until_stale_is(stall.cluster, stall.event_id, true);
    expect_looking(stall.cluster, stall.event_id);
    expect_no_booking(stall.cluster, &stall.customer, stall.event_id);
    nats_start(stall.cluster->nats);
    expect_all_back(&stall);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(postgresql_goes_and_comes_back, cluster_teardown),
        cmocka_unit_test_teardown(a_gateway_started_meanwhile_still_shows_everything,
                                  cluster_teardown),
        cmocka_unit_test_teardown(nats_goes_and_comes_back, cluster_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
