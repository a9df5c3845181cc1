/*
 * auth: who asks. `Authorization: Bearer TOKEN` is a guest's session (shared/token.h) or, on admin
 * routes, the admin key. Both functions answer a request that may not go on, and then return false.
 */
#ifndef USHER_GATEWAY_AUTH_H
#define USHER_GATEWAY_AUTH_H

#include "gateway/gateway.h"

/* 401; 503 as long as neither installation nor the database's time are known. */
MUST_CHECK bool auth_user(struct gateway *gateway, struct http_request *request,
                          struct session *session);
/* 401; 403 for a user. */
MUST_CHECK bool auth_admin(struct gateway *gateway, struct http_request *request);
/* Reads USHER_HOME/admin.key: one line. Without one, logged, admin routes are closed. */
void auth_read_admin_key(struct gateway *gateway);

#endif
