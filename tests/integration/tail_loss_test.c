/*
 * NATS loses the last joins, as a power cut may make it: its folder is put back to what it was,
 * with the gateways alive, or with all of them and the owners started anew as well; or the stream
 * is deleted and made again while all run. No number ever belongs to two people, and those whose
 * numbers were lost are called by roll, ahead of whoever came later.
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
    KEPT = 12,       /* who joined before the copy was made … */
    LOST = 12,       /* … after it … */
    LATER = 12,      /* … after the loss */
    SHOW = LOST - 3, /* of those lost, show their numbers in time */
    PEOPLE = KEPT + LOST + LATER,
    SHOPPERS = 100,
    CLAIM_S = 4,
    LIMIT_MS = 40000,
    ROWS = 4,
    SEATS = 50,
};

struct story {
    struct cluster *cluster;
    int64_t event_id;
    struct joiner *kept, *lost, *later; /* PEOPLE in one block, in this order */
};

static struct story begin(void **state) {
    struct story story = {.cluster = *state};
    char settings[SHOP_TEXT_SIZE];
    (void)snprintf(settings, sizeof settings,
                   "\"mode\":\"paused\",\"admitsPerMinute\":60000,\"maxShoppers\":%d,"
                   "\"claimSeconds\":%d",
                   SHOPPERS, CLAIM_S);
    story.event_id =
        queue_event(story.cluster, shop_venue(story.cluster, ROWS, SEATS), settings, NULL);
    story.kept = joiners_create(story.cluster, PEOPLE);
    story.lost = story.kept + KEPT;
    story.later = story.lost + LOST;
    admission_join_all(story.cluster, story.event_id, story.kept, KEPT, LIMIT_MS);
    return story;
}

static void end(struct story *story) {
    free(story->kept);
}

static void expect_above(const struct joiner *lower, size_t lower_count,
                         const struct joiner *higher, size_t higher_count) {
    for (size_t i = 0; i < lower_count; i++) {
        for (size_t k = 0; k < higher_count; k++) {
            expect(lower[i].number < higher[k].number,
                   "number %" PRId64 " was given after number %" PRId64, higher[k].number,
                   lower[i].number);
        }
    }
}

/* Whoever holds a number that can't be read any more shows it; it is not their turn yet. */
static void show(const struct story *story, const struct joiner *joiners, size_t count) {
    for (size_t i = 0; i < count; i++) {
        shop_expect(queue_claim(story->cluster, (unsigned)i % 2, &joiners[i].customer,
                                story->event_id, joiners[i].queue_token),
                    409, "not-your-turn");
    }
}

static void set_mode(const struct story *story, const char *mode) {
    char body[SHOP_TEXT_SIZE];
    (void)snprintf(body, sizeof body, "{\"room\":{\"mode\":\"%s\"}}", mode);
    queue_patch(story->cluster, story->event_id, body);
}

/* When the turn of a number was called; 0: it was not. */
static int64_t called_us(const struct story *story, int64_t number) {
    char event[24], text[24];
    (void)snprintf(event, sizeof event, "%" PRId64, story->event_id);
    (void)snprintf(text, sizeof text, "%" PRId64, number);
    return sql_number(story->cluster->sql,
                      "SELECT coalesce((SELECT (extract(epoch FROM called_at) * 1000000)::bigint"
                      " FROM usher.turn WHERE event_id = $1 AND number = $2), 0)",
                      (const char *[]){event, text, NULL});
}

/* Who shows a number when the door is far beyond is called next, ahead of those who wait there. */
static void who_is_late_is_next(const struct story *story) {
    struct joiner *behind = joiners_create(story->cluster, LATER);
    set_mode(story, "paused");
    queue_wait_phase(story->cluster, 0, story->event_id, "PAUSED");
    admission_join_all(story->cluster, story->event_id, behind, LATER, LIMIT_MS);
    const struct joiner *late = &story->lost[SHOW];
    show(story, late, LOST - SHOW);
    set_mode(story, "open");
    admission_wait(story->cluster, story->event_id, behind[LATER - 1].number, LIMIT_MS);
    for (size_t i = 0; i < LOST - SHOW; i++) {
        int64_t at_us = called_us(story, late[i].number);
        expect(at_us > 0, "number %" PRId64 " is not called", late[i].number);
        for (size_t k = 0; k < LATER; k++) {
            expect(called_us(story, behind[k].number) >= at_us,
                   "number %" PRId64 " was called ahead of number %" PRId64, behind[k].number,
                   late[i].number);
        }
    }
    struct http_answer answer =
        queue_claim(story->cluster, 0, &late[0].customer, story->event_id, late[0].queue_token);
    shop_expect(answer, 200, NULL);
    free(behind);
}

/* The door opens: the kept, the first `shown` of the lost, who showed their numbers, the later
 * ones. */
static void admit(const struct story *story, size_t shown) {
    struct joiner *called = calloc(PEOPLE, sizeof *called);
    ensure(called != NULL);
    size_t count = KEPT + shown;
    memcpy(called, story->kept, count * sizeof *called);
    memcpy(called + count, story->later, LATER * sizeof *called);
    count += LATER;
    int64_t last = 0;
    for (size_t i = 0; i < LATER; i++) {
        last = story->later[i].number > last ? story->later[i].number : last;
    }
    set_mode(story, "open");
    admission_wait(story->cluster, story->event_id, last, LIMIT_MS);
    (void)admission_expect_sound(story->cluster, story->event_id, called, count, SHOPPERS);
    free(called);
}

/* --- the tail is lost */

/* Where in the stream the newest span begins. */
static int64_t first_sequence(const struct story *story) {
    char event[24];
    (void)snprintf(event, sizeof event, "%" PRId64, story->event_id);
    return sql_number(story->cluster->sql,
                      "SELECT first_sequence FROM usher.room_span WHERE event_id = $1"
                      " ORDER BY span_no DESC LIMIT 1",
                      (const char *[]){event, NULL});
}

static void restart_others(const struct story *story) {
    struct cluster *cluster = story->cluster;
    for (unsigned i = 0; i < cluster->gateway_count; i++) {
        cluster_kill(&cluster->gateways[i]);
        cluster_start_gateway(cluster, i);
    }
    for (unsigned i = 0; i < cluster->worker_count; i++) {
        cluster_kill(&cluster->workers[i]);
        cluster_start_worker(cluster, i);
    }
}

static void keep_a_copy(const struct story *story) {
    struct cluster *cluster = story->cluster;
    process_freeze(cluster->nats->process);
    folder_copy(cluster->folder, "nats", "nats-then");
    process_thaw(cluster->nats->process);
}

/* The owners sleep from here on. */
static void lose_the_tail(const struct story *story) {
    struct cluster *cluster = story->cluster;
    for (unsigned i = 0; i < cluster->worker_count; i++) {
        process_freeze(cluster->workers[i].process);
    }
    nats_kill(cluster->nats);
    folder_copy(cluster->folder, "nats-then", "nats");
    nats_start(cluster->nats);
}

/* None has looked at what is left, so nobody gets a number of it. */
static void expect_nobody_joins(const struct story *story) {
    joiners_take(joiners_ask(story->cluster, story->event_id, story->later, LATER));
    for (size_t i = 0; i < LATER; i++) {
        assert_int_equal(story->later[i].status, 503);
    }
}

static void wake_owners(const struct story *story) {
    struct cluster *cluster = story->cluster;
    for (unsigned i = 0; i < cluster->worker_count; i++) {
        process_thaw(cluster->workers[i].process);
    }
}

static void gateways_live(void **state) {
    struct story story = begin(state);
    keep_a_copy(&story);
    admission_join_all(story.cluster, story.event_id, story.lost, LOST, LIMIT_MS);
    expect_above(story.kept, KEPT, story.lost, LOST);
    lose_the_tail(&story);
    expect_nobody_joins(&story);
    wake_owners(&story);
    admission_join_all(story.cluster, story.event_id, story.later, LATER, LIMIT_MS);
    show(&story, story.lost, SHOW);
    assert_int_equal(first_sequence(&story), KEPT + 1);
    expect_above(story.lost, LOST, story.later, LATER);
    admit(&story, SHOW);
    who_is_late_is_next(&story);
    end(&story);
    cluster_wait_ready(story.cluster);
}

/* And the owner dies once more when people have shown their numbers. */
static void all_start_anew(void **state) {
    struct story story = begin(state);
    struct cluster *cluster = story.cluster;
    keep_a_copy(&story);
    admission_join_all(cluster, story.event_id, story.lost, LOST, LIMIT_MS);
    lose_the_tail(&story);
    expect_nobody_joins(&story);
    wake_owners(&story);
    restart_others(&story);
    admission_join_all(cluster, story.event_id, story.later, LATER, LIMIT_MS);
    show(&story, story.lost, SHOW);
    expect_above(story.lost, LOST, story.later, LATER);
    int owner = cluster_owner(cluster, story.event_id);
    assert_true(owner >= 0);
    cluster_kill(&cluster->workers[owner]);
    cluster_start_worker(cluster, (unsigned)owner);
    cluster_wait_ready(cluster);
    admit(&story, SHOW);
    end(&story);
}

/* The door had let in people that NATS forgets. */
static void the_door_was_beyond(void **state) {
    struct story story = begin(state);
    struct cluster *cluster = story.cluster;
    keep_a_copy(&story);
    admission_join_all(cluster, story.event_id, story.lost, LOST, LIMIT_MS);
    char body[SHOP_TEXT_SIZE];
    (void)snprintf(body, sizeof body, "{\"room\":{\"mode\":\"open\",\"maxShoppers\":%d}}",
                   KEPT + LOST / 2);
    queue_patch(cluster, story.event_id, body);
    admission_wait(cluster, story.event_id, KEPT + LOST / 2, LIMIT_MS);
    set_mode(&story, "paused");
    int64_t admitted = admission_reached(cluster, story.event_id);
    lose_the_tail(&story);
    wake_owners(&story);
    admission_join_all(cluster, story.event_id, story.later, LATER, LIMIT_MS);
    expect_above(story.lost, LOST, story.later, LATER);
    for (size_t i = 0; i < LOST; i++) {
        if (story.lost[i].number > admitted) {
            show(&story, &story.lost[i], 1);
        }
    }
    admit(&story, LOST);
    end(&story);
}

/* The second time back behind where the span began that the first one made. */
static void it_is_lost_twice(void **state) {
    struct story story = begin(state);
    struct cluster *cluster = story.cluster;
    struct joiner *between = story.later, *last = story.later + LATER / 2;
    keep_a_copy(&story);
    admission_join_all(cluster, story.event_id, story.lost, LOST, LIMIT_MS);
    lose_the_tail(&story);
    wake_owners(&story);
    admission_join_all(cluster, story.event_id, between, LATER / 2, LIMIT_MS);
    expect_above(story.lost, LOST, between, LATER / 2);
    cluster_wait_ready(cluster);
    lose_the_tail(&story);
    wake_owners(&story);
    admission_join_all(cluster, story.event_id, last, LATER / 2, LIMIT_MS);
    expect_above(between, LATER / 2, last, LATER / 2);
    show(&story, story.lost, LOST);
    show(&story, between, LATER / 2);
    admit(&story, LOST);
    end(&story);
}

/* --- the stream is another one */

static void make_anew(const struct story *story, struct asker *asker) {
    struct id128 installation;
    char stream[ROOM_STREAM_SIZE], subject[ROOM_SUBJECT_SIZE];
    sql_bytes(story->cluster->sql, "SELECT uuid_send(installation_id) FROM usher.installation",
              &installation, sizeof installation);
    room_stream_name(stream, &installation, (uint64_t)story->event_id);
    room_subject(subject, &installation, (uint64_t)story->event_id, NULL);
    asker_delete(asker, stream);
    assert_int_equal(asker_make(asker, stream, subject, 1).outcome, JETSTREAM_DONE);
}

/* In the midst of joins. All that were answered are lost. */
static void the_stream_is_made_anew(void **state) {
    struct story story = begin(state);
    struct cluster *cluster = story.cluster;
    struct asker asker;
    char url[SERVER_URL_SIZE];
    nats_url(cluster->nats, url);
    asker_open_connected(&asker, url);
    struct joiners_asked *asked = joiners_ask(cluster, story.event_id, story.lost, LOST);
    make_anew(&story, &asker);
    joiners_take(asked);
    asker_close(&asker);
    admission_join_all(cluster, story.event_id, story.later, LATER, LIMIT_MS);
    bool noticed = false;
    for (unsigned i = 0; i < cluster->worker_count; i++) {
        noticed = noticed || folder_file_contains(process_log_path(cluster->workers[i].process),
                                                  "\"room-stream-lost\"");
    }
    assert_true(noticed);
    expect_above(story.kept, KEPT, story.later, LATER);
    for (size_t i = 0; i < LOST; i++) { /* before or after */
        struct joiner *asker_of_old = &story.lost[i];
        if (asker_of_old->status != 201 && asker_of_old->status != 200) {
            admission_join_all(cluster, story.event_id, asker_of_old, 1, LIMIT_MS);
        }
        for (size_t k = 0; k < PEOPLE; k++) {
            expect(k == KEPT + i || story.kept[k].number != asker_of_old->number,
                   "number %" PRId64 " belongs to two people", asker_of_old->number);
        }
    }
    for (size_t i = 0; i < KEPT + LOST; i++) { /* some number is in the new stream */
        struct http_answer answer = queue_claim(cluster, 0, &story.kept[i].customer, story.event_id,
                                                story.kept[i].queue_token);
        shop_expect(answer, 409, "not-your-turn");
    }
    int64_t last = 0;
    for (size_t i = 0; i < PEOPLE; i++) {
        last = story.kept[i].number > last ? story.kept[i].number : last;
    }
    set_mode(&story, "open");
    admission_wait(cluster, story.event_id, last, LIMIT_MS);
    (void)admission_expect_sound(cluster, story.event_id, story.kept, PEOPLE, SHOPPERS);
    end(&story);
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
        cmocka_unit_test(gateways_live),           cmocka_unit_test(all_start_anew),
        cmocka_unit_test(the_door_was_beyond),     cmocka_unit_test(it_is_lost_twice),
        cmocka_unit_test(the_stream_is_made_anew), cmocka_unit_test(all_ends_well),
    };
    return cmocka_run_group_tests(tests, open_cluster, cluster_teardown);
}
