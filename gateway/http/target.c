#include "gateway/http/target.h"

#include <strings.h>

static int hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* The length of the well-formed sequence at `at` (Unicode, table 3-7), 0 when there is none. */
static size_t utf8_sequence(const uint8_t *at) {
    if (at[0] < 0x80)
        return 1;
    size_t length = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
    if (at[0] < 0xc2 || at[0] > 0xf4)
        return 0;
    uint8_t lowest = at[0] == 0xe0 ? 0xa0 : at[0] == 0xf0 ? 0x90 : 0x80;
    uint8_t highest = at[0] == 0xed ? 0x9f : at[0] == 0xf4 ? 0x8f : 0xbf;
    if (at[1] < lowest || at[1] > highest)
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((at[i] & 0xc0) != 0x80) /* NUL ends here too */
            return 0;
    return length;
}

static bool is_utf8(const char *text) {
    const uint8_t *at = (const uint8_t *)text;
    while (*at) {
        size_t length = utf8_sequence(at);
        if (length == 0)
            return false;
        at += length;
    }
    return true;
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
    return is_utf8(text);
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
