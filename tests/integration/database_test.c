/* A session's life and its groups: answers in order, failures, transactions, and every way to end.
 */
#include "tests/integration/database_probe.h"
#include "tests/support/wait.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define SQL(...) ((const char *const[]){__VA_ARGS__, NULL})

static void keep_number(struct probe *probe, int index, const struct database_answer *answer) {
    int *numbers = probe->context;
    if (answer->outcome == DATABASE_DONE)
        numbers[index] = database_i32(answer->results[answer->count - 1], 0, 0);
}

static void answers_come_in_the_order_of_sending(void **state) {
    struct database_place *place = *state;
    static const struct database_statement twice = {"twice", "SELECT $1 * 2", 1, {23}};
    struct probe probe;
    int numbers[PROBE_ANSWERS_MAX] = {0};
    probe_open(&probe, &(struct database_session_config){
                           .url = place->url,
                           .application_name = "probe-in-order",
                           .options = "-c idle_session_timeout=54321",
                           .fail_fast_network = true,
                           .statements = (const struct database_statement *const[]){&twice, NULL}});
    probe_wait_up(&probe);
    probe.on_answer = keep_number;
    probe.context = numbers;

    for (int i = 0; i < PROBE_LIMIT_GROUPS; i++) {
        struct database_group *group = database_group_create(probe.session);
        database_group_add(group, &twice);
        database_group_i32(group, -1);
        database_group_add(group, &twice);
        database_group_i32(group, i);
        probe_send(&probe, group);
    }
    assert_int_equal(database_session_in_flight(probe.session), PROBE_LIMIT_GROUPS);
    struct database_group *one_more = database_group_create(probe.session);
    database_group_add(one_more, &twice);
    database_group_i32(one_more, 0);
    assert_int_equal(database_group_send_take(one_more, NULL, NULL), STATUS_LIMIT);
    probe_wait_answers(&probe, PROBE_LIMIT_GROUPS);

    for (int i = 0; i < PROBE_LIMIT_GROUPS; i++) {
        assert_int_equal(probe.order[i], i);
        assert_int_equal(probe.answers[i].count, 2);
        assert_int_equal(numbers[i], i * 2);
    }
    assert_int_equal(database_session_in_flight(probe.session), 0);

    char pid[16];
    snprintf(pid, sizeof pid, "%d", database_session_backend_pid(probe.session));
    assert_int_equal(sql_number(place->sql,
                                "SELECT count(*) FROM pg_stat_activity "
                                "WHERE pid = $1 AND application_name = 'probe-in-order'",
                                (const char *[]){pid, NULL}),
                     1);
    probe_send_sql(&probe,
                   SQL("SELECT setting::int FROM pg_settings WHERE name = 'idle_session_timeout'"));
    probe_wait_answers(&probe, PROBE_LIMIT_GROUPS + 1);
    assert_int_equal(numbers[PROBE_LIMIT_GROUPS], 54321);
    probe_close(&probe);
}

static void a_failure_undoes_its_group_and_no_other(void **state) {
    struct database_place *place = *state;
    struct probe probe;
    sql_run(place->sql, "CREATE TABLE undone (n integer)", NULL);
    probe_connect(&probe, place->url);

    probe_send_sql(&probe, SQL("INSERT INTO undone VALUES (1)"));
    probe_send_sql(&probe, SQL("INSERT INTO undone VALUES (2)", "SELECT 1 / 0",
                               "INSERT INTO undone VALUES (3)"));
    probe_send_sql(&probe, SQL("INSERT INTO undone VALUES (4)"));
    probe_wait_answers(&probe, 3);

    assert_int_equal(probe.answers[0].outcome, DATABASE_DONE);
    assert_int_equal(probe.answers[1].outcome, DATABASE_FAILED);
    assert_int_equal(probe.answers[1].failed_statement, 1);
    assert_string_equal(probe.answers[1].sqlstate, "22012");
    assert_string_equal(probe.answers[1].error, "division by zero");
    assert_int_equal(probe.answers[2].outcome, DATABASE_DONE);
    assert_int_equal(sql_number(place->sql, "SELECT sum(n) FROM undone", NULL), 5);
    assert_true(database_session_is_up(probe.session));
    probe_close(&probe);
}

static void the_implicit_commit_can_fail(void **state) {
    struct database_place *place = *state;
    struct probe probe;
    sql_run(place->sql, "CREATE TABLE late (n integer UNIQUE DEFERRABLE INITIALLY DEFERRED)", NULL);
    probe_connect(&probe, place->url);
    probe_send_sql(&probe, SQL("INSERT INTO late VALUES (7)", "INSERT INTO late VALUES (7)"));
    probe_send_sql(&probe, SQL("SELECT 1"));
    probe_wait_answers(&probe, 2);
    assert_int_equal(probe.answers[0].outcome, DATABASE_FAILED);
    assert_int_equal(probe.answers[0].failed_statement, 2);
    assert_string_equal(probe.answers[0].sqlstate, "23505");
    assert_int_equal(probe.answers[1].outcome, DATABASE_DONE);
    probe_close(&probe);
}

static void begin_stays_open_after_its_group(void **state) {
    struct database_place *place = *state;
    struct probe probe;
    sql_run(place->sql, "CREATE TABLE open_end (n integer)", NULL);
    probe_connect(&probe, place->url);

    probe_send_sql(&probe, SQL("BEGIN", "INSERT INTO open_end VALUES (1)"));
    probe_wait_answers(&probe, 1);
    assert_int_equal(sql_number(place->sql, "SELECT count(*) FROM open_end", NULL), 0);
    probe_send_sql(&probe, SQL("COMMIT"));
    probe_wait_answers(&probe, 2);
    assert_int_equal(sql_number(place->sql, "SELECT count(*) FROM open_end", NULL), 1);

    probe_send_sql(&probe, SQL("BEGIN", "INSERT INTO open_end VALUES (2)", "SELECT 1 / 0"));
    probe_send_sql(&probe, SQL("SELECT 1"));
    probe_send_sql(&probe, SQL("ROLLBACK"));
    probe_send_sql(&probe, SQL("SELECT 1"));
    probe_wait_answers(&probe, 6);
    assert_int_equal(probe.answers[2].failed_statement, 2);
    assert_string_equal(probe.answers[3].sqlstate, "25P02");
    assert_int_equal(probe.answers[4].outcome, DATABASE_DONE);
    assert_int_equal(probe.answers[5].outcome, DATABASE_DONE);
    assert_int_equal(sql_number(place->sql, "SELECT count(*) FROM open_end", NULL), 1);
    probe_close(&probe);
}

static void warnings_mark_the_group_they_came_with(void **state) {
    struct database_place *place = *state;
    struct probe probe;
    probe_connect(&probe, place->url);
    probe_send_sql(&probe, SQL("SELECT 1"));
    probe_send_sql(&probe, SQL("DO 'BEGIN RAISE WARNING ''a''; END'", "SELECT 2"));
    probe_send_sql(&probe, SQL("DO 'BEGIN RAISE NOTICE ''b''; END'"));
    probe_send_sql(&probe, SQL("COMMIT"));
    probe_wait_answers(&probe, 4);
    assert_false(probe.answers[0].warned);
    assert_true(probe.answers[1].warned);
    assert_int_equal(probe.answers[1].outcome, DATABASE_DONE);
    assert_false(probe.answers[2].warned);
    assert_true(probe.answers[3].warned); /* 25P01: there is no transaction in progress */
    probe_close(&probe);
}

static void keep_text_number(struct probe *probe, int index, const struct database_answer *answer) {
    int64_t *numbers = probe->context;
    if (answer->outcome == DATABASE_DONE)
        numbers[index] = database_number_text(answer->results[0], 0, 0);
}

static void the_simple_protocol_takes_groups_one_after_the_other(void **state) {
    struct database_place *place = *state;
    struct probe probe;
    int64_t numbers[4] = {0};
    probe_open(&probe, &(struct database_session_config){.url = place->url,
                                                         .application_name = "probe",
                                                         .simple_protocol = true});
    probe_wait_up(&probe);
    probe.on_answer = keep_text_number;
    probe.context = numbers;
    const char *now = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
    probe_send_sql(&probe, SQL(now));
    probe_send_sql(&probe, SQL("SELECT 1 / 0"));
    probe_send_sql(&probe, SQL(now));
    probe_wait_answers(&probe, 3);
    assert_int_equal(probe.answers[1].outcome, DATABASE_FAILED);
    assert_string_equal(probe.answers[1].sqlstate, "22012");
    int64_t minute_us = 60000000;
    int64_t server_us = sql_number(place->sql, now, NULL);
    expect(numbers[0] > server_us - minute_us && numbers[0] < numbers[2] && numbers[2] < server_us,
           "times out of order");
    probe_close(&probe);
}

static void terminate(const struct database_place *place, int pid) {
    char text[16];
    snprintf(text, sizeof text, "%d", pid);
    sql_run(place->sql, "SELECT pg_terminate_backend($1)", (const char *[]){text, NULL});
}

static void a_session_ended_by_the_server_loses_what_is_in_flight(void **state) {
    struct database_place *place = *state;
    struct probe probe;
    probe_connect(&probe, place->url);
    probe_send_sql(&probe, SQL("SELECT 1"));
    probe_send_sql(&probe, SQL("SELECT 2", "SELECT pg_sleep(60)", "SELECT 3"));
    probe_send_sql(&probe, SQL("SELECT 4"));
    probe_wait_answers(&probe, 1);
    terminate(place, database_session_backend_pid(probe.session));
    probe_wait_down(&probe);

    assert_int_equal(probe.answered, 3);
    for (int i = 1; i < 3; i++) {
        assert_int_equal(probe.order[i], i);
        assert_int_equal(probe.answers[i].outcome, DATABASE_LOST);
        assert_non_null(strstr(probe.answers[i].error, "administrator command"));
    }
    assert_non_null(strstr(probe.why, "administrator command"));
    assert_false(database_session_is_up(probe.session));
    assert_int_equal(database_session_backend_pid(probe.session), 0);
    struct database_group *late = database_group_create(probe.session);
    database_group_add(late, &(struct database_statement){.sql = "SELECT 1"});
    assert_int_equal(database_group_send_take(late, NULL, NULL), STATUS_UNAVAILABLE);
    probe_close(&probe);
    assert_int_equal(probe.downs, 1);
}

static void an_idle_session_ended_by_the_server_says_why(void **state) {
    struct database_place *place = *state;
    struct probe probe;
    probe_connect(&probe, place->url);
    probe_send_sql(&probe, SQL("SELECT 1"));
    probe_wait_answers(&probe, 1);
    terminate(place, database_session_backend_pid(probe.session));
    probe_wait_down(&probe);
    assert_non_null(strstr(probe.why, "administrator command"));
    probe_close(&probe);
}

static void close_from_answer(struct probe *probe, int index,
                              const struct database_answer *answer) {
    (void)answer;
    if (index != 1)
        return;
    database_session_close(probe->session);
    assert_false(database_session_is_up(probe->session));
    assert_int_equal(probe->answered, 2);
    database_session_close(probe->session); /* no harm */
}

static void closing_inside_an_answer_loses_the_rest_afterwards(void **state) {
    struct database_place *place = *state;
    struct probe probe;
    probe_connect(&probe, place->url);
    probe.on_answer = close_from_answer;
    for (int i = 0; i < 4; i++)
        probe_send_sql(&probe, SQL("SELECT 1"));
    probe_wait_answers(&probe, 4);
    assert_int_equal(probe.answers[1].outcome, DATABASE_DONE);
    assert_int_equal(probe.answers[2].outcome, DATABASE_LOST);
    assert_int_equal(probe.answers[3].outcome, DATABASE_LOST);
    assert_int_equal(probe.downs, 0);
    probe.session = NULL;
    probe_close(&probe);
}

static void close_from_down(struct probe *probe) {
    database_session_close(probe->session);
}

static void a_session_can_be_closed_when_it_goes_down(void **state) {
    struct database_place *place = *state;
    struct probe probe;
    probe_connect(&probe, place->url);
    probe.on_down = close_from_down;
    terminate(place, database_session_backend_pid(probe.session));
    probe_wait_down(&probe);
    probe.session = NULL;
    probe_close(&probe);
}

static void closing_loses_what_is_in_flight_at_once(void **state) {
    struct database_place *place = *state;
    struct probe probe;
    probe_connect(&probe, place->url);
    probe_send_sql(&probe, SQL("SELECT 1"));
    database_session_close(probe.session);
    assert_int_equal(probe.answers[0].outcome, DATABASE_LOST);
    assert_int_equal(probe.answered, 1);
    assert_int_equal(probe.downs, 0);
    probe.session = NULL;
    probe_close(&probe);

    probe_open(&probe,
               &(struct database_session_config){.url = place->url, .application_name = "probe"});
    probe_close(&probe); /* while connecting */
}

static void what_cannot_be_prepared_ends_the_session(void **state) {
    struct database_place *place = *state;
    static const struct database_statement good = {.name = "good", .sql = "SELECT 1"};
    static const struct database_statement bad = {.name = "bad", .sql = "SELECT nobody"};
    struct probe probe;
    probe_open(&probe,
               &(struct database_session_config){
                   .url = place->url,
                   .application_name = "probe",
                   .statements = (const struct database_statement *const[]){&good, &bad, NULL}});
    probe_wait_down(&probe);
    assert_string_equal(probe.why, "column \"nobody\" does not exist");
    assert_false(probe.up);
    probe_close(&probe);
}

static void connecting_fails_without_a_server(void **state) {
    struct database_place *place = *state;
    struct probe probe, lost;
    probe_connect(&lost, place->url);
    probe_send_sql(&lost, SQL("SELECT pg_sleep(60)"));
    postgres_crash(&place->postgres);
    probe_wait_down(&lost);
    assert_int_equal(lost.answers[0].outcome, DATABASE_LOST);
    probe_close(&lost);

    probe_open(&probe,
               &(struct database_session_config){.url = place->url, .application_name = "probe"});
    probe_wait_down(&probe);
    assert_false(probe.up);
    probe_close(&probe);

    probe_open(&probe, &(struct database_session_config){.url = "port=nonsense",
                                                         .application_name = "probe"});
    probe_wait_down(&probe);
    assert_non_null(strstr(probe.why, "port"));
    probe_close(&probe);
    postgres_start(&place->postgres);
}

static void connecting_to_a_silent_server_takes_no_longer_than_said(void **state) {
    (void)state;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    expect(listener >= 0 && bind(listener, (struct sockaddr *)&address, length) == 0 &&
               listen(listener, 1) == 0 &&
               getsockname(listener, (struct sockaddr *)&address, &length) == 0,
           "no listener");
    char url[128];
    snprintf(url, sizeof url, "postgresql://127.0.0.1:%u/usher", ntohs(address.sin_port));
    struct probe probe;
    probe_open(&probe, &(struct database_session_config){
                           .url = url, .application_name = "probe", .connect_timeout_ms = 50});
    probe_wait_down(&probe);
    assert_string_equal(probe.why, "connecting took longer than 50 ms");
    probe_close(&probe);
    close(listener);
}

/* The child's part of the test below: 0 when its group was answered. */
static int send_a_group_of_three(const char *url) {
    struct probe probe;
    probe_connect(&probe, url);
    probe_send_sql(&probe, SQL("INSERT INTO half VALUES (1)", "INSERT INTO half VALUES (2)",
                               "INSERT INTO half VALUES (3)"));
    probe_wait_answers(&probe, 1);
    int result = probe.answers[0].outcome == DATABASE_DONE ? 0 : 1;
    probe_close(&probe);
    return result;
}

static void frozen_with_half_a_group_sent_the_server_waits(void **state) {
    struct database_place *place = *state;
    sql_run(place->sql, "CREATE TABLE half (n integer)", NULL);
    folder_write(place->folder, "database.half-sent", 0644, "stop");
    setenv("USHER_FAILPOINT_DIR", place->folder, 1);
    pid_t child = fork();
    expect(child >= 0, "fork failed");
    if (child == 0)
        _exit(send_a_group_of_three(place->url));
    int status;
    expect(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status), "it did not freeze");

    struct wait wait = wait_at_most(PROBE_WAIT_MS);
    while (sql_number(place->sql,
                      "SELECT count(*) FROM pg_stat_activity "
                      "WHERE query LIKE 'INSERT INTO half%(1)' AND backend_xid IS NOT NULL",
                      NULL) == 0)
        wait_again(&wait, "the server to have done the first statement");
    assert_int_equal(sql_number(place->sql, "SELECT count(*) FROM half", NULL), 0);
    kill(child, SIGCONT);
    expect(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0,
           "the child failed");
    assert_int_equal(sql_number(place->sql, "SELECT count(*) FROM half", NULL), 3);
    unsetenv("USHER_FAILPOINT_DIR");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_come_in_the_order_of_sending),
        cmocka_unit_test(a_failure_undoes_its_group_and_no_other),
        cmocka_unit_test(the_implicit_commit_can_fail),
        cmocka_unit_test(begin_stays_open_after_its_group),
        cmocka_unit_test(warnings_mark_the_group_they_came_with),
        cmocka_unit_test(the_simple_protocol_takes_groups_one_after_the_other),
        cmocka_unit_test(a_session_ended_by_the_server_loses_what_is_in_flight),
        cmocka_unit_test(an_idle_session_ended_by_the_server_says_why),
        cmocka_unit_test(closing_inside_an_answer_loses_the_rest_afterwards),
        cmocka_unit_test(a_session_can_be_closed_when_it_goes_down),
        cmocka_unit_test(closing_loses_what_is_in_flight_at_once),
        cmocka_unit_test(what_cannot_be_prepared_ends_the_session),
        cmocka_unit_test(connecting_fails_without_a_server),
        cmocka_unit_test(connecting_to_a_silent_server_takes_no_longer_than_said),
        cmocka_unit_test(frozen_with_half_a_group_sent_the_server_waits),
    };
    return cmocka_run_group_tests(tests, database_place_create, database_place_destroy);
}
