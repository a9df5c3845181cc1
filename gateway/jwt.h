/*
 * jwt: whether a token is a statement of the site's identity provider about one of its people: a
 * JSON Web Token (RFC 7519) in compact serialization (RFC 7515, 7.1), signed with exactly the one
 * algorithm that was configured, as RFC 8725 advises. Pure; single-threaded.
 *
 * What is demanded:
 *   form       at most JWT_MAX_BYTES; three parts of base64url without padding, each in its one
 *              spelling; header and claims are JSON objects without duplicate names
 *   header     `alg` is the configured one; no `crit`; `kid`, when there, is a text of at most
 *              JWT_KEY_ID_MAX_BYTES. Keys that a token brings along (`jwk`, `jku`, `x5c`, `x5u`)
 *              are not looked at
 *   signature  by a key that bears the token's `kid` or none; by any key when the token has no
 *              `kid`. ES256 and EdDSA: exactly 64 bytes
 *   claims     `iss` as configured; `aud` is the configured audience or a list that has it; `exp`
 *              has not passed; `nbf`, when there, has come; both with JWT_SKEW_SECONDS of
 *              tolerance; `sub` is a text of 1 to JWT_SUBJECT_MAX_BYTES
 * Claims are read only once the signature is known to be good. Everything else in a token is
 * ignored.
 */
#ifndef USHER_GATEWAY_JWT_H
#define USHER_GATEWAY_JWT_H

#include "shared/base.h"
#include "shared/ids.h"

#include <openssl/types.h>

enum {
    JWT_MAX_BYTES = 8 * 1024,
    JWT_SKEW_SECONDS = 60,
    JWT_KEY_ID_MAX_BYTES = 255,
    JWT_KEYS_MAX = 16,
    JWT_SUBJECT_MAX_BYTES = USER_NAME_MAX_BYTES,
};

enum jwt_algorithm {
    JWT_RS256, /* RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518, 3.3) */
    JWT_ES256, /* ECDSA on P-256 with SHA-256 (RFC 7518, 3.4) */
    JWT_EDDSA, /* Ed25519 (RFC 8037, 3.1) */
};

/* "RS256", "ES256", "EdDSA"; false for anything else. */
MUST_CHECK bool jwt_algorithm_from_text(const char *text, enum jwt_algorithm *algorithm);
const char *jwt_algorithm_text(enum jwt_algorithm algorithm);

/* A provider's public key; of the kind that its algorithm takes (jwt_keys.h sees to that). */
struct jwt_key {
    char id[JWT_KEY_ID_MAX_BYTES + 1]; /* "": it has none */
    EVP_PKEY *key;
};

struct jwt_key_set {
    struct jwt_key keys[JWT_KEYS_MAX];
    size_t count;
    size_t passed_over; /* that were in the file as well, and are of no use here */
};

struct jwt_rules {
    enum jwt_algorithm algorithm;
    const char *issuer;
    const char *audience;
};

/* What a good token says. */
struct jwt_claims {
    char subject[JWT_SUBJECT_MAX_BYTES + 1];
    int64_t expires_us; /* unix µs; accepted before it, tolerance included */
};

enum jwt_verdict {
    JWT_GOOD,
    JWT_NO_KEYS, /* the key set is empty: nothing can be said of any token */
    JWT_TOO_LONG,
    JWT_MALFORMED,
    JWT_OTHER_ALGORITHM,
    JWT_CRITICAL_HEADER,
    JWT_UNKNOWN_KEY,
    JWT_BAD_SIGNATURE,
    JWT_BAD_CLAIM, /* one that is needed is missing, or one is not of its type */
    JWT_OTHER_ISSUER,
    JWT_OTHER_AUDIENCE,
    JWT_EXPIRED,
    JWT_NOT_YET,
    JWT_VERDICT_COUNT
};

/* A sentence that may be shown to whoever sent the token. */
const char *jwt_verdict_text(enum jwt_verdict verdict);

/* `now_us`: unix µs. `claims` are written only with JWT_GOOD. */
MUST_CHECK enum jwt_verdict jwt_verify(const struct jwt_rules *rules,
                                       const struct jwt_key_set *keys, const char *token,
                                       int64_t now_us, struct jwt_claims *claims);

#endif
