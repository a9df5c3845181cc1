#include "gateway/http/cors.h"

#include "shared/log.h"

#include <stdio.h>
#include <stdlib.h>

#define EXPOSED                                                                                    \
    "Access-Control-Expose-Headers: Age, Allow, Date, ETag, Idempotent-Replayed, Location, "       \
    "Retry-After, WWW-Authenticate, X-Request-Id\r\n"
#define VARY "Vary: Origin\r\n"
#define ANYBODY "Access-Control-Allow-Origin: *\r\n"

struct listed {
    char origin[CORS_ORIGIN_MAX_BYTES + 1];
    struct http_lines lines;
};

struct cors {
    bool anybody_looks;
    size_t count;
    struct listed *list[CORS_ORIGINS_MAX];
};

/* --- the list -------------------------------------------------------------------------------- */

static bool is_port(const char *text, const char *scheme_default) {
    size_t size = strspn(text, "0123456789");
    return size > 0 && size <= 5 && text[size] == '\0' && *text != '0' &&
           strcmp(text, scheme_default) != 0;
}

/* As browsers write an origin (html.spec.whatwg.org, "ASCII serialisation of an origin"): compared
 * byte by byte, one that is written otherwise would never be the same. */
static bool is_origin(const char *text) {
    size_t scheme = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789+.-");
    if (scheme == 0 || strncmp(text + scheme, "://", 3) != 0)
        return false;
    const char *host = text + scheme + 3;
    size_t size = strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789.-_");
    if (*host == '[') {
        size = strspn(host + 1, "0123456789abcdef:") + 2;
        if (size == 2 || host[size - 1] != ']')
            return false;
    }
    if (size == 0 || (host[size] != '\0' && host[size] != ':'))
        return false;
    const char *scheme_default = "";
    if (strncmp(text, "http:", 5) == 0)
        scheme_default = "80";
    else if (strncmp(text, "https:", 6) == 0)
        scheme_default = "443";
    return host[size] == '\0' || is_port(host + size + 1, scheme_default);
}

static bool add_origin(struct cors *cors, const char *origin) {
    enum { LINES_BYTES = CORS_ORIGIN_MAX_BYTES + 256 };
    struct listed *listed = malloc(sizeof *listed + LINES_BYTES);
    if (!listed)
        return false;
    char *lines = (char *)(listed + 1);
    snprintf(listed->origin, sizeof listed->origin, "%s", origin);
    int size =
        snprintf(lines, LINES_BYTES, "Access-Control-Allow-Origin: %s\r\n" VARY EXPOSED, origin);
    ensure(size > 0 && size < LINES_BYTES);
    listed->lines = (struct http_lines){lines, (size_t)size};
    cors->list[cors->count++] = listed;
    return true;
}

/* NULL, or what is wrong. */
static const char *add_element(struct cors *cors, const char *element) {
    if (strcmp(element, "*") == 0) {
        cors->anybody_looks = true;
        return NULL;
    }
    if (!is_origin(element))
        return "is not an origin, scheme://host[:port] in lower case, as browsers send it";
    if (cors->count == CORS_ORIGINS_MAX)
        return "is one origin too many";
    return add_origin(cors, element) ? NULL : "there is no memory";
}

struct cors *cors_create(const char *origins) {
    struct cors *cors = calloc(1, sizeof *cors);
    if (!cors)
        return NULL;
    for (const char *at = origins + strspn(origins, " ,"); *at; at += strspn(at, " ,")) {
        char element[CORS_ORIGIN_MAX_BYTES + 1];
        size_t size = strcspn(at, " ,");
        snprintf(element, sizeof element, "%.*s", (int)size, at);
        const char *problem =
            size < sizeof element ? add_element(cors, element) : "is longer than any origin";
        if (problem) {
            log_write(LOG_ERROR, "bad-setting",
                      "a setting can't be used; this process does not start",
                      LOG_TEXT("setting", "USHER_ALLOWED_ORIGINS"), LOG_TEXT("origin", element),
                      LOG_TEXT("problem", problem));
            cors_destroy(cors);
            return NULL;
        }
        at += size;
    }
    return cors;
}

void cors_destroy(struct cors *cors) {
    if (!cors)
        return;
    for (size_t i = 0; i < cors->count; i++)
        free(cors->list[i]);
    free(cors);
}

/* --- answers --------------------------------------------------------------------------------- */

static const struct listed *find(const struct cors *cors, const char *origin) {
    for (size_t i = 0; origin && i < cors->count; i++)
        if (strcmp(cors->list[i]->origin, origin) == 0)
            return cors->list[i];
    return NULL;
}

bool cors_lets_look(const struct cors *cors, const char *origin) {
    return cors && (cors->anybody_looks || find(cors, origin));
}

struct http_lines cors_answer_lines(const struct cors *cors, enum http_method method,
                                    const char *origin) {
    static const struct http_lines nothing = {"", 0};
    static const struct http_lines nobody = {VARY, sizeof VARY - 1};
    static const struct http_lines looking = {ANYBODY EXPOSED, sizeof ANYBODY EXPOSED - 1};
    static const struct http_lines asking = {ANYBODY VARY, sizeof ANYBODY VARY - 1};
    if (!cors || (cors->count == 0 && !cors->anybody_looks))
        return nothing;
    if (cors->anybody_looks && (method == HTTP_METHOD_GET || method == HTTP_METHOD_HEAD))
        return looking;
    const struct listed *listed = find(cors, origin);
    if (listed)
        return listed->lines;
    return cors->anybody_looks && method == HTTP_METHOD_OPTIONS ? asking : nobody;
}

void cors_answer_preflight(const struct cors *cors, struct http_request *request,
                           const char *allow) {
    const char *origin = http_request_header(request, "Origin");
    if (!cors || !origin || !http_request_header(request, "Access-Control-Request-Method"))
        return;
    bool may_all = find(cors, origin) != NULL;
    if (!may_all && !cors->anybody_looks)
        return;
    char seconds[16];
    snprintf(seconds, sizeof seconds, "%d", CORS_MAX_AGE_SECONDS);
    http_answer_header(request, "Access-Control-Allow-Methods", may_all ? allow : "GET, HEAD");
    http_answer_header(request, "Access-Control-Allow-Headers",
                       may_all ? "Authorization, Content-Type, Idempotency-Key, If-None-Match, "
                                 "Usher-Pass, X-Request-Id"
                               : "If-None-Match, X-Request-Id");
    http_answer_header(request, "Access-Control-Max-Age", seconds);
}
