/*
 * room_store: the simulated database of one room: rows as in migrations/0005_room.sql, and the
 * rules by which a batch is written: locked by epoch, each turn guarded by what it was.
 */
#ifndef USHER_TESTS_SIM_ROOM_STORE_H
#define USHER_TESTS_SIM_ROOM_STORE_H

#include "tests/sim/room_model.h"

struct room_store {
    uint64_t epoch;
    int64_t served_ms;
    struct room_model rows;
};

/* Writes all or nothing; `holds` are the bookings as they are then. NULL, or why it is refused
 * (static text). */
const char *room_store_write(struct room_store *store, uint64_t epoch, int64_t served_ms,
                             const struct room_change *changes, size_t change_count,
                             const struct room_model *holds);

/* NULL, or how the rows differ from what the model says is stored. */
const char *room_store_difference(const struct room_store *store, const struct room_model *model);

/* NULL, or what of the promises is broken: a number was passed over, or called out of order. */
const char *room_store_audit(const struct room_store *store);

/* The name of the first field that differs, or NULL. */
const char *turn_difference(const struct turn *a, const struct turn *b);
const char *record_difference(const struct room_record *a, const struct room_record *b);

#endif
