/*
 * audit: the proof that a waiting room kept its word: one place a person, everybody admitted in the
 * order of joining, nobody passed over without a reason, nobody booked before being admitted. Pure:
 * records in, findings out. `usherctl audit EVENT` takes the records from the stream and the
 * database (audit_gather.h), `usherctl audit --check FILE` from an export (audit_export.h); both
 * come to the same.
 *
 * What is checked, of each number in turn and at the end (struct audit_number, shared/room.h):
 *
 *   one place     nobody has a second entry in the stream before the place of the first had ended,
 *                 two turns at a time, or a number twice; no number above issued_to was used; each
 *                 entry is of the span that it was made in
 *   contiguous    every number up to admitted_to has a turn of the person whose entry it is, or of
 *                 the account that person logged in to; above it nobody has been called. Numbers of
 *                 a gap (whose entries NATS lost) have one only if they were shown
 *   with reason   who was not called had left, or had a turn at that time; turns and passes lasted
 *                 as long as they should (where the setting was never changed)
 *   in order      joins are stored, and turns called, in the order of numbers; those of a gap are
 *                 called after all below
 *   bookings      each was made by somebody with that turn, while it lasted; at most one of a turn
 *                 stands; without a number only while the room was off
 *   complete      an export has as many lines as it says
 *   shoppers      turns at the same time: a figure; a finding where the setting was never changed
 *
 * What can't be known: who was answered a number whose entry NATS lost, and never showed it; the
 * order in which people of a gap showed theirs; whether a booking without a number was made while
 * the room was off, when the log of the administration does not tell when that was.
 *
 * Memory: about 100 bytes for each person and 60 for each turn; the records themselves are not
 * kept.
 */
#ifndef USHER_OPS_USHERCTL_AUDIT_H
#define USHER_OPS_USHERCTL_AUDIT_H

#include "shared/booking.h"
#include "shared/room.h"

enum {
    AUDIT_FINDINGS_KEPT = 20, /* of any more only the count */
    AUDIT_TEXT_SIZE = 200,
    AUDIT_PERIODS_MAX = 64,
    AUDIT_PEOPLE_MAX = 1 << 26,
    AUDIT_BOOKINGS_MAX = 4096, /* of one number */
    /* How far the owners' readings of the database's clock may lie apart. */
    AUDIT_CLOCK_US = 20 * 1000,
    /* The same of NATS' clock and the database's. */
    AUDIT_SERVERS_US = 1000 * 1000,
};

/* --- what is known of the room as a whole */

struct audit_span {
    struct room_span span;
    uint64_t admitted_to; /* how far the door had gone when it began */
};

struct audit_period {
    int64_t from_us;
    int64_t to_us; /* INT64_MAX: still */
};

struct audit_room {
    uint32_t span_count;
    struct audit_span spans[ROOM_SPANS_MAX];
    uint64_t admitted_to;
    uint64_t issued_to;
    /* Entries above this number may be lost without anybody's fault: NATS has been started anew,
     * and the owner has not begun a span since. UINT64_MAX: it has not. */
    uint64_t lost_above;
    /* 0 where the setting was changed: then only the figure is told. */
    uint32_t max_shoppers;
    int64_t claim_ms;
    int64_t pass_ms;
    /* When the room surely was on: a booking needed a number. Past the limit: not judged. */
    uint32_t on_count;
    struct audit_period on[AUDIT_PERIODS_MAX];
    bool on_known; /* at all other times it was off, or just being switched */
};

/* --- what is known of a number */

struct audit_booking {
    struct id128 user;
    int64_t created_us;
    enum booking_status status;
    bool linked; /* its user and the turn's are a guest and the account the guest logged in to */
};

struct audit_number {
    uint64_t number;
    /* The entry. Where the stream does not hold it any more, what its turn says of it. */
    bool stored;         /* the stream holds it */
    struct id128 joined; /* whose it is */
    int64_t joined_us;   /* when it was stored; 0: not known */
    int64_t span;        /* the newest span when it was made, as it says; -1: not known */
    /* When its person logged in to the account that has the turn; where the stream does not hold
     * the entry, when anybody logged in to that account; of one that was skipped, also when whoever
     * has the turn logged in to any. 0: never. */
    int64_t linked_us;
    /* The turn. */
    enum turn_state state; /* TURN_NONE: there is none */
    struct id128 user;
    int64_t turn_joined_us; /* when the entry was stored, as the turn says; 0: not known */
    int64_t called_us;      /* 0: not called */
    int64_t ended_us;       /* 0: it has not */
    const struct audit_booking *bookings;
    size_t booking_count;
};

/* --- findings */

enum audit_rule {
    AUDIT_LINE,
    AUDIT_NUMBER_TWICE,
    AUDIT_NOT_ISSUED,
    AUDIT_SPAN,
    AUDIT_JOIN_ORDER,
    AUDIT_TWO_PLACES,
    AUDIT_TWO_TURNS,
    AUDIT_NO_ENTRY,
    AUDIT_NO_TURN,
    AUDIT_WRONG_PERSON,
    AUDIT_AHEAD,
    AUDIT_CALL_ORDER,
    AUDIT_NO_REASON,
    AUDIT_TURN_BROKEN,
    AUDIT_CUT_SHORT,
    AUDIT_NOT_ADMITTED,
    AUDIT_TWO_BOOKINGS,
    AUDIT_WITHOUT_NUMBER,
    AUDIT_SHOPPERS,
    AUDIT_COUNT,
    AUDIT_RULES
};
const char *audit_rule_text(enum audit_rule rule); /* "number-twice" … */

struct audit_finding {
    enum audit_rule rule;
    uint64_t number; /* 0: not of one number */
    char text[AUDIT_TEXT_SIZE];
};

struct audit_summary {
    uint64_t people;
    uint64_t numbers;                    /* added */
    uint64_t entries;                    /* that the stream holds */
    uint64_t waiting;                    /* of these not called, and not given up */
    uint64_t lost;                       /* missing above lost_above */
    uint64_t turns[TURN_STATE_LAST + 1]; /* by what has become of them */
    uint64_t gaps;
    uint64_t gap_numbers;
    uint64_t gap_turns; /* of people who showed a number of a gap */
    uint64_t bookings;
    uint64_t bookings_without_number;
    int64_t longest_wait_us; /* from joining to being called */
    uint64_t longest_wait_number;
    uint64_t most_shoppers; /* at a time */
    int64_t most_shoppers_us;
    uint64_t findings; /* in all */
    uint64_t findings_of[AUDIT_RULES];
};

struct audit;

/* NULL without memory. */
MUST_CHECK struct audit *audit_create(const struct audit_room *room);
void audit_destroy(struct audit *audit); /* NULL is allowed */
/* The next number: every one that has an entry, a turn or a booking, in order. STATUS_NO_MEMORY,
 * STATUS_LIMIT (AUDIT_PEOPLE_MAX). */
MUST_CHECK enum status audit_add(struct audit *audit, const struct audit_number *number);
/* A booking that has no number, at any time. */
void audit_add_without_number(struct audit *audit, const struct audit_booking *booking);
/* How many of both there should have been. */
void audit_expect(struct audit *audit, uint64_t numbers, uint64_t without_number);
/* Once, after all; what needs everything is checked. STATUS_NO_MEMORY. */
MUST_CHECK enum status audit_finish(struct audit *audit);

const struct audit_summary *audit_summary(const struct audit *audit);
/* The first ones, at most AUDIT_FINDINGS_KEPT. Belong to the audit. */
const struct audit_finding *audit_findings(const struct audit *audit, size_t *count);

#endif
