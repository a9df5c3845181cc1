#include "ops/benchmarks/cpu.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* Positions behind the name, which ends at the last ')': state is 0, ppid 1, utime to cstime 11–14.
 */
enum { FIELD_PARENT = 1, FIELD_FIRST_TIME = 11, FIELD_LAST_TIME = 14 };

struct usage {
    pid_t pid;
    pid_t parent;
    double seconds;
};

/* Puts what a file of /proc begins with into `text`, NUL-terminated. */
static bool read_start(const char *path, char *text, size_t size_bytes) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t got = read(fd, text, size_bytes - 1);
    close(fd);
    if (got <= 0)
        return false;
    text[got] = '\0';
    return true;
}

static bool read_usage(const char *pid, struct usage *usage) {
    char path[64];
    char text[1024];
    snprintf(path, sizeof path, "/proc/%s/stat", pid);
    if (!read_start(path, text, sizeof text))
        return false;
    const char *at = strrchr(text, ')');
    if (at == NULL || strlen(at) < 4)
        return false;
    at += 3; /* behind the state */
    *usage = (struct usage){.pid = (pid_t)strtol(pid, NULL, 10)};
    unsigned long long ticks = 0;
    for (int field = FIELD_PARENT; field <= FIELD_LAST_TIME; field++) {
        char *end;
        unsigned long long number = strtoull(at, &end, 10);
        if (end == at)
            return false;
        at = end;
        if (field == FIELD_PARENT)
            usage->parent = (pid_t)number;
        if (field >= FIELD_FIRST_TIME)
            ticks += number;
    }
    usage->seconds = (double)ticks / (double)sysconf(_SC_CLK_TCK);
    return true;
}

void cpu_read(const struct cpu_process *processes, size_t count, double *seconds) {
    memset(seconds, 0, count * sizeof seconds[0]);
    DIR *proc = opendir("/proc");
    if (proc == NULL)
        return;
    for (const struct dirent *entry; (entry = readdir(proc)) != NULL;) {
        struct usage usage;
        if (!isdigit((unsigned char)entry->d_name[0]) || !read_usage(entry->d_name, &usage))
            continue;
        for (size_t i = 0; i < count; i++) {
            if (usage.pid == processes[i].pid || usage.parent == processes[i].pid)
                seconds[i] += usage.seconds;
        }
    }
    closedir(proc);
}

double cpu_read_clock(pid_t pid) {
    clockid_t clock;
    struct timespec used;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) != 0)
        return 0;
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

/* /proc/stat begins with: cpu user nice system idle iowait irq softirq steal … */
double cpu_read_machine(void) {
    enum { FIELDS = 8, IDLE = 3, IOWAIT = 4 };
    char text[256];
    unsigned long long ticks = 0;
    if (!read_start("/proc/stat", text, sizeof text) || strncmp(text, "cpu ", 4) != 0)
        return 0;
    char *at = text + 4;
    for (int field = 0; field < FIELDS; field++) {
        unsigned long long number = strtoull(at, &at, 10);
        if (field != IDLE && field != IOWAIT)
            ticks += number;
    }
    return (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

double cpu_read_own(void) {
    struct rusage usage;
    ensure(getrusage(RUSAGE_SELF, &usage) == 0);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}
