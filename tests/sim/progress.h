/*
 * progress: how far a run has come, what it met, and why it ended early. Plain data: `sim_mutants`
 * shares it between processes.
 */
#ifndef USHER_TESTS_SIM_PROGRESS_H
#define USHER_TESTS_SIM_PROGRESS_H

#include "worker/engine/show.h"

enum { PROGRESS_RECENT = 12 };

/* Something that was done to the engine. */
struct recent {
    uint32_t step;
    const char *what; /* static text */
    struct command command;
    enum payment_result payment;
    enum reply_code code; /* REPLY_CODE_COUNT: what was done is no command, or not yet decided */
    struct show_time time;
};

struct progress {
    uint64_t seed;
    uint32_t step;
    char failure[256]; /* "" while all is well */
    uint64_t recent_count;
    struct recent recent[PROGRESS_RECENT];
    /* Over all runs. */
    uint64_t runs;
    uint64_t steps;
    uint64_t replies[REPLY_CODE_COUNT];
    uint64_t replayed;
    uint64_t swept;
    uint64_t commits;
    uint64_t failed_commits;
    uint64_t unknown_commits;
    uint64_t takeovers;
    uint64_t loads;
    uint64_t lookups;
    uint64_t broken_stores;
    uint64_t failed_allocations;
    uint64_t vouches;
    uint64_t reports;
    uint64_t rolled; /* called by roll */
    uint64_t joins;
    uint64_t empty_gaps; /* passed without waiting */
};

/* Remembers why; returns false, for `return progress_fail(…)`. The first reason stays. */
bool progress_fail(struct progress *progress, const char *format, ...) PRINTF_LIKE(2, 3);
/* Remembers what is about to be done; the returned record may be completed. */
struct recent *progress_record(struct progress *progress, const char *what,
                               const struct show_time *time);
void progress_print_failure(const struct progress *progress);
void progress_print_totals(const struct progress *progress);

#endif
