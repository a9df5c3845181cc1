/*
 * utf8: whether bytes are well-formed UTF-8 (Unicode 15, table 3-7), as they come. Pure.
 */
#ifndef USHER_SHARED_UTF8_H
#define USHER_SHARED_UTF8_H

#include "shared/base.h"

/* Where in a character the bytes so far have ended. All zero: between two. */
struct utf8 {
    uint8_t left;   /* bytes that the character still needs */
    uint8_t lowest; /* what the next of them may be */
    uint8_t highest;
};

/* False as soon as the bytes so far can't be the beginning of anything well-formed. */
MUST_CHECK bool utf8_take(struct utf8 *utf8, const void *data, size_t size_bytes);
static inline bool utf8_is_whole(const struct utf8 *utf8) {
    return utf8->left == 0;
}
/* Bytes of the character at `at`, 0 when none is well-formed there. Reads no further than the first
 * byte that does not belong to it, so that the NUL of a text is an end. */
size_t utf8_character_bytes(const char *at);

#endif
