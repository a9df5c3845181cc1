#include "tests/integration/stage.h"
#include "tests/support/expect.h"
#include "tests/support/http_client.h"
#include "tests/support/wait.h"

#include "shared/ids.h"
#include "shared/partition.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { MIGRATE_MS = 60000, END_MS = 15000, TAIL_LINES = 30, SETTING_SIZE = 320, OWN_SETTINGS = 8 };

static const char MAKE_SHOW[] =
    "CREATE FUNCTION usher_test_show(seats integer, hold_seconds integer, seats_per_user integer)"
    " RETURNS bigint LANGUAGE plpgsql AS $$"
    " DECLARE venue bigint; show bigint; BEGIN"
    " INSERT INTO usher.venue (name, city, country, time_zone)"
    " VALUES ('Test Hall', 'Hamburg', 'DE', 'Europe/Berlin') RETURNING venue_id INTO venue;"
    " INSERT INTO usher.layout VALUES (venue, 1, seats, '{normal}', '[]');"
    " INSERT INTO usher.layout_section VALUES (venue, 1, 0, 'Floor', true, 0, 0, seats);"
    " INSERT INTO usher.layout_seat SELECT venue, 1, n, 'Floor-' || n + 1, 'Floor', '', n + 1"
    " FROM generate_series(0, seats - 1) n;"
    " INSERT INTO usher.event (name, venue_id, layout_version, start_time, currency, prices,"
    " hold_seconds, seats_per_user) VALUES ('Test Night', venue, 1, '2099-06-01', 'EUR', '{2500}',"
    " hold_seconds, seats_per_user) RETURNING event_id INTO show;"
    " INSERT INTO usher.show (event_id, partition_id, seats_available)"
    " SELECT e.event_id, e.partition_id, seats FROM usher.event e WHERE e.event_id = show;"
    " RETURN show; END $$";

static void migrate(struct stage *stage, const char *url) {
    char log[PATH_MAX], setting[SETTING_SIZE];
    (void)snprintf(log, sizeof log, "%s/migrate.log", stage->folder);
    (void)snprintf(setting, sizeof setting, "USHER_DATABASE_URL=%s", url);
    const struct process_start start = {.name = "usherctl migrate",
                                        .arguments = (const char *[]){USHERCTL, "migrate", NULL},
                                        .environment = (const char *[]){setting, NULL},
                                        .log_path = log};
    int status = process_run(&start, MIGRATE_MS);
    expect(status == 0, "usherctl migrate ended with %d", status);
}

struct stage *stage_create(void **state) {
    struct stage *stage = calloc(1, sizeof *stage);
    ensure(stage != NULL);
    *state = stage;
    folder_create(stage->folder);
    postgres_create(&stage->postgres, stage->folder);
    nats_create(&stage->nats, stage->folder);
    postgres_create_database(&stage->postgres, "usher");
    char url[SERVER_URL_SIZE];
    postgres_url(&stage->postgres, "usher", false, url);
    migrate(stage, url);
    stage->sql = sql_open(url);
    sql_run(stage->sql, MAKE_SHOW, NULL);
    char *installation =
        sql_text(stage->sql, "SELECT installation_id FROM usher.installation", NULL);
    expect(id128_from_uuid(installation, &stage->installation) == STATUS_OK, "no installation");
    free(installation);
    return stage;
}

void stage_start_worker(struct stage *stage, unsigned worker, const struct nats_server *nats,
                        const char *const *settings) {
    struct stage_worker *place = &stage->workers[worker];
    char folder[FOLDER_PATH_SIZE]; /* a copy: to GCC, workers[worker] might reach into the original
                                    */
    char log[PATH_MAX], url[SERVER_URL_SIZE], texts[OWN_SETTINGS][SETTING_SIZE];
    const char *environment[OWN_SETTINGS + STAGE_SETTINGS_MAX + 1] = {NULL};
    size_t count = 0;
    ensure(place->process == NULL);
    memcpy(folder, stage->folder, sizeof folder);
    if (place->ops_port == 0) {
        place->ops_port = port_claim();
        (void)snprintf(place->name, sizeof place->name, "worker-%u", worker + 1);
        (void)snprintf(place->failpoints, sizeof place->failpoints, "%s/worker-%u.failpoints",
                       folder, worker + 1);
        expect(mkdir(place->failpoints, 0755) == 0, "can't make %s", place->failpoints);
    }
    postgres_url(&stage->postgres, "usher", worker % 2 == 0, url);
    (void)snprintf(texts[count++], SETTING_SIZE, "USHER_DATABASE_URL=%s", url);
    nats_url(nats != NULL ? nats : &stage->nats, url);
    (void)snprintf(texts[count++], SETTING_SIZE, "USHER_NATS_URL=%s", url);
    (void)snprintf(texts[count++], SETTING_SIZE, "USHER_PROCESS=%s", place->name);
    (void)snprintf(texts[count++], SETTING_SIZE, "USHER_OPS_PORT=%u", place->ops_port);
    (void)snprintf(texts[count++], SETTING_SIZE, "USHER_FAILPOINT_DIR=%s", place->failpoints);
    for (size_t i = 0; i < count; i++) {
        environment[i] = texts[i];
    }
    for (size_t i = 0; settings != NULL && settings[i] != NULL; i++) {
        ensure(i < STAGE_SETTINGS_MAX);
        environment[count++] = settings[i];
    }
    (void)snprintf(log, sizeof log, "%s/%s.log", folder, place->name);
    const struct process_start start = {.name = place->name,
                                        .arguments = (const char *[]){USHER_WORKER, NULL},
                                        .environment = environment,
                                        .log_path = log};
    place->process = process_start(&start);
}

void stage_expect_ended(struct stage *stage, unsigned worker) {
    struct stage_worker *place = &stage->workers[worker];
    int status = 0;
    expect(process_wait(place->process, END_MS, &status), "%s does not end", place->name);
    expect(status == 0, "%s ended with wait status 0x%x", place->name, (unsigned)status);
    const char *log = process_log_path(place->process);
    expect(!folder_file_contains(log, "Sanitizer:") && !folder_file_contains(log, "runtime error:"),
           "a sanitizer complains in %s", log);
    process_destroy(place->process);
    place->process = NULL;
}

void stage_end_worker(struct stage *stage, unsigned worker) {
    struct stage_worker *place = &stage->workers[worker];
    expect(process_runs(place->process), "%s has died by itself", place->name);
    process_thaw(place->process);
    process_signal(place->process, SIGTERM);
    stage_expect_ended(stage, worker);
}

void stage_finish(struct stage *stage) {
    for (unsigned i = 0; i < STAGE_WORKERS_MAX; i++) {
        if (stage->workers[i].process != NULL) {
            stage_end_worker(stage, i);
        }
    }
    stage->finished = true;
}

int stage_teardown(void **state) {
    struct stage *stage = *state;
    if (stage == NULL) {
        return 0;
    }
    for (unsigned i = 0; i < STAGE_WORKERS_MAX; i++) {
        if (stage->workers[i].process != NULL) {
            folder_print_tail(process_log_path(stage->workers[i].process), TAIL_LINES);
        }
        process_destroy(stage->workers[i].process);
    }
    sql_close(stage->sql);
    nats_destroy(&stage->nats);
    postgres_destroy(&stage->postgres);
    if (stage->finished) {
        folder_remove(stage->folder);
    } else {
        (void)fprintf(stderr, "--- logs and data of the failed test: %s\n", stage->folder);
    }
    free(stage);
    *state = NULL;
    return 0;
}

/* --- looking */

int64_t stage_partitions(struct stage *stage, unsigned worker) {
    char pid[24];
    (void)snprintf(pid, sizeof pid, "%d", process_pid(stage->workers[worker].process));
    return sql_number(stage->sql,
                      "SELECT count(*) FROM usher.partition p"
                      " JOIN usher.worker_instance w ON w.instance = p.owner WHERE w.pid = $1",
                      (const char *[]){pid, NULL});
}

void stage_wait_partitions(struct stage *stage, unsigned worker, int64_t wanted, int64_t limit_ms) {
    struct wait wait = wait_at_most(limit_ms);
    while (stage_partitions(stage, worker) != wanted) {
        wait_again(&wait, "a worker to own its share");
    }
}

int64_t stage_number(struct stage *stage, unsigned worker, const char *name) {
    struct http_answer answer;
    const struct http_request request = {.method = "GET", .path = "/readyz", .unchecked = true};
    http_call(stage->workers[worker].ops_port, &request, &answer);
    int64_t number = http_answer_number(&answer, name);
    expect(number >= 0, "no number %s in %s", name, answer.body != NULL ? answer.body : "");
    http_answer_free(&answer);
    return number;
}

int64_t stage_show(struct stage *stage, const struct stage_show *show) {
    char seats[16], hold[16], limit[16];
    (void)snprintf(seats, sizeof seats, "%u", show->seats);
    (void)snprintf(hold, sizeof hold, "%u", show->hold_seconds > 0 ? show->hold_seconds : 300);
    (void)snprintf(limit, sizeof limit, "%u", show->seats_per_user > 0 ? show->seats_per_user : 8);
    return sql_number(stage->sql, "SELECT usher_test_show($1, $2, $3)",
                      (const char *[]){seats, hold, limit, NULL});
}

int64_t stage_event_number(struct stage *stage, const char *query, int64_t event_id) {
    char event[24];
    (void)snprintf(event, sizeof event, "%" PRId64, event_id);
    return sql_number(stage->sql, query, (const char *[]){event, NULL});
}

int64_t stage_booking_status(struct stage *stage, const struct id128 *booking_id) {
    char id[UUID_TEXT_SIZE];
    return sql_number(
        stage->sql, "SELECT coalesce((SELECT status FROM usher.booking WHERE booking_id = $1), 0)",
        (const char *[]){id128_to_uuid(booking_id, id), NULL});
}

void stage_expect_sound_database(struct stage *stage) {
    static const char *const unsound[] = {
        "SELECT count(*) FROM (SELECT event_id, seat FROM usher.booking, unnest(seats) seat"
        " WHERE status IN (1, 2) GROUP BY 1, 2 HAVING count(*) > 1) t",
        "SELECT count(*) FROM usher.booking b CROSS JOIN unnest(b.seats) AS s(seat)"
        " FULL JOIN usher.seat_claim c ON c.event_id = b.event_id AND c.seat = s.seat"
        " AND c.booking_id = b.booking_id WHERE (c.seat IS NULL AND b.status IN (1, 2))"
        " OR (c.booking_id IS NOT NULL AND b.status IS DISTINCT FROM 1 AND"
        " b.status IS DISTINCT FROM 2)",
        "SELECT count(*) FROM usher.show s JOIN usher.event e USING (event_id)"
        " JOIN usher.layout l USING (venue_id, layout_version) WHERE s.seats_available <>"
        " l.seat_count - (SELECT count(*) FROM usher.seat_claim c WHERE c.event_id = s.event_id)"
        " OR s.open_holds <> (SELECT count(*) FROM usher.booking b"
        " WHERE b.event_id = s.event_id AND b.status = 1)",
    };
    for (size_t i = 0; i < ARRAY_LEN(unsound); i++) {
        int64_t rows = sql_number(stage->sql, unsound[i], NULL);
        expect(rows == 0, "%lld rows: %s", (long long)rows, unsound[i]);
    }
}
