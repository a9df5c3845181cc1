#include "shared/token.h"

#include "shared/base64url.h"

#include <openssl/crypto.h>

/* Signed with the rest: a token is good for what it was made for only. Never reuse a number. */
enum token_kind { TOKEN_SESSION = 1, TOKEN_QUEUE = 2, TOKEN_PASS = 3 };

enum {
    TOKEN_VERSION = 1,
    ID_BYTES = 16,
    HEAD_BYTES = 1 + 1 + ID_BYTES + ID_BYTES, /* version, kind, installation, user */
    SESSION_BYTES = 1 + 8,                    /* guest, expiry */
    QUEUE_BYTES = 8 + 8 + 4,                  /* event, number, span */
    PASS_BYTES = 8 + 8,                       /* event, number */
    TOKEN_MAX_BYTES = HEAD_BYTES + QUEUE_BYTES + MAC_BYTES,
};

_Static_assert(BASE64URL_LENGTH(TOKEN_MAX_BYTES) + 3 <= (int)TOKEN_TEXT_MAX,
               "the longest token fits");

/* --- signing */

static uint8_t *put_head(uint8_t *at, enum token_kind kind, const struct id128 *installation,
                         const struct id128 *user) {
    *at++ = TOKEN_VERSION;
    *at++ = (uint8_t)kind;
    memcpy(at, installation->bytes, ID_BYTES);
    memcpy(at + ID_BYTES, user->bytes, ID_BYTES);
    return at + ID_BYTES + ID_BYTES;
}

/* The lowest byte first. */
static uint8_t *put_number(uint8_t *at, uint64_t number, size_t size_bytes) {
    for (size_t i = 0; i < size_bytes; i++)
        *at++ = (uint8_t)(number >> 8 * i);
    return at;
}

/* What is signed lies between `data` and `end`; there is room for the MAC behind it. */
static void sign(const struct token_keys *keys, uint8_t *data, uint8_t *end,
                 char text[TOKEN_TEXT_MAX]) {
    ensure(keys->count >= 1 && keys->count <= ARRAY_LEN(keys->keys));
    size_t size_bytes = (size_t)(end - data);
    mac_compute(keys->keys[0], data, size_bytes, end);
    (void)base64url_encode(data, size_bytes + MAC_BYTES, text);
}

void token_sign_session(const struct token_keys *keys, const struct session *session,
                        char text[TOKEN_TEXT_MAX]) {
    uint8_t data[TOKEN_MAX_BYTES];
    uint8_t *at = put_head(data, TOKEN_SESSION, &session->installation, &session->user);
    at = put_number(at, session->guest, 1);
    at = put_number(at, (uint64_t)session->expires_us, 8);
    sign(keys, data, at, text);
}

void token_sign_queue(const struct token_keys *keys, const struct queue_token *token,
                      char text[TOKEN_TEXT_MAX]) {
    uint8_t data[TOKEN_MAX_BYTES];
    uint8_t *at = put_head(data, TOKEN_QUEUE, &token->installation, &token->user);
    at = put_number(at, token->event_id, 8);
    at = put_number(at, token->number, 8);
    at = put_number(at, token->span, 4);
    sign(keys, data, at, text);
}

void token_sign_pass(const struct token_keys *keys, const struct pass_token *token,
                     char text[TOKEN_TEXT_MAX]) {
    uint8_t data[TOKEN_MAX_BYTES];
    uint8_t *at = put_head(data, TOKEN_PASS, &token->installation, &token->user);
    at = put_number(at, token->event_id, 8);
    at = put_number(at, token->number, 8);
    sign(keys, data, at, text);
}

/* --- verifying */

static bool is_signed_by_us(const struct token_keys *keys, const uint8_t *data, size_t size_bytes) {
    ensure(keys->count >= 1 && keys->count <= ARRAY_LEN(keys->keys));
    bool valid = false;
    for (uint32_t i = 0; i < keys->count && !valid; i++) {
        uint8_t code[MAC_BYTES];
        mac_compute(keys->keys[i], data, size_bytes, code);
        valid = CRYPTO_memcmp(code, data + size_bytes, MAC_BYTES) == 0;
    }
    return valid;
}

/* Reads a token of `kind` with `rest_bytes` behind its head, which `data` holds afterwards at
 * HEAD_BYTES. */
static enum status open_token(const struct token_keys *keys, enum token_kind kind,
                              const struct id128 *installation, const char *text, size_t rest_bytes,
                              uint8_t data[TOKEN_MAX_BYTES], struct id128 *user) {
    size_t size_bytes;
    size_t signed_bytes = HEAD_BYTES + rest_bytes;
    if (!base64url_decode(text, strnlen(text, TOKEN_TEXT_MAX), data, TOKEN_MAX_BYTES,
                          &size_bytes) ||
        size_bytes != signed_bytes + MAC_BYTES || !is_signed_by_us(keys, data, signed_bytes))
        return STATUS_INVALID;
    if (data[0] != TOKEN_VERSION || data[1] != kind ||
        memcmp(data + 2, installation->bytes, ID_BYTES) != 0)
        return STATUS_INVALID;
    memcpy(user->bytes, data + 2 + ID_BYTES, ID_BYTES);
    return STATUS_OK;
}

static uint64_t get_number(const uint8_t **at, size_t size_bytes) {
    uint64_t number = 0;
    for (size_t i = 0; i < size_bytes; i++)
        number |= (uint64_t) * (*at)++ << 8 * i;
    return number;
}

enum status token_verify_session(const struct token_keys *keys, const struct id128 *installation,
                                 int64_t now_us, const char *text, struct session *session) {
    uint8_t data[TOKEN_MAX_BYTES];
    struct session read = {.installation = *installation};
    if (open_token(keys, TOKEN_SESSION, installation, text, SESSION_BYTES, data, &read.user) !=
        STATUS_OK)
        return STATUS_INVALID;
    const uint8_t *at = data + HEAD_BYTES;
    read.guest = get_number(&at, 1) != 0;
    read.expires_us = (int64_t)get_number(&at, 8);
    if (read.expires_us <= now_us)
        return STATUS_INVALID;
    *session = read;
    return STATUS_OK;
}

enum status token_verify_queue(const struct token_keys *keys, const struct id128 *installation,
                               const char *text, struct queue_token *token) {
    uint8_t data[TOKEN_MAX_BYTES];
    struct queue_token read = {.installation = *installation};
    if (open_token(keys, TOKEN_QUEUE, installation, text, QUEUE_BYTES, data, &read.user) !=
        STATUS_OK)
        return STATUS_INVALID;
    const uint8_t *at = data + HEAD_BYTES;
    read.event_id = get_number(&at, 8);
    read.number = get_number(&at, 8);
    read.span = (uint32_t)get_number(&at, 4);
    *token = read;
    return STATUS_OK;
}

enum status token_verify_pass(const struct token_keys *keys, const struct id128 *installation,
                              const char *text, struct pass_token *token) {
    uint8_t data[TOKEN_MAX_BYTES];
    struct pass_token read = {.installation = *installation};
    if (open_token(keys, TOKEN_PASS, installation, text, PASS_BYTES, data, &read.user) != STATUS_OK)
        return STATUS_INVALID;
    const uint8_t *at = data + HEAD_BYTES;
    read.event_id = get_number(&at, 8);
    read.number = get_number(&at, 8);
    *token = read;
    return STATUS_OK;
}
