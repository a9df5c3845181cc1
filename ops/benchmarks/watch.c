#include "ops/benchmarks/watch.h"

#include "ops/benchmarks/audience.h"
#include "ops/benchmarks/crier.h"
#include "ops/benchmarks/report.h"
#include "shared/clock.h"
#include "shared/ids.h"

#include <inttypes.h>
#include <stdlib.h>

enum { ANSWER_LIMIT_MS = 15000 };

/* What one side took. */
struct side {
    uint64_t deliveries;
    double telling_seconds;
    double cpu_seconds; /* of who tells */
    double audience_seconds;
};

struct watch {
    const struct options *options;
    uint32_t sockets;
    uint32_t changes_a_round;
    uint32_t change_count;
    uint32_t asked; /* changes */
    bool is_asking;
    int status;           /* of the last answer; 0: there was none */
    struct guest *guests; /* one a change */
    struct client *client;
    struct audience *watchers;
    struct crier *crier;
    struct audience *listeners;
    double empty_bytes;  /* of the gateways' memory */
    double kernel_bytes; /* of the kernel's, for the watchers' connections, both ends */
    FILE *answers;
};

/* --- the gateways ---------------------------------------------------------------------------- */

static double gateways_cpu_seconds(const struct options *options) {
    double seconds = 0;
    for (size_t i = 0; i < options->process_count; i++)
        seconds += cpu_read_clock(options->processes[i].pid);
    return seconds;
}

/* The bytes of a line NAME: … kB of a file of /proc; 0 when there is none. */
static double memory_bytes(const char *path, const char *name) {
    double bytes = 0;
    char line[256];
    FILE *file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, name, strlen(name)) == 0)
            bytes = strtod(line + strlen(name), NULL) * 1024;
    if (file != NULL)
        fclose(file);
    return bytes;
}

/* What they use of memory in user space, of what is shared their share. */
static double gateways_bytes(const struct options *options) {
    double bytes = 0;
    for (size_t i = 0; i < options->process_count; i++) {
        char path[64];
        snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)options->processes[i].pid);
        bytes += memory_bytes(path, "Pss:");
    }
    return bytes;
}

/* What the kernel has for its own things, sockets among them. */
static double kernel_bytes(void) {
    return memory_bytes("/proc/meminfo", "Slab:");
}

/* --- a change -------------------------------------------------------------------------------- */

static size_t change_next(void *context, uint32_t connection, char *request) {
    (void)connection;
    struct watch *watch = context;
    char key[UUID_TEXT_SIZE];
    char body[256];
    if (!watch->is_asking)
        return 0;
    watch->is_asking = false;
    int body_bytes =
        snprintf(body, sizeof body,
                 "{\"eventId\":%" PRIu64 ",\"items\":[{\"section\":\"Floor\",\"quantity\":%d}]}",
                 watch->options->events[0], WATCH_SEATS_A_CHANGE);
    int size_bytes =
        snprintf(request, CLIENT_REQUEST_MAX_BYTES,
                 "POST /bookings/reserve HTTP/1.1\r\nHost: usher\r\nAuthorization: Bearer %s\r\n"
                 "Idempotency-Key: %s\r\nContent-Type: application/json\r\n"
                 "Content-Length: %d\r\n\r\n%s",
                 watch->guests[watch->asked++].token, uuid7_text(clock_wall_us() / 1000, key),
                 body_bytes, body);
    ensure(size_bytes > 0 && size_bytes < CLIENT_REQUEST_MAX_BYTES);
    return (size_t)size_bytes;
}

static void change_answered(void *context, uint32_t connection, const struct answer *answer,
                            int64_t took_us) {
    (void)connection, (void)took_us;
    struct watch *watch = context;
    watch->status = answer->status;
    if (answer->status != 201)
        fprintf(stderr, "a reservation was answered %d %.*s\n", answer->status,
                (int)answer->body_bytes, answer->body);
}

static void change_lost(void *context, uint32_t connection) {
    (void)context, (void)connection;
    fputs("a reservation was not answered\n", stderr);
}

static bool change(struct watch *watch) {
    static const struct client_calls calls = {change_next, change_answered, change_lost};
    watch->is_asking = true;
    watch->status = 0;
    client_run(watch->client, &calls, watch, ANSWER_LIMIT_MS);
    return watch->status == 201;
}

static bool note_seats(struct watch *watch, const struct hearer_news *news) {
    if (audience_write_seats(news, watch->answers) == WATCH_SEATS_A_CHANGE)
        return true;
    fprintf(stderr, "one change was told as: %s\n", news->text);
    return false;
}

/* --- a round --------------------------------------------------------------------------------- */

static void add(struct side *side, const struct hearer_news *news, double cpu_seconds,
                double audience_seconds) {
    side->deliveries += news->heard;
    side->telling_seconds += (double)(news->last_us - news->first_us) / 1e6;
    side->cpu_seconds += cpu_seconds;
    side->audience_seconds += audience_seconds;
}

static bool tell(struct watch *watch, uint32_t number, struct side *side, double *last_ms,
                 struct hearer_news *news) {
    double cpu = gateways_cpu_seconds(watch->options);
    double audience = audience_cpu_seconds(watch->watchers);
    int64_t asked_us = clock_monotonic_us();
    if (!change(watch) || !audience_wait(watch->watchers, number, AUDIENCE_WAIT_MS, news) ||
        !note_seats(watch, news))
        return false;
    add(side, news, gateways_cpu_seconds(watch->options) - cpu,
        audience_cpu_seconds(watch->watchers) - audience);
    *last_ms += (double)(news->last_us - asked_us) / 1e3;
    return true;
}

static bool cry(struct watch *watch, uint32_t number, struct side *side,
                const struct hearer_news *told) {
    struct hearer_news news;
    double cpu = crier_cpu_seconds(watch->crier);
    double audience = audience_cpu_seconds(watch->listeners);
    crier_cry(watch->crier, told->text, told->size_bytes);
    if (!audience_wait(watch->listeners, number, AUDIENCE_WAIT_MS, &news))
        return false;
    add(side, &news, crier_cpu_seconds(watch->crier) - cpu,
        audience_cpu_seconds(watch->listeners) - audience);
    return news.size_bytes == told->size_bytes &&
           memcmp(news.text, told->text, told->size_bytes) == 0;
}

static void print_side(const char *name, const struct side *side) {
    double each = 1e6 / (double)side->deliveries;
    printf(",\"%sPerSecond\":%.0f,\"%sMicroseconds\":%.3f,\"%sAudienceMicroseconds\":%.3f", name,
           (double)side->deliveries / side->telling_seconds, name, side->cpu_seconds * each, name,
           side->audience_seconds * each);
}

static void print_round(const struct watch *watch, const struct side *told,
                        const struct side *cried, double last_ms) {
    double bytes = gateways_bytes(watch->options) - watch->empty_bytes;
    printf("{\"sockets\":%u,\"processes\":%u,\"changes\":%u", watch->sockets,
           audience_processes(watch->watchers), watch->changes_a_round);
    print_side("told", told);
    print_side("cried", cried);
    printf(",\"lastMs\":%.1f,\"bytesEach\":%.0f,\"kernelBytesEnd\":%.0f,\"audienceShare\":%.2f}\n",
           last_ms / watch->changes_a_round, bytes / watch->sockets,
           watch->kernel_bytes / watch->sockets / 2,
           told->audience_seconds / told->telling_seconds / audience_processes(watch->watchers));
}

static bool run_round(struct watch *watch, bool is_counted) {
    struct side told = {0}, cried = {0};
    double last_ms = 0;
    for (uint32_t i = 0; i < watch->changes_a_round; i++) {
        struct hearer_news news;
        uint32_t number = watch->asked;
        if (!tell(watch, number, &told, &last_ms, &news) || !cry(watch, number, &cried, &news))
            return false;
    }
    if (is_counted)
        print_round(watch, &told, &cried, last_ms);
    return true;
}

/* --- the run --------------------------------------------------------------------------------- */

static bool prepare(struct watch *watch) {
    const struct options *options = watch->options;
    uint32_t sides = (uint32_t)options->process_count;
    if ((watch->sockets + sides - 1) / sides > audience_sockets_per_process()) {
        fprintf(stderr, "%u sockets are too many for %u processes here\n", watch->sockets, sides);
        return false;
    }
    watch->empty_bytes = gateways_bytes(options);
    watch->crier = crier_create(sides);
    watch->listeners = audience_create(crier_addresses(watch->crier), sides, NULL, watch->sockets);
    if (watch->listeners == NULL)
        return false;
    watch->kernel_bytes = -kernel_bytes();
    watch->watchers = audience_of_event(options->url, options->events[0], watch->sockets);
    watch->kernel_bytes += kernel_bytes();
    if (watch->watchers == NULL)
        return false;
    watch->client = client_create(options->url, 1);
    return watch->client != NULL &&
           guests_create(watch->client, watch->change_count, watch->guests);
}

bool watch_load(const struct options *options) {
    struct watch watch = {.options = options,
                          .sockets = (uint32_t)options->sockets,
                          .answers = fopen(options->answers, "we")};
    if (watch.answers == NULL || options->process_count == 0) {
        fprintf(stderr, "%s can't be written, or no gateway was named\n", options->answers);
        return false;
    }
    watch.changes_a_round = (WATCH_ROUND_DELIVERIES + watch.sockets - 1) / watch.sockets;
    if (watch.changes_a_round > WATCH_ROUND_CHANGES_MAX)
        watch.changes_a_round = WATCH_ROUND_CHANGES_MAX;
    watch.change_count = watch.changes_a_round * (1 + (uint32_t)options->rounds);
    watch.guests = calloc(watch.change_count, sizeof *watch.guests);
    ensure(watch.guests != NULL && watch.change_count <= HEARER_NEWS_MAX);
    bool measured = prepare(&watch) && run_round(&watch, false);
    for (uint64_t i = 0; measured && i < options->rounds; i++)
        measured = run_round(&watch, true);
    measured = report_is_written(watch.answers, options->answers) && measured;
    client_destroy(watch.client);
    audience_destroy(watch.watchers);
    audience_destroy(watch.listeners);
    crier_destroy(watch.crier);
    guests_clear(watch.guests, watch.change_count);
    free(watch.guests);
    fclose(watch.answers);
    return measured;
}
