#include "ops/usherctl/audit_private.h"

#include <inttypes.h>

/* --- the entry */

static bool is_moved(const struct audit_number *n) {
    return n->stored ? !id128_equal(&n->joined, &n->user) : n->linked_us != 0;
}

/* Which span a number is of, and whether whoever stored its entry could believe in `believed`: in
 * another stream people may have been faster than the news of it. */
static void check_span(struct audit *audit, const struct audit_number *n) {
    const struct room_line *line = &audit->line;
    uint32_t span = 0;
    while (span + 1 < line->count && line->spans[span + 1].first_number <= n->number)
        span++;
    if (room_line_sequence(line, n->number) == 0)
        audit_find(audit, AUDIT_SPAN, n->number,
                   "the stream holds number %" PRIu64 ", which lies in a gap", n->number);
    else if (n->span >= 0 && n->span != span &&
             (n->span > span || line->spans[n->span].stream == line->spans[span].stream))
        audit_find(audit, AUDIT_SPAN, n->number,
                   "number %" PRIu64 " is of span %" PRIu32 ", but was stored for span %" PRId64,
                   n->number, span, n->span);
}

static void check_join_order(struct audit *audit, const struct audit_number *n) {
    char text[TIME_TEXT_SIZE];
    char before[TIME_TEXT_SIZE];
    if (n->joined_us < audit->last_joined_us)
        audit_find(
            audit, AUDIT_JOIN_ORDER, n->number,
            "number %" PRIu64 " joined at %s, number %" PRIu64 " at %s (%" PRId64 " us later)",
            n->number, time_to_text(n->joined_us, text), audit->last_joined_number,
            time_to_text(audit->last_joined_us, before), audit->last_joined_us - n->joined_us);
    audit->last_joined_number = n->number;
    audit->last_joined_us = n->joined_us;
}

/* When this number was no longer its person's place. */
static int64_t place_end(const struct audit_number *n) {
    int64_t ended_us = n->ended_us != 0 ? n->ended_us : INT64_MAX;
    bool moved = n->state != TURN_NONE && is_moved(n) && n->linked_us != 0;
    return moved && n->linked_us < ended_us ? n->linked_us : ended_us;
}

static enum status check_place(struct audit *audit, const struct audit_number *n) {
    size_t position;
    enum status status = audit_person_of(audit, &n->joined, &position);
    if (status != STATUS_OK)
        return status;
    struct audit_person *person = &audit->people[position];
    if (person->number != 0 && person->place_ends_us > n->joined_us + AUDIT_SERVERS_US) {
        char text[TIME_TEXT_SIZE];
        audit_find(audit, AUDIT_TWO_PLACES, n->number,
                   "number %" PRIu64 " joined at %s, when its person had number %" PRIu64,
                   n->number, time_to_text(n->joined_us, text), person->number);
    }
    *person = (struct audit_person){.number = n->number, .place_ends_us = place_end(n)};
    return STATUS_OK;
}

static enum status check_entry(struct audit *audit, const struct audit_number *n) {
    if (!n->stored) {
        if (room_line_sequence(&audit->line, n->number) == 0)
            return STATUS_OK;
        if (n->number > audit->room.lost_above)
            audit->summary.lost++;
        else
            audit_find(audit, AUDIT_NO_ENTRY, n->number,
                       "the stream has no entry of number %" PRIu64, n->number);
        return STATUS_OK;
    }
    audit->summary.entries++;
    audit->summary.waiting += n->state == TURN_NONE || n->state == TURN_WAITING;
    check_span(audit, n);
    check_join_order(audit, n);
    return check_place(audit, n);
}

/* --- the turn */

static const char *broken(const struct audit_number *n, bool in_gap) {
    bool called = n->called_us != 0;
    bool ended = n->ended_us != 0;
    if (ended != turn_state_is_ended(n->state))
        return ended ? "has ended, but is not in a state that has" : "has ended, but not when";
    if (called && n->state == TURN_WAITING)
        return "waits, but was called";
    if (!called && n->state != TURN_WAITING && n->state != TURN_LEFT && n->state != TURN_SKIPPED)
        return "was not called";
    if (called && ended && n->ended_us < n->called_us - AUDIT_CLOCK_US)
        return "ended before it was called";
    if (called && !in_gap && n->turn_joined_us == 0)
        return "was called, but from no entry";
    if (n->stored && n->turn_joined_us != 0 && n->turn_joined_us != n->joined_us)
        return "does not know when its entry was stored";
    if (called && n->joined_us != 0 && n->called_us < n->joined_us - AUDIT_SERVERS_US)
        return "was called before it joined";
    if (n->state == TURN_BOUGHT && n->booking_count == 0)
        return "ended with a booking, of which there is none";
    return NULL;
}

static void check_reached(struct audit *audit, const struct audit_number *n, bool in_gap) {
    bool passed = n->number <= audit->room.admitted_to;
    bool known = n->state == TURN_WAITING || (n->state == TURN_LEFT && n->called_us == 0);
    if (!passed && !known && n->state != TURN_NONE)
        audit_find(audit, AUDIT_AHEAD, n->number,
                   "number %" PRIu64 " is %s, but the door is at %" PRIu64, n->number,
                   turn_state_text(n->state), audit->room.admitted_to);
    if (passed && !in_gap && (n->state == TURN_NONE || n->state == TURN_WAITING))
        audit_find(audit, AUDIT_NO_TURN, n->number,
                   "the door has passed number %" PRIu64 ", but its person %s", n->number,
                   n->state == TURN_NONE ? "has no turn" : "waits");
}

/* Those outside gaps are called in order; those of a gap after all that are below. */
static void check_call_order(struct audit *audit, const struct audit_number *n, bool in_gap) {
    char text[TIME_TEXT_SIZE];
    char before[TIME_TEXT_SIZE];
    if (n->called_us < audit->last_called_us - AUDIT_CLOCK_US)
        audit_find(
            audit, AUDIT_CALL_ORDER, n->number,
            "number %" PRIu64 " was called at %s, number %" PRIu64 " at %s (%" PRId64 " us later)",
            n->number, time_to_text(n->called_us, text), audit->last_called_number,
            time_to_text(audit->last_called_us, before), audit->last_called_us - n->called_us);
    if (!in_gap && n->called_us > audit->last_called_us) {
        audit->last_called_us = n->called_us;
        audit->last_called_number = n->number;
    }
}

static void check_length(struct audit *audit, const struct audit_number *n) {
    int64_t due_ms = n->state == TURN_MISSED ? audit->room.claim_ms
                     : n->state == TURN_OVER ? audit->room.pass_ms
                                             : 0;
    int64_t length_us = n->ended_us - n->called_us;
    if (due_ms != 0 && n->ended_us != 0 && length_us < due_ms * 1000 - AUDIT_SERVERS_US)
        audit_find(audit, AUDIT_CUT_SHORT, n->number,
                   "number %" PRIu64 " is %s after %" PRId64 " ms; it had %" PRId64, n->number,
                   turn_state_text(n->state), length_us / 1000, due_ms);
}

/* For the checks at the end. */
static enum status note_turn(struct audit *audit, const struct audit_number *n) {
    size_t person;
    enum status status = audit_person_of(audit, &n->user, &person);
    /* The other turn may be the account's now. */
    bool hidden = n->linked_us != 0 && !(n->stored && is_moved(n));
    if (status == STATUS_OK && n->state == TURN_SKIPPED && !hidden)
        status = audit_add_skip(audit, &(struct audit_skip){n->number, person, n->ended_us});
    if (status != STATUS_OK || n->called_us == 0)
        return status;
    struct audit_turn turn = {.number = n->number,
                              .person = person,
                              .called_us = n->called_us,
                              .ended_us = n->ended_us != 0 ? n->ended_us : INT64_MAX,
                              .moved = is_moved(n)};
    status = audit_add_turn(audit, &turn);
    if (status != STATUS_OK || !n->stored || !turn.moved)
        return status;
    turn.again = true;
    status = audit_person_of(audit, &n->joined, &turn.person);
    return status == STATUS_OK ? audit_add_turn(audit, &turn) : status;
}

static void note_wait(struct audit *audit, const struct audit_number *n) {
    struct audit_summary *summary = &audit->summary;
    int64_t wait_us = n->called_us - n->joined_us;
    if (n->joined_us != 0 && wait_us > summary->longest_wait_us) {
        summary->longest_wait_us = wait_us;
        summary->longest_wait_number = n->number;
    }
}

static enum status check_turn(struct audit *audit, const struct audit_number *n, bool in_gap) {
    audit->summary.turns[n->state]++;
    audit->summary.gap_turns += in_gap;
    if (n->number > audit->room.issued_to)
        audit_find(audit, AUDIT_NOT_ISSUED, n->number,
                   "number %" PRIu64 " has a turn, but numbers were given only up to %" PRIu64,
                   n->number, audit->room.issued_to);
    const char *why = broken(n, in_gap);
    if (why != NULL)
        audit_find(audit, AUDIT_TURN_BROKEN, n->number, "the turn of number %" PRIu64 " (%s) %s",
                   n->number, turn_state_text(n->state), why);
    if (n->stored && is_moved(n) && n->linked_us == 0)
        audit_find(audit, AUDIT_WRONG_PERSON, n->number,
                   "the turn of number %" PRIu64 " is not of the person whose entry it is",
                   n->number);
    if (n->called_us != 0) {
        check_call_order(audit, n, in_gap);
        check_length(audit, n);
        note_wait(audit, n);
    }
    return note_turn(audit, n);
}

/* --- bookings */

static const char *not_admitted(const struct audit_number *n, const struct audit_booking *booking) {
    if (n->state == TURN_NONE || n->called_us == 0)
        return "its person was never admitted";
    if (n->state == TURN_CALLED || n->state == TURN_MISSED)
        return "its person never came for the turn";
    if (booking->created_us < n->called_us - AUDIT_CLOCK_US)
        return "its person was admitted later";
    if (n->ended_us != 0 && booking->created_us > n->ended_us + AUDIT_CLOCK_US)
        return "its turn was over";
    return id128_equal(&booking->user, &n->user) || booking->linked ? NULL : "it is not theirs";
}

static void check_bookings(struct audit *audit, const struct audit_number *n) {
    size_t standing = 0;
    for (size_t i = 0; i < n->booking_count; i++) {
        const struct audit_booking *booking = &n->bookings[i];
        const char *why = not_admitted(n, booking);
        standing += booking->status == BOOKING_PENDING || booking->status == BOOKING_CONFIRMED;
        if (why != NULL) {
            char text[TIME_TEXT_SIZE];
            audit_find(audit, AUDIT_NOT_ADMITTED, n->number,
                       "with number %" PRIu64 " somebody booked at %s, but %s", n->number,
                       time_to_text(booking->created_us, text), why);
        }
    }
    audit->summary.bookings += n->booking_count;
    if (standing > 1)
        audit_find(audit, AUDIT_TWO_BOOKINGS, n->number,
                   "number %" PRIu64 " has %zu bookings that stand", n->number, standing);
}

void audit_add_without_number(struct audit *audit, const struct audit_booking *booking) {
    audit->summary.bookings_without_number++;
    for (uint32_t i = 0; i < audit->room.on_count; i++) {
        const struct audit_period *on = &audit->room.on[i];
        char text[TIME_TEXT_SIZE];
        if (booking->created_us >= on->from_us && booking->created_us < on->to_us) {
            audit_find(audit, AUDIT_WITHOUT_NUMBER, 0,
                       "somebody booked at %s without a number, when the room was on",
                       time_to_text(booking->created_us, text));
            return;
        }
    }
}

/* --- all of it */

static bool check_number(struct audit *audit, uint64_t number) {
    if (number > audit->last_number) {
        uint64_t before = number - 1;
        uint64_t admitted_to = audit->room.admitted_to;
        audit_find_passed_over(audit, audit->last_number + 1,
                               before < admitted_to ? before : admitted_to);
        audit->last_number = number;
        return true;
    }
    if (number == audit->last_number)
        audit_find(audit, AUDIT_NUMBER_TWICE, number, "number %" PRIu64 " is there twice", number);
    else
        audit_find(audit, AUDIT_NUMBER_TWICE, number,
                   "number %" PRIu64 " comes after number %" PRIu64, number, audit->last_number);
    return false;
}

enum status audit_add(struct audit *audit, const struct audit_number *number) {
    audit->summary.numbers++;
    if (!check_number(audit, number->number))
        return STATUS_OK;
    bool in_gap = audit_gap_of(audit, number->number) != NULL;
    enum status status = check_entry(audit, number);
    check_reached(audit, number, in_gap);
    if (status == STATUS_OK && number->state != TURN_NONE)
        status = check_turn(audit, number, in_gap);
    check_bookings(audit, number);
    return status;
}
