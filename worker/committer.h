/*
 * committer: the batch loop. Decides commands serially, makes the decisions durable in batches, and
 * only then lets the answers out.
 *
 *   ready --decide--> building --seal, send--> WRITING --counts right--> COMMITTING --> answered
 *     ^                                           |                          |
 *     +--- redo --- fence lost, error, count wrong+     outcome unknown, or the session ended:
 *                                                       everything is forgotten
 *
 * Batching by waiting for nothing: while a batch is in flight, commands are decided into the next
 * one; it is sealed and sent when the one before is known to be committed. No timer decides. A
 * batch without changes (refusals, repeats, snapshots) costs one round trip that looks at the
 * epochs; so every answer is fenced after its decision.
 *
 * When a batch fails for certain, memory is wrong or one command is poison: all shows it touched
 * are forgotten and its commands decided again in order of arrival, first show by show
 * (WORK_BY_SHOW), then one by one (WORK_ALONE); one that fails alone is answered REPLY_INTERNAL.
 * While there is anything to redo nothing new is decided, and nothing is decided ahead. When a
 * batch with expiries fails, later ones have those of one show only, for COMMITTER_EXPIRE_ALONE_MS.
 *
 * When the outcome of a COMMIT is unknown the write session is given up; ownership.c raises the
 * epochs before anything is decided again, and calls committer_abandon.
 */
#ifndef USHER_WORKER_COMMITTER_H
#define USHER_WORKER_COMMITTER_H

#include "shared/clock.h"
#include "worker/feed.h"
#include "worker/intake.h"
#include "worker/link.h"
#include "worker/numbers.h"
#include "worker/shows.h"

struct committer;

enum { COMMITTER_TICK_MS = 200, COMMITTER_EXPIRE_ALONE_MS = 30000 };

struct committer_config {
    struct event_base *base;
    struct partitions *partitions;
    const struct database_clock *clock;
    struct intake *intake;
    struct feed *feed;
    /* The fence did not find these at our epoch: somebody else owns them. */
    void (*on_fence_lost)(void *context, const bool lost[PARTITION_COUNT]);
    /* A batch with changes is stored: what it changed may be told (batch_show_at, batch_turns,
     * batch_bookings). It ends with the call. */
    void (*on_stored)(void *context, struct batch *batch);
    /* A batch is finished; a partition that is drained may be free now. */
    void (*on_batch_done)(void *context);
    /* Every COMMITTER_TICK_MS while deciding is possible, after all rooms were swept and their
     * grants raised (room_grant). */
    void (*on_tick)(void *context);
    void *context;
};

MUST_CHECK struct committer *committer_create(const struct committer_config *config);
void committer_destroy(struct committer *committer);
/* The sessions of an instance; both NULL while there is none. */
void committer_set_instance(struct committer *committer, struct link *write, struct shows *shows);

/* Takes a command to be decided. */
void committer_submit_take(struct committer *committer, struct work *work);
/* A show is loaded, or could not be (struct shows_config). */
void committer_show_ready(struct committer *committer, struct show_entry *entry);
void committer_show_failed(struct committer *committer, uint64_t event_id, enum status status,
                           struct work_list *parked);

/* Drops everything undecided, decided and in flight, unanswered: the write session is gone. */
void committer_abandon(struct committer *committer);
/* Gives the write session up, as when it is lost. */
void committer_restart_session(struct committer *committer);
/* Drops what is undecided for a partition; what is decided finishes. */
void committer_drop_partition(struct committer *committer, uint32_t partition);
/* Whether a batch with decisions for it is not finished yet. */
bool committer_holds_partition(const struct committer *committer, uint32_t partition);

/* How the room of a READY show stands as stored: what may be told. Made anew when nothing of the
 * show is decided and not stored yet, else as of its last batch. NULL: there is nothing to tell
 * (off, nobody has a turn, no stream was ever vouched for). Belongs to the entry; ends with the
 * next question, and with its next batch. */
const struct room_state *committer_room_state(struct committer *committer,
                                              struct show_entry *entry);

const struct committer_numbers *committer_numbers(const struct committer *committer);

#endif
