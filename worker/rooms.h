/*
 * rooms: what the owner of a waiting room does outside the engine, in JetStream and towards the
 * gateways. Decides nothing.
 *
 * A room is *watched* from its show's being loaded, or its being switched on, until its show is
 * forgotten or given up, or it is off and nobody has a turn. For a watched room:
 *
 *   looks     The stream is made when there is none, and looked at: at once after the show was
 *             loaded and after NATS was reached, then every ROOMS_LOOK_MS, or ROOMS_LOOK_IDLE_MS
 *             while it is closed. When the run of NATS that answers and the stream's `created`
 *             are not what the newest span was vouched for, a COMMAND_ROOM_VOUCH is submitted. A
 *             look counts only if the connection that carried the answer still is the one whose
 *             server id is taken.
 *   grants    What the engine grants (room_grant) is published at once when it has changed, and
 *             again every ROOMS_GRANT_AGAIN_MS until it is reported.
 *   news      How it stands as stored, after every batch that changed it and once a second
 *             (worker/room_news.h).
 *
 * A stream without replicas on a server that is part of a cluster is not vouched for: the one that
 * answers need not be the one that stores, so a loss would go unnoticed.
 *
 * Failpoints: rooms.grant-lost, rooms.grant-twice ("fail").
 */
#ifndef USHER_WORKER_ROOMS_H
#define USHER_WORKER_ROOMS_H

#include "shared/bus.h"
#include "shared/clock.h"
#include "worker/committer.h"
#include "worker/numbers.h"

struct rooms;

enum {
    ROOMS_TICK_MS = 100,
    ROOMS_LOOK_MS = 1000,
    ROOMS_LOOK_IDLE_MS = 2000,
    ROOMS_LOOKS_AT_ONCE = 500, /* under way; the others wait */
    ROOMS_GRANT_AGAIN_MS = 300,
    ROOMS_COMPLAIN_MS = 60000,  /* the same trouble is logged so often */
    ROOMS_VOUCH_MS = 5000,      /* to decide a vouch; the next look submits another */
    ROOMS_VOUCHES_PATIENCE = 5, /* submitted in a row; then it is logged that nobody can join */
};

struct rooms_config {
    struct event_base *base;
    struct bus *bus;
    const struct id128 *installation;
    struct partitions *partitions;
    const struct database_clock *clock;
    struct intake *intake;
    struct committer *committer;
    uint32_t replicas; /* of streams that are made */
};

/* NULL without memory, or when the bus takes no more subscriptions. */
MUST_CHECK struct rooms *rooms_create(const struct rooms_config *config);
/* Before the bus. NULL is allowed. */
void rooms_destroy(struct rooms *rooms);
/* Whose rooms these are from now on; `shows` NULL: nobody's. */
void rooms_set_instance(struct rooms *rooms, uint64_t instance, struct shows *shows);
void rooms_bus_state(struct rooms *rooms, bool connected);

/* A show has been loaded. */
void rooms_show_ready(struct rooms *rooms, const struct show_entry *entry);
/* For struct committer_config: a batch is stored; grants may have been raised. */
void rooms_stored(struct rooms *rooms, struct batch *batch);
void rooms_grant(struct rooms *rooms);
/* Once a second: how all rooms stand. */
void rooms_announce(struct rooms *rooms);

void rooms_count(const struct rooms *rooms, struct room_numbers *numbers);

#endif
