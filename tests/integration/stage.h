/*
 * stage: PostgreSQL, NATS and workers, and no gateway: the test speaks to the workers itself
 * (desk.h), in their own words and at the moment it chooses.
 *
 * Shows are put into the database by SQL: one section of general admission, whose seats can be
 * asked for by number as well. As with a cluster (tests/support/cluster.h), a test ends with
 * stage_finish, and stage_teardown follows whatever happened.
 */
#ifndef USHER_TESTS_INTEGRATION_STAGE_H
#define USHER_TESTS_INTEGRATION_STAGE_H

#include "tests/support/process.h"
#include "tests/support/servers.h"
#include "tests/support/sql.h"

enum { STAGE_WORKERS_MAX = 3, STAGE_SETTINGS_MAX = 4, STAGE_READY_MS = 60000 };

struct stage_worker {
    char name[16];
    char failpoints[FOLDER_PATH_SIZE + 64];
    uint16_t ops_port;
    struct process *process; /* NULL: not running */
};

struct stage {
    char folder[FOLDER_PATH_SIZE];
    struct postgres_server postgres;
    struct nats_server nats;
    struct sql *sql;
    struct id128 installation;
    struct stage_worker workers[STAGE_WORKERS_MAX];
    bool finished;
};

/* Servers and a migrated database. */
struct stage *stage_create(void **state);
/* `nats` NULL: the stage's. `settings`: NAME=VALUE, NULL-terminated, may be NULL. */
void stage_start_worker(struct stage *stage, unsigned worker, const struct nats_server *nats,
                        const char *const *settings);
/* The test fails when a worker had died by itself, does not end with 0, or a sanitizer complains.
 */
void stage_finish(struct stage *stage);
int stage_teardown(void **state);
/* SIGTERM, and then: it ends with 0, and no sanitizer has complained. */
void stage_end_worker(struct stage *stage, unsigned worker);
/* The same of a worker that was told to end already. */
void stage_expect_ended(struct stage *stage, unsigned worker);

/* How many partitions the database says the worker owns. */
int64_t stage_partitions(struct stage *stage, unsigned worker);
void stage_wait_partitions(struct stage *stage, unsigned worker, int64_t wanted, int64_t limit_ms);
/* A number of the worker's /readyz: "shows", "batches", "commits" … */
int64_t stage_number(struct stage *stage, unsigned worker, const char *name);

struct stage_show {
    unsigned seats;
    unsigned hold_seconds;   /* 0: 300 */
    unsigned seats_per_user; /* 0: 8 */
};
int64_t stage_show(struct stage *stage, const struct stage_show *show);

/* Numbers out of the database, about one show. */
int64_t stage_event_number(struct stage *stage, const char *query, int64_t event_id);
/* The status of a booking, 0 when there is none. */
int64_t stage_booking_status(struct stage *stage, const struct id128 *booking_id);
/* No seat twice, every live booking has exactly its seats, free seats and open holds counted right.
 */
void stage_expect_sound_database(struct stage *stage);

#endif
