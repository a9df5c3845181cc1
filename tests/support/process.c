#include "tests/support/process.h"
#include "tests/support/expect.h"
#include "tests/support/folder.h"
#include "tests/support/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { END_WAIT_MS = 10000, CHILD_FAILED = 127 };

struct process {
    char *name;
    char *log_path;
    pid_t pid;
    int pidfd;
    bool reaped;
    int status; /* once reaped */
};

struct child {
    const struct process_start *start;
    char *environment[PROCESS_ENVIRONMENT_MAX + 1];
    int log_fd;
    pid_t parent;
    const struct passwd *user; /* NULL: stays who it is */
};

static void build_environment(struct child *child) {
    size_t count = 0;
    for (char **entry = environ; *entry != NULL; entry++) {
        if (strncmp(*entry, "USHER_", 6) != 0 && count < PROCESS_ENVIRONMENT_MAX) {
            child->environment[count++] = *entry;
        }
    }
    const char *const *own = child->start->environment;
    for (; own != NULL && *own != NULL; own++) {
        expect(count < PROCESS_ENVIRONMENT_MAX, "too many environment variables");
        child->environment[count++] = (char *)(uintptr_t)*own;
    }
    child->environment[count] = NULL;
}

/* In the child: only async-signal-safe calls, for the test may have threads. */
static void child_run(const struct child *child) {
    const struct passwd *user = child->user;
    if (user != NULL &&
        (setgroups(0, NULL) != 0 || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0)) {
        _exit(CHILD_FAILED);
    }
    /* After setuid, which clears it (prctl(2), PR_SET_PDEATHSIG). */
    int death_signal = child->start->death_signal != 0 ? child->start->death_signal : SIGKILL;
    if (prctl(PR_SET_PDEATHSIG, death_signal) != 0 || getppid() != child->parent) {
        _exit(CHILD_FAILED);
    }
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null < 0 || dup2(null, 0) < 0 || dup2(child->log_fd, 1) < 0 || dup2(child->log_fd, 2) < 0) {
        _exit(CHILD_FAILED);
    }
    (void)execve(child->start->arguments[0], (char *const *)(uintptr_t)child->start->arguments,
                 child->environment);
    _exit(CHILD_FAILED);
}

struct process *process_start(const struct process_start *start) {
    struct child child = {.start = start, .parent = getpid()};
    build_environment(&child);
    expect(access(start->arguments[0], X_OK) == 0, "there is no program %s", start->arguments[0]);
    if (start->as_postgres && geteuid() == 0) {
        child.user = getpwnam("postgres");
        expect(child.user != NULL, "there is no user postgres");
    }
    child.log_fd = open(start->log_path, O_CREAT | O_APPEND | O_WRONLY | O_CLOEXEC, 0644);
    expect(child.log_fd >= 0, "can't write %s", start->log_path);

    struct process *process = calloc(1, sizeof *process);
    ensure(process != NULL);
    process->name = strdup(start->name);
    process->log_path = strdup(start->log_path);
    ensure(process->name != NULL && process->log_path != NULL);
    process->pid = fork();
    if (process->pid == 0) {
        child_run(&child);
    }
    expect(process->pid > 0, "can't fork");
    (void)close(child.log_fd);
    process->pidfd = pidfd_open(process->pid, 0);
    expect(process->pidfd >= 0, "can't open process %s", start->name);
    return process;
}

void process_destroy(struct process *process) {
    if (process == NULL) {
        return;
    }
    process_kill(process);
    (void)close(process->pidfd);
    free(process->log_path);
    free(process->name);
    free(process);
}

pid_t process_pid(const struct process *process) {
    return process->pid;
}

const char *process_name(const struct process *process) {
    return process->name;
}

const char *process_log_path(const struct process *process) {
    return process->log_path;
}

bool process_runs(struct process *process) {
    return !process_wait(process, 0, NULL);
}

bool process_is_frozen(const struct process *process) {
    char path[64], text[512];
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)process->pid);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return false;
    }
    size_t size_bytes = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    text[size_bytes] = '\0';
    /* "pid (name) S …": the name may contain anything, so from the last parenthesis (proc(5)). */
    const char *after_name = strrchr(text, ')');
    return after_name != NULL && after_name[1] == ' ' && after_name[2] == 'T';
}

void process_signal(struct process *process, int signal_number) {
    expect(!process->reaped, "process %s is gone", process->name);
    expect(kill(process->pid, signal_number) == 0, "can't signal process %s", process->name);
}

void process_freeze(struct process *process) {
    process_signal(process, SIGSTOP);
    struct wait wait = wait_at_most(END_WAIT_MS);
    while (!process_is_frozen(process)) {
        wait_again(&wait, "a process to stand still");
    }
}

void process_thaw(struct process *process) {
    process_signal(process, SIGCONT);
}

void process_kill(struct process *process) {
    if (process_runs(process)) {
        process_signal(process, SIGKILL);
        expect(process_wait(process, END_WAIT_MS, NULL), "%s survives SIGKILL", process->name);
    }
}

bool process_wait(struct process *process, int64_t timeout_ms, int *status) {
    struct wait wait = wait_at_most(timeout_ms);
    while (!process->reaped) {
        pid_t reaped = waitpid(process->pid, &process->status, WNOHANG);
        expect(reaped >= 0, "process %s is not ours", process->name);
        if (reaped == process->pid) {
            process->reaped = true;
        } else if (wait_is_over(&wait)) {
            return false;
        } else {
            struct pollfd end = {.fd = process->pidfd, .events = POLLIN};
            (void)poll(&end, 1, wait_left_ms(&wait));
        }
    }
    if (status != NULL) {
        *status = process->status;
    }
    return true;
}

void process_end(struct process *process, int64_t timeout_ms) {
    int status = 0;
    process_signal(process, SIGTERM);
    expect(process_wait(process, timeout_ms, &status), "%s does not end within %lld ms of SIGTERM",
           process->name, (long long)timeout_ms);
    expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s ended with wait status 0x%x",
           process->name, (unsigned)status);
}

int process_run(const struct process_start *start, int64_t timeout_ms) {
    int status = 0;
    struct process *process = process_start(start);
    bool ended = process_wait(process, timeout_ms, &status);
    process_destroy(process);
    expect(ended, "%s runs longer than %lld ms", start->name, (long long)timeout_ms);
    expect(WIFEXITED(status), "%s died: wait status 0x%x", start->name, (unsigned)status);
    return WEXITSTATUS(status);
}
