/*
 * shop: what tests ask of usher again and again, in one line: venues and events, customers,
 * bookings.
 *
 * Functions named after a request return its answer, the caller's (http_answer_free). Those that
 * return a thing fail the test when they don't get it. `gateway` is an index into
 * cluster->gateways.
 */
#ifndef USHER_TESTS_SUPPORT_SHOP_H
#define USHER_TESTS_SUPPORT_SHOP_H

#include "tests/support/cluster.h"
#include "tests/support/http_client.h"

enum {
    SHOP_TEXT_SIZE = 512, /* a token, a path, a small body */
    SHOP_ROWS_MAX = 26,
    SHOP_SEAT_PRICE = 2500,
};

struct shop_customer {
    char token[SHOP_TEXT_SIZE];
    char user_id[40];
};

/* One section "" with rows A, B, … of `seats` each: seat ids "A1", "A2", … */
int64_t shop_venue(struct cluster *cluster, unsigned rows, unsigned seats);

struct shop_event {
    int64_t venue_id;
    int64_t hold_seconds;   /* 0: 300 */
    int64_t seats_per_user; /* 0: 8 */
    const char
        *more; /* further fields as JSON text with a leading comma, e.g. ",\"guests\":false" */
};
int64_t shop_event(struct cluster *cluster, const struct shop_event *event);
/* Of a partition that the worker owns now. */
int64_t shop_event_owned_by(struct cluster *cluster, const struct shop_event *event,
                            unsigned worker);

void shop_customer(struct cluster *cluster, struct shop_customer *customer);
/* Many, at once. */
void shop_customers(struct cluster *cluster, struct shop_customer *customers, size_t count);

/* {"eventId":…,"seatIds":[…]} of comma-separated seats "A1,A2". Returns `body`. */
char *shop_reserve_body(char body[SHOP_TEXT_SIZE], int64_t event_id, const char *seats);
struct http_answer shop_reserve(struct cluster *cluster, unsigned gateway,
                                const struct shop_customer *customer, int64_t event_id,
                                const char *seats, const char *key);
struct http_answer shop_confirm(struct cluster *cluster, unsigned gateway,
                                const struct shop_customer *customer, const char *booking_id);
struct http_answer shop_cancel(struct cluster *cluster, unsigned gateway,
                               const struct shop_customer *customer, const char *booking_id);
struct http_answer shop_booking(struct cluster *cluster, unsigned gateway,
                                const struct shop_customer *customer, const char *booking_id);
struct http_answer shop_get(struct cluster *cluster, unsigned gateway, const char *path);
struct http_answer shop_seats(struct cluster *cluster, unsigned gateway, int64_t event_id);

/* The answer must have this status (and, unless NULL, this problem code); else the test fails and
 * shows it. Frees it. */
void shop_expect(struct http_answer answer, int status, const char *code);
/* Reserves, expects 201, and keeps the booking's id. */
void shop_hold(struct cluster *cluster, unsigned gateway, const struct shop_customer *customer,
               int64_t event_id, const char *seats, char booking_id[64]);
/* "AVAILABLE" …; in the database's view, and on a gateway's map. The caller's, free. */
char *shop_stored_seat(struct cluster *cluster, int64_t event_id, const char *seat);
char *shop_shown_seat(struct cluster *cluster, unsigned gateway, int64_t event_id,
                      const char *seat);
/* Waits until the map shows it. */
void shop_wait_shown(struct cluster *cluster, unsigned gateway, int64_t event_id, const char *seat,
                     const char *state);

/*
 * What must hold of the stored data whatever happened: no seat in two live bookings, every live
 * booking has exactly its seats, nothing ended holds one, free seats are counted right.
 */
void shop_expect_sound_database(struct cluster *cluster);

#endif
