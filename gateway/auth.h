/*
 * auth: who asks. `Authorization: Bearer TOKEN` is a guest's session (shared/token.h), a JWT of the
 * site's identity provider (gateway/identity.h) or, on admin routes, an admin key. What has two
 * dots is taken for a JWT and for nothing else. The functions that take a request answer one that
 * may not go on, and then return false.
 */
#ifndef USHER_GATEWAY_AUTH_H
#define USHER_GATEWAY_AUTH_H

#include "gateway/gateway.h"
#include "gateway/roles.h"

/* Whose token it is, wherever it came from. STATUS_INVALID: it is not good; STATUS_UNAVAILABLE:
 * that can't be known now. */
MUST_CHECK enum status auth_token(struct gateway *gateway, const char *token,
                                  struct session *session);
/* 401; 429 for a user who asks too often; 503 as long as neither installation nor the database's
 * time are known, or the keys of the identity provider whose token it is. */
MUST_CHECK bool auth_user(struct gateway *gateway, struct http_request *request,
                          struct session *session);
/* The same for what makes a booking; 403 for a guest where guests are switched off. */
MUST_CHECK bool auth_booker(struct gateway *gateway, struct http_request *request,
                            struct session *session);
/* Whether `token` is a guest's that is good, whoever sent it and wherever; only after auth_user. */
MUST_CHECK bool auth_guest_token(const struct gateway *gateway, const char *token,
                                 struct session *session);
bool auth_takes_guests(const struct gateway *gateway);
/* 401; 403 for a user, and for an admin whose role may not (gateway/roles.h); 503 as long as the
 * keys are not known. */
MUST_CHECK bool auth_admin(struct gateway *gateway, struct http_request *request,
                           enum admin_act act, struct admin_caller *caller);
/* The same for an admin who is known by now. */
MUST_CHECK bool auth_admin_may(struct http_request *request, enum admin_act act,
                               const struct admin_caller *caller);

#endif
