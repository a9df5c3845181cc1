#include "gateway/jwt_keys.h"

#include "shared/base64url.h"
#include "shared/log.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    COORDINATE_BYTES = 32, /* of P-256, and a whole Ed25519 key */
    UNCOMPRESSED_POINT = 4,
    RSA_EXPONENT_MAX_BITS = 64,
};

/* --- one key */

/* Of the kind the algorithm takes, and strong enough. */
static bool fits(EVP_PKEY *key, enum jwt_algorithm algorithm) {
    char group[32] = "";
    BIGNUM *exponent = NULL;
    bool good = false;
    switch (algorithm) {
    case JWT_RS256:
        good = EVP_PKEY_is_a(key, "RSA") && EVP_PKEY_get_bits(key) >= JWT_RSA_MIN_BITS &&
               EVP_PKEY_get_bits(key) <= JWT_RSA_MAX_BITS &&
               EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent) == 1 &&
               BN_num_bits(exponent) <= RSA_EXPONENT_MAX_BITS;
        BN_free(exponent);
        break;
    case JWT_ES256:
        good = EVP_PKEY_is_a(key, "EC") &&
               EVP_PKEY_get_group_name(key, group, sizeof group, NULL) == 1 &&
               strcmp(group, "prime256v1") == 0; /* as OpenSSL calls P-256 */
        break;
    case JWT_EDDSA:
        good = EVP_PKEY_is_a(key, "ED25519");
        break;
    }
    if (!good) {
        return false;
    }
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    good = context != NULL && EVP_PKEY_public_check(context) == 1;
    EVP_PKEY_CTX_free(context);
    return good;
}

/* Takes the key, also when it says no. */
static bool add_key_take(struct jwt_key_set *set, enum jwt_algorithm algorithm, const char *id,
                         EVP_PKEY *key) {
    if (key == NULL || set->count == JWT_KEYS_MAX || !fits(key, algorithm)) {
        EVP_PKEY_free(key);
        return false;
    }
    struct jwt_key *place = &set->keys[set->count++];
    place->key = key;
    (void)snprintf(place->id, sizeof place->id, "%s", id);
    return true;
}

/* --- JWK Set */

static EVP_PKEY *make_key(const char *type, OSSL_PARAM *parameters) {
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (context != NULL && EVP_PKEY_fromdata_init(context) == 1) {
        (void)EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters);
    }
    EVP_PKEY_CTX_free(context);
    return key;
}

static bool read_bytes(const json_t *jwk, const char *name, uint8_t *bytes, size_t max_bytes,
                       size_t *size_bytes) {
    const json_t *value = json_object_get(jwk, name);
    return json_is_string(value) &&
           base64url_decode(json_string_value(value), json_string_length(value), bytes, max_bytes,
                            size_bytes);
}

static BIGNUM *read_number(const json_t *jwk, const char *name) {
    uint8_t bytes[JWT_RSA_MAX_BITS / 8];
    size_t size_bytes;
    return read_bytes(jwk, name, bytes, sizeof bytes, &size_bytes)
               ? BN_bin2bn(bytes, (int)size_bytes, NULL)
               : NULL;
}

static EVP_PKEY *read_rsa(const json_t *jwk) {
    BIGNUM *modulus = read_number(jwk, "n");
    BIGNUM *exponent = read_number(jwk, "e");
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    OSSL_PARAM *parameters = NULL;
    if (modulus != NULL && exponent != NULL && builder != NULL &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent) == 1) {
        parameters = OSSL_PARAM_BLD_to_param(builder);
    }
    EVP_PKEY *key = parameters != NULL ? make_key("RSA", parameters) : NULL;
    OSSL_PARAM_free(parameters);
    OSSL_PARAM_BLD_free(builder);
    BN_free(exponent);
    BN_free(modulus);
    return key;
}

static bool read_coordinate(const json_t *jwk, const char *name, uint8_t bytes[COORDINATE_BYTES]) {
    size_t size_bytes;
    return read_bytes(jwk, name, bytes, COORDINATE_BYTES, &size_bytes) &&
           size_bytes == COORDINATE_BYTES;
}

static EVP_PKEY *read_ec(const json_t *jwk) {
    uint8_t point[1 + 2 * COORDINATE_BYTES] = {UNCOMPRESSED_POINT};
    if (!read_coordinate(jwk, "x", point + 1) ||
        !read_coordinate(jwk, "y", point + 1 + COORDINATE_BYTES)) {
        return NULL;
    }
    char group[] = "P-256";
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point),
        OSSL_PARAM_construct_end(),
    };
    return make_key("EC", parameters);
}

static EVP_PKEY *read_okp(const json_t *jwk) {
    uint8_t bytes[COORDINATE_BYTES];
    return read_coordinate(jwk, "x", bytes)
               ? EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, bytes, sizeof bytes)
               : NULL;
}

static const struct {
    const char *type;
    const char *curve; /* NULL: it has none */
    EVP_PKEY *(*read)(const json_t *jwk);
} kinds[] = {
    [JWT_RS256] = {"RSA", NULL, read_rsa},
    [JWT_ES256] = {"EC", "P-256", read_ec},
    [JWT_EDDSA] = {"OKP", "Ed25519", read_okp},
};

static bool is_text(const json_t *value, const char *text) {
    return json_is_string(value) && strcmp(json_string_value(value), text) == 0;
}

static bool is_absent_or(const json_t *jwk, const char *name, const char *text) {
    const json_t *value = json_object_get(jwk, name);
    return value == NULL || is_text(value, text);
}

static bool may_verify(const json_t *operations) {
    bool may = operations == NULL;
    for (size_t i = 0; i < json_array_size(operations); i++) {
        may = may || is_text(json_array_get(operations, i), "verify");
    }
    return may;
}

/* RFC 7517, 4: what the key says of itself. */
static bool is_meant_for(const json_t *jwk, enum jwt_algorithm algorithm) {
    const char *curve = kinds[algorithm].curve;
    const json_t *id = json_object_get(jwk, "kid");
    return is_text(json_object_get(jwk, "kty"), kinds[algorithm].type) &&
           (curve == NULL || is_text(json_object_get(jwk, "crv"), curve)) &&
           is_absent_or(jwk, "use", "sig") &&
           is_absent_or(jwk, "alg", jwt_algorithm_text(algorithm)) &&
           may_verify(json_object_get(jwk, "key_ops")) &&
           (id == NULL || (json_is_string(id) && json_string_length(id) >= 1 &&
                           json_string_length(id) <= JWT_KEY_ID_MAX_BYTES));
}

static const char *read_jwks(struct jwt_key_set *set, enum jwt_algorithm algorithm,
                             const char *text, size_t size_bytes) {
    const char *problem = NULL;
    json_t *document = json_loadb(text, size_bytes, JSON_REJECT_DUPLICATES, NULL);
    const json_t *list = json_object_get(document, "keys");
    if (!json_is_array(list)) {
        problem = "is neither PEM nor a JWK Set";
    }
    for (size_t i = 0; problem == NULL && i < json_array_size(list); i++) {
        const json_t *jwk = json_array_get(list, i);
        const char *id = json_string_value(json_object_get(jwk, "kid"));
        if (set->count == JWT_KEYS_MAX) {
            problem = "has too many keys";
        } else if (!is_meant_for(jwk, algorithm) ||
                   !add_key_take(set, algorithm, id != NULL ? id : "",
                                 kinds[algorithm].read(jwk))) {
            set->passed_over++;
        }
    }
    json_decref(document);
    return problem;
}

/* --- PEM */

static const char *add_pem(struct jwt_key_set *set, enum jwt_algorithm algorithm, const char *name,
                           const uint8_t *data, long size_bytes) {
    if (strcmp(name, PEM_STRING_PUBLIC) != 0) {
        return "has something else than public keys";
    }
    if (set->count == JWT_KEYS_MAX) {
        return "has too many keys";
    }
    return add_key_take(set, algorithm, "", d2i_PUBKEY(NULL, &data, size_bytes))
               ? NULL
               : "has a key that is damaged, too weak or not for the algorithm";
}

static const char *read_pem(struct jwt_key_set *set, enum jwt_algorithm algorithm, const char *text,
                            size_t size_bytes) {
    BIO *file = BIO_new_mem_buf(text, (int)size_bytes);
    const char *problem = file != NULL ? NULL : "can't be read without memory";
    char *name, *header;
    unsigned char *data;
    long data_bytes;
    while (problem == NULL && PEM_read_bio(file, &name, &header, &data, &data_bytes) == 1) {
        problem = add_pem(set, algorithm, name, data, data_bytes);
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_free(data);
    }
    if (problem == NULL && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
        problem = "is damaged PEM";
    }
    BIO_free(file);
    return problem;
}

/* --- the set */

void jwt_key_set_clear(struct jwt_key_set *set) {
    for (size_t i = 0; i < set->count; i++) {
        EVP_PKEY_free(set->keys[i].key);
    }
    *set = (struct jwt_key_set){.count = 0};
}

const char *jwt_key_set_read(struct jwt_key_set *set, enum jwt_algorithm algorithm,
                             const char *text, size_t size_bytes) {
    *set = (struct jwt_key_set){.count = 0};
    if (size_bytes > JWT_KEYS_FILE_MAX_BYTES) {
        return "is too large";
    }
    bool is_pem = memmem(text, size_bytes, "-----BEGIN ", 11) != NULL;
    const char *problem = is_pem ? read_pem(set, algorithm, text, size_bytes)
                                 : read_jwks(set, algorithm, text, size_bytes);
    ERR_clear_error();
    if (problem == NULL && set->count == 0) {
        problem = "has no key for the algorithm";
    }
    if (problem != NULL) {
        jwt_key_set_clear(set);
    }
    return problem;
}

/* --- the file */

/* What a file looks like from outside. */
struct mark {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed;
    int problem; /* errno, when it can't be opened */
};

struct jwt_keys {
    enum jwt_algorithm algorithm;
    const char *path;
    int64_t next_look_us;
    struct mark mark; /* of the file that was judged last */
    struct jwt_key_set set;
};

static struct mark mark_of(int file) {
    struct stat status;
    if (file < 0 || fstat(file, &status) != 0) {
        return (struct mark){.problem = errno};
    }
    if (!S_ISREG(status.st_mode)) {
        return (struct mark){.problem = S_ISDIR(status.st_mode) ? EISDIR : EINVAL};
    }
    return (struct mark){
        .device = status.st_dev,
        .inode = status.st_ino,
        .size = status.st_size,
        .changed = status.st_mtim,
    };
}

static bool is_same(const struct mark *a, const struct mark *b) {
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec &&
           a->problem == b->problem;
}

/* The caller's, free; NULL: errno tells. One byte more than the largest file: it is too large then.
 */
static char *read_text(int file, size_t *size_bytes) {
    char *text = malloc(JWT_KEYS_FILE_MAX_BYTES + 1);
    ssize_t got = text != NULL ? 1 : -1;
    *size_bytes = 0;
    while (got > 0 && *size_bytes <= JWT_KEYS_FILE_MAX_BYTES) {
        got = read(file, text + *size_bytes, JWT_KEYS_FILE_MAX_BYTES + 1 - *size_bytes);
        *size_bytes += got > 0 ? (size_t)got : 0;
    }
    if (got < 0) {
        free(text);
        return NULL;
    }
    return text;
}

static void complain(const struct jwt_keys *keys, const char *problem) {
    log_write(LOG_ERROR, "jwt-keys-bad",
              keys->set.count > 0
                  ? "The file of the identity provider's keys is broken: those from before stay."
                  : "The file of the identity provider's keys is broken: its people's bookings are "
                    "answered 503.",
              LOG_TEXT("path", keys->path), LOG_TEXT("problem", problem));
}

/* True: a new set. */
static bool judge(struct jwt_keys *keys, const char *text, size_t size_bytes) {
    struct jwt_key_set set;
    const char *problem = jwt_key_set_read(&set, keys->algorithm, text, size_bytes);
    if (problem != NULL) {
        complain(keys, problem);
        return false;
    }
    jwt_key_set_clear(&keys->set);
    keys->set = set;
    log_write(LOG_INFO, "jwt-keys-read", "The identity provider's keys were read.",
              LOG_TEXT("path", keys->path), LOG_U64("keys", set.count),
              LOG_U64("passed_over", set.passed_over));
    return true;
}

static bool look(struct jwt_keys *keys) {
    int file = open(keys->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct mark mark = mark_of(file);
    bool are_others = false;
    if (!is_same(&mark, &keys->mark)) {
        size_t size_bytes;
        char *text = mark.problem == 0 ? read_text(file, &size_bytes) : NULL;
        struct mark after = mark_of(file);
        if (text == NULL) {
            complain(keys, strerror(mark.problem != 0 ? mark.problem : errno));
        } else if (is_same(&mark, &after)) {
            are_others = judge(keys, text, size_bytes);
        } else {
            mark = keys->mark; /* it is being written: next time */
        }
        keys->mark = mark;
        free(text);
    }
    if (file >= 0) {
        (void)close(file);
    }
    return are_others;
}

bool jwt_keys_refresh(struct jwt_keys *keys, int64_t now_us) {
    const int64_t pause_us = 1000000;
    if (now_us < keys->next_look_us) {
        return false;
    }
    keys->next_look_us = now_us + pause_us;
    return look(keys);
}

struct jwt_keys *jwt_keys_create(enum jwt_algorithm algorithm, const char *path, int64_t now_us) {
    struct jwt_keys *keys = calloc(1, sizeof *keys);
    if (keys != NULL) {
        keys->algorithm = algorithm;
        keys->path = path;
        (void)jwt_keys_refresh(keys, now_us);
    }
    return keys;
}

void jwt_keys_destroy(struct jwt_keys *keys) {
    if (keys != NULL) {
        jwt_key_set_clear(&keys->set);
        free(keys);
    }
}

const struct jwt_key_set *jwt_keys_current(const struct jwt_keys *keys) {
    return &keys->set;
}
