/*
 * decide: one command, or the holds of a show that have run out, decided into a batch. The step
 * between the pure engine and the batch: time, payment, settings. Sends nothing.
 */
#ifndef USHER_WORKER_DECIDE_H
#define USHER_WORKER_DECIDE_H

#include "worker/batch.h"
#include "worker/shows.h"

enum decide_outcome {
    DECIDED,              /* the batch has the work */
    DECIDE_NEEDS_LOOKUP,  /* nothing changed; look the booking up and come again */
    DECIDE_BATCH_IS_FULL, /* nothing changed; try the next batch */
};

/* Expires the show's due holds, as many as the batch takes. */
void decide_expiry(struct batch *batch, struct show_entry *entry, const struct show_time *time,
                   uint64_t epoch);
/* The entry is READY. Takes the work when DECIDED. */
MUST_CHECK enum decide_outcome decide_work(struct batch *batch, struct show_entry *entry,
                                           struct work *work, const struct show_time *time);
/* A reply that needs no show (no such event, poison); fenced like any other. Takes the work. */
void decide_reply_take(struct batch *batch, struct work *work, enum reply_code code);
/* After the seal: fills the snapshots asked for in the batch. */
void decide_snapshots(struct batch *batch, struct shows *shows, uint64_t instance);

#endif
