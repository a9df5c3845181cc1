/* Limits over HTTP: loopback is a trusted proxy here, so the forwarded address counts. */
#include "tests/support/expect.h"
#include "tests/support/shop.h"
#include "tests/support/wait.h"

enum { TRIES = 60, LOOKING = 10, BOOKING = 5, BOOKING_ADDRESS = 12, SESSIONS = 3, ADMIN = 4 };

static const struct cluster_options options = {
    .workers = 1,
    .gateways = 1,
    .settings = {"USHER_TRUSTED_PROXIES=127.0.0.0/8,::1", "USHER_LIMIT_LOOKING=1/10",
                 "USHER_LIMIT_BOOKING=1/5", "USHER_LIMIT_BOOKING_ADDRESS=1/12",
                 "USHER_LIMIT_SESSIONS=1/3", "USHER_LIMIT_ADMIN=1/4"},
};

struct tally {
    unsigned served, limited, other;
    unsigned refilled; /* tokens that may have come meanwhile, at one a second */
};

static struct http_answer ask(struct http_connection *connection,
                              const struct http_request *request, const char *forwarded) {
    char headers[160];
    struct http_answer answer;
    struct http_request whole = *request;
    (void)snprintf(headers, sizeof headers, "X-Forwarded-For: %s\r\n", forwarded);
    whole.headers = headers;
    http_ask(connection, &whole, &answer);
    return answer;
}

/* An answer 429 is what the API says it is. */
static void expect_honest(const struct http_answer *answer) {
    assert_string_equal(http_answer_code(answer), "too-many-requests");
    expect(http_answer_has_header(answer, "Retry-After", "1"), "no Retry-After: 1 in %s",
           answer->head);
    assert_true(http_answer_has_header(answer, "Cache-Control", "no-store"));
}

/* TRIES times, on one connection; '#' in `forwarded` becomes the number of the try. */
static struct tally ask_often(struct cluster *cluster, const struct http_request *request,
                              const char *forwarded) {
    struct tally tally = {0};
    struct http_connection *connection = http_connection_create(cluster->gateways[0].port);
    int64_t started_ms = wait_now_ms();
    for (unsigned i = 0; i < TRIES; i++) {
        char address[128];
        int before = (int)strcspn(forwarded, "#");
        if (forwarded[before] == '#') {
            (void)snprintf(address, sizeof address, "%.*s%u%s", before, forwarded, i + 1,
                           forwarded + before + 1);
        } else {
            (void)snprintf(address, sizeof address, "%s", forwarded);
        }
        struct http_answer answer = ask(connection, request, address);
        tally.limited += answer.status == 429;
        tally.served += answer.status >= 200 && answer.status < 300;
        tally.other += answer.status != 429 && (answer.status < 200 || answer.status >= 300);
        if (answer.status == 429) {
            expect_honest(&answer);
        }
        http_answer_free(&answer);
    }
    http_connection_destroy(connection);
    tally.refilled = (unsigned)((wait_now_ms() - started_ms) / 1000 + 1);
    return tally;
}

static void expect_limit(const char *what, struct tally tally, unsigned passed, unsigned burst) {
    printf("%-28s %u asked, %u passed, %u answered 429\n", what, TRIES, passed, tally.limited);
    expect(passed >= burst && passed <= burst + tally.refilled && passed + tally.limited == TRIES,
           "%s: %u passed (a burst of %u), %u limited", what, passed, burst, tally.limited);
}

static void addresses_have_buckets(void **state) {
    struct cluster *cluster = cluster_create(state, &options);
    const struct http_request look = {.method = "GET", .path = "/events"};
    struct tally tally = ask_often(cluster, &look, "198.51.100.1");
    expect_limit("looking, one address", tally, tally.served, LOOKING);
    /* Whatever stands left of it is a claim. */
    tally = ask_often(cluster, &look, "203.0.113.#, 198.51.100.2");
    expect_limit("looking, forged addresses", tally, tally.served, LOOKING);
    tally = ask_often(cluster, &look, "2001:db8:1:1::#");
    expect_limit("looking, one IPv6 /64", tally, tally.served, LOOKING);
    tally = ask_often(cluster, &look, "198.51.101.#");
    assert_int_equal(tally.served, TRIES);
    tally = ask_often(cluster, &look, "2001:db8:2:#::1");
    assert_int_equal(tally.served, TRIES);
    const struct http_request health = {.method = "GET", .path = "/healthz"};
    tally = ask_often(cluster, &health, "198.51.100.1");
    assert_int_equal(tally.served, TRIES);
    const struct http_request nothing = {.method = "GET", .path = "/nothing"};
    tally = ask_often(cluster, &nothing, "198.51.100.4");
    expect_limit("paths that are not there", tally, tally.other, LOOKING);
    /* Keys can't be tried out. */
    const struct http_request guess = {
        .method = "GET", .path = "/admin/events/1", .token = "not-the-key"};
    tally = ask_often(cluster, &guess, "198.51.100.5");
    expect_limit("admin keys guessed", tally, tally.other, ADMIN);
    const struct http_request guest = {.method = "POST", .path = "/sessions"};
    tally = ask_often(cluster, &guest, "198.51.100.6");
    expect_limit("sessions, one address", tally, tally.served, SESSIONS);
    cluster_finish(cluster);
}

static void customer_of(struct http_connection *connection, const char *forwarded,
                        struct shop_customer *customer) {
    const struct http_request guest = {.method = "POST", .path = "/sessions"};
    struct http_answer answer = ask(connection, &guest, forwarded);
    expect(answer.status == 201, "no session: %d", answer.status);
    (void)snprintf(customer->token, sizeof customer->token, "%s",
                   http_answer_text(&answer, "token"));
    http_answer_free(&answer);
}

/* Asks until it is served; returns after how many milliseconds. */
static int64_t wait_served(struct http_connection *connection, const struct http_request *request,
                           const char *forwarded) {
    int64_t started_ms = wait_now_ms();
    struct wait wait = wait_at_most(10000);
    for (;;) {
        struct http_answer answer = ask(connection, request, forwarded);
        int status = answer.status;
        http_answer_free(&answer);
        if (status == 200) {
            return wait_now_ms() - started_ms;
        }
        assert_int_equal(status, 429);
        wait_again(&wait, "the bucket to have a token again");
    }
}

static void users_have_buckets(void **state) {
    struct cluster *cluster = cluster_create(state, &options);
    struct http_connection *connection = http_connection_create(cluster->gateways[0].port);
    struct shop_customer fan, other;
    customer_of(connection, "198.51.100.1", &fan);
    customer_of(connection, "198.51.100.2", &other);
    const struct http_request mine = {.method = "GET", .path = "/bookings", .token = fan.token};
    const struct http_request theirs = {.method = "GET", .path = "/bookings", .token = other.token};
    /* From wherever they ask. */
    struct tally tally = ask_often(cluster, &mine, "198.51.102.#");
    expect_limit("bookings, one user", tally, tally.served, BOOKING);
    struct http_answer answer = ask(connection, &theirs, "198.51.102.1");
    assert_int_equal(answer.status, 200);
    http_answer_free(&answer);
    /* Tokens that are none cost their address. */
    const struct http_request forged = {.method = "GET", .path = "/bookings", .token = "forged"};
    tally = ask_often(cluster, &forged, "198.51.100.3");
    expect_limit("forged tokens, one address", tally, tally.other, BOOKING_ADDRESS);

    int64_t waited_ms = wait_served(connection, &mine, "198.51.103.1");
    printf("told to wait 1 s, served after %lld ms\n", (long long)waited_ms);
    assert_true(waited_ms <= 2000);
    http_connection_destroy(connection);
    cluster_finish(cluster);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(addresses_have_buckets, cluster_teardown),
        cmocka_unit_test_teardown(users_have_buckets, cluster_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
