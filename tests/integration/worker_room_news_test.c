/*
 * The owner of waiting rooms towards gateways: it makes the stream and vouches for it, grants until
 * it is reported, tells how rooms stand, and tells single people only who listens.
 */
#include "tests/integration/lobby.h"
#include "tests/support/expect.h"
#include "tests/support/http_client.h"
#include "tests/support/wait.h"

#include <stdio.h>

enum { LIMIT_MS = 20000, CHANGES = 3, PERIODS = 2 };

/* Fast enough that nobody in these tests waits for the pace. */
#define OPEN_ROOM "{\"mode\":\"open\",\"admitsPerMinute\":60000,\"maxShoppers\":100}"

static struct lobby *enter(void **state, const char *room) {
    struct lobby *lobby = *state;
    lobby_enter(lobby, room);
    lobby_wait_spans(lobby, 1);
    return lobby;
}

static void set_room(struct lobby *lobby, const char *room) {
    char patch[200];
    (void)snprintf(patch, sizeof patch, "{\"room\":%s}", room);
    assert_int_equal(crowd_patch(lobby->crowd, patch), REPLY_OK);
}

static int set_up(void **state) {
    void *scene = NULL;
    scene_open(&scene, NULL);
    struct scene *opened = scene;
    *state = lobby_open(opened, &opened->stage->nats);
    return 0;
}

static void ends_well(void **state) {
    struct lobby *lobby = *state;
    void *scene = lobby->scene;
    scene_ends_well(&scene);
}

static const char *log_of_worker(const struct lobby *lobby) {
    return process_log_path(lobby->scene->stage->workers[0].process);
}

static void a_room_switched_on_gets_a_stream_that_is_vouched_for(void **state) {
    struct lobby *lobby = *state;
    lobby_enter(lobby, "{}");
    set_room(lobby, OPEN_ROOM);
    lobby_wait_spans(lobby, 1);
    struct jetstream_stream stream = asker_look(&lobby->asker, lobby->stream);
    assert_int_equal(stream.outcome, JETSTREAM_DONE);
    assert_int_equal(stream.replicas, 1);
    assert_string_equal(lobby->room.created, stream.created);
    assert_int_equal(lobby->room.line.spans[0].first_number, 1);
    assert_int_equal(lobby->room.line.spans[0].first_sequence, 1);
    assert_int_equal(stage_event_number(lobby->scene->stage,
                                        "SELECT count(*) FROM usher.room_span WHERE event_id = $1"
                                        " AND first_number = 1 AND server_id <> ''",
                                        (int64_t)lobby->event_id),
                     1);
    assert_true(folder_file_contains(log_of_worker(lobby), "\"room-vouched\""));
}

/* A grant nobody reports comes again, each time the same; a report ends it, and is told at once. */
static void a_grant_is_repeated_until_it_is_reported(void **state) {
    struct lobby *lobby = enter(state, OPEN_ROOM);
    assert_int_equal(lobby_join(lobby, 3), 3);
    lobby_wait_grant(lobby, 1);
    assert_int_equal(lobby->grant.from_sequence, 1);
    assert_string_equal(lobby->grant.created, lobby->room.created);
    assert_string_equal(lobby->grant.server_id, lobby->room.server_id);
    for (unsigned i = 0; i < PERIODS; i++)
        lobby_wait_grant(lobby, 1);
    crowd_admit(lobby->crowd, 1, 3);
    struct wait wait = wait_at_most(LIMIT_MS);
    while (lobby->room.now_serving != 3) {
        expect(!wait_is_over(&wait), "now serving is %llu",
               (unsigned long long)lobby->room.now_serving);
        lobby_turn(lobby);
    }
    assert_int_equal(lobby->room.called, 3);
    unsigned grants = lobby->grants;
    lobby_wait_news(lobby, PERIODS);
    assert_int_equal(lobby->grants, grants);
    /* Who comes now is granted from there on. */
    assert_int_equal(lobby_join(lobby, 1), 4);
    lobby_wait_grant(lobby, 4);
}

static void grants_lost_and_doubled_change_nothing(void **state) {
    struct lobby *lobby = enter(state, OPEN_ROOM);
    const char *failpoints = lobby->scene->stage->workers[0].failpoints;
    folder_write(failpoints, "rooms.grant-lost", 0644, "fail");
    (void)lobby_join(lobby, 1);
    lobby_wait_grant(lobby, 1); /* the first one was lost */
    folder_write(failpoints, "rooms.grant-twice", 0644, "fail");
    unsigned grants = lobby->grants;
    struct wait wait = wait_at_most(LIMIT_MS);
    while (lobby->grants < grants + 2) {
        expect(!wait_is_over(&wait), "no further grants");
        lobby_turn(lobby);
    }
    assert_int_equal(lobby->grant.from_number, 1);
    crowd_admit(lobby->crowd, 1, 1);
    assert_int_equal(lobby_report(lobby, 1, 1), REPLY_INVALID);
    crowd_expect_sound_rooms(lobby->scene->stage);
}

static void a_paused_door_grants_nothing(void **state) {
    struct lobby *lobby = enter(state, "{\"mode\":\"paused\",\"admitsPerMinute\":60000}");
    assert_int_equal(lobby_join(lobby, 1), 1);
    lobby_wait_news(lobby, PERIODS);
    assert_int_equal(lobby->grants, 0);
    set_room(lobby, "{\"mode\":\"open\"}");
    lobby_wait_grant(lobby, 1);
    set_room(lobby, "{\"mode\":\"paused\"}");
    unsigned grants = lobby->grants;
    lobby_wait_news(lobby, PERIODS);
    assert_in_range(lobby->grants, grants, grants + 1); /* one may have been under way */
}

/* Announcements alone would come a second after the one before: so, in step with them, each change
 * would be told about a second after it was made. */
static void changes_are_told_at_once(void **state) {
    struct lobby *lobby = enter(state, OPEN_ROOM);
    int64_t told_ms = 0;
    for (unsigned i = 0; i < CHANGES; i++) {
        char room[64], message[16];
        (void)snprintf(message, sizeof message, "Change %u", i);
        (void)snprintf(room, sizeof room, "{\"message\":\"%s\"}", message);
        lobby_wait_news(lobby, 1);
        int64_t began_ms = wait_now_ms();
        set_room(lobby, room);
        struct wait wait = wait_at_most(LIMIT_MS);
        while (strcmp(lobby->room.settings.message, message) != 0) {
            expect(!wait_is_over(&wait), "'%s' is not told", message);
            lobby_turn(lobby);
        }
        told_ms += wait_now_ms() - began_ms;
    }
    print_message("told after %lld ms\n", (long long)(told_ms / CHANGES));
    assert_in_range(told_ms, 0, CHANGES * 500);
}

static void all_is_announced_once_a_second(void **state) {
    struct lobby *lobby = enter(state, "{\"mode\":\"paused\"}");
    lobby_wait_news(lobby, 1);
    int64_t began_ms = wait_now_ms();
    lobby_wait_news(lobby, PERIODS);
    assert_in_range(wait_now_ms() - began_ms, (PERIODS - 1) * 1000, PERIODS * 2000);
    set_room(lobby, "{\"mode\":\"off\"}");
    struct wait wait = wait_at_most(LIMIT_MS);
    while (lobby->room.settings.mode != ROOM_MODE_OFF) {
        expect(!wait_is_over(&wait), "it is not told that the room is off");
        lobby_turn(lobby);
    }
}

static void ask_for_people(struct lobby *lobby) {
    char subject[WIRE_SUBJECT_SIZE];
    struct wire_buffer buffer = {0};
    wire_subject_ask_people(subject, &lobby->scene->stage->installation);
    expect(wire_ask_people_encode(&buffer) == STATUS_OK &&
               bus_publish(lobby->asker.bus, subject, buffer.data, buffer.size_bytes) == STATUS_OK,
           "can't ask for people");
    wire_buffer_free(&buffer);
}

static void wait_for_turn(struct lobby *lobby, enum turn_state turn) {
    struct wait wait = wait_at_most(LIMIT_MS);
    while (lobby->people == 0 || lobby->person.kind != WIRE_PERSON_TURN ||
           lobby->person.turn != turn) {
        expect(!wait_is_over(&wait), "nobody is told that a turn is %s", turn_state_text(turn));
        lobby_turn(lobby);
    }
}

static void single_people_are_told_while_somebody_listens(void **state) {
    struct lobby *lobby = enter(state, OPEN_ROOM);
    (void)lobby_join(lobby, 2);
    lobby_wait_grant(lobby, 1);
    crowd_admit(lobby->crowd, 1, 1);
    lobby_wait_news(lobby, 1);
    assert_int_equal(lobby->people, 0);
    ask_for_people(lobby);
    lobby_wait_grant(lobby, 2);
    crowd_admit(lobby->crowd, 2, 1);
    wait_for_turn(lobby, TURN_CALLED);
    assert_int_equal(lobby->person.number, 2);
    assert_true(lobby->person.expires_us > 0);
    assert_int_equal(crowd_decide(lobby->crowd, COMMAND_ROOM_CLAIM, 2), REPLY_OK);
    wait_for_turn(lobby, TURN_PASS);
    assert_int_equal(lobby->people, 2);
}

/* What a dashboard reads. */
static void rooms_are_in_the_metrics(void **state) {
    struct lobby *lobby = enter(state, OPEN_ROOM);
    (void)lobby_join(lobby, 3);
    lobby_wait_grant(lobby, 1);
    crowd_admit(lobby->crowd, 1, 1);
    struct wait wait = wait_at_most(LIMIT_MS);
    while (lobby->room.now_serving != 1 || lobby->room.last_number != 3) {
        expect(!wait_is_over(&wait), "the room is not as it should be");
        lobby_turn(lobby);
    }
    struct http_answer answer;
    const struct http_request request = {.method = "GET", .path = "/metrics", .unchecked = true};
    http_call(lobby->scene->stage->workers[0].ops_port, &request, &answer);
    static const struct {
        const char *name, *rest;
    } samples[] = {
        {"people", ",kind=\"waiting\"} 2\n"},
        {"people", ",kind=\"called\"} 1\n"},
        {"now_serving", "} 1\n"},
        {"rate", ",kind=\"joins\"} "},
        {"oldest_wait_seconds", "} "},
        {"turns_total", ",kind=\"claimed\"} 0\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
        char sample[96];
        (void)snprintf(sample, sizeof sample, "usher_room_%s{event=\"%llu\"%s", samples[i].name,
                       (unsigned long long)lobby->event_id, samples[i].rest);
        expect(strstr(answer.body, sample) != NULL, "no %s in\n%s", sample, answer.body);
    }
    http_answer_free(&answer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_room_switched_on_gets_a_stream_that_is_vouched_for),
        cmocka_unit_test(a_grant_is_repeated_until_it_is_reported),
        cmocka_unit_test(grants_lost_and_doubled_change_nothing),
        cmocka_unit_test(a_paused_door_grants_nothing),
        cmocka_unit_test(changes_are_told_at_once),
        cmocka_unit_test(all_is_announced_once_a_second),
        cmocka_unit_test(single_people_are_told_while_somebody_listens),
        cmocka_unit_test(rooms_are_in_the_metrics),
        cmocka_unit_test(ends_well),
    };
    return cmocka_run_group_tests(tests, set_up, lobby_tear_down);
}
