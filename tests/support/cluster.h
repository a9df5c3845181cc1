/*
 * cluster: a whole usher for one test: PostgreSQL, NATS, a migrated database, workers and gateways,
 * each process with a log, a folder for failpoints and ports of its own.
 *
 * A test ends with cluster_finish, which also checks how the processes went; whatever its course,
 * cluster_destroy follows (a fixture's teardown). When the test did not come to cluster_finish, it
 * prints the ends of all logs. The folder of a failed test stays, and its path is printed.
 *
 * Gateways have a port each, so that a test can choose whom it asks.
 */
#ifndef USHER_TESTS_SUPPORT_CLUSTER_H
#define USHER_TESTS_SUPPORT_CLUSTER_H

#include "tests/support/process.h"
#include "tests/support/servers.h"
#include "tests/support/sql.h"

enum {
    CLUSTER_WORKERS_MAX = 4,
    CLUSTER_GATEWAYS_MAX = 4,
    CLUSTER_SETTINGS_MAX = 8,
    CLUSTER_KEY_SIZE = 65,
    CLUSTER_READY_MS = 60000, /* generous: sanitizers, two cores, other tests */
};

struct cluster;

struct cluster_options {
    unsigned workers;  /* 0: 2 */
    unsigned gateways; /* 0: 2 */
    /* NAME=VALUE for all processes, and for one worker alone. */
    const char *settings[CLUSTER_SETTINGS_MAX];
    const char *worker_settings[CLUSTER_WORKERS_MAX];
    struct cluster
        *beside; /* another installation on this one's servers; it has to be destroyed last */
};

struct cluster_process {
    char name[32]; /* "worker-1" */
    char failpoints[FOLDER_PATH_SIZE + 64];
    uint16_t port; /* public; 0 for workers */
    uint16_t ops_port;
    const char *setting;     /* its own, or NULL */
    struct process *process; /* NULL: not running */
};

struct cluster {
    char folder[FOLDER_PATH_SIZE];
    char database[32];
    char admin_key[CLUSTER_KEY_SIZE];
    struct cluster_options options;
    struct postgres_server own_postgres, *postgres;
    struct nats_server own_nats, *nats;
    struct sql *sql;
    unsigned worker_count, gateway_count;
    struct cluster_process workers[CLUSTER_WORKERS_MAX];
    struct cluster_process gateways[CLUSTER_GATEWAYS_MAX];
    struct cluster *neighbour; /* lives on this one's servers */
    bool finished;
};

/* Returns when everything is up and balanced; *state is set before anything can fail (unless there
 * is a `beside`, in whose state it is). `options` may be NULL. */
struct cluster *cluster_create(void **state, const struct cluster_options *options);
/* Thaws what is frozen, ends every process with SIGTERM; the test fails when one had died by
 * itself, takes longer than 15 s, ends with anything but 0, or has written a sanitizer's report. */
void cluster_finish(struct cluster *cluster);
int cluster_teardown(void **state);

/* Starts a process that is not running. */
void cluster_start_worker(struct cluster *cluster, unsigned worker);
void cluster_start_gateway(struct cluster *cluster, unsigned gateway);
void cluster_kill(struct cluster_process *process);
/* Every partition has a living owner, the workers have equal shares, every running gateway's
 * /readyz says that booking is up. Frozen processes don't count. */
void cluster_wait_ready(struct cluster *cluster);
/* Every partition has an owner among the running, unfrozen workers. */
bool cluster_is_owned(struct cluster *cluster);

/* Runs usherctl with these words (NULL-terminated), for this installation and its first gateway;
 * what it prints, to both, is appended to the file. Returns its exit status. */
int cluster_usherctl(struct cluster *cluster, const char *const *words, const char *output_path);

/* The index of the worker that the database says owns the event's partition; -1: none of ours. */
int cluster_owner(struct cluster *cluster, int64_t event_id);

/* Arms a failpoint of a process, see shared/failpoint.h; `action` "stop", "kill", "fail", "always
 * fail". */
void cluster_arm(struct cluster_process *process, const char *failpoint, const char *action);
void cluster_disarm(struct cluster_process *process, const char *failpoint);
bool cluster_is_armed(const struct cluster_process *process, const char *failpoint);
/* Waits until the armed "stop" has frozen it. */
void cluster_wait_frozen(const struct cluster_process *process);

#endif
