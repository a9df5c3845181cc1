#include "gateway/auth.h"

#include "gateway/answers.h"
#include "shared/log.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <strings.h>

enum { HASH_BYTES = 32 };

static const char *bearer_token(const struct http_request *request) {
    const char *header = http_request_header(request, "Authorization");
    if (header == NULL || strncasecmp(header, "Bearer ", 7) != 0) {
        return NULL;
    }
    header += 7;
    return header + strspn(header, " ");
}

static bool is_ready(const struct gateway *gateway) {
    return gateway->installation.known && database_clock_known(reads_clock(gateway->reads));
}

static bool is_guest(const struct gateway *gateway, const char *token, struct session *session) {
    int64_t now_us = database_clock_now_us(reads_clock(gateway->reads));
    return token_verify_session(&gateway->installation.session_keys, &gateway->installation.id,
                                now_us, token, session) == STATUS_OK;
}

static bool looks_like_jwt(const char *token) {
    const char *first = strchr(token, '.');
    const char *second = first != NULL ? strchr(first + 1, '.') : NULL;
    return second != NULL && strchr(second + 1, '.') == NULL;
}

static enum jwt_verdict verify_jwt(struct gateway *gateway, const char *token,
                                   struct session *session) {
    session->installation = gateway->installation.id;
    return identity_verify(gateway->identity, token,
                           database_clock_now_us(reads_clock(gateway->reads)), session);
}

static bool auth_jwt(struct gateway *gateway, struct http_request *request, const char *token,
                     struct session *session) {
    if (gateway->identity == NULL) {
        answer_refuse(request, PROBLEM_UNAUTHENTICATED,
                      "No identity provider's tokens are taken here.", NULL);
        return false;
    }
    enum jwt_verdict verdict = verify_jwt(gateway, token, session);
    if (verdict != JWT_GOOD) {
        answer_refuse(
            request, verdict == JWT_NO_KEYS ? PROBLEM_BOOKING_UNAVAILABLE : PROBLEM_UNAUTHENTICATED,
            jwt_verdict_text(verdict), NULL);
    }
    return verdict == JWT_GOOD;
}

bool auth_user(struct gateway *gateway, struct http_request *request, struct session *session) {
    const char *token = bearer_token(request);
    if (token == NULL) {
        answer_refuse(request, PROBLEM_UNAUTHENTICATED,
                      "Send `Authorization: Bearer TOKEN`; POST /sessions makes a token.", NULL);
        return false;
    }
    if (!is_ready(gateway)) {
        answer_refuse(request, PROBLEM_BOOKING_UNAVAILABLE, NULL, NULL);
        return false;
    }
    if (looks_like_jwt(token)) {
        return auth_jwt(gateway, request, token, session);
    }
    if (!is_guest(gateway, token, session)) {
        answer_refuse(request, PROBLEM_UNAUTHENTICATED,
                      "The token is not one of this installation, or has expired.", NULL);
        return false;
    }
    return true;
}

bool auth_takes_guests(const struct gateway *gateway) {
    return strcmp(gateway->config.guests, "on") == 0;
}

bool auth_booker(struct gateway *gateway, struct http_request *request, struct session *session) {
    if (!auth_user(gateway, request, session)) {
        return false;
    }
    if (session->guest && !auth_takes_guests(gateway)) {
        answer_refuse(request, PROBLEM_GUESTS_NOT_ALLOWED, "Log in to book.", NULL);
        return false;
    }
    return true;
}

static bool is_user(struct gateway *gateway, const char *token) {
    struct session session;
    return looks_like_jwt(token)
               ? gateway->identity != NULL && verify_jwt(gateway, token, &session) == JWT_GOOD
               : is_guest(gateway, token, &session);
}

/* Of equal length whatever was sent, so that comparing tells nothing of the key. */
static bool is_admin_key(const char *key, const char *token) {
    uint8_t hashes[2][HASH_BYTES];
    ensure(EVP_Digest(key, strlen(key), hashes[0], NULL, EVP_sha256(), NULL) == 1);
    ensure(EVP_Digest(token, strlen(token), hashes[1], NULL, EVP_sha256(), NULL) == 1);
    return CRYPTO_memcmp(hashes[0], hashes[1], HASH_BYTES) == 0;
}

bool auth_admin(struct gateway *gateway, struct http_request *request) {
    const char *token = bearer_token(request);
    if (token == NULL) {
        answer_refuse(request, PROBLEM_UNAUTHENTICATED, "Send the admin key as bearer token.",
                      NULL);
        return false;
    }
    if (gateway->admin_key[0] != '\0' && is_admin_key(gateway->admin_key, token)) {
        return true;
    }
    if (is_ready(gateway) && is_user(gateway, token)) {
        answer_refuse(request, PROBLEM_FORBIDDEN, "This takes the admin key.", NULL);
    } else {
        answer_refuse(request, PROBLEM_UNAUTHENTICATED, "This is not the admin key.", NULL);
    }
    return false;
}

void auth_read_admin_key(struct gateway *gateway) {
    char path[CONFIG_TEXT_SIZE + 16];
    (void)snprintf(path, sizeof path, "%s/admin.key", gateway->config.home);
    FILE *file = fopen(path, "re");
    size_t size = 0;
    if (file != NULL) {
        size = fread(gateway->admin_key, 1, ADMIN_KEY_MAX_BYTES, file);
        (void)fclose(file);
    }
    gateway->admin_key[size] = '\0';
    gateway->admin_key[strcspn(gateway->admin_key, "\r\n")] = '\0';
    if (gateway->admin_key[0] == '\0') {
        log_write(LOG_WARNING, "admin-key-missing",
                  "There is no admin key, so the admin routes are closed.", LOG_TEXT("path", path));
    }
}
