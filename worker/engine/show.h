/*
 * show: the engine. Decides, serially and alone, who gets which seats of one show.
 *
 * Pure: no I/O, no clock, no randomness. Time and ids arrive with the command; what is to be stored
 * or told leaves as a change and a reply. The same code runs live, in recovery and in the
 * simulator.
 *
 *                 reserve                    confirm
 *      (none) ---------------> PENDING ------------------> CONFIRMED
 *                               |   |
 *                       cancel  |   |  deadline passed (show_expire, or found by a command
 *                               v   v                   that names the booking)
 *                        CANCELLED  EXPIRED
 *
 * A transfer gives a live booking, as it is, to another user.
 *
 * A PENDING booking's seats are HELD, a CONFIRMED one's BOOKED; the ended ones hold nothing.
 * *Live* bookings (PENDING, CONFIRMED) are in memory whole. Of every ended one there is an 8-byte
 * fingerprint; past `ended_limit` of them any unknown id may be an ended booking. When a command
 * names an id that is not live but may have ended, show_decide answers SHOW_NEEDS_LOOKUP and
 * changes nothing: the caller looks the booking up in the database and decides again, saying what
 * it found. That must be newer than every decision about the id: first commit, then look up, and
 * decide nothing about the id in between.
 *
 * Invariants (show_check verifies them; the simulator calls it):
 *   1. a seat belongs to at most one live booking, and that booking lists it;
 *   2. a live booking lists 1 … BOOKING_SEATS_MAX distinct seats, all of which belong to it;
 *   3. the seats counted for a user are those of the user's live bookings (the limit rests on it);
 *   4. the index of free seats has exactly the AVAILABLE ones; seats are counted by their states;
 *   5. every PENDING booking is in the deadline order, nothing else is.
 *
 * Every decision first refuses and then mutates: a reply other than REPLY_OK leaves everything as
 * it was, except that a hold found past its deadline becomes EXPIRED (which is a change and is
 * stored). An allocation that fails is refused as REPLY_OVERLOADED before anything is touched;
 * when it is one for a fingerprint, that is as if the limit was reached.
 *
 * Cost: a hold is O(seats in it), free of the show's size; general admission takes the lowest free
 * seats of the section through a bitmap tree. Memory is linear in seats and live bookings.
 *
 * Every condition that refuses or keeps an invariant is a GUARD (guards.h), which the simulator can
 * take out.
 */
#ifndef USHER_WORKER_ENGINE_SHOW_H
#define USHER_WORKER_ENGINE_SHOW_H

#include "shared/booking.h"
#include "shared/status.h"

struct show;

enum {
    SHOW_LIVE_BOOKINGS_MAX = SHOW_SEATS_MAX, /* each holds at least a seat */
    SHOW_ENDED_MAX = 1 << 20,                /* default of ended_limit: 16 MiB of fingerprints */
    SHOW_HOLD_MIN_MS = 1000,
    SHOW_HOLD_MAX_MS = 24 * 3600 * 1000,
};

struct show_section {
    uint32_t first_seat;
    uint32_t seat_count;
    uint16_t price_category; /* index into show_settings.prices */
    bool general;            /* sold by quantity; its seats may be asked for by id as well */
};

/* Sections lie one after another and cover all seats. */
struct show_layout {
    uint32_t section_count;
    const struct show_section *sections;
};

struct show_settings {
    enum show_state state;
    int64_t on_sale_us;  /* reserving is refused before; 0: at once */
    int64_t sale_end_us; /* and from then on; 0: never */
    int64_t hold_ms;     /* SHOW_HOLD_MIN_MS … SHOW_HOLD_MAX_MS */
    uint32_t seats_per_user;
    bool guests;
    uint32_t price_count;
    int64_t prices[PRICE_CATEGORIES_MAX]; /* minor units, 0 … INT64_MAX / BOOKING_SEATS_MAX */
    char currency[CURRENCY_SIZE];
};

/* When a decision happens. */
struct show_time {
    int64_t now_us;    /* database time: on sale or not, created_at, the forecast */
    int64_t served_ms; /* served time of the partition: deadlines. Never decreases. */
};

/* What a payment provider said, before the decision. */
enum payment_result {
    PAYMENT_NOT_ASKED = 0,
    PAYMENT_APPROVED,
    PAYMENT_DECLINED,
    PAYMENT_TOKEN_UNKNOWN
};

/* What the database says of an id that is not live. */
enum lookup_result { LOOKUP_NOT_DONE = 0, LOOKUP_NONE, LOOKUP_FOUND };

struct show_request {
    const struct command *command; /* RESERVE, CONFIRM, CANCEL or TRANSFER */
    enum payment_result payment;   /* CONFIRM */
    enum lookup_result lookup;
    const struct booking *looked_up; /* LOOKUP_FOUND: CANCELLED or EXPIRED */
    enum reply_code pass; /* RESERVE: REPLY_OK, or why the room refuses (room_check_pass) */
    uint64_t
        queue_number; /* RESERVE: of the turn it is made with, kept by a new booking; 0: none */
};

/* A booking as it was (`before`: its status, BOOKING_NONE when new; and its user, a new one's own)
 * and is to be stored. Which seats changed hands follows: PENDING from NONE takes them, CANCELLED
 * and EXPIRED free them. */
struct show_change {
    enum booking_status before;
    struct id128 user_before;
    struct booking booking;
};

struct show_decision {
    struct reply reply; /* request_id, partition and epoch are the caller's to fill */
    bool has_change;
    struct show_change change;
};

enum show_verdict { SHOW_DECIDED, SHOW_NEEDS_LOOKUP };

/* Everything available. The layout is copied. NULL when there is no memory. Aborts on a layout or
 * settings outside the limits (whoever read them from the database has checked). `ended_limit`: see
 * above. */
MUST_CHECK struct show *show_create(uint64_t event_id, const struct show_layout *layout,
                                    const struct show_settings *settings, size_t ended_limit);
void show_destroy(struct show *show);

/* Recovery: what the database holds, in any order, before the first decision. STATUS_CONFLICT when
 * a seat is taken already or out of range, a booking is there twice, is not live or not of this
 * event (the store is broken: don't serve this show), STATUS_NO_MEMORY. Nothing changed then. */
MUST_CHECK enum status show_restore_booking(struct show *show, const struct booking *booking);
MUST_CHECK enum status show_restore_blocked(struct show *show, uint32_t seat);
MUST_CHECK enum status show_restore_ended(struct show *show, const struct id128 *booking_id);

/*
 * Decides one command. SHOW_NEEDS_LOOKUP: *decision is not filled, nothing changed. Otherwise the
 * first of these that applies:
 *
 * any      NOT_FOUND (the booking is another user's; for transfer: nor the new user's). A hold
 *          found at served_ms >= deadline becomes EXPIRED, swept or not, before the rest is decided
 *          (for reserve: unless KEY_REUSED).
 * reserve  KEY_REUSED; OK `replayed` when the booking was there (its current state, also ended);
 *          NOT_FOUND (a draft); GUESTS_NOT_ALLOWED; NOT_ON_SALE (`on_sale_us` only when the sale
 *          is still to begin); what `pass` says; INVALID (no seats, more than BOOKING_SEATS_MAX);
 * UNKNOWN_SEAT (seat or section) or INVALID (repeated, an item of 0, a section that is not
 * general), as found in the order of the request; SEAT_LIMIT; SEAT_TAKEN; OVERLOADED; OK. The new
 * booking lists the seats asked for by id, in the order asked, then item by item the lowest free
 * seats of the section that were not asked for. confirm  NOT_FOUND; OK `replayed` when CONFIRMED;
 * NOT_PENDING (CANCELLED); HOLD_EXPIRED; NOT_ON_SALE (the event is cancelled); PAYMENT_DECLINED;
 * PAYMENT_INVALID (not asked or token unknown); OK. An amount of 0 needs no payment. cancel
 * NOT_FOUND; OK `replayed` when CANCELLED; HOLD_EXPIRED; CONFLICT (CONFIRMED); OK. transfer
 * NOT_FOUND; OK `replayed` when it is the new user's; NOT_PENDING (CANCELLED); HOLD_EXPIRED;
 * SEAT_LIMIT (of the new user); OVERLOADED; OK. Status, seats, prices and deadline stay, whatever
 * the event's state.
 *
 * reply.booking, the state after the decision, comes with OK and with every refusal of a confirm,
 * cancel or transfer but NOT_FOUND. While PENDING its expires_us is forecast anew, now_us + what is
 * left of the hold: served time never runs ahead of database time, so that is never later than the
 * truth, and never earlier than the first forecast, which is the one stored.
 */
MUST_CHECK enum show_verdict show_decide(struct show *show, const struct show_request *request,
                                         const struct show_time *time,
                                         struct show_decision *decision);

/* Expires up to `limit` holds whose deadline has passed, in order of (deadline, booking id).
 * Returns how many changes it wrote. */
size_t show_expire(struct show *show, const struct show_time *time, struct show_change *changes,
                   size_t limit);

/* New settings, from the next decision on; open holds keep their prices and deadlines. */
void show_set_settings(struct show *show, const struct show_settings *settings);
const struct show_settings *show_get_settings(const struct show *show);

/* Served time of the earliest deadline, INT64_MAX when there is none. */
int64_t show_next_deadline(const struct show *show);
uint32_t show_seat_count(const struct show *show);
enum seat_state show_seat_state(const struct show *show, uint32_t seat);
struct show_counts {
    uint32_t seats[4]; /* by enum seat_state */
    uint32_t open_holds;
    uint32_t confirmed;
};
struct show_counts show_count(const struct show *show);
/* packed_seats_bytes(show_seat_count(show)) bytes. */
void show_pack_seats(const struct show *show, uint8_t *packed);
size_t show_size_bytes(const struct show *show);
/* Verifies the invariants; O(everything). Returns NULL, or which one is broken (static text). */
const char *show_check(const struct show *show);

#endif
