#include "shared/token.h"

#include "shared/base64url.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

enum {
    TOKEN_VERSION = 1,
    TOKEN_KIND_SESSION = 1,
    MAC_BYTES = 32,
    ID_BYTES = 16,
    /* version, kind, installation, user, guest, expiry */
    SESSION_BYTES = 1 + 1 + ID_BYTES + ID_BYTES + 1 + 8,
    SIGNED_SESSION_BYTES = SESSION_BYTES + MAC_BYTES,
};

_Static_assert(BASE64URL_LENGTH(SIGNED_SESSION_BYTES) + 3 <= (int)TOKEN_TEXT_MAX,
               "a session's token fits");

static void compute_mac(const uint8_t key[TOKEN_KEY_BYTES], const uint8_t *data, size_t size_bytes,
                        uint8_t mac[MAC_BYTES]) {
    unsigned length = 0;
    ensure(HMAC(EVP_sha256(), key, TOKEN_KEY_BYTES, data, size_bytes, mac, &length) != NULL);
    ensure(length == MAC_BYTES);
}

void token_sign_session(const struct token_keys *keys, const struct session *session,
                        char text[TOKEN_TEXT_MAX]) {
    ensure(keys->count >= 1 && keys->count <= ARRAY_LEN(keys->keys));
    uint8_t data[SIGNED_SESSION_BYTES];
    uint8_t *at = data;
    *at++ = TOKEN_VERSION;
    *at++ = TOKEN_KIND_SESSION;
    memcpy(at, session->installation.bytes, ID_BYTES);
    at += ID_BYTES;
    memcpy(at, session->user.bytes, ID_BYTES);
    at += ID_BYTES;
    *at++ = session->guest;
    for (unsigned shift = 0; shift < 64; shift += 8)
        *at++ = (uint8_t)((uint64_t)session->expires_us >> shift);
    compute_mac(keys->keys[0], data, SESSION_BYTES, at);
    (void)base64url_encode(data, sizeof data, text);
}

static bool is_signed_by_us(const struct token_keys *keys,
                            const uint8_t data[SIGNED_SESSION_BYTES]) {
    ensure(keys->count >= 1 && keys->count <= ARRAY_LEN(keys->keys));
    bool valid = false;
    for (uint32_t i = 0; i < keys->count; i++) {
        uint8_t mac[MAC_BYTES];
        compute_mac(keys->keys[i], data, SESSION_BYTES, mac);
        valid |= CRYPTO_memcmp(mac, data + SESSION_BYTES, MAC_BYTES) == 0;
    }
    return valid;
}

enum status token_verify_session(const struct token_keys *keys, const struct id128 *installation,
                                 int64_t now_us, const char *text, struct session *session) {
    uint8_t data[SIGNED_SESSION_BYTES];
    size_t size_bytes;
    if (!base64url_decode(text, strnlen(text, TOKEN_TEXT_MAX), data, sizeof data, &size_bytes) ||
        size_bytes != sizeof data || !is_signed_by_us(keys, data))
        return STATUS_INVALID;
    const uint8_t *at = data;
    if (*at++ != TOKEN_VERSION || *at++ != TOKEN_KIND_SESSION)
        return STATUS_INVALID;
    struct session read;
    memcpy(read.installation.bytes, at, ID_BYTES);
    at += ID_BYTES;
    memcpy(read.user.bytes, at, ID_BYTES);
    at += ID_BYTES;
    read.guest = *at++ != 0;
    uint64_t expires_us = 0;
    for (unsigned shift = 0; shift < 64; shift += 8)
        expires_us |= (uint64_t)*at++ << shift;
    read.expires_us = (int64_t)expires_us;
    if (!id128_equal(&read.installation, installation) || read.expires_us <= now_us)
        return STATUS_INVALID;
    *session = read;
    return STATUS_OK;
}
