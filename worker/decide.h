/*
 * decide: one command, or what has become due at a show, decided into a batch. The step between the
 * pure engines (the show's and its room's) and the batch: time, payment, settings, what room and
 * show have to know of each other. Sends nothing.
 */
#ifndef USHER_WORKER_DECIDE_H
#define USHER_WORKER_DECIDE_H

#include "worker/batch.h"
#include "worker/shows.h"

/* When a decision is made, and how busy the database is. */
struct decide_moment {
    struct show_time time;
    uint32_t commit_ms; /* how long batches take now */
};

enum decide_outcome {
    DECIDED,              /* the batch has the work */
    DECIDE_NEEDS_LOOKUP,  /* nothing changed; look the booking up and come again */
    DECIDE_BATCH_IS_FULL, /* nothing changed; try the next batch */
};

/* Expires the show's due holds, as many as the batch takes. */
void decide_expiry(struct batch *batch, struct show_entry *entry,
                   const struct decide_moment *moment, uint64_t epoch);
/* Ends the room's due turns, and calls who is due at a roll call, unless the batch is full. */
void decide_sweep(struct batch *batch, struct show_entry *entry, const struct decide_moment *moment,
                  uint64_t epoch);
/* Raises what the room grants, or takes it back. */
void decide_pace(struct show_entry *entry, const struct decide_moment *moment);
/* The entry is READY. Takes the work when DECIDED. */
MUST_CHECK enum decide_outcome decide_work(struct batch *batch, struct show_entry *entry,
                                           struct work *work, const struct decide_moment *moment);
/* A reply that needs no show (no such event, poison); fenced like any other. Takes the work. */
void decide_reply_take(struct batch *batch, struct work *work, enum reply_code code);
/* After the seal: fills the snapshots asked for in the batch. */
void decide_snapshots(struct batch *batch, struct shows *shows, uint64_t instance);
/* How the room stands as decided (room_describe). */
void decide_describe_room(const struct show_entry *entry, const struct decide_moment *moment,
                          struct room_state *state);

#endif
