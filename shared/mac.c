#include "shared/mac.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <stdlib.h>

struct mac {
    EVP_MAC_CTX *context;
};

struct mac *mac_create(const uint8_t key[MAC_KEY_BYTES]) {
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    struct mac *mac = malloc(sizeof *mac);
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, NULL);
    ensure(mac != NULL && hmac != NULL);
    mac->context = EVP_MAC_CTX_new(hmac); /* which keeps it */
    EVP_MAC_free(hmac);
    ensure(mac->context != NULL && EVP_MAC_init(mac->context, key, MAC_KEY_BYTES, parameters) == 1);
    return mac;
}

void mac_destroy(struct mac *mac) {
    if (mac == NULL)
        return;
    EVP_MAC_CTX_free(mac->context);
    free(mac);
}

void mac_compute(struct mac *mac, const void *data, size_t size_bytes, uint8_t code[MAC_BYTES]) {
    size_t code_bytes;
    /* Without a key: the one it has, again. */
    ensure(EVP_MAC_init(mac->context, NULL, 0, NULL) == 1 &&
           EVP_MAC_update(mac->context, data, size_bytes) == 1 &&
           EVP_MAC_final(mac->context, code, &code_bytes, MAC_BYTES) == 1);
    ensure(code_bytes == MAC_BYTES);
}
