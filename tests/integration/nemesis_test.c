/*
 * Nemesis: customers hold, confirm, cancel and look while workers and gateways are killed and
 * frozen and PostgreSQL and NATS restarted at random. Afterwards what everybody was told is judged
 * seat by seat (checker.h), and compared with the database.
 *
 * USHER_TEST_SECONDS: how long in all (default ROUND_S); rounds of ROUND_S, each on a cluster of
 * its own. USHER_TEST_SEED: of the first round; each later one has the next number.
 */
#include "tests/integration/load.h"
#include "tests/support/expect.h"
#include "tests/support/wait.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

enum {
    ROUND_S = 60,
    EVENTS = 4,
    CLIENTS = 24,
    ROWS = 26,
    SEATS = 400,
    HOLD_S = 2,
    CALM_MS = 2000, /* between two blows, at most */
    BLOW_MS = 4000, /* a blow lasts at most */
    SERVER_AWAY_MS = 1500,
    WANTED_BOOKINGS = 100,
};

enum blow {
    BLOW_KILL_WORKER,
    BLOW_FREEZE_WORKER,
    BLOW_FREEZE_BOTH_WORKERS,
    BLOW_FREEZE_AT_FAILPOINT,
    BLOW_KILL_AT_FAILPOINT,
    BLOW_KILL_GATEWAY,
    BLOW_FREEZE_GATEWAY,
    BLOW_CRASH_POSTGRES,
    BLOW_STOP_POSTGRES,
    BLOW_KILL_NATS,
    BLOW_KINDS,
};

static const char *const blow_texts[BLOW_KINDS] = {
    [BLOW_KILL_WORKER] = "worker killed",
    [BLOW_FREEZE_WORKER] = "worker frozen",
    [BLOW_FREEZE_BOTH_WORKERS] = "both workers frozen",
    [BLOW_FREEZE_AT_FAILPOINT] = "worker frozen at a failpoint",
    [BLOW_KILL_AT_FAILPOINT] = "worker killed at a failpoint",
    [BLOW_KILL_GATEWAY] = "gateway killed",
    [BLOW_FREEZE_GATEWAY] = "gateway frozen",
    [BLOW_CRASH_POSTGRES] = "PostgreSQL crashed",
    [BLOW_STOP_POSTGRES] = "PostgreSQL stopped",
    [BLOW_KILL_NATS] = "NATS killed",
};

static const char *const failpoints[] = {"database.half-sent", "committer.commit-sent",
                                         "intake.before-reply", "shows.loading"};

struct nemesis {
    struct cluster *cluster;
    struct load *load;
    unsigned blows[BLOW_KINDS];
    enum blow deck[BLOW_KINDS]; /* every kind comes once before any comes again */
    unsigned deck_left;
};

static void drive_for(struct nemesis *nemesis, int64_t most_ms) {
    load_drive_until(nemesis->load,
                     wait_now_ms() + 1 + (int64_t)load_random(nemesis->load, (uint64_t)most_ms));
}

/* At most one hit: the file is gone with it, or taken away. */
static void strike_at_failpoint(struct nemesis *nemesis, unsigned victim, bool deadly) {
    struct cluster *cluster = nemesis->cluster;
    struct cluster_process *worker = &cluster->workers[victim];
    const char *failpoint = failpoints[load_random(nemesis->load, ARRAY_LEN(failpoints))];
    cluster_arm(worker, failpoint, deadly ? "kill" : "stop");
    drive_for(nemesis, BLOW_MS);
    cluster_disarm(worker, failpoint);
    if (!process_runs(worker->process)) {
        cluster_kill(worker);
        cluster_start_worker(cluster, victim);
    } else {
        process_thaw(worker->process);
    }
}

static void strike(struct nemesis *nemesis, enum blow blow, unsigned victim) {
    struct cluster *cluster = nemesis->cluster;
    switch (blow) {
    case BLOW_KILL_WORKER:
        cluster_kill(&cluster->workers[victim]);
        drive_for(nemesis, BLOW_MS);
        cluster_start_worker(cluster, victim);
        return;
    case BLOW_FREEZE_AT_FAILPOINT:
        strike_at_failpoint(nemesis, victim, false);
        return;
    case BLOW_KILL_AT_FAILPOINT:
        strike_at_failpoint(nemesis, victim, true);
        return;
    case BLOW_FREEZE_BOTH_WORKERS:
        process_freeze(cluster->workers[1 - victim].process);
        drive_for(nemesis, CALM_MS);
        process_freeze(cluster->workers[victim].process);
        drive_for(nemesis, BLOW_MS);
        process_thaw(cluster->workers[1 - victim].process);
        drive_for(nemesis, CALM_MS);
        process_thaw(cluster->workers[victim].process);
        return;
    case BLOW_FREEZE_WORKER:
        process_freeze(cluster->workers[victim].process);
        drive_for(nemesis, BLOW_MS);
        process_thaw(cluster->workers[victim].process);
        return;
    case BLOW_KILL_GATEWAY:
        cluster_kill(&cluster->gateways[victim]);
        drive_for(nemesis, BLOW_MS);
        cluster_start_gateway(cluster, victim);
        return;
    case BLOW_FREEZE_GATEWAY:
        process_freeze(cluster->gateways[victim].process);
        drive_for(nemesis, BLOW_MS);
        process_thaw(cluster->gateways[victim].process);
        return;
    case BLOW_CRASH_POSTGRES:
        postgres_crash(cluster->postgres);
        drive_for(nemesis, SERVER_AWAY_MS);
        postgres_start(cluster->postgres);
        return;
    case BLOW_STOP_POSTGRES:
        postgres_stop(cluster->postgres);
        drive_for(nemesis, SERVER_AWAY_MS);
        postgres_start(cluster->postgres);
        return;
    case BLOW_KILL_NATS:
        nats_kill(cluster->nats);
        drive_for(nemesis, SERVER_AWAY_MS);
        nats_start(cluster->nats);
        return;
    case BLOW_KINDS:
        break;
    }
    ensure(false);
}

static enum blow next_blow(struct nemesis *nemesis) {
    if (nemesis->deck_left == 0) {
        for (; nemesis->deck_left < BLOW_KINDS; nemesis->deck_left++) {
            nemesis->deck[nemesis->deck_left] = (enum blow)nemesis->deck_left;
        }
    }
    size_t drawn = load_random(nemesis->load, nemesis->deck_left);
    enum blow blow = nemesis->deck[drawn];
    nemesis->deck[drawn] = nemesis->deck[--nemesis->deck_left];
    nemesis->blows[blow]++;
    return blow;
}

static void print_round(const struct nemesis *nemesis) {
    const struct load_counts *counts = load_counts(nemesis->load);
    print_message("held %" PRIu64 ", taken %" PRIu64 ", confirmed %" PRIu64 ", cancelled %" PRIu64
                  ", ended %" PRIu64 ", looked %" PRIu64 ", unanswered %" PRIu64 "; ",
                  counts->held, counts->taken, counts->confirmed, counts->cancelled, counts->ended,
                  counts->looked, counts->unanswered);
    for (unsigned blow = 0; blow < BLOW_KINDS; blow++) {
        print_message("%s %u%s", blow_texts[blow], nemesis->blows[blow],
                      blow + 1 < BLOW_KINDS ? ", " : "\n");
    }
}

static void start_load(struct nemesis *nemesis, uint64_t seed) {
    struct load_options options = {.cluster = nemesis->cluster,
                                   .clients = CLIENTS,
                                   .event_count = EVENTS,
                                   .rows = ROWS,
                                   .seats_per_row = SEATS,
                                   .window = 24,
                                   .hold_seconds = HOLD_S,
                                   .pause_ms = 40,
                                   .seed = seed};
    const struct shop_event event = {.venue_id = shop_venue(nemesis->cluster, ROWS, SEATS),
                                     .hold_seconds = HOLD_S,
                                     .seats_per_user = 1000};
    for (unsigned i = 0; i < EVENTS; i++) {
        options.events[i] = shop_event_owned_by(nemesis->cluster, &event, i % 2);
    }
    nemesis->load = load_create(&options);
}

static void run_round(void **state, uint64_t seed, int64_t seconds) {
    print_message("USHER_TEST_SEED=%" PRIu64 ", %lld s\n", seed, (long long)seconds);
    struct nemesis nemesis = {.cluster = cluster_create(state, NULL)};
    start_load(&nemesis, seed);
    int64_t end_ms = wait_now_ms() + seconds * 1000;
    while (wait_now_ms() < end_ms) {
        drive_for(&nemesis, CALM_MS);
        enum blow blow = next_blow(&nemesis);
        strike(&nemesis, blow, (unsigned)load_random(nemesis.load, 2));
    }
    cluster_wait_ready(nemesis.cluster);
    load_settle(nemesis.load);
    print_round(&nemesis);
    history_check(load_history(nemesis.load));
    shop_expect_sound_database(nemesis.cluster);
    const struct load_counts *counts = load_counts(nemesis.load);
    expect(counts->held >= WANTED_BOOKINGS && counts->confirmed >= WANTED_BOOKINGS &&
               counts->cancelled >= WANTED_BOOKINGS,
           "too little went through to mean anything");
    load_destroy(nemesis.load);
    cluster_finish(nemesis.cluster);
    (void)cluster_teardown(state);
}

static void every_answer_is_linearizable(void **state) {
    const char *seed_text = getenv("USHER_TEST_SEED");
    const char *seconds_text = getenv("USHER_TEST_SECONDS");
    uint64_t seed = seed_text != NULL ? strtoull(seed_text, NULL, 10) : (uint64_t)time(NULL);
    int64_t left_s = seconds_text != NULL ? strtoll(seconds_text, NULL, 10) : ROUND_S;
    for (; left_s > 0; left_s -= ROUND_S) {
        run_round(state, seed++, left_s < ROUND_S ? left_s : ROUND_S);
    }
}

int main(int count, char **arguments) {
    if (count > 1 && setenv("USHER_TEST_SECONDS", arguments[1], 0) != 0) {
        return EXIT_FAILURE;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(every_answer_is_linearizable, cluster_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
