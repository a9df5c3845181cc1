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
    X(PASS, "nothing is held without the pass that the room asks for")                             \
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
    X(RESTORE_ENDED_LIVE, "no loaded booking is both live and ended")                              \
    X(NUMBER_NONE, "there is no number 0")                                                         \
    X(NUMBER_NOT_ISSUED, "numbers that were never given are nobody's")                             \
    X(NUMBER_OTHERS, "a number is of use to nobody but its person")                                \
    X(ROOM_FULL, "people known before their turn stay within the limit")                           \
    X(ROOM_NO_MEMORY, "a decision that can't be remembered is refused")                            \
    X(LOOK_NONE, "nothing is told of number 0")                                                    \
    X(LOOK_OTHERS, "nothing is told of somebody else's number")                                    \
    X(TURN_OVERDUE, "a turn ends at its deadline, swept or not")                                   \
    X(TURN_SECOND, "a person has one turn at a time")                                              \
    X(CLAIM_CLOSED, "nobody claims while the room is closed")                                      \
    X(CLAIM_WAITS, "nobody claims before being called")                                            \
    X(CLAIM_SHUT, "nobody claims before the sale or when sold out")                                \
    X(CLAIM_ENDED, "what has ended is not claimed")                                                \
    X(CLAIM_PASS, "a repeated claim does not lengthen the pass")                                   \
    X(LEAVE_ENDED, "what has ended is not given up again")                                         \
    X(ISSUE_CLOSED, "no numbers are given while the room is closed")                               \
    X(ISSUE_UNVOUCHED, "no numbers are given of a stream nobody vouched for")                      \
    X(ISSUE_SPAN, "no numbers are given but of the newest span")                                   \
    X(ISSUE_ENDLESS, "numbers fit into the database")                                              \
    X(ISSUE_BACK, "what was issued is never taken back")                                           \
    X(MOVE_DONE, "a repeated move changes nothing")                                                \
    X(MOVE_ENDED, "what has ended stays its user's")                                               \
    X(MOVE_SECOND, "a moved turn is nobody's second one")                                          \
    X(VOUCH_REPEATED, "one run and stream begin one span")                                         \
    X(VOUCH_OLDER, "a stream that was replaced does not come back")                                \
    X(REPORT_RUN, "a report counts about the vouched run only")                                    \
    X(REPORT_STREAM, "a report counts about the vouched stream only")                              \
    X(REPORT_SHUT, "nobody is admitted while the door is shut")                                    \
    X(REPORT_LATE, "who is late of a gap is called before the span behind it")                     \
    X(REPORT_FROM, "nobody is passed over and nobody admitted twice")                              \
    X(REPORT_EMPTY, "a report has somebody in it")                                                 \
    X(REPORT_GRANT, "nobody is admitted beyond the grant")                                         \
    X(REPORT_GAP, "a gap is called by roll, not read")                                             \
    X(REPORT_STRETCH, "a report ends where a gap or another span begins")                          \
    X(ADMIT_LEFT, "who left is not called")                                                        \
    X(ROLL_SHUT, "nobody is called by roll while the door is shut")                                \
    X(ROLL_READABLE, "only gaps are called by roll")                                               \
    X(ROLL_WINDOW, "whoever is in a gap has a claim window to show up")                            \
    X(ROLL_STAND, "the door waits at a gap for who looks only when next")                          \
    X(ROLL_UNKNOWN, "whom the owner does not know may have answered numbers of a gap")             \
    X(ROLL_ANSWERED, "a gap is empty when nobody answered numbers of it")                          \
    X(ROLL_ALLOWED, "a roll call keeps to the pace")                                               \
    X(PASS_NONE, "with the room on a pass is needed")                                              \
    X(PASS_FORGED, "a pass that is not ours is refused")                                           \
    X(PASS_SHUT, "nothing is held while the room is shut")                                         \
    X(PASS_ENDED, "only a pass lets buy")                                                          \
    X(PASS_OTHERS, "a pass is of use to nobody but its person")                                    \
    X(PASS_HOLDS, "a pass has one hold at a time")                                                 \
    X(PASS_OVER, "a pass ends at its deadline")                                                    \
    X(PASS_OUTLIVED, "a pass that was over ends with its hold")                                    \
    X(PASS_GONE, "the end of a hold brings no turn back that was given up")                        \
    X(PASS_TRANSFER, "a hold that changes hands stays the pass's")                                 \
    X(PACE_SHUT, "nothing is granted while the door is shut")                                      \
    X(PACE_BURST, "a pause is not made up for by a crowd")                                         \
    X(PACE_SHOPPERS, "no more shop than may at a time")                                            \
    X(PACE_NOTHING_FREE, "nobody is called when nothing is free")                                  \
    X(PACE_SEATS, "no more are called than could still buy")                                       \
    X(RESTORE_RECORD_TWICE, "a room loads one record, first")                                      \
    X(RESTORE_RECORD_NUMBERS, "a loaded record's numbers fit together")                            \
    X(RESTORE_VOUCH_AHEAD, "no loaded span begins beyond where the door is")                       \
    X(RESTORE_VOUCH_BACK, "loaded spans are in order")                                             \
    X(RESTORE_TURN_NUMBER, "a loaded turn has a number")                                           \
    X(RESTORE_TURN_STATE, "a loaded turn has a state")                                             \
    X(RESTORE_TURN_AHEAD, "no loaded turn was called before the door came")                        \
    X(RESTORE_TURN_PASSED, "nobody loaded still waits where the door has passed")                  \
    X(RESTORE_TURN_HOLD, "only a loaded pass has a hold")                                          \
    X(RESTORE_TURN_TWICE, "a turn is loaded once")                                                 \
    X(RESTORE_TURN_SECOND, "no two loaded turns are one person's")

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
