/*
 * ownership's inside: the state that ownership.c (what is owned, polls, what comes from outside)
 * and ownership_steps.c (the operations on the admin session) share. Nobody else includes it.
 */
#ifndef USHER_WORKER_OWNERSHIP_PRIVATE_H
#define USHER_WORKER_OWNERSHIP_PRIVATE_H

#include "worker/link.h"
#include "worker/ownership.h"
#include "worker/share.h"

enum { LOST_SESSIONS_MAX = 16 };

/* What the admin session is busy with. */
enum operation {
    OP_NONE,
    OP_REGISTER,
    OP_POLL,
    OP_TAKE_OVER,
    OP_CLAIM,
    OP_RELEASE,
    OP_RAISE,
    OP_LEAVE
};

struct ownership {
    struct ownership_config config;
    struct link *admin;
    enum operation operation;
    struct event *poll;
    struct event *announce;
    struct event *step; /* looks again whether sessions are gone */
    bool registered;    /* for certain */
    bool poll_wanted;
    bool write_up;
    int write_pid;
    int lost_pids[LOST_SESSIONS_MAX]; /* lost write sessions that may still run on the server */
    size_t lost_pid_count;
    bool raising; /* nothing is owned until the epochs are raised */
    bool bus_connected;
    int64_t bus_lost_us;
    struct share_plan plan; /* being carried out */
    struct {
        uint64_t instance;
        uint64_t fingerprint;
    } heard[SHARE_WORKERS_MAX];
    void (*on_left)(void *context);
    void *left_context;
    bool left;
};

static inline struct partition *partition_at(struct ownership *ownership, size_t id) {
    return &ownership->config.partitions->items[id];
}

/* --- ownership.c */

/* Takes the rows of an UPDATE … RETURNING partition_id, epoch, served_ms; says `how` in the log. */
void ownership_take_rows(struct ownership *ownership, const PGresult *rows, const char *how);
/* Forgets all of a partition. */
void ownership_drop(struct ownership *ownership, uint32_t id);
/* Begins whatever is to be done next, if nothing is under way. */
void ownership_next(struct ownership *ownership);

/* --- ownership_steps.c; each begins an operation and ends it by ownership_done */

void ownership_done(struct ownership *ownership, bool poll_again);
/* False, and the operation is over, unless the answer is DATABASE_DONE. */
MUST_CHECK bool ownership_succeeded(struct ownership *ownership,
                                    const struct database_answer *answer, const char *what);
struct database_group *ownership_begin(struct ownership *ownership, enum operation operation,
                                       const struct database_statement *statement);
void ownership_send_take(struct ownership *ownership, struct database_group *group,
                         database_answer_handler *on_answer);
void ownership_register(struct ownership *ownership);
void ownership_unregister(struct ownership *ownership);
void ownership_take_over(struct ownership *ownership); /* ownership->plan says what */
void ownership_claim(struct ownership *ownership);     /* the same */
/* Gives up what is drained. False when nothing is. */
bool ownership_release_drained(struct ownership *ownership);
void ownership_end_lost_session(struct ownership *ownership);
void ownership_raise_epochs(struct ownership *ownership);
/* Looks again whether the sessions waited for are gone. */
void ownership_step_again(struct ownership *ownership);

#endif
