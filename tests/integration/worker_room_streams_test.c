/*
 * Whatever happens to NATS and its streams, a number never belongs to two people: the owner notices
 * each run of NATS and each stream made anew, and begins a span above all that may have been given.
 */
#include "tests/integration/lobby.h"
#include "tests/support/expect.h"
#include "tests/support/wait.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { LIMIT_MS = 30000, PEOPLE = 5 };

#define OPEN_ROOM "{\"mode\":\"open\",\"admitsPerMinute\":60000,\"maxShoppers\":100}"
#define SHUT_ROOM "{\"mode\":\"paused\"}"

static struct lobby *open_lobby(void **state, const char *room) {
    void *scene = NULL;
    scene_open(&scene, NULL);
    struct scene *opened = scene;
    struct lobby *lobby = lobby_open(opened, &opened->stage->nats);
    *state = lobby;
    lobby_enter(lobby, room);
    lobby_wait_spans(lobby, 1);
    return lobby;
}

static struct stage *stage_of(const struct lobby *lobby) {
    return lobby->scene->stage;
}

static const char *log_of_worker(const struct lobby *lobby) {
    return process_log_path(stage_of(lobby)->workers[0].process);
}

/* --- numbers */

/* As a gateway does before it answers a number. */
static void issue(struct lobby *lobby, uint64_t number) {
    if (number <= lobby->room.issued_to)
        return;
    struct desk *desk = lobby->scene->desk;
    struct desk_ask *ask = desk_new(desk, COMMAND_ROOM_ISSUE, (int64_t)lobby->event_id);
    ask->command.queue_number = number;
    ask->command.span = lobby->room.line.count - 1;
    assert_int_equal(desk_decide(desk, ask)->code, REPLY_OK);
    struct wait wait = wait_at_most(LIMIT_MS);
    while (lobby->room.issued_to < number) {
        expect(!wait_is_over(&wait), "number %llu can't be given", (unsigned long long)number);
        lobby_turn(lobby);
    }
}

/* Some people join; each number is above all that were given before. */
static void join(struct lobby *lobby, uint64_t *given_to) {
    for (unsigned i = 0; i < PEOPLE; i++) {
        uint64_t number = room_line_number(&lobby->room.line, lobby_join(lobby, 1));
        expect(number > *given_to, "number %llu comes after number %llu",
               (unsigned long long)number, (unsigned long long)*given_to);
        issue(lobby, number);
        *given_to = number;
    }
}

static void expect_span(struct lobby *lobby, uint64_t first_number, uint64_t first_sequence) {
    const struct room_span *span = &lobby->room.line.spans[lobby->room.line.count - 1];
    expect(span->first_number == first_number && span->first_sequence == first_sequence,
           "the span begins with number %llu at %llu, not with %llu at %llu",
           (unsigned long long)span->first_number, (unsigned long long)span->first_sequence,
           (unsigned long long)first_number, (unsigned long long)first_sequence);
}

/* --- NATS and its folder */

static void start_nats(struct lobby *lobby) {
    int ups = lobby->asker.ups;
    nats_start(&stage_of(lobby)->nats);
    asker_wait_ups(&lobby->asker, ups + 1);
}

static void kill_nats(struct lobby *lobby) {
    int downs = lobby->asker.downs;
    nats_kill(&stage_of(lobby)->nats);
    asker_wait_downs(&lobby->asker, downs + 1);
}

/* --- the stories */

static void a_new_run_of_nats_begins_a_span(void **state) {
    struct lobby *lobby = open_lobby(state, SHUT_ROOM);
    uint64_t given_to = 0;
    join(lobby, &given_to);
    uint64_t issued_to = lobby->room.issued_to;
    kill_nats(lobby);
    start_nats(lobby);
    lobby_wait_spans(lobby, 2);
    uint64_t stored = asker_look(&lobby->asker, lobby->stream).last_sequence;
    expect_span(lobby, issued_to + 1, stored + 1);
    join(lobby, &given_to);
    stage_finish(stage_of(lobby));
}

static void a_stream_made_anew_begins_a_span(void **state) {
    struct lobby *lobby = open_lobby(state, OPEN_ROOM);
    uint64_t given_to = 0;
    join(lobby, &given_to);
    uint64_t issued_to = lobby->room.issued_to;
    asker_delete(&lobby->asker, lobby->stream);
    lobby_wait_spans(lobby, 2);
    expect_span(lobby, issued_to + 1, 1);
    assert_int_equal(lobby->room.line.spans[1].stream, 1);
    assert_true(folder_file_contains(log_of_worker(lobby), "\"room-stream-lost\""));
    join(lobby, &given_to);
    stage_finish(stage_of(lobby));
}

/* The stream comes back as it was: what was stored since is lost, and the same sequences are given
 * again, with other numbers. */
static void a_lost_tail_gives_no_number_twice(void **state) {
    struct lobby *lobby = open_lobby(state, SHUT_ROOM);
    uint64_t given_to = 0;
    join(lobby, &given_to);
    kill_nats(lobby);
    folder_copy(stage_of(lobby)->folder, "nats", "nats-then");
    start_nats(lobby);
    lobby_wait_spans(lobby, 2);
    uint64_t then = asker_look(&lobby->asker, lobby->stream).last_sequence;
    join(lobby, &given_to);
    uint64_t issued_to = lobby->room.issued_to;
    kill_nats(lobby);
    folder_copy(stage_of(lobby)->folder, "nats-then", "nats");
    start_nats(lobby);
    lobby_wait_spans(lobby, 3);
    expect_span(lobby, issued_to + 1, then + 1);
    join(lobby, &given_to);
    stage_finish(stage_of(lobby));
}

/* The next owner goes on where the door was, in the same span. */
static void a_takeover_goes_on_with_the_door(void **state) {
    struct lobby *lobby = open_lobby(state, OPEN_ROOM);
    uint64_t given_to = 0;
    join(lobby, &given_to);
    lobby_wait_grant(lobby, 1);
    crowd_admit(lobby->crowd, 1, 2);
    process_kill(stage_of(lobby)->workers[0].process);
    process_destroy(stage_of(lobby)->workers[0].process);
    stage_of(lobby)->workers[0].process = NULL;
    stage_start_worker(stage_of(lobby), 1, NULL, NULL);
    lobby_wait_grant(lobby, 3);
    assert_int_equal(lobby->grant.from_sequence, 3);
    assert_int_equal(lobby->room.line.count, 1);
    assert_int_equal(lobby_report(lobby, 1, 2), REPLY_INVALID);
    crowd_admit(lobby->crowd, 3, 3);
    assert_int_equal(crowd_record(lobby->crowd, "admitted_to"), 5);
    crowd_expect_sound_rooms(stage_of(lobby));
    stage_finish(stage_of(lobby));
}

/* A stream that comes back after another one took its place could say anything about who has which
 * number: nobody joins, and it is said why. */
static void a_stream_that_was_replaced_does_not_come_back(void **state) {
    struct lobby *lobby = open_lobby(state, OPEN_ROOM);
    stage_end_worker(stage_of(lobby), 0);
    char event[24];
    (void)snprintf(event, sizeof event, "%llu", (unsigned long long)lobby->event_id);
    sql_run(stage_of(lobby)->sql,
            "INSERT INTO usher.room_span SELECT event_id, 1, 5001, 1, 1, 'ANOTHER', 'another',"
            " admitted_to, vouched_served_ms FROM usher.room_span WHERE event_id = $1",
            (const char *[]){event, NULL});
    stage_start_worker(stage_of(lobby), 0, NULL, NULL);
    struct wait wait = wait_at_most(LIMIT_MS);
    while (!folder_file_contains(log_of_worker(lobby), "\"room-not-vouched\"")) {
        expect(!wait_is_over(&wait), "nobody says that the stream is another one");
        lobby_turn(lobby);
    }
    assert_int_equal(lobby->room.line.count, 2);
    assert_string_equal(lobby->room.server_id, "ANOTHER");
    stage_finish(stage_of(lobby));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_new_run_of_nats_begins_a_span, lobby_tear_down),
        cmocka_unit_test_teardown(a_stream_made_anew_begins_a_span, lobby_tear_down),
        cmocka_unit_test_teardown(a_lost_tail_gives_no_number_twice, lobby_tear_down),
        cmocka_unit_test_teardown(a_takeover_goes_on_with_the_door, lobby_tear_down),
        cmocka_unit_test_teardown(a_stream_that_was_replaced_does_not_come_back, lobby_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
