/* The queue's state is looked at by everybody and always: cacheable, from memory while PostgreSQL
 * and NATS are away, from disk by a gateway that was started meanwhile. */
#include "tests/support/expect.h"
#include "tests/support/queue.h"
#include "tests/support/wait.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { PEOPLE = 3, WAIT_MS = 30000 };

struct site {
    struct cluster *cluster;
    int64_t event_id; /* a room that is paused: PEOPLE wait */
    int64_t off_id;   /* an event without room */
};

static struct http_answer look(const struct site *site, unsigned gateway, const char *method,
                               const char *headers) {
    char path[SHOP_TEXT_SIZE];
    struct http_answer answer;
    (void)snprintf(path, sizeof path, "/events/%" PRId64 "/queue", site->event_id);
    const struct http_request request = {.method = method, .path = path, .headers = headers};
    http_call(site->cluster->gateways[gateway].port, &request, &answer);
    return answer;
}

static bool shows_all(const struct http_answer *answer) {
    const char *phase = http_answer_text(answer, "phase");
    return answer->status == 200 && phase != NULL && strcmp(phase, "PAUSED") == 0 &&
           http_answer_number(answer, "lastNumber") == PEOPLE &&
           http_answer_number(answer, "depth") == PEOPLE &&
           http_answer_number(answer, "nowServing") == 0;
}

/* Every answer is complete, until they have come to be stale or fresh. */
static void wait_until_stale_is(const struct site *site, unsigned gateway, bool wanted) {
    struct wait wait = wait_at_most(WAIT_MS);
    for (bool stale = !wanted; stale != wanted;) {
        struct http_answer answer = look(site, gateway, "GET", NULL);
        expect(shows_all(&answer), "%d %s", answer.status, answer.body != NULL ? answer.body : "");
        stale = http_answer_has_header(&answer, "Age", NULL);
        http_answer_free(&answer);
        if (stale != wanted) {
            wait_again(&wait, wanted ? "an answer with its age" : "a fresh answer");
        }
    }
}

static void wait_until_queue_is(const struct site *site, unsigned gateway, const char *wanted) {
    struct wait wait = wait_at_most(WAIT_MS);
    for (bool is = false; !is;) {
        struct http_answer answer = shop_get(site->cluster, gateway, "/readyz");
        const char *queue = http_answer_text(&answer, "queue");
        is = queue != NULL && strcmp(queue, wanted) == 0;
        http_answer_free(&answer);
        if (!is) {
            wait_again(&wait, "/readyz to tell of the queue");
        }
    }
}

static void one_answer_is_good_for_all(const struct site *site) {
    char condition[SHOP_TEXT_SIZE];
    struct http_answer answer = look(site, 0, "GET", NULL);
    assert_true(
        http_answer_has_header(&answer, "Cache-Control", "public, max-age=1, stale-if-error=600"));
    assert_false(http_answer_has_header(&answer, "Age", NULL));
    const char *etag = strstr(answer.head, "ETag: ");
    assert_non_null(etag);
    etag += sizeof "ETag: " - 1;
    (void)snprintf(condition, sizeof condition, "If-None-Match: %.*s\r\n", (int)strcspn(etag, "\r"),
                   etag);
    http_answer_free(&answer);
    for (unsigned gateway = 0; gateway < 2; gateway++) { /* the same on each */
        shop_expect(look(site, gateway, "GET", condition), 304, NULL);
        answer = look(site, gateway, "HEAD", NULL);
        assert_int_equal(answer.body_bytes, 0);
        shop_expect(answer, 200, NULL);
    }
    shop_expect(look(site, 0, "GET", "If-None-Match: W/\"other\"\r\n"), 200, NULL);
}

/* A gateway's first copy is written when it first hears of the room. */
static void restart_until_kept(const struct site *site) {
    struct cluster *cluster = site->cluster;
    char path[PATH_MAX];
    struct stat before, now;
    (void)snprintf(path, sizeof path, "%s/home/gateway-2/room-%" PRId64, cluster->folder,
                   site->event_id);
    struct wait wait = wait_at_most(WAIT_MS);
    while (stat(path, &before) != 0) {
        wait_again(&wait, "a copy on the disk");
    }
    cluster_kill(&cluster->gateways[1]);
    cluster_start_gateway(cluster, 1);
    cluster_wait_ready(cluster);
    wait_until_stale_is(site, 1, false);
    queue_wait_phase(cluster, 1, site->off_id, "OFF");
    while (stat(path, &now) != 0 || now.st_ino == before.st_ino) {
        wait_again(&wait, "a newer copy on the disk");
    }
}

static void all_is_away(const struct site *site) {
    struct cluster *cluster = site->cluster;
    nats_kill(cluster->nats);
    postgres_crash(cluster->postgres);
    for (unsigned gateway = 0; gateway < 2; gateway++) {
        wait_until_stale_is(site, gateway, true);
        wait_until_queue_is(site, gateway, "down");
    }
    cluster_kill(&cluster->gateways[1]);
    cluster_start_gateway(cluster, 1);
    struct wait wait = wait_at_most(WAIT_MS);
    for (int status = 0; status == 0;) {
        struct http_answer answer = look(site, 1, "GET", NULL);
        status = answer.status;
        http_answer_free(&answer);
        if (status == 0) {
            wait_again(&wait, "a gateway to answer at all");
        }
    }
    wait_until_stale_is(site, 1, true);
    struct http_answer off = queue_state(cluster, 1, site->off_id);
    assert_string_equal(http_answer_text(&off, "phase"), "OFF");
    shop_expect(off, 200, NULL);
}

/* NATS was killed: what it may have lost is skipped, and nobody's number is given twice. */
static void all_is_back(const struct site *site) {
    struct cluster *cluster = site->cluster;
    struct shop_customer late;
    struct queue_place place;
    postgres_start(cluster->postgres);
    nats_start(cluster->nats);
    cluster_wait_ready(cluster);
    for (unsigned gateway = 0; gateway < 2; gateway++) {
        wait_until_queue_is(site, gateway, "up");
        wait_until_stale_is(site, gateway, false);
    }
    shop_customer(cluster, &late);
    queue_enter(cluster, 0, &late, site->event_id, 201, &place);
    struct http_answer answer = look(site, 0, "GET", NULL);
    const json_t *skip = json_array_get(json_object_get(answer.json, "skips"), 0);
    assert_int_equal(json_integer_value(json_object_get(skip, "from")), PEOPLE + 1);
    assert_int_equal(json_integer_value(json_object_get(skip, "to")), place.number - 1);
    http_answer_free(&answer);
    answer = queue_join(cluster, 1, &late, site->event_id);
    assert_int_equal(http_answer_number(&answer, "position"), PEOPLE);
    shop_expect(answer, 200, NULL);
}

static void looking_at_the_queue_never_stops(void **state) {
    struct site site = {.cluster = cluster_create(state, NULL)};
    struct shop_event off = {.venue_id = shop_venue(site.cluster, 2, 20)};
    struct shop_customer people[PEOPLE];
    struct queue_place place;
    site.off_id = shop_event(site.cluster, &off);
    site.event_id = queue_event(site.cluster, off.venue_id, "\"mode\":\"paused\"", NULL);
    shop_customers(site.cluster, people, PEOPLE);
    for (unsigned i = 0; i < PEOPLE; i++) {
        queue_enter(site.cluster, i % 2, &people[i], site.event_id, 201, &place);
    }
    for (unsigned gateway = 0; gateway < 2; gateway++) {
        struct wait wait = wait_at_most(WAIT_MS);
        for (bool all = false; !all;) {
            struct http_answer answer = look(&site, gateway, "GET", NULL);
            all = shows_all(&answer);
            http_answer_free(&answer);
            if (!all) {
                wait_again(&wait, "everybody to be told of");
            }
        }
        wait_until_queue_is(&site, gateway, "up");
    }
    one_answer_is_good_for_all(&site);
    restart_until_kept(&site);
    all_is_away(&site);
    all_is_back(&site);
    cluster_finish(site.cluster);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(looking_at_the_queue_never_stops, cluster_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
