/*
 * Joining a waiting room, through two gateways at a time: one number a person, in the order in
 * which they came, whichever gateway they ask and however often.
 *
 * JOINERS people, 100,000 with USHER_TEST_LONG=1.
 */
#include "tests/integration/joiners.h"
#include "tests/support/expect.h"
#include "tests/support/queue.h"
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
    ROWS = 4,
    SEATS = 20,
    OWNERS_AHEAD = 100000, /* more than an owner issues ahead of need */
};

#define ROOM_OPEN_NOW "\"mode\":\"open\""
#define SALE_LATER ",\"onSaleTime\":\"2098-01-01T00:00:00Z\""

static int64_t event_with(struct cluster *cluster, const char *room, const char *more) {
    return queue_event(cluster, shop_venue(cluster, ROWS, SEATS), room, more);
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
    int64_t event_id = event_with(cluster, ROOM_OPEN_NOW, SALE_LATER);
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

static void expect_missed(struct cluster *cluster, int64_t event_id, const struct joiner *joiner) {
    char event[24];
    (void)snprintf(event, sizeof event, "%" PRId64, event_id);
    struct wait wait = wait_at_most(WAIT_MS);
    while (sql_number(cluster->sql,
                      "SELECT count(*) FROM usher.turn WHERE event_id = $1 AND state = 5",
                      (const char *[]){event, NULL}) == 0) {
        wait_again(&wait, "the turn to be missed");
    }
    shop_expect(queue_claim(cluster, 1, &joiner->customer, event_id, joiner->queue_token), 410,
                "turn-missed");
}

static void who_comes_again_after_the_end_is_last(void **state) {
    struct cluster *cluster = *state;
    int64_t event_id = event_with(cluster, "\"mode\":\"open\",\"claimSeconds\":1", SALE_LATER);
    struct joiner *people = joiners_create(cluster, 4);
    many_devices(cluster, event_id, &people[0]);
    for (size_t i = 0; i < 4; i++) {
        joiner_join(cluster, event_id, &people[i]);
        assert_int_equal(people[i].status, i == 0 ? 200 : 201);
        assert_int_equal(people[i].number, i + 1);
    }
    shop_expect(queue_leave(cluster, 0, &people[1].customer, event_id, people[1].queue_token), 204,
                NULL);
    joiner_join(cluster, event_id, &people[1]);
    assert_int_equal(people[1].status, 201);
    assert_int_equal(people[1].number, 5);
    people[1].gateway = 0;
    joiner_join(cluster, event_id, &people[1]);
    assert_int_equal(people[1].status, 200);
    assert_int_equal(people[1].number, 5);

    queue_patch(cluster, event_id, "{\"onSaleTime\":null}");
    expect_missed(cluster, event_id, &people[0]);
    joiner_join(cluster, event_id, &people[0]);
    assert_int_equal(people[0].status, 201);
    assert_int_equal(people[0].number, 6);
    free(people);
}

static void who_may_join(void **state) {
    struct cluster *cluster = *state;
    struct shop_customer person;
    const struct shop_customer nobody = {.token = "nobody's"};
    shop_customer(cluster, &person);
    const struct {
        int64_t event_id;
        int status;
        const char *code;
    } cases[] = {
        {event_with(cluster, "", ""), 409, "room-closed"},
        {event_with(cluster, "\"mode\":\"closed\"", SALE_LATER), 409, "room-closed"},
        {event_with(cluster, "\"mode\":\"open\",\"openTime\":\"2097-01-01T00:00:00Z\"", SALE_LATER),
         409, "room-closed"},
        {event_with(cluster, ROOM_OPEN_NOW, SALE_LATER ",\"guests\":false"), 403,
         "guests-not-allowed"},
        {event_with(cluster, ROOM_OPEN_NOW, ",\"state\":\"DRAFT\""), 404, "not-found"},
        {999999, 404, "not-found"},
    };
    for (unsigned gateway = 0; gateway < 2; gateway++) {
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
            shop_expect(queue_join(cluster, gateway, &person, cases[i].event_id), cases[i].status,
                        cases[i].code);
        }
        shop_expect(queue_join(cluster, gateway, &nobody, cases[0].event_id), 401,
                    "unauthenticated");
    }
}

/* A body says nothing, so it may say nothing else. */
static void only_nothing_is_sent(void **state) {
    struct cluster *cluster = *state;
    struct shop_customer person;
    struct http_answer answer;
    char path[SHOP_TEXT_SIZE];
    int64_t event_id = event_with(cluster, ROOM_OPEN_NOW, SALE_LATER);
    shop_customer(cluster, &person);
    (void)snprintf(path, sizeof path, "/events/%" PRId64 "/queue", event_id);
    struct http_request request = {
        .method = "POST", .path = path, .token = person.token, .body = "{\"seat\":1}"};
    http_call(cluster->gateways[0].port, &request, &answer);
    shop_expect(answer, 422, "unknown-field");
    request.body = "{}";
    http_call(cluster->gateways[0].port, &request, &answer);
    shop_expect(answer, 201, NULL);
}

/* NATS is gone and comes back: nobody gets a number meanwhile, nobody loses one, and those who come
 * then stand behind all who came before. */
static void nats_comes_back(void **state) {
    struct cluster *cluster = *state;
    int64_t event_id = event_with(cluster, ROOM_OPEN_NOW, SALE_LATER);
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
        cmocka_unit_test(only_nothing_is_sent),
        cmocka_unit_test(nats_comes_back),
        cmocka_unit_test(all_ends_well),
    };
    return cmocka_run_group_tests(tests, open_cluster, cluster_teardown);
}
