/* The tests' own tools: private servers keep what they stored, and come back on the same port. */
#include "tests/support/expect.h"
#include "tests/support/servers.h"
#include "tests/support/sql.h"
#include "tests/support/wait.h"

#include <signal.h>
#include <sys/wait.h>

static void postgres_comes_back_with_its_data(void **state) {
    (void)state;
    char folder[FOLDER_PATH_SIZE], url[SERVER_URL_SIZE], tcp_url[SERVER_URL_SIZE];
    struct postgres_server server;
    folder_create(folder);
    postgres_create(&server, folder);
    postgres_create_database(&server, "usher");
    postgres_url(&server, "usher", false, url);
    postgres_url(&server, "usher", true, tcp_url);
    struct sql *sql = sql_open(url);
    struct sql *over_tcp = sql_open(tcp_url);
    sql_run(sql, "CREATE TABLE kept (n integer)", NULL);
    sql_run(over_tcp, "INSERT INTO kept VALUES ($1)", (const char *[]){"42", NULL});

    postgres_crash(&server);
    postgres_start(&server);
    assert_int_equal(sql_number(sql, "SELECT n FROM kept", NULL), 42);
    postgres_stop(&server);
    postgres_start(&server);
    assert_int_equal(sql_number(over_tcp, "SELECT n FROM kept", NULL), 42);

    sql_close(over_tcp);
    sql_close(sql);
    postgres_destroy(&server);
    folder_remove(folder);
}

static void nats_comes_back_on_its_port(void **state) {
    (void)state;
    char folder[FOLDER_PATH_SIZE];
    struct nats_server server;
    folder_create(folder);
    nats_create(&server, folder);
    uint16_t port = server.port;
    nats_kill(&server);
    nats_start(&server);
    assert_int_equal(server.port, port);
    nats_destroy(&server);
    folder_remove(folder);
}

static void process_freezes_thaws_and_ends(void **state) {
    (void)state;
    char folder[FOLDER_PATH_SIZE], log[PATH_MAX];
    folder_create(folder);
    (void)snprintf(log, sizeof log, "%s/log", folder);
    const char *script = "trap 'exit 0' TERM; echo \"$USHER_SAYS\"; while :; do :; done";
    const struct process_start start = {
        .name = "shell",
        .arguments = (const char *[]){"/bin/sh", "-c", script, NULL},
        .environment = (const char *[]){"USHER_SAYS=hello", NULL},
        .log_path = log,
    };
    struct process *process = process_start(&start);
    struct wait wait = wait_at_most(5000);
    while (!folder_file_contains(log, "hello")) {
        wait_again(&wait, "the shell's greeting");
    }
    process_freeze(process);
    assert_true(process_runs(process));
    assert_true(process_is_frozen(process));
    process_thaw(process);
    wait = wait_at_most(5000);
    while (process_is_frozen(process)) {
        wait_again(&wait, "the shell to run on");
    }
    process_end(process, 5000);
    assert_false(process_runs(process));
    process_destroy(process);
    folder_remove(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(postgres_comes_back_with_its_data),
        cmocka_unit_test(nats_comes_back_on_its_port),
        cmocka_unit_test(process_freezes_thaws_and_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
