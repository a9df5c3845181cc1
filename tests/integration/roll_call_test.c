/*
 * NATS is started anew in the midst of a queue and has lost nothing. When every gateway that
 * answered numbers lives, the owner learns that nobody has a number of the gap, and the door goes
 * on; when one is gone, nobody can know, and whoever it may have answered has a claim window.
 */
#include "tests/integration/admission.h"
#include "tests/support/expect.h"
#include "tests/support/queue.h"
#include "tests/support/wait.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    FEW = 2,      /* shop before NATS is started anew … */
    WAITING = 20, /* … and wait … */
    LATER = 6,    /* … and join after it */
    PEOPLE = FEW + WAITING + LATER,
    SHOPPERS = 100,
    LONG_CLAIM_S = 120,
    SHORT_CLAIM_S = 8,
    SOON_MS = 5000,
    LIMIT_MS = 40000,
    ROWS = 4,
    SEATS = 50,
};

struct story {
    struct cluster *cluster;
    int64_t event_id;
    struct joiner *people; /* PEOPLE, in the order of their numbers but for who asked at once */
};

static struct story begin(void **state, int claim_s) {
    struct story story = {.cluster = *state};
    char settings[SHOP_TEXT_SIZE];
    (void)snprintf(settings, sizeof settings,
                   "\"mode\":\"open\",\"admitsPerMinute\":60000,\"maxShoppers\":%d,"
                   "\"claimSeconds\":%d",
                   FEW, claim_s);
    story.event_id =
        queue_event(story.cluster, shop_venue(story.cluster, ROWS, SEATS), settings, NULL);
    story.people = joiners_create(story.cluster, PEOPLE);
    admission_join_all(story.cluster, story.event_id, story.people, FEW + WAITING, LIMIT_MS);
    admission_wait(story.cluster, story.event_id, FEW, LIMIT_MS);
    return story;
}

static void start_nats_anew(const struct story *story) {
    nats_kill(story->cluster->nats);
    nats_start(story->cluster->nats);
    admission_join_all(story->cluster, story->event_id, &story->people[FEW + WAITING], LATER,
                       LIMIT_MS);
}

static void let_many_in(const struct story *story) {
    char body[SHOP_TEXT_SIZE];
    (void)snprintf(body, sizeof body, "{\"room\":{\"maxShoppers\":%d}}", SHOPPERS);
    queue_patch(story->cluster, story->event_id, body);
}

/* Until all are called, each in order. */
static void admit_all(struct story *story, int64_t limit_ms) {
    int64_t last = 0;
    for (size_t i = 0; i < PEOPLE; i++) {
        last = story->people[i].number > last ? story->people[i].number : last;
    }
    admission_wait(story->cluster, story->event_id, last, limit_ms);
    (void)admission_expect_sound(story->cluster, story->event_id, story->people, PEOPLE, SHOPPERS);
    free(story->people);
}

static void nobody_waits_for_nobody(void **state) {
    struct story story = begin(state, LONG_CLAIM_S);
    start_nats_anew(&story);
    let_many_in(&story);
    admit_all(&story, SOON_MS);
}

/* The same with the one that answered half of them killed, and another in its place. */
static void whom_the_dead_may_have_answered_has_time(void **state) {
    struct story story = begin(state, SHORT_CLAIM_S);
    struct cluster *cluster = story.cluster;
    cluster_kill(&cluster->gateways[1]);
    cluster_start_gateway(cluster, 1);
    int64_t before_ms = wait_now_ms();
    start_nats_anew(&story);
    let_many_in(&story);
    admission_wait(cluster, story.event_id, FEW + WAITING, LIMIT_MS);
    struct wait wait = wait_at_most(LIMIT_MS);
    while (admission_reached(cluster, story.event_id) == FEW + WAITING) {
        wait_again(&wait, "the door to pass the gap");
    }
    expect(wait_now_ms() - before_ms >= SHORT_CLAIM_S * 1000,
           "the door has passed the gap after %" PRId64 " ms", wait_now_ms() - before_ms);
    admit_all(&story, LIMIT_MS);
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
        cmocka_unit_test(nobody_waits_for_nobody),
        cmocka_unit_test(whom_the_dead_may_have_answered_has_time),
        cmocka_unit_test(all_ends_well),
    };
    return cmocka_run_group_tests(tests, open_cluster, cluster_teardown);
}
