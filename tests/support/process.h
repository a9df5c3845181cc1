/*
 * process: a program that a test runs, freezes, kills and watches.
 *
 * A child never outlives its test: it gets its death signal when the thread that started it ends,
 * however that comes about (start processes from the main thread). Its output goes to a log file.
 * Failures of the functions fail the test.
 */
#ifndef USHER_TESTS_SUPPORT_PROCESS_H
#define USHER_TESTS_SUPPORT_PROCESS_H

#include "shared/base.h"

#include <stdio.h>
#include <sys/types.h>

struct process;

struct process_start {
    const char *name;               /* for messages */
    const char *const *arguments;   /* the program's path first; NULL-terminated */
    const char *const *environment; /* NAME=VALUE, NULL-terminated, may be NULL. Added to the test's
                                       own, of which every USHER_… is left out */
    const char *log_path;           /* stdout and stderr, appended */
    bool as_postgres;               /* as user postgres when the test runs as root */
    int death_signal;               /* 0: SIGKILL */
};

enum { PROCESS_ARGUMENTS_MAX = 32, PROCESS_ENVIRONMENT_MAX = 256 };

struct process *process_start(const struct process_start *start);
/* Kills it when it still runs, reaps, frees. NULL is allowed. */
void process_destroy(struct process *process);

pid_t process_pid(const struct process *process);
const char *process_name(const struct process *process);
const char *process_log_path(const struct process *process);
bool process_runs(struct process *process);
/* Frozen by SIGSTOP, whoever sent it (also a failpoint's "stop"). */
bool process_is_frozen(const struct process *process);

void process_signal(struct process *process, int signal_number);
void process_freeze(struct process *process); /* returns when it stands still */
void process_thaw(struct process *process);
void process_kill(struct process *process); /* SIGKILL, and waits until it is gone */
/* False when it still runs after `timeout_ms`. *status (may be NULL) as from waitpid. */
MUST_CHECK bool process_wait(struct process *process, int64_t timeout_ms, int *status);
/* SIGTERM; the test fails when it takes longer than `timeout_ms` or does not exit with 0. */
void process_end(struct process *process, int64_t timeout_ms);
/* Starts, waits for the end, returns the exit status (fails past `timeout_ms`). */
int process_run(const struct process_start *start, int64_t timeout_ms);

#endif
