/*
 * body: the bytes of an answer that many readers share: made once, counted by reference, compressed
 * once when somebody accepts gzip. Single-threaded.
 */
#ifndef USHER_GATEWAY_BODY_H
#define USHER_GATEWAY_BODY_H

#include "gateway/text.h"

enum { BODY_ETAG_SIZE = 64, BODY_LINES_SIZE = 192, BODY_GZIP_FROM_BYTES = 1024 };

struct body {
    uint32_t references;
    char *data;
    size_t size_bytes;
    char etag[BODY_ETAG_SIZE]; /* without quotes and W/ */
    /* The header lines of what is asked for most (answers.c); 0 bytes until they are. */
    char lines[BODY_LINES_SIZE];
    size_t lines_bytes;
    uint8_t *gzip; /* NULL until wanted, or when it is not worth it */
    size_t gzip_bytes;
    bool gzip_tried;
};

/* Takes the text's memory (the text is empty afterwards, also on failure). `etag` NULL: a hash of
 * the bytes. NULL when there is no memory, or the text had failed. */
MUST_CHECK struct body *body_create_take(struct text *text, const char *etag);
/* Such a hash, for an etag of a part of the bytes. */
void body_etag_of(const void *data, size_t size_bytes, char etag[BODY_ETAG_SIZE]);
struct body *body_keep(struct body *body);
/* NULL is allowed. */
void body_release(struct body *body);
/* Compresses at the first call. False when the body is small or there is no memory. */
bool body_compress(struct body *body);
size_t body_memory_bytes(const struct body *body);

#endif
