/*
 * PostgreSQL, NATS or the worker itself goes away at a moment chosen by the test: what was answered
 * is stored, what is stored is answered so in the end, and nobody's time runs meanwhile.
 */
#include "tests/integration/stream.h"
#include "tests/support/expect.h"
#include "tests/support/wait.h"

#include <signal.h>

enum { WARM = 200, RUN_MS = 30000, NOTICE_MS = 10000, QUICK_MS = 15000, HOLD_SECONDS = 3 };

static void postgresql_restarts_under_load(void **state) {
    scene_open(state, NULL);
    struct scene *scene = *state;
    struct stream *stream = stream_open(scene);
    stream_run(stream, WARM, RUN_MS);
    postgres_crash(&scene->stage->postgres);
    stream_turn(stream);
    postgres_start(&scene->stage->postgres);
    stream_run(stream, WARM, RUN_MS);
    postgres_stop(&scene->stage->postgres);
    stream_turn(stream);
    postgres_start(&scene->stage->postgres);
    stream_run(stream, WARM, RUN_MS);
    stream_end(stream);
    stage_finish(scene->stage);
}

static void nats_restarts_under_load(void **state) {
    scene_open(state, NULL);
    struct scene *scene = *state;
    struct stream *stream = stream_open(scene);
    for (int i = 0; i < 3; i++) {
        stream_run(stream, WARM, RUN_MS);
        nats_kill(&scene->stage->nats);
        stream_turn(stream);
        nats_start(&scene->stage->nats);
    }
    stream_run(stream, WARM, RUN_MS);
    stream_end(stream);
    stage_finish(scene->stage);
}

/* NATS is away for longer than the hold lasts: the worker gives all up, and the hold is as old
 * afterwards as it was. */
static void nobodys_time_runs_without_nats(void **state) {
    scene_open(state, NULL);
    struct scene *scene = *state;
    int64_t show =
        stage_show(scene->stage, &(struct stage_show){.seats = 4, .hold_seconds = HOLD_SECONDS});
    struct desk_ask *hold = desk_reserve(scene->desk, show, 0);
    assert_int_equal(desk_decide(scene->desk, hold)->code, REPLY_OK);
    int64_t held_ms = wait_now_ms();
    nats_kill(&scene->stage->nats);
    stage_wait_partitions(scene->stage, 0, 0, NOTICE_MS);
    struct wait wait = wait_at_most(NOTICE_MS);
    while (wait_now_ms() - held_ms < HOLD_SECONDS * 1000)
        wait_again(&wait, "the hold to be over by the wall clock");
    assert_int_equal(stage_booking_status(scene->stage, &hold->command.booking_id),
                     BOOKING_PENDING);
    nats_start(&scene->stage->nats);
    assert_int_equal(desk_decide(scene->desk, desk_again(scene->desk, COMMAND_CONFIRM, hold))->code,
                     REPLY_OK);
    /* And afterwards it does. */
    struct desk_ask *other = desk_reserve(scene->desk, show, 1);
    assert_int_equal(desk_decide(scene->desk, other)->code, REPLY_OK);
    while (stage_booking_status(scene->stage, &other->command.booking_id) != BOOKING_EXPIRED)
        wait_again(&wait, "a hold to expire");
    stage_finish(scene->stage);
}

/* --- commits of which nobody knows */

/* Commits wait for a standby that does not exist. */
static void set_standby(struct scene *scene, bool wanted) {
    sql_run(scene->stage->sql,
            wanted ? "ALTER SYSTEM SET synchronous_standby_names = 'nobody'"
                   : "ALTER SYSTEM RESET synchronous_standby_names",
            NULL);
    sql_run(scene->stage->sql, "SELECT pg_reload_conf()", NULL);
    struct wait wait = wait_at_most(NOTICE_MS);
    while (sql_number(scene->stage->sql,
                      "SELECT (current_setting('synchronous_standby_names') = 'nobody')::int",
                      NULL) != wanted)
        wait_again(&wait, "PostgreSQL to read its settings");
}

/* Sends a hold and catches its commit while it waits; `blow` is then what happens to it. The worker
 * must not believe that commit, however it ended: the answer comes from a newer epoch. */
static void strike_at_a_commit(void **state, const char *blow) {
    scene_open(state, NULL);
    struct scene *scene = *state;
    int64_t show = stage_show(scene->stage, &(struct stage_show){.seats = 4});
    assert_int_equal(desk_decide(scene->desk, desk_new(scene->desk, COMMAND_SNAPSHOT, show))->code,
                     REPLY_OK);
    set_standby(scene, true);
    struct desk_ask *hold = desk_reserve(scene->desk, show, 0);
    desk_send(scene->desk, &hold, 1);
    uint64_t epoch = hold->command.epoch;
    struct wait wait = wait_at_most(NOTICE_MS);
    while (sql_number(scene->stage->sql, blow, NULL) == 0) {
        expect(!wait_is_over(&wait), "no commit is waiting");
        desk_turn(scene->desk);
    }
    assert_false(hold->answered);
    set_standby(scene, false);
    desk_settle(scene->desk, &hold, 1, QUICK_MS);
    assert_int_equal(hold->reply.code, REPLY_OK);
    assert_true(hold->reply.epoch > epoch);
    assert_true(hold->reply.replayed);
    assert_false(hold->differed);
    assert_int_equal(desk_decide(scene->desk, desk_reserve(scene->desk, show, 0))->code,
                     REPLY_SEAT_TAKEN);
    stage_expect_sound_database(scene->stage);
    stage_finish(scene->stage);
}

/* PostgreSQL answers COMMIT, and a warning that it was committed locally only. */
static void a_commit_that_is_only_local(void **state) {
    strike_at_a_commit(state, "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity"
                              " WHERE wait_event = 'SyncRep' AND application_name LIKE 'usher:%'");
}

static void a_commit_whose_answer_is_lost(void **state) {
    strike_at_a_commit(state, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                              " WHERE wait_event = 'SyncRep' AND application_name LIKE 'usher:%'");
}

static void killed_with_its_commit_sent(void **state) {
    scene_open(state, NULL);
    struct scene *scene = *state;
    struct stage_worker *worker = &scene->stage->workers[0];
    int64_t show = stage_show(scene->stage, &(struct stage_show){.seats = 4});
    folder_write(worker->failpoints, "committer.commit-sent", 0644, "kill");
    struct desk_ask *hold = desk_reserve(scene->desk, show, 0);
    desk_send(scene->desk, &hold, 1);
    assert_true(process_wait(worker->process, NOTICE_MS, NULL));
    process_destroy(worker->process);
    worker->process = NULL;
    stage_start_worker(scene->stage, 0, NULL, NULL);
    desk_settle(scene->desk, &hold, 1, QUICK_MS);
    assert_int_equal(hold->reply.code, REPLY_OK);
    assert_int_equal(desk_decide(scene->desk, desk_reserve(scene->desk, show, 0))->code,
                     REPLY_SEAT_TAKEN);
    stage_expect_sound_database(scene->stage);
    stage_finish(scene->stage);
}

/* --- the sessions */

/* The server process of the admin session, which asks for the locks again and again. */
static pid_t admin_backend(struct scene *scene) {
    struct wait wait = wait_at_most(NOTICE_MS);
    int64_t pid = 0;
    while ((pid = sql_number(scene->stage->sql,
                             "SELECT coalesce((SELECT pid FROM pg_stat_activity WHERE"
                             " application_name LIKE 'usher:%' AND query LIKE '%pg_locks%'), 0)",
                             NULL)) == 0)
        wait_again(&wait, "the admin session to ask who is alive");
    return (pid_t)pid;
}

/* The write session is lost over and over, and the session that should end the lost ones answers no
 * more: the instance is given up, and another one takes over from it. */
static void an_instance_that_loses_too_many_sessions_is_over(void **state) {
    scene_open(state, NULL);
    struct scene *scene = *state;
    struct sql *sql = scene->stage->sql;
    pid_t admin = admin_backend(scene);
    char pid[16];
    (void)snprintf(pid, sizeof pid, "%d", (int)admin);
    assert_int_equal(kill(admin, SIGSTOP), 0);
    struct wait wait = wait_at_most(RUN_MS);
    while (sql_number(sql, "SELECT count(*) FROM usher.worker_instance", NULL) < 2) {
        sql_run(sql,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> $1"
                " AND application_name = (SELECT application_name FROM pg_stat_activity"
                " WHERE pid = $1) AND query NOT LIKE '%clock_timestamp()) * 1000000%'"
                " AND state = 'idle' AND state_change < clock_timestamp() - interval '50 ms'",
                (const char *[]){pid, NULL});
        wait_again(&wait, "another instance of the worker");
    }
    assert_int_equal(kill(admin, SIGCONT), 0);
    assert_false(folder_file_contains(process_log_path(scene->stage->workers[0].process),
                                      "worker-cannot-write"));
    int64_t show = stage_show(scene->stage, &(struct stage_show){.seats = 4});
    assert_int_equal(desk_decide(scene->desk, desk_reserve(scene->desk, show, 0))->code, REPLY_OK);
    stage_finish(scene->stage);
}

/* --- asked to end while something is away */

static void it_ends_without_nats(void **state) {
    scene_open(state, NULL);
    struct scene *scene = *state;
    nats_kill(&scene->stage->nats);
    stage_end_worker(scene->stage, 0);
    assert_int_equal(sql_number(scene->stage->sql,
                                "SELECT count(*) FROM usher.partition WHERE owner IS NOT NULL",
                                NULL),
                     0);
    stage_finish(scene->stage);
}

static void it_ends_without_postgresql(void **state) {
    scene_open(state, NULL);
    struct scene *scene = *state;
    postgres_stop(&scene->stage->postgres);
    stage_end_worker(scene->stage, 0);
    /* Nor does one wait that has never seen it. */
    stage_start_worker(scene->stage, 1, NULL, NULL);
    struct wait wait = wait_at_most(NOTICE_MS);
    while (!folder_file_contains(process_log_path(scene->stage->workers[1].process),
                                 "database-session-down"))
        wait_again(&wait, "a worker to look for PostgreSQL");
    stage_end_worker(scene->stage, 1);
    postgres_start(&scene->stage->postgres);
    stage_finish(scene->stage);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(postgresql_restarts_under_load, scene_tear_down),
        cmocka_unit_test_teardown(nats_restarts_under_load, scene_tear_down),
        cmocka_unit_test_teardown(nobodys_time_runs_without_nats, scene_tear_down),
        cmocka_unit_test_teardown(a_commit_that_is_only_local, scene_tear_down),
        cmocka_unit_test_teardown(a_commit_whose_answer_is_lost, scene_tear_down),
        cmocka_unit_test_teardown(killed_with_its_commit_sent, scene_tear_down),
        cmocka_unit_test_teardown(an_instance_that_loses_too_many_sessions_is_over,
                                  scene_tear_down),
        cmocka_unit_test_teardown(it_ends_without_nats, scene_tear_down),
        cmocka_unit_test_teardown(it_ends_without_postgresql, scene_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
