/*
 * Nemesis of a waiting room: people join and are let in while workers and gateways are killed and
 * frozen, also at failpoints, and NATS and PostgreSQL restarted, at random. In the end everybody
 * has one number, in the order in which they came, has been called once, in that order, and never
 * too many were in at a time.
 *
 * BLOWS, with USHER_TEST_LONG=1 LONG_BLOWS; USHER_TEST_SEED repeats a course.
 */
#include "tests/integration/admission.h"
#include "tests/support/expect.h"
#include "tests/support/queue.h"
#include "tests/support/wait.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

enum {
    BLOWS = 5,
    LONG_BLOWS = 60,
    WAVE = 16,  /* join at once when a blow falls … */
    WHILE = 10, /* … and so many one by one while it lasts … */
    AFTER = 8,  /* … and after it */
    SHOPPERS = 60,
    BLOW_MS = 4000, /* at most */
    LIMIT_MS = 60000,
    ROWS = 4,
    SEATS = 50,
};

enum blow {
    BLOW_KILL_OWNER,
    BLOW_FREEZE_OWNER,
    BLOW_OWNER_AT_FAILPOINT,
    BLOW_KILL_GATEWAY,
    BLOW_FREEZE_GATEWAY,
    BLOW_GATEWAY_AT_FAILPOINT,
    BLOW_KILL_NATS,
    BLOW_FREEZE_NATS,
    BLOW_CRASH_POSTGRES,
    BLOW_KINDS,
};

static const char *const blow_texts[BLOW_KINDS] = {
    [BLOW_KILL_OWNER] = "owner killed",
    [BLOW_FREEZE_OWNER] = "owner frozen",
    [BLOW_OWNER_AT_FAILPOINT] = "owner frozen with a commit sent",
    [BLOW_KILL_GATEWAY] = "gateway killed",
    [BLOW_FREEZE_GATEWAY] = "gateway frozen",
    [BLOW_GATEWAY_AT_FAILPOINT] = "gateway frozen before a report",
    [BLOW_KILL_NATS] = "NATS killed",
    [BLOW_FREEZE_NATS] = "NATS frozen",
    [BLOW_CRASH_POSTGRES] = "PostgreSQL crashed",
};

struct nemesis {
    struct cluster *cluster;
    int64_t event_id;
    uint64_t random;
    struct joiner *people;
    size_t count, joined; /* those before `joined` have asked */
    enum blow deck[BLOW_KINDS];
    unsigned deck_left;
};

static unsigned draw(struct nemesis *nemesis, unsigned below) {
    nemesis->random = nemesis->random * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (unsigned)((nemesis->random >> 33) % below);
}

/* Every kind comes once before any comes again. */
static enum blow next_blow(struct nemesis *nemesis) {
    if (nemesis->deck_left == 0) {
        for (nemesis->deck_left = 0; nemesis->deck_left < BLOW_KINDS; nemesis->deck_left++) {
            nemesis->deck[nemesis->deck_left] = (enum blow)nemesis->deck_left;
        }
    }
    unsigned at = draw(nemesis, nemesis->deck_left);
    enum blow blow = nemesis->deck[at];
    nemesis->deck[at] = nemesis->deck[--nemesis->deck_left];
    return blow;
}

static struct joiner *next_people(struct nemesis *nemesis, size_t count) {
    struct joiner *people = &nemesis->people[nemesis->joined];
    nemesis->joined += count;
    ensure(nemesis->joined <= nemesis->count);
    return people;
}

/* The blow lasts a while. Some ask meanwhile, of whichever gateway works. */
static void go_on(struct nemesis *nemesis) {
    struct joiner *people = next_people(nemesis, WHILE);
    int64_t end_ms = wait_now_ms() + 500 + draw(nemesis, BLOW_MS - 500);
    struct wait wait = wait_at_most(LIMIT_MS);
    for (size_t i = 0; wait_now_ms() < end_ms; i++) {
        for (unsigned gateway = 0; i < WHILE && gateway < nemesis->cluster->gateway_count;
             gateway++) {
            const struct process *process = nemesis->cluster->gateways[gateway].process;
            if (process != NULL && !process_is_frozen(process)) {
                people[i].gateway = gateway;
            }
        }
        if (i < WHILE) {
            joiner_join(nemesis->cluster, nemesis->event_id, &people[i]);
        }
        wait_again(&wait, "a blow to end");
    }
}

static void freeze_a_while(struct nemesis *nemesis, struct process *process) {
    process_freeze(process);
    go_on(nemesis);
    process_thaw(process);
}

static void freeze_at(struct nemesis *nemesis, struct cluster_process *victim,
                      const char *failpoint) {
    cluster_arm(victim, failpoint, "stop");
    go_on(nemesis);
    cluster_disarm(victim, failpoint);
    process_thaw(victim->process);
}

static void strike_others(struct nemesis *nemesis, enum blow blow) {
    struct cluster *cluster = nemesis->cluster;
    if (blow == BLOW_KILL_NATS) {
        nats_kill(cluster->nats);
        go_on(nemesis);
        nats_start(cluster->nats);
    } else if (blow == BLOW_FREEZE_NATS) {
        freeze_a_while(nemesis, cluster->nats->process);
    } else {
        postgres_crash(cluster->postgres);
        go_on(nemesis);
        postgres_start(cluster->postgres);
    }
}

static void strike(struct nemesis *nemesis, enum blow blow) {
    struct cluster *cluster = nemesis->cluster;
    int owner = cluster_owner(cluster, nemesis->event_id);
    unsigned worker = owner >= 0 ? (unsigned)owner : draw(nemesis, cluster->worker_count);
    unsigned gateway = draw(nemesis, cluster->gateway_count);
    switch (blow) {
    case BLOW_KILL_OWNER:
        cluster_kill(&cluster->workers[worker]);
        go_on(nemesis);
        cluster_start_worker(cluster, worker);
        return;
    case BLOW_FREEZE_OWNER:
        freeze_a_while(nemesis, cluster->workers[worker].process);
        return;
    case BLOW_OWNER_AT_FAILPOINT:
        freeze_at(nemesis, &cluster->workers[worker], "committer.commit-sent");
        return;
    case BLOW_KILL_GATEWAY:
        cluster_kill(&cluster->gateways[gateway]);
        go_on(nemesis);
        cluster_start_gateway(cluster, gateway);
        return;
    case BLOW_FREEZE_GATEWAY:
        freeze_a_while(nemesis, cluster->gateways[gateway].process);
        return;
    case BLOW_GATEWAY_AT_FAILPOINT:
        freeze_at(nemesis, &cluster->gateways[gateway], "door.before-report");
        return;
    default:
        strike_others(nemesis, blow);
    }
}

/* NATS acknowledges before it writes: whoever was told a number shows it, as their pages do. */
static void show_numbers(struct nemesis *nemesis) {
    struct wait wait = wait_at_most(LIMIT_MS);
    int64_t reached = admission_reached(nemesis->cluster, nemesis->event_id);
    for (size_t i = 0; i < nemesis->joined; i++) {
        const struct joiner *person = &nemesis->people[i];
        for (int status = 0; person->number > reached && status != 200 && status != 409;) {
            struct http_answer answer =
                queue_claim(nemesis->cluster, (unsigned)i % 2, &person->customer, nemesis->event_id,
                            person->queue_token);
            status = answer.status == 410 ? 409 : answer.status;
            expect(status == 200 || status == 409 || status == 503, "a number shown: %d %s",
                   answer.status, answer.body != NULL ? answer.body : "");
            http_answer_free(&answer);
            if (status == 503) {
                wait_again(&wait, "numbers to be shown");
            }
        }
    }
}

static void suffer(struct nemesis *nemesis, enum blow blow) {
    struct cluster *cluster = nemesis->cluster;
    int64_t began_ms = wait_now_ms();
    struct joiner *wave = next_people(nemesis, WAVE);
    struct joiners_asked *asked = joiners_ask(cluster, nemesis->event_id, wave, WAVE);
    strike(nemesis, blow);
    joiners_take(asked);
    if (blow == BLOW_KILL_NATS) {
        cluster_wait_ready(cluster);
        show_numbers(nemesis);
    }
    struct joiner *later = next_people(nemesis, AFTER);
    admission_join_all(cluster, nemesis->event_id, later, AFTER, LIMIT_MS);
    print_message("%s: %lld ms, the door is at %" PRId64 " of %" PRId64 "\n", blow_texts[blow],
                  (long long)(wait_now_ms() - began_ms),
                  admission_reached(cluster, nemesis->event_id), later[AFTER - 1].number);
}

static struct nemesis open_room(void **state, unsigned blows) {
    struct nemesis nemesis = {
        .cluster = cluster_create(state, NULL),
        .count = (size_t)blows * (WAVE + WHILE + AFTER),
    };
    char settings[SHOP_TEXT_SIZE];
    (void)snprintf(settings, sizeof settings,
                   "\"mode\":\"open\",\"admitsPerMinute\":900,\"maxShoppers\":%d,"
                   "\"claimSeconds\":2,\"passSeconds\":1",
                   SHOPPERS);
    const char *seed = getenv("USHER_TEST_SEED");
    nemesis.random = seed != NULL ? strtoull(seed, NULL, 10) : (uint64_t)time(NULL);
    print_message("USHER_TEST_SEED=%" PRIu64 "\n", nemesis.random);
    nemesis.event_id =
        queue_event(nemesis.cluster, shop_venue(nemesis.cluster, ROWS, SEATS), settings, NULL);
    nemesis.people = joiners_create(nemesis.cluster, nemesis.count);
    queue_wait_phase(nemesis.cluster, 0, nemesis.event_id, "OPEN");
    queue_wait_phase(nemesis.cluster, 1, nemesis.event_id, "OPEN");
    return nemesis;
}

/* A gateway's own connections to PostgreSQL may not all be back yet. */
static void raise_rate(const struct nemesis *nemesis) {
    char path[64];
    (void)snprintf(path, sizeof path, "/admin/events/%" PRId64, nemesis->event_id);
    const struct http_request request = {.method = "PATCH",
                                         .path = path,
                                         .token = nemesis->cluster->admin_key,
                                         .body = "{\"room\":{\"admitsPerMinute\":60000}}"};
    struct wait wait = wait_at_most(LIMIT_MS);
    for (int status = 0; status != 200;) {
        struct http_answer answer;
        http_call(nemesis->cluster->gateways[0].port, &request, &answer);
        status = answer.status;
        http_answer_free(&answer);
        if (status != 200) {
            wait_again(&wait, "an operator's wish to be done");
        }
    }
}

static void whatever_happens(void **state) {
    unsigned blows = getenv("USHER_TEST_LONG") != NULL ? LONG_BLOWS : BLOWS;
    struct nemesis nemesis = open_room(state, blows);
    struct cluster *cluster = nemesis.cluster;
    for (unsigned i = 0; i < blows; i++) {
        suffer(&nemesis, next_blow(&nemesis));
    }
    cluster_wait_ready(cluster);
    admission_join_all(cluster, nemesis.event_id, nemesis.people, nemesis.count, LIMIT_MS);
    uint64_t pairs = joiners_expect_order(nemesis.people, nemesis.count);
    int64_t last = 0;
    for (size_t i = 0; i < nemesis.count; i++) {
        last = nemesis.people[i].number > last ? nemesis.people[i].number : last;
    }
    raise_rate(&nemesis);
    admission_wait(cluster, nemesis.event_id, last, 10 * (int64_t)LIMIT_MS);
    int64_t most =
        admission_expect_sound(cluster, nemesis.event_id, nemesis.people, nemesis.count, SHOPPERS);
    print_message("%zu people, %" PRIu64 " pairs in real order, at most %" PRId64 " in at a time\n",
                  nemesis.count, pairs, most);
    free(nemesis.people);
    cluster_finish(cluster);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(whatever_happens, cluster_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
