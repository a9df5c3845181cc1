#include "gateway/http/security.h"

#define EVERYWHERE                                                                                 \
    "X-Content-Type-Options: nosniff\r\n"                                                          \
    "Referrer-Policy: no-referrer\r\n"                                                             \
    "Cross-Origin-Resource-Policy: same-origin\r\n"
#define DATA                                                                                       \
    "X-Frame-Options: DENY\r\n"                                                                    \
    "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"
/* Styles may stand in the page; scripts are files of ours, or a text in the page could become one.
 */
#define PAGE                                                                                       \
    "X-Frame-Options: DENY\r\n"                                                                    \
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self' "            \
    "'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; "                 \
    "form-action 'none'; frame-ancestors 'none'\r\n"
#define TLS "Strict-Transport-Security: max-age=31536000\r\n"
#define LINES(text)                                                                                \
    { text, sizeof(text) - 1 }

struct http_lines http_security_lines(const char *content_type, bool is_tls) {
    static const struct http_lines lines[][2] = {
        {LINES(EVERYWHERE), LINES(EVERYWHERE TLS)},
        {LINES(EVERYWHERE DATA), LINES(EVERYWHERE DATA TLS)},
        {LINES(EVERYWHERE PAGE), LINES(EVERYWHERE PAGE TLS)},
    };
    size_t kind = 1;
    if (!content_type)
        kind = 0;
    else if (strncmp(content_type, "text/html", 9) == 0)
        kind = 2;
    return lines[kind][is_tls];
}
