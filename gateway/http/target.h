/*
 * target: the request target (RFC 9112, 3.2) and percent-encoding (RFC 3986, 2.1). Pure; works in
 * place, since decoding never makes a text longer.
 *
 * Decoded texts are UTF-8 without NUL. In a path an encoded slash (%2F) is refused: decoded it
 * would move the borders of segments, kept it would be a second spelling of the same path.
 */
#ifndef USHER_GATEWAY_HTTP_TARGET_H
#define USHER_GATEWAY_HTTP_TARGET_H

#include "shared/base.h"

/* A name and its value in a text of somebody else's. */
struct http_pair {
    const char *name;
    const char *value;
};

/* Splits an origin-form or absolute-form (http, https; its authority is not used) target, or "*",
 * into the decoded path and the raw query ("" when none). False: 400. */
MUST_CHECK bool http_target_read(char *target, const char **path, const char **query);

/* Splits a query into decoded pairs, the first `max`; '+' is a space, empty pieces are skipped.
 * False: an invalid escape or more than `max` pairs: 400. */
MUST_CHECK bool http_query_read(char *query, struct http_pair *pairs, uint32_t max,
                                uint32_t *count);

#endif
