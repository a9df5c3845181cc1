/*
 * parser: the parser library (http-parser, or llhttp where the system has it), one message at a
 * time. The only module that includes the library's header; both are driven the same way.
 *
 * Everything fed here has passed the guard. Trailers are dropped. An Upgrade header is ignored: the
 * message is an ordinary one.
 */
#ifndef USHER_GATEWAY_HTTP_PARSER_H
#define USHER_GATEWAY_HTTP_PARSER_H

#include "shared/base.h"

struct http_parse;

/* Pieces of the input, in order. A name, a value or a target may come in several pieces, an empty
 * value in none. */
struct http_parse_events {
    void (*on_target)(void *context, const char *at, size_t size_bytes);
    void (*on_name)(void *context, const char *at, size_t size_bytes);
    void (*on_value)(void *context, const char *at, size_t size_bytes);
    /* False stops: http_parse_feed returns HTTP_PARSE_STOPPED. */
    bool (*on_body)(void *context, const char *at, size_t size_bytes);
};

enum http_parse_result {
    HTTP_PARSE_MORE,
    HTTP_PARSE_COMPLETE,
    HTTP_PARSE_STOPPED,
    HTTP_PARSE_INVALID,
    HTTP_PARSE_UNKNOWN_METHOD,
};

/* NULL without memory. `events` and `context` must outlive it. */
MUST_CHECK struct http_parse *http_parse_create(const struct http_parse_events *events,
                                                void *context);
void http_parse_destroy(struct http_parse *parse);
/* Before every message. */
void http_parse_begin(struct http_parse *parse);
MUST_CHECK enum http_parse_result http_parse_feed(struct http_parse *parse, const char *data,
                                                  size_t size_bytes);

/* Once the head was fed. */
const char *http_parse_method(const struct http_parse *parse);
unsigned http_parse_minor_version(const struct http_parse *parse);

#endif
