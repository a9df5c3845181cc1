/* The migration runner: safe side by side, careful with what it does not know, and what it leaves
 * behind. */
#include "ops/usherctl/migrate.h"
#include "shared/partition.h"
#include "tests/support/expect.h"
#include "tests/support/process.h"
#include "tests/support/servers.h"
#include "tests/support/sql.h"
#include "tests/support/wait.h"

#include <inttypes.h>
#include <stdlib.h>

enum { RUN_MS = 60000, MIGRATIONS_TEST_MAX = 8 };

struct fixture {
    char folder[FOLDER_PATH_SIZE];
    char log_path[FOLDER_PATH_SIZE + 16];
    struct postgres_server server;
    char url[SERVER_URL_SIZE];
    unsigned database_count;
};

static int create_fixture(void **state) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    folder_create(fixture->folder);
    snprintf(fixture->log_path, sizeof fixture->log_path, "%s/usherctl.log", fixture->folder);
    postgres_create(&fixture->server, fixture->folder);
    *state = fixture;
    return 0;
}

static int destroy_fixture(void **state) {
    struct fixture *fixture = *state;
    postgres_destroy(&fixture->server);
    folder_remove(fixture->folder);
    free(fixture);
    return 0;
}

/* Every test has an empty database of its own. */
static struct sql *open_new_database(struct fixture *fixture) {
    char name[32];
    snprintf(name, sizeof name, "usher%u", fixture->database_count++);
    postgres_create_database(&fixture->server, name);
    postgres_url(&fixture->server, name, false, fixture->url);
    return sql_open(fixture->url);
}

/* The embedded migrations and `more` after them. Returns what the runner said. */
static enum status migrate(const struct fixture *fixture, const struct migration *more,
                           size_t more_count, char error[MIGRATE_ERROR_SIZE]) {
    struct migration items[MIGRATIONS_TEST_MAX];
    size_t count = migrations_embedded.count;
    ensure(count + more_count <= ARRAY_LEN(items));
    memcpy(items, migrations_embedded.items, count * sizeof items[0]);
    for (size_t i = 0; i < more_count; i++) {
        items[count + i] = more[i];
    }
    const struct migration_set set = {items, count + more_count};
    PGconn *connection = PQconnectdb(fixture->url);
    char *text = NULL;
    size_t text_bytes;
    FILE *out = open_memstream(&text, &text_bytes);
    enum status status = migrate_run(connection, &set, out, error);
    fclose(out);
    free(text);
    PQfinish(connection);
    return status;
}

static struct migration next_migration(const char *sql, const char *checksum) {
    return (struct migration){(int)migrations_embedded.count + 1, "more", sql, checksum};
}

static struct process *start_usherctl(const struct fixture *fixture, const char *log_path) {
    char setting[SERVER_URL_SIZE + 32];
    snprintf(setting, sizeof setting, "USHER_DATABASE_URL=%s", fixture->url);
    const struct process_start start = {
        .name = "usherctl migrate",
        .arguments = (const char *[]){USHERCTL, "migrate", NULL},
        .environment = (const char *[]){setting, NULL},
        .log_path = log_path,
    };
    return process_start(&start);
}

static void two_runners_at_once_apply_once(void **state) {
    struct fixture *fixture = *state;
    struct sql *sql = open_new_database(fixture);
    /* Both stand at the runner's lock before either may go on. */
    sql_run(sql, "SELECT pg_advisory_lock(x'006d696772617465'::bigint)", NULL);
    struct process *runners[2];
    char logs[2][FOLDER_PATH_SIZE + 16];
    for (int i = 0; i < 2; i++) {
        snprintf(logs[i], sizeof logs[i], "%s/runner-%d.log", fixture->folder, i);
        runners[i] = start_usherctl(fixture, logs[i]);
    }
    struct wait wait = wait_at_most(RUN_MS);
    while (sql_number(sql,
                      "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted",
                      NULL) != 2) {
        wait_again(&wait, "both runners at the lock");
    }
    sql_run(sql, "SELECT pg_advisory_unlock(x'006d696772617465'::bigint)", NULL);
    int applied = 0;
    int idle = 0;
    for (int i = 0; i < 2; i++) {
        int status;
        assert_true(process_wait(runners[i], RUN_MS, &status));
        assert_int_equal(status, 0);
        applied += folder_file_contains(logs[i], "applied migration 0001_booking");
        idle += folder_file_contains(logs[i], "nothing to do");
        process_destroy(runners[i]);
    }
    assert_int_equal(applied, 1);
    assert_int_equal(idle, 1);
    assert_int_equal(sql_number(sql, "SELECT count(*) FROM usher.migration", NULL),
                     (int64_t)migrations_embedded.count);
    sql_close(sql);
}

static void installation_is_made_once(void **state) {
    struct fixture *fixture = *state;
    struct sql *sql = open_new_database(fixture);
    static const char record[] = "SELECT i::text FROM usher.installation i"
                                 " WHERE length(booking_key) = 32 AND length(session_keys[1]) = 32"
                                 "   AND booking_key <> session_keys[1]";
    char error[MIGRATE_ERROR_SIZE];
    assert_int_equal(migrate(fixture, NULL, 0, error), STATUS_OK);
    char *first = sql_text(sql, record, NULL);
    assert_int_equal(sql_number(sql, "SELECT count(*) FROM usher.partition", NULL),
                     PARTITION_COUNT);
    assert_int_equal(sql_number(sql, "SELECT partition_count FROM usher.installation", NULL),
                     PARTITION_COUNT);
    sql_run(sql, "UPDATE usher.partition SET epoch = 7 WHERE partition_id = 3", NULL);

    assert_int_equal(migrate(fixture, NULL, 0, error), STATUS_OK);
    char *second = sql_text(sql, record, NULL);
    assert_string_equal(first, second);
    assert_int_equal(
        sql_number(sql, "SELECT epoch FROM usher.partition WHERE partition_id = 3", NULL), 7);
    free(first);
    free(second);
    sql_close(sql);
}

static void another_hash_or_count_is_refused(void **state) {
    struct fixture *fixture = *state;
    struct sql *sql = open_new_database(fixture);
    char error[MIGRATE_ERROR_SIZE];
    assert_int_equal(migrate(fixture, NULL, 0, error), STATUS_OK);
    sql_run(sql, "UPDATE usher.installation SET partition_count = 32", NULL);
    assert_int_equal(migrate(fixture, NULL, 0, error), STATUS_CONFLICT);
    assert_non_null(strstr(error, "32 partitions"));
    sql_run(sql, "UPDATE usher.installation SET partition_count = 64, partition_hash = 'md5'",
            NULL);
    assert_int_equal(migrate(fixture, NULL, 0, error), STATUS_CONFLICT);
    assert_non_null(strstr(error, "md5"));
    sql_close(sql);
}

static void new_migrations_are_applied_in_order(void **state) {
    struct fixture *fixture = *state;
    struct sql *sql = open_new_database(fixture);
    char error[MIGRATE_ERROR_SIZE];
    assert_int_equal(migrate(fixture, NULL, 0, error), STATUS_OK);
    struct migration more[2] = {next_migration("CREATE TABLE usher.later (n integer)", "aa"),
                                next_migration("INSERT INTO usher.later VALUES (1)", "bb")};
    more[1].number++;
    assert_int_equal(migrate(fixture, more, 2, error), STATUS_OK);
    assert_int_equal(migrate(fixture, more, 2, error), STATUS_OK);
    assert_int_equal(sql_number(sql, "SELECT count(*) FROM usher.later", NULL), 1);
    sql_close(sql);
}

static void edited_migration_is_refused(void **state) {
    struct fixture *fixture = *state;
    struct sql *sql = open_new_database(fixture);
    char error[MIGRATE_ERROR_SIZE];
    struct migration more = next_migration("CREATE TABLE usher.later (n integer)", "aa");
    assert_int_equal(migrate(fixture, &more, 1, error), STATUS_OK);
    more = next_migration("CREATE TABLE usher.later (n bigint)", "bb");
    assert_int_equal(migrate(fixture, &more, 1, error), STATUS_CONFLICT);
    assert_non_null(strstr(error, "was edited"));
    sql_close(sql);
}

static void newer_database_is_refused(void **state) {
    struct fixture *fixture = *state;
    struct sql *sql = open_new_database(fixture);
    char error[MIGRATE_ERROR_SIZE];
    struct migration more = next_migration("CREATE TABLE usher.later (n integer)", "aa");
    assert_int_equal(migrate(fixture, &more, 1, error), STATUS_OK);
    assert_int_equal(migrate(fixture, NULL, 0, error), STATUS_CONFLICT);
    assert_non_null(strstr(error, "older than the database"));

    struct process *program = start_usherctl(fixture, fixture->log_path);
    int status;
    assert_true(process_wait(program, RUN_MS, &status));
    assert_int_equal(status, 1 << 8);
    assert_true(folder_file_contains(fixture->log_path, "older than the database"));
    process_destroy(program);
    sql_close(sql);
}

static void gaps_are_refused(void **state) {
    struct fixture *fixture = *state;
    struct sql *sql = open_new_database(fixture);
    char error[MIGRATE_ERROR_SIZE];
    struct migration more = next_migration("SELECT 1", "aa");
    more.number++;
    assert_int_equal(migrate(fixture, &more, 1, error), STATUS_CONFLICT);
    assert_non_null(strstr(error, "without gaps"));
    assert_int_equal(
        sql_number(sql, "SELECT count(*) FROM pg_namespace WHERE nspname = 'usher'", NULL), 0);

    assert_int_equal(migrate(fixture, NULL, 0, error), STATUS_OK);
    sql_run(sql, "DELETE FROM usher.migration WHERE number = 1", NULL);
    assert_int_equal(migrate(fixture, NULL, 0, error), STATUS_CONFLICT);
    assert_non_null(strstr(error, "lacks migration 1"));
    sql_close(sql);
}

static void failing_migration_leaves_nothing(void **state) {
    struct fixture *fixture = *state;
    struct sql *sql = open_new_database(fixture);
    char error[MIGRATE_ERROR_SIZE];
    struct migration more =
        next_migration("CREATE TABLE usher.later (n integer); SELECT 1/0", "aa");
    assert_int_equal(migrate(fixture, &more, 1, error), STATUS_INVALID);
    assert_non_null(strstr(error, "division by zero"));
    assert_null(strchr(error, '\n'));
    assert_int_equal(sql_number(sql, "SELECT count(*) FROM usher.migration", NULL),
                     (int64_t)migrations_embedded.count);
    more = next_migration("CREATE TABLE usher.later (n integer)", "bb"); /* mended */
    assert_int_equal(migrate(fixture, &more, 1, error), STATUS_OK);

    more = next_migration("CREATE TABLE usher.later (n integer)", "bb");
    struct migration both[2] = {more, next_migration("COMMIT", "cc")};
    both[1].number++;
    assert_int_equal(migrate(fixture, both, 2, error), STATUS_INVALID);
    assert_non_null(strstr(error, "ends its transaction itself"));
    sql_close(sql);
}

static void report_views_have_the_documented_columns(void **state) {
    struct fixture *fixture = *state;
    struct sql *sql = open_new_database(fixture);
    char error[MIGRATE_ERROR_SIZE];
    assert_int_equal(migrate(fixture, NULL, 0, error), STATUS_OK);
    static const char *const views[][2] = {
        {"venues", "venue_id, name, city, country, seat_map"},
        {"events", "event_id, name, venue_id, start_time, on_sale_time"},
        {"seats", "event_id, seat_id, section, row, number, status, booking_id"},
        {"bookings", "booking_id, user_id, event_id, seat_ids, status, amount, currency, "
                     "queue_number, created_at, expires_at"},
    };
    for (size_t i = 0; i < ARRAY_LEN(views); i++) {
        char *columns = sql_text(sql,
                                 "SELECT string_agg(column_name, ', ' ORDER BY ordinal_position)"
                                 " FROM information_schema.columns"
                                 " WHERE table_schema = 'report' AND table_name = $1",
                                 (const char *[]){views[i][0], NULL});
        assert_string_equal(columns, views[i][1]);
        free(columns);
    }
    char *types = sql_text(sql,
                           "SELECT string_agg(data_type, ', ' ORDER BY table_name)"
                           " FROM information_schema.columns WHERE table_schema = 'report'"
                           " AND column_name IN ('seat_map', 'seat_ids')",
                           NULL);
    assert_string_equal(types, "ARRAY, jsonb");
    free(types);
    sql_close(sql);
}

/* Four seats in four states, as reports see them. */
static void report_views_tell_the_state_of_seats(void **state) {
    struct fixture *fixture = *state;
    struct sql *sql = open_new_database(fixture);
    char error[MIGRATE_ERROR_SIZE];
    assert_int_equal(migrate(fixture, NULL, 0, error), STATUS_OK);
    static const char *const statements[] = {
        "INSERT INTO usher.venue (name, city, country, time_zone) VALUES ('V', 'C', 'NO', 'UTC')",
        "INSERT INTO usher.layout VALUES (1, 1, 4, '{P}', '[]')",
        "INSERT INTO usher.layout_seat"
        " SELECT 1, 1, n, 'A' || n + 1, '', 'A', n + 1 FROM generate_series(0, 3) n",
        "INSERT INTO usher.event (name, venue_id, layout_version, start_time, currency, prices,"
        "                         hold_seconds, seats_per_user)"
        " VALUES ('E', 1, 1, now(), 'NOK', '{100}', 300, 8)",
        "INSERT INTO usher.booking (event_id, booking_id, user_id, status, body_hash, seats, "
        "prices,"
        "                           amount, currency, created_at, deadline_served_ms, expires_at)"
        " SELECT 1, md5('b' || n)::uuid, md5('u')::uuid, n, 0, ARRAY[n], '{100}', 100, 'NOK', "
        "now(),"
        "        0, now() FROM generate_series(1, 2) n",
        "INSERT INTO usher.seat_claim VALUES (1, 1, md5('b1')::uuid), (1, 2, md5('b2')::uuid),"
        "                                    (1, 3, NULL)",
    };
    for (size_t i = 0; i < ARRAY_LEN(statements); i++) {
        sql_run(sql, statements[i], NULL);
    }
    char *seats = sql_text(sql,
                           "SELECT string_agg(seat_id || ' ' || status, ', ' ORDER BY seat_id)"
                           " FROM report.seats WHERE event_id = 1",
                           NULL);
    assert_string_equal(seats, "A1 AVAILABLE, A2 HELD, A3 BOOKED, A4 BLOCKED");
    free(seats);
    char *bookings =
        sql_text(sql,
                 "SELECT string_agg(b.status || ' ' || array_to_string(b.seat_ids, '+')"
                 "                  || ' ' || s.seat_id, ', ' ORDER BY s.seat_id)"
                 " FROM report.bookings b JOIN report.seats s USING (booking_id)",
                 NULL);
    assert_string_equal(bookings, "PENDING A2 A2, CONFIRMED A3 A3");
    free(bookings);
    sql_close(sql);
}

static void database_refuses_a_second_claim_on_a_seat(void **state) {
    struct fixture *fixture = *state;
    struct sql *sql = open_new_database(fixture);
    char error[MIGRATE_ERROR_SIZE];
    assert_int_equal(migrate(fixture, NULL, 0, error), STATUS_OK);
    PGconn *connection = PQconnectdb(fixture->url);
    static const char claim[] = "INSERT INTO usher.seat_claim VALUES (1, 5, gen_random_uuid())";
    PGresult *result = PQexec(connection, claim);
    assert_int_equal(PQresultStatus(result), PGRES_COMMAND_OK);
    PQclear(result);
    result = PQexec(connection, claim);
    assert_int_equal(PQresultStatus(result), PGRES_FATAL_ERROR);
    assert_string_equal(PQresultErrorField(result, PG_DIAG_SQLSTATE), "23505");
    PQclear(result);
    PQfinish(connection);
    assert_int_equal(sql_number(sql, "SELECT count(*) FROM usher.seat_claim", NULL), 1);
    sql_close(sql);
}

static void partitions_are_the_same_in_c_and_sql(void **state) {
    struct fixture *fixture = *state;
    struct sql *sql = open_new_database(fixture);
    char error[MIGRATE_ERROR_SIZE];
    assert_int_equal(migrate(fixture, NULL, 0, error), STATUS_OK);
    PGresult *rows = sql_rows(sql,
                              "SELECT id, usher.partition_of_event(id) FROM ("
                              " SELECT generate_series(1, 5000) UNION ALL"
                              " SELECT 1::bigint << bit FROM generate_series(0, 62) bit UNION ALL"
                              " SELECT (1::bigint << bit) - 1 FROM generate_series(1, 62) bit"
                              " UNION ALL SELECT 9223372036854775807 UNION ALL"
                              " SELECT ('x' || substr(md5(n::text), 1, 16))::bit(64)::bigint"
                              "        & 9223372036854775807 FROM generate_series(1, 5000) n"
                              ") AS ids(id)",
                              NULL);
    assert_true(PQntuples(rows) > 10000);
    for (int i = 0; i < PQntuples(rows); i++) {
        uint64_t id = strtoull(PQgetvalue(rows, i, 0), NULL, 10);
        expect(strtoul(PQgetvalue(rows, i, 1), NULL, 10) == partition_of_event(id),
               "event %" PRIu64 " is in another partition", id);
    }
    PQclear(rows);
    sql_close(sql);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_runners_at_once_apply_once),
        cmocka_unit_test(installation_is_made_once),
        cmocka_unit_test(another_hash_or_count_is_refused),
        cmocka_unit_test(new_migrations_are_applied_in_order),
        cmocka_unit_test(edited_migration_is_refused),
        cmocka_unit_test(newer_database_is_refused),
        cmocka_unit_test(gaps_are_refused),
        cmocka_unit_test(failing_migration_leaves_nothing),
        cmocka_unit_test(report_views_have_the_documented_columns),
        cmocka_unit_test(report_views_tell_the_state_of_seats),
        cmocka_unit_test(database_refuses_a_second_claim_on_a_seat),
        cmocka_unit_test(partitions_are_the_same_in_c_and_sql),
    };
    return cmocka_run_group_tests(tests, create_fixture, destroy_fixture);
}
