/*
 * sim_mutants: takes every guard of the engine out in turn and runs the simulator until it notices.
 * Prints a table. Exit 0 when it noticed each, 1 when one survived: then either the guard does
 * nothing, or the simulator does not look there.
 */
#include "tests/sim/removed_guard.h"
#include "tests/sim/run.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SEEDS_MAX = 400, SECONDS_MAX = 30 };

/* In a process of its own, since an engine without a guard may crash or go round in circles. */
static void run_mutant(enum guard guard, struct progress *progress) {
    int null = open("/dev/null", O_WRONLY);
    if (null >= 0) {
        dup2(null, STDERR_FILENO); /* what sanitizers have to say about it is no news */
    }
    alarm(SECONDS_MAX);
    guard_remove(guard);
    for (uint64_t seed = 1; seed <= SEEDS_MAX; seed++) {
        if (!run_seed(seed, progress)) {
            _exit(1);
        }
    }
    _exit(0);
}

/* True when the mutant was noticed. */
static bool hunt_mutant(enum guard guard, struct progress *progress) {
    memset(progress, 0, sizeof *progress);
    pid_t child = fork();
    ensure(child >= 0);
    if (child == 0) {
        run_mutant(guard, progress);
    }
    int status = 0;
    ensure(waitpid(child, &status, 0) == child);
    bool noticed = !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    printf("%-24s %-66s ", guard_name(guard), guard_protects(guard));
    if (noticed) {
        printf("%4" PRIu64 " %4" PRIu32 "  %s\n", progress->seed, progress->step,
               progress->failure[0] == '\0' ? "crashed" : progress->failure);
    } else {
        printf("SURVIVED %" PRIu64 " steps\n", progress->steps);
    }
    fflush(stdout);
    return noticed;
}

int main(void) {
    struct progress *progress =
        mmap(NULL, sizeof *progress, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ensure(progress != MAP_FAILED);
    int survivors = 0;
    printf("%-24s %-66s %4s %4s  %s\n", "without", "which sees to it that", "seed", "step",
           "noticed by");
    fflush(stdout);
    for (enum guard guard = GUARD_NONE + 1; guard < GUARD_COUNT; guard++) {
        survivors += hunt_mutant(guard, progress) ? 0 : 1;
    }
    printf("%d guards, %d survived\n", GUARD_COUNT - 1, survivors);
    munmap(progress, sizeof *progress);
    return survivors == 0 ? 0 : 1;
}
