/*
 * history: what customers asked for and what they were told, for the checker to judge.
 *
 * An *attempt* is one booking that somebody tries to make, known by its idempotency key however
 * often it is repeated; operations belong to attempts. Times are monotonic microseconds. Seats are
 * numbers in the layout's order, of venues made by shop_venue.
 */
#ifndef USHER_TESTS_INTEGRATION_HISTORY_H
#define USHER_TESTS_INTEGRATION_HISTORY_H

#include "tests/integration/checker.h"
#include "tests/support/shop.h"

enum { HISTORY_SEATS_MAX = 4, HISTORY_KEY_SIZE = 40, HISTORY_ID_SIZE = 64 };

struct history_attempt {
    int64_t event_id;
    unsigned seat_count;
    unsigned seats[HISTORY_SEATS_MAX];
    char key[HISTORY_KEY_SIZE];
    char booking_id[HISTORY_ID_SIZE]; /* as it has to be, derived from user, event and key */
    int64_t deadline_us;              /* the hold does not end by itself before */
    bool acknowledged;                /* somebody was told that the booking exists */
    bool confirmed;                   /* … that it is confirmed */
};

struct history;

struct history *history_create(struct cluster *cluster, unsigned seats_per_row);
void history_destroy(struct history *history);

/* Makes the booking's id; the deadline is the earliest possible, `hold_seconds` from now. */
uint32_t history_add_attempt(struct history *history, const struct history_attempt *attempt,
                             const struct shop_customer *customer, int64_t hold_seconds);
/* Valid until the next is added. */
struct history_attempt *history_attempt(struct history *history, uint32_t attempt);

/* On all seats of the attempt. */
void history_add(struct history *history, uint32_t attempt, enum checker_kind kind, bool certain,
                 const struct http_answer *answer);
/* A refused reserve: which of the attempt's seats were taken; the others were free. */
void history_add_refusal(struct history *history, uint32_t attempt,
                         const bool taken[HISTORY_SEATS_MAX], const struct http_answer *answer);
size_t history_count(const struct history *history);

/* "A1" …; returns `text`. */
char *history_seat_text(const struct history *history, unsigned seat, char text[16]);

/*
 * Nothing is under way any more. Reads the database; fails the test, with the history of the seat
 * printed, when a seat's is not linearizable (what the database says being the last thing seen), or
 * a booking that was acknowledged is not there, or one that was confirmed is not CONFIRMED.
 */
void history_check(struct history *history);

#endif
