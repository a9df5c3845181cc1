/* Thousands of connections that send a byte a second do not keep others from booking. */
#include "tests/support/expect.h"
#include "tests/support/shop.h"
#include "tests/support/wait.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/resource.h>

enum {
    SLOW = 5000,
    FILES = SLOW + 500,
    BOOK_MS = 8000,    /* for so long others book meanwhile */
    SLOWEST_MS = 2000, /* of theirs */
    GIVEN_UP_MS = 30000,
    SEATS = 1000,
};

static const char trickle[] = "GET /events HTTP/1.1\r\nHost: slow\r\nX-Patience: endless";

struct crowd {
    struct http_connection *connections[SLOW];
    unsigned sent; /* bytes, by each */
    int64_t next_byte_ms;
};

/* Children inherit it: the gateway needs as many. */
static void allow_files(void) {
    struct rlimit limit;
    ensure(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    expect(limit.rlim_max >= FILES, "only %llu files may be open here",
           (unsigned long long)limit.rlim_max);
    limit.rlim_cur = limit.rlim_max;
    ensure(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

/* A byte a second from each. */
static void drive_crowd(struct crowd *crowd) {
    if (wait_now_ms() >= crowd->next_byte_ms && crowd->sent < sizeof trickle - 1) {
        crowd->next_byte_ms = wait_now_ms() + 1000;
        for (unsigned i = 0; i < SLOW; i++) {
            http_connection_send_bytes(crowd->connections[i], trickle + crowd->sent, 1,
                                       GIVEN_UP_MS);
        }
        crowd->sent++;
    }
    http_drive(crowd->connections, SLOW, WAIT_PAUSE_MS);
}

/* Returns how long it took. */
static int64_t book(struct cluster *cluster, const struct shop_customer *customer, int64_t event_id,
                    unsigned number) {
    char seat[16];
    (void)snprintf(seat, sizeof seat, "A%u", number + 1);
    struct http_answer answer = shop_reserve(cluster, number % 2, customer, event_id, seat, NULL);
    int64_t took_ms = (answer.done_us - answer.sent_us) / 1000;
    expect(took_ms < SLOWEST_MS, "a booking took %lld ms", (long long)took_ms);
    shop_expect(answer, 201, NULL);
    return took_ms;
}

static void others_book_normally(void **state) {
    allow_files();
    const struct cluster_options options = {.settings = {"USHER_REQUEST_SECONDS=10"}};
    struct cluster *cluster = cluster_create(state, &options);
    const struct shop_event event = {.venue_id = shop_venue(cluster, 1, SEATS),
                                     .seats_per_user = SEATS};
    int64_t event_id = shop_event(cluster, &event);
    struct shop_customer customer;
    struct crowd *crowd = calloc(1, sizeof *crowd);
    ensure(crowd != NULL);
    shop_customer(cluster, &customer);
    for (unsigned i = 0; i < SLOW; i++) {
        crowd->connections[i] = http_connection_create(cluster->gateways[0].port);
    }
    int64_t end_ms = wait_now_ms() + BOOK_MS;
    int64_t slowest_ms = 0;
    unsigned bookings = 0;
    while (wait_now_ms() < end_ms && bookings + 1 < SEATS) {
        drive_crowd(crowd);
        int64_t took_ms = book(cluster, &customer, event_id, bookings++);
        slowest_ms = took_ms > slowest_ms ? took_ms : slowest_ms;
    }
    assert_true(bookings > 20);

    /* In the end each is told that it took too long, and none is left. */
    unsigned told = 0;
    struct wait wait = wait_at_most(GIVEN_UP_MS);
    for (unsigned i = 0; i < SLOW; i++) {
        struct http_answer answer;
        while (!http_connection_take(crowd->connections[i], &answer)) {
            expect(!wait_is_over(&wait), "a slow client is kept for ever");
            drive_crowd(crowd);
        }
        told += answer.status == 408;
        http_answer_free(&answer);
    }
    for (unsigned i = 0; i < SLOW; i++) {
        http_connection_destroy(crowd->connections[i]);
    }
    expect(told == SLOW, "%u of %d slow clients were answered 408", told, SLOW);
    free(crowd);
    printf("%d clients that send a byte a second: %u bookings meanwhile, the slowest took %lld ms; "
           "all were answered 408 after 10 s\n",
           SLOW, bookings, (long long)slowest_ms);
    (void)book(cluster, &customer, event_id, bookings);
    shop_expect_sound_database(cluster);
    cluster_finish(cluster);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(others_book_normally, cluster_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
