/*
 * checker: decides whether what customers saw of one seat is linearizable.
 *
 * A seat is a register: AVAILABLE, HELD by a booking, or BOOKED by a booking. Every operation is
 * given with the times between which it happened and what was answered; the question is whether
 * there is one order of them, each at some instant between its call and its answer, in which a
 * single correct seat gives those same answers. An operation without an answer (503, time-out)
 * happened at any time after its call, or never.
 *
 * Between operations a held seat may become free by itself, but not before its hold's deadline. A
 * booking takes the seat at most once: what has ended does not come back.
 *
 * The search is Wing and Gong's with Lowe's memory of what was tried ("Testing for
 * linearizability", 2017): depth first over the operations that may come next, never the same
 * (done, state) twice. Operations that fit the present state without changing it are taken at once,
 * for that can't spoil anything.
 */
#ifndef USHER_TESTS_INTEGRATION_CHECKER_H
#define USHER_TESTS_INTEGRATION_CHECKER_H

#include "shared/base.h"

/* What an operation of booking b did to the seat, or saw. */
enum checker_kind {
    CHECKER_TAKE,      /* AVAILABLE to HELD(b), once; later: it is HELD(b) */
    CHECKER_CONFIRM,   /* HELD(b) to BOOKED(b); later: it is BOOKED(b) */
    CHECKER_CANCEL,    /* HELD(b) to AVAILABLE; later: b has ended */
    CHECKER_SEE_FREE,  /* AVAILABLE */
    CHECKER_SEE_TAKEN, /* another booking's, held or booked */
    CHECKER_SEE_HELD,
    CHECKER_SEE_BOOKED,
    CHECKER_SEE_ENDED, /* b took the seat once and does not have it */
};

struct checker_operation {
    enum checker_kind kind;
    uint32_t booking;
    bool certain; /* false: without an answer; only of the first three kinds, returned_us means
                     nothing */
    int64_t invoked_us;
    int64_t returned_us;
};

struct checker_history {
    size_t count;
    const struct checker_operation *operations; /* in any order */
    uint32_t booking_count;
    const int64_t *deadlines_us; /* by booking: it does not lose the seat by itself before */
};

enum checker_verdict { CHECKER_LINEARIZABLE, CHECKER_BROKEN, CHECKER_UNDECIDED };

/* CHECKER_UNDECIDED: not settled within `limit` states. */
enum checker_verdict checker_decide(const struct checker_history *history, size_t limit);
const char *checker_kind_text(enum checker_kind kind);

#endif
