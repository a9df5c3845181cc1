#include "ops/benchmarks/options.h"

#include "ops/benchmarks/audience.h"
#include "ops/benchmarks/client.h"
#include "ops/benchmarks/guests.h"
#include "ops/benchmarks/line.h"
#include "ops/benchmarks/watch.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

enum { SECONDS_MAX = 600, RATE_MAX = 1000000 };

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

/* ID,ID-ID,… Returns how many; 0 when it is not a list of at most RESERVE_EVENTS_MAX. */
static uint32_t read_events(const char *text, uint64_t *events) {
    for (uint32_t count = 0;; text++) {
        uint64_t event;
        if (!read_number(text, &text, 1, INT64_MAX, &event))
            return 0;
        uint64_t last = event;
        if (*text == '-' && !read_number(text + 1, &text, event, INT64_MAX, &last))
            return 0;
        if (last - event >= RESERVE_EVENTS_MAX - count)
            return 0;
        while (event <= last)
            events[count++] = event++;
        if (*text == '\0')
            return count;
        if (*text != ',')
            return 0;
    }
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
        {"buyers", required_argument, NULL, 'b'},
        {"seat-count", required_argument, NULL, 'q'},
        {"sessions", required_argument, NULL, 'i'},
        {"depth", required_argument, NULL, 'd'},
        {"redis-port", required_argument, NULL, 'l'},
        {"kill", required_argument, NULL, 'x'},
        {"sockets", required_argument, NULL, 'f'},
        {"rounds", required_argument, NULL, 'y'},
        {"sale-begins", required_argument, NULL, 'g'},
        {"path", required_argument, NULL, 'v'},
        {"gzip", no_argument, NULL, 'z'},
        {"from", required_argument, NULL, 'j'},
        {"each", required_argument, NULL, 'h'},
        {"in-turn", no_argument, NULL, 'w'},
        {NULL, 0, NULL, 0},
    };
    *options = (struct options){
        .connections = 256, .seconds = 5, .seed = 1, .sessions = 8, .depth = 1, .rounds = 5};
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
        case 'b':
            right = read_whole_number(optarg, 1, GUESTS_MAX, &options->buyers);
            break;
        case 'j':
            right = read_whole_number(optarg, 0, GUESTS_MAX, &options->from);
            break;
        case 'h':
            right = read_whole_number(optarg, 2, GUESTS_MAX, &options->each);
            break;
        case 'w':
            break; /* given says it */
        case 'q':
            right =
                read_whole_number(optarg, RESERVE_SEATS_MIN, 2 * GUESTS_MAX, &options->seat_count);
            break;
        case 'i':
            right = read_whole_number(optarg, 1, OPTIONS_SESSIONS_MAX, &options->sessions);
            break;
        case 'd':
            right = read_whole_number(optarg, 1, OPTIONS_DEPTH_MAX, &options->depth);
            break;
        case 'l':
            right = read_whole_number(optarg, 1, UINT16_MAX, &options->redis_port);
            break;
        case 'x':
            right = read_whole_number(optarg, 1, INT32_MAX, &options->kill);
            break;
        case 'f':
            right = read_whole_number(optarg, 1, AUDIENCE_SOCKETS_MAX, &options->sockets);
            break;
        case 'y':
            right = read_whole_number(optarg, 1, WATCH_ROUNDS_MAX, &options->rounds);
            break;
        case 'g':
            right = read_whole_number(optarg, 1, INT64_MAX / 1000, &options->sale_ms);
            break;
        case 'v':
            options->path = optarg;
            right = *optarg == '/';
            break;
        case 'z':
            options->gzip = true;
            break;
        default:
            right = false;
        }
    }
    return right && optind == argc;
}

static bool has_all(const struct options *options, const char *letters) {
    while (*letters != '\0' && options->given[(uint8_t)*letters])
        letters++;
    return *letters == '\0';
}

int options_run(int argc, char **argv, const struct options_command *commands, const char *usage) {
    struct options options;
    for (; argc > 1 && commands->name != NULL; commands++) {
        if (strcmp(argv[1], commands->name) == 0 && read_options(argc - 1, argv + 1, &options) &&
            has_all(&options, commands->needed))
            return commands->run(&options) ? 0 : 1;
    }
    fputs(usage, stderr);
    return 2;
}
