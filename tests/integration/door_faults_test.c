/*
 * The door under faults: while people are let in, gateways and owners are killed and frozen before
 * and after a report, NATS goes and comes back, grants and reports are lost and doubled. Everybody
 * who joined is called once, in order, and never more than maxShoppers shop at a time.
 *
 * PEOPLE join, LONG_PEOPLE with USHER_TEST_LONG=1, which then suffer every fault several times.
 */
#include "tests/integration/admission.h"
#include "tests/support/expect.h"
#include "tests/support/queue.h"
#include "tests/support/wait.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    PEOPLE = 220,
    LONG_PEOPLE = 2200,
    SHOPPERS = 40,
    GOES_ON = 5, /* so many are let in after a fault, while it lasts */
    JOIN_MS = 30000,
    LIMIT_MS = 30000,
    ROWS = 4,
    SEATS = 50,
};

struct door {
    struct cluster *cluster;
    int64_t event_id;
    struct joiner *people;
    size_t count;
};

static struct door open_door(void **state) {
    struct door door = {
        .cluster = *state,
        .count = getenv("USHER_TEST_LONG") != NULL ? LONG_PEOPLE : PEOPLE,
    };
    char settings[SHOP_TEXT_SIZE];
    (void)snprintf(settings, sizeof settings,
                   "\"mode\":\"paused\",\"admitsPerMinute\":1200,\"maxShoppers\":%d,"
                   "\"claimSeconds\":1",
                   SHOPPERS);
    struct cluster *cluster = *state;
    door.event_id = queue_event(cluster, shop_venue(cluster, ROWS, SEATS), settings, NULL);
    door.people = joiners_create(cluster, door.count);
    admission_join_all(cluster, door.event_id, door.people, door.count, JOIN_MS);
    queue_patch(cluster, door.event_id, "{\"room\":{\"mode\":\"open\"}}");
    admission_wait(cluster, door.event_id, 1, LIMIT_MS);
    return door;
}

static int64_t last_number(const struct door *door) {
    int64_t last = 0;
    for (size_t i = 0; i < door->count; i++) {
        last = door->people[i].number > last ? door->people[i].number : last;
    }
    return last;
}

/* The door lets people in, now. */
static void goes_on(const struct door *door, const char *while_what) {
    int64_t began_ms = wait_now_ms();
    int64_t reached = admission_reached(door->cluster, door->event_id);
    expect(reached + GOES_ON < last_number(door), "nobody is left for: %s", while_what);
    admission_wait(door->cluster, door->event_id, reached + GOES_ON, LIMIT_MS);
    print_message("%s: at %" PRId64 " after %lld ms\n", while_what, reached + GOES_ON,
                  (long long)(wait_now_ms() - began_ms));
}

static void close_door(struct door *door) {
    admission_wait(door->cluster, door->event_id, last_number(door),
                   LIMIT_MS * (int64_t)door->count / PEOPLE);
    cluster_wait_ready(door->cluster);
    int64_t most =
        admission_expect_sound(door->cluster, door->event_id, door->people, door->count, SHOPPERS);
    print_message("at most %" PRId64 " shopped at a time\n", most);
    free(door->people);
}

/* --- faults */

static struct cluster_process *owner(const struct door *door) {
    int worker = cluster_owner(door->cluster, door->event_id);
    expect(worker >= 0, "nobody owns the event");
    return &door->cluster->workers[worker];
}

/* Both gateways may be the next to hear a grant. */
static struct cluster_process *hit_gateway(const struct door *door, const char *failpoint,
                                           const char *action) {
    struct cluster_process *gateways = door->cluster->gateways;
    cluster_arm(&gateways[0], failpoint, action);
    cluster_arm(&gateways[1], failpoint, action);
    struct wait wait = wait_at_most(LIMIT_MS);
    for (;;) {
        for (unsigned i = 0; i < 2; i++) {
            if (!cluster_is_armed(&gateways[i], failpoint)) {
                cluster_disarm(&gateways[1 - i], failpoint);
                return &gateways[i];
            }
        }
        wait_again(&wait, failpoint);
    }
}

static void gateways_freeze_and_die(const struct door *door) {
    struct cluster *cluster = door->cluster;
    (void)hit_gateway(door, "door.before-report", "stop");
    goes_on(door, "a gateway is frozen before its report");
    process_thaw(cluster->gateways[0].process);
    process_thaw(cluster->gateways[1].process);
    goes_on(door, "it has reported late");

    const struct cluster_process *victim = hit_gateway(door, "door.before-report", "kill");
    for (unsigned i = 0; i < 2; i++) { /* the other one may have been hit as well */
        struct wait wait = wait_at_most(LIMIT_MS);
        while (&cluster->gateways[i] == victim && process_runs(victim->process)) {
            wait_again(&wait, "a gateway to die");
        }
        if (!process_runs(cluster->gateways[i].process)) {
            cluster_kill(&cluster->gateways[i]);
            cluster_start_gateway(cluster, i);
        }
    }
    goes_on(door, "a gateway died before its report");

    for (unsigned i = 0; i < 2; i++) {
        admission_wait(cluster, door->event_id, admission_reached(cluster, door->event_id) + 1,
                       LIMIT_MS);
        process_freeze(cluster->gateways[i].process);
        goes_on(door, "a gateway is frozen after a report");
        process_thaw(cluster->gateways[i].process);
        admission_wait(cluster, door->event_id, admission_reached(cluster, door->event_id) + 1,
                       LIMIT_MS);
        cluster_kill(&cluster->gateways[i]);
        goes_on(door, "a gateway died after a report");
        cluster_start_gateway(cluster, i);
        cluster_wait_ready(cluster);
    }
}

static void under_gateways(void **state) {
    struct door door = open_door(state);
    for (size_t i = 0; i < door.count / PEOPLE; i++) {
        gateways_freeze_and_die(&door);
    }
    close_door(&door);
}

static void messages_are_lost_and_doubled(const struct door *door) {
    struct cluster *cluster = door->cluster;
    static const char *const of_owner[] = {"rooms.grant-lost", "rooms.grant-twice"};
    static const char *const of_gateways[] = {"door.report-lost", "door.report-twice"};
    for (size_t i = 0; i < ARRAY_LEN(of_owner); i++) {
        struct cluster_process *worker = owner(door);
        cluster_arm(worker, of_owner[i], "fail");
        struct wait wait = wait_at_most(LIMIT_MS);
        while (cluster_is_armed(worker, of_owner[i])) {
            wait_again(&wait, of_owner[i]);
        }
        goes_on(door, of_owner[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(of_gateways); i++) {
        (void)hit_gateway(door, of_gateways[i], "fail");
        goes_on(door, of_gateways[i]);
    }
    cluster_arm(owner(door), "rooms.grant-twice", "always fail");
    cluster_arm(&cluster->gateways[0], "door.report-twice", "always fail");
    cluster_arm(&cluster->gateways[1], "door.report-twice", "always fail");
    goes_on(door, "everything comes twice");
    goes_on(door, "everything comes twice, still");
}

static void owners_freeze_and_die(const struct door *door) {
    struct cluster *cluster = door->cluster;
    struct cluster_process *victim = owner(door);
    cluster_arm(victim, "committer.commit-sent", "stop");
    cluster_wait_frozen(victim);
    goes_on(door, "the owner is frozen with a report's commit sent");
    process_thaw(victim->process);
    goes_on(door, "it is awake");
    victim = owner(door);
    process_freeze(victim->process);
    goes_on(door, "the owner is frozen");
    process_thaw(victim->process);
    cluster_wait_ready(cluster);
    victim = owner(door);
    cluster_kill(victim);
    goes_on(door, "the owner is dead");
    cluster_start_worker(cluster, (unsigned)(victim - cluster->workers));
}

/* What stood behind it is admitted over the new run; nobody is called by roll, nobody is missing.
 */
static void nats_restarts(const struct door *door) {
    struct cluster *cluster = door->cluster;
    nats_kill(cluster->nats);
    nats_start(cluster->nats);
    goes_on(door, "NATS was restarted");
    cluster_wait_ready(cluster);
}

static void under_owners(void **state) {
    struct door door = open_door(state);
    for (size_t i = 0; i < door.count / PEOPLE; i++) {
        messages_are_lost_and_doubled(&door);
        nats_restarts(&door);
        owners_freeze_and_die(&door);
    }
    close_door(&door);
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
        cmocka_unit_test(under_gateways),
        cmocka_unit_test(under_owners),
        cmocka_unit_test(all_ends_well),
    };
    return cmocka_run_group_tests(tests, open_cluster, cluster_teardown);
}
