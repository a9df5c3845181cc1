/*
 * reserve: reservations of two seats, as many as the server answers, in a closed loop: every
 * connection asks for the next pair of seats as soon as it has the answer for the last. Or in an
 * open loop, at a rate, as people do who know nothing of each other.
 *
 * The events are sold one after another, every pair of neighbours of an event to another guest, in
 * an order of chance that the seed repeats; or in turn, a reservation on each. A run may be about
 * some of an event's buyers only: the others came before, or come later. In a storm, many buyers go
 * after the same few seats, and being told that seats are taken, and that they were, is an answer
 * that counts. A reservation counts when its answer says 201 and names exactly the seats asked for;
 * answers are kept and judged when the clock has stopped, so that judging costs the server nothing.
 * One reservation on each event goes ahead of the clock, so that loading a show is not what is
 * measured.
 */
#ifndef USHER_OPS_BENCHMARKS_RESERVE_H
#define USHER_OPS_BENCHMARKS_RESERVE_H

#include "ops/benchmarks/client.h"
#include "ops/benchmarks/guests.h"
#include "ops/benchmarks/histogram.h"
#include "ops/benchmarks/stopwatch.h"

#include <stdio.h>

enum {
    RESERVE_EVENTS_MAX = 10000,
    RESERVE_SEATS_MIN = 4,
    RESERVE_ATTEMPTS_MAX = 2000000, /* over all events */
    RESERVE_KILL_AFTER_MS = 1000,
    RESERVE_BOOKING_SIZE = 65,
};

/* A booking that somebody was answered to have got. */
struct reserve_held {
    uint32_t guest;
    char booking[RESERVE_BOOKING_SIZE];
};

struct reserve_plan {
    const uint64_t *events;
    uint32_t event_count;
    char *const *seats;         /* the same in all events */
    uint32_t seat_count;        /* even */
    uint32_t storm_buyers;      /* an event; 0: no storm, a pair of seats each */
    uint32_t first_buyer;       /* of each event: this one … */
    uint32_t buyer_count;       /* … and those after it, at least 2 in all */
    bool in_turn;               /* the next reservation is of the next event */
    const struct guest *guests; /* all of an event's buyers are different ones */
    uint32_t guest_count;
    int64_t duration_ms;
    double rate; /* 0: closed loop; else so many are asked for a second */
    uint64_t seed;
    pid_t kill;                /* 0, or who gets a SIGKILL after RESERVE_KILL_AFTER_MS … */
    FILE *answers;             /* gets a line for every seat answered for: event, booking, seat */
    struct reserve_held *held; /* NULL, or gets the bookings; as many as buyers of all events */
};

struct reserve_result {
    uint64_t reservations; /* while the clock ran; the histogram has these … */
    uint64_t taken;        /* … and these: in a storm, seats were taken */
    uint64_t refused;      /* answered with another status */
    uint64_t wrong;        /* 201, but not what was asked for; taken, but nobody has it */
    uint64_t lost;         /* no answer, outcome unknown */
    uint64_t unsent;       /* open loop: no connection was free */
    uint64_t overloaded;   /* of the refused, 503 */
    int64_t recovery_us; /* … from then to the first booking that was asked for later; 0: none */
    bool sold_out;       /* so the clock was stopped early */
    uint32_t held_count;
    struct stopwatch watch;
    struct histogram latency_us;
};

/* `result` starts as {0} but for what `watch` is to watch. At most duration_ms and the time that a
 * server may take for an answer, twice. */
void reserve_run(struct client *client, const struct reserve_plan *plan,
                 struct reserve_result *result);

#endif
