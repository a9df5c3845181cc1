/*
 * The waiting room's phases, cell by cell: who may join, claim and reserve, and what the door does;
 * and that phases begin by the clock, on every gateway.
 */
#include "shared/clock.h"
#include "tests/support/expect.h"
#include "tests/support/queue.h"
#include "tests/support/wait.h"

#include <inttypes.h>
#include <stdio.h>

enum { BY_THE_CLOCK_US = 1000000, FIRST_MS = 1500, THEN_MS = 3000 };

static const char far_away[] = "2098-01-01T00:00:00Z";

struct site {
    struct cluster *cluster;
    int64_t venue_id;
    struct shop_customer ann, bob, eve;
};

/* --- what a cell says */

static void expect_join(const struct site *site, const struct shop_customer *customer,
                        int64_t event_id, int status, const char *code) {
    shop_expect(queue_join(site->cluster, 0, customer, event_id), status, code);
}

static void expect_claim(const struct site *site, const struct shop_customer *customer,
                         const struct queue_place *place, int status, const char *code) {
    shop_expect(queue_claim(site->cluster, 1, customer, place->event_id, place->token), status,
                code);
}

static void expect_reserve(const struct site *site, const struct shop_customer *customer,
                           int64_t event_id, const char *pass, int status, const char *code) {
    shop_expect(queue_reserve(site->cluster, 0, customer, event_id, "A1", pass), status, code);
}

static int64_t admitted(const struct site *site, int64_t event_id) {
    char event[24];
    (void)snprintf(event, sizeof event, "%" PRId64, event_id);
    return sql_number(
        site->cluster->sql,
        "SELECT coalesce((SELECT admitted_to FROM usher.room WHERE event_id = $1), 0)",
        (const char *[]){event, NULL});
}

static void wait_phase(const struct site *site, int64_t event_id, const char *phase) {
    queue_wait_phase(site->cluster, 0, event_id, phase);
    queue_wait_phase(site->cluster, 1, event_id, phase);
}

/* People join, and nobody has been called when their owner has seen them and told of it. */
static void expect_shut_door(const struct site *site, int64_t event_id) {
    int64_t before = admitted(site, event_id);
    struct queue_place last = {.number = 0};
    struct shop_customer crowd[3];
    shop_customers(site->cluster, crowd, ARRAY_LEN(crowd));
    for (size_t i = 0; i < ARRAY_LEN(crowd); i++) {
        queue_enter(site->cluster, (unsigned)i % 2, &crowd[i], event_id, 201, &last);
    }
    struct wait wait = wait_at_most(QUEUE_WAIT_MS);
    for (int64_t told = 0; told < last.number;) {
        struct http_answer answer = queue_state(site->cluster, 0, event_id);
        told = http_answer_number(&answer, "lastNumber");
        http_answer_free(&answer);
        if (told < last.number) {
            wait_again(&wait, "the last number to be told");
        }
    }
    assert_int_equal(admitted(site, event_id), before);
}

/* --- the table */

static void off(const struct site *site) {
    const struct shop_event event = {.venue_id = site->venue_id};
    const struct queue_place none = {.event_id = shop_event(site->cluster, &event),
                                     .token = "none"};
    struct http_answer answer = queue_state(site->cluster, 0, none.event_id);
    assert_string_equal(http_answer_text(&answer, "phase"), "OFF");
    assert_int_equal(http_answer_number(&answer, "depth"), 0);
    shop_expect(answer, 200, NULL);
    expect_join(site, &site->ann, none.event_id, 409, "room-closed");
    expect_claim(site, &site->ann, &none, 409, "room-closed");
    expect_reserve(site, &site->ann, none.event_id, NULL, 201, NULL);
    shop_expect(queue_leave(site->cluster, 0, &site->ann, none.event_id, NULL), 204, NULL);
}

static void prequeue(const struct site *site) {
    char sale[SHOP_TEXT_SIZE];
    struct queue_place ann, bob;
    (void)snprintf(sale, sizeof sale, ",\"onSaleTime\":\"%s\"", far_away);
    int64_t event_id = queue_event(site->cluster, site->venue_id, "\"mode\":\"open\"", sale);
    wait_phase(site, event_id, "PREQUEUE");
    queue_enter(site->cluster, 0, &site->ann, event_id, 201, &ann);
    queue_enter(site->cluster, 1, &site->bob, event_id, 201, &bob);
    assert_int_equal(ann.number, 1);
    assert_int_equal(bob.number, 2);
    struct http_answer answer = queue_claim(site->cluster, 0, &site->bob, event_id, bob.token);
    assert_int_equal(http_answer_number(&answer, "position"), 1);
    assert_true(json_is_null(json_object_get(answer.json, "etaSeconds")));
    shop_expect(answer, 409, "not-your-turn");
    expect_claim(site, &site->ann, &ann, 409, "not-your-turn");
    expect_reserve(site, &site->ann, event_id, NULL, 409, "not-on-sale");
    expect_shut_door(site, event_id);
    queue_patch(site->cluster, event_id, "{\"onSaleTime\":null}");
    queue_wait_served(site->cluster, 1, event_id, bob.number);
}

static void open_and_paused(const struct site *site) {
    struct queue_place ann, bob, eve;
    int64_t event_id = queue_event(site->cluster, site->venue_id, "\"mode\":\"open\"", NULL);
    wait_phase(site, event_id, "OPEN");
    queue_enter(site->cluster, 0, &site->ann, event_id, 201, &ann);
    queue_enter(site->cluster, 1, &site->ann, event_id, 200, &ann);
    queue_enter(site->cluster, 1, &site->bob, event_id, 201, &bob);
    expect_reserve(site, &site->ann, event_id, NULL, 403, "pass-required");
    queue_take_pass(site->cluster, 0, &site->ann, &ann);
    struct http_answer again = queue_claim(site->cluster, 1, &site->ann, event_id, ann.token);
    assert_string_equal(http_answer_text(&again, "pass"), ann.pass);
    shop_expect(again, 200, NULL);
    queue_wait_served(site->cluster, 0, event_id, bob.number);

    queue_patch(site->cluster, event_id, "{\"room\":{\"mode\":\"paused\"}}");
    wait_phase(site, event_id, "PAUSED");
    expect_shut_door(site, event_id);
    queue_enter(site->cluster, 0, &site->eve, event_id, 201, &eve);
    expect_claim(site, &site->eve, &eve, 409, "not-your-turn");
    queue_take_pass(site->cluster, 0, &site->bob, &bob); /* was served before */
    expect_reserve(site, &site->ann, event_id, ann.pass, 201, NULL);
    expect_reserve(site, &site->eve, event_id, NULL, 403, "pass-required");
    queue_patch(site->cluster, event_id, "{\"room\":{\"mode\":\"open\"}}");
    queue_take_pass(site->cluster, 0, &site->eve, &eve);
}

static void waitlist(const struct site *site) {
    struct queue_place ann, bob;
    char booking_id[64] = "";
    int64_t event_id =
        queue_event(site->cluster, shop_venue(site->cluster, 1, 1), "\"mode\":\"open\"", NULL);
    wait_phase(site, event_id, "OPEN");
    queue_enter(site->cluster, 0, &site->ann, event_id, 201, &ann);
    queue_enter(site->cluster, 0, &site->bob, event_id, 201, &bob);
    queue_take_pass(site->cluster, 0, &site->ann, &ann);
    queue_wait_served(site->cluster, 0, event_id, bob.number); /* while anything is free */
    struct http_answer answer =
        queue_reserve(site->cluster, 0, &site->ann, event_id, "A1", ann.pass);
    const char *id = http_answer_text(&answer, "bookingId");
    (void)snprintf(booking_id, sizeof booking_id, "%s", id != NULL ? id : "");
    shop_expect(answer, 201, NULL);
    shop_expect(shop_confirm(site->cluster, 0, &site->ann, booking_id), 200, NULL);
    wait_phase(site, event_id, "WAITLIST");
    expect_shut_door(site, event_id);
    expect_join(site, &site->eve, event_id, 201, NULL);
    expect_claim(site, &site->bob, &bob, 409, "not-your-turn");
    expect_reserve(site, &site->eve, event_id, NULL, 403, "pass-required");
}

static void closed(const struct site *site) {
    struct queue_place ann, bob;
    int64_t event_id = queue_event(site->cluster, site->venue_id, "\"mode\":\"open\"", NULL);
    queue_enter(site->cluster, 0, &site->ann, event_id, 201, &ann);
    queue_enter(site->cluster, 0, &site->bob, event_id, 201, &bob);
    queue_take_pass(site->cluster, 0, &site->ann, &ann);
    queue_wait_served(site->cluster, 0, event_id, bob.number);
    queue_patch(site->cluster, event_id, "{\"room\":{\"mode\":\"closed\"}}");
    wait_phase(site, event_id, "CLOSED");
    int64_t before = admitted(site, event_id);
    expect_join(site, &site->eve, event_id, 409, "room-closed");
    expect_claim(site, &site->bob, &bob, 409, "room-closed");
    expect_reserve(site, &site->ann, event_id, ann.pass, 403, "bad-pass");
    expect_reserve(site, &site->eve, event_id, NULL, 403, "pass-required");
    assert_int_equal(admitted(site, event_id), before);
}

/* --- by the clock */

static int64_t database_now_us(const struct site *site) {
    return sql_number(site->cluster->sql,
                      "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint", NULL);
}

/* Both gateways, asked in turn all the time, show the phase within a second of `due_us`, and not
 * before. */
static void expect_phase_at(const struct site *site, int64_t event_id, const char *phase,
                            int64_t due_us) {
    bool seen[2] = {false, false};
    struct wait wait = wait_at_most(QUEUE_WAIT_MS);
    while (!seen[0] || !seen[1]) {
        for (unsigned i = 0; i < 2; i++) {
            int64_t before_us = database_now_us(site);
            struct http_answer answer = queue_state(site->cluster, i, event_id);
            int64_t after_us = database_now_us(site);
            bool is = strcmp(http_answer_text(&answer, "phase"), phase) == 0;
            http_answer_free(&answer);
            expect(!is || after_us >= due_us, "%s %.3f s early", phase,
                   (double)(due_us - after_us) / 1e6);
            expect(is || before_us <= due_us + BY_THE_CLOCK_US, "%s not there %.3f s late", phase,
                   (double)(before_us - due_us) / 1e6);
            seen[i] = seen[i] || is;
        }
        wait_again(&wait, phase);
    }
}

static void doors_open_by_the_clock(const struct site *site) {
    char opens[TIME_TEXT_SIZE], sale[TIME_TEXT_SIZE];
    char room[SHOP_TEXT_SIZE], more[SHOP_TEXT_SIZE];
    struct queue_place ann;
    int64_t now_us = database_now_us(site) / 1000 * 1000;
    int64_t opens_us = now_us + (int64_t)FIRST_MS * 1000;
    int64_t sale_us = now_us + (int64_t)THEN_MS * 1000;
    (void)snprintf(room, sizeof room, "\"mode\":\"open\",\"openTime\":\"%s\"",
                   time_to_text(opens_us, opens));
    (void)snprintf(more, sizeof more, ",\"onSaleTime\":\"%s\"", time_to_text(sale_us, sale));
    int64_t event_id = queue_event(site->cluster, site->venue_id, room, more);
    expect_join(site, &site->ann, event_id, 409, "room-closed");
    expect_phase_at(site, event_id, "PREQUEUE", opens_us);
    queue_enter(site->cluster, 1, &site->ann, event_id, 201, &ann);
    expect_claim(site, &site->ann, &ann, 409, "not-your-turn");
    expect_phase_at(site, event_id, "OPEN", sale_us);
    queue_take_pass(site->cluster, 0, &site->ann, &ann);
    print_message("whoever waits for the sale has a pass %.1f s after it began\n",
                  (double)(database_now_us(site) - sale_us) / 1e6);
}

/* Whoever waits keeps the number, whatever becomes of the times. */
static void times_move_while_people_wait(const struct site *site) {
    char patch[SHOP_TEXT_SIZE];
    struct queue_place ann, bob, again;
    (void)snprintf(patch, sizeof patch, ",\"onSaleTime\":\"%s\"", far_away);
    int64_t event_id = queue_event(site->cluster, site->venue_id, "\"mode\":\"open\"", patch);
    queue_enter(site->cluster, 0, &site->ann, event_id, 201, &ann);
    queue_enter(site->cluster, 1, &site->bob, event_id, 201, &bob);
    (void)snprintf(patch, sizeof patch, "{\"room\":{\"openTime\":\"%s\"}}", far_away);
    queue_patch(site->cluster, event_id, patch);
    wait_phase(site, event_id, "CLOSED");
    expect_claim(site, &site->ann, &ann, 409, "room-closed");
    expect_join(site, &site->bob, event_id, 409, "room-closed");
    queue_patch(site->cluster, event_id, "{\"room\":{\"openTime\":null}}");
    wait_phase(site, event_id, "PREQUEUE");
    queue_enter(site->cluster, 0, &site->bob, event_id, 200, &again);
    assert_int_equal(again.number, bob.number);
    queue_patch(site->cluster, event_id, "{\"onSaleTime\":\"2020-01-01T00:00:00Z\"}");
    wait_phase(site, event_id, "OPEN");
    queue_take_pass(site->cluster, 0, &site->ann, &ann);
    queue_wait_served(site->cluster, 0, event_id, bob.number);
    (void)snprintf(patch, sizeof patch, "{\"onSaleTime\":\"%s\"}", far_away);
    queue_patch(site->cluster, event_id, patch);
    wait_phase(site, event_id, "PREQUEUE");
    expect_claim(site, &site->bob, &bob, 409, "not-your-turn");
    expect_reserve(site, &site->ann, event_id, ann.pass, 409, "not-on-sale");
    expect_shut_door(site, event_id);
}

static void every_cell(void **state) {
    struct site site = {.cluster = cluster_create(state, NULL)};
    site.venue_id = shop_venue(site.cluster, 4, 20);
    shop_customer(site.cluster, &site.ann);
    shop_customer(site.cluster, &site.bob);
    shop_customer(site.cluster, &site.eve);

    off(&site);
    prequeue(&site);
    open_and_paused(&site);
    waitlist(&site);
    closed(&site);
    doors_open_by_the_clock(&site);
    times_move_while_people_wait(&site);

    shop_expect_sound_database(site.cluster);
    cluster_finish(site.cluster);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(every_cell, cluster_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
