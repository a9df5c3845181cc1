/* What an operator sees of a cluster at work: the metrics that the programs document, and logs in
 * which nobody is named. */
#include "tests/support/expect.h"
#include "tests/support/shop.h"
#include "tests/support/wait.h"

#include <ftw.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

enum { ROWS_MAX = 64, NAME_SIZE = 96, SECRETS_MAX = 24, PASS_MS = 20000 };

static const struct cluster_options options = {
    .settings = {"USHER_LOG_LEVEL=debug", "USHER_ACCESS_LOG=full", "USHER_SLOW_MS=1"},
};

/* --- metrics --------------------------------------------------------------------------------- */

struct row {
    char name[NAME_SIZE];
    char kind[16];
    unsigned samples;
};

struct rows {
    struct row list[ROWS_MAX];
    size_t count;
};

static struct row *add_row(struct rows *rows, const char *name, const char *kind) {
    ensure(rows->count < ROWS_MAX);
    struct row *row = &rows->list[rows->count++];
    *row = (struct row){0};
    (void)snprintf(row->name, sizeof row->name, "%s", name);
    (void)snprintf(row->kind, sizeof row->kind, "%s", kind);
    return row;
}

/* The documented ones: `PROGRAM metrics` prints the README's lines. */
static void read_documented(const struct cluster *cluster, const char *program, struct rows *rows) {
    char path[FOLDER_PATH_SIZE + 16], line[1024];
    (void)snprintf(path, sizeof path, "%s/documented", cluster->folder);
    const struct process_start start = {
        .name = program, .arguments = (const char *[]){program, "metrics", NULL}, .log_path = path};
    expect(process_run(&start, PASS_MS) == 0, "%s metrics failed", program);
    FILE *file = fopen(path, "re");
    ensure(file != NULL);
    while (fgets(line, sizeof line, file) != NULL) {
        char name[NAME_SIZE], kind[16];
        expect(sscanf(line, "| `%95[^`]` | %*[a-z] | %15[a-z] |", name, kind) == 2,
               "no line of a table: %s", line);
        (void)add_row(rows, name, kind);
    }
    ensure(fclose(file) == 0 && unlink(path) == 0);
}

/* A sample's name is its row's, for histograms with one of three endings. */
static bool belongs(const struct row *row, const char *line) {
    static const char *const endings[] = {"_bucket{", "_sum", "_count"};
    size_t length = strlen(row->name);
    if (strncmp(line, row->name, length) != 0) {
        return false;
    }
    if (strcmp(row->kind, "histogram") != 0) {
        return line[length] == '{' || line[length] == ' ';
    }
    for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
        if (strncmp(line + length, endings[i], strlen(endings[i])) == 0) {
            return true;
        }
    }
    return false;
}

static double value_of(const char *line) {
    char *end;
    const char *space = strrchr(line, ' ');
    expect(space != NULL, "no sample: %s", line);
    double value = strtod(space + 1, &end);
    expect(*end == '\0' && end > space + 1 && value >= 0, "no value: %s", line);
    return value;
}

/* Reads an answer to GET /metrics by the rules of the text format, and counts the samples. */
static void read_exported(char *text, struct rows *rows) {
    struct row *row = NULL;
    double bucket = 0;
    char *rest = text;
    for (char *line; (line = strtok_r(rest, "\n", &rest)) != NULL;) {
        char name[NAME_SIZE], kind[16];
        if (strncmp(line, "# HELP ", 7) == 0) {
            row = NULL;
        } else if (sscanf(line, "# TYPE %95s %15s", name, kind) == 2) {
            row = add_row(rows, name, kind);
        } else {
            expect(row != NULL && belongs(row, line), "a sample of nothing: %s", line);
            double value = value_of(line);
            row->samples++;
            if (strstr(line, "le=\"") != NULL) {
                bool first = strstr(line, "le=\"0.001\"") != NULL || strstr(line, "le=\"1\"}");
                expect(first || value >= bucket, "buckets are not cumulative: %s", line);
                bucket = value;
            } else if (strncmp(line + strlen(row->name), "_count", 6) == 0) {
                expect(value == bucket, "the last bucket is not the count: %s", line);
            }
        }
    }
}

static char *metrics_of(const struct cluster_process *process) {
    struct http_answer answer;
    const struct http_request request = {.method = "GET", .path = "/metrics", .unchecked = true};
    http_call(process->ops_port, &request, &answer);
    expect(answer.status == 200, "%s has no metrics: %d", process->name, answer.status);
    expect(
        http_answer_has_header(&answer, "Content-Type", "text/plain; version=0.0.4; charset=utf-8"),
        "%s", answer.head);
    char *text = strdup(answer.body);
    ensure(text != NULL);
    http_answer_free(&answer);
    return text;
}

static void expect_documented(const struct cluster *cluster, const struct cluster_process *process,
                              const char *program) {
    static struct rows documented, exported;
    documented.count = exported.count = 0;
    read_documented(cluster, program, &documented);
    char *text = metrics_of(process);
    read_exported(text, &exported);
    assert_int_equal(documented.count, exported.count);
    for (size_t i = 0; i < documented.count; i++) {
        assert_string_equal(documented.list[i].name, exported.list[i].name);
        assert_string_equal(documented.list[i].kind, exported.list[i].kind);
        /* Those of single rooms have one a room, and here is none (worker_rooms_test has). */
        bool of_rooms = strncmp(exported.list[i].name, "usher_room_", 11) == 0;
        expect(exported.list[i].samples > 0 || of_rooms, "%s of %s has no sample",
               exported.list[i].name, process->name);
    }
    printf("%s exports its %zu documented metrics\n", process->name, exported.count);
    free(text);
}

/* The sum over processes of the samples that begin with `sample`. */
static double sum_of(const struct cluster_process *processes, unsigned count, const char *sample) {
    double sum = 0;
    for (unsigned i = 0; i < count; i++) {
        char *text = metrics_of(&processes[i]);
        char *rest = text;
        for (char *line; (line = strtok_r(rest, "\n", &rest)) != NULL;) {
            if (strncmp(line, sample, strlen(sample)) == 0) {
                sum += value_of(line);
            }
        }
        free(text);
    }
    return sum;
}

/* --- secrets --------------------------------------------------------------------------------- */

struct secrets {
    const char *list[SECRETS_MAX];
    size_t count;
};

static const char *keep(struct secrets *secrets, const char *secret) {
    ensure(secrets->count < SECRETS_MAX && strlen(secret) >= 6);
    secrets->list[secrets->count++] = secret;
    return secret;
}

static const struct secrets *searched_for; /* nftw has no context */
static unsigned files_read;

static int search_file(const char *path, const struct stat *status, int type, struct FTW *place) {
    (void)status;
    (void)place;
    size_t length = strlen(path);
    if (type != FTW_F || length < 4 || strcmp(path + length - 4, ".log") != 0) {
        return 0;
    }
    files_read++;
    for (size_t i = 0; i < searched_for->count; i++) {
        expect(!folder_file_contains(path, searched_for->list[i]), "%s contains %s", path,
               searched_for->list[i]);
    }
    return 0;
}

static void ask(struct cluster *cluster, const char *method, const char *path, const char *token,
                const char *body) {
    for (unsigned i = 0; i < cluster->gateway_count; i++) {
        struct http_answer answer;
        const struct http_request request = {
            .method = method, .path = path, .token = token, .body = body};
        http_call(cluster->gateways[i].port, &request, &answer);
        assert_int_equal(answer.outcome, HTTP_ANSWERED);
        http_answer_free(&answer);
    }
}

/* Everywhere a client can put what is nobody's business. */
static void tell_secrets(struct cluster *cluster, struct secrets *secrets,
                         const struct shop_customer *customer, int64_t event_id) {
    static char path[3 * SHOP_TEXT_SIZE], body[2 * SHOP_TEXT_SIZE], booking[64];
    const char *name = keep(secrets, "Wilhelmine-Quastenflosser");
    const char *email = keep(secrets, "quastenflosser@example.org");
    const char *word = keep(secrets, "verschwiegenes");
    const char *forged = keep(secrets, "forged-token-0f7e2d91");
    const char *payment = keep(secrets, "tok_geheim_4111111111111111");
    keep(secrets, customer->token);
    keep(secrets, customer->user_id);
    keep(secrets, cluster->admin_key);
    shop_hold(cluster, 0, customer, event_id, "A1,A2", booking);
    (void)snprintf(path, sizeof path, "/bookings/%s/confirm", booking);
    (void)snprintf(body, sizeof body,
                   "{\"paymentToken\":\"%s\",\"contact\":{\"name\":\"%s\",\"email\":\"%s\"}}",
                   payment, name, email);
    ask(cluster, "POST", path, customer->token, body);
    (void)snprintf(body, sizeof body,
                   "{\"paymentToken\":\"tok_ok\",\"contact\":{\"name\":\"%s\",\"email\":\"%s\"}}",
                   name, email);
    ask(cluster, "POST", path, customer->token, body);
    (void)snprintf(body, sizeof body, "{\"%s\":\"%s\" oops", name, email);
    ask(cluster, "POST", "/bookings/reserve", customer->token, body);
    ask(cluster, "GET", "/bookings", customer->token, NULL);
    ask(cluster, "GET", "/bookings", forged, NULL);
    ask(cluster, "GET", "/admin/events/1", forged, NULL);
    ask(cluster, "POST", "/admin/events", cluster->admin_key, body);
    (void)snprintf(path, sizeof path, "/events?q=%s&city=%s", word, name);
    ask(cluster, "GET", path, NULL, NULL);
    (void)snprintf(path, sizeof path, "/bookings/%s?token=%s", customer->token, customer->token);
    ask(cluster, "GET", path, customer->token, NULL);
    (void)snprintf(path, sizeof path, "/%s/%s", name, email);
    ask(cluster, "GET", path, NULL, NULL);
    (void)snprintf(path, sizeof path, "/events?cursor=%s", forged);
    ask(cluster, "GET", path, NULL, NULL);
}

/* --- the tests ------------------------------------------------------------------------------- */

static void metrics_are_as_documented_and_logs_name_nobody(void **state) {
    struct cluster *cluster = cluster_create(state, &options);
    const struct shop_event event = {.venue_id = shop_venue(cluster, 2, 10)};
    int64_t event_id = shop_event(cluster, &event);
    struct shop_customer customer;
    struct secrets secrets = {0};
    char booking[64], seats[64];
    shop_customer(cluster, &customer);
    tell_secrets(cluster, &secrets, &customer, event_id);
    for (unsigned i = 0; i < cluster->gateway_count; i++) {
        shop_hold(cluster, i, &customer, event_id, i == 0 ? "B1" : "B2", booking);
        (void)snprintf(seats, sizeof seats, "/events/%" PRId64 "/seats", event_id);
        shop_expect(shop_get(cluster, i, seats), 200, NULL);
    }
    for (unsigned i = 0; i < cluster->gateway_count; i++) {
        expect_documented(cluster, &cluster->gateways[i], USHER_GATEWAY);
    }
    for (unsigned i = 0; i < cluster->worker_count; i++) {
        expect_documented(cluster, &cluster->workers[i], USHER_WORKER);
    }

    const struct cluster_process *gateways = cluster->gateways, *workers = cluster->workers;
    assert_true(sum_of(gateways, 2,
                       "usher_http_requests_total{method=\"POST\",route=\"/bookings/reserve\","
                       "status=\"201\"}") == 3);
    assert_true(sum_of(gateways, 2, "usher_nats_up ") == 2);
    assert_true(sum_of(gateways, 2, "usher_database_up{session=\"primary\"}") == 2);
    assert_true(sum_of(gateways, 2, "usher_limited_total") == 0);
    assert_true(sum_of(workers, 2, "usher_worker_partitions_owned ") == 64);
    assert_true(sum_of(workers, 2, "usher_worker_open_holds ") == 2);
    assert_true(sum_of(workers, 2, "usher_worker_commands_total{kind=\"reserve\",result=\"ok\"}") ==
                3);
    assert_true(sum_of(workers, 2, "usher_worker_commits_total ") >= 4);
    assert_true(sum_of(workers, 2, "usher_worker_nats_up ") == 2);

    char log[FOLDER_PATH_SIZE + 64];
    (void)snprintf(log, sizeof log, "%s/gateway-1.log", cluster->folder);
    assert_true(folder_file_contains(log, "\"route\":\"/bookings/{id}/confirm\""));
    assert_true(folder_file_contains(log, "\"event\":\"request-slow\""));
    searched_for = &secrets;
    files_read = 0;
    assert_int_equal(nftw(cluster->folder, search_file, 16, FTW_PHYS), 0);
    printf("%zu secrets, names and addresses are in none of %u logs\n", secrets.count, files_read);
    assert_true(files_read >= 6);
    cluster_finish(cluster);
}

static void wait_sum(struct cluster *cluster, const char *sample, double low, double high) {
    struct wait wait = wait_at_most(PASS_MS);
    for (;;) {
        double sum = sum_of(cluster->gateways, cluster->gateway_count, sample);
        if (sum >= low && sum <= high) {
            return;
        }
        wait_again(&wait, sample);
    }
}

/* Somebody looks on meanwhile: then the map's age is told. */
static void wait_staleness(struct cluster *cluster, const char *seats, double low, double high) {
    struct wait wait = wait_at_most(PASS_MS);
    for (;;) {
        shop_expect(shop_get(cluster, 0, seats), 200, NULL);
        double age = sum_of(cluster->gateways, 1, "usher_seat_map_staleness_seconds ");
        if (age >= low && age <= high) {
            return;
        }
        wait_again(&wait, "the seat map's age");
    }
}

static void an_outage_can_be_watched(void **state) {
    const struct cluster_options quiet = {.workers = 1, .gateways = 1};
    struct cluster *cluster = cluster_create(state, &quiet);
    const struct shop_event event = {.venue_id = shop_venue(cluster, 1, 10)};
    char seats[64];
    (void)snprintf(seats, sizeof seats, "/events/%" PRId64 "/seats", shop_event(cluster, &event));
    wait_staleness(cluster, seats, 0, 2);
    nats_kill(cluster->nats);
    postgres_stop(cluster->postgres);
    wait_sum(cluster, "usher_nats_up ", 0, 0);
    wait_sum(cluster, "usher_database_up", 0, 0);
    wait_staleness(cluster, seats, 2, 3600);
    postgres_start(cluster->postgres);
    nats_start(cluster->nats);
    wait_sum(cluster, "usher_nats_up ", 1, 1);
    wait_sum(cluster, "usher_database_up", 4, 4);
    wait_staleness(cluster, seats, 0, 2);
    cluster_finish(cluster);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(metrics_are_as_documented_and_logs_name_nobody, cluster_teardown),
        cmocka_unit_test_teardown(an_outage_can_be_watched, cluster_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
