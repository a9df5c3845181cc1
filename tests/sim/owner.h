/*
 * owner: a worker reduced to what matters to the engine. Decides on the engine and on the model,
 * compares, gathers batches, writes them to the store, forgets and loads again. One batch may be on
 * its way to the store while the next is decided.
 *
 * Functions return false when engine, model and store do not agree; why is in the progress.
 */
#ifndef USHER_TESTS_SIM_OWNER_H
#define USHER_TESTS_SIM_OWNER_H

#include "tests/sim/progress.h"
#include "tests/sim/store.h"
#include "tests/sim/world.h"

enum { BATCH_COMMANDS_MAX = 24, BATCH_SWEPT_MAX = 24 };

/* A command, and what payment provider and waiting room said to it. */
struct delivery {
    struct command command;
    enum payment_result payment;
    enum reply_code pass;
};

struct batch {
    uint32_t delivery_count;
    struct delivery deliveries[BATCH_COMMANDS_MAX];
    struct reply replies[BATCH_COMMANDS_MAX]; /* of each; given away after the commit */
    uint32_t change_count;
    struct show_change changes[BATCH_COMMANDS_MAX + BATCH_SWEPT_MAX];
    uint64_t epoch;
    int64_t served_ms;
};

enum commit_outcome { COMMIT_DONE, COMMIT_FAILED, COMMIT_UNKNOWN };

struct owner {
    const struct world *world;
    struct random *random;
    struct progress *progress;
    struct store store;
    struct show_time time;
    struct show *show;
    bool lookups_exact;      /* no fingerprint was dropped for want of memory since the load */
    struct model model;      /* after every decision so far */
    struct model sent_model; /* after the batch on its way */
    struct model committed;
    bool in_flight;
    struct batch *open; /* one of `batches` */
    struct batch *sent; /* the other */
    struct batch batches[2];
};

/* Makes the show and loads it. */
MUST_CHECK bool owner_start(struct owner *owner, const struct world *world, struct random *random,
                            struct progress *progress);
void owner_end(struct owner *owner);

MUST_CHECK bool owner_decide(struct owner *owner, const struct delivery *delivery);
MUST_CHECK bool owner_sweep(struct owner *owner, uint32_t limit);

/* The open batch sets out, when no other is on its way; else that one arrives. */
MUST_CHECK bool owner_commit(struct owner *owner, enum commit_outcome outcome);
/* Both arrive. */
MUST_CHECK bool owner_commit_all(struct owner *owner);
/* Another owner takes the partition; the batch on its way was in time or comes too late. What was
 * not answered is asked again, in another order. */
MUST_CHECK bool owner_take_over(struct owner *owner);
/* Forgets the idle show and loads it. */
MUST_CHECK bool owner_forget(struct owner *owner);
MUST_CHECK bool owner_change_settings(struct owner *owner, const struct show_settings *settings);

/* Compares engine and model, and now and then checks the invariants. */
MUST_CHECK bool owner_compare(struct owner *owner);

#endif
