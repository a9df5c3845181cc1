#include "tests/integration/crowd.h"
#include "tests/support/expect.h"
#include "tests/support/wait.h"

#include "shared/catalogue_input.h"
#include "shared/ids.h"

#include <inttypes.h>
#include <time.h>

enum { VOUCH_MS = 15000, ADMIT_MS = 15000 };

struct crowd *crowd_gather(struct scene *scene, const struct stage_show *show, const char *room) {
    struct crowd *crowd = calloc(1, sizeof *crowd);
    ensure(crowd != NULL);
    crowd->scene = scene;
    crowd->show = stage_show(scene->stage, show);
    crowd->joined_us = (int64_t)time(NULL) * 1000000;
    for (uint64_t number = 1; number <= CROWD_MAX; number++) {
        crowd->users[number] = id128_random();
        const struct room_arrival arrival = {
            .user = crowd->users[number],
            .joined_us = crowd->joined_us + (int64_t)(number - 1) * 1000,
        };
        room_arrival_put(crowd->arrivals[number], &arrival);
    }
    char event[24];
    (void)snprintf(event, sizeof event, "%" PRId64, crowd->show);
    sql_run(scene->stage->sql, "UPDATE usher.event SET room = $2::jsonb WHERE event_id = $1",
            (const char *[]){event, room, NULL});
    /* Somebody asks about the show: it is loaded now, not with the next sweep. */
    struct desk_ask *look = desk_new(scene->desk, COMMAND_ROOM_LOOK, crowd->show);
    look->command.queue_number = 1;
    assert_int_equal(desk_decide(scene->desk, look)->code, REPLY_OK);
    return crowd;
}

struct crowd *crowd_open(struct scene *scene, const struct stage_show *show, const char *room) {
    struct crowd *crowd = crowd_gather(scene, show, room);
    crowd_wait_spans(crowd, 1);
    return crowd;
}

void crowd_close(struct crowd *crowd) {
    free(crowd);
}

static void read_span(struct crowd *crowd, const char *query, char *text, size_t size_bytes) {
    char event[24];
    (void)snprintf(event, sizeof event, "%" PRId64, crowd->show);
    char *found = sql_text(crowd->scene->stage->sql, query, (const char *[]){event, NULL});
    expect(found != NULL && strlen(found) < size_bytes, "a span's text does not fit");
    memcpy(text, found, strlen(found) + 1);
    free(found);
}

void crowd_wait_spans(struct crowd *crowd, int64_t count) {
    struct wait wait = wait_at_most(VOUCH_MS);
    while (stage_event_number(crowd->scene->stage,
                              "SELECT count(*) FROM usher.room_span WHERE event_id = $1",
                              crowd->show) < count) {
        expect(!wait_is_over(&wait), "nobody vouches for the stream");
        desk_turn(crowd->scene->desk);
    }
    read_span(crowd,
              "SELECT server_id FROM usher.room_span WHERE event_id = $1 ORDER BY span_no DESC"
              " LIMIT 1",
              crowd->server_id, sizeof crowd->server_id);
    read_span(crowd,
              "SELECT created FROM usher.room_span WHERE event_id = $1 ORDER BY span_no DESC"
              " LIMIT 1",
              crowd->created, sizeof crowd->created);
}

struct desk_ask *crowd_ask(struct crowd *crowd, enum command_kind kind, uint64_t number) {
    struct desk_ask *ask = desk_new(crowd->scene->desk, kind, crowd->show);
    ask->command.user = crowd->users[number];
    ask->command.queue_number = number;
    return ask;
}

enum reply_code crowd_decide(struct crowd *crowd, enum command_kind kind, uint64_t number) {
    return desk_decide(crowd->scene->desk, crowd_ask(crowd, kind, number))->code;
}

struct desk_ask *crowd_report(struct crowd *crowd, uint64_t from, uint32_t count) {
    ensure(from + count - 1 <= CROWD_MAX);
    struct desk_ask *report = desk_new(crowd->scene->desk, COMMAND_ROOM_REPORT, crowd->show);
    report->command.queue_number = from;
    memcpy(report->command.server_id, crowd->server_id, sizeof crowd->server_id);
    memcpy(report->command.created, crowd->created, sizeof crowd->created);
    report->command.arrival_count = count;
    report->command.arrivals = crowd->arrivals[from];
    return report;
}

struct desk_ask *crowd_reserve(struct crowd *crowd, uint64_t number, uint32_t seat) {
    struct desk_ask *ask = desk_reserve(crowd->scene->desk, crowd->show, seat);
    ask->command.user = crowd->users[number];
    ask->command.pass = PASS_GOOD;
    ask->command.queue_number = number;
    return ask;
}

void crowd_admit(struct crowd *crowd, uint64_t from, uint32_t count) {
    struct wait wait = wait_at_most(ADMIT_MS);
    while (desk_decide(crowd->scene->desk, crowd_report(crowd, from, count))->code != REPLY_OK) {
        expect(!wait_is_over(&wait), "the door does not let %u people in from %" PRIu64, count,
               from);
        desk_turn(crowd->scene->desk);
    }
}

void crowd_admit_and_claim(struct crowd *crowd, uint64_t from, uint32_t count) {
    crowd_admit(crowd, from, count);
    for (uint64_t number = from; number < from + count; number++)
        assert_int_equal(crowd_decide(crowd, COMMAND_ROOM_CLAIM, number), REPLY_OK);
}

enum reply_code crowd_patch(struct crowd *crowd, const char *json) {
    struct catalogue_problems problems;
    struct event_input *input = NULL;
    json_t *document = json_loads(json, 0, NULL);
    assert_int_equal(event_input_read(document, true, NULL, &input, &problems), STATUS_OK);
    struct desk_ask *ask = desk_new(crowd->scene->desk, COMMAND_UPDATE_EVENT, crowd->show);
    ask->command.patch = event_input_command_text(input);
    enum reply_code code = desk_decide(crowd->scene->desk, ask)->code;
    ask->command.patch = NULL;
    event_input_free(input);
    json_decref(document);
    return code;
}

/* --- as stored */

enum turn_state crowd_stored(struct crowd *crowd, uint64_t number) {
    char event[24], text[24];
    (void)snprintf(event, sizeof event, "%" PRId64, crowd->show);
    (void)snprintf(text, sizeof text, "%" PRIu64, number);
    return (enum turn_state)sql_number(
        crowd->scene->stage->sql,
        "SELECT coalesce((SELECT state FROM usher.turn WHERE event_id = $1 AND number = $2), 0)",
        (const char *[]){event, text, NULL});
}

void crowd_wait_stored(struct crowd *crowd, uint64_t number, enum turn_state state,
                       int64_t limit_ms) {
    struct wait wait = wait_at_most(limit_ms);
    for (enum turn_state found; (found = crowd_stored(crowd, number)) != state;) {
        expect(!wait_is_over(&wait), "turn %" PRIu64 " is %s, not %s", number,
               turn_state_text(found), turn_state_text(state));
        desk_turn(crowd->scene->desk);
    }
}

int64_t crowd_record(struct crowd *crowd, const char *column) {
    char query[160];
    (void)snprintf(query, sizeof query,
                   "SELECT coalesce((SELECT %s FROM usher.room WHERE event_id = $1), 0)", column);
    return stage_event_number(crowd->scene->stage, query, crowd->show);
}

void crowd_expect_sound_rooms(struct stage *stage) {
    static const char *const unsound[] = {
        /* The door goes from number to number. (No gaps in these tests.) */
        "SELECT count(*) FROM usher.room r WHERE admitted_to <> (SELECT count(*) FROM usher.turn t"
        " WHERE t.event_id = r.event_id AND t.number <= r.admitted_to)",
        /* One live turn a person. */
        "SELECT count(*) FROM (SELECT FROM usher.turn WHERE state IN (2, 3)"
        " GROUP BY event_id, user_id HAVING count(*) > 1) t",
        /* Called in order. */
        "SELECT count(*) FROM usher.turn a JOIN usher.turn b ON b.event_id = a.event_id"
        " AND b.number = a.number + 1 WHERE a.called_at > b.called_at",
        /* Ended or not. */
        "SELECT count(*) FROM usher.turn WHERE (state >= 4) <> (ended_at IS NOT NULL)",
        /* A hold of a pass is open, and of that turn. */
        "SELECT count(*) FROM usher.turn t LEFT JOIN usher.booking b ON b.event_id = t.event_id"
        " AND b.booking_id = t.booking_id AND b.queue_number = t.number AND b.user_id = t.user_id"
        " AND b.status = 1 WHERE t.state = 3 AND t.booking_id IS NOT NULL AND b.status IS NULL",
        /* Counted right. */
        "SELECT count(*) FROM usher.room r WHERE (missed, gone, bought) <> (SELECT"
        " count(*) FILTER (WHERE state = 5), count(*) FILTER (WHERE state = 6),"
        " count(*) FILTER (WHERE state = 4) FROM usher.turn t WHERE t.event_id = r.event_id)",
    };
    for (size_t i = 0; i < ARRAY_LEN(unsound); i++) {
        int64_t rows = sql_number(stage->sql, unsound[i], NULL);
        expect(rows == 0, "%lld rows: %s", (long long)rows, unsound[i]);
    }
}
