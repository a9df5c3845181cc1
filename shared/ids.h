/*
 * ids: making, deriving, writing and reading identifiers.
 *
 * Public forms:
 *   userId       32 lower-case hex digits
 *   bookingId    "<eventId>-<32 lower-case hex digits>", e.g.
 * "17-0193f2a4b6c87d10a1b2c3d4e5f60718"; opaque to clients. The event in front lets a gateway
 * address the owner without a look-up.
 *
 * A booking's id is derived, never drawn: HMAC-SHA-256 under the installation's booking key over
 * user, event and idempotency key, each length-prefixed. So a retry finds the booking it made, also
 * after a crash. When the key is a UUIDv7 (RFC 9562, 5.7) its first 48 bits (milliseconds) become
 * the id's first 48 bits: ids in time order cost PostgreSQL a third less than random ones. Nothing
 * compares or sorts by that prefix.
 *
 * A user of the site's identity provider is named by the first 16 bytes of SHA-256 over issuer and
 * subject, each length-prefixed: what a provider calls its people may contain anything and be long,
 * and another provider's person of the same name is somebody else. A guest's userId is random.
 *
 * All functions are pure but id128_random and uuid7_text, which use the kernel's random source
 * through OpenSSL and abort when there is none. Thread-safe, but for the key of booking_id_derive.
 */
#ifndef USHER_SHARED_IDS_H
#define USHER_SHARED_IDS_H

#include "shared/status.h"

enum {
    ID128_TEXT_SIZE = 33,       /* 32 hex digits and NUL */
    UUID_TEXT_SIZE = 37,        /* 36 characters and NUL */
    BOOKING_ID_TEXT_SIZE = 54,  /* 20 digits, '-', 32 hex digits, NUL */
    USER_NAME_MAX_BYTES = 1023, /* of an issuer, and of a subject */
};

struct mac;

struct id128 id128_random(void);

/* Writes 32 lower-case hex digits and NUL. Returns `text`. */
char *id128_to_text(const struct id128 *id, char text[ID128_TEXT_SIZE]);
/* Exactly 32 lower-case hex digits, NUL-terminated; anything else STATUS_INVALID. */
MUST_CHECK enum status id128_from_text(const char *text, struct id128 *id);
/* The canonical form with dashes (RFC 9562, 4), either case of hex digits. STATUS_INVALID
 * otherwise. */
MUST_CHECK enum status id128_from_uuid(const char *text, struct id128 *id);
char *id128_to_uuid(const struct id128 *id, char text[UUID_TEXT_SIZE]);

/* See above. Both are NUL-terminated, 1 to USER_NAME_MAX_BYTES bytes. */
struct id128 user_id_derive(const char *issuer, const char *subject);

/* A fresh UUIDv7 for `unix_ms`. Returns `text`. */
char *uuid7_text(int64_t unix_ms, char text[UUID_TEXT_SIZE]);

/* See above. `idempotency_key` is NUL-terminated, 1 to 128 bytes. */
struct id128 booking_id_derive(struct mac *key, const struct id128 *user, uint64_t event_id,
                               const char *idempotency_key);
char *booking_id_to_text(uint64_t event_id, const struct id128 *id,
                         char text[BOOKING_ID_TEXT_SIZE]);
/* event_id 1 … INT64_MAX without leading zeros; anything else STATUS_INVALID. */
MUST_CHECK enum status booking_id_from_text(const char *text, uint64_t *event_id, struct id128 *id);

#endif
