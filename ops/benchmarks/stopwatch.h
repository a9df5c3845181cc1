/*
 * stopwatch: how long something took, and what it used of the processors meanwhile.
 */
#ifndef USHER_OPS_BENCHMARKS_STOPWATCH_H
#define USHER_OPS_BENCHMARKS_STOPWATCH_H

#include "ops/benchmarks/cpu.h"

struct stopwatch {
    const struct cpu_process *processes; /* to be watched, besides this one */
    size_t process_count;
    /* Filled when it is stopped. */
    double elapsed_seconds;
    double machine_cpu_seconds;
    double own_cpu_seconds;
    double cpu_seconds[CPU_PROCESSES_MAX];

    bool running;
    int64_t started_us;
};

void stopwatch_start(struct stopwatch *watch);
void stopwatch_stop(struct stopwatch *watch);

#endif
