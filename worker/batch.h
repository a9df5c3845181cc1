/*
 * batch: what a number of decisions come to in the database, as one transaction.
 *
 * Holds the *net effect*: each touched booking, seat and turn once, guarded by what it was before
 * the batch, set to what it is after. (A statement a kind of change would reorder a cancel and a
 * new hold of the same seat.) Also the shows touched, with the version their seat maps lead from
 * and to, and the partitions, for the fence.
 *
 *   collecting --batch_seal--> sealed --batch_send--> … --batch_clear--> collecting
 *
 * Knows no session state and no loop: committer.c drives it.
 */
#ifndef USHER_WORKER_BATCH_H
#define USHER_WORKER_BATCH_H

#include "shared/catalogue_input.h"
#include "shared/database.h"
#include "worker/partitions.h"
#include "worker/shows.h"
#include "worker/work.h"

struct batch;

enum {
    BATCH_COMMANDS_MAX = 1000,
    BATCH_BOOKINGS_MAX = 2000, /* changed ones, expiries included */
    BATCH_TURNS_MAX = 4000,    /* the decision that reaches it may go ROOM_CHANGES_MAX beyond */
    BATCH_PATCHES_MAX = 4,
};

/* One show in a batch. */
struct batch_show {
    struct show_entry *entry; /* held until batch_free */
    uint64_t from; /* version before the batch; equal to `version` when no seat changed */
    uint64_t version;
    uint32_t seats_available; /* and open holds: as of the seal */
    uint32_t open_holds;
    uint32_t *seats;         /* touched; each once after the seal */
    enum seat_state *states; /* theirs, as of the seal */
    uint32_t seat_count;
    uint32_t seat_capacity;
    bool room_changed; /* turns, record, line, or settings of the event */
    /* How the room stands as of the seal (decide_describe_rooms); NULL: it is off. Once committed
     * it is the entry's. */
    struct room_state *room_state;
};

/* A turn in a batch: what it was before (TURN_NONE: not stored) and is after it. */
struct batch_turn {
    struct show_entry *entry;
    enum turn_state before;
    struct id128 user_before;
    struct turn after;
};

/* A booking in a batch, likewise (BOOKING_NONE). */
struct batch_booking {
    struct show_entry *entry;
    enum booking_status before;
    struct id128 user_before;
    struct booking after;
    const char *contact_name; /* "" or the command's, which lives as long as the batch */
    const char *contact_email;
};

/* NULL when there is no memory. */
MUST_CHECK struct batch *batch_create(struct shows *shows);
/* Lets go of the shows. Commands still in batch_commands are freed. */
void batch_free(struct batch *batch);
/* The same, and the batch is a new one, which has memory for as much as it had before. */
void batch_clear(struct batch *batch);

/* The commands decided in this batch, in order of arrival. The committer takes them. */
struct work_list *batch_commands(struct batch *batch);
void batch_push_take(struct batch *batch, struct work *work);
/* Whether one of them asks for a snapshot. */
bool batch_has_snapshots(const struct batch *batch);
bool batch_is_full(const struct batch *batch);
bool batch_is_empty(const struct batch *batch); /* nothing to commit and nothing to answer */
bool batch_has_writes(const struct batch *batch);
bool batch_has_expiries(const struct batch *batch);

/* The fence will cover `partition` at `epoch`. */
void batch_fence(struct batch *batch, uint32_t partition, uint64_t epoch);
/* Adds a decided change. `work`, the command that made it, is NULL for expiries; it stays with the
 * batch. Aborts without memory: a decision that can't be recorded can't be undone either. */
void batch_add_change(struct batch *batch, struct show_entry *entry,
                      const struct show_change *change, const struct work *work);
/* The same for what was decided about the show's room. */
void batch_add_room_changes(struct batch *batch, struct show_entry *entry,
                            const struct room_changes *changes, const struct work *work);
/* Takes the patch. */
void batch_add_patch_take(struct batch *batch, struct show_entry *entry, struct event_patch *patch);
bool batch_takes_patches(const struct batch *batch);
/* Stores the partition's served time with this batch. */
void batch_add_served(struct batch *batch, uint32_t partition, int64_t served_ms);

/* Gives every touched show its next version. Nothing is added afterwards. */
void batch_seal(struct batch *batch);
size_t batch_show_count(const struct batch *batch);
struct batch_show *batch_show_at(struct batch *batch, size_t index);
/* Each touched turn and booking once, in the order of their first change. */
size_t batch_turns(const struct batch *batch, const struct batch_turn **turns);
size_t batch_bookings(const struct batch *batch, const struct batch_booking **bookings);
bool batch_has_partition(const struct batch *batch, uint32_t partition);

/*
 * Sends the fence, and for a batch with writes BEGIN before it and all writes after it, as one
 * group; with `fenced` false (a test's failpoint) without the fence. STATUS_… as of
 * database_group_send_take.
 */
MUST_CHECK enum status batch_send(struct batch *batch, struct database_session *session,
                                  bool fenced, database_answer_handler *on_answer, void *context);
/* What the answer to it means. */
enum batch_outcome {
    BATCH_WRITTEN, /* fence and all row counts are right: COMMIT may follow (or, without writes, the
                      answers) */
    BATCH_FENCED,  /* some partitions have another epoch: `lost` is filled */
    BATCH_MISMATCH, /* a row count is wrong: memory is not what is stored */
};
MUST_CHECK enum batch_outcome batch_check(const struct batch *batch,
                                          const struct database_answer *answer,
                                          bool lost[PARTITION_COUNT]);
/* After COMMIT: the served times of this batch are stored now. */
void batch_note_stored(const struct batch *batch, struct partitions *partitions);

#endif
