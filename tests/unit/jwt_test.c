/* JWTs: what the identity provider said, in the one way it was agreed on, and nothing else. */
#include "gateway/jwt.h"
#include "shared/base64url.h"
#include "tests/support/expect.h"
#include "tests/support/provider.h"

#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>

#define ISSUER "\"iss\":\"https://login.example/\""
#define SUBJECT "\"sub\":\"alice\""
#define AUDIENCE "\"aud\":\"tickets\""
#define EXPIRY "\"exp\":1795458692"
#define GOOD_CLAIMS "{" ISSUER "," SUBJECT "," AUDIENCE "," EXPIRY "}"

enum { ALGORITHMS = 3 };

static const int64_t now_us = 1795455092000000;
static const int64_t expiry_us = 1795458692000000;
static const int64_t skew_us = 60000000;

/* A provider with a key of each kind, and somebody else who has such keys as well. */
struct world {
    struct provider_key keys[ALGORITHMS];
    struct provider_key others[ALGORITHMS];
};

static const char *const algorithms[ALGORITHMS] = {"RS256", "ES256", "EdDSA"};

static int make_world(void **state) {
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    for (int i = 0; i < ALGORITHMS; i++) {
        world->keys[i] = provider_key_create(algorithms[i], "key-1");
        world->others[i] = provider_key_create(algorithms[i], "key-1");
    }
    *state = world;
    return 0;
}

static int free_world(void **state) {
    struct world *world = *state;
    for (int i = 0; i < ALGORITHMS; i++) {
        provider_key_free(&world->keys[i]);
        provider_key_free(&world->others[i]);
    }
    free(world);
    return 0;
}

static enum jwt_verdict verify_at(const struct provider_key *key, const char *token,
                                  int64_t unix_us, struct jwt_claims *claims) {
    struct jwt_rules rules = {.issuer = "https://login.example/", .audience = "tickets"};
    assert_true(jwt_algorithm_from_text(key->algorithm, &rules.algorithm));
    struct jwt_key_set set = {.count = 1};
    set.keys[0].key = key->key;
    (void)snprintf(set.keys[0].id, sizeof set.keys[0].id, "%s", key->id != NULL ? key->id : "");
    return jwt_verify(&rules, &set, token, unix_us, claims);
}

static enum jwt_verdict verify(const struct provider_key *key, const char *token) {
    struct jwt_claims claims;
    return verify_at(key, token, now_us, &claims);
}

static void expect_verdict(const struct provider_key *key, char *token_take, const char *what,
                           enum jwt_verdict wanted) {
    enum jwt_verdict verdict = verify(key, token_take);
    expect(verdict == wanted, "%s: %s", what, jwt_verdict_text(verdict));
    free(token_take);
}

static void a_good_token_says_who_and_how_long(void **state) {
    struct world *world = *state;
    for (int i = 0; i < ALGORITHMS; i++) {
        struct jwt_claims claims;
        char *token = provider_token(&world->keys[i], GOOD_CLAIMS);
        assert_int_equal(verify_at(&world->keys[i], token, now_us, &claims), JWT_GOOD);
        assert_string_equal(claims.subject, "alice");
        assert_true(claims.expires_us == expiry_us + skew_us);
        free(token);
    }
}

static void no_algorithm_but_the_agreed_one(void **state) {
    struct world *world = *state;
    static const char *const headers[] = {
        "{\"alg\":\"none\"}",
        "{\"alg\":\"None\"}",
        "{\"alg\":\"\"}",
        "{\"alg\":null}",
        "{\"alg\":[\"ES256\"]}",
        "{\"alg\":\"es256\"}",
        "{}",
        "{\"alg\":\"ES384\"}",
        "{\"alg\":\"RS256\"}",
    };
    const struct provider_key *key = &world->keys[JWT_ES256];
    for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
        expect_verdict(key, provider_join(headers[i], GOOD_CLAIMS, (const uint8_t *)"", 0),
                       headers[i], JWT_OTHER_ALGORITHM);
        expect_verdict(key, provider_sign(key, headers[i], GOOD_CLAIMS), headers[i],
                       JWT_OTHER_ALGORITHM);
    }
    for (int mine = 0; mine < ALGORITHMS; mine++) {
        for (int other = 0; other < ALGORITHMS; other++) {
            expect_verdict(&world->keys[mine], provider_token(&world->keys[other], GOOD_CLAIMS),
                           algorithms[other], mine == other ? JWT_GOOD : JWT_OTHER_ALGORITHM);
        }
    }
}

/* The public key, which everybody has, as the secret of an HMAC. */
static void a_public_key_is_no_secret(void **state) {
    struct world *world = *state;
    for (int i = 0; i < ALGORITHMS; i++) {
        const struct provider_key *key = &world->keys[i];
        char *pem = provider_pem(key);
        for (int honest = 0; honest <= 1; honest++) {
            char header[64];
            uint8_t mac[32];
            (void)snprintf(header, sizeof header, "{\"alg\":\"%s\"}",
                           honest ? "HS256" : key->algorithm);
            char *text = provider_join(header, GOOD_CLAIMS, NULL, 0);
            assert_non_null(HMAC(EVP_sha256(), pem, (int)strlen(pem), (const uint8_t *)text,
                                 strlen(text), mac, NULL));
            expect_verdict(key, provider_join(header, GOOD_CLAIMS, mac, sizeof mac), header,
                           honest ? JWT_OTHER_ALGORITHM : JWT_BAD_SIGNATURE);
            free(text);
        }
        free(pem);
    }
}

/* The header says what is agreed on, the signature is of another kind. */
static void a_signature_of_another_kind(void **state) {
    struct world *world = *state;
    for (int mine = 0; mine < ALGORITHMS; mine++) {
        for (int other = 0; other < ALGORITHMS; other++) {
            char header[64];
            (void)snprintf(header, sizeof header, "{\"alg\":\"%s\"}", algorithms[mine]);
            expect_verdict(&world->keys[mine],
                           provider_sign(&world->keys[other], header, GOOD_CLAIMS), header,
                           mine == other ? JWT_GOOD : JWT_BAD_SIGNATURE);
        }
    }
}

static void somebody_elses_key(void **state) {
    struct world *world = *state;
    for (int i = 0; i < ALGORITHMS; i++) {
        expect_verdict(&world->keys[i], provider_token(&world->others[i], GOOD_CLAIMS),
                       algorithms[i], JWT_BAD_SIGNATURE);
    }
}

/* Every character of the token, and every length of its signature. */
static void what_is_altered_is_refused(void **state) {
    struct world *world = *state;
    for (int i = 0; i < ALGORITHMS; i++) {
        const struct provider_key *key = &world->keys[i];
        char *token = provider_token(key, GOOD_CLAIMS);
        size_t length = strlen(token);
        for (size_t at = 0; at < length; at++) {
            char original = token[at];
            token[at] = original == 'A' ? 'B' : 'A';
            expect(verify(key, token) != JWT_GOOD, "%s: altered at %zu", algorithms[i], at);
            token[at] = original;
        }
        assert_int_equal(verify(key, token), JWT_GOOD);
        for (char *end = token + length - 1; *end != '.'; end--) {
            *end = '\0';
            assert_int_equal(verify(key, token), JWT_BAD_SIGNATURE);
        }
        free(token);
    }
}

static void what_is_added_is_refused(void **state) {
    struct world *world = *state;
    static const char *const tails[] = {"A", "AA", "AAA", "AAAA", "=", "==", " ", "\n", ".", ".A"};
    for (int i = 0; i < ALGORITHMS; i++) {
        char *token = provider_token(&world->keys[i], GOOD_CLAIMS);
        for (size_t j = 0; j < ARRAY_LEN(tails); j++) {
            char longer[2048];
            (void)snprintf(longer, sizeof longer, "%s%s", token, tails[j]);
            assert_int_equal(verify(&world->keys[i], longer),
                             tails[j][0] == '.' ? JWT_MALFORMED : JWT_BAD_SIGNATURE);
        }
        free(token);
    }
}

/* The last character of 64 bytes has four loose bits. */
static void a_signature_has_one_spelling(void **state) {
    struct world *world = *state;
    const struct provider_key *key = &world->keys[JWT_ES256];
    char *token = provider_token(key, GOOD_CLAIMS);
    char *last = token + strlen(token) - 1;
    unsigned good = 0;
    for (int byte = 1; byte < 256; byte++) {
        *last = (char)byte;
        good += verify(key, token) == JWT_GOOD;
    }
    assert_int_equal(good, 1);
    free(token);
}

static void es256_signatures_are_raw(void **state) {
    struct world *world = *state;
    const struct provider_key *key = &world->keys[JWT_ES256];
    const char *header = "{\"alg\":\"ES256\"}";
    char *text = provider_join(header, GOOD_CLAIMS, NULL, 0);
    uint8_t der[80], zeros[64] = {0}, ones[64];
    size_t size_bytes = sizeof der;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key->key), 1);
    assert_int_equal(EVP_DigestSign(context, der, &size_bytes, (const uint8_t *)text, strlen(text)),
                     1);
    EVP_MD_CTX_free(context);
    memset(ones, 0xff, sizeof ones); /* above the group's order */
    expect_verdict(key, provider_join(header, GOOD_CLAIMS, der, size_bytes), "DER",
                   JWT_BAD_SIGNATURE);
    expect_verdict(key, provider_join(header, GOOD_CLAIMS, zeros, 64), "zeros", JWT_BAD_SIGNATURE);
    expect_verdict(key, provider_join(header, GOOD_CLAIMS, zeros, 63), "63", JWT_BAD_SIGNATURE);
    expect_verdict(key, provider_join(header, GOOD_CLAIMS, ones, 64), "ones", JWT_BAD_SIGNATURE);
    expect_verdict(key, provider_join(header, GOOD_CLAIMS, ones, 0), "none", JWT_BAD_SIGNATURE);
    free(text);
}

static void headers_are_read_strictly(void **state) {
    struct world *world = *state;
    const struct provider_key *key = &world->keys[JWT_EDDSA];
    static const struct {
        const char *header;
        enum jwt_verdict verdict;
    } cases[] = {
        {"{\"alg\":\"EdDSA\"}", JWT_GOOD},
        {"{\"alg\":\"EdDSA\",\"kid\":\"key-1\"}", JWT_GOOD},
        {"{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"x5u\":\"https://evil/\",\"jku\":1}", JWT_GOOD},
        {"{\"alg\":\"EdDSA\",\"kid\":\"key-2\"}", JWT_UNKNOWN_KEY},
        {"{\"alg\":\"EdDSA\",\"kid\":\"key-10\"}", JWT_UNKNOWN_KEY},
        {"{\"alg\":\"EdDSA\",\"kid\":\"\"}", JWT_MALFORMED},
        {"{\"alg\":\"EdDSA\",\"kid\":1}", JWT_MALFORMED},
        {"{\"alg\":\"EdDSA\",\"kid\":null}", JWT_MALFORMED},
        {"{\"alg\":\"EdDSA\",\"crit\":[\"exp\"]}", JWT_CRITICAL_HEADER},
        {"{\"alg\":\"EdDSA\",\"b64\":false,\"crit\":[\"b64\"]}", JWT_CRITICAL_HEADER},
        {"{\"alg\":\"EdDSA\",\"crit\":null}", JWT_CRITICAL_HEADER},
        {"{\"alg\":\"none\",\"alg\":\"EdDSA\"}", JWT_MALFORMED},
        {"{\"alg\":\"EdDSA\"}{}", JWT_MALFORMED},
        {"[\"EdDSA\"]", JWT_MALFORMED},
        {"\"EdDSA\"", JWT_MALFORMED},
        {"EdDSA", JWT_MALFORMED},
        {"", JWT_MALFORMED},
        {"{\"alg\":\"EdDSA\",\"\xff\":1}", JWT_MALFORMED},
        {"{\"alg\":\"EdDSA\\u0000\"}", JWT_MALFORMED},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        expect_verdict(key, provider_sign(key, cases[i].header, GOOD_CLAIMS), cases[i].header,
                       cases[i].verdict);
    }
    char header[1100];
    (void)snprintf(header, sizeof header, "{\"alg\":\"EdDSA\",\"kid\":\"%0*d\"}",
                   JWT_KEY_ID_MAX_BYTES + 1, 0);
    expect_verdict(key, provider_sign(key, header, GOOD_CLAIMS), "a long kid", JWT_MALFORMED);
    (void)snprintf(header, sizeof header, "{\"alg\":\"EdDSA\",\"x\":\"%01010d\"}", 0);
    expect_verdict(key, provider_sign(key, header, GOOD_CLAIMS), "a long header", JWT_MALFORMED);
}

static void claims_are_demanded(void **state) {
    struct world *world = *state;
    const struct provider_key *key = &world->keys[JWT_EDDSA];
    static const struct {
        const char *claims;
        enum jwt_verdict verdict;
    } cases[] = {
        {"{" SUBJECT "," AUDIENCE "," EXPIRY "}", JWT_BAD_CLAIM},
        {"{\"iss\":1," SUBJECT "," AUDIENCE "," EXPIRY "}", JWT_BAD_CLAIM},
        {"{\"iss\":\"https://login.example\"," SUBJECT "," AUDIENCE "," EXPIRY "}",
         JWT_OTHER_ISSUER},
        {"{\"iss\":\"HTTPS://login.example/\"," SUBJECT "," AUDIENCE "," EXPIRY "}",
         JWT_OTHER_ISSUER},
        {"{" ISSUER "," AUDIENCE "," EXPIRY "}", JWT_BAD_CLAIM},
        {"{" ISSUER ",\"sub\":\"\"," AUDIENCE "," EXPIRY "}", JWT_BAD_CLAIM},
        {"{" ISSUER ",\"sub\":7," AUDIENCE "," EXPIRY "}", JWT_BAD_CLAIM},
        {"{" ISSUER "," SUBJECT "," EXPIRY "}", JWT_BAD_CLAIM},
        {"{" ISSUER "," SUBJECT ",\"aud\":\"ticket\"," EXPIRY "}", JWT_OTHER_AUDIENCE},
        {"{" ISSUER "," SUBJECT ",\"aud\":[]," EXPIRY "}", JWT_OTHER_AUDIENCE},
        {"{" ISSUER "," SUBJECT ",\"aud\":[\"a\",\"b\"]," EXPIRY "}", JWT_OTHER_AUDIENCE},
        {"{" ISSUER "," SUBJECT ",\"aud\":[\"a\",\"tickets\"]," EXPIRY "}", JWT_GOOD},
        {"{" ISSUER "," SUBJECT ",\"aud\":[\"tickets\",1]," EXPIRY "}", JWT_BAD_CLAIM},
        {"{" ISSUER "," SUBJECT ",\"aud\":[[\"tickets\"]]," EXPIRY "}", JWT_BAD_CLAIM},
        {"{" ISSUER "," SUBJECT ",\"aud\":{\"tickets\":1}," EXPIRY "}", JWT_BAD_CLAIM},
        {"{" ISSUER "," SUBJECT "," AUDIENCE "}", JWT_BAD_CLAIM},
        {"{" ISSUER "," SUBJECT "," AUDIENCE "," EXPIRY ",\"nbf\":\"soon\"}", JWT_BAD_CLAIM},
        {"{" ISSUER "," SUBJECT "," AUDIENCE "," EXPIRY ",\"nbf\":null}", JWT_BAD_CLAIM},
        {"{" ISSUER "," SUBJECT "," AUDIENCE "," EXPIRY ",\"nbf\":-1}", JWT_BAD_CLAIM},
        {"{" ISSUER "," SUBJECT "," AUDIENCE "," EXPIRY ",\"exp\":1}", JWT_MALFORMED},
        {"{" ISSUER "," SUBJECT "," AUDIENCE "," EXPIRY "," AUDIENCE "}", JWT_MALFORMED},
        {"{" ISSUER "," SUBJECT "," AUDIENCE "," EXPIRY ",\"a\":{\"b\":1,\"b\":1}}", JWT_MALFORMED},
        {"{" ISSUER "," SUBJECT "," AUDIENCE "," EXPIRY ",\"a\":{\"b\":[1e1,null]}}", JWT_GOOD},
        {"{" ISSUER ",\"sub\":\"a\\u0000b\"," AUDIENCE "," EXPIRY "}", JWT_MALFORMED},
        {"{" ISSUER ",\"sub\":\"\xc3\"," AUDIENCE "," EXPIRY "}", JWT_MALFORMED},
        {"[" GOOD_CLAIMS "]", JWT_MALFORMED},
        {GOOD_CLAIMS "x", JWT_MALFORMED},
        {"alice", JWT_MALFORMED},
        {"", JWT_MALFORMED},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        expect_verdict(key, provider_token(key, cases[i].claims), cases[i].claims,
                       cases[i].verdict);
    }
}

static void numbers_have_bounds(void **state) {
    struct world *world = *state;
    const struct provider_key *key = &world->keys[JWT_EDDSA];
    static const struct {
        const char *expiry;
        enum jwt_verdict verdict;
    } cases[] = {
        {"1795458692.75", JWT_GOOD},
        {"1.795458692e9", JWT_GOOD},
        {"253402300799", JWT_GOOD}, /* the end of the year 9999 */
        {"253402300799.0", JWT_GOOD},
        {"253402300800", JWT_BAD_CLAIM},
        {"253402300799.5", JWT_BAD_CLAIM},
        {"9223372036854775807", JWT_BAD_CLAIM},
        {"9223372036854775808", JWT_MALFORMED},
        {"99999999999999999999999999999999", JWT_MALFORMED},
        {"1e18", JWT_BAD_CLAIM},
        {"1e308", JWT_BAD_CLAIM},
        {"1e400", JWT_MALFORMED},
        {"NaN", JWT_MALFORMED},
        {"Infinity", JWT_MALFORMED},
        {"-1", JWT_BAD_CLAIM},
        {"-9223372036854775808", JWT_BAD_CLAIM},
        {"-1e300", JWT_BAD_CLAIM},
        {"0", JWT_EXPIRED},
        {"0.0", JWT_EXPIRED},
        {"-0", JWT_EXPIRED},
        {"\"1795458692\"", JWT_BAD_CLAIM},
        {"true", JWT_BAD_CLAIM},
        {"null", JWT_BAD_CLAIM},
        {"[1795458692]", JWT_BAD_CLAIM},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char claims[256];
        (void)snprintf(claims, sizeof claims, "{" ISSUER "," SUBJECT "," AUDIENCE ",\"exp\":%s}",
                       cases[i].expiry);
        expect_verdict(key, provider_token(key, claims), claims, cases[i].verdict);
    }
}

/* To the microsecond. */
static void a_minute_is_tolerated_and_no_more(void **state) {
    struct world *world = *state;
    const struct provider_key *key = &world->keys[JWT_EDDSA];
    struct jwt_claims claims;
    char *token =
        provider_token(key, "{" ISSUER "," SUBJECT "," AUDIENCE "," EXPIRY ",\"nbf\":1795455092}");
    const struct {
        int64_t at_us;
        enum jwt_verdict verdict;
    } cases[] = {
        {expiry_us + skew_us - 1, JWT_GOOD},
        {expiry_us + skew_us, JWT_EXPIRED},
        {INT64_MAX, JWT_EXPIRED},
        {now_us - skew_us, JWT_GOOD},
        {now_us - skew_us - 1, JWT_NOT_YET},
        {0, JWT_NOT_YET},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(verify_at(key, token, cases[i].at_us, &claims), cases[i].verdict);
    }
    free(token);
}

static void other_forms_are_refused(void **state) {
    struct world *world = *state;
    const struct provider_key *key = &world->keys[JWT_EDDSA];
    static const char *const texts[] = {
        "",
        ".",
        "..",
        "...",
        "a.b",
        "a.b.c.d",
        "e30.e30.",
        "e30..e30",
        ".e30.e30",
        "{\"alg\":\"EdDSA\"}.e30.e30",
        "e30=.e30.AA",
        "e31.e30.AA",
        "e30 .e30.AA",
        "e30.e30.\x80",
        "bnVsbA.e30.AA",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        enum jwt_verdict verdict = verify(key, texts[i]);
        expect(verdict == JWT_MALFORMED || verdict == JWT_OTHER_ALGORITHM, "%s: %s", texts[i],
               jwt_verdict_text(verdict));
    }
}

/* The subject makes it as long as wanted: four thirds of every byte. */
static char *token_with_padding(const struct provider_key *key, const char *name, size_t bytes) {
    char *claims = NULL;
    assert_true(asprintf(&claims, "{" ISSUER "," AUDIENCE "," EXPIRY "%s,\"%s\":\"%0*d\"}",
                         strcmp(name, "sub") == 0 ? "" : "," SUBJECT, name, (int)bytes, 0) > 0);
    char *token = provider_token(key, claims);
    free(claims);
    return token;
}

static void lengths_have_limits(void **state) {
    struct world *world = *state;
    const struct provider_key *key = &world->keys[JWT_EDDSA];
    size_t padding = 5800;
    char *token = token_with_padding(key, "padding", padding);
    while (strlen(token) + 4 <= JWT_MAX_BYTES) {
        free(token);
        token = token_with_padding(key, "padding", ++padding);
    }
    assert_in_range(strlen(token), JWT_MAX_BYTES - 3, JWT_MAX_BYTES);
    assert_int_equal(verify(key, token), JWT_GOOD);
    free(token);
    expect_verdict(key, token_with_padding(key, "padding", padding + 6), "8 KB and more",
                   JWT_TOO_LONG);
    expect_verdict(key, token_with_padding(key, "padding", 1 << 20), "a megabyte", JWT_TOO_LONG);
    expect_verdict(key, token_with_padding(key, "sub", JWT_SUBJECT_MAX_BYTES), "a long subject",
                   JWT_GOOD);
    expect_verdict(key, token_with_padding(key, "sub", JWT_SUBJECT_MAX_BYTES + 1),
                   "a subject that is too long", JWT_BAD_CLAIM);
}

static void keys_are_chosen_by_their_id(void **state) {
    struct world *world = *state;
    const struct jwt_rules rules = {JWT_EDDSA, "https://login.example/", "tickets"};
    const struct provider_key first = {"EdDSA", "one", world->keys[JWT_EDDSA].key};
    const struct provider_key second = {"EdDSA", "two", world->others[JWT_EDDSA].key};
    const struct {
        const char *ids[2]; /* of the set's keys: first, second */
        const struct provider_key *signer;
        const char *id; /* in the token */
        enum jwt_verdict verdict;
    } cases[] = {
        {{"one", "two"}, &first, "one", JWT_GOOD},
        {{"one", "two"}, &second, "two", JWT_GOOD},
        {{"one", "two"}, &second, "one", JWT_BAD_SIGNATURE},
        {{"one", "two"}, &second, "three", JWT_UNKNOWN_KEY},
        {{"one", "two"}, &second, NULL, JWT_GOOD},
        {{"one", "one"}, &second, "one", JWT_GOOD}, /* while a key is replaced under its id */
        {{"", ""}, &second, "three", JWT_GOOD},
        {{"one", ""}, &second, "three", JWT_GOOD},
        {{"one", ""}, &first, "three", JWT_BAD_SIGNATURE},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct jwt_key_set set = {.count = 2};
        struct jwt_claims claims;
        struct provider_key signer = *cases[i].signer;
        set.keys[0].key = first.key;
        set.keys[1].key = second.key;
        for (int j = 0; j < 2; j++) {
            (void)snprintf(set.keys[j].id, sizeof set.keys[j].id, "%s", cases[i].ids[j]);
        }
        signer.id = cases[i].id;
        char *token = provider_token(&signer, GOOD_CLAIMS);
        enum jwt_verdict verdict = jwt_verify(&rules, &set, token, now_us, &claims);
        expect(verdict == cases[i].verdict, "%zu: %s", i, jwt_verdict_text(verdict));
        free(token);
    }
    const struct jwt_key_set none = {.count = 0};
    struct jwt_claims claims;
    assert_int_equal(jwt_verify(&rules, &none, "e30.e30.AA", now_us, &claims), JWT_NO_KEYS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_token_says_who_and_how_long),
        cmocka_unit_test(no_algorithm_but_the_agreed_one),
        cmocka_unit_test(a_public_key_is_no_secret),
        cmocka_unit_test(a_signature_of_another_kind),
        cmocka_unit_test(somebody_elses_key),
        cmocka_unit_test(what_is_altered_is_refused),
        cmocka_unit_test(what_is_added_is_refused),
        cmocka_unit_test(a_signature_has_one_spelling),
        cmocka_unit_test(es256_signatures_are_raw),
        cmocka_unit_test(headers_are_read_strictly),
        cmocka_unit_test(claims_are_demanded),
        cmocka_unit_test(numbers_have_bounds),
        cmocka_unit_test(a_minute_is_tolerated_and_no_more),
        cmocka_unit_test(other_forms_are_refused),
        cmocka_unit_test(lengths_have_limits),
        cmocka_unit_test(keys_are_chosen_by_their_id),
    };
    return cmocka_run_group_tests(tests, make_world, free_world);
}
