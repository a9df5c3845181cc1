#include "gateway/body.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

enum { ETAG_HASH_BYTES = 8, GZIP_WINDOW_BITS = 15 + 16 /* zlib: + 16 writes a gzip head */ };

void body_etag_of(const void *data, size_t size_bytes, char etag[BODY_ETAG_SIZE]) {
    uint8_t hash[EVP_MAX_MD_SIZE];
    ensure(EVP_Digest(data, size_bytes, hash, NULL, EVP_sha256(), NULL) == 1);
    for (size_t i = 0; i < ETAG_HASH_BYTES; i++) {
        (void)snprintf(etag + 2 * i, 3, "%02x", hash[i]);
    }
}

struct body *body_create_take(struct text *text, const char *etag) {
    struct body *body = text->failed ? NULL : calloc(1, sizeof *body);
    if (body == NULL) {
        text_free(text);
        return NULL;
    }
    *body = (struct body){.references = 1, .data = text->data, .size_bytes = text->size_bytes};
    *text = (struct text){0};
    if (etag != NULL) {
        ensure(strlen(etag) < sizeof body->etag);
        memcpy(body->etag, etag, strlen(etag) + 1);
    } else {
        body_etag_of(body->data, body->size_bytes, body->etag);
    }
    return body;
}

struct body *body_keep(struct body *body) {
    body->references++;
    return body;
}

void body_release(struct body *body) {
    if (body != NULL && --body->references == 0) {
        free(body->data);
        free(body->gzip);
        free(body);
    }
}

static void compress_whole(struct body *body) {
    z_stream stream = {0};
    if (body->size_bytes > UINT32_MAX ||
        deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, GZIP_WINDOW_BITS, MAX_MEM_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
        return;
    }
    size_t bound = deflateBound(&stream, body->size_bytes);
    uint8_t *gzip = malloc(bound);
    if (gzip != NULL) {
        stream.next_in = (Bytef *)body->data;
        stream.avail_in = (uInt)body->size_bytes;
        stream.next_out = gzip;
        stream.avail_out = (uInt)bound;
        ensure(deflate(&stream, Z_FINISH) == Z_STREAM_END);
        body->gzip_bytes = stream.total_out;
        uint8_t *exact = realloc(gzip, body->gzip_bytes);
        body->gzip = exact != NULL ? exact : gzip;
    }
    (void)deflateEnd(&stream);
}

bool body_compress(struct body *body) {
    if (body->size_bytes < BODY_GZIP_FROM_BYTES) {
        return false;
    }
    if (!body->gzip_tried) {
        body->gzip_tried = true;
        compress_whole(body);
    }
    return body->gzip != NULL;
}

size_t body_memory_bytes(const struct body *body) {
    return sizeof *body + body->size_bytes + body->gzip_bytes;
}
