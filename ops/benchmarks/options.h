/*
 * options: the command line of the programs of ops/bench: a command, and options that all of them
 * have in common; each command names those that it can't do without.
 */
#ifndef USHER_OPS_BENCHMARKS_OPTIONS_H
#define USHER_OPS_BENCHMARKS_OPTIONS_H

#include "ops/benchmarks/cpu.h"
#include "ops/benchmarks/reserve.h"

enum { OPTIONS_SESSIONS_MAX = 256, OPTIONS_DEPTH_MAX = 64 };

/* Texts point into the arguments. */
struct options {
    bool given[UINT8_MAX + 1]; /* by letter */
    const char *url;
    const char *nats;
    const char *stream;
    uint64_t people;
    const char *seats;
    const char *answers;
    const char *path;
    bool gzip;
    uint64_t events[RESERVE_EVENTS_MAX];
    uint32_t event_count;
    uint64_t connections;
    uint64_t seconds;
    uint64_t rate;
    uint64_t seed;
    uint64_t buyers; /* an event; 0: as many as pairs of seats */
    uint64_t from;   /* of these, this one … */
    uint64_t each;   /* … and so many in all; 0: all */
    bool in_turn;
    uint64_t seat_count;
    uint64_t sessions;
    uint64_t depth;
    uint64_t redis_port;
    uint64_t kill; /* a process; 0: none */
    uint64_t sockets;
    uint64_t rounds;
    const char *guests;
    uint64_t sale_ms; /* when it begins, unix */
    struct cpu_process processes[CPU_PROCESSES_MAX];
    size_t process_count;
};

struct options_command {
    const char *name;
    const char *needed; /* options' letters */
    bool (*run)(const struct options *options);
};

/* What main returns. Runs the command, of a list that ends with {0}, that the first argument names:
 * 0, or 1 when it could not; without one, or with wrong options, prints the usage: 2. */
int options_run(int argc, char **argv, const struct options_command *commands, const char *usage);

#endif
