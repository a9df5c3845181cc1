#include "gateway/http/router.h"

#include <stdio.h>

static const char *const method_names[] = {
    [HTTP_METHOD_GET] = "GET",       [HTTP_METHOD_HEAD] = "HEAD",
    [HTTP_METHOD_POST] = "POST",     [HTTP_METHOD_PATCH] = "PATCH",
    [HTTP_METHOD_DELETE] = "DELETE", [HTTP_METHOD_OPTIONS] = "OPTIONS",
};

/* Up to `end` or the text's end; these pieces are too short for strcspn to pay. */
static size_t piece_size(const char *text, char end) {
    size_t size = 0;
    while (text[size] != '\0' && text[size] != end)
        size++;
    return size;
}

static bool match_pattern(const char *pattern, const char *path, struct route_match *match) {
    match->parameter_count = 0;
    while (*pattern) {
        if (*pattern != '{') {
            if (*pattern++ != *path++)
                return false;
            continue;
        }
        size_t size = piece_size(path, '/');
        if (size == 0)
            return false;
        ensure(match->parameter_count < ROUTE_PARAMETERS_MAX);
        match->parameters[match->parameter_count++] =
            (struct route_parameter){.text = path, .size_bytes = size};
        path += size;
        pattern += piece_size(pattern, '}') + 1;
    }
    return *path == '\0';
}

enum route_result router_match(const struct route *routes, size_t count, enum http_method method,
                               const char *path, struct route_match *match) {
    enum route_result result = ROUTE_NOT_FOUND;
    if (method == HTTP_METHOD_HEAD)
        method = HTTP_METHOD_GET;
    for (size_t i = 0; i < count; i++) {
        if (!match_pattern(routes[i].pattern, path, match))
            continue;
        result = ROUTE_METHOD_NOT_ALLOWED;
        if (routes[i].method == method) {
            match->route = &routes[i];
            return ROUTE_FOUND;
        }
    }
    return result;
}

char *router_allow(const struct route *routes, size_t count, const char *path,
                   char allow[ROUTE_ALLOW_SIZE]) {
    bool allowed[ARRAY_LEN(method_names)] = {false};
    struct route_match match;
    for (size_t i = 0; i < count; i++)
        if (match_pattern(routes[i].pattern, path, &match))
            allowed[routes[i].method] = allowed[HTTP_METHOD_OPTIONS] = true;
    allowed[HTTP_METHOD_HEAD] = allowed[HTTP_METHOD_GET];
    size_t used = 0;
    allow[0] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(allowed); i++)
        if (allowed[i])
            used += (size_t)snprintf(allow + used, ROUTE_ALLOW_SIZE - used, "%s%s",
                                     used ? ", " : "", method_names[i]);
    ensure(used < ROUTE_ALLOW_SIZE);
    return allow;
}

const char *router_method_text(enum http_method method) {
    return method < ARRAY_LEN(method_names) ? method_names[method] : "";
}

size_t router_body_limit(const struct route *routes, size_t count, enum http_method method,
                         const char *path) {
    struct route_match match;
    bool is_admin = router_match(routes, count, method, path, &match) == ROUTE_FOUND &&
                    (match.route->flags & ROUTE_ADMIN_BODY) != 0;
    return is_admin ? HTTP_ADMIN_BODY_MAX_BYTES : HTTP_BODY_MAX_BYTES;
}

bool route_match_u64(const struct route_match *match, uint32_t index, uint64_t *value) {
    ensure(index < match->parameter_count);
    const struct route_parameter *parameter = &match->parameters[index];
    if (parameter->text[0] == '0')
        return false;
    *value = 0;
    for (size_t i = 0; i < parameter->size_bytes; i++) {
        if (parameter->text[i] < '0' || parameter->text[i] > '9')
            return false;
        uint64_t digit = (uint64_t)(parameter->text[i] - '0');
        if (*value > (INT64_MAX - digit) / 10)
            return false;
        *value = *value * 10 + digit;
    }
    return true;
}

bool route_match_text(const struct route_match *match, uint32_t index, char *text,
                      size_t size_bytes) {
    ensure(index < match->parameter_count);
    const struct route_parameter *parameter = &match->parameters[index];
    if (parameter->size_bytes >= size_bytes)
        return false;
    memcpy(text, parameter->text, parameter->size_bytes);
    text[parameter->size_bytes] = '\0';
    return true;
}
