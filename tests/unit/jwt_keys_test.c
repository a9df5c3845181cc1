/* The provider's keys: what a file has to be, and that a broken one takes nothing away. */
#include "gateway/jwt_keys.h"
#include "shared/log.h"
#include "tests/support/expect.h"
#include "tests/support/folder.h"
#include "tests/support/provider.h"

#include <fcntl.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ALGORITHMS = 3, SECOND_US = 1000000 };

static const char *const algorithms[ALGORITHMS] = {"RS256", "ES256", "EdDSA"};

static const char *read_set(struct jwt_key_set *set, const char *algorithm, const char *text) {
    enum jwt_algorithm wanted;
    assert_true(jwt_algorithm_from_text(algorithm, &wanted));
    return jwt_key_set_read(set, wanted, text, strlen(text));
}

static void expect_broken(const char *algorithm, const char *text) {
    struct jwt_key_set set;
    expect(read_set(&set, algorithm, text) != NULL, "%s was taken: %.200s", algorithm, text);
    assert_int_equal(set.count, 0);
}

static void expect_keys(const char *algorithm, const char *text, size_t keys, size_t passed_over) {
    struct jwt_key_set set;
    const char *problem = read_set(&set, algorithm, text);
    expect(problem == NULL, "%s %s: %.200s", algorithm, problem, text);
    assert_int_equal(set.count, keys);
    assert_int_equal(set.passed_over, passed_over);
    jwt_key_set_clear(&set);
}

/* A provider publishes keys of all kinds in one set; each site takes those it understands. */
static void keys_of_the_algorithm_are_taken(void **state) {
    (void)state;
    static const char *const ids[] = {"a", "b", "c", "d", "e", NULL};
    struct provider_key keys[2 * ALGORITHMS];
    for (int i = 0; i < 2 * ALGORITHMS; i++) {
        keys[i] = provider_key_create(algorithms[i % ALGORITHMS], ids[i]);
    }
    char *text = provider_jwks(keys, 2 * ALGORITHMS);
    for (int i = 0; i < ALGORITHMS; i++) {
        struct jwt_key_set set;
        assert_null(read_set(&set, algorithms[i], text));
        assert_int_equal(set.count, 2);
        assert_int_equal(set.passed_over, 4);
        for (int j = 0; j < 2; j++) {
            const struct provider_key *key = &keys[i + j * ALGORITHMS];
            assert_string_equal(set.keys[j].id, key->id != NULL ? key->id : "");
            assert_int_equal(EVP_PKEY_eq(set.keys[j].key, key->key), 1);
        }
        jwt_key_set_clear(&set);
    }
    free(text);
    for (int i = 0; i < 2 * ALGORITHMS; i++) {
        provider_key_free(&keys[i]);
    }
}

static void pem_is_taken_too(void **state) {
    (void)state;
    for (int i = 0; i < ALGORITHMS; i++) {
        struct provider_key keys[2];
        char *pem[2], both[8192], with_words[8192];
        for (int j = 0; j < 2; j++) {
            keys[j] = provider_key_create(algorithms[i], NULL);
            pem[j] = provider_pem(&keys[j]);
        }
        struct jwt_key_set set;
        assert_null(read_set(&set, algorithms[i], pem[0]));
        assert_int_equal(set.count, 1);
        assert_string_equal(set.keys[0].id, "");
        assert_int_equal(EVP_PKEY_eq(set.keys[0].key, keys[0].key), 1);
        jwt_key_set_clear(&set);
        (void)snprintf(both, sizeof both, "%s%s", pem[0], pem[1]);
        expect_keys(algorithms[i], both, 2, 0);
        (void)snprintf(with_words, sizeof with_words, "the new key\n%s\nthe old key\n%s\n", pem[0],
                       pem[1]);
        expect_keys(algorithms[i], with_words, 2, 0);
        expect_broken(algorithms[(i + 1) % ALGORITHMS], pem[0]);
        both[strlen(both) - 40] = '\0';
        expect_broken(algorithms[i], both);
        pem[0][40] = pem[0][40] == 'A' ? 'B' : 'A';
        pem[0][41] = '!';
        expect_broken(algorithms[i], pem[0]);
        for (int j = 0; j < 2; j++) {
            free(pem[j]);
            provider_key_free(&keys[j]);
        }
    }
}

/* Takes the key. */
static void expect_useless(const char *algorithm, EVP_PKEY *key_take) {
    assert_non_null(key_take);
    struct provider_key key = {algorithm, "k", key_take};
    char *pem = provider_pem(&key);
    expect_broken(algorithm, pem);
    free(pem);
    provider_key_free(&key);
}

static void weak_and_foreign_keys_are_of_no_use(void **state) {
    (void)state;
    struct provider_key weak = {"RS256", "weak", EVP_RSA_gen(1024)};
    char *text = provider_jwks(&weak, 1);
    expect_broken("RS256", text);
    free(text);
    expect_useless("RS256", weak.key);
    expect_useless("RS256", EVP_EC_gen("P-256"));
    expect_useless("ES256", EVP_EC_gen("P-384"));
    expect_useless("ES256", EVP_EC_gen("secp256k1"));
    expect_useless("EdDSA", EVP_PKEY_Q_keygen(NULL, NULL, "ED448"));
    expect_useless("EdDSA", EVP_PKEY_Q_keygen(NULL, NULL, "X25519"));
}

static void a_private_key_does_not_belong_there(void **state) {
    (void)state;
    struct provider_key key = provider_key_create("ES256", NULL);
    BIO *file = BIO_new(BIO_s_mem());
    char *data;
    assert_int_equal(PEM_write_bio_PrivateKey(file, key.key, NULL, NULL, 0, NULL, NULL), 1);
    long size_bytes = BIO_get_mem_data(file, &data);
    struct jwt_key_set set;
    assert_string_equal(jwt_key_set_read(&set, JWT_ES256, data, (size_t)size_bytes),
                        "has something else than public keys");
    BIO_free(file);
    provider_key_free(&key);
}

/* One key's JWK with a member set to something else, or (NULL) without it. */
static char *altered_jwks(const struct provider_key *key, const char *member, const char *value) {
    char *text = provider_jwks(key, 1);
    json_t *set = json_loads(text, 0, NULL);
    json_t *jwk = json_array_get(json_object_get(set, "keys"), 0);
    if (value == NULL) {
        assert_int_equal(json_object_del(jwk, member), 0);
    } else {
        json_t *other = json_loads(value, JSON_DECODE_ANY, NULL);
        expect(other != NULL, "no JSON: %s", value);
        assert_int_equal(json_object_set_new(jwk, member, other), 0);
    }
    free(text);
    text = json_dumps(set, 0);
    json_decref(set);
    return text;
}

static void what_a_key_says_of_itself_counts(void **state) {
    (void)state;
    static const struct {
        const char *algorithm, *member, *value;
        bool good;
    } cases[] = {
        {"EdDSA", "use", NULL, true},
        {"EdDSA", "use", "\"enc\"", false},
        {"EdDSA", "alg", NULL, true},
        {"EdDSA", "alg", "\"ES256\"", false},
        {"EdDSA", "kid", NULL, true},
        {"EdDSA", "kid", "7", false},
        {"EdDSA", "kid", "\"\"", false},
        {"EdDSA", "kty", NULL, false},
        {"EdDSA", "kty", "\"EC\"", false},
        {"EdDSA", "crv", "\"Ed448\"", false},
        {"EdDSA", "x", NULL, false},
        {"EdDSA", "x", "\"AAAA\"", false},
        {"EdDSA", "key_ops", "[\"sign\",\"verify\"]", true},
        {"EdDSA", "key_ops", "[\"sign\"]", false},
        {"EdDSA", "key_ops", "[]", false},
        {"EdDSA", "key_ops", "\"verify\"", false},
        {"EdDSA", "x5c", "[1]", true},
        {"ES256", "crv", "\"P-384\"", false},
        {"ES256", "y", NULL, false},
        {"ES256", "y", "1", false},
        {"ES256", "y", "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"",
         false}, /* off the curve */
        {"RS256", "e", "\"AQAB\"", true},
        {"RS256", "e", NULL, false},
        {"RS256", "e", "\"\"", false},
        {"RS256", "e", "\"AQ\"", false},           /* 1 */
        {"RS256", "e", "\"AQAAAAAAAAAB\"", false}, /* 65 bits */
        {"RS256", "e", "\"AQAB=\"", false},
        {"RS256", "n", "\"AQAB\"", false},
        {"RS256", "n", NULL, false},
    };
    struct provider_key keys[ALGORITHMS];
    for (int i = 0; i < ALGORITHMS; i++) {
        keys[i] = provider_key_create(algorithms[i], "k");
    }
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        enum jwt_algorithm algorithm;
        assert_true(jwt_algorithm_from_text(cases[i].algorithm, &algorithm));
        char *text = altered_jwks(&keys[algorithm], cases[i].member, cases[i].value);
        if (cases[i].good) {
            expect_keys(cases[i].algorithm, text, 1, 0);
        } else {
            expect_broken(cases[i].algorithm, text);
        }
        free(text);
    }
    for (int i = 0; i < ALGORITHMS; i++) {
        provider_key_free(&keys[i]);
    }
}

static void other_files_are_broken(void **state) {
    (void)state;
    static const char *const texts[] = {
        "",
        "{}",
        "[]",
        "null",
        "{\"keys\":{}}",
        "{\"keys\":[]}",
        "{\"keys\":[1,null,\"x\",[],{}]}",
        "{\"keys\":[],\"keys\":[]}",
        "{\"keys\":[",
        "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\",\"alg\":\"HS256\"}]}",
        "-----BEGIN PUBLIC KEY-----\n",
        "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n",
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        for (int j = 0; j < ALGORITHMS; j++) {
            expect_broken(algorithms[j], texts[i]);
        }
    }
}

static void there_is_a_limit_to_keys_and_size(void **state) {
    (void)state;
    struct provider_key one = provider_key_create("EdDSA", "k");
    struct provider_key many[JWT_KEYS_MAX + 1];
    for (size_t i = 0; i < ARRAY_LEN(many); i++) {
        many[i] = one;
    }
    char *text = provider_jwks(many, JWT_KEYS_MAX);
    expect_keys("EdDSA", text, JWT_KEYS_MAX, 0);
    free(text);
    text = provider_jwks(many, JWT_KEYS_MAX + 1);
    expect_broken("EdDSA", text);
    free(text);

    text = provider_jwks(many, 1);
    char *large = calloc(1, JWT_KEYS_FILE_MAX_BYTES + 2);
    assert_non_null(large);
    memset(large, ' ', JWT_KEYS_FILE_MAX_BYTES + 1);
    memcpy(large, text, strlen(text));
    expect_broken("EdDSA", large);
    large[JWT_KEYS_FILE_MAX_BYTES] = '\0';
    expect_keys("EdDSA", large, 1, 0);
    free(large);
    free(text);
    provider_key_free(&one);
}

/* --- the file */

struct place {
    char folder[FOLDER_PATH_SIZE];
    char path[FOLDER_PATH_SIZE + 16];
    char log[FOLDER_PATH_SIZE + 16];
    struct provider_key keys[2];
    char *texts[2];
    int saved_stderr;
};

/* What is logged goes into a file meanwhile. */
static int make_place(void **state) {
    struct place *place = calloc(1, sizeof *place);
    assert_non_null(place);
    folder_create(place->folder);
    (void)snprintf(place->path, sizeof place->path, "%s/keys", place->folder);
    (void)snprintf(place->log, sizeof place->log, "%s/log", place->folder);
    for (int i = 0; i < 2; i++) {
        place->keys[i] = provider_key_create("EdDSA", i == 0 ? "old" : "new");
        place->texts[i] = provider_jwks(&place->keys[i], 1);
    }
    int log = open(place->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    place->saved_stderr = dup(STDERR_FILENO);
    assert_true(log >= 0 && place->saved_stderr >= 0 && dup2(log, STDERR_FILENO) >= 0);
    (void)close(log);
    *state = place;
    return 0;
}

static int free_place(void **state) {
    struct place *place = *state;
    (void)dup2(place->saved_stderr, STDERR_FILENO);
    (void)close(place->saved_stderr);
    for (int i = 0; i < 2; i++) {
        free(place->texts[i]);
        provider_key_free(&place->keys[i]);
    }
    folder_remove(place->folder);
    free(place);
    return 0;
}

static unsigned count_logged(const struct place *place, const char *event) {
    FILE *file = fopen(place->log, "re");
    assert_non_null(file);
    char line[8192];
    unsigned count = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        count += strstr(line, event) != NULL;
    }
    (void)fclose(file);
    return count;
}

static const char *current_id(const struct jwt_keys *keys) {
    const struct jwt_key_set *set = jwt_keys_current(keys);
    return set->count == 1 ? set->keys[0].id : "";
}

static void a_changed_file_is_read_again(void **state) {
    struct place *place = *state;
    int64_t now_us = SECOND_US;
    folder_write(place->folder, "keys", 0600, place->texts[0]);
    struct jwt_keys *keys = jwt_keys_create(JWT_EDDSA, place->path, now_us);
    assert_string_equal(current_id(keys), "old");
    assert_false(jwt_keys_refresh(keys, now_us += SECOND_US));

    folder_write(place->folder, "keys", 0600, place->texts[1]);
    assert_false(jwt_keys_refresh(keys, now_us + SECOND_US - 1)); /* once a second */
    assert_string_equal(current_id(keys), "old");
    assert_true(jwt_keys_refresh(keys, now_us += SECOND_US));
    assert_string_equal(current_id(keys), "new");
    assert_false(jwt_keys_refresh(keys, now_us += SECOND_US));
    assert_int_equal(count_logged(place, "jwt-keys-read"), 2);
    assert_int_equal(count_logged(place, "jwt-keys-bad"), 0);
    jwt_keys_destroy(keys);
}

static void a_broken_file_takes_nothing_away(void **state) {
    struct place *place = *state;
    int64_t now_us = SECOND_US;
    folder_write(place->folder, "keys", 0600, place->texts[0]);
    struct jwt_keys *keys = jwt_keys_create(JWT_EDDSA, place->path, now_us);
    const char *const broken[] = {"{\"keys\":[", ""};
    for (unsigned i = 0; i < ARRAY_LEN(broken); i++) {
        folder_write(place->folder, "keys", 0600, broken[i]);
        for (int looks = 0; looks < 5; looks++) {
            assert_false(jwt_keys_refresh(keys, now_us += SECOND_US));
            assert_string_equal(current_id(keys), "old");
            assert_int_equal(count_logged(place, "jwt-keys-bad"), i + 1); /* once each */
        }
    }
    assert_int_equal(unlink(place->path), 0);
    for (int looks = 0; looks < 3; looks++) {
        assert_false(jwt_keys_refresh(keys, now_us += SECOND_US));
    }
    assert_int_equal(mkdir(place->path, 0700), 0);
    for (int looks = 0; looks < 3; looks++) {
        assert_false(jwt_keys_refresh(keys, now_us += SECOND_US));
    }
    assert_int_equal(count_logged(place, "jwt-keys-bad"), 4);
    assert_string_equal(current_id(keys), "old");
    assert_int_equal(rmdir(place->path), 0);
    folder_write(place->folder, "keys", 0600, place->texts[1]);
    assert_true(jwt_keys_refresh(keys, now_us += SECOND_US));
    assert_string_equal(current_id(keys), "new");
    jwt_keys_destroy(keys);
}

static void a_file_may_come_later(void **state) {
    struct place *place = *state;
    int64_t now_us = SECOND_US;
    struct jwt_keys *keys = jwt_keys_create(JWT_EDDSA, place->path, now_us);
    assert_int_equal(jwt_keys_current(keys)->count, 0);
    assert_false(jwt_keys_refresh(keys, now_us += SECOND_US));
    assert_int_equal(count_logged(place, "jwt-keys-bad"), 1);
    folder_write(place->folder, "keys", 0600, place->texts[0]);
    assert_true(jwt_keys_refresh(keys, now_us += SECOND_US));
    assert_string_equal(current_id(keys), "old");
    jwt_keys_destroy(keys);
}

/* No key is in the log. */
static void keys_are_not_logged(void **state) {
    struct place *place = *state;
    folder_write(place->folder, "keys", 0600, place->texts[0]);
    struct jwt_keys *keys = jwt_keys_create(JWT_EDDSA, place->path, SECOND_US);
    const char *x = strstr(place->texts[0], "\"x\":\"");
    assert_non_null(x);
    char start[24];
    (void)snprintf(start, sizeof start, "%.16s", x + 5);
    assert_int_equal(count_logged(place, "jwt-keys-read"), 1);
    assert_int_equal(count_logged(place, start), 0);
    jwt_keys_destroy(keys);
}

int main(void) {
    log_init("jwt_keys_test", LOG_INFO);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_of_the_algorithm_are_taken),
        cmocka_unit_test(pem_is_taken_too),
        cmocka_unit_test(weak_and_foreign_keys_are_of_no_use),
        cmocka_unit_test(a_private_key_does_not_belong_there),
        cmocka_unit_test(what_a_key_says_of_itself_counts),
        cmocka_unit_test(other_files_are_broken),
        cmocka_unit_test(there_is_a_limit_to_keys_and_size),
        cmocka_unit_test_setup_teardown(a_changed_file_is_read_again, make_place, free_place),
        cmocka_unit_test_setup_teardown(a_broken_file_takes_nothing_away, make_place, free_place),
        cmocka_unit_test_setup_teardown(a_file_may_come_later, make_place, free_place),
        cmocka_unit_test_setup_teardown(keys_are_not_logged, make_place, free_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
