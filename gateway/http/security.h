/*
 * security: the header lines that every answer has for the sake of browsers, whatever it is.
 *
 *   X-Content-Type-Options: nosniff             a body is what its Content-Type says
 *   Referrer-Policy: no-referrer                addresses with somebody's ids stay here
 *   Cross-Origin-Resource-Policy: same-origin   no other site embeds it (fetch with CORS is no
 *                                               embedding)
 *   Content-Security-Policy                     JSON loads nothing; our pages load only from here
 *   X-Frame-Options: DENY                       and nobody frames either
 *   Strict-Transport-Security                   over TLS: a year, this host only
 *
 * An answer without a body (204, 304) has no policy: a 304's would replace the one of the page that
 * the browser has.
 */
#ifndef USHER_GATEWAY_HTTP_SECURITY_H
#define USHER_GATEWAY_HTTP_SECURITY_H

#include "shared/base.h"

/* Whole header lines, each with its CR LF; static, or of whoever made them. */
struct http_lines {
    const char *text;
    size_t size_bytes;
};

/* `content_type` NULL: there is no body. */
struct http_lines http_security_lines(const char *content_type, bool is_tls);

#endif
