#include "ops/benchmarks/crew.h"

#include "ops/benchmarks/cpu.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

void crew_add(struct crew *crew, void (*work)(void *context), void *context) {
    ensure(crew->count < CREW_MAX);
    pid_t parent = getpid();
    pid_t pid = fork();
    ensure(pid >= 0);
    if (pid == 0) {
        ensure(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
        if (getppid() == parent)
            work(context);
        _exit(0);
    }
    crew->members[crew->count++] = pid;
}

double crew_cpu_seconds(const struct crew *crew) {
    double seconds = 0;
    for (uint32_t i = 0; i < crew->count; i++)
        seconds += cpu_read_clock(crew->members[i]);
    return seconds;
}

void crew_end(struct crew *crew) {
    for (uint32_t i = 0; i < crew->count; i++)
        (void)kill(crew->members[i], SIGKILL);
    for (uint32_t i = 0; i < crew->count; i++)
        (void)waitpid(crew->members[i], NULL, 0);
    crew->count = 0;
}

void *crew_memory(size_t size_bytes) {
    void *memory =
        mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ensure(memory != MAP_FAILED);
    return memory;
}
