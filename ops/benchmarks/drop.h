/*
 * drop: an on-sale as a whole, at its full size: everybody joins the waiting room in a rush before
 * the sale and while it runs, is called, looks for seats, holds, pays or does not, until every seat
 * is sold. Open loop: when people come has nothing to do with how fast they are served, and every
 * latency counts from the moment at which its request was meant to leave.
 *
 * People are no connections: their requests take turns on the client's. Those who wait learn what
 * they see from one poller of the room's state and one of the seats, as from a CDN (the crowd's),
 * but for one in a hundred who asks for themselves, and one who watches by a WebSocket of their
 * own, shows a token there and is told. What people do is drawn from the seed: some join twice,
 * leave the queue and join again, never come for their turn, come too late, give the pass back, let
 * it or the hold run out, change their mind, have their card declined. All their times are parts of
 * the time within which everybody joins, so that a short run is the same story.
 *
 *   AWAY --join--> WAITING --called--> claim --> has a pass --> chooses seats, reserve <--- taken
 *                   | |  |                       |   |               |         ^
 *                   | |  +-- stays away          |   +-- lets it     |         +-- cancels
 *                   | +-- asks for themselves    |       run out     v
 *                   +-- leaves, maybe joins again+-- gives it back  holds --> confirm --> owns
 *                                                                    +-- lets the hold run out
 *
 * Every answer is judged: its status and code must be among those that the API allows there
 * (drop_acts.c), a 503 is asked again under the same key until the truth is known, and what it says
 * must fit what was asked and all that was answered before: nobody who asked later than somebody
 * else had an answer may have a lower number, what was answered as bought is nobody else's, the
 * door only goes forward. The rest is checked in the database, from the lines in `answers`:
 *
 *   place    user number                           every number that was answered
 *   booking  user number booking status seat,…     every booking that was answered, as it ended
 */
#ifndef USHER_OPS_BENCHMARKS_DROP_H
#define USHER_OPS_BENCHMARKS_DROP_H

#include "ops/benchmarks/client.h"
#include "ops/benchmarks/guests.h"
#include "ops/benchmarks/histogram.h"
#include "ops/benchmarks/stopwatch.h"

#include <stdio.h>

enum {
    DROP_SEATS_MAX = 20000,
    DROP_MOST_PERCENT = 90,
    DROP_LIMIT_TIMES = 4,       /* a run ends after so many times `joining_ms` … */
    DROP_LIMIT_MORE_MS = 60000, /* … and so long, sold out or not */
};

struct drop_plan {
    uint64_t event;
    const struct guest *guests;
    uint32_t people;
    char *const *seats; /* ids, in the order of the event's layout */
    uint32_t seat_count;
    int64_t sale_us;    /* when the sale begins, unix */
    int64_t joining_ms; /* within which everybody joins; the sale begins after a third of it */
    uint64_t seed;
    FILE *answers;
};

/* What is asked for; see drop_acts.c. */
enum drop_act {
    DROP_JOIN,
    DROP_JOIN_TWICE, /* though they are in */
    DROP_LOOK,       /* at the room, for themselves */
    DROP_LEAVE,
    DROP_CLAIM,
    DROP_GIVE_BACK,
    DROP_RESERVE,
    DROP_CONFIRM,
    DROP_PAY_BADLY,
    DROP_CANCEL,
    DROP_ROOM, /* the crowd's look at the room */
    DROP_MAP,  /* … and at the seats */
    DROP_ACTS
};

enum { DROP_ANSWERS_MAX = 40 };

struct drop_result {
    uint64_t answers[DROP_ANSWERS_MAX]; /* by position in drop_expected */
    uint64_t wrong;                     /* answers that don't fit */
    uint64_t lost;                      /* requests without an answer */
    uint32_t joined;                    /* people */
    int64_t join_us;     /* from the first who was meant to join to the last one's number */
    bool sold_out;       /* every seat is paid for, and the room says so */
    int64_t sold_us;     /* from the beginning of the sale to the last payment */
    uint32_t seats_paid; /* as answered */
    int64_t
        most_us; /* from the beginning of the sale until DROP_MOST_PERCENT of the seats were paid */
    uint64_t most_called; /* numbers, by then */
    uint32_t bookings_paid;
    uint64_t called;       /* numbers */
    uint32_t watchers;     /* WebSockets that were opened */
    uint32_t watchers_cut; /* and ended before the run did */
    uint64_t frames;       /* they were told, of these: */
    uint64_t turns_told;
    uint64_t bookings_told;
    struct histogram latency_us[DROP_ACTS]; /* from when it was meant to leave */
    struct histogram late_us; /* how late the generator itself was, whatever the server did */
    struct stopwatch watch;
};

/* `result` starts as {0} but for what `watch` is to watch. False, with a line on stderr, when it is
 * too late for the plan's sale. */
MUST_CHECK bool drop_run(struct client *client, const struct drop_plan *plan,
                         struct drop_result *result);

#endif
