/*
 * audit_history: made-up stories of a waiting room that kept its word, as the records an audit
 * reads: people join, leave, come or don't, book and buy, log in and join again; NATS loses its
 * tail or its stream, and some who were lost show their numbers, in time or late.
 */
#ifndef USHER_TESTS_UNIT_AUDIT_HISTORY_H
#define USHER_TESTS_UNIT_AUDIT_HISTORY_H

#include "ops/usherctl/audit.h"
#include "tests/sim/random.h"

enum {
    HISTORY_NUMBERS_MAX = 600,
    HISTORY_BOOKINGS_MAX = 5, /* of a number */
    HISTORY_SHOPPERS_MAX = 8,
    HISTORY_CLAIM_MS = 10000,
    HISTORY_PASS_MS = 20000,
};

struct history {
    struct audit_room room;
    size_t count;
    struct audit_number numbers[HISTORY_NUMBERS_MAX];
    struct audit_booking bookings[HISTORY_NUMBERS_MAX][HISTORY_BOOKINGS_MAX];
};

/* The same random, the same history. */
void history_make(struct history *history, struct random *random);
/* Adds all of it to an audit, which finishes. The caller destroys it. */
struct audit *history_audit(const struct history *history);

/* What can be done to a history, and the rule that it breaks. */
struct history_change {
    const char *name;
    bool (*apply)(struct history *history); /* false: it has nothing to do that to */
    enum audit_rule rule;
};
/* Up to one without a name. */
extern const struct history_change history_changes[];

#endif
