/*
 * audit_gather: an audit's records, from the stream and the database, merged by number.
 *
 * What is read fits together although the room goes on meanwhile: the stream's end is noted before
 * the database's moment, so of every entry before it the database knows whatever had become of
 * those before; and it is read on to the highest number that the database knew of.
 */
#ifndef USHER_OPS_USHERCTL_AUDIT_GATHER_H
#define USHER_OPS_USHERCTL_AUDIT_GATHER_H

#include "ops/usherctl/audit_tables.h"

struct audit_gather;

/* Fills the header in. NULL: what is needed can't be read, and `error` says what: no such event,
 * NATS or the database away, the stream gone or not the one of the newest span. A room that was
 * never on needs no stream. The connection stays the caller's. */
MUST_CHECK struct audit_gather *audit_gather_begin(PGconn *connection, const char *nats_url,
                                                   uint64_t event_id, struct audit_header *header,
                                                   char error[AUDIT_ERROR_SIZE]);
void audit_gather_end(struct audit_gather *gather); /* NULL is allowed */

/* The next number; its bookings end with the next call. STATUS_NOT_FOUND after the last one;
 * STATUS_UNAVAILABLE, STATUS_INVALID, STATUS_LIMIT (AUDIT_BOOKINGS_MAX) with `error`. */
MUST_CHECK enum status audit_gather_number(struct audit_gather *gather, struct audit_number *number,
                                           char error[AUDIT_ERROR_SIZE]);
/* After the last number: the bookings without one. STATUS_NOT_FOUND after the last one. */
MUST_CHECK enum status audit_gather_without_number(struct audit_gather *gather,
                                                   struct audit_booking *booking,
                                                   char error[AUDIT_ERROR_SIZE]);

#endif
