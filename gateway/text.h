/*
 * text: a growing piece of text, for the JSON that is answered. Zero-initialised is empty;
 * text_free at the end. Once an append fails (memory) the text is `failed` and stays so; whoever
 * uses it asks once, at the end.
 */
#ifndef USHER_GATEWAY_TEXT_H
#define USHER_GATEWAY_TEXT_H

#include "shared/base.h"

struct text {
    char *data; /* not NUL-terminated; NULL while empty */
    size_t size_bytes;
    size_t capacity_bytes;
    bool failed;
};

void text_free(struct text *text);
/* Makes room for `size_bytes` more, so that a large text grows once. */
void text_reserve(struct text *text, size_t size_bytes);
void text_add(struct text *text, const char *data, size_t size_bytes);
void text_put(struct text *text, const char *string);
/* In digits. */
void text_number(struct text *text, int64_t number);
void text_format(struct text *text, const char *format, ...) PRINTF_LIKE(2, 3);
/* A JSON string with its quotes (RFC 8259, 7). `string` is UTF-8. */
void text_json(struct text *text, const char *string);
/* A time as a JSON string. */
void text_time(struct text *text, int64_t unix_us);

#endif
