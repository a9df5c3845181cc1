/*
 * auth: who asks. `Authorization: Bearer TOKEN` is a guest's session (shared/token.h), a JWT of the
 * site's identity provider (gateway/identity.h) or, on admin routes, the admin key. What has two
 * dots is taken for a JWT and for nothing else. The functions that take a request answer one that
 * may not go on, and then return false.
 */
#ifndef USHER_GATEWAY_AUTH_H
#define USHER_GATEWAY_AUTH_H

#include "gateway/gateway.h"

/* 401; 503 as long as neither installation nor the database's time are known, or the keys of the
 * identity provider whose token it is. */
MUST_CHECK bool auth_user(struct gateway *gateway, struct http_request *request,
                          struct session *session);
/* The same for what makes a booking; 403 for a guest where guests are switched off. */
MUST_CHECK bool auth_booker(struct gateway *gateway, struct http_request *request,
                            struct session *session);
bool auth_takes_guests(const struct gateway *gateway);
/* 401; 403 for a user. */
MUST_CHECK bool auth_admin(struct gateway *gateway, struct http_request *request);
/* Reads USHER_HOME/admin.key: one line. Without one, logged, admin routes are closed. */
void auth_read_admin_key(struct gateway *gateway);

#endif
