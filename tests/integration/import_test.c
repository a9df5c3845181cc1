/* usherctl as people call it: imports and status. */
#include "shared/partition.h"
#include "tests/support/expect.h"
#include "tests/support/process.h"
#include "tests/support/servers.h"
#include "tests/support/sql.h"

#include <jansson.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RUN_MS = 60000, PATH_SIZE = FOLDER_PATH_SIZE + 64 };

struct fixture {
    char folder[FOLDER_PATH_SIZE];
    struct postgres_server server;
    unsigned count;
    /* of the test in hand */
    char url[SERVER_URL_SIZE];
    char log_path[PATH_SIZE]; /* what the last call printed */
    struct sql *sql;
};

/* Runs usherctl with these arguments. Returns its exit status. */
static int usherctl(struct fixture *fixture, const char *first, const char *second,
                    const char *third) {
    char setting[SERVER_URL_SIZE + 32];
    snprintf(setting, sizeof setting, "USHER_DATABASE_URL=%s", fixture->url);
    unlink(fixture->log_path);
    const struct process_start start = {
        .name = "usherctl",
        .arguments = (const char *[]){USHERCTL, first, second, third, NULL},
        .environment = (const char *[]){setting, NULL},
        .log_path = fixture->log_path,
    };
    return process_run(&start, RUN_MS);
}

static bool has_printed(const struct fixture *fixture, const char *text) {
    return folder_file_contains(fixture->log_path, text);
}

static int64_t count(struct fixture *fixture, const char *query) {
    return sql_number(fixture->sql, query, NULL);
}

static int create_servers(void **state) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    folder_create(fixture->folder);
    snprintf(fixture->log_path, sizeof fixture->log_path, "%s/usherctl.log", fixture->folder);
    postgres_create(&fixture->server, fixture->folder);
    *state = fixture;
    return 0;
}

static int destroy_servers(void **state) {
    struct fixture *fixture = *state;
    postgres_destroy(&fixture->server);
    folder_remove(fixture->folder);
    free(fixture);
    return 0;
}

/* A migrated database for each test. */
static int create_database(void **state) {
    struct fixture *fixture = *state;
    char name[32];
    snprintf(name, sizeof name, "usher%u", fixture->count++);
    postgres_create_database(&fixture->server, name);
    postgres_url(&fixture->server, name, false, fixture->url);
    fixture->sql = sql_open(fixture->url);
    assert_int_equal(usherctl(fixture, "migrate", NULL, NULL), 0);
    return 0;
}

static int close_database(void **state) {
    struct fixture *fixture = *state;
    sql_close(fixture->sql);
    return 0;
}

/* Writes a file with ' for " and imports it. Returns usherctl's exit status. */
static int import_text(struct fixture *fixture, const char *text) {
    char *copy = strdup(text);
    for (char *at = copy; (at = strchr(at, '\'')) != NULL;) {
        *at = '"';
    }
    folder_write(fixture->folder, "import.json", 0644, copy);
    free(copy);
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/import.json", fixture->folder);
    return usherctl(fixture, "import", path, NULL);
}

/* --- the demo catalogue -------------------------------------------------------------------- */

static void demo_has_venues_and_events_ahead(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(usherctl(fixture, "import", "--once", USHER_DEMO), 0);
    assert_true(has_printed(fixture, "event 1: "));
    assert_true(count(fixture, "SELECT count(*) FROM usher.venue") >= 12);
    assert_true(count(fixture, "SELECT count(DISTINCT city) FROM usher.venue v"
                               " WHERE EXISTS (SELECT FROM usher.event e"
                               "               WHERE e.venue_id = v.venue_id)") >= 10);
    assert_true(count(fixture, "SELECT count(DISTINCT time_zone) FROM usher.venue") >= 8);
    assert_true(count(fixture, "SELECT count(*) FROM usher.event") >= 40);
    assert_int_equal(count(fixture, "SELECT count(*) FROM usher.event"
                                    " WHERE start_time < now() + interval '2 days'"
                                    "    OR start_time <= on_sale_time OR cardinality(artists) = 0"
                                    "    OR description = ''"),
                     0);
    assert_true(count(fixture, "SELECT count(*) FROM usher.event WHERE on_sale_time IS NULL") >=
                20);
    /* on the minute by the venue's clock, wherever that is */
    assert_int_equal(count(fixture,
                           "SELECT count(*) FROM usher.event e JOIN usher.venue USING (venue_id)"
                           " WHERE (e.start_time AT TIME ZONE time_zone)::time"
                           "       NOT BETWEEN '14:00' AND '22:00'"),
                     0);
    /* club, theatre, arena */
    assert_int_equal(count(fixture, "SELECT count(*) FROM usher.layout WHERE seat_count = 400"), 5);
    assert_int_equal(
        count(fixture, "SELECT count(*) FROM usher.layout WHERE seat_count BETWEEN 1400 AND 1600"),
        5);
    assert_int_equal(
        count(fixture,
              "SELECT count(*) FROM usher.layout WHERE seat_count BETWEEN 17500 AND 18500"),
        5);
}

static void stored_layouts_and_shows_are_consistent(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(usherctl(fixture, "import", USHER_DEMO, NULL), 0);
    static const char *const none[] = {
        "SELECT count(*) FROM usher.layout l WHERE seat_count <>"
        " (SELECT count(*) FROM usher.layout_seat s WHERE s.venue_id = l.venue_id)",
        "SELECT count(*) FROM usher.layout l WHERE seat_count <>"
        " (SELECT sum(seat_count) FROM usher.layout_section s WHERE s.venue_id = l.venue_id)",
        /* sections lie one after another */
        "SELECT count(*) FROM (SELECT first_seat, coalesce(lag(first_seat + seat_count)"
        "   OVER (PARTITION BY venue_id ORDER BY section_no), 0) AS wanted"
        "  FROM usher.layout_section) AS s WHERE first_seat <> wanted",
        /* the JSON's seats are the table's, in the same order */
        "SELECT count(*) FROM (SELECT venue_id, seat->>'id' AS id, row_number()"
        "   OVER (PARTITION BY venue_id ORDER BY s.n, r.n, t.n) - 1 AS position"
        "  FROM usher.layout, jsonb_array_elements(sections) WITH ORDINALITY s(section, n),"
        "   jsonb_array_elements(section->'rows') WITH ORDINALITY r(row, n),"
        "   jsonb_array_elements(row->'seats') WITH ORDINALITY t(seat, n)) AS j"
        " FULL JOIN usher.layout_seat l ON l.venue_id = j.venue_id AND l.seat = j.position"
        " WHERE j.id IS DISTINCT FROM l.seat_id",
        "SELECT count(*) FROM usher.event e JOIN usher.layout USING (venue_id, layout_version)"
        " WHERE cardinality(prices) <> cardinality(categories)",
        "SELECT count(*) FROM usher.event e LEFT JOIN usher.show s USING (event_id)"
        " JOIN usher.layout l USING (venue_id, layout_version)"
        " WHERE s.seats_available IS DISTINCT FROM l.seat_count"
        "    OR s.partition_id IS DISTINCT FROM e.partition_id",
        "SELECT count(*) FROM report.seats WHERE status <> 'AVAILABLE'",
    };
    for (size_t i = 0; i < ARRAY_LEN(none); i++) {
        expect(count(fixture, none[i]) == 0, "there is a row that breaks: %s", none[i]);
    }
    PGresult *events =
        sql_rows(fixture->sql, "SELECT event_id, partition_id FROM usher.event", NULL);
    for (int i = 0; i < PQntuples(events); i++) {
        uint32_t partition = partition_of_event(strtoull(PQgetvalue(events, i, 0), NULL, 10));
        assert_int_equal(strtoul(PQgetvalue(events, i, 1), NULL, 10), partition);
    }
    PQclear(events);
}

static void a_file_is_stored_once(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(usherctl(fixture, "import", USHER_DEMO, NULL), 0);
    int64_t events = count(fixture, "SELECT count(*) FROM usher.event");
    assert_int_equal(usherctl(fixture, "import", USHER_DEMO, NULL), 0);
    assert_true(has_printed(fixture, "(there already)"));
    assert_int_equal(count(fixture, "SELECT count(*) FROM usher.event"), events);
    assert_int_equal(usherctl(fixture, "import", "--once", USHER_DEMO), 0);
    assert_true(has_printed(fixture, "nothing to do"));
    assert_int_equal(count(fixture, "SELECT count(*) FROM usher.event"), events);
}

/* --- formats ------------------------------------------------------------------------------- */

#define VENUE                                                                                      \
    "{'name':'V','city':'C','country':'NO','timeZone':'Europe/Oslo','sections':["                  \
    "{'name':'S','priceCategory':'P','capacity':3}]}"
#define EVENT                                                                                      \
    "{'name':'E','venueId':1,'startTime':'2030-05-17T19:30:00+02:00',"                             \
    "'prices':{'P':{'value':100,'currency':'NOK'}}}"
#define BUNDLE(venues, events)                                                                     \
    "{'venues':[{'key':'a','name':'V','city':'C','country':'NO','timeZone':'Europe/Oslo',"         \
    "'sections':[{'name':'S','priceCategory':'P','capacity':3}]}" venues "],'events':[" events     \
    "]}"
#define PRICES "'prices':{'P':{'value':100,'currency':'NOK'}}"

static void plain_requests_can_be_imported(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(import_text(fixture, VENUE), 0);
    assert_true(has_printed(fixture, "venue 1: V, C, 3 seats"));
    assert_int_equal(import_text(fixture, EVENT), 0);
    assert_true(has_printed(fixture, "event 1: E"));
    assert_int_equal(count(fixture, "SELECT count(*) FROM usher.event WHERE hold_seconds = 300"
                                    " AND start_time = '2030-05-17T17:30:00Z'"),
                     1);
    assert_int_equal(import_text(fixture, "[" EVENT "," VENUE "," EVENT "]"), 0);
    assert_int_equal(count(fixture, "SELECT count(*) FROM usher.event"), 3);
    assert_int_equal(count(fixture, "SELECT count(*) FROM usher.venue"), 2);
}

static void dates_are_by_the_venues_clock(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(
        import_text(fixture,
                    BUNDLE(",{'key':'b','layoutOf':'a','name':'W','city':'D','country':'NZ',"
                           "'timeZone':'Pacific/Kiritimati'}",
                           "{'venue':'b','name':'E','startsInDays':7,'startLocalTime':'00:15',"
                           "'onSaleInHours':5," PRICES "}")),
        0);
    assert_int_equal(
        count(fixture, "SELECT count(*) FROM usher.event e JOIN usher.venue USING (venue_id)"
                       " WHERE city = 'D' AND (start_time AT TIME ZONE time_zone)::time = '00:15'"
                       " AND (start_time AT TIME ZONE time_zone)::date"
                       "     - (e.created_at AT TIME ZONE time_zone)::date = 7"
                       " AND on_sale_time BETWEEN e.created_at + interval '299 minutes'"
                       "                      AND e.created_at + interval '300 minutes'"),
        1);
}

static void bad_files_change_nothing(void **state) {
    struct fixture *fixture = *state;
    static const struct {
        const char *text;
        const char *printed;
    } bad[] = {
        {"{'venues':", "is not JSON"},
        {"{'venues':[],'shows':[]}", "shows"},
        {"{'venues':{}}", "must be a list"},
        {"[7]", "[0]: must be an object"},
        {"[" VENUE ",{'name':'W'}]", "[1]"},
        {"[" VENUE "," VENUE ",{'name':'W','sections':7}]", "[2].sections"},
        {"[{'name':'V','city':'C','country':'NO','timeZone':'Europe/Atlantis','sections':["
         "{'name':'S','priceCategory':'P','capacity':3}]}]",
         "[0].timeZone"},
        {"{'name':'E','venueId':9,'startTime':'2030-05-17T19:30:00Z'," PRICES "}", "no such venue"},
        {BUNDLE("", "{'venue':'b','name':'E'}"), "events[0].venue"},
        {BUNDLE("", "{'venue':'a','venueId':1,'name':'E'}"), "events[0].venue"},
        {BUNDLE("", "{'venue':'a','name':'E','startsInDays':1," PRICES "}"),
         "events[0].startsInDays"},
        {BUNDLE("",
                "{'venue':'a','name':'E','startsInDays':-1,'startLocalTime':'19:30'," PRICES "}"),
         "events[0].startsInDays"},
        {BUNDLE("", "{'venue':'a','name':'E','startsInDays':1,'startLocalTime':'7 pm'," PRICES "}"),
         "events[0].startLocalTime"},
        {BUNDLE("",
                "{'venue':'a','name':'E','startsInDays':1,'startLocalTime':'24:00'," PRICES "}"),
         "events[0].startLocalTime"},
        {BUNDLE("", "{'venue':'a','name':'E','startsInDays':1,'startLocalTime':'19:30'}"),
         "events[0].prices"},
        {BUNDLE(",{'key':'a','layoutOf':'a','name':'W','city':'D','country':'NZ','timeZone':'UTC'}",
                ""),
         "venues[1].key"},
        {BUNDLE(",{'layoutOf':'z','name':'W','city':'D','country':'NZ','timeZone':'UTC'}", ""),
         "venues[1].layoutOf"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(import_text(fixture, bad[i].text), 1);
        expect(has_printed(fixture, bad[i].printed), "%s: \"%s\" is not said", bad[i].text,
               bad[i].printed);
        assert_true(has_printed(fixture, "nothing was imported"));
        assert_int_equal(count(fixture, "SELECT count(*) FROM usher.venue"), 0);
    }
    assert_int_equal(usherctl(fixture, "import", "/nowhere.json", NULL), 1);
    assert_true(has_printed(fixture, "/nowhere.json: can't be read"));
    assert_int_equal(usherctl(fixture, "import", "--once", NULL), 2);
}

/* --- status -------------------------------------------------------------------------------- */

/* A worker that lives (this test holds its lock), and a dead one that still owns a partition. */
static void add_workers(struct fixture *fixture, const char *instance) {
    static const char insert[] = "INSERT INTO usher.worker_instance (instance, process, host, pid)"
                                 " VALUES ($1, $2, 'localhost', 7)";
    sql_run(fixture->sql, insert, (const char *[]){instance, "worker-1", NULL});
    sql_run(fixture->sql, insert, (const char *[]){"42", "worker-2", NULL});
    sql_run(fixture->sql, insert, (const char *[]){"43", "worker-3", NULL});
    sql_run(fixture->sql, "SELECT pg_advisory_lock($1)", (const char *[]){instance, NULL});
    sql_run(fixture->sql,
            "UPDATE usher.partition SET owner = $1, epoch = 5, served_ms = 1500"
            " WHERE partition_id < 63",
            (const char *[]){instance, NULL});
    sql_run(fixture->sql, "UPDATE usher.partition SET owner = 42 WHERE partition_id = 62", NULL);
}

static json_t *read_status(struct fixture *fixture) {
    assert_int_equal(usherctl(fixture, "status", "--json", NULL), 0);
    json_error_t error;
    json_t *status = json_load_file(fixture->log_path, 0, &error);
    expect(status != NULL, "no JSON: %s", error.text);
    return status;
}

static void check_status_of(struct fixture *fixture, const char *instance) {
    add_workers(fixture, instance);
    sql_run(fixture->sql, "UPDATE usher.show SET open_holds = 3 WHERE event_id = 1", NULL);
    sql_run(fixture->sql,
            "INSERT INTO usher.booking (event_id, booking_id, user_id, status, body_hash, seats,"
            " prices, amount, currency, created_at, deadline_served_ms, expires_at)"
            " SELECT 1, gen_random_uuid(), gen_random_uuid(), n % 4 + 1, 0, '{1}', '{1}', 1, 'NOK',"
            " now(), 0, now() FROM generate_series(1, 6) n",
            NULL);
    json_t *status = read_status(fixture);
    json_t *partitions = json_object_get(status, "partitions");
    assert_int_equal(json_array_size(partitions), PARTITION_COUNT);
    const char *process;
    const char *owner;
    int alive;
    int partition;
    int epoch;
    assert_int_equal(json_unpack(json_array_get(partitions, 0), "{s:i, s:i, s:s, s:s, s:b}",
                                 "partition", &partition, "epoch", &epoch, "owner", &owner,
                                 "process", &process, "alive", &alive),
                     0);
    assert_int_equal(partition, 0);
    assert_int_equal(epoch, 5);
    assert_string_equal(owner, instance);
    assert_string_equal(process, "worker-1");
    assert_true(alive);
    assert_false(json_is_true(json_object_get(json_array_get(partitions, 62), "alive")));
    assert_true(json_is_null(json_object_get(json_array_get(partitions, 63), "owner")));
    assert_int_equal(json_array_size(json_object_get(status, "workers")), 2);
    const json_t *worker = json_array_get(json_object_get(status, "workers"), 0);
    assert_int_equal(json_integer_value(json_object_get(worker, "partitions")), 62);
    assert_int_equal(json_integer_value(json_object_get(status, "openHolds")), 3);
    const json_t *bookings = json_object_get(status, "bookings");
    assert_int_equal(json_integer_value(json_object_get(bookings, "CONFIRMED")), 2);
    assert_int_equal(json_integer_value(json_object_get(bookings, "EXPIRED")), 1);
    json_decref(status);
}

static void status_tells_owners_holds_and_bookings(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(import_text(fixture, "[" VENUE "," EVENT "]"), 0);
    check_status_of(fixture, "-6148914691236517206"); /* both halves' highest bits set */
    assert_int_equal(usherctl(fixture, "status", NULL, NULL), 0);
    assert_true(has_printed(fixture, "open holds    3"));
    assert_true(has_printed(fixture, "1 pending, 2 confirmed, 2 cancelled, 1 expired"));
    assert_true(has_printed(fixture, "worker-2"));
    assert_false(has_printed(fixture, "worker-3"));
}

static void status_without_tables_says_what_to_do(void **state) {
    struct fixture *fixture = *state;
    sql_run(fixture->sql, "ALTER SCHEMA usher RENAME TO gone", NULL);
    assert_int_equal(usherctl(fixture, "status", NULL, NULL), 1);
    assert_true(has_printed(fixture, "run usherctl migrate"));
}

/* --- settings ------------------------------------------------------------------------------ */

static int usherctl_at_home(struct fixture *fixture, const char *home) {
    char setting[PATH_SIZE];
    snprintf(setting, sizeof setting, "USHER_HOME=%s", home);
    unlink(fixture->log_path);
    const struct process_start start = {
        .name = "usherctl",
        .arguments = (const char *[]){USHERCTL, "migrate", NULL},
        .environment = (const char *[]){setting, NULL},
        .log_path = fixture->log_path,
    };
    return process_run(&start, RUN_MS);
}

static void database_is_found_in_run_env(void **state) {
    struct fixture *fixture = *state;
    char run[PATH_SIZE];
    char line[SERVER_URL_SIZE + 64];
    snprintf(run, sizeof run, "%s/run", fixture->folder);
    assert_int_equal(usherctl_at_home(fixture, fixture->folder), 1);
    assert_true(has_printed(fixture, "which database?"));
    assert_int_equal(mkdir(run, 0755), 0);
    static const char *const forms[] = {"USHER_DATABASE_URL='%s'\n", "USHER_DATABASE_URL=\"%s\"\n",
                                        "USHER_URL=x\nexport USHER_DATABASE_URL='%s'\nUSHER_X=1\n",
                                        "USHER_DATABASE_URL=%s"};
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        const char *place = strstr(forms[i], "%s");
        snprintf(line, sizeof line, "%.*s%s%s", (int)(place - forms[i]), forms[i], fixture->url,
                 place + 2);
        folder_write(run, "env", 0644, line);
        assert_int_equal(usherctl_at_home(fixture, fixture->folder), 0);
        assert_true(has_printed(fixture, "nothing to do"));
    }
}

static void other_commands_explain_themselves(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(usherctl(fixture, "help", NULL, NULL), 0);
    assert_true(has_printed(fixture, "usherctl migrate"));
    assert_int_equal(usherctl(fixture, "settings", NULL, NULL), 0);
    assert_true(has_printed(fixture, "| `USHER_PORT` | `8080` |"));
    assert_int_equal(usherctl(fixture, "migrat", NULL, NULL), 2);
    assert_int_equal(usherctl(fixture, "status", "--xml", NULL), 2);
}

#define WITH_DATABASE(test) cmocka_unit_test_setup_teardown(test, create_database, close_database)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_DATABASE(demo_has_venues_and_events_ahead),
        WITH_DATABASE(stored_layouts_and_shows_are_consistent),
        WITH_DATABASE(a_file_is_stored_once),
        WITH_DATABASE(plain_requests_can_be_imported),
        WITH_DATABASE(dates_are_by_the_venues_clock),
        WITH_DATABASE(bad_files_change_nothing),
        WITH_DATABASE(status_tells_owners_holds_and_bookings),
        WITH_DATABASE(status_without_tables_says_what_to_do),
        WITH_DATABASE(database_is_found_in_run_env),
        WITH_DATABASE(other_commands_explain_themselves),
    };
    return cmocka_run_group_tests(tests, create_servers, destroy_servers);
}
