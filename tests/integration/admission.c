#include "tests/integration/admission.h"

#include "tests/support/expect.h"
#include "tests/support/wait.h"

#include <inttypes.h>
#include <stdio.h>

enum { AT_ONCE = 64, EVENT_SIZE = 24, OUTPUT_LINES = 40 };

static const char *event_text(char text[EVENT_SIZE], int64_t event_id) {
    (void)snprintf(text, EVENT_SIZE, "%" PRId64, event_id);
    return text;
}

static bool is_in(const struct joiner *joiner) {
    return joiner->status == 201 || joiner->status == 200;
}

/* Those who have no number ask; returns how many still have none. */
static size_t join_rest(struct cluster *cluster, int64_t event_id, struct joiner *joiners,
                        size_t count) {
    struct joiner *rest = calloc(count, sizeof *rest);
    size_t *places = calloc(count, sizeof *places);
    size_t asking = 0, outside = 0;
    ensure(rest != NULL && places != NULL);
    for (size_t i = 0; i < count; i++) {
        if (!is_in(&joiners[i])) {
            places[asking] = i;
            rest[asking++] = joiners[i];
        }
    }
    if (asking > 0) {
        joiners_join(cluster, event_id, rest, asking, AT_ONCE);
    }
    for (size_t i = 0; i < asking; i++) {
        struct joiner *joiner = &joiners[places[i]];
        int64_t first_us = joiner->sent_us;
        *joiner = rest[i];
        joiner->sent_us = first_us != 0 ? first_us : joiner->sent_us;
        outside += is_in(&rest[i]) ? 0 : 1;
    }
    free(places);
    free(rest);
    return outside;
}

void admission_join_all(struct cluster *cluster, int64_t event_id, struct joiner *joiners,
                        size_t count, int64_t limit_ms) {
    struct wait wait = wait_at_most(limit_ms);
    while (join_rest(cluster, event_id, joiners, count) > 0) {
        wait_again(&wait, "everybody to have a number");
    }
}

int64_t admission_reached(struct cluster *cluster, int64_t event_id) {
    char event[EVENT_SIZE];
    return sql_number(
        cluster->sql,
        "SELECT coalesce((SELECT admitted_to FROM usher.room WHERE event_id = $1), 0)",
        (const char *[]){event_text(event, event_id), NULL});
}

void admission_wait(struct cluster *cluster, int64_t event_id, int64_t number, int64_t limit_ms) {
    struct wait wait = wait_at_most(limit_ms);
    for (int64_t reached = 0; reached < number;) {
        reached = admission_reached(cluster, event_id);
        expect(reached >= number || !wait_is_over(&wait),
               "the door is at %" PRId64 ", not at %" PRId64 ", after %lld ms", reached, number,
               (long long)limit_ms);
        if (reached < number) {
            wait_again(&wait, "the door");
        }
    }
}

/* --- soundness */

static int by_number(const void *a, const void *b) {
    const struct joiner *left = *(struct joiner *const *)a;
    const struct joiner *right = *(struct joiner *const *)b;
    return (left->number > right->number) - (left->number < right->number);
}

/* A turn of a number that no joiner was told last: the answer that told it was lost, and when its
 * person asked again it had ended. */
static void expect_unheard(const struct joiner *joiners, size_t count, int64_t number,
                           const char *user_id, bool ended) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(joiners[i].customer.user_id, user_id) == 0) {
            expect(ended && joiners[i].number > number,
                   "number %" PRId64 " has a turn, its person has number %" PRId64, number,
                   joiners[i].number);
            return;
        }
    }
    fail_msg("number %" PRId64 " is the turn of somebody who never joined", number);
}

/* The turns stored are those of the people who joined, in order. */
static void expect_everybody(struct cluster *cluster, const char *event, int64_t reached,
                             const struct joiner *joiners, size_t count) {
    const struct joiner **order = calloc(count, sizeof(const struct joiner *));
    ensure(order != NULL);
    for (size_t i = 0; i < count; i++) {
        order[i] = &joiners[i];
    }
    qsort(order, count, sizeof(const struct joiner *), by_number);
    PGresult *rows = sql_rows(cluster->sql,
                              "SELECT number, replace(user_id::text, '-', ''), state >= 4"
                              " FROM usher.turn WHERE event_id = $1 ORDER BY number",
                              (const char *[]){event, NULL});
    size_t next = 0;
    for (int row = 0; row < PQntuples(rows); row++) {
        int64_t number = strtoll(PQgetvalue(rows, row, 0), NULL, 10);
        const char *user_id = PQgetvalue(rows, row, 1);
        if (next == count || number < order[next]->number) {
            expect_unheard(joiners, count, number, user_id, *PQgetvalue(rows, row, 2) == 't');
            continue;
        }
        expect(number == order[next]->number, "number %" PRId64 " has no turn or two people",
               order[next]->number);
        expect(strcmp(user_id, order[next]->customer.user_id) == 0,
               "number %" PRId64 " is somebody else's turn", number);
        next++;
    }
    expect(next == count || order[next]->number > reached, "number %" PRId64 " has no turn",
           order[next]->number);
    PQclear(rows);
    free(order);
}

/* Operators would find nothing wrong. */
static void expect_audit_passes(struct cluster *cluster, const char *event) {
    char output[FOLDER_PATH_SIZE + 32];
    (void)snprintf(output, sizeof output, "%s/audit.log", cluster->folder);
    int status = cluster_usherctl(cluster, (const char *const[]){"audit", event, NULL}, output);
    if (status != 0) {
        folder_print_tail(output, OUTPUT_LINES);
    }
    expect(status == 0, "usherctl audit ended with %d", status);
}

int64_t admission_expect_sound(struct cluster *cluster, int64_t event_id,
                               const struct joiner *joiners, size_t count, int64_t max_shoppers) {
    char event[EVENT_SIZE];
    const char *const parameters[] = {event_text(event, event_id), NULL};
    expect_everybody(cluster, event, admission_reached(cluster, event_id), joiners, count);
    int64_t disorder =
        sql_number(cluster->sql,
                   "SELECT count(*) FROM (SELECT called_at < lag(called_at) OVER (ORDER BY number)"
                   " AS early FROM usher.turn WHERE event_id = $1 AND called_at IS NOT NULL) t"
                   " WHERE early",
                   parameters);
    expect(disorder == 0, "%" PRId64 " people were called ahead of lower numbers", disorder);
    int64_t most = sql_number(
        cluster->sql,
        "SELECT coalesce(max(inside), 0) FROM (SELECT sum(step) OVER (ORDER BY at, step) AS inside"
        " FROM usher.turn, LATERAL (VALUES (called_at, 1), (ended_at, -1)) AS moves (at, step)"
        " WHERE event_id = $1 AND called_at IS NOT NULL AND at IS NOT NULL) t",
        parameters);
    expect(most <= max_shoppers, "%" PRId64 " people shopped at a time", most);
    expect_audit_passes(cluster, event);
    return most;
}
