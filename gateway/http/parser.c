#include "gateway/http/parser.h"

#include <stdlib.h>

#if defined(USHER_LLHTTP)
#include <llhttp.h>
typedef llhttp_t parser_state;
typedef llhttp_settings_t parser_settings;
#elif defined(USHER_HTTP_PARSER)
#include <http_parser.h>
typedef http_parser parser_state;
typedef http_parser_settings parser_settings;
#else
#error "no parser library chosen"
#endif

struct http_parse {
    parser_state state;
    const struct http_parse_events *events;
    void *context;
    bool head_done;
    bool complete;
    bool stopped;
};

static int on_target(parser_state *state, const char *at, size_t size_bytes) {
    struct http_parse *parse = state->data;
    parse->events->on_target(parse->context, at, size_bytes);
    return 0;
}

static int on_name(parser_state *state, const char *at, size_t size_bytes) {
    struct http_parse *parse = state->data;
    if (!parse->head_done)
        parse->events->on_name(parse->context, at, size_bytes);
    return 0;
}

static int on_value(parser_state *state, const char *at, size_t size_bytes) {
    struct http_parse *parse = state->data;
    if (!parse->head_done)
        parse->events->on_value(parse->context, at, size_bytes);
    return 0;
}

static int on_head_done(parser_state *state) {
    ((struct http_parse *)state->data)->head_done = true;
    return 0;
}

static int on_body(parser_state *state, const char *at, size_t size_bytes) {
    struct http_parse *parse = state->data;
    parse->stopped = !parse->events->on_body(parse->context, at, size_bytes);
    return parse->stopped ? -1 : 0;
}

static int on_complete(parser_state *state) {
    ((struct http_parse *)state->data)->complete = true;
    return 0;
}

#define PARSER_CALLBACKS                                                                           \
    {                                                                                              \
        .on_url = on_target, .on_header_field = on_name, .on_header_value = on_value,              \
        .on_headers_complete = on_head_done, .on_body = on_body,                                   \
        .on_message_complete = on_complete                                                         \
    }

#if defined(USHER_LLHTTP)

static void begin(parser_state *state) {
    static const parser_settings settings = PARSER_CALLBACKS;
    llhttp_init(state, HTTP_REQUEST, &settings);
}

static enum http_parse_result execute(parser_state *state, const char *data, size_t size_bytes) {
    switch (llhttp_execute(state, data, size_bytes)) {
    case HPE_OK:
    case HPE_PAUSED_UPGRADE:
        return HTTP_PARSE_MORE;
    case HPE_INVALID_METHOD:
        return HTTP_PARSE_UNKNOWN_METHOD;
    default:
        return HTTP_PARSE_INVALID;
    }
}

const char *http_parse_method(const struct http_parse *parse) {
    return llhttp_method_name((llhttp_method_t)parse->state.method);
}

#else

static void begin(parser_state *state) {
    http_parser_init(state, HTTP_REQUEST);
}

static enum http_parse_result execute(parser_state *state, const char *data, size_t size_bytes) {
    static const parser_settings settings = PARSER_CALLBACKS;
    size_t used = http_parser_execute(state, &settings, data, size_bytes);
    if (HTTP_PARSER_ERRNO(state) == HPE_INVALID_METHOD)
        return HTTP_PARSE_UNKNOWN_METHOD;
    bool whole = HTTP_PARSER_ERRNO(state) == HPE_OK && used == size_bytes;
    return whole ? HTTP_PARSE_MORE : HTTP_PARSE_INVALID;
}

const char *http_parse_method(const struct http_parse *parse) {
    return http_method_str((enum http_method)parse->state.method);
}

#endif

unsigned http_parse_minor_version(const struct http_parse *parse) {
    return parse->state.http_minor;
}

struct http_parse *http_parse_create(const struct http_parse_events *events, void *context) {
    struct http_parse *parse = calloc(1, sizeof *parse);
    if (!parse)
        return NULL;
    parse->events = events;
    parse->context = context;
    return parse;
}

void http_parse_destroy(struct http_parse *parse) {
    free(parse);
}

void http_parse_begin(struct http_parse *parse) {
    begin(&parse->state);
    parse->state.data = parse;
    parse->head_done = parse->complete = parse->stopped = false;
}

enum http_parse_result http_parse_feed(struct http_parse *parse, const char *data,
                                       size_t size_bytes) {
    enum http_parse_result result = execute(&parse->state, data, size_bytes);
    if (parse->stopped)
        return HTTP_PARSE_STOPPED;
    return result == HTTP_PARSE_MORE && parse->complete ? HTTP_PARSE_COMPLETE : result;
}
