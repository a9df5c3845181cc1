/*
 * Partitions change hands while commands keep coming: none is lost, none is decided twice, and none
 * stays with a worker that can't serve it.
 */
#include "tests/integration/stream.h"
#include "tests/support/expect.h"
#include "tests/support/wait.h"

#include <signal.h>

enum {
    WARM = 200, /* commands */
    WARM_MS = 20000,
    BALANCE_MS = 20000,
    END_MS = 6000,
    GIVE_UP_MS = 8000,
    TAKE_OVER_MS = 10000,
    HALF = PARTITION_COUNT / 2,
    SOME = 3,
};

static const char *const soon[] = {"USHER_HANDOVER_SECONDS=1", NULL};
static const char *const never[] = {"USHER_HANDOVER_SECONDS=3600", NULL};

static void a_second_worker_gets_its_share(void **state) {
    scene_open(state, soon);
    struct scene *scene = *state;
    struct stream *stream = stream_open(scene);
    stream_run(stream, WARM, WARM_MS);
    stage_start_worker(scene->stage, 1, NULL, soon);
    struct wait wait = wait_at_most(BALANCE_MS);
    while (stage_partitions(scene->stage, 0) != HALF || stage_partitions(scene->stage, 1) != HALF) {
        expect(!wait_is_over(&wait), "the workers do not share");
        stream_turn(stream);
    }
    stream_end(stream);
    stage_finish(scene->stage);
}

static void a_worker_that_ends_hands_over(void **state) {
    scene_open(state, soon);
    struct scene *scene = *state;
    stage_start_worker(scene->stage, 1, NULL, soon);
    stage_wait_partitions(scene->stage, 1, HALF, BALANCE_MS);
    struct stream *stream = stream_open(scene);
    struct process *leaving = scene->stage->workers[0].process;
    stream_run(stream, WARM, WARM_MS);
    process_signal(leaving, SIGTERM);
    struct wait wait = wait_at_most(END_MS);
    while (process_runs(leaving)) {
        expect(!wait_is_over(&wait), "the worker does not end");
        stream_turn(stream);
    }
    assert_true(folder_file_contains(process_log_path(leaving), "worker-left\""));
    stage_expect_ended(scene->stage, 0);
    stream_end(stream);
    assert_int_equal(stage_partitions(scene->stage, 1), PARTITION_COUNT);
    stage_finish(scene->stage);
}

static void wait_for_some_partitions(struct stage *stage, unsigned worker) {
    struct wait wait = wait_at_most(BALANCE_MS);
    while (stage_partitions(stage, worker) < SOME)
        wait_again(&wait, "a worker to own some partitions");
}

/* One worker's way to NATS is cut: it gives up what it has, and the other one takes all of it. */
static void a_worker_cut_off_leaves_all_to_the_others(void **state) {
    scene_open(state, soon);
    struct scene *scene = *state;
    struct nats_server island;
    char folder[FOLDER_PATH_SIZE];
    folder_create(folder);
    nats_create(&island, folder);
    stage_start_worker(scene->stage, 1, &island, soon);
    wait_for_some_partitions(scene->stage, 1);
    nats_kill(&island);
    stage_wait_partitions(scene->stage, 0, PARTITION_COUNT, GIVE_UP_MS);
    /* Reached again, it gets some again. */
    nats_start(&island);
    wait_for_some_partitions(scene->stage, 1);
    stage_finish(scene->stage);
    nats_destroy(&island);
    folder_remove(folder);
}

/* A worker that owns nothing freezes while it takes from a dead one: the next one has to be able
 * to. */
static void a_frozen_taker_is_not_in_the_way(void **state) {
    scene_open(state, never);
    struct scene *scene = *state;
    struct stage *stage = scene->stage;
    stage_start_worker(stage, 1, NULL, never);
    struct wait wait = wait_at_most(STAGE_READY_MS);
    while (sql_number(stage->sql, "SELECT count(*) FROM usher.worker_instance", NULL) != 2)
        wait_again(&wait, "the second worker to register");
    folder_write(stage->workers[1].failpoints, "ownership.taking-over", 0644, "stop");
    process_kill(stage->workers[0].process);
    process_destroy(stage->workers[0].process);
    stage->workers[0].process = NULL;
    while (!process_is_frozen(stage->workers[1].process))
        wait_again(&wait, "the taker to freeze");
    stage_start_worker(stage, 2, NULL, never);
    stage_wait_partitions(stage, 2, PARTITION_COUNT, TAKE_OVER_MS);
    /* It wakes, finds itself dead, and lives on as another instance. */
    process_thaw(stage->workers[1].process);
    int64_t show = stage_show(stage, &(struct stage_show){.seats = 4});
    assert_int_equal(desk_decide(scene->desk, desk_reserve(scene->desk, show, 0))->code, REPLY_OK);
    stage_finish(stage);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_second_worker_gets_its_share, scene_tear_down),
        cmocka_unit_test_teardown(a_worker_that_ends_hands_over, scene_tear_down),
        cmocka_unit_test_teardown(a_worker_cut_off_leaves_all_to_the_others, scene_tear_down),
        cmocka_unit_test_teardown(a_frozen_taker_is_not_in_the_way, scene_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
