/* Three times as much is asked as can be served: nearly as much as ever is served, in time, the
 * rest is told so at once, and looking goes on.
 *
 * What limits usher here is a database that takes its time over every booking, so that the load
 * generator on the same machine does not take away what it measures. */
#include "tests/support/expect.h"
#include "tests/support/shop.h"
#include "tests/support/wait.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/resource.h>

enum {
    ROWS = 4,
    SEATS = 500, /* a row */
    EVENTS = 80,
    PEAK_CONNECTIONS = 256,
    CONNECTIONS = 3000,
    ASKERS = 200,
    FILES = CONNECTIONS + 1000,
    PEAK_SECONDS = 4,
    SECONDS = 9, /* long beside a batch, of which the last does not count */
    TIMES = 3,
    LOOK_MS = 1000,   /* the slowest, while everything is asked for */
    SERVED_MS = 5000, /* p99 of what is served */
    LOAD_MS = 60000,
    LOG_SIZE = FOLDER_PATH_SIZE + 32,
};
static const double GOAL = 0.8; /* of the peak */

/* So does every booking from now on. */
static void take_time(struct cluster *cluster) {
    sql_run(cluster->sql,
            "CREATE FUNCTION usher.take_time() RETURNS trigger LANGUAGE plpgsql AS "
            "'BEGIN PERFORM pg_sleep(0.0007); RETURN NULL; END'",
            NULL);
    sql_run(cluster->sql,
            "CREATE TRIGGER take_time AFTER INSERT ON usher.booking "
            "FOR EACH ROW EXECUTE FUNCTION usher.take_time()",
            NULL);
}

static void allow_files(void) {
    struct rlimit limit;
    ensure(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    expect(limit.rlim_max >= FILES, "only %llu files may be open here",
           (unsigned long long)limit.rlim_max);
    limit.rlim_cur = limit.rlim_max;
    ensure(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

static void write_seats(const struct cluster *cluster, char path[FOLDER_PATH_SIZE + 16]) {
    (void)snprintf(path, FOLDER_PATH_SIZE + 16, "%s/seats", cluster->folder);
    FILE *file = fopen(path, "we");
    ensure(file != NULL);
    for (unsigned i = 0; i < ROWS * SEATS; i++) {
        (void)fprintf(file, "%c%u\n", 'A' + (int)(i / SEATS), i % SEATS + 1);
    }
    ensure(fclose(file) == 0);
}

/* New events, separated by commas; the caller's. */
static char *make_events(struct cluster *cluster, int64_t venue_id) {
    char *list = NULL;
    size_t size_bytes = 0;
    FILE *out = open_memstream(&list, &size_bytes);
    ensure(out != NULL);
    const struct shop_event event = {.venue_id = venue_id, .hold_seconds = 3600};
    for (unsigned i = 0; i < EVENTS; i++) {
        (void)fprintf(out, "%s%" PRId64, i > 0 ? "," : "", shop_event(cluster, &event));
    }
    ensure(fclose(out) == 0);
    return list;
}

/* Starts the load generator; `rate` 0: a closed loop. */
static struct process *start_load(struct cluster *cluster, int64_t venue_id, unsigned connections,
                                  int seconds, double rate) {
    char url[64], seats[FOLDER_PATH_SIZE + 16], answers[FOLDER_PATH_SIZE + 16], log[LOG_SIZE];
    char connections_text[16], seconds_text[16], rate_text[32];
    char *events = make_events(cluster, venue_id);
    write_seats(cluster, seats);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u", cluster->gateways[0].port);
    (void)snprintf(answers, sizeof answers, "%s/answers", cluster->folder);
    (void)snprintf(log, sizeof log, "%s/load-%s", cluster->folder, rate > 0 ? "open" : "closed");
    (void)snprintf(connections_text, sizeof connections_text, "%u", connections);
    (void)snprintf(seconds_text, sizeof seconds_text, "%d", seconds);
    (void)snprintf(rate_text, sizeof rate_text, "%.0f", rate);
    const char *const arguments[] = {USHER_LOAD,
                                     "reserve",
                                     "--url",
                                     url,
                                     "--seats",
                                     seats,
                                     "--events",
                                     events,
                                     "--answers",
                                     answers,
                                     "--connections",
                                     connections_text,
                                     "--seconds",
                                     seconds_text,
                                     rate > 0 ? "--rate" : NULL,
                                     rate_text,
                                     NULL};
    const struct process_start start = {
        .name = "usher-load", .arguments = arguments, .log_path = log};
    struct process *load = process_start(&start);
    free(events);
    return load;
}

/* What it says, after what it complains about. Frees the process. */
static json_t *end_load(struct process *load) {
    int status = -1;
    expect(process_wait(load, LOAD_MS, &status) && status == 0, "the load generator failed");
    char text[8192];
    FILE *file = fopen(process_log_path(load), "re");
    ensure(file != NULL);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    ensure(fclose(file) == 0);
    const char *said = strstr(text, "{\"reservations\"");
    json_t *result = said != NULL ? json_loads(said, 0, NULL) : NULL;
    expect(result != NULL, "the load generator said %s", text);
    process_destroy(load);
    return result;
}

static double number_of(const json_t *result, const char *name) {
    const json_t *number = json_object_get(result, name);
    expect(json_is_number(number), "the load generator did not say %s", name);
    return json_number_value(number);
}

/* People who ask for a seat, one after another, so that what those who are turned away are told is
 * held to the document. */
struct askers {
    struct http_connection *connections[ASKERS];
    bool wait[ASKERS];
    struct http_request request;
    char body[SHOP_TEXT_SIZE];
    unsigned turned_away;
};

static void askers_open(struct askers *askers, struct cluster *cluster, int64_t event_id,
                        const struct shop_customer *customer) {
    for (size_t i = 0; i < ASKERS; i++) {
        askers->connections[i] = http_connection_create(cluster->gateways[0].port);
    }
    askers->request =
        (struct http_request){.method = "POST",
                              .path = "/bookings/reserve",
                              .token = customer->token,
                              .body = shop_reserve_body(askers->body, event_id, "A1")};
}

/* One more asks, whatever became of those before: who waits for an answer asks again when there is
 * room, and is never turned away. */
static void ask(struct askers *askers) {
    bool asked = false;
    http_drive(askers->connections, ASKERS, 0);
    for (size_t i = 0; i < ASKERS; i++) {
        struct http_answer answer;
        if (askers->wait[i] && http_connection_take(askers->connections[i], &answer)) {
            askers->wait[i] = false;
            askers->turned_away += answer.status == 503;
            http_answer_free(&answer);
        }
        if (!askers->wait[i] && !asked) {
            http_connection_send(askers->connections[i], &askers->request, HTTP_CALL_MS);
            askers->wait[i] = asked = true;
        }
    }
    http_drive(askers->connections, ASKERS, 0);
}

static void askers_close(struct askers *askers) {
    for (size_t i = 0; i < ASKERS; i++) {
        http_connection_destroy(askers->connections[i]);
    }
}

/* Looks at the site, and asks, until `load` ends; returns how long the slowest look took. */
static int64_t look_on(struct cluster *cluster, int64_t event_id, struct process *load) {
    char seats[64];
    int64_t slowest_ms = 0;
    struct wait wait = wait_at_most(LOAD_MS);
    struct shop_customer customer;
    struct askers askers = {.turned_away = 0};
    shop_customer(cluster, &customer);
    askers_open(&askers, cluster, event_id, &customer);
    (void)snprintf(seats, sizeof seats, "/events/%" PRId64 "/seats?format=compact", event_id);
    while (process_runs(load)) {
        const char *const paths[] = {"/healthz", "/events", seats};
        for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
            struct http_answer answer = shop_get(cluster, 0, paths[i]);
            int64_t took_ms = (answer.done_us - answer.sent_us) / 1000;
            slowest_ms = took_ms > slowest_ms ? took_ms : slowest_ms;
            shop_expect(answer, 200, NULL);
        }
        ask(&askers);
        wait_again(&wait, "the load to end");
    }
    askers_close(&askers);
    expect(askers.turned_away > 0, "nobody but the load was turned away");
    return slowest_ms;
}

static void goodput_stays_near_the_peak(void **state) {
    static const struct cluster_options options = {.workers = 1, .gateways = 1};
    allow_files();
    struct cluster *cluster = cluster_create(state, &options);
    int64_t venue_id = shop_venue(cluster, ROWS, SEATS);
    const struct shop_event event = {.venue_id = venue_id};
    int64_t event_id = shop_event(cluster, &event);
    take_time(cluster);

    json_t *result = end_load(start_load(cluster, venue_id, PEAK_CONNECTIONS, PEAK_SECONDS, 0));
    double peak = number_of(result, "perSecond");
    assert_true(number_of(result, "refused") == 0);
    json_decref(result);

    struct process *load = start_load(cluster, venue_id, CONNECTIONS, SECONDS, TIMES * peak);
    int64_t slowest_ms = look_on(cluster, event_id, load);
    result = end_load(load);
    double goodput = number_of(result, "perSecond");
    const json_t *latency = json_object_get(result, "latencyMs");
    double p50_ms = number_of(latency, "p50"), p99_ms = number_of(latency, "p99");
    printf("%.0f/s can be served; %.0f/s asked for %d s: %.0f/s served (%.0f %% of the peak; p50 "
           "%.0f ms, p99 %.0f ms), %.0f answered 503, %.0f not sent; the slowest look took %lld "
           "ms\n",
           peak, TIMES * peak, SECONDS, goodput, 100 * goodput / peak, p50_ms, p99_ms,
           number_of(result, "overloaded"), number_of(result, "unsent"), (long long)slowest_ms);
    assert_true(goodput >= GOAL * peak);
    assert_true(p99_ms < SERVED_MS);
    assert_true(slowest_ms < LOOK_MS);
    assert_true(number_of(result, "overloaded") > 0);
    assert_true(number_of(result, "refused") == number_of(result, "overloaded"));
    assert_true(number_of(result, "wrong") == 0 && number_of(result, "lost") == 0);
    json_decref(result);
    shop_expect_sound_database(cluster);
    cluster_finish(cluster);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(goodput_stays_near_the_peak, cluster_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
