/*
 * jwt_keys: the identity provider's public keys, from a file that somebody else keeps current.
 *
 * The file is a JWK Set (RFC 7517, 5; RFC 7518, 6; RFC 8037, 2) or PEM with one or several `PUBLIC
 * KEY`. Of a JWK Set the keys count that can sign for the one configured algorithm: RSA of 2,048 to
 * 8,192 bits, EC on P-256, OKP Ed25519; others in it are passed over, as RFC 7517, 5 says. A file
 * without any such key, one that is not JSON, has more than JWT_KEYS_MAX of them, or is larger than
 * JWT_KEYS_FILE_MAX_BYTES is broken: the keys that were read before stay, and one error is logged.
 *
 * The file is looked at (device, inode, size, time of change) at most once a second and read again
 * when it differs. Replacing it by renaming another over it is best; a half-written one is read
 * again.
 */
#ifndef USHER_GATEWAY_JWT_KEYS_H
#define USHER_GATEWAY_JWT_KEYS_H

#include "gateway/jwt.h"

enum { JWT_KEYS_FILE_MAX_BYTES = 256 * 1024, JWT_RSA_MIN_BITS = 2048, JWT_RSA_MAX_BITS = 8192 };

struct jwt_keys;

/* Reads the file; that it is broken is logged, and the set is empty until it is good. `path` is
 * kept by pointer. NULL: no memory. */
MUST_CHECK struct jwt_keys *jwt_keys_create(enum jwt_algorithm algorithm, const char *path,
                                            int64_t now_us);
/* NULL is allowed. */
void jwt_keys_destroy(struct jwt_keys *keys);
/* Looks at the file when a second has passed since the last time. True: the keys are others now.
 * `now_us` is monotonic. */
bool jwt_keys_refresh(struct jwt_keys *keys, int64_t now_us);
/* Until the next refresh. */
const struct jwt_key_set *jwt_keys_current(const struct jwt_keys *keys);

/* A file's text. NULL and a set for jwt_key_set_clear when it is good; else what is wrong with it,
 * static. Pure. */
MUST_CHECK const char *jwt_key_set_read(struct jwt_key_set *set, enum jwt_algorithm algorithm,
                                        const char *text, size_t size_bytes);
void jwt_key_set_clear(struct jwt_key_set *set);

#endif
