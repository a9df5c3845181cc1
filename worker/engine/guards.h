/*
 * guards: every condition by which the engine refuses something or keeps an invariant has a name
 * here.
 *
 * `GUARD(NAME, condition)` is just the condition. In the simulator's build (USHER_MUTANTS) one
 * guard at a time can be taken out at run time: it then never holds. The simulator has to notice
 * each (tests/sim/mutants.c).
 */
#ifndef USHER_WORKER_ENGINE_GUARDS_H
#define USHER_WORKER_ENGINE_GUARDS_H

#include "shared/base.h"

/* X(name, what it protects) */
#define GUARDS(X)                                                                                  \
    X(ENDED_HIT, "an ended booking's id is looked up, not used again")                             \
    X(ENDED_PAST_LIMIT, "past the limit of fingerprints any unknown id is looked up")              \
    X(OTHER_USER, "a booking is shown to nobody but its user")                                     \
    X(OTHER_BODY, "one key stands for one request")                                                \
    X(OVERDUE, "a hold ends at its deadline, swept or not")                                        \
    X(DRAFT, "a draft event does not exist for buyers")                                            \
    X(GUEST, "guests buy only where they may")                                                     \
    X(NOT_OPEN, "nothing is held while the event is paused, over or cancelled")                    \
    X(BEFORE_SALE, "nothing is held before the sale begins")                                       \
    X(AFTER_SALE, "nothing is held from the end of the sale on")                                   \
    X(EMPTY_ITEM, "an item asks for at least one seat")                                            \
    X(NO_SEATS, "a booking has at least one seat")                                                 \
    X(TOO_MANY_SEATS, "a booking has at most BOOKING_SEATS_MAX seats")                             \
    X(SEAT_REPEATED, "a booking's seats are distinct")                                             \
    X(SECTION_REPEATED, "a section is asked for once")                                             \
    X(SEAT_UNKNOWN, "seats are in the layout")                                                     \
    X(SECTION_UNKNOWN, "sections are in the layout")                                               \
    X(SECTION_SEATED, "only general admission is sold by quantity")                                \
    X(SEAT_LIMIT, "a user's seats stay within the limit")                                          \
    X(SEAT_TAKEN, "a seat is never sold twice")                                                    \
    X(SEAT_ASKED, "general admission leaves the seats asked for by id alone")                      \
    X(SECTION_FULL, "a full section does not spill into its neighbour")                            \
    X(NO_MEMORY, "a hold that can't be remembered is refused")                                     \
    X(CONFIRM_NOTHING, "what is confirmed exists")                                                 \
    X(CONFIRM_CONFIRMED, "a repeated confirm changes nothing")                                     \
    X(CONFIRM_CANCELLED, "what was cancelled is not confirmed")                                    \
    X(CONFIRM_EXPIRED, "what has expired is not confirmed")                                        \
    X(CONFIRM_EVENT_CANCELLED, "nothing is paid for at a cancelled event")                         \
    X(PAYMENT_MISSING, "nothing is confirmed without a payment")                                   \
    X(PAYMENT_DECLINED, "nothing is confirmed on a declined payment")                              \
    X(CANCEL_NOTHING, "what is cancelled exists")                                                  \
    X(CANCEL_CANCELLED, "a repeated cancel changes nothing")                                       \
    X(CANCEL_EXPIRED, "what has expired is not cancelled")                                         \
    X(CANCEL_CONFIRMED, "a sold seat is not given away by a cancel")                               \
    X(TRANSFER_NOTHING, "what is transferred exists")                                              \
    X(TRANSFER_DONE, "a repeated transfer changes nothing")                                        \
    X(TRANSFER_CANCELLED, "what was cancelled stays its user's")                                   \
    X(TRANSFER_EXPIRED, "what has expired stays its user's")                                       \
    X(TRANSFER_NO_MEMORY, "a transfer that can't be remembered is refused")                        \
    X(SWEEP_LIMIT, "a sweep writes no more changes than it was given room for")                    \
    X(SWEEP_NOT_DUE, "no hold is swept before its deadline")                                       \
    X(RESTORE_EVENT, "a show loads only its own bookings")                                         \
    X(RESTORE_NOT_LIVE, "only live bookings are loaded whole")                                     \
    X(RESTORE_SEAT_COUNT, "a loaded booking's number of seats is within the limits")               \
    X(RESTORE_TWICE, "a booking is loaded once")                                                   \
    X(RESTORE_SEAT_REPEATED, "a loaded booking's seats are distinct")                              \
    X(RESTORE_SEAT_UNKNOWN, "a loaded booking's seats are in the layout")                          \
    X(RESTORE_SEAT_TAKEN, "no two loaded bookings share a seat")                                   \
    X(RESTORE_BLOCKED_UNKNOWN, "a blocked seat is in the layout")                                  \
    X(RESTORE_BLOCKED_TAKEN, "a blocked seat belongs to nobody")                                   \
    X(RESTORE_ENDED_LIVE, "no loaded booking is both live and ended")

enum guard {
    GUARD_NONE,
#define GUARD_ENUM(name, protects) GUARD_##name,
    GUARDS(GUARD_ENUM)
#undef GUARD_ENUM
        GUARD_COUNT
};

#ifdef USHER_MUTANTS
/* The simulator's: is this guard there in the run at hand? */
bool guard_stands(enum guard guard);
#define GUARD(name, condition) (guard_stands(GUARD_##name) && (condition))
#else
#define GUARD(name, condition) ((void)GUARD_##name, (condition))
#endif

#endif
