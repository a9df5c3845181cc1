#include "ops/benchmarks/same_body.h"

#include <stdlib.h>
#include <zlib.h>

enum { GZIP_WINDOW_BITS = 15 + 16 /* zlib: + 16 reads a gzip head */ };

static bool equal(const struct bytes *a, const struct bytes *b) {
    return a->size_bytes == b->size_bytes && memcmp(a->data, b->data, a->size_bytes) == 0;
}

static bool unpack(const struct bytes *gzip, struct bytes *body) {
    z_stream stream = {.next_in = (Bytef *)gzip->data,
                       .avail_in = (uInt)gzip->size_bytes,
                       .next_out = (Bytef *)body->data,
                       .avail_out = (uInt)body->size_bytes};
    if (inflateInit2(&stream, GZIP_WINDOW_BITS) != Z_OK)
        return false;
    bool whole = inflate(&stream, Z_FINISH) == Z_STREAM_END && stream.avail_in == 0;
    body->size_bytes = stream.total_out;
    (void)inflateEnd(&stream);
    return whole;
}

/* The digits of the value of this member, if there is one, become zeros. */
static void forget_time(struct bytes *body, const char *member) {
    const char *end = body->data + body->size_bytes;
    char *at = memmem(body->data, body->size_bytes, member, strlen(member));
    for (at = at != NULL ? at + strlen(member) : NULL; at != NULL && at < end && *at != '"'; at++) {
        if (*at >= '0' && *at <= '9')
            *at = '0';
    }
}

/* What it says without its time, the caller's to free; false when it can't be read. */
static bool plain(const struct same_body *same, const struct bytes *body, struct bytes *text) {
    *text = (struct bytes){.data = malloc(SAME_BODY_MAX_BYTES), .size_bytes = SAME_BODY_MAX_BYTES};
    ensure(text->data != NULL);
    if (body->size_bytes > SAME_BODY_MAX_BYTES || (same->is_gzip && !unpack(body, text)))
        return false;
    if (!same->is_gzip) {
        memcpy(text->data, body->data, body->size_bytes);
        text->size_bytes = body->size_bytes;
    }
    forget_time(text, "\"asOf\":\"");
    forget_time(text, "\"updatedAt\":\"");
    return true;
}

static bool is_first(struct same_body *same, const struct bytes *body) {
    struct bytes text;
    bool right = plain(same, body, &text);
    if (right && same->first.data == NULL) {
        same->first = text;
        return true;
    }
    right = right && equal(&text, &same->first);
    free(text.data);
    return right;
}

/* One that was on its way when the next version came. */
static bool is_the_one_before(const struct same_body *same, const struct bytes *body) {
    return same->count > 1 && equal(&same->versions[same->count - 2], body);
}

bool same_body_judge_take(struct same_body *same, struct bytes body) {
    bool known = is_the_one_before(same, &body);
    bool right = known || (same->count < SAME_BODY_VERSIONS_MAX && is_first(same, &body));
    if (right && !known) {
        same->versions[same->count] = body;
        same->expected = &same->versions[same->count++];
    } else {
        free(body.data);
    }
    return right;
}

void same_body_clear(struct same_body *same) {
    for (uint32_t i = 0; i < same->count; i++)
        free(same->versions[i].data);
    free(same->first.data);
    *same = (struct same_body){0};
}
