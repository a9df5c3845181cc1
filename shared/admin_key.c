#include "shared/admin_key.h"

#include "shared/base64url.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

enum { KEY_BYTES = 32 };

static const char prefix[] = "usher_"; /* so that a key that got somewhere is found */

static const char *const role_texts[] = {[ADMIN_ROLE_VIEWER] = "viewer",
                                         [ADMIN_ROLE_OPERATOR] = "operator",
                                         [ADMIN_ROLE_ORGANISER] = "organiser",
                                         [ADMIN_ROLE_ADMIN] = "admin"};

const char *admin_role_text(enum admin_role role) {
    ensure((size_t)role < ARRAY_LEN(role_texts));
    return role_texts[role];
}

bool admin_role_from_text(const char *text, enum admin_role *role) {
    for (size_t i = 0; i < ARRAY_LEN(role_texts); i++) {
        if (strcmp(role_texts[i], text) == 0) {
            *role = (enum admin_role)i;
            return true;
        }
    }
    return false;
}

bool admin_key_name_is_valid(const char *name) {
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._@+-";
    size_t size = strlen(name);
    return size >= 1 && size <= ADMIN_KEY_NAME_MAX_BYTES && strspn(name, allowed) == size &&
           strchr("._@+-", name[0]) == NULL && strcmp(name, ADMIN_KEY_FILE_NAME) != 0 &&
           strcmp(name, ADMIN_USHERCTL) != 0;
}

char *admin_key_make(char text[ADMIN_KEY_TEXT_SIZE]) {
    uint8_t bytes[KEY_BYTES];
    ensure(RAND_bytes(bytes, sizeof bytes) == 1);
    memcpy(text, prefix, sizeof prefix);
    (void)base64url_encode(bytes, sizeof bytes, text + sizeof prefix - 1);
    return text;
}

void admin_key_hash(const char *text, uint8_t hash[ADMIN_KEY_HASH_BYTES]) {
    ensure(EVP_Digest(text, strlen(text), hash, NULL, EVP_sha256(), NULL) == 1);
}
