#include "tests/support/cluster.h"
#include "tests/support/expect.h"
#include "tests/support/http_client.h"
#include "tests/support/wait.h"

#include "shared/ids.h"
#include "shared/partition.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    USHERCTL_MS = 60000,
    PROCESS_END_MS = 15000,
    TAIL_LINES = 30,
    SETTING_SIZE = SERVER_URL_SIZE + 64,
    SETTINGS_MAX = 12 + CLUSTER_SETTINGS_MAX,
    LOG_PATH_SIZE = FOLDER_PATH_SIZE + 64,
};

/* --- starting
 * ------------------------------------------------------------------------------------------- */

/* NAME=VALUE texts of one process's environment. */
struct settings {
    size_t count;
    const char *list[SETTINGS_MAX + 1];
    char texts[SETTINGS_MAX][SETTING_SIZE];
};

static void PRINTF_LIKE(2, 3) add_setting(struct settings *settings, const char *format, ...) {
    ensure(settings->count < SETTINGS_MAX);
    char *text = settings->texts[settings->count];
    va_list values;
    va_start(values, format);
    int length = vsnprintf(text, SETTING_SIZE, format, values);
    va_end(values);
    ensure(length > 0 && length < SETTING_SIZE);
    settings->list[settings->count++] = text;
}

/* Half of the processes talk to PostgreSQL over TCP, half over the Unix socket: both must do. */
static void add_common_settings(struct settings *settings, const struct cluster *cluster,
                                bool tcp) {
    char url[SERVER_URL_SIZE];
    postgres_url(cluster->postgres, cluster->database, tcp, url);
    add_setting(settings, "USHER_DATABASE_URL=%s", url);
    nats_url(cluster->nats, url);
    add_setting(settings, "USHER_NATS_URL=%s", url);
    add_setting(settings, "USHER_HOME=%s/home", cluster->folder);
    for (size_t i = 0; i < CLUSTER_SETTINGS_MAX && cluster->options.settings[i] != NULL; i++) {
        add_setting(settings, "%s", cluster->options.settings[i]);
    }
}

static void start_process(struct cluster *cluster, struct cluster_process *place,
                          const char *program, bool tcp) {
    char path[PATH_MAX], log[LOG_PATH_SIZE];
    struct settings settings = {0};
    ensure(place->process == NULL);
    add_common_settings(&settings, cluster, tcp);
    add_setting(&settings, "USHER_HANDOVER_SECONDS=1");
    add_setting(&settings, "USHER_PROCESS=%s", place->name);
    add_setting(&settings, "USHER_OPS_PORT=%u", place->ops_port);
    add_setting(&settings, "USHER_FAILPOINT_DIR=%s", place->failpoints);
    if (place->port != 0) {
        add_setting(&settings, "USHER_PORT=%u", place->port);
    }
    if (place->setting != NULL) {
        add_setting(&settings, "%s", place->setting);
    }
    (void)snprintf(path, sizeof path, "%s/%s", USHER_TEST_PROGRAMS, program);
    (void)snprintf(log, sizeof log, "%s/%s.log", cluster->folder, place->name);
    const struct process_start start = {.name = place->name,
                                        .arguments = (const char *[]){path, NULL},
                                        .environment = settings.list,
                                        .log_path = log};
    place->process = process_start(&start);
}

void cluster_start_worker(struct cluster *cluster, unsigned worker) {
    start_process(cluster, &cluster->workers[worker], "usher-worker-test", worker % 2 == 0);
}

void cluster_start_gateway(struct cluster *cluster, unsigned gateway) {
    start_process(cluster, &cluster->gateways[gateway], "usher-gateway-test", gateway % 2 == 0);
}

int cluster_usherctl(struct cluster *cluster, const char *const *words, const char *output_path) {
    char path[PATH_MAX];
    const char *arguments[PROCESS_ARGUMENTS_MAX] = {path};
    struct settings settings = {0};
    for (size_t i = 0; words[i] != NULL; i++) {
        ensure(i + 2 < PROCESS_ARGUMENTS_MAX);
        arguments[i + 1] = words[i];
    }
    add_common_settings(&settings, cluster, false);
    add_setting(&settings, "USHER_URL=http://127.0.0.1:%u", cluster->gateways[0].port);
    (void)snprintf(path, sizeof path, "%s/usherctl", USHER_TEST_PROGRAMS);
    const struct process_start start = {.name = "usherctl",
                                        .arguments = arguments,
                                        .environment = settings.list,
                                        .log_path = output_path};
    return process_run(&start, USHERCTL_MS);
}

static void migrate(struct cluster *cluster) {
    char log[LOG_PATH_SIZE];
    (void)snprintf(log, sizeof log, "%s/migrate.log", cluster->folder);
    int status = cluster_usherctl(cluster, (const char *const[]){"migrate", NULL}, log);
    if (status != 0) {
        folder_print_tail(log, TAIL_LINES);
    }
    expect(status == 0, "usherctl migrate ended with %d", status);
}

static void name_process(const struct cluster *cluster, struct cluster_process *place,
                         const char *kind, unsigned index) {
    (void)snprintf(place->name, sizeof place->name, "%s-%u", kind, index + 1);
    (void)snprintf(place->failpoints, sizeof place->failpoints, "%s/%s.failpoints", cluster->folder,
                   place->name);
    expect(mkdir(place->failpoints, 0755) == 0, "can't make %s", place->failpoints);
    place->ops_port = port_claim();
}

static void make_home(struct cluster *cluster) {
    char home[FOLDER_PATH_SIZE + 8];
    struct id128 halves[2] = {id128_random(), id128_random()};
    (void)id128_to_text(&halves[0], cluster->admin_key);
    (void)id128_to_text(&halves[1], cluster->admin_key + ID128_TEXT_SIZE - 1);
    (void)snprintf(home, sizeof home, "%s/home", cluster->folder);
    expect(mkdir(home, 0700) == 0, "can't make %s", home);
    folder_write(home, "admin.key", 0600, cluster->admin_key);
}

static void start_servers(struct cluster *cluster) {
    if (cluster->options.beside != NULL) {
        cluster->postgres = cluster->options.beside->postgres;
        cluster->nats = cluster->options.beside->nats;
        (void)snprintf(cluster->database, sizeof cluster->database, "usher_beside");
    } else {
        cluster->postgres = &cluster->own_postgres;
        cluster->nats = &cluster->own_nats;
        (void)snprintf(cluster->database, sizeof cluster->database, "usher");
        postgres_create(cluster->postgres, cluster->folder);
        nats_create(cluster->nats, cluster->folder);
    }
    postgres_create_database(cluster->postgres, cluster->database);
}

struct cluster *cluster_create(void **state, const struct cluster_options *options) {
    struct cluster *cluster = calloc(1, sizeof *cluster);
    ensure(cluster != NULL);
    if (options != NULL) {
        cluster->options = *options;
    }
    if (cluster->options.beside != NULL) {
        cluster->options.beside->neighbour = cluster;
    } else {
        *state = cluster;
    }
    cluster->worker_count = cluster->options.workers > 0 ? cluster->options.workers : 2;
    cluster->gateway_count = cluster->options.gateways > 0 ? cluster->options.gateways : 2;
    folder_create(cluster->folder);
    make_home(cluster);
    start_servers(cluster);
    migrate(cluster);
    char url[SERVER_URL_SIZE];
    postgres_url(cluster->postgres, cluster->database, false, url);
    cluster->sql = sql_open(url);
    for (unsigned i = 0; i < cluster->worker_count; i++) {
        name_process(cluster, &cluster->workers[i], "worker", i);
        cluster->workers[i].setting = cluster->options.worker_settings[i];
        cluster_start_worker(cluster, i);
    }
    for (unsigned i = 0; i < cluster->gateway_count; i++) {
        name_process(cluster, &cluster->gateways[i], "gateway", i);
        cluster->gateways[i].port = port_claim();
        cluster_start_gateway(cluster, i);
    }
    cluster_wait_ready(cluster);
    return cluster;
}

/* --- ending
 * --------------------------------------------------------------------------------------------- */

static void end_process(struct cluster_process *place) {
    if (place->process == NULL) {
        return;
    }
    expect(process_runs(place->process), "%s has died by itself", place->name);
    process_thaw(place->process);
    process_end(place->process, PROCESS_END_MS);
    const char *log = process_log_path(place->process);
    expect(!folder_file_contains(log, "Sanitizer:") && !folder_file_contains(log, "runtime error:"),
           "a sanitizer complains in %s", log);
    process_destroy(place->process);
    place->process = NULL;
}

void cluster_finish(struct cluster *cluster) {
    for (unsigned i = 0; i < cluster->gateway_count; i++) {
        end_process(&cluster->gateways[i]);
    }
    for (unsigned i = 0; i < cluster->worker_count; i++) {
        end_process(&cluster->workers[i]);
    }
    cluster->finished = true;
}

static void abandon_process(const struct cluster *cluster, struct cluster_process *place) {
    char log[LOG_PATH_SIZE];
    process_destroy(place->process);
    place->process = NULL;
    if (!cluster->finished) {
        (void)snprintf(log, sizeof log, "%s/%s.log", cluster->folder, place->name);
        folder_print_tail(log, TAIL_LINES);
    }
}

static void destroy(struct cluster *cluster) {
    if (cluster == NULL) {
        return;
    }
    destroy(cluster->neighbour);
    for (unsigned i = 0; i < cluster->gateway_count; i++) {
        abandon_process(cluster, &cluster->gateways[i]);
    }
    for (unsigned i = 0; i < cluster->worker_count; i++) {
        abandon_process(cluster, &cluster->workers[i]);
    }
    sql_close(cluster->sql);
    nats_destroy(&cluster->own_nats);
    postgres_destroy(&cluster->own_postgres);
    if (cluster->finished) {
        folder_remove(cluster->folder);
    } else {
        (void)fprintf(stderr, "--- logs and data of the failed test: %s\n", cluster->folder);
    }
    free(cluster);
}

int cluster_teardown(void **state) {
    destroy(*state);
    *state = NULL;
    return 0;
}

void cluster_kill(struct cluster_process *process) {
    process_destroy(process->process);
    process->process = NULL;
}

/* --- who owns what
 * -------------------------------------------------------------------------------------- */

static bool is_working(const struct cluster_process *place) {
    return place->process != NULL && !process_is_frozen(place->process);
}

/* How many partitions each worker owns, by its process id; false when some belong to nobody
 * working. */
static bool count_partitions(struct cluster *cluster, int64_t counts[CLUSTER_WORKERS_MAX]) {
    PGresult *rows =
        sql_rows(cluster->sql,
                 "SELECT w.pid, count(*) FROM usher.partition p"
                 " LEFT JOIN usher.worker_instance w ON w.instance = p.owner GROUP BY 1",
                 NULL);
    int64_t owned = 0;
    memset(counts, 0, CLUSTER_WORKERS_MAX * sizeof counts[0]);
    for (int row = 0; row < PQntuples(rows); row++) {
        for (unsigned i = 0; i < cluster->worker_count; i++) {
            if (is_working(&cluster->workers[i]) &&
                process_pid(cluster->workers[i].process) ==
                    strtoll(PQgetvalue(rows, row, 0), NULL, 10)) {
                counts[i] = strtoll(PQgetvalue(rows, row, 1), NULL, 10);
                owned += counts[i];
            }
        }
    }
    PQclear(rows);
    return owned == PARTITION_COUNT;
}

bool cluster_is_owned(struct cluster *cluster) {
    int64_t counts[CLUSTER_WORKERS_MAX];
    return count_partitions(cluster, counts);
}

static bool is_balanced(struct cluster *cluster) {
    int64_t counts[CLUSTER_WORKERS_MAX], working = 0;
    for (unsigned i = 0; i < cluster->worker_count; i++) {
        working += is_working(&cluster->workers[i]) ? 1 : 0;
    }
    bool balanced = count_partitions(cluster, counts) && working > 0;
    for (unsigned i = 0; balanced && i < cluster->worker_count; i++) {
        balanced = counts[i] <= (PARTITION_COUNT + working - 1) / working;
    }
    return balanced;
}

static bool is_ready(const struct cluster_process *gateway) {
    struct http_answer answer;
    http_call(gateway->port, &(struct http_request){.method = "GET", .path = "/readyz"}, &answer);
    const char *booking = http_answer_text(&answer, "booking");
    bool ready = answer.status == 200 && booking != NULL && strcmp(booking, "up") == 0;
    http_answer_free(&answer);
    return ready;
}

void cluster_wait_ready(struct cluster *cluster) {
    struct wait wait = wait_at_most(CLUSTER_READY_MS);
    while (!is_balanced(cluster)) {
        wait_again(&wait, "the workers to share all partitions");
    }
    for (unsigned i = 0; i < cluster->gateway_count; i++) {
        while (is_working(&cluster->gateways[i]) && !is_ready(&cluster->gateways[i])) {
            wait_again(&wait, "a gateway to be ready");
        }
    }
}

int cluster_owner(struct cluster *cluster, int64_t event_id) {
    char partition[16];
    (void)snprintf(partition, sizeof partition, "%u", partition_of_event((uint64_t)event_id));
    int64_t pid = sql_number(cluster->sql,
                             "SELECT coalesce((SELECT w.pid FROM usher.partition p"
                             " JOIN usher.worker_instance w ON w.instance = p.owner"
                             " WHERE p.partition_id = $1), 0)",
                             (const char *[]){partition, NULL});
    for (unsigned i = 0; i < cluster->worker_count; i++) {
        if (cluster->workers[i].process != NULL &&
            process_pid(cluster->workers[i].process) == pid) {
            return (int)i;
        }
    }
    return -1;
}

/* --- failpoints
 * ----------------------------------------------------------------------------------------- */

void cluster_arm(struct cluster_process *process, const char *failpoint, const char *action) {
    folder_write(process->failpoints, failpoint, 0644, action);
}

static void failpoint_path(const struct cluster_process *process, const char *failpoint,
                           char path[PATH_MAX]) {
    (void)snprintf(path, PATH_MAX, "%s/%s", process->failpoints, failpoint);
}

void cluster_disarm(struct cluster_process *process, const char *failpoint) {
    char path[PATH_MAX];
    failpoint_path(process, failpoint, path);
    (void)unlink(path);
}

bool cluster_is_armed(const struct cluster_process *process, const char *failpoint) {
    char path[PATH_MAX];
    failpoint_path(process, failpoint, path);
    return access(path, F_OK) == 0;
}

void cluster_wait_frozen(const struct cluster_process *process) {
    struct wait wait = wait_at_most(CLUSTER_READY_MS);
    while (!process_is_frozen(process->process)) {
        wait_again(&wait, "a failpoint to freeze a process");
    }
}
