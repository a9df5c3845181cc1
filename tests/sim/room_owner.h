/*
 * room_owner: a worker reduced to what matters to its rooms, as owner.h is for shows: decides on
 * the engine and on the model, compares, gathers batches, writes them to the store, forgets and
 * loads again.
 *
 * Functions return false when engine, model and store do not agree; why is in the progress.
 */
#ifndef USHER_TESTS_SIM_ROOM_OWNER_H
#define USHER_TESTS_SIM_ROOM_OWNER_H

#include "tests/sim/owner.h"
#include "tests/sim/room_store.h"

enum { ROOM_EVENT = 4711, ROOM_BATCH_MAX = 24, ROOM_BATCH_CHANGES_MAX = 2048, ROOM_READ_MAX = 24 };

/* A command with its own arrivals. */
struct room_delivery {
    struct command command;
    uint8_t arrivals[ROOM_READ_MAX * ROOM_ARRIVAL_BYTES];
};

struct room_batch {
    uint32_t delivery_count;
    struct room_delivery deliveries[ROOM_BATCH_MAX];
    size_t change_count;
    struct room_change changes[ROOM_BATCH_CHANGES_MAX];
    uint64_t epoch;
    int64_t served_ms;
};

struct room_owner {
    struct random *random;
    struct progress *progress;
    struct room_store store;
    struct show_time time;
    struct room_facts facts;
    struct room *room;
    enum reply_code code;   /* of the last command that was decided */
    uint64_t last_sequence; /* as the room was told, if it was */
    bool stream_seen;
    struct room_model model; /* after every decision so far */
    struct room_model sent_model;
    struct room_model committed;
    bool in_flight;
    struct room_batch *open;
    struct room_batch *sent;
    struct room_batch batches[2];
};

MUST_CHECK bool room_owner_start(struct room_owner *owner, const struct room_settings *settings,
                                 size_t waiting_limit, struct random *random,
                                 struct progress *progress);
void room_owner_end(struct room_owner *owner);

MUST_CHECK bool room_owner_decide(struct room_owner *owner, const struct room_delivery *delivery);
/* A reserve: whether it may go on; if so, it does. */
MUST_CHECK bool room_owner_reserve(struct room_owner *owner, const struct command *reserve);
/* A booking changes. */
MUST_CHECK bool room_owner_change_hold(struct room_owner *owner, uint32_t hold,
                                       enum booking_status status, const struct id128 *user);
MUST_CHECK bool room_owner_sweep(struct room_owner *owner);
MUST_CHECK bool room_owner_pace(struct room_owner *owner);
void room_owner_look(struct room_owner *owner, uint64_t last_sequence);

MUST_CHECK bool room_owner_commit(struct room_owner *owner, enum commit_outcome outcome);
MUST_CHECK bool room_owner_commit_all(struct room_owner *owner);
MUST_CHECK bool room_owner_take_over(struct room_owner *owner);
MUST_CHECK bool room_owner_forget(struct room_owner *owner);
MUST_CHECK bool room_owner_change_settings(struct room_owner *owner,
                                           const struct room_settings *settings);

/* Compares engine and model, and now and then checks the invariants. */
MUST_CHECK bool room_owner_compare(struct room_owner *owner);

#endif
