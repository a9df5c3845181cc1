/* Passes and places end to end: which passes are worth nothing, and what leaving, missing a turn
 * and joining again do. */
#include "tests/support/expect.h"
#include "tests/support/queue.h"
#include "tests/support/wait.h"

#include <inttypes.h>
#include <stdio.h>

struct site {
    struct cluster *cluster;
    int64_t venue_id;
};

static int64_t open_room(const struct site *site, const char *more) {
    char room[SHOP_TEXT_SIZE];
    (void)snprintf(room, sizeof room, "\"mode\":\"open\"%s", more);
    int64_t event_id = queue_event(site->cluster, site->venue_id, room, NULL);
    queue_wait_phase(site->cluster, 0, event_id, "OPEN");
    queue_wait_phase(site->cluster, 1, event_id, "OPEN");
    return event_id;
}

static void expect_refused(const struct site *site, const struct shop_customer *customer,
                           int64_t event_id, const char *pass, const char *code) {
    shop_expect(queue_reserve(site->cluster, 0, customer, event_id, "A1", pass), 403, code);
}

static int64_t count_of(const struct site *site, int64_t event_id, const char *query) {
    char event[24];
    (void)snprintf(event, sizeof event, "%" PRId64, event_id);
    return sql_number(site->cluster->sql, query, (const char *[]){event, NULL});
}

static void hold(const struct site *site, const struct shop_customer *customer,
                 const struct queue_place *place, const char *seats, char booking_id[64]) {
    struct http_answer answer =
        queue_reserve(site->cluster, 0, customer, place->event_id, seats, place->pass);
    const char *id = http_answer_text(&answer, "bookingId");
    (void)snprintf(booking_id, 64, "%s", id != NULL ? id : "");
    shop_expect(answer, 201, NULL);
}

/* --- passes */

static void a_pass_is_worth_something_to_its_owner_only(const struct site *site) {
    struct cluster *cluster = site->cluster;
    struct shop_customer ann, eve;
    struct queue_place place, elsewhere;
    char forged[SHOP_TEXT_SIZE];
    int64_t event_id = open_room(site, "");
    int64_t other_id = open_room(site, "");
    shop_customer(cluster, &ann);
    shop_customer(cluster, &eve);
    queue_enter(cluster, 0, &ann, event_id, 201, &place);
    queue_enter(cluster, 0, &ann, other_id, 201, &elsewhere);
    queue_take_pass(cluster, 0, &ann, &place);
    queue_take_pass(cluster, 1, &ann, &elsewhere);
    memcpy(forged, place.pass, sizeof forged);
    forged[strlen(forged) / 2] = forged[strlen(forged) / 2] == 'A' ? 'B' : 'A';

    expect_refused(site, &ann, event_id, NULL, "pass-required");
    expect_refused(site, &ann, event_id, "", "bad-pass");
    expect_refused(site, &ann, event_id, "p.forged", "bad-pass");
    expect_refused(site, &ann, event_id, forged, "bad-pass");
    expect_refused(site, &ann, event_id, place.token, "bad-pass"); /* a queue token is none */
    expect_refused(site, &ann, event_id, elsewhere.pass, "bad-pass");
    expect_refused(site, &eve, event_id, place.pass, "bad-pass");
    expect_refused(site, &eve, event_id, NULL, "pass-required");
    assert_int_equal(
        count_of(site, event_id, "SELECT count(*) FROM usher.booking WHERE event_id = $1"), 0);
    assert_int_equal(
        count_of(site, event_id, "SELECT count(*) FROM usher.seat_claim WHERE event_id = $1"), 0);

    shop_expect(queue_claim(cluster, 0, &eve, event_id, place.token), 403, "bad-queue-token");
    shop_expect(queue_claim(cluster, 0, &ann, event_id, elsewhere.token), 403, "bad-queue-token");
    shop_expect(queue_claim(cluster, 0, &ann, event_id, place.pass), 403, "bad-queue-token");
    shop_expect(queue_leave(cluster, 0, &eve, event_id, place.token), 403, "bad-queue-token");
    shop_expect(queue_reserve(cluster, 1, &ann, event_id, "A1", place.pass), 201, NULL);
}

static void a_pass_makes_one_booking(const struct site *site) {
    struct cluster *cluster = site->cluster;
    struct shop_customer ann;
    struct queue_place place;
    char booking_id[64];
    int64_t event_id = open_room(site, "");
    shop_customer(cluster, &ann);
    queue_enter(cluster, 0, &ann, event_id, 201, &place);
    queue_take_pass(cluster, 0, &ann, &place);
    hold(site, &ann, &place, "B1", booking_id);
    shop_expect(queue_reserve(cluster, 0, &ann, event_id, "B2", place.pass), 409, "conflict");
    shop_expect(shop_cancel(cluster, 0, &ann, booking_id), 200, NULL);
    hold(site, &ann, &place, "B2", booking_id);
    shop_expect(shop_confirm(cluster, 1, &ann, booking_id), 200, NULL); /* without a pass */
    expect_refused(site, &ann, event_id, place.pass, "bad-pass");       /* spent */
    shop_expect(queue_claim(cluster, 0, &ann, event_id, place.token), 410, "turn-missed");
    assert_int_equal(count_of(site, event_id,
                              "SELECT queue_number FROM report.bookings"
                              " WHERE event_id = $1 AND status = 'CONFIRMED'"),
                     place.number);
}

static void a_pass_runs_out(const struct site *site) {
    struct cluster *cluster = site->cluster;
    struct shop_customer ann;
    struct queue_place place, again;
    int64_t event_id = open_room(site, ",\"passSeconds\":1");
    shop_customer(cluster, &ann);
    queue_enter(cluster, 0, &ann, event_id, 201, &place);
    queue_take_pass(cluster, 0, &ann, &place);
    struct wait wait = wait_at_most(QUEUE_WAIT_MS);
    while (count_of(site, event_id,
                    "SELECT count(*) FROM usher.turn WHERE event_id = $1 AND state = 7") == 0) {
        wait_again(&wait, "a pass to run out");
    }
    expect_refused(site, &ann, event_id, place.pass, "bad-pass");
    queue_enter(cluster, 1, &ann, event_id, 201, &again);
    assert_true(again.number > place.number);
    expect_refused(site, &ann, event_id, place.pass, "bad-pass");
}

/* --- places */

static void who_leaves_gives_the_number_up(const struct site *site) {
    struct cluster *cluster = site->cluster;
    struct shop_customer people[3];
    struct queue_place places[3], again;
    int64_t event_id = open_room(site, "");
    queue_patch(cluster, event_id, "{\"room\":{\"mode\":\"paused\"}}");
    queue_wait_phase(cluster, 0, event_id, "PAUSED");
    queue_wait_phase(cluster, 1, event_id, "PAUSED");
    shop_customers(cluster, people, ARRAY_LEN(people));
    for (unsigned i = 0; i < ARRAY_LEN(people); i++) {
        queue_enter(cluster, i % 2, &people[i], event_id, 201, &places[i]);
    }
    shop_expect(queue_leave(cluster, 0, &people[0], event_id, NULL), 204, NULL);
    shop_expect(queue_leave(cluster, 1, &people[0], event_id, places[0].token), 204, NULL);
    shop_expect(queue_leave(cluster, 1, &people[1], event_id, places[1].token), 204, NULL);
    queue_enter(cluster, 1, &people[0], event_id, 201, &again);
    assert_int_equal(again.number, 4);
    queue_patch(cluster, event_id, "{\"room\":{\"mode\":\"open\"}}");
    queue_take_pass(cluster, 0, &people[2], &places[2]);
    queue_take_pass(cluster, 0, &people[0], &again);
    shop_expect(queue_claim(cluster, 0, &people[0], event_id, places[0].token), 410, "turn-missed");
    shop_expect(queue_claim(cluster, 0, &people[1], event_id, places[1].token), 410, "turn-missed");
}

static void a_pass_is_given_back(const struct site *site) {
    struct cluster *cluster = site->cluster;
    struct shop_customer ann, bob;
    struct queue_place first, second;
    char booking_id[64];
    int64_t event_id = open_room(site, ",\"maxShoppers\":1");
    shop_customer(cluster, &ann);
    shop_customer(cluster, &bob);
    queue_enter(cluster, 0, &ann, event_id, 201, &first);
    queue_enter(cluster, 0, &bob, event_id, 201, &second);
    queue_take_pass(cluster, 0, &ann, &first);
    hold(site, &ann, &first, "C1", booking_id);
    shop_expect(queue_leave(cluster, 1, &ann, event_id, NULL), 204, NULL);
    expect_refused(site, &ann, event_id, first.pass, "bad-pass");
    queue_take_pass(cluster, 1, &bob, &second);                         /* the place is free */
    shop_expect(shop_confirm(cluster, 0, &ann, booking_id), 200, NULL); /* the hold stayed */
}

static void a_turn_is_missed(const struct site *site) {
    struct cluster *cluster = site->cluster;
    struct shop_customer ann;
    struct queue_place place, again;
    int64_t event_id = open_room(site, ",\"claimSeconds\":1");
    shop_customer(cluster, &ann);
    queue_enter(cluster, 0, &ann, event_id, 201, &place);
    queue_wait_served(cluster, 0, event_id, place.number);
    struct wait wait = wait_at_most(QUEUE_WAIT_MS);
    while (count_of(site, event_id,
                    "SELECT count(*) FROM usher.turn WHERE event_id = $1 AND state = 5") == 0) {
        wait_again(&wait, "a turn to be missed");
    }
    shop_expect(queue_claim(cluster, 0, &ann, event_id, place.token), 410, "turn-missed");
    queue_enter(cluster, 1, &ann, event_id, 201, &again);
    assert_int_equal(again.number, place.number + 1);
    queue_take_pass(cluster, 0, &ann, &again);
}

static void who_is_not_in_may_leave(const struct site *site) {
    struct shop_customer ann;
    int64_t event_id = open_room(site, "");
    shop_customer(site->cluster, &ann);
    shop_expect(queue_leave(site->cluster, 0, &ann, event_id, NULL), 204, NULL);
    shop_expect(queue_leave(site->cluster, 0, &ann, 999999, NULL), 404, "not-found");
    shop_expect(queue_join(site->cluster, 0, &ann, 999999), 404, "not-found");
    shop_expect(queue_state(site->cluster, 0, 999999), 404, "not-found");
}

static void expect_message(const struct site *site, const char *path, const char *message) {
    struct http_answer answer = shop_get(site->cluster, 0, path);
    const json_t *room = json_object_get(answer.json, "room");
    assert_string_equal(json_string_value(json_object_get(room, "message")), message);
    assert_int_equal(json_integer_value(json_object_get(room, "maxShoppers")), 2);
    http_answer_free(&answer);
}

static void operators_see_the_room(const struct site *site) {
    struct cluster *cluster = site->cluster;
    char path[SHOP_TEXT_SIZE];
    struct shop_customer people[4];
    struct queue_place places[4];
    struct http_answer answer;
    int64_t event_id = open_room(site, ",\"maxShoppers\":2,\"message\":\"Nearly there.\"");
    shop_customers(cluster, people, ARRAY_LEN(people));
    for (unsigned i = 0; i < ARRAY_LEN(people); i++) {
        queue_enter(cluster, 0, &people[i], event_id, 201, &places[i]);
    }
    queue_take_pass(cluster, 0, &people[0], &places[0]);
    queue_wait_served(cluster, 0, event_id, 2);
    (void)snprintf(path, sizeof path, "/admin/events/%" PRId64 "/stats", event_id);
    struct wait wait = wait_at_most(QUEUE_WAIT_MS);
    for (bool told = false; !told;) {
        http_call(
            cluster->gateways[1].port,
            &(struct http_request){.method = "GET", .path = path, .token = cluster->admin_key},
            &answer);
        const json_t *room = json_object_get(answer.json, "room");
        told = json_integer_value(json_object_get(room, "depth")) == 2 &&
               json_integer_value(json_object_get(room, "shoppers")) == 2 &&
               json_integer_value(json_object_get(room, "turns")) == 1 &&
               json_integer_value(json_object_get(room, "passes")) == 1 &&
               json_integer_value(json_object_get(room, "claimed")) == 1 &&
               json_integer_value(json_object_get(room, "lastNumber")) == 4;
        http_answer_free(&answer);
        if (!told) {
            wait_again(&wait, "the room's figures");
        }
    }
    (void)snprintf(path, sizeof path, "/events/%" PRId64, event_id);
    expect_message(site, path, "Nearly there.");
    queue_patch(cluster, event_id, "{\"room\":{\"message\":\"\"}}");
    expect_message(site, path, "");
}

static void passes_and_places(void **state) {
    struct site site = {.cluster = cluster_create(state, NULL)};
    site.venue_id = shop_venue(site.cluster, 4, 20);

    a_pass_is_worth_something_to_its_owner_only(&site);
    a_pass_makes_one_booking(&site);
    a_pass_runs_out(&site);
    who_leaves_gives_the_number_up(&site);
    a_pass_is_given_back(&site);
    a_turn_is_missed(&site);
    who_is_not_in_may_leave(&site);
    operators_see_the_room(&site);

    shop_expect_sound_database(site.cluster);
    cluster_finish(site.cluster);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(passes_and_places, cluster_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
