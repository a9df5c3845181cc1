/*
 * provider: an identity provider for tests: makes keys, publishes them, and signs whatever it is
 * told to. Texts that are returned are the caller's, free.
 */
#ifndef USHER_TESTS_SUPPORT_PROVIDER_H
#define USHER_TESTS_SUPPORT_PROVIDER_H

#include "shared/base.h"

#include <openssl/types.h>

struct provider_key {
    const char *algorithm; /* "RS256", "ES256", "EdDSA" */
    const char *id;        /* kid; NULL: none */
    EVP_PKEY *key;
};

/* A fresh key; texts are kept by pointer. */
struct provider_key provider_key_create(const char *algorithm, const char *id);
void provider_key_free(struct provider_key *key);

/* {"keys":[…]}, and one key's PUBLIC KEY. */
char *provider_jwks(const struct provider_key *keys, size_t count);
char *provider_pem(const struct provider_key *key);

/* {"alg":…,"typ":"JWT","kid":…} over the claims. */
char *provider_token(const struct provider_key *key, const char *claims);
/* Any header, any claims, any signature; NULL: none, and no dot in front of it. */
char *provider_sign(const struct provider_key *key, const char *header, const char *claims);
char *provider_join(const char *header, const char *claims, const uint8_t *signature,
                    size_t size_bytes);

#endif
