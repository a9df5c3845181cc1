/*
 * admin_key: the keys of the administration.
 *
 *   usher_sXa0…   "usher_" and 43 characters of base64url: 32 random bytes
 *
 * Only SHA-256 of the text is stored. That is enough for a random key: slow hashes protect what
 * people make up, and these can't be guessed. Whoever reads the database gets no key from it.
 *
 * admin.key, the file in USHER_HOME, is the first key: of role admin, known to gateways also when
 * the database is not there, and of whatever form its maker chose.
 *
 * Pure but admin_key_make, which uses OpenSSL's random source and aborts when there is none.
 */
#ifndef USHER_SHARED_ADMIN_KEY_H
#define USHER_SHARED_ADMIN_KEY_H

#include "shared/base.h"

enum {
    ADMIN_KEY_TEXT_SIZE = 52, /* "usher_", 43 characters, NUL, and what base64url_encode wants */
    ADMIN_KEY_HASH_BYTES = 32,
    ADMIN_KEY_NAME_MAX_BYTES = 64,
    ADMIN_KEYS_MAX = 1000, /* that are not revoked */
};

/* What the file's key is called in the log; no other key may have that name. */
#define ADMIN_KEY_FILE_NAME "admin.key"
/* Neither this one: it stands for usherctl, which needs no key. */
#define ADMIN_USHERCTL "usherctl"

/* In order of what they may: each all that the one before it may (gateway/roles.h). */
enum admin_role {
    ADMIN_ROLE_VIEWER,
    ADMIN_ROLE_OPERATOR,
    ADMIN_ROLE_ORGANISER,
    ADMIN_ROLE_ADMIN,
    ADMIN_ROLE_COUNT
};

/* "viewer", "operator", "organiser", "admin" */
const char *admin_role_text(enum admin_role role);
/* False for any other text. */
MUST_CHECK bool admin_role_from_text(const char *text, enum admin_role *role);

/* 1 to 64 letters, digits and ._@+-, the first a letter or a digit, and none of the two above. */
bool admin_key_name_is_valid(const char *name);
/* A new key. Returns `text`. */
char *admin_key_make(char text[ADMIN_KEY_TEXT_SIZE]);
void admin_key_hash(const char *text, uint8_t hash[ADMIN_KEY_HASH_BYTES]);

#endif
