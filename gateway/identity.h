/*
 * identity: people of the site's own identity provider. Configured by USHER_JWT_ISSUER, _AUDIENCE,
 * _ALGORITHM and _KEYS; jwt.h says what a token has to be, jwt_keys.h where the keys come from.
 *
 * Verifying costs 20 to 100 µs, more than all else the gateway does for a reservation, so tokens
 * that were found good are remembered: by SHA-256, until they expire, in a table of fixed size in
 * which a newer one takes the place of an older one. It is emptied when the keys change. Tokens
 * that were not good are not remembered.
 */
#ifndef USHER_GATEWAY_IDENTITY_H
#define USHER_GATEWAY_IDENTITY_H

#include "gateway/jwt.h"
#include "shared/config.h"
#include "shared/token.h"

enum { IDENTITY_REMEMBERED_MAX = 16384 }; /* 56 bytes each */

struct identity;

/* Keeps `config` by pointer, whose four settings are there. Keys that can't be read are logged, and
 * read when they can be. NULL: no memory. */
MUST_CHECK struct identity *identity_create(const struct config *config, int64_t now_us);
/* NULL is allowed. */
void identity_destroy(struct identity *identity);
/* Often; `now_us` is monotonic. NULL is allowed. */
void identity_tick(struct identity *identity, int64_t now_us);
/* `now_us` is the database's. With JWT_GOOD user, guest and expiry of the session are written; its
 * installation is the caller's. */
MUST_CHECK enum jwt_verdict identity_verify(struct identity *identity, const char *token,
                                            int64_t now_us, struct session *session);

/* What verifying has cost, for metrics. */
struct identity_counts {
    uint64_t verified, remembered, refused;
};
struct identity_counts identity_counts(const struct identity *identity);

#endif
