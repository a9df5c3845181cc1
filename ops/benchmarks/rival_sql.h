/*
 * rival_sql: what the rivals' statements have in common.
 */
#ifndef USHER_OPS_BENCHMARKS_RIVAL_SQL_H
#define USHER_OPS_BENCHMARKS_RIVAL_SQL_H

#include "ops/benchmarks/sale.h"

#include <libpq-fe.h>

/* Stores the booking of a statement `held` that holds both seats: $1 event_id int8, $2 and $3
 * seats int4, $4 booking_id uuid, $5 user_id uuid. Refused by its check where not both were had. */
#define RIVAL_INSERT_BOOKING                                                                       \
    "INSERT INTO rival.booking (booking_id, user_id, event_id, created_at, expires_at, amount, "   \
    "seats, held, status) "                                                                        \
    "SELECT $4::uuid, $5::uuid, $1::int8, now(), now() + interval '300 s', 9000, "                 \
    "ARRAY[$2::int4, $3::int4], (SELECT count(*) FROM held), 1"

/* Sends a prepared statement with the first `count` of: event, the two seats, booking, user, and
 * the versions they are expected to have; binary in and out. */
MUST_CHECK bool rival_send(PGconn *connection, const char *name, const struct sale_buyer *buyer,
                           const uint32_t versions[2], int count);
/* Whether the statement stored the booking; false: not both seats were to be had. Anything else
 * ends the program. */
MUST_CHECK bool rival_is_stored(const PGresult *result);
_Noreturn void rival_give_up(const PGresult *result);

#endif
