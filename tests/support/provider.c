#include "tests/support/provider.h"

#include "shared/base64url.h"

#include <jansson.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>

enum { SIGNATURE_MAX_BYTES = 1024, COORDINATE_BYTES = 32, NUMBER_MAX_BYTES = 1024 };

struct provider_key provider_key_create(const char *algorithm, const char *id) {
    EVP_PKEY *key = strcmp(algorithm, "RS256") == 0   ? EVP_RSA_gen(2048)
                    : strcmp(algorithm, "ES256") == 0 ? EVP_EC_gen("P-256")
                                                      : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    ensure(key != NULL);
    return (struct provider_key){algorithm, id, key};
}

void provider_key_free(struct provider_key *key) {
    EVP_PKEY_free(key->key);
    key->key = NULL;
}

/* --- publishing */

static void put_bytes(json_t *jwk, const char *name, const uint8_t *bytes, size_t size_bytes) {
    char text[BASE64URL_LENGTH(NUMBER_MAX_BYTES) + 3];
    ensure(size_bytes <= NUMBER_MAX_BYTES);
    ensure(json_object_set_new(jwk, name, json_string(base64url_encode(bytes, size_bytes, text))) ==
           0);
}

/* In as few bytes as it has, at least `min_bytes`. */
static void put_number(json_t *jwk, const char *name, const EVP_PKEY *key, const char *parameter,
                       int min_bytes) {
    uint8_t bytes[NUMBER_MAX_BYTES];
    BIGNUM *number = NULL;
    ensure(EVP_PKEY_get_bn_param(key, parameter, &number) == 1);
    int size_bytes = BN_num_bytes(number) > min_bytes ? BN_num_bytes(number) : min_bytes;
    ensure(size_bytes <= NUMBER_MAX_BYTES);
    ensure(BN_bn2binpad(number, bytes, size_bytes) == size_bytes);
    put_bytes(jwk, name, bytes, (size_t)size_bytes);
    BN_free(number);
}

static json_t *jwk_of(const struct provider_key *key) {
    json_t *jwk = json_object();
    if (EVP_PKEY_is_a(key->key, "RSA")) {
        ensure(json_object_set_new(jwk, "kty", json_string("RSA")) == 0);
        put_number(jwk, "n", key->key, OSSL_PKEY_PARAM_RSA_N, 1);
        put_number(jwk, "e", key->key, OSSL_PKEY_PARAM_RSA_E, 1);
    } else if (EVP_PKEY_is_a(key->key, "EC")) {
        ensure(json_object_set_new(jwk, "kty", json_string("EC")) == 0);
        ensure(json_object_set_new(jwk, "crv", json_string("P-256")) == 0);
        put_number(jwk, "x", key->key, OSSL_PKEY_PARAM_EC_PUB_X, COORDINATE_BYTES);
        put_number(jwk, "y", key->key, OSSL_PKEY_PARAM_EC_PUB_Y, COORDINATE_BYTES);
    } else {
        uint8_t bytes[COORDINATE_BYTES];
        size_t size_bytes = sizeof bytes;
        ensure(EVP_PKEY_get_raw_public_key(key->key, bytes, &size_bytes) == 1);
        ensure(json_object_set_new(jwk, "kty", json_string("OKP")) == 0);
        ensure(json_object_set_new(jwk, "crv", json_string("Ed25519")) == 0);
        put_bytes(jwk, "x", bytes, size_bytes);
    }
    ensure(json_object_set_new(jwk, "use", json_string("sig")) == 0);
    ensure(json_object_set_new(jwk, "alg", json_string(key->algorithm)) == 0);
    if (key->id != NULL) {
        ensure(json_object_set_new(jwk, "kid", json_string(key->id)) == 0);
    }
    return jwk;
}

char *provider_jwks(const struct provider_key *keys, size_t count) {
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        ensure(json_array_append_new(list, jwk_of(&keys[i])) == 0);
    }
    json_t *set = json_pack("{s:o}", "keys", list);
    char *text = json_dumps(set, JSON_COMPACT);
    ensure(text != NULL);
    json_decref(set);
    return text;
}

char *provider_pem(const struct provider_key *key) {
    BIO *file = BIO_new(BIO_s_mem());
    ensure(file != NULL && PEM_write_bio_PUBKEY(file, key->key) == 1);
    char *data;
    long size_bytes = BIO_get_mem_data(file, &data);
    char *text = strndup(data, (size_t)size_bytes);
    ensure(text != NULL);
    BIO_free(file);
    return text;
}

/* --- signing */

/* Without signature there is no second dot either: what is signed. */
char *provider_join(const char *header, const char *claims, const uint8_t *signature,
                    size_t size_bytes) {
    char *text = malloc(BASE64URL_LENGTH(strlen(header)) + BASE64URL_LENGTH(strlen(claims)) +
                        BASE64URL_LENGTH(size_bytes) + 2 + 3);
    ensure(text != NULL);
    (void)base64url_encode((const uint8_t *)header, strlen(header), text);
    char *at = text + strlen(text);
    *at++ = '.';
    at += strlen(base64url_encode((const uint8_t *)claims, strlen(claims), at));
    if (signature != NULL) {
        *at++ = '.';
        (void)base64url_encode(signature, size_bytes, at);
    }
    return text;
}

/* r and s as they are (RFC 7518, 3.4). */
static size_t raw_of_der(uint8_t *signature, size_t size_bytes) {
    const uint8_t *at = signature;
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)size_bytes);
    ensure(pair != NULL);
    ensure(BN_bn2binpad(ECDSA_SIG_get0_r(pair), signature, COORDINATE_BYTES) > 0);
    ensure(BN_bn2binpad(ECDSA_SIG_get0_s(pair), signature + COORDINATE_BYTES, COORDINATE_BYTES) >
           0);
    ECDSA_SIG_free(pair);
    return (size_t)2 * COORDINATE_BYTES;
}

char *provider_sign(const struct provider_key *key, const char *header, const char *claims) {
    char *text = provider_join(header, claims, NULL, 0);
    uint8_t signature[SIGNATURE_MAX_BYTES];
    size_t size_bytes = sizeof signature;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    const EVP_MD *hash = EVP_PKEY_is_a(key->key, "ED25519") ? NULL : EVP_sha256();
    ensure(context != NULL && EVP_DigestSignInit(context, NULL, hash, NULL, key->key) == 1);
    ensure(EVP_DigestSign(context, signature, &size_bytes, (const uint8_t *)text, strlen(text)) ==
           1);
    EVP_MD_CTX_free(context);
    free(text);
    if (EVP_PKEY_is_a(key->key, "EC")) {
        size_bytes = raw_of_der(signature, size_bytes);
    }
    return provider_join(header, claims, signature, size_bytes);
}

char *provider_token(const struct provider_key *key, const char *claims) {
    char header[512];
    int length =
        key->id != NULL
            ? snprintf(header, sizeof header, "{\"alg\":\"%s\",\"typ\":\"JWT\",\"kid\":\"%s\"}",
                       key->algorithm, key->id)
            : snprintf(header, sizeof header, "{\"alg\":\"%s\",\"typ\":\"JWT\"}", key->algorithm);
    ensure(length > 0 && (size_t)length < sizeof header);
    return provider_sign(key, header, claims);
}
