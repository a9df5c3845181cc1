#include "ops/benchmarks/options.h"

#include "ops/benchmarks/audience.h"
#include "ops/benchmarks/client.h"
#include "ops/benchmarks/guests.h"
#include "ops/benchmarks/line.h"
#include "ops/benchmarks/watch.h"

#include <errno.h>
#include <getopt.h>
#include <stddef.h>
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

enum option_kind { TEXT, NUMBER, FLAG, PATH, EVENTS, PROCESS };

static const struct option_row {
    const char *name;
    char letter; /* of options_command.needed */
    enum option_kind kind;
    size_t offset; /* in struct options, of what a text, number or flag sets */
    uint64_t lowest, highest;
} rows[] = {
    {"url", 'u', TEXT, offsetof(struct options, url), 0, 0},
    {"seats", 's', TEXT, offsetof(struct options, seats), 0, 0},
    {"events", 'e', EVENTS, 0, 0, 0},
    {"answers", 'a', TEXT, offsetof(struct options, answers), 0, 0},
    {"seconds", 't', NUMBER, offsetof(struct options, seconds), 1, SECONDS_MAX},
    {"connections", 'c', NUMBER, offsetof(struct options, connections), 1, CLIENT_CONNECTIONS_MAX},
    {"rate", 'o', NUMBER, offsetof(struct options, rate), 1, RATE_MAX},
    {"seed", 'r', NUMBER, offsetof(struct options, seed), 0, UINT64_MAX},
    {"process", 'p', PROCESS, 0, 0, 0},
    {"people", 'k', NUMBER, offsetof(struct options, people), 1, LINE_PEOPLE_MAX},
    {"nats", 'n', TEXT, offsetof(struct options, nats), 0, 0},
    {"stream", 'm', TEXT, offsetof(struct options, stream), 0, 0},
    {"buyers", 'b', NUMBER, offsetof(struct options, buyers), 1, GUESTS_MAX},
    {"from", 'j', NUMBER, offsetof(struct options, from), 0, GUESTS_MAX},
    {"each", 'h', NUMBER, offsetof(struct options, each), 2, GUESTS_MAX},
    {"in-turn", 'w', FLAG, offsetof(struct options, in_turn), 0, 0},
    {"seat-count", 'q', NUMBER, offsetof(struct options, seat_count), RESERVE_SEATS_MIN,
     2 * GUESTS_MAX},
    {"sessions", 'i', NUMBER, offsetof(struct options, sessions), 1, OPTIONS_SESSIONS_MAX},
    {"depth", 'd', NUMBER, offsetof(struct options, depth), 1, OPTIONS_DEPTH_MAX},
    {"redis-port", 'l', NUMBER, offsetof(struct options, redis_port), 1, UINT16_MAX},
    {"kill", 'x', NUMBER, offsetof(struct options, kill), 1, INT32_MAX},
    {"sockets", 'f', NUMBER, offsetof(struct options, sockets), 1, AUDIENCE_SOCKETS_MAX},
    {"rounds", 'y', NUMBER, offsetof(struct options, rounds), 1, WATCH_ROUNDS_MAX},
    {"guests", 'A', TEXT, offsetof(struct options, guests), 0, 0},
    {"sale-begins", 'g', NUMBER, offsetof(struct options, sale_ms), 1, INT64_MAX / 1000},
    {"path", 'v', PATH, offsetof(struct options, path), 0, 0},
    {"gzip", 'z', FLAG, offsetof(struct options, gzip), 0, 0},
};

static bool read_option(const struct option_row *row, char *text, struct options *options) {
    void *target = (char *)options + row->offset;
    switch (row->kind) {
    case NUMBER:
        return read_whole_number(text, row->lowest, row->highest, target);
    case FLAG:
        *(bool *)target = true;
        return true;
    case EVENTS:
        options->event_count = read_events(text, options->events);
        return options->event_count > 0;
    case PROCESS:
        return read_process(text, options);
    case TEXT:
    case PATH:
        *(const char **)target = text;
        return row->kind == TEXT || *text == '/';
    }
    return false;
}

static bool read_options(int argc, char **argv, struct options *options) {
    struct option known[ARRAY_LEN(rows) + 1] = {0};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        known[i] = (struct option){rows[i].name,
                                   rows[i].kind == FLAG ? no_argument : required_argument, NULL, 0};
    *options = (struct options){
        .connections = 256, .seconds = 5, .seed = 1, .sessions = 8, .depth = 1, .rounds = 5};
    bool right = true;
    int index;
    for (int found; right && (found = getopt_long(argc, argv, "", known, &index)) != -1;) {
        right = found == 0 && read_option(&rows[index], optarg, options);
        if (right)
            options->given[(uint8_t)rows[index].letter] = true;
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
