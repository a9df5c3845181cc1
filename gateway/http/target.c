#include "gateway/http/target.h"

#include "shared/utf8.h"

#include <strings.h>

static int hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* `refused`: a character that must not come out of an escape, besides NUL. */
static bool decode(char *text, bool plus_is_space, char refused) {
    char *out = text;
    for (const char *in = text; *in; in++) {
        if (*in == '%') {
            int high = hex_digit(in[1]);
            int low = high < 0 ? -1 : hex_digit(in[2]);
            if (low < 0)
                return false;
            *out = (char)(high << 4 | low);
            if (*out == '\0' || *out == refused)
                return false;
            in += 2;
        } else {
            *out = plus_is_space && *in == '+' ? ' ' : *in;
        }
        out++;
    }
    *out = '\0';
    struct utf8 utf8 = {0};
    return utf8_take(&utf8, text, (size_t)(out - text)) && utf8_is_whole(&utf8);
}

/* Behind "http://authority", or NULL. */
static char *skip_authority(char *target) {
    size_t scheme = strncasecmp(target, "http://", 7) == 0    ? 7
                    : strncasecmp(target, "https://", 8) == 0 ? 8
                                                              : 0;
    if (scheme == 0)
        return NULL;
    char *authority = target + scheme;
    size_t length = strcspn(authority, "/?");
    if (length == 0 || memchr(authority, '@', length))
        return NULL;
    return authority + length;
}

bool http_target_read(char *target, const char **path, const char **query) {
    *query = "";
    *path = target;
    if (strcmp(target, "*") == 0)
        return true;
    if (strchr(target, '#'))
        return false;
    char *start = *target == '/' ? target : skip_authority(target);
    if (!start)
        return false;
    char *mark = strchr(start, '?');
    if (mark) {
        *mark = '\0';
        *query = mark + 1;
    }
    *path = *start ? start : "/";
    return decode(start, false, '/');
}

bool http_query_read(char *query, struct http_pair *pairs, uint32_t max, uint32_t *count) {
    *count = 0;
    for (char *piece; (piece = strsep(&query, "&"));) {
        if (*piece == '\0')
            continue;
        if (*count == max)
            return false;
        char *value = piece;
        char *name = strsep(&value, "=");
        if (!decode(name, true, '\0') || (value && !decode(value, true, '\0')))
            return false;
        pairs[(*count)++] = (struct http_pair){.name = name, .value = value ? value : ""};
    }
    return true;
}
