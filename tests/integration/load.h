/*
 * load: customers that hold, confirm, cancel and look without end, over all gateways of a cluster,
 * and remember what they were told (history.h).
 *
 * They fight for the first few seats of each event that nobody has bought. A customer
 * that gets no answer asks again with the same key, mostly through another gateway, or gives up.
 * One number (the seed) fixes what they want to do; what comes of it depends on the system.
 * Single-threaded: nothing happens outside load_drive.
 */
#ifndef USHER_TESTS_INTEGRATION_LOAD_H
#define USHER_TESTS_INTEGRATION_LOAD_H

#include "tests/integration/history.h"

enum { LOAD_EVENTS_MAX = 16, LOAD_CLIENTS_MAX = 512 };

struct load_options {
    struct cluster *cluster;
    unsigned clients;
    unsigned event_count;
    int64_t events[LOAD_EVENTS_MAX];
    unsigned rows, seats_per_row; /* of their venue */
    unsigned window;              /* seats fought for at a time, of each event */
    int64_t hold_seconds;
    int64_t pause_ms; /* a customer thinks at most so long between two requests */
    uint64_t seed;
};

/* How often what was answered. */
struct load_counts {
    uint64_t held, taken, confirmed, cancelled, ended, looked, unanswered;
};

struct load;

struct load *load_create(const struct load_options *options);
void load_destroy(struct load *load);
/* Sends what is due and handles what has arrived, for at most `timeout_ms`. An answer that no
 * customer may get (a 500, a 404 of one's own booking) fails the test. */
void load_drive(struct load *load, int timeout_ms);
void load_drive_until(struct load *load, int64_t end_ms); /* wait_now_ms */
/* Nobody begins anything new; everything under way is asked for until the answer is known. */
void load_settle(struct load *load);
const struct load_counts *load_counts(const struct load *load);
struct history *load_history(struct load *load);

/* A number below `limit` from the load's seed. */
uint64_t load_random(struct load *load, uint64_t limit);

#endif
