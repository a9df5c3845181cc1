/*
 * cors: which pages of other sites may call from a browser (the CORS protocol of
 * fetch.spec.whatwg.org, 3.3). The setting is a list, separated by commas:
 *
 *   https://shop.example   pages of this origin may do all that their token or key allows
 *   *                      pages of every origin may look: GET and HEAD, without a token
 *
 * "*" opens no more than looking, or any page could make its visitors hold seats, each from an
 * address of their own. Cookies are never used, so Access-Control-Allow-Credentials is never sent:
 * a page has to bring its token itself.
 *
 * An answer that depends on the origin says `Vary: Origin`, also to those who sent none, or a CDN
 * would give one origin's answer to another. With "*" every GET and HEAD is answered with the same
 * `Access-Control-Allow-Origin: *`, and does not depend on it.
 *
 * All lines are made by cors_create; an answer only points to them.
 */
#ifndef USHER_GATEWAY_HTTP_CORS_H
#define USHER_GATEWAY_HTTP_CORS_H

#include "gateway/http/http.h"
#include "gateway/http/security.h"

enum {
    CORS_ORIGINS_MAX = 64,
    CORS_ORIGIN_MAX_BYTES = 256,
    CORS_MAX_AGE_SECONDS = 7200, /* a preflight is good for; browsers keep none longer */
};

struct cors;

/* "" allows nobody. NULL, logged, when something in the list is no origin as browsers write it
 * (scheme://host[:port] in lower case, no default port, no path), or without memory. */
MUST_CHECK struct cors *cors_create(const char *origins);
/* NULL is allowed. */
void cors_destroy(struct cors *cors);

/* Whether pages of this origin may look. `cors` may be NULL. */
bool cors_lets_look(const struct cors *cors, const char *origin);
/* What is added to every answer; `origin` NULL: the request named none. `cors` may be NULL. */
struct http_lines cors_answer_lines(const struct cors *cors, enum http_method method,
                                    const char *origin);
/* Adds to the answer of an OPTIONS request what a preflight asks for, if it is one from an origin
 * that may do something. `allow` names the methods of its path, as in Allow. */
void cors_answer_preflight(const struct cors *cors, struct http_request *request,
                           const char *allow);

#endif
