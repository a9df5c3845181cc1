/*
 * router: which handler a method and a path belong to. The routes are one static const table.
 *
 *   static const struct route routes[] = {
 *       {HTTP_METHOD_GET, "/events/{id}/seats", seats_get, 0},
 *       {HTTP_METHOD_POST, "/admin/venues", admin_venues_post, ROUTE_ADMIN_BODY},
 *   };
 *
 * A segment of a pattern is literal or, in braces, a parameter, which takes one whole segment that
 * is not empty. The first row that fits wins, so a literal ("/bookings/reserve") stands above a
 * parameter in its place ("/bookings/{id}"). HEAD goes to GET's row. The path is the decoded one;
 * an encoded slash never gets this far (http_target_read refuses it), so segments are what the
 * caller meant. Pure; no allocation.
 */
#ifndef USHER_GATEWAY_HTTP_ROUTER_H
#define USHER_GATEWAY_HTTP_ROUTER_H

#include "gateway/http/http.h"

enum { ROUTE_PARAMETERS_MAX = 4, ROUTE_ALLOW_SIZE = 64 };

/* Flags. The low eight bits are the router's; an application may define more from 1 << 8 on. */
enum { ROUTE_ADMIN_BODY = 1 << 0 /* HTTP_ADMIN_BODY_MAX_BYTES instead of HTTP_BODY_MAX_BYTES */ };

struct route_match;
typedef void route_handler(void *context, struct http_request *request,
                           const struct route_match *match);

struct route {
    enum http_method method;
    const char *pattern;
    route_handler *handler;
    uint32_t flags;
};

/* A parameter's text points into the path and is not NUL-terminated. */
struct route_parameter {
    const char *text;
    size_t size_bytes;
};

struct route_match {
    const struct route *route;
    uint32_t parameter_count;
    struct route_parameter parameters[ROUTE_PARAMETERS_MAX];
};

enum route_result { ROUTE_FOUND, ROUTE_NOT_FOUND, ROUTE_METHOD_NOT_ALLOWED };

/* ROUTE_FOUND: `match` is filled; its parameters live as long as `path`. */
MUST_CHECK enum route_result router_match(const struct route *routes, size_t count,
                                          enum http_method method, const char *path,
                                          struct route_match *match);
/* The value of the Allow header, e.g. "GET, HEAD, POST, OPTIONS" (every path that there is takes
 * OPTIONS); "" when no row has this path. Returns `allow`. */
char *router_allow(const struct route *routes, size_t count, const char *path,
                   char allow[ROUTE_ALLOW_SIZE]);
/* "GET"; "" for one that no route has. */
const char *router_method_text(enum http_method method);
/* For http_body_limit: what the matching row's flags allow; HTTP_BODY_MAX_BYTES when none matches.
 */
size_t router_body_limit(const struct route *routes, size_t count, enum http_method method,
                         const char *path);

/* Parameter `index` as a positive integer up to INT64_MAX without leading zeros or signs; false
 * when it is not one. */
MUST_CHECK bool route_match_u64(const struct route_match *match, uint32_t index, uint64_t *value);
/* Copies parameter `index`, NUL-terminated; false when it needs more than `size_bytes`. */
MUST_CHECK bool route_match_text(const struct route_match *match, uint32_t index, char *text,
                                 size_t size_bytes);

#endif
