/* Old requests come again: nothing happens twice. */
#include "tests/support/expect.h"
#include "tests/support/shop.h"
#include "tests/support/wait.h"

#include <inttypes.h>
#include <stdlib.h>

enum { EXPIRE_MS = 10000, TAKEOVER_MS = 20000 };

/* A reserve that is under way. */
static struct http_connection *start_reserve(struct cluster *cluster, unsigned gateway,
                                             const struct shop_customer *customer, int64_t event_id,
                                             const char *seat) {
    char body[SHOP_TEXT_SIZE];
    const struct http_request request = {.method = "POST",
                                         .path = "/bookings/reserve",
                                         .token = customer->token,
                                         .key = "once",
                                         .body = shop_reserve_body(body, event_id, seat)};
    struct http_connection *connection = http_connection_create(cluster->gateways[gateway].port);
    http_connection_send(connection, &request, HTTP_CALL_MS);
    http_drive(&connection, 1, HTTP_CALL_MS); /* connects and writes */
    return connection;
}

static struct http_answer finish_reserve(struct http_connection *connection) {
    struct http_answer answer;
    while (!http_connection_take(connection, &answer)) {
        http_drive(&connection, 1, HTTP_CALL_MS);
    }
    http_connection_destroy(connection);
    return answer;
}

static void wait_until_stored(struct cluster *cluster, int64_t event_id, const char *seat,
                              const char *wanted) {
    struct wait wait = wait_at_most(EXPIRE_MS);
    for (bool is = false; !is;) {
        char *now = shop_stored_seat(cluster, event_id, seat);
        is = strcmp(now, wanted) == 0;
        free(now);
        if (!is) {
            wait_again(&wait, "a seat's state in the database");
        }
    }
}

static void expect_old_booking(struct cluster *cluster, unsigned gateway,
                               const struct shop_customer *customer, int64_t event_id,
                               const char *booking_id) {
    struct http_answer answer = shop_reserve(cluster, gateway, customer, event_id, "A1", "old");
    expect(answer.status == 201 || answer.status == 200, "%d %s", answer.status, answer.body);
    assert_string_equal(http_answer_text(&answer, "bookingId"), booking_id);
    assert_string_equal(http_answer_text(&answer, "status"), "EXPIRED");
    assert_true(http_answer_has_header(&answer, "Idempotent-Replayed", "true"));
    http_answer_free(&answer);
    char *seat = shop_stored_seat(cluster, event_id, "A1");
    assert_string_equal(seat, "AVAILABLE");
    free(seat);
}

static void a_key_whose_booking_expired_long_ago(void **state) {
    const struct cluster_options options = {.settings = {"USHER_IDLE_SHOW_SECONDS=1"}};
    struct cluster *cluster = cluster_create(state, &options);
    const struct shop_event event = {.venue_id = shop_venue(cluster, 1, 10), .hold_seconds = 1};
    int64_t event_id = shop_event_owned_by(cluster, &event, 0);
    struct shop_customer customer;
    char booking_id[64];
    shop_customer(cluster, &customer);
    struct http_answer answer = shop_reserve(cluster, 0, &customer, event_id, "A1", "old");
    (void)snprintf(booking_id, sizeof booking_id, "%s", http_answer_text(&answer, "bookingId"));
    shop_expect(answer, 201, NULL);
    wait_until_stored(cluster, event_id, "A1", "AVAILABLE");

    /* Remembered still; then another owner that loads the show; then the first again. */
    expect_old_booking(cluster, 0, &customer, event_id, booking_id);
    cluster_kill(&cluster->workers[0]);
    expect_old_booking(cluster, 1, &customer, event_id, booking_id);
    cluster_start_worker(cluster, 0);
    cluster_wait_ready(cluster);
    cluster_kill(&cluster->workers[1]);
    expect_old_booking(cluster, 0, &customer, event_id, booking_id);

    assert_int_equal(sql_number(cluster->sql, "SELECT count(*) FROM report.bookings", NULL), 1);
    shop_expect_sound_database(cluster);
    cluster_finish(cluster);
}

/*
 * The first owner refuses (the seat is held), and freezes before its answer is out. The next owner
 * has the seat freed, and accepts what the gateway, frozen meanwhile as well, then sends again. The
 * first owner wakes up: its refusal is of no account.
 */
static void refused_by_an_owner_that_freezes_accepted_by_the_next(void **state) {
    struct cluster *cluster = cluster_create(state, NULL);
    const struct shop_event event = {.venue_id = shop_venue(cluster, 1, 10)};
    int64_t event_id = shop_event_owned_by(cluster, &event, 0);
    struct shop_customer holder, wisher;
    char held[64];
    shop_customer(cluster, &holder);
    shop_customer(cluster, &wisher);
    shop_hold(cluster, 0, &holder, event_id, "A1", held);

    cluster_arm(&cluster->workers[0], "intake.before-reply", "stop");
    struct http_connection *wish = start_reserve(cluster, 0, &wisher, event_id, "A1");
    cluster_wait_frozen(&cluster->workers[0]);
    process_freeze(cluster->gateways[0].process);
    struct wait wait = wait_at_most(TAKEOVER_MS);
    while (cluster_owner(cluster, event_id) != 1) {
        wait_again(&wait, "the other worker to take over");
    }
    shop_expect(shop_cancel(cluster, 1, &holder, held), 200, NULL);
    process_thaw(cluster->gateways[0].process);
    struct http_answer answer = finish_reserve(wish);
    expect(answer.status == 201, "the repeat: %d %s", answer.status,
           answer.body != NULL ? answer.body : "(no answer)");
    http_answer_free(&answer);
    process_thaw(cluster->workers[0].process);
    cluster_wait_ready(cluster);

    /* One answer, one hold, and it is the wisher's. */
    answer = shop_reserve(cluster, 1, &wisher, event_id, "A1", "once");
    assert_string_equal(http_answer_text(&answer, "status"), "PENDING");
    assert_true(http_answer_has_header(&answer, "Idempotent-Replayed", "true"));
    http_answer_free(&answer);
    assert_int_equal(sql_number(cluster->sql,
                                "SELECT count(*) FROM report.bookings WHERE status = 'PENDING'",
                                NULL),
                     1);
    shop_expect_sound_database(cluster);
    cluster_finish(cluster);
}

/* The same, with nothing freed: the next owner refuses too, and nobody holds anything. */
static void refused_twice_leaves_no_orphan(void **state) {
    struct cluster *cluster = cluster_create(state, NULL);
    const struct shop_event event = {.venue_id = shop_venue(cluster, 1, 10)};
    int64_t event_id = shop_event_owned_by(cluster, &event, 1);
    struct shop_customer holder, wisher;
    char held[64];
    shop_customer(cluster, &holder);
    shop_customer(cluster, &wisher);
    shop_hold(cluster, 0, &holder, event_id, "A1", held);

    cluster_arm(&cluster->workers[1], "intake.before-reply", "stop");
    struct http_answer answer = finish_reserve(start_reserve(cluster, 0, &wisher, event_id, "A1"));
    shop_expect(answer, 409, "seat-taken");
    assert_true(process_is_frozen(cluster->workers[1].process));
    process_thaw(cluster->workers[1].process);
    cluster_wait_ready(cluster);
    assert_int_equal(sql_number(cluster->sql, "SELECT count(*) FROM report.bookings", NULL), 1);
    shop_expect(shop_confirm(cluster, 1, &holder, held), 200, NULL);
    shop_expect_sound_database(cluster);
    cluster_finish(cluster);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_key_whose_booking_expired_long_ago, cluster_teardown),
        cmocka_unit_test_teardown(refused_by_an_owner_that_freezes_accepted_by_the_next,
                                  cluster_teardown),
        cmocka_unit_test_teardown(refused_twice_leaves_no_orphan, cluster_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
