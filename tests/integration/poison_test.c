/* One command that the database refuses every time does not take strangers' bookings with it. */
#include "tests/support/expect.h"
#include "tests/support/shop.h"
#include "tests/support/wait.h"

#include <inttypes.h>
#include <stdlib.h>

enum { STRANGERS = 100, POISONED = STRANGERS / 2, CUSTOMERS = STRANGERS + 1 };

/* The database raises an error for whatever this customer books. */
static void poison(struct cluster *cluster, const struct shop_customer *customer) {
    char statement[SHOP_TEXT_SIZE];
    (void)snprintf(statement, sizeof statement,
                   "CREATE FUNCTION usher.refuse() RETURNS trigger LANGUAGE plpgsql AS"
                   " $$BEGIN IF NEW.user_id = '%s' THEN RAISE EXCEPTION 'poison'; END IF;"
                   " RETURN NEW; END$$",
                   customer->user_id);
    sql_run(cluster->sql, statement, NULL);
    sql_run(cluster->sql,
            "CREATE TRIGGER refuse BEFORE INSERT ON usher.booking"
            " FOR EACH ROW EXECUTE FUNCTION usher.refuse()",
            NULL);
}

/* While the worker stands still the commands pile up: they are its next batch. */
static void ask_in_one_batch(struct cluster *cluster, struct cluster_process *owner,
                             const struct shop_customer *customers, int64_t event_id,
                             struct http_answer *answers) {
    struct http_connection *connections[CUSTOMERS];
    process_freeze(owner->process);
    for (unsigned i = 0; i < CUSTOMERS; i++) {
        char seat[16], body[SHOP_TEXT_SIZE];
        (void)snprintf(seat, sizeof seat, "A%u", i + 1);
        const struct http_request request = {.method = "POST",
                                             .path = "/bookings/reserve",
                                             .token = customers[i].token,
                                             .body = shop_reserve_body(body, event_id, seat)};
        connections[i] = http_connection_create(cluster->gateways[i % 2].port);
        http_connection_send(connections[i], &request, HTTP_CALL_MS);
    }
    struct wait to_arrive = wait_at_most(500);
    while (!wait_is_over(&to_arrive)) {
        http_drive(connections, CUSTOMERS, wait_left_ms(&to_arrive));
    }
    process_thaw(owner->process);
    for (unsigned i = 0; i < CUSTOMERS; i++) {
        while (!http_connection_take(connections[i], &answers[i])) {
            http_drive(connections, CUSTOMERS, HTTP_CALL_MS);
        }
    }
    for (unsigned i = 0; i < CUSTOMERS; i++) {
        http_connection_destroy(connections[i]);
    }
}

static void one_gets_500_and_a_hundred_get_their_bookings(void **state) {
    struct cluster *cluster = cluster_create(state, NULL);
    const struct shop_event event = {.venue_id = shop_venue(cluster, 1, CUSTOMERS)};
    int64_t event_id = shop_event_owned_by(cluster, &event, 0);
    struct shop_customer customers[CUSTOMERS], warm;
    struct http_answer answers[CUSTOMERS];
    char booking_id[64];
    shop_customers(cluster, customers, CUSTOMERS);
    shop_customer(cluster, &warm);
    shop_hold(cluster, 0, &warm, event_id, "A1", booking_id);
    shop_expect(shop_cancel(cluster, 1, &warm, booking_id), 200, NULL);
    poison(cluster, &customers[POISONED]);

    ask_in_one_batch(cluster, &cluster->workers[0], customers, event_id, answers);
    for (unsigned i = 0; i < CUSTOMERS; i++) {
        shop_expect(answers[i], i == POISONED ? 500 : 201, NULL);
    }
    assert_int_equal(sql_number(cluster->sql,
                                "SELECT count(*) FROM report.bookings WHERE status = 'PENDING'",
                                NULL),
                     STRANGERS);
    shop_expect_sound_database(cluster);
    /* The seat that nobody got is for sale. */
    char seat[16];
    (void)snprintf(seat, sizeof seat, "A%u", POISONED + 1);
    shop_hold(cluster, 1, &warm, event_id, seat, booking_id);
    cluster_finish(cluster);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(one_gets_500_and_a_hundred_get_their_bookings, cluster_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
