#include "gateway/jwt.h"

#include "shared/base64url.h"

#include <jansson.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>

enum {
    HEADER_MAX_BYTES = 1024,
    CLAIMS_MAX_BYTES = JWT_MAX_BYTES / 4 * 3,
    SIGNATURE_MAX_BYTES = 1024, /* of the largest RSA key that is taken */
    COORDINATE_BYTES = 32,      /* of P-256: half of a raw signature */
    RAW_SIGNATURE_BYTES = 2 * COORDINATE_BYTES,
    DER_SIGNATURE_MAX_BYTES = 72,
};

/* The last second of the year 9999: the latest that RFC 3339 can write. */
static const int64_t last_second = 253402300799;

static const char *const algorithms[] = {
    [JWT_RS256] = "RS256", [JWT_ES256] = "ES256", [JWT_EDDSA] = "EdDSA"};

static const char *const verdicts[] = {
    [JWT_GOOD] = "The token is good.",
    [JWT_NO_KEYS] = "The identity provider's keys are not known yet.",
    [JWT_TOO_LONG] = "The token is longer than 8 KB.",
    [JWT_MALFORMED] = "The token is not a JWT in compact serialization.",
    [JWT_OTHER_ALGORITHM] = "The token is signed with another algorithm than the one taken here.",
    [JWT_CRITICAL_HEADER] = "The token demands an extension (`crit`), and none is known here.",
    [JWT_UNKNOWN_KEY] = "The token's `kid` is none of the identity provider's keys.",
    [JWT_BAD_SIGNATURE] = "The token's signature is not the identity provider's.",
    [JWT_BAD_CLAIM] = "The token needs `iss`, `sub`, `aud` and `exp`, each of its type.",
    [JWT_OTHER_ISSUER] = "The token is of another issuer (`iss`).",
    [JWT_OTHER_AUDIENCE] = "The token is for another audience (`aud`).",
    [JWT_EXPIRED] = "The token has expired (`exp`).",
    [JWT_NOT_YET] = "The token is not valid yet (`nbf`).",
};

_Static_assert(ARRAY_LEN(verdicts) == JWT_VERDICT_COUNT, "a sentence for every verdict");

bool jwt_algorithm_from_text(const char *text, enum jwt_algorithm *algorithm) {
    for (size_t i = 0; i < ARRAY_LEN(algorithms); i++) {
        if (strcmp(algorithms[i], text) == 0) {
            *algorithm = (enum jwt_algorithm)i;
            return true;
        }
    }
    return false;
}

const char *jwt_algorithm_text(enum jwt_algorithm algorithm) {
    return algorithms[algorithm];
}

const char *jwt_verdict_text(enum jwt_verdict verdict) {
    return verdicts[verdict];
}

/* --- the three parts */

struct part {
    const char *text;
    size_t length;
};

struct token_parts {
    struct part header, claims, signature;
    struct part signed_text; /* header and claims with the dot between them */
};

static bool split(const char *token, size_t length, struct token_parts *parts) {
    const char *first = memchr(token, '.', length);
    const char *second = first == NULL ? NULL : strchr(first + 1, '.');
    if (second == NULL || strchr(second + 1, '.') != NULL) {
        return false;
    }
    const char *end = token + length;
    *parts = (struct token_parts){
        .header = {token, (size_t)(first - token)},
        .claims = {first + 1, (size_t)(second - first - 1)},
        .signature = {second + 1, (size_t)(end - second - 1)},
        .signed_text = {token, (size_t)(second - token)},
    };
    return true;
}

/* NULL: not base64url, or not a JSON object. */
static json_t *read_object(const struct part *part, size_t max_bytes) {
    uint8_t bytes[CLAIMS_MAX_BYTES];
    size_t size_bytes;
    if (!base64url_decode(part->text, part->length, bytes, max_bytes, &size_bytes)) {
        return NULL;
    }
    json_t *value = json_loadb((const char *)bytes, size_bytes, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(value)) {
        json_decref(value);
        return NULL;
    }
    return value;
}

static bool is_text(const json_t *value, const char *text) {
    return json_is_string(value) && strcmp(json_string_value(value), text) == 0;
}

/* --- header */

static enum jwt_verdict read_header(const struct part *part, enum jwt_algorithm algorithm,
                                    char key_id[JWT_KEY_ID_MAX_BYTES + 1]) {
    json_t *header = read_object(part, HEADER_MAX_BYTES);
    const json_t *id = json_object_get(header, "kid");
    enum jwt_verdict verdict = JWT_GOOD;
    key_id[0] = '\0';
    if (header == NULL) {
        verdict = JWT_MALFORMED;
    } else if (!is_text(json_object_get(header, "alg"), algorithms[algorithm])) {
        verdict = JWT_OTHER_ALGORITHM;
    } else if (json_object_get(header, "crit") != NULL) {
        verdict = JWT_CRITICAL_HEADER;
    } else if (id != NULL && (!json_is_string(id) || json_string_length(id) < 1 ||
                              json_string_length(id) > JWT_KEY_ID_MAX_BYTES)) {
        verdict = JWT_MALFORMED;
    } else if (id != NULL) {
        memcpy(key_id, json_string_value(id), json_string_length(id) + 1);
    }
    json_decref(header);
    return verdict;
}

/* --- signature */

/* ES256 signatures are r and s as they are (RFC 7518, 3.4); OpenSSL takes them as DER. 0: no
 * memory. */
static size_t der_of_raw(const uint8_t raw[RAW_SIGNATURE_BYTES],
                         uint8_t der[DER_SIGNATURE_MAX_BYTES]) {
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(raw, COORDINATE_BYTES, NULL);
    BIGNUM *s = BN_bin2bn(raw + COORDINATE_BYTES, COORDINATE_BYTES, NULL);
    int size_bytes = 0;
    if (pair != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(pair, r, s) == 1) {
        r = NULL; /* both are the pair's now */
        s = NULL;
        ensure(i2d_ECDSA_SIG(pair, NULL) <= DER_SIGNATURE_MAX_BYTES);
        size_bytes = i2d_ECDSA_SIG(pair, &der);
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(pair);
    return size_bytes > 0 ? (size_t)size_bytes : 0;
}

/* The signature in the form that OpenSSL takes; false: it can't be one of this algorithm. */
static bool read_signature(const struct part *part, enum jwt_algorithm algorithm,
                           uint8_t signature[SIGNATURE_MAX_BYTES], size_t *size_bytes) {
    if (!base64url_decode(part->text, part->length, signature, SIGNATURE_MAX_BYTES, size_bytes)) {
        return false;
    }
    if (algorithm == JWT_RS256) {
        return *size_bytes > 0;
    }
    if (*size_bytes != RAW_SIGNATURE_BYTES) {
        return false;
    }
    if (algorithm == JWT_ES256) {
        uint8_t raw[RAW_SIGNATURE_BYTES];
        memcpy(raw, signature, sizeof raw);
        *size_bytes = der_of_raw(raw, signature);
    }
    return *size_bytes > 0;
}

static bool is_signed_by(EVP_PKEY *key, enum jwt_algorithm algorithm, const struct part *text,
                         const uint8_t *signature, size_t size_bytes) {
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    const EVP_MD *hash = algorithm == JWT_EDDSA ? NULL : EVP_sha256(); /* Ed25519 has its own */
    bool good = context != NULL && EVP_DigestVerifyInit(context, NULL, hash, NULL, key) == 1 &&
                EVP_DigestVerify(context, signature, size_bytes, (const unsigned char *)text->text,
                                 text->length) == 1;
    EVP_MD_CTX_free(context);
    return good;
}

static enum jwt_verdict check_signature(const struct token_parts *parts,
                                        enum jwt_algorithm algorithm,
                                        const struct jwt_key_set *keys, const char *key_id) {
    uint8_t signature[SIGNATURE_MAX_BYTES];
    size_t size_bytes;
    enum jwt_verdict verdict = JWT_UNKNOWN_KEY;
    if (!read_signature(&parts->signature, algorithm, signature, &size_bytes)) {
        verdict = JWT_BAD_SIGNATURE;
    } else {
        for (size_t i = 0; i < keys->count && verdict != JWT_GOOD; i++) {
            const struct jwt_key *key = &keys->keys[i];
            if (*key_id == '\0' || *key->id == '\0' || strcmp(key->id, key_id) == 0) {
                verdict =
                    is_signed_by(key->key, algorithm, &parts->signed_text, signature, size_bytes)
                        ? JWT_GOOD
                        : JWT_BAD_SIGNATURE;
            }
        }
    }
    ERR_clear_error(); /* what OpenSSL thought of it concerns nobody */
    return verdict;
}

/* --- claims */

/* A NumericDate (RFC 7519, 2): seconds, maybe with a fraction. */
static bool read_time(const json_t *value, int64_t *unix_us) {
    if (json_is_integer(value)) {
        int64_t seconds = json_integer_value(value);
        *unix_us = seconds >= 0 && seconds <= last_second ? seconds * 1000000 : -1;
    } else if (json_is_real(value)) {
        double seconds = json_real_value(value);
        *unix_us = seconds >= 0 && seconds <= (double)last_second ? (int64_t)(seconds * 1e6) : -1;
    } else {
        *unix_us = -1;
    }
    return *unix_us >= 0;
}

static enum jwt_verdict check_audience(const json_t *audience, const char *wanted) {
    if (json_is_string(audience)) {
        return is_text(audience, wanted) ? JWT_GOOD : JWT_OTHER_AUDIENCE;
    }
    if (!json_is_array(audience)) {
        return JWT_BAD_CLAIM;
    }
    enum jwt_verdict verdict = JWT_OTHER_AUDIENCE;
    for (size_t i = 0; i < json_array_size(audience); i++) {
        const json_t *one = json_array_get(audience, i);
        if (!json_is_string(one)) {
            return JWT_BAD_CLAIM;
        }
        if (is_text(one, wanted)) {
            verdict = JWT_GOOD;
        }
    }
    return verdict;
}

static enum jwt_verdict check_times(const json_t *object, int64_t now_us, int64_t *expires_us) {
    const int64_t skew_us = (int64_t)JWT_SKEW_SECONDS * 1000000;
    const json_t *not_before = json_object_get(object, "nbf");
    int64_t begins_us = 0;
    if (!read_time(json_object_get(object, "exp"), expires_us) ||
        (not_before != NULL && !read_time(not_before, &begins_us))) {
        return JWT_BAD_CLAIM;
    }
    *expires_us += skew_us;
    if (now_us >= *expires_us) {
        return JWT_EXPIRED;
    }
    return now_us < begins_us - skew_us ? JWT_NOT_YET : JWT_GOOD;
}

static enum jwt_verdict check_claims(const json_t *object, const struct jwt_rules *rules,
                                     int64_t now_us, struct jwt_claims *claims) {
    const json_t *issuer = json_object_get(object, "iss");
    const json_t *subject = json_object_get(object, "sub");
    int64_t expires_us;
    if (!json_is_string(issuer) || !json_is_string(subject) || json_string_length(subject) < 1 ||
        json_string_length(subject) > JWT_SUBJECT_MAX_BYTES) {
        return JWT_BAD_CLAIM;
    }
    if (!is_text(issuer, rules->issuer)) {
        return JWT_OTHER_ISSUER;
    }
    enum jwt_verdict verdict = check_audience(json_object_get(object, "aud"), rules->audience);
    if (verdict == JWT_GOOD) {
        verdict = check_times(object, now_us, &expires_us);
    }
    if (verdict == JWT_GOOD) {
        memcpy(claims->subject, json_string_value(subject), json_string_length(subject) + 1);
        claims->expires_us = expires_us;
    }
    return verdict;
}

enum jwt_verdict jwt_verify(const struct jwt_rules *rules, const struct jwt_key_set *keys,
                            const char *token, int64_t now_us, struct jwt_claims *claims) {
    struct token_parts parts;
    char key_id[JWT_KEY_ID_MAX_BYTES + 1];
    size_t length = strnlen(token, JWT_MAX_BYTES + 1);
    if (keys->count == 0) {
        return JWT_NO_KEYS;
    }
    if (length > JWT_MAX_BYTES) {
        return JWT_TOO_LONG;
    }
    if (!split(token, length, &parts)) {
        return JWT_MALFORMED;
    }
    enum jwt_verdict verdict = read_header(&parts.header, rules->algorithm, key_id);
    if (verdict == JWT_GOOD) {
        verdict = check_signature(&parts, rules->algorithm, keys, key_id);
    }
    if (verdict != JWT_GOOD) {
        return verdict;
    }
    json_t *object = read_object(&parts.claims, CLAIMS_MAX_BYTES);
    verdict = object == NULL ? JWT_MALFORMED : check_claims(object, rules, now_us, claims);
    json_decref(object);
    return verdict;
}
