/*
 * The owner of a partition freezes, at the worst moments: the next booking on its event succeeds
 * within 5 s, and when it wakes nothing that anybody was told turns out to be wrong.
 *
 * 50 random instants with USHER_TEST_LONG=1, INSTANTS otherwise (a freeze with its takeover, waking
 * and new balance takes some 6 s).
 */
#include "tests/integration/load.h"
#include "tests/support/expect.h"
#include "tests/support/wait.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

enum {
    NEXT_BOOKING_MS = 5000,
    INSTANTS = 5,
    LONG_INSTANTS = 50,
    HIT_MS = 20000,
    AWAKE_MS = 2000, /* the load runs on after the owner woke */
    HOLD_S = 4,
    ROWS = 26,
    SEATS = 100,
};

struct scene {
    struct cluster *cluster;
    struct load *load;
    struct shop_event event; /* what events are made like */
    int64_t probed[2];       /* an event of each worker that only the probe books on */
    struct shop_customer customer;
    struct http_connection *connection;
    unsigned bookings;
    int64_t worst_ms;
};

static struct scene set_scene(void **state, uint64_t seed) {
    struct scene scene = {.cluster = cluster_create(state, NULL)};
    scene.event = (struct shop_event){.venue_id = shop_venue(scene.cluster, ROWS, SEATS),
                                      .hold_seconds = HOLD_S,
                                      .seats_per_user = 1000};
    struct load_options options = {.cluster = scene.cluster,
                                   .clients = 24,
                                   .event_count = 4,
                                   .rows = ROWS,
                                   .seats_per_row = SEATS,
                                   .window = 10,
                                   .hold_seconds = HOLD_S,
                                   .pause_ms = 20,
                                   .seed = seed};
    for (unsigned i = 0; i < options.event_count; i++) {
        options.events[i] = shop_event_owned_by(scene.cluster, &scene.event, i % 2);
    }
    scene.load = load_create(&options);
    shop_customer(scene.cluster, &scene.customer);
    scene.connection = http_connection_create(scene.cluster->gateways[0].port);
    load_drive_until(scene.load, wait_now_ms() + 500);
    return scene;
}

static void end_scene(struct scene *scene) {
    load_settle(scene->load);
    history_check(load_history(scene->load));
    shop_expect_sound_database(scene->cluster);
    print_message("worst next booking %lld ms, %zu operations linearizable\n",
                  (long long)scene->worst_ms, history_count(load_history(scene->load)));
    load_destroy(scene->load);
    http_connection_destroy(scene->connection);
    cluster_finish(scene->cluster);
}

/* Sends a reserve of a seat that nobody else wants. */
static void send_probe(struct scene *scene, int64_t event_id) {
    char seat[16], body[SHOP_TEXT_SIZE];
    (void)history_seat_text(load_history(scene->load), scene->bookings++, seat);
    const struct http_request request = {.method = "POST",
                                         .path = "/bookings/reserve",
                                         .token = scene->customer.token,
                                         .body = shop_reserve_body(body, event_id, seat)};
    http_connection_set_port(scene->connection, scene->cluster->gateways[scene->bookings % 2].port);
    http_connection_send(scene->connection, &request, HTTP_CALL_MS);
}

/* Its answer has to be 201, within 5 s of `since_ms`. */
static void expect_probe(struct scene *scene, int64_t since_ms) {
    struct http_answer answer;
    while (!http_connection_take(scene->connection, &answer)) {
        load_drive(scene->load, 5);
        http_drive(&scene->connection, 1, 0);
    }
    int64_t took_ms = answer.done_us / 1000 - since_ms;
    scene->worst_ms = took_ms > scene->worst_ms ? took_ms : scene->worst_ms;
    expect(answer.status == 201, "the next booking, after %lld ms: %d %s", (long long)took_ms,
           answer.status, answer.body != NULL ? answer.body : "(no answer)");
    expect(took_ms <= NEXT_BOOKING_MS, "the next booking took %lld ms", (long long)took_ms);
    http_answer_free(&answer);
}

/* The frozen owner wakes while customers go on; then all is as before. */
static void wake(struct scene *scene, unsigned worker) {
    process_thaw(scene->cluster->workers[worker].process);
    load_drive_until(scene->load, wait_now_ms() + AWAKE_MS);
    cluster_wait_ready(scene->cluster);
}

static void freeze_and_book(struct scene *scene, unsigned worker) {
    process_freeze(scene->cluster->workers[worker].process);
    int64_t since_ms = wait_now_ms();
    send_probe(scene, scene->probed[worker]);
    expect_probe(scene, since_ms);
    wake(scene, worker);
}

/* Customers go on until the armed failpoint has frozen the worker. */
static void drive_until_frozen(struct scene *scene, unsigned worker) {
    struct wait wait = wait_at_most(HIT_MS);
    while (!process_is_frozen(scene->cluster->workers[worker].process)) {
        expect(!wait_is_over(&wait), "the failpoint was not hit within %d ms", HIT_MS);
        load_drive(scene->load, 2);
    }
}

/* Partitions move at takeovers: the probe's events are chosen anew. */
static void choose_probed(struct scene *scene) {
    for (unsigned worker = 0; worker < 2; worker++) {
        if (scene->probed[worker] == 0 ||
            cluster_owner(scene->cluster, scene->probed[worker]) != (int)worker) {
            scene->probed[worker] = shop_event_owned_by(scene->cluster, &scene->event, worker);
        }
    }
}

static void caught_idle(void **state) {
    struct scene scene = set_scene(state, 11);
    load_settle(scene.load);
    for (unsigned worker = 0; worker < 2; worker++) {
        choose_probed(&scene);
        freeze_and_book(&scene, worker);
    }
    end_scene(&scene);
}

static void caught_at(void **state, const char *failpoint, uint64_t seed) {
    struct scene scene = set_scene(state, seed);
    for (unsigned worker = 0; worker < 2; worker++) {
        choose_probed(&scene);
        cluster_arm(&scene.cluster->workers[worker], failpoint, "stop");
        drive_until_frozen(&scene, worker);
        int64_t since_ms = wait_now_ms();
        send_probe(&scene, scene.probed[worker]);
        expect_probe(&scene, since_ms);
        wake(&scene, worker);
    }
    end_scene(&scene);
}

static void caught_with_a_half_sent_pipeline(void **state) {
    caught_at(state, "database.half-sent", 12);
}

static void caught_with_commit_sent(void **state) {
    caught_at(state, "committer.commit-sent", 13);
}

static void caught_loading_a_show(void **state) {
    struct scene scene = set_scene(state, 14);
    for (unsigned worker = 0; worker < 2; worker++) {
        int64_t fresh = shop_event_owned_by(scene.cluster, &scene.event, worker);
        cluster_arm(&scene.cluster->workers[worker], "shows.loading", "stop");
        int64_t since_ms = wait_now_ms();
        send_probe(&scene, fresh);
        expect_probe(&scene, since_ms);
        assert_true(process_is_frozen(scene.cluster->workers[worker].process));
        wake(&scene, worker);
    }
    end_scene(&scene);
}

static void caught_at_random_instants(void **state) {
    const char *seed_text = getenv("USHER_TEST_SEED");
    uint64_t seed = seed_text != NULL ? strtoull(seed_text, NULL, 10) : (uint64_t)time(NULL);
    unsigned instants = getenv("USHER_TEST_LONG") != NULL ? LONG_INSTANTS : INSTANTS;
    print_message("USHER_TEST_SEED=%" PRIu64 ", %u instants\n", seed, instants);
    struct scene scene = set_scene(state, seed);
    for (unsigned i = 0; i < instants; i++) {
        choose_probed(&scene);
        load_drive_until(scene.load, wait_now_ms() + (int64_t)load_random(scene.load, 700));
        freeze_and_book(&scene, (unsigned)load_random(scene.load, 2));
    }
    end_scene(&scene);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(caught_idle, cluster_teardown),
        cmocka_unit_test_teardown(caught_with_a_half_sent_pipeline, cluster_teardown),
        cmocka_unit_test_teardown(caught_with_commit_sent, cluster_teardown),
        cmocka_unit_test_teardown(caught_loading_a_show, cluster_teardown),
        cmocka_unit_test_teardown(caught_at_random_instants, cluster_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
