/*
 * store: the simulated database of one show: rows as in migrations/0001_booking.sql, and the rules
 * by which a batch is written (the worker's store has the same): locked by epoch, each booking and
 * each seat written once, guarded by what it was before the batch.
 */
#ifndef USHER_TESTS_SIM_STORE_H
#define USHER_TESTS_SIM_STORE_H

#include "tests/sim/model.h"

struct store_row {
    struct booking booking;
    enum booking_status
        promised; /* what a customer was told and does not change any more, or NONE */
};

struct store {
    uint64_t epoch;
    int64_t served_ms;
    struct show_settings settings;
    bool blocked[MODEL_SEATS_MAX];
    struct id128 claims[MODEL_SEATS_MAX]; /* zero: none */
    uint32_t row_count;
    struct store_row rows[MODEL_BOOKINGS_MAX];
};

/* NULL when there is none. */
const struct booking *store_find(const struct store *store, const struct id128 *id);

/* Writes all or nothing. NULL, or why it is refused (static text). */
const char *store_write(struct store *store, uint64_t epoch, int64_t served_ms,
                        const struct show_change *changes, size_t change_count);

/* A customer is told. NULL, or which promise is broken. */
const char *store_promise(struct store *store, const struct reply *reply);

/* NULL, or how the rows differ from what the model says is stored. */
const char *store_difference(const struct store *store, const struct model *model);

#endif
