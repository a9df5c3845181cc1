/*
 * Joining a waiting room, through two gateways at a time: one number a person, in the order in
 * which they came, whichever gateway they ask and however often.
 *
 * JOINERS people, 100,000 with USHER_TEST_LONG=1.
 */
#include "tests/integration/joiners.h"
#include "tests/support/expect.h"
#include "tests/support/wait.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    JOINERS = 10000,
    LONG_JOINERS = 100000,
    AT_ONCE = 256,
    AGAIN = 1000,
    DEVICES = 40,
    WAIT_MS = 20000,
    OWNERS_AHEAD = 100000, /* more than an owner issues ahead of need */
};

#define ROOM_OPEN_NOW "{\"mode\":\"open\"}"
#define SALE_LATER ",\"onSaleTime\":\"2098-01-01T00:00:00Z\""

static struct http_answer ask(struct cluster *cluster, unsigned gateway, const char *method,
                              const char *path, const char *token, const char *body) {
    struct http_answer answer;
    const struct http_request request = {
        .method = method, .path = path, .token = token, .body = body};
    http_call(cluster->gateways[gateway].port, &request, &answer);
    return answer;
}

static char *queue_path(char path[SHOP_TEXT_SIZE], int64_t event_id) {
    (void)snprintf(path, SHOP_TEXT_SIZE, "/events/%" PRId64 "/queue", event_id);
    return path;
}

static void patch_event(struct cluster *cluster, int64_t event_id, const char *body) {
    char path[SHOP_TEXT_SIZE];
    (void)snprintf(path, sizeof path, "/admin/events/%" PRId64, event_id);
    shop_expect(ask(cluster, 0, "PATCH", path, cluster->admin_key, body), 200, NULL);
}

static void leave(struct cluster *cluster, int64_t event_id, const struct joiner *joiner) {
    char path[2 * SHOP_TEXT_SIZE];
    (void)snprintf(path, sizeof path, "/events/%" PRId64 "/queue?queueToken=%s", event_id,
                   joiner->queue_token);
    shop_expect(ask(cluster, 0, "DELETE", path, joiner->customer.token, NULL), 204, NULL);
}

/* --- tests */

/* Everybody once more, by the other gateway: the same number. */
static void join_again(struct cluster *cluster, int64_t event_id, const struct joiner *joiners,
                       size_t count) {
    size_t step = count / AGAIN;
    struct joiner *again = calloc(AGAIN, sizeof *again);
    ensure(again != NULL);
    for (size_t i = 0; i < AGAIN; i++) {
        again[i] = joiners[i * step];
        again[i].gateway = 1 - again[i].gateway;
    }
    joiners_join(cluster, event_id, again, AGAIN, AT_ONCE);
    for (size_t i = 0; i < AGAIN; i++) {
        expect(again[i].status == 200 && again[i].number == joiners[i * step].number,
               "number %" PRId64 " became %d, %" PRId64, joiners[i * step].number, again[i].status,
               again[i].number);
    }
    free(again);
}

static void a_crowd_joins_in_order(void **state) {
    struct cluster *cluster = *state;
    size_t count = getenv("USHER_TEST_LONG") != NULL ? LONG_JOINERS : JOINERS;
    int64_t event_id = joiners_event(cluster, ROOM_OPEN_NOW, SALE_LATER);
    struct joiner *joiners = joiners_create(cluster, count);
    int64_t began_ms = wait_now_ms();
    joiners_join(cluster, event_id, joiners, count, AT_ONCE);
    int64_t took_ms = wait_now_ms() - began_ms;
    for (size_t i = 0; i < count; i++) {
        expect(joiners[i].status == 201, "join %zu: %d", i, joiners[i].status);
        expect(joiners[i].position == joiners[i].number - 1, "%" PRId64 " are before %" PRId64,
               joiners[i].position, joiners[i].number);
    }
    joiners_expect_dense(joiners, count, 1);
    uint64_t pairs = joiners_expect_order(joiners, count);
    print_message("%zu joins in %lld ms; %" PRIu64 " pairs in real order\n", count,
                  (long long)took_ms, pairs);
    join_again(cluster, event_id, joiners, count);
    free(joiners);
}

/* One person on many devices at once: one number. */
static void many_devices(struct cluster *cluster, int64_t event_id, const struct joiner *person) {
    struct joiner *devices = calloc(DEVICES, sizeof *devices);
    size_t made = 0;
    ensure(devices != NULL);
    for (unsigned i = 0; i < DEVICES; i++) {
        devices[i].customer = person->customer;
        devices[i].gateway = i % 2;
    }
    joiners_join(cluster, event_id, devices, DEVICES, DEVICES);
    for (size_t i = 0; i < DEVICES; i++) {
        expect(devices[i].status == 201 || devices[i].status == 200, "a device got %d",
               devices[i].status);
        expect(devices[i].number == devices[0].number, "devices got %" PRId64 " and %" PRId64,
               devices[0].number, devices[i].number);
        made += devices[i].status == 201;
    }
    assert_int_equal(made, 1);
    free(devices);
}

static void wait_missed(struct cluster *cluster, int64_t event_id, const struct joiner *joiner) {
    char path[SHOP_TEXT_SIZE];
    char body[2 * SHOP_TEXT_SIZE];
    (void)snprintf(path, sizeof path, "/events/%" PRId64 "/queue/claim", event_id);
    (void)snprintf(body, sizeof body, "{\"queueToken\":\"%s\"}", joiner->queue_token);
    struct wait wait = wait_at_most(WAIT_MS);
    char event[24];
    (void)snprintf(event, sizeof event, "%" PRId64, event_id);
    while (sql_number(cluster->sql,
                      "SELECT count(*) FROM usher.turn WHERE event_id = $1 AND state = 5",
                      (const char *[]){event, NULL}) == 0) {
        wait_again(&wait, "the turn to be missed");
    }
    shop_expect(ask(cluster, 1, "POST", path, joiner->customer.token, body), 410, "turn-missed");
}

static void who_comes_again_after_the_end_is_last(void **state) {
    struct cluster *cluster = *state;
    int64_t event_id = joiners_event(cluster, "{\"mode\":\"open\",\"claimSeconds\":1}", SALE_LATER);
    struct joiner *people = joiners_create(cluster, 4);
    many_devices(cluster, event_id, &people[0]);
    for (size_t i = 0; i < 4; i++) {
        joiner_join(cluster, event_id, &people[i]);
        assert_int_equal(people[i].status, i == 0 ? 200 : 201);
        assert_int_equal(people[i].number, i + 1);
    }
    leave(cluster, event_id, &people[1]);
    joiner_join(cluster, event_id, &people[1]);
    assert_int_equal(people[1].status, 201);
    assert_int_equal(people[1].number, 5);
    people[1].gateway = 0;
    joiner_join(cluster, event_id, &people[1]);
    assert_int_equal(people[1].status, 200);
    assert_int_equal(people[1].number, 5);

    patch_event(cluster, event_id, "{\"onSaleTime\":null}");
    wait_missed(cluster, event_id, &people[0]);
    joiner_join(cluster, event_id, &people[0]);
    assert_int_equal(people[0].status, 201);
    assert_int_equal(people[0].number, 6);
    free(people);
}

static void who_may_join(void **state) {
    struct cluster *cluster = *state;
    char path[SHOP_TEXT_SIZE];
    struct joiner *person = joiners_create(cluster, 1);
    const char *token = person->customer.token;
    int64_t closed = joiners_event(cluster, "{\"mode\":\"closed\"}", SALE_LATER);
    int64_t later = joiners_event(
        cluster, "{\"mode\":\"open\",\"openTime\":\"2097-01-01T00:00:00Z\"}", SALE_LATER);
    int64_t off = joiners_event(cluster, "{}", "");
    int64_t members = joiners_event(cluster, ROOM_OPEN_NOW, SALE_LATER ",\"guests\":false");
    int64_t draft = joiners_event(cluster, ROOM_OPEN_NOW, ",\"state\":\"DRAFT\"");
    for (unsigned gateway = 0; gateway < 2; gateway++) {
        shop_expect(ask(cluster, gateway, "POST", queue_path(path, off), token, NULL), 409,
                    "room-closed");
        shop_expect(ask(cluster, gateway, "POST", queue_path(path, closed), token, "{}"), 409,
                    "room-closed");
        shop_expect(ask(cluster, gateway, "POST", queue_path(path, later), token, NULL), 409,
                    "room-closed");
        shop_expect(ask(cluster, gateway, "POST", queue_path(path, members), token, NULL), 403,
                    "guests-not-allowed");
        shop_expect(ask(cluster, gateway, "POST", queue_path(path, draft), token, NULL), 404,
                    "not-found");
        shop_expect(ask(cluster, gateway, "POST", "/events/999999/queue", token, NULL), 404,
                    "not-found");
        shop_expect(ask(cluster, gateway, "POST", queue_path(path, members), NULL, NULL), 401,
                    "unauthenticated");
        shop_expect(ask(cluster, gateway, "POST", queue_path(path, off), token, "{\"seat\":1}"),
                    422, "unknown-field");
    }
    free(person);
}

/* NATS is gone and comes back: nobody gets a number meanwhile, nobody loses one, and those who come
 * then stand behind all who came before. */
static void nats_comes_back(void **state) {
    struct cluster *cluster = *state;
    int64_t event_id = joiners_event(cluster, ROOM_OPEN_NOW, SALE_LATER);
    struct joiner *people = joiners_create(cluster, 4);
    joiners_join(cluster, event_id, people, 2, 2);
    joiners_expect_dense(people, 2, 1);
    int64_t number = people[0].number;
    nats_kill(cluster->nats);
    joiner_join(cluster, event_id, &people[2]);
    assert_int_equal(people[2].status, 503);
    nats_start(cluster->nats);
    struct wait wait = wait_at_most(WAIT_MS);
    for (joiner_join(cluster, event_id, &people[2]); people[2].status == 503;
         joiner_join(cluster, event_id, &people[2])) {
        wait_again(&wait, "people to join again");
    }
    assert_int_equal(people[2].status, 201);
    joiner_join(cluster, event_id, &people[3]);
    assert_int_equal(people[3].number, people[2].number + 1);
    expect(people[2].number > 2 && people[2].number < OWNERS_AHEAD, "number %" PRId64,
           people[2].number);
    joiner_join(cluster, event_id, &people[0]);
    assert_int_equal(people[0].status, 200);
    assert_int_equal(people[0].number, number);
    assert_int_equal(people[2].position, 2); /* the gap is not in front of anybody */
    free(people);
}

static int open_cluster(void **state) {
    (void)cluster_create(state, NULL);
    return 0;
}

static void all_ends_well(void **state) {
    cluster_finish(*state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_crowd_joins_in_order),
        cmocka_unit_test(who_comes_again_after_the_end_is_last),
        cmocka_unit_test(who_may_join),
        cmocka_unit_test(nats_comes_back),
        cmocka_unit_test(all_ends_well),
    };
    return cmocka_run_group_tests(tests, open_cluster, cluster_teardown);
}
