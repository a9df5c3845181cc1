/* Two installations on one NATS and one PostgreSQL server; and a port that somebody else has. */
#include "tests/support/expect.h"
#include "tests/support/shop.h"
#include "tests/support/wait.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REFUSAL_MS = 20000 };

static void neither_sees_the_other(void **state) {
    struct cluster_options options = {.workers = 2, .gateways = 1};
    struct cluster *one = cluster_create(state, &options);
    options.beside = one;
    struct cluster *two = cluster_create(state, &options);
    struct shop_customer mine, theirs;
    char my_booking[64], their_booking[64];
    const struct shop_event my_event = {.venue_id = shop_venue(one, 1, 20)};
    const struct shop_event their_event = {.venue_id = shop_venue(two, 1, 20)};
    int64_t event_id = shop_event(one, &my_event);
    assert_int_equal(shop_event(two, &their_event), event_id);
    shop_customer(one, &mine);
    shop_customer(two, &theirs);

    /* The same seat of the same event, in each. */
    shop_hold(one, 0, &mine, event_id, "A1", my_booking);
    shop_hold(two, 0, &theirs, event_id, "A1", their_booking);
    shop_hold(two, 0, &theirs, event_id, "A2", their_booking);
    shop_wait_shown(one, 0, event_id, "A1", "HELD");
    shop_wait_shown(two, 0, event_id, "A2", "HELD");
    char *elsewhere = shop_shown_seat(one, 0, event_id, "A2");
    assert_string_equal(elsewhere, "AVAILABLE");
    free(elsewhere);
    assert_int_equal(sql_number(one->sql, "SELECT count(*) FROM report.bookings", NULL), 1);
    assert_int_equal(sql_number(two->sql, "SELECT count(*) FROM report.bookings", NULL), 2);

    /* Nor do tokens, keys and bookings of one mean anything to the other. */
    shop_expect(shop_reserve(one, 0, &theirs, event_id, "A3", NULL), 401, "unauthenticated");
    shop_expect(shop_booking(one, 0, &mine, their_booking), 404, "not-found");
    struct http_answer answer;
    const struct http_request request = {
        .method = "POST", .path = "/admin/venues", .token = one->admin_key, .body = "{}"};
    http_call(two->gateways[0].port, &request, &answer);
    shop_expect(answer, 401, "unauthenticated");

    /* Nor does a takeover: one loses a worker, the other sells on. */
    cluster_kill(&one->workers[0]);
    cluster_wait_ready(one);
    shop_hold(two, 0, &theirs, event_id, "A4", their_booking);
    shop_hold(one, 0, &mine, event_id, "A4", my_booking);
    assert_true(cluster_is_owned(two));
    cluster_finish(two);
    cluster_finish(one);
}

/* A gateway started on a port that a stranger listens on ends, and its log says why. */
static void a_port_in_use_is_said_clearly(void **state) {
    const struct cluster_options options = {.workers = 1, .gateways = 1};
    struct cluster *cluster = cluster_create(state, &options);
    struct cluster_process *gateway = &cluster->gateways[0];
    process_end(gateway->process, REFUSAL_MS);
    cluster_kill(gateway);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(gateway->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1, stranger = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), status = 0;
    assert_int_equal(setsockopt(stranger, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    assert_int_equal(bind(stranger, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(stranger, 1), 0);

    cluster_start_gateway(cluster, 0);
    expect(process_wait(gateway->process, REFUSAL_MS, &status), "the gateway shares a port");
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 0);
    char port[16];
    (void)snprintf(port, sizeof port, "%u", gateway->port);
    assert_true(folder_file_contains(process_log_path(gateway->process), port));
    cluster_kill(gateway);
    (void)close(stranger);
    cluster_finish(cluster);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(neither_sees_the_other, cluster_teardown),
        cmocka_unit_test_teardown(a_port_in_use_is_said_clearly, cluster_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
