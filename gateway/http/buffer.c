#include "gateway/http/buffer.h"

#include <stdlib.h>

enum { FIRST_BYTES = 512 };

bool http_buffer_reserve(struct http_buffer *buffer, size_t more_bytes) {
    if (more_bytes > SIZE_MAX / 2 - buffer->size_bytes)
        return false;
    size_t needed = buffer->size_bytes + more_bytes;
    if (needed <= buffer->capacity_bytes)
        return true;
    size_t capacity = buffer->capacity_bytes ? buffer->capacity_bytes : FIRST_BYTES;
    while (capacity < needed)
        capacity *= 2;
    char *data = realloc(buffer->data, capacity);
    if (!data)
        return false;
    buffer->data = data;
    buffer->capacity_bytes = capacity;
    return true;
}

bool http_buffer_add(struct http_buffer *buffer, const void *data, size_t size_bytes) {
    if (!http_buffer_reserve(buffer, size_bytes))
        return false;
    http_buffer_put(buffer, data, size_bytes);
    return true;
}

void http_buffer_drop(struct http_buffer *buffer, size_t size_bytes) {
    ensure(size_bytes <= buffer->size_bytes);
    buffer->size_bytes -= size_bytes;
    if (size_bytes && buffer->size_bytes)
        memmove(buffer->data, buffer->data + size_bytes, buffer->size_bytes);
}

void http_buffer_reset(struct http_buffer *buffer, size_t keep_bytes) {
    buffer->size_bytes = 0;
    if (buffer->capacity_bytes > keep_bytes) {
        free(buffer->data);
        *buffer = (struct http_buffer){0};
    }
}
