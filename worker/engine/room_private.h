/*
 * room_private: what a room is made of, for the engine's own files.
 *
 * room.c          making, settings, what can be asked
 * room_restore.c  recovery
 * room_decide.c   what people and gateways ask; bookings
 * room_door.c     who is called: reports, the roll call, the pace
 * room_turns.c    the only code that changes a turn or the record
 * room_gaps.c     spans and gaps
 * room_gateways.c who may have answered numbers of a gap
 * room_check.c    the invariants
 */
#ifndef USHER_WORKER_ENGINE_ROOM_PRIVATE_H
#define USHER_WORKER_ENGINE_ROOM_PRIVATE_H

#include "shared/id_map.h"
#include "worker/engine/guards.h"
#include "worker/engine/heap.h"
#include "worker/engine/meter.h"
#include "worker/engine/pace.h"
#include "worker/engine/room.h"

struct known_turn {
    struct heap_node
        order; /* by deadline: a live one without a hold; by number: WAITING in a gap */
    struct turn turn;
    struct known_turn *next; /* of the spare ones */
};

static inline struct known_turn *known_turn_of(struct heap_node *order) {
    return (struct known_turn *)order;
}

/* One that has answered numbers of `span`, or is about to. */
struct room_gateway {
    uint64_t instance;
    uint32_t span;     /* and none of older ones any more */
    uint64_t answered; /* the highest before it came to that span */
};

struct room {
    uint64_t event_id;
    struct room_settings settings;
    size_t waiting_limit;
    struct room_record record;
    struct room_line line;
    struct room_vouch *vouches; /* of the line's spans */
    size_t gap_count;
    struct room_gap gaps[ROOM_SPANS_MAX];

    struct id_map *turns;   /* by number: struct known_turn */
    struct id_map *live;    /* by user: theirs that is CALLED or PASS */
    struct heap *deadlines; /* of the live ones without an open hold */
    struct heap *roll;      /* the WAITING ones in gaps, by number */
    uint64_t roll_last;     /* the end of the gap that the door stands before, and since when */
    int64_t roll_since_ms;
    uint64_t attended_from; /* all who may have answered this number or a higher one are known;
                               0: there is no such number */
    uint32_t gateway_count;
    struct room_gateway gateways[ROOM_GATEWAYS_MAX];
    struct known_turn *spares;
    size_t spare_count;
    uint32_t called; /* turns of each kind */
    uint32_t passes;
    uint32_t holding; /* passes with an open hold */

    struct pace pace;
    struct meter calls;
    struct meter joins;
    bool stream_seen;
    uint64_t last_sequence;
    uint64_t joined_lately; /* between the last two looks */
    int64_t next_joined_us;

    struct room_record record_before; /* the decision at hand */
    struct room_changes changes;
    struct room_change *items; /* changes.items */
    size_t item_capacity;
};

/* --- room_turns.c */

/* A decision begins, and ends: the record's change is made. */
void room_begin(struct room *room);
void room_finish(struct room *room, struct room_changes *changes);
/* Memory for `count` new turns to be made, called and ended, so that nothing fails later. */
MUST_CHECK enum status room_make_room(struct room *room, size_t count);
struct room_change *room_add_change(struct room *room, enum room_change_kind kind);
struct known_turn *room_find(const struct room *room, uint64_t number);
/* Theirs that is CALLED or PASS, or NULL. */
struct known_turn *room_find_live(const struct room *room, const struct id128 *user);
/* One that is not known yet, of no state. Needs room made; room_write follows. */
struct known_turn *room_new_turn(struct room *room, uint64_t number, const struct id128 *user);
/* A turn becomes `to`: a change. It may be forgotten with that: ask again. */
void room_write(struct room *room, struct known_turn *known, const struct turn *to);
/* The same without a change: what is stored is loaded. */
void room_load(struct room *room, struct known_turn *known, const struct turn *to);
void room_forget(struct room *room, struct known_turn *known);
/* To a state of which nothing but the time is to be said. */
void room_end_turn(struct room *room, struct known_turn *known, enum turn_state to,
                   const struct show_time *time);
/* Ends a turn or a pass without a hold at its deadline. True when it did. */
bool room_end_overdue(struct room *room, struct known_turn *known, const struct show_time *time);
/* Does the order of deadlines have it; that of the roll call? */
bool turn_has_deadline(const struct turn *turn);
bool room_rolls(const struct room *room, const struct turn *turn);
/* Must a turn be in memory? */
bool room_remembers(const struct room *room, const struct turn *turn);
/* The door passes numbers up to this one. */
void room_advance(struct room *room, uint64_t admitted_to);

/* --- room_gaps.c */

bool room_in_gap(const struct room *room, uint64_t number);
/* Adds a span and what becomes a gap by it. STATUS_NO_MEMORY, STATUS_LIMIT, STATUS_INVALID. */
MUST_CHECK enum status room_add_vouch(struct room *room, const struct room_vouch *vouch);

/* --- room_gateways.c */

/* Who asks answers numbers of the newest span from now on. */
void room_attend(struct room *room, const struct command *issue);
/* May anybody have been answered a number above admitted_to and below the newest span? */
bool room_may_be_answered(const struct room *room);

/* --- room_door.c */

enum reply_code room_decide_report(struct room *room, const struct command *command,
                                   const struct room_facts *facts, const struct show_time *time);

#endif
