/*
 * NATS is away while people have turns and passes, for longer than those last, and nobody loses
 * one; it freezes or dies, or an owner, under people who join, and everybody is answered in time
 * and learns the number afterwards; and a gateway wakes long after with what it knew: nothing
 * changes.
 *
 * Turns and passes of WINDOW_S seconds; with USHER_TEST_LONG=1 of LONG_WINDOW_S, in an outage of
 * three minutes.
 */
#include "shared/room.h"

#include "tests/integration/admission.h"
#include "tests/integration/asker.h"
#include "tests/support/expect.h"
#include "tests/support/queue.h"
#include "tests/support/wait.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    WINDOW_S = 9,
    LONG_WINDOW_S = 60,
    AWAY_S = 11,
    LONG_AWAY_S = 180,
    PEOPLE = 20,
    JOIN_BYTES_MIN = 250, /* of the publish that a gateway makes of one */
    JOINERS = 60,
    AT_ONCE = 256,
    CROWD = 1800,       /* more than an owner promises numbers to */
    ANSWERED_MS = 7000, /* a join's time, and some for a busy machine */
    SHOPPERS = 50,
    LIMIT_MS = 40000,
    ROWS = 4,
    SEATS = 50,
};

static bool is_long(void) {
    return getenv("USHER_TEST_LONG") != NULL;
}

static int64_t make_event(struct cluster *cluster, const char *mode, int claim_s, int pass_s,
                          int shoppers) {
    char settings[SHOP_TEXT_SIZE];
    (void)snprintf(settings, sizeof settings,
                   "\"mode\":\"%s\",\"admitsPerMinute\":60000,\"maxShoppers\":%d,"
                   "\"claimSeconds\":%d,\"passSeconds\":%d",
                   mode, shoppers, claim_s, pass_s);
    int64_t event_id = queue_event(cluster, shop_venue(cluster, ROWS, SEATS), settings, NULL);
    queue_wait_phase(cluster, 0, event_id, strcmp(mode, "open") == 0 ? "OPEN" : "PAUSED");
    queue_wait_phase(cluster, 1, event_id, strcmp(mode, "open") == 0 ? "OPEN" : "PAUSED");
    return event_id;
}

static void open_and_admit_all(struct cluster *cluster, int64_t event_id,
                               const struct joiner *people, size_t count) {
    int64_t last = 0;
    for (size_t i = 0; i < count; i++) {
        last = people[i].number > last ? people[i].number : last;
    }
    queue_patch(cluster, event_id, "{\"room\":{\"mode\":\"open\"}}");
    admission_wait(cluster, event_id, last, LIMIT_MS);
    (void)admission_expect_sound(cluster, event_id, people, count, SHOPPERS);
}

static int64_t live_turns(struct cluster *cluster, int64_t event_id) {
    char event[24];
    (void)snprintf(event, sizeof event, "%" PRId64, event_id);
    return sql_number(cluster->sql,
                      "SELECT count(*) FROM usher.turn WHERE event_id = $1 AND state IN (2, 3)",
                      (const char *[]){event, NULL});
}

/* --- nobody loses a turn */

static void nobody_loses_a_turn(void **state) {
    struct cluster *cluster = *state;
    int window_s = is_long() ? LONG_WINDOW_S : WINDOW_S;
    int64_t away_ms = 1000 * (is_long() ? LONG_AWAY_S : AWAY_S);
    struct shop_customer people[3]; /* one with a pass, one with a turn, one who waits */
    struct queue_place places[3];
    int64_t event_id = make_event(cluster, "open", window_s, window_s, 2);
    shop_customers(cluster, people, ARRAY_LEN(people));
    for (unsigned i = 0; i < ARRAY_LEN(people); i++) {
        queue_enter(cluster, i % 2, &people[i], event_id, 201, &places[i]);
    }
    queue_take_pass(cluster, 0, &people[0], &places[0]);
    admission_wait(cluster, event_id, 2, LIMIT_MS);
    nats_kill(cluster->nats);
    struct wait wait = wait_at_most(2 * away_ms);
    for (int64_t began_ms = wait_now_ms(); wait_now_ms() - began_ms < away_ms;) {
        for (unsigned i = 0; i < cluster->gateway_count; i++) { /* looking goes on */
            struct http_answer answer = queue_state(cluster, i, event_id);
            assert_int_equal(http_answer_number(&answer, "nowServing"), 2);
            shop_expect(answer, 200, NULL);
        }
        wait_again(&wait, "turns to be over by the wall clock");
    }
    assert_int_equal(live_turns(cluster, event_id), 2);
    nats_start(cluster->nats);
    cluster_wait_ready(cluster);
    queue_take_pass(cluster, 1, &people[1], &places[1]);
    shop_expect(queue_reserve(cluster, 0, &people[0], event_id, "A1", places[0].pass), 201, NULL);
    shop_expect(queue_reserve(cluster, 1, &people[1], event_id, "A2", places[1].pass), 201, NULL);
    shop_expect(queue_leave(cluster, 0, &people[0], event_id, places[0].token), 204, NULL);
    queue_take_pass(cluster, 0, &people[2], &places[2]); /* and the door goes on */
}

/* --- joins */

static void expect_answered(const struct joiner *joiners, size_t count) {
    for (size_t i = 0; i < count; i++) {
        int status = joiners[i].status;
        expect(status == 201 || status == 200 || status == 503, "a join ended with %d", status);
        expect(joiners[i].done_us - joiners[i].sent_us <= (int64_t)ANSWERED_MS * 1000,
               "a join took %lld ms", (long long)(joiners[i].done_us - joiners[i].sent_us) / 1000);
    }
}

/* Once more, all of them: whoever was told a number is told the same. */
static void expect_same(struct cluster *cluster, int64_t event_id, struct joiner *joiners,
                        size_t count) {
    struct joiner *again = calloc(count, sizeof *again);
    size_t told = 0;
    ensure(again != NULL);
    memcpy(again, joiners, count * sizeof *again);
    for (size_t i = 0; i < count; i++) {
        again[i].gateway = 1 - joiners[i].gateway;
        again[i].status = 0;
    }
    admission_join_all(cluster, event_id, again, count, LIMIT_MS);
    for (size_t i = 0; i < count; i++) {
        expect(joiners[i].status == 503 || again[i].number == joiners[i].number,
               "number %" PRId64 " became %" PRId64, joiners[i].number, again[i].number);
        told += joiners[i].status != 503;
    }
    memcpy(joiners, again, count * sizeof *again);
    free(again);
    print_message("%zu of %zu were told a number at once\n", told, count);
}

static void nats_freezes_under_joins(void **state) {
    struct cluster *cluster = *state;
    struct joiner *people = joiners_create(cluster, JOINERS);
    int64_t event_id = make_event(cluster, "paused", 1, 1, SHOPPERS);
    admission_join_all(cluster, event_id, people, 1, LIMIT_MS);
    process_freeze(cluster->nats->process);
    joiners_take(joiners_ask(cluster, event_id, people, JOINERS));
    expect_answered(people, JOINERS);
    process_thaw(cluster->nats->process);
    expect_same(cluster, event_id, people, JOINERS);
    open_and_admit_all(cluster, event_id, people, JOINERS);
    free(people);
}

static void nats_dies_under_joins(void **state) {
    struct cluster *cluster = *state;
    struct joiner *people = joiners_create(cluster, JOINERS);
    int64_t event_id = make_event(cluster, "paused", 1, 1, SHOPPERS);
    struct joiners_asked *first = joiners_ask(cluster, event_id, people, JOINERS / 2);
    nats_kill(cluster->nats);
    struct joiners_asked *others =
        joiners_ask(cluster, event_id, people + JOINERS / 2, JOINERS - JOINERS / 2);
    nats_start(cluster->nats);
    joiners_take(first);
    joiners_take(others);
    expect_answered(people, JOINERS);
    expect_same(cluster, event_id, people, JOINERS);
    open_and_admit_all(cluster, event_id, people, JOINERS);
    free(people);
}

/* Nobody is told a number beyond what an owner has promised, so some wait for the next owner. */
static void the_owner_freezes_under_joins(void **state) {
    struct cluster *cluster = *state;
    struct joiner *people = joiners_create(cluster, CROWD);
    int64_t event_id = make_event(cluster, "paused", 1, 1, SHOPPERS);
    admission_join_all(cluster, event_id, people, 1, LIMIT_MS);
    int owner = cluster_owner(cluster, event_id);
    assert_true(owner >= 0);
    process_freeze(cluster->workers[owner].process);
    joiners_join(cluster, event_id, people + 1, CROWD - 1, AT_ONCE);
    process_thaw(cluster->workers[owner].process);
    expect_answered(people, CROWD);
    expect_same(cluster, event_id, people, CROWD);
    joiners_expect_dense(people, CROWD, 1);
    free(people);
    cluster_wait_ready(cluster);
}

/* --- who wakes long after */

static bool are_under_way(const struct cluster_process *gateway, unsigned joins) {
    struct http_answer answer;
    char line[64];
    (void)snprintf(line, sizeof line, "\nusher_joins_under_way %u\n", joins);
    http_call(gateway->ops_port,
              &(struct http_request){.method = "GET", .path = "/metrics", .unchecked = true},
              &answer);
    expect(answer.status == 200, "no metrics");
    bool reached = strstr(answer.body, line) != NULL;
    http_answer_free(&answer);
    return reached;
}

/* Until the stream has so many entries. */
static void wait_stored(struct cluster *cluster, struct asker *asker, int64_t event_id,
                        uint64_t count) {
    struct id128 installation;
    char stream[ROOM_STREAM_SIZE];
    sql_bytes(cluster->sql, "SELECT uuid_send(installation_id) FROM usher.installation",
              &installation, sizeof installation);
    room_stream_name(stream, &installation, (uint64_t)event_id);
    struct wait wait = wait_at_most(LIMIT_MS);
    while (asker_look(asker, stream).last_sequence < count) {
        wait_again(&wait, "joins to be stored");
    }
}

/* What connections to this port have received and its frozen server has not read. */
static uint64_t unread_bytes(uint16_t server_port) {
    enum { LOCAL_PORT = 2, RECEIVED = 7, FIELDS = 8 }; /* of a line of /proc/net/tcp, see proc(5) */
    uint64_t sum = 0;
    char line[512];
    FILE *sockets = fopen("/proc/net/tcp", "re");
    expect(sockets != NULL, "no table of sockets");
    while (fgets(line, sizeof line, sockets)) {
        char *rest = line, *field[FIELDS];
        for (size_t i = 0; i < FIELDS; i++) {
            field[i] = strtok_r(rest, " :\n", &rest);
            expect(field[i] != NULL, "no line of sockets");
        }
        if (strtoul(field[LOCAL_PORT], NULL, 16) == server_port) {
            sum += strtoul(field[RECEIVED], NULL, 16);
        }
    }
    (void)fclose(sockets);
    return sum;
}

/* A gateway freezes with acknowledgements before it that it has not read. NATS loses what they
 * are about, and the same sequences go to others; then it wakes. */
static void an_old_acknowledgement(void **state) {
    struct cluster *cluster = *state;
    struct joiner *people = joiners_create(cluster, 2 * PEOPLE);
    struct cluster_process *sleeper = &cluster->gateways[0];
    struct asker asker;
    char url[SERVER_URL_SIZE];
    for (size_t i = 0; i < 2 * PEOPLE; i++) {
        people[i].gateway = i < PEOPLE ? 0 : 1;
    }
    int64_t event_id = make_event(cluster, "paused", 2, 2, SHOPPERS);
    admission_join_all(cluster, event_id, people, 1, LIMIT_MS);
    nats_url(cluster->nats, url);
    asker_open_connected(&asker, url);
    wait_stored(cluster, &asker, event_id, 1);
    process_freeze(cluster->nats->process);
    folder_copy(cluster->folder, "nats", "nats-then");
    struct joiners_asked *asked = joiners_ask(cluster, event_id, people + 1, PEOPLE - 1);
    struct wait wait = wait_at_most(LIMIT_MS);
    while (!are_under_way(sleeper, PEOPLE - 1)) {
        wait_again(&wait, "joins to be under way");
    }
    while (unread_bytes(cluster->nats->port) < (PEOPLE - 1) * JOIN_BYTES_MIN) {
        wait_again(&wait, "joins to have left the gateway");
    }
    process_freeze(sleeper->process);
    process_thaw(cluster->nats->process);
    wait_stored(cluster, &asker, event_id, PEOPLE);
    asker_close(&asker);
    nats_kill(cluster->nats);
    folder_copy(cluster->folder, "nats-then", "nats");
    nats_start(cluster->nats);
    admission_join_all(cluster, event_id, people + PEOPLE, PEOPLE, LIMIT_MS);
    process_thaw(sleeper->process);
    joiners_take(asked);
    expect_same(cluster, event_id, people, 2 * PEOPLE);
    open_and_admit_all(cluster, event_id, people, 2 * PEOPLE);
    free(people);
}

/* A gateway sleeps with a report in its hand, and grants pile up before it, while another one
 * admits all of those; then it wakes. Until it sleeps, the other one's reports are lost. */
static void an_old_grant_and_an_old_report(void **state) {
    struct cluster *cluster = *state;
    struct joiner *people = joiners_create(cluster, 2 * PEOPLE + 1);
    struct cluster_process *sleeper = &cluster->gateways[0];
    int64_t event_id = make_event(cluster, "paused", 1, 1, PEOPLE);
    admission_join_all(cluster, event_id, people, PEOPLE, LIMIT_MS);
    cluster_arm(sleeper, "door.before-report", "stop");
    cluster_arm(&cluster->gateways[1], "door.report-lost", "always fail");
    queue_patch(cluster, event_id, "{\"room\":{\"mode\":\"open\"}}");
    cluster_wait_frozen(sleeper);
    cluster_disarm(&cluster->gateways[1], "door.report-lost");
    for (size_t i = PEOPLE; i < 2 * PEOPLE; i++) {
        people[i].gateway = 1;
    }
    admission_join_all(cluster, event_id, people + PEOPLE, PEOPLE, LIMIT_MS);
    admission_wait(cluster, event_id, 2 * PEOPLE, LIMIT_MS);
    process_thaw(sleeper->process);
    struct joiner *last = &people[2 * PEOPLE];
    last->gateway = 0;
    admission_join_all(cluster, event_id, last, 1, LIMIT_MS);
    admission_wait(cluster, event_id, last->number, LIMIT_MS);
    (void)admission_expect_sound(cluster, event_id, people, 2 * PEOPLE + 1, SHOPPERS);
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
        cmocka_unit_test(nobody_loses_a_turn),    cmocka_unit_test(nats_freezes_under_joins),
        cmocka_unit_test(nats_dies_under_joins),  cmocka_unit_test(the_owner_freezes_under_joins),
        cmocka_unit_test(an_old_acknowledgement), cmocka_unit_test(an_old_grant_and_an_old_report),
        cmocka_unit_test(all_ends_well),
    };
    return cmocka_run_group_tests(tests, open_cluster, cluster_teardown);
}
