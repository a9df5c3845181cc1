#include "gateway/auth.h"

#include "gateway/admission.h"
#include "gateway/answers.h"
#include "shared/log.h"

#include <stdio.h>
#include <strings.h>

enum { REFUSAL_SIZE = 160 };

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

enum status auth_token(struct gateway *gateway, const char *token, struct session *session) {
    if (!is_ready(gateway)) {
        return STATUS_UNAVAILABLE;
    }
    if (!looks_like_jwt(token)) {
        return is_guest(gateway, token, session) ? STATUS_OK : STATUS_INVALID;
    }
    enum jwt_verdict verdict =
        gateway->identity != NULL ? verify_jwt(gateway, token, session) : JWT_UNKNOWN_KEY;
    return verdict == JWT_GOOD      ? STATUS_OK
           : verdict == JWT_NO_KEYS ? STATUS_UNAVAILABLE
                                    : STATUS_INVALID;
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

static bool is_known(struct gateway *gateway, struct http_request *request,
                     struct session *session) {
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

bool auth_user(struct gateway *gateway, struct http_request *request, struct session *session) {
    return is_known(gateway, request, session) &&
           admission_take_user(gateway->admission, request, http_request_tag(request),
                               &session->user);
}

bool auth_guest_token(const struct gateway *gateway, const char *token, struct session *session) {
    return is_guest(gateway, token, session) && session->guest;
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

static void refuse_stranger(struct gateway *gateway, struct http_request *request,
                            const char *token) {
    struct session session;
    if (auth_token(gateway, token, &session) == STATUS_OK) {
        answer_refuse(request, PROBLEM_FORBIDDEN, "This takes an admin key.", NULL);
    } else if (!admin_keys_known(gateway->admin_keys)) {
        answer_refuse(request, PROBLEM_BOOKING_UNAVAILABLE,
                      "The admin keys could not be read yet; admin.key works.", NULL);
    } else {
        answer_refuse(request, PROBLEM_UNAUTHENTICATED, "This is no admin key, or it was revoked.",
                      NULL);
    }
}

bool auth_admin_may(struct http_request *request, enum admin_act act,
                    const struct admin_caller *caller) {
    if (role_may(caller->role, act)) {
        return true;
    }
    char detail[REFUSAL_SIZE];
    (void)snprintf(detail, sizeof detail, "The role %s does not allow this: %s%s.",
                   admin_role_text(caller->role), role_act_route(act),
                   act == ADMIN_CHANGE_EVENT ? " of more than state and room" : "");
    log_write(LOG_WARNING, "admin-forbidden", "An admin asked for what the key's role forbids.",
              LOG_TEXT("request", http_request_id(request)),
              LOG_TEXT("role", admin_role_text(caller->role)),
              LOG_TEXT("route", role_act_route(act)));
    answer_refuse(request, PROBLEM_FORBIDDEN, detail, NULL);
    return false;
}

bool auth_admin(struct gateway *gateway, struct http_request *request, enum admin_act act,
                struct admin_caller *caller) {
    const char *token = bearer_token(request);
    if (token == NULL) {
        answer_refuse(request, PROBLEM_UNAUTHENTICATED, "Send an admin key as bearer token.", NULL);
        return false;
    }
    if (!admin_keys_find(gateway->admin_keys, token, caller)) {
        refuse_stranger(gateway, request, token);
        return false;
    }
    return auth_admin_may(request, act, caller);
}
