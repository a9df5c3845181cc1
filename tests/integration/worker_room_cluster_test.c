/*
 * Waiting rooms on a NATS cluster: only a replicated stream is vouched for, and then for any run of
 * NATS.
 */
#include "tests/integration/lobby.h"
#include "tests/support/expect.h"
#include "tests/support/wait.h"

#include <stdlib.h>

enum { LIMIT_MS = 30000, CLUSTER = 3 };

#define SHUT_ROOM "{\"mode\":\"paused\"}"

static void a_cluster_needs_replicas(void **state) {
    static const char *const replicas[] = {"USHER_QUEUE_REPLICAS=3", NULL};
    struct scene *scene = calloc(1, sizeof *scene);
    ensure(scene != NULL);
    void *stage = NULL;
    scene->stage = stage_create(&stage);
    struct nats_server servers[CLUSTER];
    nats_create_cluster(servers, CLUSTER, scene->stage->folder);
    stage_start_worker(scene->stage, 0, &servers[0], replicas);
    char url[SERVER_URL_SIZE];
    nats_url(&servers[0], url);
    scene->desk = desk_open(url, &scene->stage->installation);
    desk_wait_owners(scene->desk);
    struct lobby *lobby = lobby_open(scene, &servers[0]);
    *state = lobby;

    lobby_enter(lobby, SHUT_ROOM);
    struct wait wait = wait_at_most(LIMIT_MS);
    while (lobby->room.line.count != 1) {
        expect(!wait_is_over(&wait), "a replicated stream is not vouched for");
        lobby_turn(lobby);
    }
    assert_string_equal(lobby->room.server_id, "");
    assert_int_equal(asker_look(&lobby->asker, lobby->stream).replicas, 3);

    const char *log = process_log_path(scene->stage->workers[0].process);
    lobby_enter(lobby, "{}");
    char subject[ROOM_SUBJECT_SIZE];
    room_subject(subject, &scene->stage->installation, lobby->event_id, NULL);
    assert_int_equal(asker_make(&lobby->asker, lobby->stream, subject, 1).outcome, JETSTREAM_DONE);
    assert_int_equal(crowd_patch(lobby->crowd, "{\"room\":" SHUT_ROOM "}"), REPLY_OK);
    while (!folder_file_contains(log, "\"room-stream-unsafe\"")) {
        expect(!wait_is_over(&wait), "nobody says that the stream is unsafe");
        lobby_turn(lobby);
    }
    lobby_wait_news(lobby, 2);
    assert_int_equal(lobby->room.line.count, 0);
    assert_string_equal(lobby->room.created, "");
    stage_finish(scene->stage);
    for (size_t i = 0; i < CLUSTER; i++)
        nats_destroy(&servers[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_cluster_needs_replicas, lobby_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
