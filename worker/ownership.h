/*
 * ownership: which partitions this instance owns, and how it comes by them and gives them up.
 *
 * Works on an admin session of its own, one operation at a time; every OWNERSHIP_POLL_MS it reads
 * who owns what and who is alive, and carries out the one step that share.h says:
 *
 *   take over   get the dead instance's lock; end all its sessions and wait until they are gone;
 *               raise the epochs, waiting for no lock longer than 1 s (else end sessions again);
 *               give the lock back
 *   claim       partitions without an owner; their epochs are raised as well
 *   release     stop taking; wait until the batches with it are finished; forget its shows; give it
 *               up; tell
 *   raise       after the write session was lost or a commit's outcome is unknown: end that
 *               session, wait until it is gone, raise the epochs of all that is ours. Until then
 *               nothing is owned.
 *
 * What the database says afterwards counts, not what an operation is believed to have done: when an
 * answer is lost, the next poll adopts what is ours there and drops what is not.
 *
 * The bus being away for OWNERSHIP_BUS_PATIENCE_MS gives all partitions up, and the worker leaves
 * the list of those that share them: one that nobody can reach must not sit on any, nor keep others
 * from taking them. Announcements go out on every change and once a second.
 */
#ifndef USHER_WORKER_OWNERSHIP_H
#define USHER_WORKER_OWNERSHIP_H

#include "shared/bus.h"
#include "worker/committer.h"
#include "worker/control.h"

struct ownership;

enum {
    OWNERSHIP_POLL_MS = 500,
    OWNERSHIP_STEP_MS = 20, /* between looks whether sessions are gone */
    OWNERSHIP_ANNOUNCE_MS = 1000,
    OWNERSHIP_BUS_PATIENCE_MS = 3000,
    OWNERSHIP_SILENCE_MS = 2000,
};

struct ownership_config {
    struct event_base *base;
    struct bus *bus;
    const struct id128 *installation;
    const char *database_url;
    const char *application_name; /* of this instance's sessions */
    const char *process;
    uint64_t instance;
    double handover_seconds;
    const struct control *control;
    struct partitions *partitions;
    struct shows *shows;
    struct committer *committer;
};

MUST_CHECK struct ownership *ownership_create(const struct ownership_config *config);
/* Owns nothing from then on; says nothing to the database. NULL is allowed. */
void ownership_destroy(struct ownership *ownership);

/* The write session is up, with that server process. */
void ownership_write_up(struct ownership *ownership, int backend_pid);
/* It is gone. False: too many of them are, and could not be ended; the instance has to be given up.
 */
MUST_CHECK bool ownership_write_lost(struct ownership *ownership);
void ownership_fence_lost(struct ownership *ownership, const bool lost[PARTITION_COUNT]);
void ownership_batch_done(struct ownership *ownership);
void ownership_bus(struct ownership *ownership, bool connected);
/* Another worker's announcement: something may be to be claimed. */
void ownership_heard(struct ownership *ownership, const void *data, size_t size_bytes);
void ownership_announce(struct ownership *ownership);
/* Drains and releases everything; `on_left` when that is done. */
void ownership_leave(struct ownership *ownership, void (*on_left)(void *context), void *context);
uint32_t ownership_count(const struct ownership *ownership);

/* "usher:<16 hex of the installation>/<16 hex of the instance>": the application_name that names an
 * instance's sessions. At most 63 bytes. */
enum { INSTANCE_NAME_SIZE = 64 };
void ownership_instance_name(char name[INSTANCE_NAME_SIZE], const struct id128 *installation,
                             uint64_t instance);

#endif
