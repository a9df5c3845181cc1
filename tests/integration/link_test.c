/* Guests who log in: what they hold becomes the account's, on every gateway, with every owner. */
#include "shared/ids.h"
#include "tests/support/expect.h"
#include "tests/support/provider.h"
#include "tests/support/queue.h"
#include "tests/support/wait.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ISSUER "https://login.example/realms/fans"

enum { RECOVERY_MS = 20000, LINKERS = 8 };

struct site {
    struct cluster *cluster;
    char folder[FOLDER_PATH_SIZE]; /* of the key file */
    char keys_setting[SHOP_TEXT_SIZE];
    struct provider_key key;
    int64_t venue_id;
};

static void account(const struct site *site, const char *subject, struct shop_customer *customer) {
    char *claims = NULL;
    ensure(asprintf(&claims,
                    "{\"iss\":\"" ISSUER "\",\"sub\":\"%s\",\"aud\":\"tickets\",\"exp\":%" PRId64
                    "}",
                    subject, (int64_t)time(NULL) + 600) > 0);
    char *token = provider_token(&site->key, claims);
    struct id128 user = user_id_derive(ISSUER, subject);
    ensure(strlen(token) < sizeof customer->token);
    memcpy(customer->token, token, strlen(token) + 1);
    (void)id128_to_text(&user, customer->user_id);
    free(token);
    free(claims);
}

static int64_t event_of(const struct site *site, unsigned worker) {
    const struct shop_event event = {.venue_id = site->venue_id, .seats_per_user = 4};
    return shop_event_owned_by(site->cluster, &event, worker);
}

static struct http_answer link_with(const struct site *site, unsigned gateway, const char *token,
                                    const char *body) {
    struct http_answer answer;
    const struct http_request request = {
        .method = "POST", .path = "/sessions/link", .token = token, .body = body};
    http_call(site->cluster->gateways[gateway].port, &request, &answer);
    return answer;
}

static char *link_body(const char *guest_token, char body[SHOP_TEXT_SIZE]) {
    ensure(snprintf(body, SHOP_TEXT_SIZE, "{\"guestToken\":\"%s\"}", guest_token) < SHOP_TEXT_SIZE);
    return body;
}

static struct http_answer link_guest(const struct site *site, unsigned gateway,
                                     const struct shop_customer *user,
                                     const struct shop_customer *guest) {
    char body[SHOP_TEXT_SIZE];
    return link_with(site, gateway, user->token, link_body(guest->token, body));
}

static const json_t *find(const struct http_answer *answer, const char *list,
                          const char *booking_id) {
    size_t index;
    const json_t *one;
    json_array_foreach(json_object_get(answer->json, list), index, one) {
        const char *id = json_string_value(json_object_get(one, "bookingId"));
        if (id != NULL && strcmp(id, booking_id) == 0) {
            return one;
        }
    }
    return NULL;
}

static void expect_counts(const struct http_answer *answer, size_t moved, size_t not_moved) {
    expect(answer->status == 200 &&
               json_array_size(json_object_get(answer->json, "bookings")) == moved &&
               json_array_size(json_object_get(answer->json, "notMoved")) == not_moved &&
               json_is_false(json_object_get(answer->json, "more")),
           "%d %s, not %zu and %zu", answer->status, answer->body, moved, not_moved);
}

static void expect_user_of(const struct site *site, const char *booking_id,
                           const struct shop_customer *user) {
    char *found =
        sql_text(site->cluster->sql, "SELECT user_id FROM report.bookings WHERE booking_id = $1",
                 (const char *[]){booking_id, NULL});
    assert_string_equal(found, user->user_id);
    free(found);
}

/* --- what moves */

/* Holds with both owners and a paid booking become the account's, which goes on with them. */
static void what_a_guest_has_becomes_the_accounts(const struct site *site) {
    struct cluster *cluster = site->cluster;
    struct shop_customer guest, alice;
    char held[2][64], paid[64], ended[64];
    int64_t events[] = {event_of(site, 0), event_of(site, 1)};
    shop_customer(cluster, &guest);
    account(site, "alice", &alice);
    shop_expect(shop_reserve(cluster, 0, &guest, events[0], "A1,A2", "key-1"), 201, NULL);
    shop_expect(shop_reserve(cluster, 0, &guest, events[0], "A1,A2", "key-1"), 201, NULL);
    struct http_answer again = shop_reserve(cluster, 1, &guest, events[0], "A1,A2", "key-1");
    (void)snprintf(held[0], sizeof held[0], "%s", http_answer_text(&again, "bookingId"));
    http_answer_free(&again);
    shop_hold(cluster, 1, &guest, events[1], "A1", held[1]);
    shop_hold(cluster, 0, &guest, events[1], "A2", paid);
    shop_expect(shop_confirm(cluster, 0, &guest, paid), 200, NULL);
    shop_hold(cluster, 0, &guest, events[1], "A3", ended);
    shop_expect(shop_cancel(cluster, 0, &guest, ended), 200, NULL);

    struct http_answer answer = link_guest(site, 1, &alice, &guest);
    expect_counts(&answer, 3, 0);
    assert_string_equal(http_answer_text(&answer, "userId"), alice.user_id);
    assert_non_null(find(&answer, "bookings", held[0]));
    assert_non_null(find(&answer, "bookings", held[1]));
    assert_string_equal(
        json_string_value(json_object_get(find(&answer, "bookings", paid), "status")), "CONFIRMED");
    http_answer_free(&answer);
    expect_user_of(site, held[0], &alice);
    expect_user_of(site, paid, &alice);
    expect_user_of(site, ended, &guest);

    shop_expect(shop_confirm(cluster, 0, &guest, held[0]), 404, "not-found");
    shop_expect(shop_cancel(cluster, 1, &guest, held[1]), 404, "not-found");
    shop_expect(shop_booking(cluster, 0, &guest, held[0]), 404, "not-found");
    shop_expect(shop_reserve(cluster, 0, &guest, events[0], "A1,A2", "key-1"), 404, "not-found");
    shop_expect(shop_booking(cluster, 1, &alice, held[0]), 200, NULL);
    shop_expect(shop_confirm(cluster, 0, &alice, held[0]), 200, NULL);
    shop_expect(shop_cancel(cluster, 1, &alice, held[1]), 200, NULL);

    answer = link_guest(site, 0, &alice, &guest); /* what was cancelled is not shown again */
    expect_counts(&answer, 2, 0);
    assert_null(find(&answer, "bookings", held[1]));
    http_answer_free(&answer);
}

static void what_is_booked_later_moves_with_a_repeat(const struct site *site) {
    struct cluster *cluster = site->cluster;
    struct shop_customer guest, dora;
    char booking_id[64];
    int64_t event_id = event_of(site, 1);
    shop_customer(cluster, &guest);
    account(site, "dora", &dora);
    struct http_answer answer = link_guest(site, 0, &dora, &guest); /* who has nothing yet */
    expect_counts(&answer, 0, 0);
    http_answer_free(&answer);
    shop_hold(cluster, 0, &guest, event_id, "B1", booking_id);
    answer = link_guest(site, 1, &dora, &guest);
    expect_counts(&answer, 1, 0);
    http_answer_free(&answer);
    shop_expect(shop_confirm(cluster, 0, &dora, booking_id), 200, NULL);
}

/* Four seats a person: three and two are too many; what fits moves. */
static void nobody_gets_more_seats_than_allowed(const struct site *site) {
    struct cluster *cluster = site->cluster;
    struct shop_customer guest, bob;
    char own[64], two[64], one[64];
    int64_t event_id = event_of(site, 0);
    shop_customer(cluster, &guest);
    account(site, "bob", &bob);
    shop_hold(cluster, 0, &bob, event_id, "A1,A2,A3", own);
    shop_hold(cluster, 0, &guest, event_id, "B1,B2", two);
    shop_hold(cluster, 1, &guest, event_id, "B3", one);
    struct http_answer answer = link_guest(site, 0, &bob, &guest);
    expect_counts(&answer, 1, 1);
    const json_t *left = find(&answer, "notMoved", two);
    assert_non_null(left);
    assert_string_equal(json_string_value(json_object_get(left, "code")), "seat-limit");
    assert_int_equal(json_integer_value(json_object_get(left, "limit")), 4);
    assert_non_null(find(&answer, "bookings", one));
    http_answer_free(&answer);
    expect_user_of(site, two, &guest);
    shop_expect(shop_cancel(cluster, 0, &bob, own), 200, NULL);
    answer = link_guest(site, 1, &bob, &guest); /* now there is room */
    expect_counts(&answer, 2, 0);
    http_answer_free(&answer);
    expect_user_of(site, two, &bob);
}

/* --- once */

static void a_guest_becomes_one_account_only(const struct site *site) {
    struct cluster *cluster = site->cluster;
    struct shop_customer guest, users[LINKERS];
    struct http_request requests[LINKERS];
    struct http_answer answers[LINKERS];
    uint16_t ports[LINKERS];
    char body[SHOP_TEXT_SIZE], subject[16], booking_id[64];
    int winner = -1;
    shop_customer(cluster, &guest);
    shop_hold(cluster, 0, &guest, event_of(site, 0), "C1", booking_id);
    link_body(guest.token, body);
    for (int i = 0; i < LINKERS; i++) {
        (void)snprintf(subject, sizeof subject, "racer-%d", i);
        account(site, subject, &users[i]);
        ports[i] = cluster->gateways[i % 2].port;
        requests[i] = (struct http_request){
            .method = "POST", .path = "/sessions/link", .token = users[i].token, .body = body};
    }
    http_call_many(ports, requests, LINKERS, answers);
    for (int i = 0; i < LINKERS; i++) {
        if (answers[i].status == 200) {
            expect(winner == -1, "two accounts have got it");
            winner = i;
            expect_counts(&answers[i], 1, 0);
        }
        shop_expect(answers[i], winner == i ? 200 : 409, winner == i ? NULL : "conflict");
    }
    expect(winner >= 0, "no account has got it");
    expect_user_of(site, booking_id, &users[winner]);
    shop_expect(link_guest(site, 0, &users[(winner + 1) % LINKERS], &guest), 409, "conflict");
}

static void both_tokens_are_needed(const struct site *site) {
    struct cluster *cluster = site->cluster;
    struct shop_customer guest, other, carol;
    char body[SHOP_TEXT_SIZE], broken[SHOP_TEXT_SIZE], booking_id[64];
    shop_customer(cluster, &guest);
    shop_customer(cluster, &other);
    account(site, "carol", &carol);
    shop_hold(cluster, 0, &guest, event_of(site, 0), "D1", booking_id);
    link_body(guest.token, body);
    shop_expect(link_with(site, 0, NULL, body), 401, "unauthenticated");
    shop_expect(link_with(site, 0, "a.b.c", body), 401, "unauthenticated");
    shop_expect(link_with(site, 1, other.token, body), 403, "forbidden");
    shop_expect(link_with(site, 0, guest.token, body), 403, "forbidden");
    shop_expect(link_with(site, 0, cluster->admin_key, body), 401, "unauthenticated");
    shop_expect(link_with(site, 0, carol.token, "{}"), 422, "invalid");
    shop_expect(link_with(site, 0, carol.token, "{\"guestToken\":7}"), 422, "invalid");
    shop_expect(link_with(site, 0, carol.token, "{\"guestToken\":\"\"}"), 422, "invalid");
    shop_expect(link_with(site, 0, carol.token, link_body(carol.token, broken)), 422, "invalid");
    link_body(guest.token, broken);
    broken[20] = broken[20] == 'A' ? 'B' : 'A';
    shop_expect(link_with(site, 0, carol.token, broken), 422, "invalid");
    shop_expect(link_with(site, 1, carol.token, "{\"guestToken\":\"x\",\"userId\":\"y\"}"), 422,
                "unknown-field");
    shop_expect(link_with(site, 1, carol.token, NULL), 400, "bad-request");
    expect_user_of(site, booking_id, &guest);
    assert_int_equal(sql_number(cluster->sql,
                                "SELECT count(*) FROM usher.guest_link WHERE"
                                " replace(user_id::text, '-', '') = $1",
                                (const char *[]){carol.user_id, NULL}),
                     0);
}

/* --- an owner dies in the middle */

/* Killed with its COMMIT on the way; the request itself gets through to the new owner, or is
 * repeated. */
static void an_owner_is_killed_meanwhile(const struct site *site) {
    struct cluster *cluster = site->cluster;
    struct shop_customer guest, erin;
    char here[64], there[64];
    int64_t events[] = {event_of(site, 0), event_of(site, 1)};
    shop_customer(cluster, &guest);
    account(site, "erin", &erin);
    shop_hold(cluster, 0, &guest, events[0], "D2", here);
    shop_hold(cluster, 0, &guest, events[1], "D2", there);
    cluster_arm(&cluster->workers[1], "committer.commit-sent", "kill");
    struct wait wait = wait_at_most(RECOVERY_MS);
    for (;;) {
        struct http_answer answer = link_guest(site, 1, &erin, &guest);
        if (answer.status == 200) {
            expect_counts(&answer, 2, 0);
            http_answer_free(&answer);
            break;
        }
        shop_expect(answer, 503, "outcome-unknown");
        wait_again(&wait, "the new owner");
    }
    expect_user_of(site, here, &erin);
    expect_user_of(site, there, &erin);
    struct http_answer answer = link_guest(site, 0, &erin, &guest);
    expect_counts(&answer, 2, 0);
    http_answer_free(&answer);
    shop_expect(shop_confirm(cluster, 0, &erin, there), 200, NULL);
    shop_expect(shop_confirm(cluster, 1, &guest, here), 404, "not-found");
    shop_expect(shop_confirm(cluster, 1, &erin, here), 200, NULL);
    assert_true(process_wait(cluster->workers[1].process, RECOVERY_MS, NULL));
    cluster_kill(&cluster->workers[1]); /* it has gone already: takes note of it */
    cluster_start_worker(cluster, 1);
    cluster_wait_ready(cluster);
}

/* --- places in queues */

static struct http_answer link_places(const struct site *site, const struct shop_customer *user,
                                      const struct shop_customer *guest,
                                      const struct queue_place *places, size_t count) {
    char body[4 * SHOP_TEXT_SIZE];
    size_t at = (size_t)snprintf(body, sizeof body, "{\"guestToken\":\"%s\",\"queueTokens\":[",
                                 guest->token);
    for (size_t i = 0; i < count; i++) {
        at += (size_t)snprintf(body + at, sizeof body - at, "%s\"%s\"", i > 0 ? "," : "",
                               places[i].token);
        ensure(at < sizeof body);
    }
    (void)snprintf(body + at, sizeof body - at, "]}");
    return link_with(site, 1, user->token, body);
}

/* The account's place of that event in the answer; takes over its tokens. */
static void take_place(const struct http_answer *answer, struct queue_place *place) {
    size_t index;
    const json_t *one;
    json_array_foreach(json_object_get(answer->json, "queues"), index, one) {
        const char *token = json_string_value(json_object_get(one, "queueToken"));
        const char *pass = json_string_value(json_object_get(one, "pass"));
        if (json_integer_value(json_object_get(one, "eventId")) == place->event_id) {
            assert_int_equal(json_integer_value(json_object_get(one, "number")), place->number);
            (void)snprintf(place->token, sizeof place->token, "%s", token != NULL ? token : "");
            (void)snprintf(place->pass, sizeof place->pass, "%s", pass != NULL ? pass : "");
            return;
        }
    }
    fail_msg("no place of event %lld in %s", (long long)place->event_id, answer->body);
}

/* A guest waits for one event and shops at another; a third place was given up. */
static void places_in_queues_become_the_accounts(const struct site *site) {
    struct cluster *cluster = site->cluster;
    struct shop_customer guest, fay;
    struct queue_place before[3], after[3];
    char booking_id[64];
    shop_customer(cluster, &guest);
    account(site, "fay", &fay);
    for (size_t i = 0; i < ARRAY_LEN(before); i++) {
        int64_t event_id = queue_event(cluster, site->venue_id, "\"mode\":\"open\"", NULL);
        queue_wait_phase(cluster, 0, event_id, "OPEN");
        if (i == 0) {
            queue_patch(cluster, event_id, "{\"room\":{\"mode\":\"paused\"}}");
            queue_wait_phase(cluster, 0, event_id, "PAUSED");
        }
        queue_enter(cluster, 0, &guest, event_id, 201, &before[i]);
    }
    queue_take_pass(cluster, 0, &guest, &before[1]);
    struct http_answer held =
        queue_reserve(cluster, 0, &guest, before[1].event_id, "A9", before[1].pass);
    (void)snprintf(booking_id, sizeof booking_id, "%s", http_answer_text(&held, "bookingId"));
    shop_expect(held, 201, NULL);
    shop_expect(queue_leave(cluster, 0, &guest, before[2].event_id, NULL), 204, NULL);

    memcpy(after, before, sizeof after);
    struct http_answer answer = link_places(site, &fay, &guest, before, ARRAY_LEN(before));
    assert_int_equal(json_array_size(json_object_get(answer.json, "queues")), 2);
    take_place(&answer, &after[0]);
    take_place(&answer, &after[1]);
    assert_string_equal(after[0].pass, "");
    shop_expect(answer, 200, NULL);
    answer = link_places(site, &fay, &guest, before, ARRAY_LEN(before)); /* repeated: the same */
    take_place(&answer, &after[0]);
    take_place(&answer, &after[1]);
    shop_expect(answer, 200, NULL);

    shop_expect(queue_claim(cluster, 0, &guest, before[0].event_id, before[0].token), 403,
                "bad-queue-token");
    shop_expect(queue_reserve(cluster, 0, &guest, before[1].event_id, "A8", before[1].pass), 403,
                "bad-pass");
    shop_expect(queue_reserve(cluster, 0, &fay, before[1].event_id, "A8", after[1].pass), 409,
                "conflict"); /* the hold has moved along */
    shop_expect(shop_confirm(cluster, 1, &fay, booking_id), 200, NULL);
    queue_patch(cluster, before[0].event_id, "{\"room\":{\"mode\":\"open\"}}");
    queue_take_pass(cluster, 1, &fay, &after[0]);
    shop_expect(queue_reserve(cluster, 0, &fay, after[0].event_id, "A7", after[0].pass), 201, NULL);
}

static void only_the_guests_places_move(const struct site *site) {
    struct cluster *cluster = site->cluster;
    struct shop_customer guest, other, gil;
    struct queue_place place;
    int64_t event_id = queue_event(cluster, site->venue_id, "\"mode\":\"open\"", NULL);
    shop_customer(cluster, &guest);
    shop_customer(cluster, &other);
    account(site, "gil", &gil);
    queue_wait_phase(cluster, 0, event_id, "OPEN");
    queue_enter(cluster, 0, &other, event_id, 201, &place);
    shop_expect(link_places(site, &gil, &guest, &place, 1), 422, "invalid");
    shop_expect(link_with(site, 0, gil.token, "{\"guestToken\":\"x\",\"queueTokens\":7}"), 422,
                "invalid");
    queue_take_pass(cluster, 0, &other, &place);
}

static void make_site(void **state, struct site *site) {
    folder_create(site->folder);
    site->key = provider_key_create("ES256", "2026");
    char *keys = provider_jwks(&site->key, 1);
    folder_write(site->folder, "jwks.json", 0644, keys);
    free(keys);
    (void)snprintf(site->keys_setting, sizeof site->keys_setting, "USHER_JWT_KEYS=%s/jwks.json",
                   site->folder);
    const struct cluster_options options = {
        .settings = {"USHER_JWT_ISSUER=" ISSUER, "USHER_JWT_AUDIENCE=tickets",
                     "USHER_JWT_ALGORITHM=ES256", site->keys_setting}};
    site->cluster = cluster_create(state, &options);
    site->venue_id = shop_venue(site->cluster, 4, 10);
}

static void guests_log_in(void **state) {
    struct site site;
    make_site(state, &site);

    what_a_guest_has_becomes_the_accounts(&site);
    what_is_booked_later_moves_with_a_repeat(&site);
    nobody_gets_more_seats_than_allowed(&site);
    a_guest_becomes_one_account_only(&site);
    both_tokens_are_needed(&site);
    places_in_queues_become_the_accounts(&site);
    only_the_guests_places_move(&site);
    an_owner_is_killed_meanwhile(&site);

    shop_expect_sound_database(site.cluster);
    cluster_finish(site.cluster);
    provider_key_free(&site.key);
    folder_remove(site.folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(guests_log_in, cluster_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
