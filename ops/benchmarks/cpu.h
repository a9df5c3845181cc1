/*
 * cpu: what running processes have used of the processors, from /proc (proc(5), stat).
 */
#ifndef USHER_OPS_BENCHMARKS_CPU_H
#define USHER_OPS_BENCHMARKS_CPU_H

#include "shared/base.h"

#include <sys/types.h>

enum { CPU_PROCESSES_MAX = 32 };

/* A process together with its children, as PostgreSQL's server is. */
struct cpu_process {
    const char *name;
    pid_t pid;
};

/* Seconds, user and system, of each since it started; 0 for one that is gone. Read at two moments,
 * the difference is what was used in between, but for children that ended meanwhile unwaited for.
 */
void cpu_read(const struct cpu_process *processes, size_t count, double *seconds);
/* Of one process without its children, to the nanosecond; 0 for one that is gone. */
double cpu_read_clock(pid_t pid);
/* Of everything on the machine, also the time that its host took away: what is more than the sum of
 * the processes measured went to strangers, and the measurement is not worth much. */
double cpu_read_machine(void);
/* Of this process itself (getrusage(2)). */
double cpu_read_own(void);

#endif
