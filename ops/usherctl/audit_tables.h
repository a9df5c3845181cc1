/*
 * audit_tables: what the database knows of a waiting room, of one moment: all of it is read in one
 * transaction (REPEATABLE READ), turns and bookings in order of number through cursors.
 */
#ifndef USHER_OPS_USHERCTL_AUDIT_TABLES_H
#define USHER_OPS_USHERCTL_AUDIT_TABLES_H

#include "ops/usherctl/audit_export.h"

#include <libpq-fe.h>

struct audit_tables;

struct audit_tables_room {
    struct audit_header header; /* room.lost_above is UINT64_MAX */
    struct id128 installation;
    /* Of the newest span; "" when there is none. */
    char server_id[ROOM_SERVER_ID_SIZE];
    char created[ROOM_CREATED_SIZE];
    uint64_t last_number; /* the highest that has a turn or a booking */
};

struct audit_turn_row {
    uint64_t number;
    struct id128 user;
    enum turn_state state;
    int64_t joined_us; /* 0: NULL, also the others */
    int64_t called_us;
    int64_t ended_us;
    int64_t account_since_us; /* when the first guest logged in to this account */
    int64_t guest_until_us;   /* when this guest logged in to an account */
};

struct audit_booking_row {
    uint64_t number; /* 0: none */
    struct audit_booking booking;
};

/* Begins the transaction. NULL: `error` says why. The connection stays the caller's. */
MUST_CHECK struct audit_tables *audit_tables_open(PGconn *connection, uint64_t event_id,
                                                  struct audit_tables_room *room,
                                                  char error[AUDIT_ERROR_SIZE]);
/* Ends it. NULL is allowed. */
void audit_tables_close(struct audit_tables *tables);

/* The next in order of number. STATUS_NOT_FOUND at the end; STATUS_UNAVAILABLE with `error`. */
MUST_CHECK enum status audit_tables_turn(struct audit_tables *tables, struct audit_turn_row *row,
                                         char error[AUDIT_ERROR_SIZE]);
/* The same of bookings, those of a number in order of time; those without one come last. */
MUST_CHECK enum status audit_tables_booking(struct audit_tables *tables,
                                            struct audit_booking_row *row,
                                            char error[AUDIT_ERROR_SIZE]);
/* When a guest logged in to that account; 0: never. */
MUST_CHECK enum status audit_tables_link(struct audit_tables *tables, const struct id128 *guest,
                                         const struct id128 *account, int64_t *linked_us,
                                         char error[AUDIT_ERROR_SIZE]);

#endif
