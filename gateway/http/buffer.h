/*
 * buffer: growing bytes of one owner. Zero-initialised is empty.
 */
#ifndef USHER_GATEWAY_HTTP_BUFFER_H
#define USHER_GATEWAY_HTTP_BUFFER_H

#include "shared/base.h"

struct http_buffer {
    char *data;
    size_t size_bytes;
    size_t capacity_bytes;
};

/* Room for `more_bytes` behind what is there. False without memory: nothing changed. */
MUST_CHECK bool http_buffer_reserve(struct http_buffer *buffer, size_t more_bytes);
MUST_CHECK bool http_buffer_add(struct http_buffer *buffer, const void *data, size_t size_bytes);
/* Into room that was reserved. */
static inline void http_buffer_put(struct http_buffer *buffer, const void *data,
                                   size_t size_bytes) {
    ensure(size_bytes <= buffer->capacity_bytes - buffer->size_bytes);
    if (size_bytes)
        memcpy(buffer->data + buffer->size_bytes, data, size_bytes);
    buffer->size_bytes += size_bytes;
}
static inline void http_buffer_put_text(struct http_buffer *buffer, const char *text) {
    http_buffer_put(buffer, text, strlen(text));
}
/* Forgets the first bytes. */
void http_buffer_drop(struct http_buffer *buffer, size_t size_bytes);
/* Empties it; memory beyond `keep_bytes` goes back. */
void http_buffer_reset(struct http_buffer *buffer, size_t keep_bytes);

#endif
