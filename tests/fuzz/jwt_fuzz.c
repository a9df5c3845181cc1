/*
 * Hostile bytes for what reads an identity provider's tokens and keys. The first byte says what the
 * rest is:
 *
 *   t  a token as it comes; one that is accepted must be, byte for byte, what our key signs
 *   s  header, line feed, claims: signed with our key here, so that what lies behind the signature
 * is reached as well; accepted claims are read again and must be what the rules demand k  a key
 * file; whatever comes out of it must be able to verify
 */
#include "gateway/jwt_keys.h"
#include "shared/base64url.h"
#include "tests/fuzz/fuzz.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

enum { SIGNATURE_BYTES = 64, ROOM = 1 << 16 };

static const int64_t now_us = 1795455092000000;
static const struct jwt_rules rules = {JWT_EDDSA, "https://login.example/", "tickets"};

/* Always the same key, so that the corpus can have good tokens. */
static EVP_PKEY *make_key(void) {
    static const uint8_t seed[32] = "an identity provider's key, 32 b";
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key_ex(NULL, "ED25519", NULL, seed, sizeof seed);
    ensure(key != NULL);
    return key;
}

static enum jwt_verdict verify(EVP_PKEY *key, const char *token, struct jwt_claims *claims) {
    const struct jwt_key_set keys = {.keys = {{.key = key}}, .count = 1};
    enum jwt_verdict verdict = jwt_verify(&rules, &keys, token, now_us, claims);
    ensure(*jwt_verdict_text(verdict) != '\0');
    return verdict;
}

/* Appends the signature to header and claims. */
static void sign(EVP_PKEY *key, char *token) {
    uint8_t signature[SIGNATURE_BYTES];
    size_t size_bytes = sizeof signature, length = strlen(token);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    ensure(context != NULL && EVP_DigestSignInit(context, NULL, NULL, NULL, key) == 1);
    ensure(EVP_DigestSign(context, signature, &size_bytes, (const uint8_t *)token, length) == 1);
    EVP_MD_CTX_free(context);
    token[length] = '.';
    (void)base64url_encode(signature, size_bytes, token + length + 1);
}

/* Ed25519 signs the same in the same way, so a token that is accepted has one form only. */
static void try_token(const char *token) {
    struct jwt_claims claims;
    EVP_PKEY *key = make_key();
    if (verify(key, token, &claims) == JWT_GOOD) {
        char again[JWT_MAX_BYTES + 128];
        (void)snprintf(again, sizeof again, "%s", token);
        *strrchr(again, '.') = '\0';
        sign(key, again);
        ensure(strcmp(again, token) == 0);
    }
    EVP_PKEY_free(key);
}

static void check_accepted(const char *text, size_t size_bytes, const struct jwt_claims *claims) {
    json_t *object = json_loadb(text, size_bytes, 0, NULL);
    const json_t *audience = json_object_get(object, "aud");
    const char *issuer = json_string_value(json_object_get(object, "iss"));
    const char *subject = json_string_value(json_object_get(object, "sub"));
    ensure(issuer != NULL && strcmp(issuer, rules.issuer) == 0);
    ensure(subject != NULL && *subject != '\0' && strcmp(subject, claims->subject) == 0);
    ensure(json_is_string(audience) ? strcmp(json_string_value(audience), rules.audience) == 0
                                    : json_array_size(audience) > 0);
    double expiry = json_number_value(json_object_get(object, "exp"));
    ensure(expiry > 0 && claims->expires_us > now_us);
    json_decref(object);
}

static void try_signed(const char *text, size_t size_bytes) {
    const char *line_feed = memchr(text, '\n', size_bytes);
    if (line_feed == NULL || size_bytes > JWT_MAX_BYTES) {
        return;
    }
    char token[2 * JWT_MAX_BYTES];
    struct jwt_claims claims;
    size_t header_bytes = (size_t)(line_feed - text);
    size_t claims_bytes = size_bytes - header_bytes - 1;
    char *end = token + strlen(base64url_encode((const uint8_t *)text, header_bytes, token));
    *end = '.';
    (void)base64url_encode((const uint8_t *)line_feed + 1, claims_bytes, end + 1);
    EVP_PKEY *key = make_key();
    sign(key, token);
    enum jwt_verdict verdict = verify(key, token, &claims);
    ensure(verdict != JWT_BAD_SIGNATURE && verdict != JWT_NO_KEYS);
    if (verdict == JWT_GOOD) {
        check_accepted(line_feed + 1, claims_bytes, &claims);
    }
    EVP_PKEY_free(key);
}

static void try_keys(const char *text, size_t size_bytes) {
    static const char token[] =
        "eyJhbGciOiJFZERTQSJ9.e30."
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        "AAAAAAAAAAAAAAAA";
    for (int algorithm = JWT_RS256; algorithm <= JWT_EDDSA; algorithm++) {
        struct jwt_key_set set;
        struct jwt_claims claims;
        const char *problem =
            jwt_key_set_read(&set, (enum jwt_algorithm)algorithm, text, size_bytes);
        ensure((problem == NULL) == (set.count > 0) && set.count <= JWT_KEYS_MAX);
        if (set.count > 0 && algorithm == JWT_EDDSA) {
            ensure(jwt_verify(&rules, &set, token, now_us, &claims) == JWT_BAD_SIGNATURE);
        }
        jwt_key_set_clear(&set);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes) {
    if (size_bytes == 0 || size_bytes > ROOM) {
        return 0;
    }
    /* Of its exact size, so that the sanitizer sees every byte read behind it. */
    char *text = malloc(size_bytes);
    ensure(text != NULL);
    memcpy(text, data + 1, size_bytes - 1);
    text[size_bytes - 1] = '\0';
    if (data[0] == 't') {
        try_token(text);
    } else if (data[0] == 's') {
        try_signed(text, size_bytes - 1);
    } else if (data[0] == 'k') {
        try_keys(text, size_bytes - 1);
    }
    free(text);
    return 0;
}
