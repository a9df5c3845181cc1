/*
 * sim: runs the engine against the model. Exit 0 when they agree throughout, 1 when not, 2 for bad
 * arguments.
 *
 *   sim --seed N                one run; reproduces what another invocation printed
 *   sim --seed N --steps N      runs of N, N + 1, … until that many steps are done
 *   sim --seed N --seconds N    the same for that long
 *   sim … --mutant NAME         without that guard
 *   sim --list                  the guards
 */
#include "tests/sim/removed_guard.h"
#include "tests/sim/run.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct options {
    uint64_t seed;
    uint64_t steps;
    uint64_t seconds;
};

static uint64_t read_number(const char *text) {
    char *end = NULL;
    uint64_t number = strtoull(text, &end, 10);
    if (*text == '\0' || *end != '\0') {
        fprintf(stderr, "sim: %s is no number\n", text);
        exit(2);
    }
    return number;
}

static void list_guards(void) {
    for (enum guard guard = GUARD_NONE + 1; guard < GUARD_COUNT; guard++) {
        printf("%-24s %s\n", guard_name(guard), guard_protects(guard));
    }
}

static void remove_guard(const char *name) {
    enum guard guard = guard_by_name(name);
    if (guard == GUARD_NONE) {
        fprintf(stderr, "sim: no guard is called %s (see --list)\n", name);
        exit(2);
    }
    guard_remove(guard);
}

static struct options read_options(int argc, char **argv) {
    static const struct option names[] = {
        {"seed", required_argument, NULL, 's'},    {"steps", required_argument, NULL, 'n'},
        {"seconds", required_argument, NULL, 't'}, {"mutant", required_argument, NULL, 'm'},
        {"list", no_argument, NULL, 'l'},          {NULL, 0, NULL, 0},
    };
    struct options options = {.seed = 1, .steps = 1};
    for (int name = 0; (name = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        switch (name) {
        case 's':
            options.seed = read_number(optarg);
            break;
        case 'n':
            options.steps = read_number(optarg);
            break;
        case 't':
            options.seconds = read_number(optarg);
            break;
        case 'm':
            remove_guard(optarg);
            break;
        case 'l':
            list_guards();
            exit(0);
        default:
            exit(2);
        }
    }
    return options;
}

static uint64_t seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec;
}

int main(int argc, char **argv) {
    struct options options = read_options(argc, argv);
    struct progress *progress = calloc(1, sizeof *progress);
    ensure(progress != NULL);
    uint64_t end = seconds_now() + options.seconds;
    bool agreed = true;
    for (uint64_t seed = options.seed; agreed; seed++) {
        agreed = run_seed(seed, progress);
        if (progress->steps >= options.steps && seconds_now() >= end) {
            break;
        }
    }
    if (agreed) {
        progress_print_totals(progress);
    } else {
        progress_print_failure(progress);
        printf("Again: sim --seed %" PRIu64 "\n", progress->seed);
    }
    free(progress);
    return agreed ? 0 : 1;
}
