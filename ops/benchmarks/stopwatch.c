#include "ops/benchmarks/stopwatch.h"

#include "shared/clock.h"

void stopwatch_start(struct stopwatch *watch) {
    cpu_read(watch->processes, watch->process_count, watch->cpu_seconds);
    watch->machine_cpu_seconds = cpu_read_machine();
    watch->own_cpu_seconds = cpu_read_own();
    watch->started_us = clock_monotonic_us();
    watch->running = true;
}

void stopwatch_stop(struct stopwatch *watch) {
    double now[CPU_PROCESSES_MAX];
    watch->running = false;
    watch->elapsed_seconds = (double)(clock_monotonic_us() - watch->started_us) / 1e6;
    watch->own_cpu_seconds = cpu_read_own() - watch->own_cpu_seconds;
    watch->machine_cpu_seconds = cpu_read_machine() - watch->machine_cpu_seconds;
    cpu_read(watch->processes, watch->process_count, now);
    for (size_t i = 0; i < watch->process_count; i++)
        watch->cpu_seconds[i] = now[i] - watch->cpu_seconds[i];
}
