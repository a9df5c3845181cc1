#include "gateway/identity.h"

#include "gateway/jwt_keys.h"
#include "shared/ids.h"

#include <openssl/evp.h>
#include <stdlib.h>

enum { HASH_BYTES = 32 };

/* A token that was good. All zero: none. */
struct remembered {
    uint8_t hash[HASH_BYTES];
    struct id128 user;
    int64_t expires_us;
};

struct identity {
    struct jwt_rules rules;
    struct jwt_keys *keys;
    struct remembered *remembered; /* IDENTITY_REMEMBERED_MAX */
    struct identity_counts counts;
};

struct identity *identity_create(const struct config *config, int64_t now_us) {
    struct identity *identity = calloc(1, sizeof *identity);
    if (identity == NULL) {
        return NULL;
    }
    identity->rules.issuer = config->jwt_issuer;
    identity->rules.audience = config->jwt_audience;
    ensure(jwt_algorithm_from_text(config->jwt_algorithm, &identity->rules.algorithm));
    identity->keys = jwt_keys_create(identity->rules.algorithm, config->jwt_keys, now_us);
    identity->remembered = calloc(IDENTITY_REMEMBERED_MAX, sizeof identity->remembered[0]);
    if (identity->keys == NULL || identity->remembered == NULL) {
        identity_destroy(identity);
        return NULL;
    }
    return identity;
}

void identity_destroy(struct identity *identity) {
    if (identity != NULL) {
        jwt_keys_destroy(identity->keys);
        free(identity->remembered);
        free(identity);
    }
}

void identity_tick(struct identity *identity, int64_t now_us) {
    if (identity != NULL && jwt_keys_refresh(identity->keys, now_us)) {
        memset(identity->remembered, 0, IDENTITY_REMEMBERED_MAX * sizeof identity->remembered[0]);
    }
}

static struct remembered *place_of(struct identity *identity, const uint8_t hash[HASH_BYTES]) {
    uint32_t number;
    memcpy(&number, hash, sizeof number);
    return &identity->remembered[number % IDENTITY_REMEMBERED_MAX];
}

enum jwt_verdict identity_verify(struct identity *identity, const char *token, int64_t now_us,
                                 struct session *session) {
    uint8_t hash[HASH_BYTES];
    size_t length = strnlen(token, JWT_MAX_BYTES + 1);
    if (length > JWT_MAX_BYTES) {
        identity->counts.refused++;
        return JWT_TOO_LONG;
    }
    ensure(EVP_Digest(token, length, hash, NULL, EVP_sha256(), NULL) == 1);
    struct remembered *place = place_of(identity, hash);
    bool is_known = memcmp(place->hash, hash, HASH_BYTES) == 0 && now_us < place->expires_us;
    if (is_known) {
        identity->counts.remembered++;
    } else {
        struct jwt_claims claims;
        enum jwt_verdict verdict =
            jwt_verify(&identity->rules, jwt_keys_current(identity->keys), token, now_us, &claims);
        if (verdict != JWT_GOOD) {
            identity->counts.refused++;
            return verdict;
        }
        identity->counts.verified++;
        memcpy(place->hash, hash, HASH_BYTES);
        place->user = user_id_derive(identity->rules.issuer, claims.subject);
        place->expires_us = claims.expires_us;
    }
    session->user = place->user;
    session->guest = false;
    session->expires_us = place->expires_us;
    return JWT_GOOD;
}

struct identity_counts identity_counts(const struct identity *identity) {
    return identity->counts;
}
