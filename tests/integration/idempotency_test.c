/* One key, one booking: of this customer, on this event. */
#include "tests/support/expect.h"
#include "tests/support/shop.h"

#include <inttypes.h>
#include <stdlib.h>

enum { REPEATS = 30 };

static void one_key_thirty_times_at_once(void **state) {
    struct cluster *cluster = cluster_create(state, NULL);
    const struct shop_event event = {.venue_id = shop_venue(cluster, 2, 40)};
    int64_t event_id = shop_event(cluster, &event);
    struct shop_customer customer;
    char body[SHOP_TEXT_SIZE], first_id[64] = "";
    uint16_t ports[REPEATS];
    struct http_request requests[REPEATS];
    struct http_answer answers[REPEATS];
    shop_customer(cluster, &customer);
    (void)shop_reserve_body(body, event_id, "A1,A2");
    for (unsigned i = 0; i < REPEATS; i++) {
        ports[i] = cluster->gateways[i % 2].port;
        requests[i] = (struct http_request){.method = "POST",
                                            .path = "/bookings/reserve",
                                            .token = customer.token,
                                            .key = "thirty",
                                            .body = body};
    }
    http_call_many(ports, requests, REPEATS, answers);

    unsigned made = 0;
    for (unsigned i = 0; i < REPEATS; i++) {
        const char *id = http_answer_text(&answers[i], "bookingId");
        expect(answers[i].status == 201 && id != NULL, "%d %s", answers[i].status, answers[i].body);
        made += !http_answer_has_header(&answers[i], "Idempotent-Replayed", "true");
        if (*first_id == '\0') {
            (void)snprintf(first_id, sizeof first_id, "%s", id);
        }
        assert_string_equal(id, first_id);
        http_answer_free(&answers[i]);
    }
    assert_int_equal(made, 1);
    assert_int_equal(sql_number(cluster->sql, "SELECT count(*) FROM report.bookings", NULL), 1);
    shop_expect_sound_database(cluster);
    cluster_finish(cluster);
}

/* Reserves, expects 201 and hands out the booking's id, the caller's. */
static char *reserved(struct cluster *cluster, const struct shop_customer *customer,
                      int64_t event_id, const char *seats, const char *key) {
    struct http_answer answer = shop_reserve(cluster, 0, customer, event_id, seats, key);
    const char *id = http_answer_text(&answer, "bookingId");
    char *copy = strdup(id != NULL ? id : "");
    shop_expect(answer, 201, NULL);
    return copy;
}

static void a_key_belongs_to_customer_and_event(void **state) {
    struct cluster *cluster = cluster_create(state, NULL);
    const struct shop_event event = {.venue_id = shop_venue(cluster, 2, 40)};
    int64_t first_event = shop_event_owned_by(cluster, &event, 0);
    int64_t second_event = shop_event_owned_by(cluster, &event, 1);
    struct shop_customer customers[2];
    shop_customers(cluster, customers, 2);

    char *mine = reserved(cluster, &customers[0], first_event, "A1", "key");
    char *mine_there = reserved(cluster, &customers[0], second_event, "A1", "key");
    char *others = reserved(cluster, &customers[1], first_event, "A2", "key");
    assert_string_not_equal(mine, mine_there);
    assert_string_not_equal(mine, others);

    /* Another body under a key that was used; and somebody else's booking. */
    shop_expect(shop_reserve(cluster, 1, &customers[0], first_event, "A3", "key"), 422,
                "idempotency-key-reused");
    shop_expect(shop_booking(cluster, 1, &customers[1], mine), 404, "not-found");
    shop_expect(shop_confirm(cluster, 1, &customers[1], mine), 404, "not-found");
    shop_expect(shop_cancel(cluster, 1, &customers[1], mine), 404, "not-found");

    assert_int_equal(sql_number(cluster->sql, "SELECT count(*) FROM report.bookings", NULL), 3);
    free(mine);
    free(mine_there);
    free(others);
    cluster_finish(cluster);
}

static void a_repeat_shows_the_present_state(void **state) {
    struct cluster *cluster = cluster_create(state, NULL);
    const struct shop_event event = {.venue_id = shop_venue(cluster, 2, 40)};
    int64_t event_id = shop_event(cluster, &event);
    struct shop_customer customer;
    shop_customer(cluster, &customer);

    char *confirmed = reserved(cluster, &customer, event_id, "A1", "first");
    shop_expect(shop_confirm(cluster, 0, &customer, confirmed), 200, NULL);
    shop_expect(shop_confirm(cluster, 1, &customer, confirmed), 200, NULL);
    struct http_answer again = shop_reserve(cluster, 1, &customer, event_id, "A1", "first");
    assert_string_equal(http_answer_text(&again, "status"), "CONFIRMED");
    assert_true(http_answer_has_header(&again, "Idempotent-Replayed", "true"));
    http_answer_free(&again);

    char *cancelled = reserved(cluster, &customer, event_id, "A2", "second");
    shop_expect(shop_cancel(cluster, 0, &customer, cancelled), 200, NULL);
    shop_expect(shop_cancel(cluster, 1, &customer, cancelled), 200, NULL);
    again = shop_reserve(cluster, 1, &customer, event_id, "A2", "second");
    assert_string_equal(http_answer_text(&again, "status"), "CANCELLED");
    http_answer_free(&again);
    shop_expect(shop_confirm(cluster, 1, &customer, cancelled), 409, "not-pending");
    shop_expect(shop_cancel(cluster, 1, &customer, confirmed), 409, "conflict");

    char *seat = shop_stored_seat(cluster, event_id, "A2");
    assert_string_equal(seat, "AVAILABLE");
    free(seat);

    /* A refusal is decided anew: refused first, granted once the seat is free. */
    struct shop_customer other;
    shop_customer(cluster, &other);
    char *holds = reserved(cluster, &customer, event_id, "B1", NULL);
    shop_expect(shop_reserve(cluster, 0, &other, event_id, "B1", "anew"), 409, "seat-taken");
    shop_expect(shop_cancel(cluster, 0, &customer, holds), 200, NULL);
    free(reserved(cluster, &other, event_id, "B1", "anew"));
    shop_expect_sound_database(cluster);
    free(confirmed);
    free(cancelled);
    free(holds);
    cluster_finish(cluster);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(one_key_thirty_times_at_once, cluster_teardown),
        cmocka_unit_test_teardown(a_key_belongs_to_customer_and_event, cluster_teardown),
        cmocka_unit_test_teardown(a_repeat_shows_the_present_state, cluster_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
