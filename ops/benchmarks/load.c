/*
 * usher-load: the load of ops/bench. Every measurement is a command of its own; the result is one
 * JSON object on standard output. Exit 0: measured (whatever the answers were), 1: not measured,
 * 2: bad arguments.
 */
#include "ops/benchmarks/join.h"
#include "ops/benchmarks/line.h"
#include "ops/benchmarks/reserve.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>

static const char usage[] =
    "usage: usher-load reserve --url http://ADDRESS:PORT --seats FILE --events ID,… --answers "
    "FILE\n"
    "                          [--connections 256] [--seconds 5] [--seed 1] [--rate N]\n"
    "       usher-load join --url http://ADDRESS:PORT --events ID --people N --answers FILE\n"
    "                       [--connections 256]\n"
    "       usher-load publish --nats URL --people N\n"
    "       usher-load line --nats URL --stream NAME\n"
    "and with the first three: [--process NAME=PID]…\n";

enum { SECONDS_MAX = 600, RATE_MAX = 1000000, SEAT_ID_MAX_BYTES = 64 };
/* A single thread that has so much of a core is not waiting for the server. */
static const double bottleneck_share = 0.9;

struct options {
    bool given[UINT8_MAX + 1]; /* by letter */
    const char *url;
    const char *nats;
    const char *stream;
    uint64_t people;
    const char *seats;
    const char *answers;
    uint64_t events[RESERVE_EVENTS_MAX];
    uint32_t event_count;
    uint64_t connections;
    uint64_t seconds;
    uint64_t rate;
    uint64_t seed;
    struct cpu_process processes[CPU_PROCESSES_MAX];
    size_t process_count;
};

static bool read_number(const char *text, const char **end, uint64_t lowest, uint64_t highest,
                        uint64_t *number) {
    char *stop;
    errno = 0;
    *number = strtoull(text, &stop, 10);
    *end = stop;
    return *text >= '0' && *text <= '9' && errno == 0 && *number >= lowest && *number <= highest;
}

static bool read_whole_number(const char *text, uint64_t lowest, uint64_t highest,
                              uint64_t *number) {
    const char *end;
    return read_number(text, &end, lowest, highest, number) && *end == '\0';
}

/* ID,ID,… Returns how many; 0 when it is not a list of at most RESERVE_EVENTS_MAX. */
static uint32_t read_events(const char *text, uint64_t *events) {
    for (uint32_t count = 0; count < RESERVE_EVENTS_MAX; text++) {
        if (!read_number(text, &text, 1, INT64_MAX, &events[count++]))
            return 0;
        if (*text == '\0')
            return count;
        if (*text != ',')
            return 0;
    }
    return 0;
}

/* NAME=PID; cuts the text in two. */
static bool read_process(char *text, struct options *options) {
    uint64_t pid;
    char *equals = strchr(text, '=');
    if (equals == NULL || options->process_count == CPU_PROCESSES_MAX ||
        !read_whole_number(equals + 1, 1, INT32_MAX, &pid))
        return false;
    *equals = '\0';
    options->processes[options->process_count++] = (struct cpu_process){text, (pid_t)pid};
    return true;
}

static bool read_options(int argc, char **argv, struct options *options) {
    static const struct option known[] = {
        {"url", required_argument, NULL, 'u'},
        {"seats", required_argument, NULL, 's'},
        {"events", required_argument, NULL, 'e'},
        {"answers", required_argument, NULL, 'a'},
        {"seconds", required_argument, NULL, 't'},
        {"connections", required_argument, NULL, 'c'},
        {"rate", required_argument, NULL, 'o'},
        {"seed", required_argument, NULL, 'r'},
        {"process", required_argument, NULL, 'p'},
        {"people", required_argument, NULL, 'k'},
        {"nats", required_argument, NULL, 'n'},
        {"stream", required_argument, NULL, 'm'},
        {NULL, 0, NULL, 0},
    };
    *options = (struct options){.connections = 256, .seconds = 5, .seed = 1};
    bool right = true;
    for (int option; right && (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        options->given[option & UINT8_MAX] = true;
        switch (option) {
        case 'u':
            options->url = optarg;
            break;
        case 's':
            options->seats = optarg;
            break;
        case 'e':
            options->event_count = read_events(optarg, options->events);
            right = options->event_count > 0;
            break;
        case 'a':
            options->answers = optarg;
            break;
        case 't':
            right = read_whole_number(optarg, 1, SECONDS_MAX, &options->seconds);
            break;
        case 'c':
            right = read_whole_number(optarg, 1, CLIENT_CONNECTIONS_MAX, &options->connections);
            break;
        case 'o':
            right = read_whole_number(optarg, 1, RATE_MAX, &options->rate);
            break;
        case 'r':
            right = read_whole_number(optarg, 0, UINT64_MAX, &options->seed);
            break;
        case 'p':
            right = read_process(optarg, options);
            break;
        case 'k':
            right = read_whole_number(optarg, 1, LINE_PEOPLE_MAX, &options->people);
            break;
        case 'n':
            options->nats = optarg;
            break;
        case 'm':
            options->stream = optarg;
            break;
        default:
            right = false;
        }
    }
    return right && optind == argc;
}

/* One id a line. Returns how many, `*seats` being the caller's to free; 0, with a line on stderr,
 * when the file can't be read or its seats make no pairs. */
static uint32_t read_seats(const char *path, char ***seats) {
    uint32_t count = 0;
    bool right = true;
    char *line = NULL;
    size_t room = 0;
    FILE *file = fopen(path, "re");
    *seats = calloc(2 * (size_t)GUESTS_MAX, sizeof **seats);
    ensure(*seats != NULL);
    for (ssize_t size; file != NULL && right && (size = getline(&line, &room, file)) > 0;) {
        line[strcspn(line, "\n")] = '\0';
        right = count < 2 * GUESTS_MAX && size > 1 && strlen(line) <= SEAT_ID_MAX_BYTES &&
                strpbrk(line, "\"\\\t") == NULL;
        if (right) {
            (*seats)[count] = strdup(line);
            ensure((*seats)[count] != NULL);
            count++;
        }
    }
    if (file != NULL)
        fclose(file);
    free(line);
    if (file != NULL && right && count >= RESERVE_SEATS_MIN && count % 2 == 0)
        return count;
    fprintf(stderr, "%s is no list of 4, 6, … %d seat ids\n", path, 2 * GUESTS_MAX);
    return 0;
}

static void free_texts(char **texts, size_t count) {
    for (size_t i = 0; i < count; i++)
        free(texts[i]);
    free(texts);
}

/* The members that every measurement of requests has, and the end of the object; `each` is what
 * processors' time is counted by. */
static void print_speed(uint64_t done, const struct stopwatch *watch,
                        const struct histogram *latency_us) {
    static const struct {
        const char *name;
        double share;
    } quantiles[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}, {"max", 1}};
    double each = done > 0 ? 1e6 / (double)done : 0;
    double strangers_seconds = watch->machine_cpu_seconds - watch->own_cpu_seconds;
    double share = watch->own_cpu_seconds / watch->elapsed_seconds;
    printf(",\"seconds\":%.3f,\"perSecond\":%.1f,\"latencyMs\":{", watch->elapsed_seconds,
           (double)done / watch->elapsed_seconds);
    for (size_t i = 0; i < ARRAY_LEN(quantiles); i++)
        printf("%s\"%s\":%.3f", i > 0 ? "," : "", quantiles[i].name,
               (double)histogram_quantile(latency_us, quantiles[i].share) / 1e3);
    printf("},\"generatorShare\":%.3f,\"bottleneck\":%s,\"cpuMicroseconds\":{\"generator\":%.2f",
           share, share >= bottleneck_share ? "true" : "false", watch->own_cpu_seconds * each);
    for (size_t i = 0; i < watch->process_count; i++) {
        printf(",\"%s\":%.2f", watch->processes[i].name, watch->cpu_seconds[i] * each);
        strangers_seconds -= watch->cpu_seconds[i];
    }
    printf("},\"strangersCores\":%.2f}\n",
           strangers_seconds > 0 ? strangers_seconds / watch->elapsed_seconds : 0);
}

static struct stopwatch watch_of(const struct options *options) {
    return (struct stopwatch){.processes = options->processes,
                              .process_count = options->process_count};
}

/* False, with a line on stderr, when what was written to the file has not got there. */
static bool is_written(FILE *file, const char *path) {
    if (fflush(file) == 0)
        return true;
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    return false;
}

static bool load_reserve(const struct options *options) {
    bool measured = false;
    char **seats = NULL;
    uint32_t seat_count = read_seats(options->seats, &seats);
    struct guest *guests = calloc(seat_count / 2 + 1, sizeof *guests);
    FILE *answers = fopen(options->answers, "we");
    struct client *client = NULL;
    ensure(guests != NULL);
    if (answers == NULL || seat_count == 0 ||
        seat_count / 2 > RESERVE_ATTEMPTS_MAX / options->event_count) {
        fprintf(stderr, "these files, seats and events can't be used\n");
        goto out;
    }
    client = client_create(options->url, (uint32_t)options->connections);
    if (client == NULL || !guests_create(client, seat_count / 2, guests))
        goto out;
    const struct reserve_plan plan = {
        .events = options->events,
        .event_count = options->event_count,
        .seats = seats,
        .seat_count = seat_count,
        .guests = guests,
        .duration_ms = (int64_t)options->seconds * 1000,
        .rate = (double)options->rate,
        .seed = options->seed,
        .answers = answers,
    };
    struct reserve_result result = {.watch = watch_of(options)};
    reserve_run(client, &plan, &result);
    if (!is_written(answers, options->answers))
        goto out;
    printf("{\"reservations\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"wrong\":%" PRIu64
           ",\"lost\":%" PRIu64 ",\"unsent\":%" PRIu64 ",\"overloaded\":%" PRIu64 ",\"soldOut\":%s",
           result.reservations, result.refused, result.wrong, result.lost, result.unsent,
           result.overloaded, result.sold_out ? "true" : "false");
    print_speed(result.reservations, &result.watch, &result.latency_us);
    measured = true;
out:
    client_destroy(client);
    if (answers != NULL)
        fclose(answers);
    guests_clear(guests, seat_count / 2);
    free(guests);
    free_texts(seats, seat_count);
    return measured;
}

static bool load_join(const struct options *options) {
    bool measured = false;
    uint32_t people = (uint32_t)options->people;
    struct guest *guests = calloc(people, sizeof *guests);
    FILE *answers = fopen(options->answers, "we");
    struct client *client = NULL;
    ensure(guests != NULL);
    if (answers == NULL || people > GUESTS_MAX) {
        fprintf(stderr, "%s can't be written, or these are too many people\n", options->answers);
        goto out;
    }
    client = client_create(options->url, (uint32_t)options->connections);
    if (client == NULL || !guests_create(client, people, guests))
        goto out;
    const struct join_plan plan = {
        .event = options->events[0], .guests = guests, .count = people, .answers = answers};
    struct join_result result = {.watch = watch_of(options)};
    join_run(client, &plan, &result);
    if (!is_written(answers, options->answers))
        goto out;
    printf("{\"joins\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"wrong\":%" PRIu64 ",\"lost\":%" PRIu64,
           result.joins, result.refused, result.wrong, result.lost);
    print_speed(result.joins, &result.watch, &result.latency_us);
    measured = true;
out:
    client_destroy(client);
    if (answers != NULL)
        fclose(answers);
    guests_clear(guests, people);
    free(guests);
    return measured;
}

static bool load_publish(const struct options *options) {
    static const struct histogram none;
    struct stopwatch watch = watch_of(options);
    if (!line_publish(options->nats, (uint32_t)options->people, &watch))
        return false;
    printf("{\"messages\":%" PRIu64, options->people);
    print_speed(options->people, &watch, &none);
    return true;
}

static bool load_line(const struct options *options) {
    return line_print(options->nats, options->stream, stdout) &&
           is_written(stdout, "standard output");
}

static bool has_all(const struct options *options, const char *letters) {
    while (*letters != '\0' && options->given[(uint8_t)*letters])
        letters++;
    return *letters == '\0';
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        const char *needed; /* options' letters */
        bool (*run)(const struct options *options);
    } commands[] = {{"reserve", "usea", load_reserve},
                    {"join", "ueka", load_join},
                    {"publish", "nk", load_publish},
                    {"line", "nm", load_line}};
    struct options options;
    for (size_t i = 0; argc > 1 && i < ARRAY_LEN(commands); i++) {
        if (strcmp(argv[1], commands[i].name) == 0 && read_options(argc - 1, argv + 1, &options) &&
            has_all(&options, commands[i].needed))
            return commands[i].run(&options) ? 0 : 1;
    }
    fputs(usage, stderr);
    return 2;
}
