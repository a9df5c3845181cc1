/* The load generator leaves from many addresses, and in an open loop latency counts from the moment
 * that a request was to start, whatever became of those before and of the generator itself. */
#include "ops/benchmarks/arrivals.h"
#include "ops/benchmarks/client.h"
#include "ops/benchmarks/loopback.h"
#include "shared/clock.h"

#include <event2/util.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

static int listen_on(const char *url, char *with_port, size_t size) {
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof own;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&own, sizeof own), 0);
    assert_int_equal(listen(fd, 1024), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&own, &length), 0);
    snprintf(with_port, size, "%s:%u", url, ntohs(own.sin_port));
    return fd;
}

static void arrive_at_the_rate(void **state) {
    (void)state;
    struct arrivals arrivals;
    int64_t due_us;
    int64_t last_us = 1000;
    uint32_t count = 0;
    uint32_t close = 0;
    arrivals_start(&arrivals, 1000, 7, 1000);
    while (arrivals_take(&arrivals, 100001000, &due_us)) {
        assert_true(due_us >= last_us);
        close += due_us - last_us < 100;
        last_us = due_us;
        count++;
    }
    assert_in_range(count, 98500, 101500); /* of 100,000 ± 316 */
    assert_in_range(close, count * 85 / 1000,
                    count * 105 / 1000); /* by chance: 1 - exp(-0.1) of them */
    assert_int_equal(arrivals_wait_us(&arrivals, 100001000) > 0, true);
}

static void arrivals_are_due_when_their_time_has_come(void **state) {
    (void)state;
    struct arrivals arrivals;
    int64_t now_us = 50;
    arrivals_start(&arrivals, 2000, 1, now_us);
    for (int i = 0; i < 1000; i++) {
        int64_t due_us = 0;
        now_us += arrivals_wait_us(&arrivals, now_us);
        assert_false(arrivals_take(&arrivals, now_us - 1, &due_us));
        assert_true(arrivals_take(&arrivals, now_us, &due_us));
        assert_in_range(now_us - due_us, 0, 1);
    }
    assert_int_equal(arrivals.late_us.count, 1000);
    assert_true(arrivals.late_us.max <= 1);
    assert_false(arrivals_were_late(&arrivals.late_us));
}

static void a_generator_that_stood_still_was_late(void **state) {
    (void)state;
    struct arrivals arrivals;
    int64_t due_us;
    arrivals_start(&arrivals, 1000, 1, 0);
    for (int64_t now_us = 0; now_us < 1000000; now_us++)
        arrivals_take(&arrivals, now_us, &due_us);
    assert_false(arrivals_were_late(&arrivals.late_us));
    uint64_t in_time = arrivals.late_us.count;
    while (arrivals_take(&arrivals, 1020000, &due_us)) /* 20 ms on */
        assert_in_range(1020000 - due_us, 0, 20000);
    assert_in_range(arrivals.late_us.count - in_time, 10, 30);
    assert_in_range(arrivals.late_us.max, 15000, 20000);
    assert_true(arrivals_were_late(&arrivals.late_us));
}

static void connections_leave_from_many_addresses(void **state) {
    (void)state;
    enum { CONNECTIONS = 3 * LOOPBACK_SOURCES };
    uint32_t from[LOOPBACK_SOURCES] = {0};
    char url[64];
    int listener = listen_on("http://127.0.0.1", url, sizeof url);
    struct client *client = client_create(url, CONNECTIONS);
    assert_non_null(client);
    for (int i = 0; i < CONNECTIONS; i++) {
        struct sockaddr_in peer = {0};
        socklen_t length = sizeof peer;
        int fd = accept(listener, (struct sockaddr *)&peer, &length);
        assert_true(fd >= 0);
        uint32_t source = ntohl(peer.sin_addr.s_addr) - UINT32_C(0x7f010001);
        assert_in_range(source, 0, LOOPBACK_SOURCES - 1);
        from[source]++;
        close(fd);
    }
    for (int i = 0; i < LOOPBACK_SOURCES; i++)
        assert_int_equal(from[i], 3);
    client_destroy(client);
    close(listener);
}

/* A server that answers nothing until so many have asked, then everything at once. There is a
 * connection more: on the last one the client learns that there is nothing more to ask. */
enum { TOGETHER = 20, RATE = 1000, STALL_US = 30000 };

static void *answer_together(void *context) {
    static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    int listener = *(const int *)context;
    int asked[TOGETHER + 1];
    char request[64];
    for (int i = 0; i <= TOGETHER; i++)
        asked[i] = accept(listener, NULL, NULL);
    for (int i = 0; i < TOGETHER; i++)
        assert_true(recv(asked[i], request, sizeof request, 0) > 0);
    for (int i = 0; i < TOGETHER; i++)
        assert_int_equal(send(asked[i], text, sizeof text - 1, MSG_NOSIGNAL), sizeof text - 1);
    for (int i = 0; i <= TOGETHER; i++) {
        assert_int_equal(recv(asked[i], request, sizeof request, 0), 0);
        close(asked[i]);
    }
    return NULL;
}

struct asking {
    uint32_t asked;
    uint32_t answered;
    int64_t stalled_until_us;
    int64_t first_us; /* when the first was sent */
    int64_t longest_us;
};

/* The generator itself stands still with its first request. */
static size_t ask(void *context, uint32_t connection, char *request) {
    (void)connection;
    struct asking *asking = context;
    if (asking->asked == TOGETHER)
        return 0;
    if (asking->asked++ == 0) {
        asking->first_us = clock_monotonic_us();
        while (clock_monotonic_us() < asking->first_us + STALL_US)
            continue;
    }
    request[0] = '?';
    return 1;
}

static void answered(void *context, uint32_t connection, const struct answer *answer,
                     int64_t took_us) {
    (void)connection;
    struct asking *asking = context;
    assert_int_equal(answer->status, 200);
    asking->answered++;
    if (took_us > asking->longest_us)
        asking->longest_us = took_us;
}

static void lost(void *context, uint32_t connection) {
    (void)context, (void)connection;
    fail_msg("an answer was lost");
}

static void latency_counts_from_the_intended_start(void **state) {
    (void)state;
    static const struct client_calls calls = {ask, answered, lost};
    char url[64];
    pthread_t server;
    int listener = listen_on("http://127.0.0.1", url, sizeof url);
    assert_int_equal(pthread_create(&server, NULL, answer_together, &listener), 0);
    struct client *client = client_create(url, TOGETHER + 1);
    assert_non_null(client);
    struct asking asking = {0};
    assert_int_equal(client_run_open(client, &calls, &asking, RATE, 10000), 0);
    int64_t lasted_us = clock_monotonic_us() - asking.first_us;
    const struct client_traffic *traffic = client_traffic(client);
    assert_int_equal(asking.answered, TOGETHER);
    assert_int_equal(traffic->answers, TOGETHER);
    assert_int_equal(traffic->sent_bytes, TOGETHER);
    assert_int_equal(traffic->late_us.count >= TOGETHER, true);
    assert_true(traffic->late_us.max >=
                STALL_US * 3 / 4); /* the second was to start a few ms behind the first */
    assert_true(arrivals_were_late(&traffic->late_us));
    assert_in_range(asking.longest_us, STALL_US, lasted_us + 100000);
    client_destroy(client);
    assert_int_equal(pthread_join(server, NULL), 0);
    close(listener);
}

/* A server that answers each request by itself, one connection after the other. */
enum { PACED = 10, PACED_CONNECTIONS = 3, PACED_EVERY_US = 5000 };

static void *answer_in_turn(void *context) {
    static const char text[] = "HTTP/1.1 204 No Content\r\n\r\n";
    int listener = *(const int *)context;
    int asked[PACED_CONNECTIONS];
    char request[64];
    for (int i = 0; i < PACED_CONNECTIONS; i++)
        asked[i] = accept(listener, NULL, NULL);
    for (int i = 0; i < PACED; i++) {
        assert_int_equal(recv(asked[i % PACED_CONNECTIONS], request, sizeof request, 0), 1);
        assert_int_equal(send(asked[i % PACED_CONNECTIONS], text, sizeof text - 1, MSG_NOSIGNAL),
                         sizeof text - 1);
    }
    for (int i = 0; i < PACED_CONNECTIONS; i++) {
        assert_int_equal(recv(asked[i], request, sizeof request, 0), 0);
        close(asked[i]);
    }
    return NULL;
}

struct pacing {
    struct client *client;
    int64_t began_us;
    uint32_t asked;
    uint32_t answered;
};

/* One every few milliseconds, by the caller's own clock. */
static size_t ask_when_due(void *context, uint32_t connection, char *request) {
    struct pacing *pacing = context;
    if (pacing->asked == PACED ||
        clock_monotonic_us() < pacing->began_us + (int64_t)pacing->asked * PACED_EVERY_US)
        return 0;
    assert_int_equal(connection, pacing->asked % PACED_CONNECTIONS);
    pacing->asked++;
    request[0] = '?';
    return 1;
}

static void answered_in_turn(void *context, uint32_t connection, const struct answer *answer,
                             int64_t took_us) {
    (void)connection, (void)took_us;
    struct pacing *pacing = context;
    assert_int_equal(answer->status, 204);
    if (++pacing->answered == PACED)
        client_stop(pacing->client);
}

static void the_caller_sets_the_pace(void **state) {
    (void)state;
    static const struct client_calls calls = {ask_when_due, answered_in_turn, lost};
    char url[64];
    pthread_t server;
    int listener = listen_on("http://127.0.0.1", url, sizeof url);
    assert_int_equal(pthread_create(&server, NULL, answer_in_turn, &listener), 0);
    struct pacing pacing = {.client = client_create(url, PACED_CONNECTIONS)};
    assert_non_null(pacing.client);
    pacing.began_us = clock_monotonic_us();
    client_run_paced(pacing.client, &calls, &pacing, 10000);
    assert_int_equal(pacing.answered, PACED);
    assert_true(clock_monotonic_us() >= pacing.began_us + (PACED - 1) * PACED_EVERY_US);
    client_destroy(pacing.client);
    assert_int_equal(pthread_join(server, NULL), 0);
    close(listener);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrive_at_the_rate),
        cmocka_unit_test(arrivals_are_due_when_their_time_has_come),
        cmocka_unit_test(a_generator_that_stood_still_was_late),
        cmocka_unit_test(connections_leave_from_many_addresses),
        cmocka_unit_test(latency_counts_from_the_intended_start),
        cmocka_unit_test(the_caller_sets_the_pace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
