/*
 * audit_export: an audit's records as a file that names nobody, so that anyone can repeat the
 * checks: `usherctl audit --check FILE`, without database, NATS or settings.
 *
 * JSON, one object a line. Members may be added; a reader passes over those it does not know. Times
 * are RFC 3339 in UTC with microseconds. The first line is the header:
 *
 *   {"format":"usher-audit","version":1,"event":7,
 *    "installation": SHA-256 of its id, in hex, "madeAt": time,
 *    "admittedTo": how far the door had gone, "issuedTo": up to which number people were answered,
 *    "spans":[{"firstNumber","firstSequence","stream","admittedTo"}],     (shared/room.h)
 *    "settings":{"mode","admitsPerMinute","maxShoppers","claimSeconds","passSeconds"},
 *    "unchanged":["maxShoppers",…]: which of the last three were never changed,
 *    "on":[{"from": time, "to": time or null}]: when the room surely was on, "onKnown": whether it
 *    was off at all other times,
 *    "lostAbove": entries above this number may have been lost by NATS just now, or null}
 *
 * Then one line for each number that has an entry, a turn or a booking, in order:
 *
 *   {"number":12,
 *    "user": whose entry it is: hex of SHA-256 over a salt ‖ user id. The salt is drawn for each
 *            export and written nowhere: persons can be told apart, but not named,
 *    "joinedAt": when the entry was stored, or null: not known; its number was shown at a roll
 * call, "span": the newest span that whoever stored it knew, or absent, "stored": false where the
 * stream does not hold the entry (any more), else absent, "state": what has become of the turn
 * ("CALLED", "PASS", "BOUGHT", "MISSED", "LEFT", "OVER", "SKIPPED", "WAITING"), or null: there is
 * none yet, "calledAt", "endedAt": times or null, "turnUser": who has the turn, where that is
 * another account than the entry's; absent else, "linkedAt": when the one logged in to the other;
 * absent when they have nothing to do with each other (audit.h says more), "turnJoinedAt": what the
 * turn says instead of joinedAt, if anything else, "bookings":[{"createdAt","status": "PENDING",
 * "CONFIRMED", "CANCELLED" or "EXPIRED", "user": if not the turn's, "linked": true if that is the
 * turn's guest or account}]}
 *
 * then the bookings that have no number, in order of time,
 * {"withoutNumber":{"createdAt","status"}}, and a last line {"end":true,"numbers": how many of
 * these lines, "withoutNumber": of those}.
 */
#ifndef USHER_OPS_USHERCTL_AUDIT_EXPORT_H
#define USHER_OPS_USHERCTL_AUDIT_EXPORT_H

#include "ops/usherctl/audit.h"

#include <stdio.h>

enum { AUDIT_EXPORT_VERSION = 1, AUDIT_HASH_SIZE = 65, AUDIT_ERROR_SIZE = 256 };

struct audit_header {
    uint64_t event_id;
    char installation[AUDIT_HASH_SIZE];
    int64_t made_us;
    struct room_settings settings; /* message and opening time apart */
    struct audit_room room;
};

/* Hex of SHA-256. */
void audit_hash(const void *data, size_t size_bytes, char hex[AUDIT_HASH_SIZE]);

struct audit_export;

/* Writes the header to `out`, which stays the caller's: whether writing failed is seen at it. */
MUST_CHECK struct audit_export *audit_export_begin(FILE *out, const struct audit_header *header);
void audit_export_number(struct audit_export *file, const struct audit_number *number);
void audit_export_without_number(struct audit_export *file, const struct audit_booking *booking);
/* Writes the last line; frees. */
void audit_export_end_take(struct audit_export *file);
/* Frees; what was written has no end. NULL is allowed. */
void audit_export_drop(struct audit_export *file);

/* Reads an export and audits it to the end: *audit is the caller's then. STATUS_INVALID: it is
 * none; STATUS_VERSION; STATUS_TRUNCATED: its end is missing; STATUS_NO_MEMORY, STATUS_LIMIT. Then
 * `error` is a sentence. */
MUST_CHECK enum status audit_export_check(FILE *in, struct audit_header *header,
                                          struct audit **audit, char error[AUDIT_ERROR_SIZE]);

#endif
