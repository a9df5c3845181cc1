/*
 * mac: HMAC-SHA-256 (RFC 2104, FIPS 180-4) by OpenSSL under a key that is set up once: setting it
 * up takes five times as long as the code of a short message itself. One thread at a time.
 */
#ifndef USHER_SHARED_MAC_H
#define USHER_SHARED_MAC_H

#include "shared/base.h"

enum { MAC_KEY_BYTES = 32, MAC_BYTES = 32 };

struct mac;

/* Copies the key. Aborts without memory. */
struct mac *mac_create(const uint8_t key[MAC_KEY_BYTES]);
/* NULL is allowed. */
void mac_destroy(struct mac *mac);

/* Writes the code of `data`, which `code` may lie behind but not overlap. */
void mac_compute(struct mac *mac, const void *data, size_t size_bytes, uint8_t code[MAC_BYTES]);

#endif
