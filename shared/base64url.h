/*
 * base64url: RFC 4648, 5, without padding. Pure; thread-safe.
 */
#ifndef USHER_SHARED_BASE64URL_H
#define USHER_SHARED_BASE64URL_H

#include "shared/base.h"

/* Characters that `size_bytes` become, without NUL. */
#define BASE64URL_LENGTH(size_bytes) (((size_bytes)*4 + 2) / 3)

/* Writes BASE64URL_LENGTH(size_bytes) characters and NUL; the buffer has 3 bytes more than that.
 * Returns `text`. */
char *base64url_encode(const uint8_t *data, size_t size_bytes, char *text);
/* The one spelling of some bytes and no other: false for padding, any foreign character, an
 * impossible length, loose bits that are not zero, and for more than `max_bytes` bytes. */
MUST_CHECK bool base64url_decode(const char *text, size_t length, uint8_t *data, size_t max_bytes,
                                 size_t *size_bytes);

#endif
