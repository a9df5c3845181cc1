/*
 * room: the waiting room's engine. Decides, serially and alone, who is admitted to a show, and what
 * has become of everybody's turn. Pure, as the show is: time, people and facts come in, changes and
 * replies go out.
 *
 * People who wait are in JetStream's stream and unknown here: the room knows how far the door has
 * gone (`admitted_to`), and those it has called. The rule of the door: a report of people counts
 * only if it begins right after admitted_to, is about the run of NATS and the stream that were
 * vouched for, and stays within what was granted. So lost, doubled, late and frozen messages change
 * nothing, and nobody is called but in order.
 *
 *                 report: it is their turn             claim                bought
 *   (in the stream) ------------------> CALLED ----------------> PASS ---------------> BOUGHT
 *         |  \--- a turn of theirs is live: SKIPPED   |             | \-- leave ------> LEFT
 *         |                                 no claim  |             |
 *         | leave, ahead of the turn          v       | leave       +-- over, no hold -> OVER
 *         +-----------------------> LEFT    MISSED    +-> LEFT
 *
 *   WAITING: known before it is called: moved to another account, or shown at a roll call.
 *
 * A number up to admitted_to that is not known here has ended (except in a gap: below), so ended
 * turns need no memory. A person has at most one live turn; the later entries of who has one are
 * SKIPPED when the door reaches them. An ended number can be replaced by a new one.
 *
 * Gaps (shared/room.h). What the door had passed when a gap opened was called from the stream and
 * has ended or is live like any other; of the rest of the gap every number that was ever shown or
 * given up is remembered (room_gaps). A number that somebody shows (claim, move) becomes WAITING.
 * When the door reaches a gap it waits until the span behind it has been there for one claim
 * window, and at least ROOM_ROLL_MS for those who look only when they are next, so that whoever has
 * a number of it can show it; then it calls those who did, in order of number, and passes the gap.
 * Who shows up later is called next, ahead of the new span.
 *
 * It does not wait when nobody can have a number of the gap. Only gateways answer numbers, and each
 * only of the span that it was last told OK for (issue), with which it said what the highest was
 * that it had answered. So when every gateway that may have answered numbers above admitted_to has
 * come to the newest span since, and none had gone beyond admitted_to, the gap is empty. This is
 * known of numbers given since the room vouched for a span itself: it is not stored, and after a
 * takeover, or with more than ROOM_GATEWAYS_MAX gateways, the door waits.
 *
 * The pace (pace.h) says how many more may be called now, the *allowance*: raised by room_pace,
 * used up by those who are called. The grant to the gateways is what of it can be read from the
 * stream; nothing is granted while somebody of a gap that was passed waits to be called.
 *
 * A pass is a lease with a deadline in served time; it lives until the later of that and its open
 * hold, and has one hold open at a time. room_follow tells the room what becomes of bookings.
 *
 * Invariants (room_check):
 *   1. CALLED and PASS turns: one a person, number ≤ admitted_to, each in the deadline order unless
 *      its hold keeps it;
 *   2. the others in memory are WAITING or LEFT and above admitted_to, or in a gap; WAITING ones in
 *      a gap are in the order of the roll call;
 *   3. admitted_to ≤ issued_to; both and the line only grow; gaps are apart and ascend;
 *   4. turns are counted by what they are; live ones and the allowance together are at most
 *      max_shoppers, unless it was lowered: then nobody is called until they are.
 *
 * Every condition that refuses or keeps an invariant is a GUARD (guards.h).
 */
#ifndef USHER_WORKER_ENGINE_ROOM_H
#define USHER_WORKER_ENGINE_ROOM_H

#include "worker/engine/show.h"

struct room;

enum {
    ROOM_WAITING_MAX = 1 << 20, /* default of waiting_limit: known people without a turn */
    ROOM_ROLL_MS = 5000,        /* or a claim window, if that is shorter */
    ROOM_GATEWAYS_MAX = 64,     /* known to answer numbers */
    ROOM_ISSUE_AHEAD = 1000,    /* numbers that may be answered beyond those asked for */
    /* Of one decision: a turn each that was over, and a new one; and the record. */
    ROOM_CHANGES_MAX = 2 * ROOM_REPORT_MAX + 1,
};

struct turn {
    uint64_t number;
    struct id128 user;
    enum turn_state state;
    int64_t joined_us;          /* when the stream stored it; 0 not known (roll call) */
    int64_t called_us;          /* 0: not called */
    int64_t ended_us;           /* 0: it has not */
    int64_t deadline_served_ms; /* CALLED: of the claim; PASS: of the pass */
    struct id128 booking_id;    /* PASS: its open hold; zero: none */
};

/* What of the room is one row. */
struct room_record {
    uint64_t admitted_to;
    uint64_t issued_to;
    uint64_t claimed; /* counts since the room began */
    uint64_t missed;
    uint64_t left;
    uint64_t bought;
};

/* A span as it is stored: whom it was vouched for. */
struct room_vouch {
    struct room_span span;
    uint64_t admitted_to; /* how far the door had gone then */
    char server_id[ROOM_SERVER_ID_SIZE];
    char created[ROOM_CREATED_SIZE];
    int64_t vouched_served_ms; /* when; roll calls count from it */
};

/* What is to be stored: rows as they were (TURN_NONE: there was none) and are. A decision's changes
 * are all stored or none. */
enum room_change_kind { ROOM_CHANGE_TURN, ROOM_CHANGE_RECORD, ROOM_CHANGE_VOUCH };
struct room_change {
    enum room_change_kind kind;
    union {
        struct { /* TURN */
            enum turn_state before;
            struct id128 user_before; /* whose it was; a new one's own */
            struct turn turn;         /* after */
        };
        struct { /* RECORD: at most one a decision, the last of its changes */
            struct room_record was;
            struct room_record record; /* after */
        };
        struct {                  /* VOUCH */
            uint32_t vouch_index; /* position in the line */
            struct room_vouch vouch;
        };
    };
};

/* Belongs to the room and ends with its next call. */
struct room_changes {
    const struct room_change *items;
    size_t count;
};

/* What the room has to know of its show. */
struct room_facts {
    struct room_sale sale;
    uint32_t free_seats;
    uint32_t commit_ms; /* how long batches take now: the door goes slower when they get slow */
};

/* Nothing admitted. NULL without memory. Settings as room_settings_apply checks them. At most
 * `waiting_limit` people without a turn are known, past it REPLY_OVERLOADED. */
MUST_CHECK struct room *room_create(uint64_t event_id, const struct room_settings *settings,
                                    size_t waiting_limit);
void room_destroy(struct room *room); /* NULL is allowed */

/* Recovery, before the first decision: the record, the vouches in order, then in any order the
 * turns that are WAITING, CALLED or PASS, those above admitted_to, and those in a gap
 * (room_gaps), whatever has become of them; further ended ones are passed over. STATUS_CONFLICT:
 * the store is broken; STATUS_NO_MEMORY. Nothing changed then. */
MUST_CHECK enum status room_restore_record(struct room *room, const struct room_record *record);
MUST_CHECK enum status room_restore_vouch(struct room *room, const struct room_vouch *vouch);
MUST_CHECK enum status room_restore_turn(struct room *room, const struct turn *turn);
/* The gaps, also those that were passed: numbers there may still be shown by whoever has them.
 * Returns how many. */
size_t room_gaps(const struct room *room, struct room_gap gaps[ROOM_SPANS_MAX]);

/*
 * Decides a COMMAND_ROOM_…. The first that applies:
 *
 * any     OVERLOADED: no memory, nothing changed. A turn found past its deadline is ended first (a
 *         change, also under a refusal).
 * look    BAD_NUMBER: 0, or somebody else's. OK: what it is; of an ended one that is not remembered
 *         TURN_OVER.
 * claim   ROOM_CLOSED (OFF, CLOSED); BAD_NUMBER (0, above issued_to, somebody else's);
 *         in a gap and not known: it becomes WAITING (past waiting_limit: OVERLOADED), then
 *         NOT_YOUR_TURN; waiting, or PREQUEUE, WAITLIST: NOT_YOUR_TURN; ended: TURN_MISSED; OK: it
 *         is a PASS now, or was (`replayed`).
 * leave   BAD_NUMBER as for claim; OVERLOADED (waiting_limit); OK: it has ended, or had
 *         (`replayed`). A PASS with an open hold: the hold stays, no further one can be made.
 * issue   ROOM_CLOSED (OFF, CLOSED, or nothing vouched); CONFLICT: `span` is not the newest;
 *         INVALID (beyond ROOM_NUMBER_MAX); OK: issued_to is at least queue_number +
 *         ROOM_ISSUE_AHEAD, more when people join fast, and `gateway` may answer numbers of the
 *         newest span, but none of older ones that were not in the stream when it began.
 * report  INVALID: not vouched for, does not begin at admitted_to + 1, goes beyond the grant (also
 *         when the door is shut), or nobody in it. OK: all of it is decided.
 * move    BAD_NUMBER as for claim, but OK `replayed` when it is the new user's; OVERLOADED
 *         (waiting_limit); TURN_MISSED; OK. What waits becomes WAITING. The new user may have a
 *         live turn: then a live one that is moved is SKIPPED.
 * vouch   OK; `replayed` when the newest span has these already. CONFLICT: an older one has: a
 *         stream that was replaced has come back. INVALID (beyond ROOM_NUMBER_MAX). OVERLOADED
 *         past ROOM_SPANS_MAX. A new span begins at `sequence` + 1 (1 in another stream) with
 *         number issued_to + 1.
 *
 * reply.turn comes with look, claim, leave and move, unless refused as ROOM_CLOSED, BAD_NUMBER or
 * OVERLOADED. */
void room_decide(struct room *room, const struct command *command, const struct room_facts *facts,
                 const struct show_time *time, struct reply *reply, struct room_changes *changes);

/* Whether a reserve may go on: REPLY_OK, PASS_REQUIRED, BAD_PASS, PASS_BUSY. Changes nothing. */
MUST_CHECK enum reply_code room_check_pass(const struct room *room, const struct command *reserve,
                                           const struct room_facts *facts,
                                           const struct show_time *time);
/* What a booking's change means to its turn. */
void room_follow(struct room *room, const struct show_change *change, const struct show_time *time,
                 struct room_changes *changes);
/* Ends turns and passes that are past their deadline, and calls who is due at a roll call; at most
 * ROOM_CHANGES_MAX changes at a time. */
void room_sweep(struct room *room, const struct room_facts *facts, const struct show_time *time,
                struct room_changes *changes);
/* Served time of the earliest deadline, INT64_MAX when there is none. */
int64_t room_next_deadline(const struct room *room);

/* The pace: several times a second. Raises the allowance as the rate, max_shoppers, free seats and
 * commit_ms allow (pace.h); takes it back when they don't any more and when the door shuts. */
void room_pace(struct room *room, const struct room_facts *facts, const struct show_time *time);
/* How many more may be called now, from the stream or by roll. */
uint32_t room_allowance(const struct room *room);
/* What gateways are to read next. False: nothing is granted that could be read (as far as
 * room_saw_stream knows). Fills everything but partition and epoch. */
MUST_CHECK bool room_grant(const struct room *room, struct room_grant *grant);

void room_set_settings(struct room *room, const struct room_settings *settings);
const struct room_settings *room_get_settings(const struct room *room);
const struct room_record *room_get_record(const struct room *room);
const struct room_line *room_get_line(const struct room *room);
/* The newest; NULL: nothing is vouched for yet. */
const struct room_vouch *room_get_vouch(const struct room *room);
/* NULL: it is not remembered. Ends with the next decision. */
const struct turn *room_get_turn(const struct room *room, uint64_t number);
/* What the owner saw of the vouched stream: whether there is anybody to read, forecasts, numbers;
 * decides nothing. `next_joined_us`: of who is next, 0: nobody or not known. */
void room_saw_stream(struct room *room, uint64_t last_sequence, int64_t next_joined_us,
                     const struct show_time *time);
/* Fills everything but partition, instance and epoch. */
void room_describe(const struct room *room, const struct room_facts *facts,
                   const struct show_time *time, struct room_state *out);
uint32_t room_live_count(const struct room *room);
size_t room_size_bytes(const struct room *room);
/* NULL, or which invariant is broken (static text). */
const char *room_check(const struct room *room);

#endif
