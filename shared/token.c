#include "shared/token.h"

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
    SESSION_TEXT_BYTES = SIGNED_SESSION_BYTES / 3 * 4,
};

/* Without a last, incomplete group base64 has neither padding nor loose bits: a token has one
 * spelling. */
_Static_assert(SIGNED_SESSION_BYTES % 3 == 0, "a session is whole groups of base64");
_Static_assert((int)SESSION_TEXT_BYTES < (int)TOKEN_TEXT_MAX, "a session's token fits");

static void compute_mac(const uint8_t key[TOKEN_KEY_BYTES], const uint8_t *data, size_t size_bytes,
                        uint8_t mac[MAC_BYTES]) {
    unsigned length = 0;
    ensure(HMAC(EVP_sha256(), key, TOKEN_KEY_BYTES, data, size_bytes, mac, &length) != NULL);
    ensure(length == MAC_BYTES);
}

static void encode_base64url(const uint8_t *data, int size_bytes, char *text) {
    int length = EVP_EncodeBlock((unsigned char *)text, data, size_bytes);
    for (int i = 0; i < length; i++)
        text[i] = (char)(text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i]);
}

/* Exactly SESSION_TEXT_BYTES characters of the alphabet. */
static bool decode_base64url(const char *text, uint8_t data[SIGNED_SESSION_BYTES]) {
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    if (strnlen(text, SESSION_TEXT_BYTES + 1) != SESSION_TEXT_BYTES ||
        strspn(text, alphabet) != SESSION_TEXT_BYTES)
        return false;
    unsigned char standard[SESSION_TEXT_BYTES];
    for (int i = 0; i < SESSION_TEXT_BYTES; i++)
        standard[i] = (unsigned char)(text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i]);
    return EVP_DecodeBlock(data, standard, SESSION_TEXT_BYTES) == SIGNED_SESSION_BYTES;
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
    encode_base64url(data, sizeof data, text);
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
    if (!decode_base64url(text, data) || !is_signed_by_us(keys, data))
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
