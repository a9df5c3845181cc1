/* People of the identity provider: who they are here, and what is remembered of their tokens. */
#include "gateway/identity.h"
#include "shared/clock.h"
#include "shared/ids.h"
#include "shared/log.h"
#include "tests/support/expect.h"
#include "tests/support/folder.h"
#include "tests/support/provider.h"

#include <stdio.h>
#include <stdlib.h>

enum { SECOND_US = 1000000 };

static const int64_t now_us = 1795455092000000;
static const int64_t expiry_us = (1795458692 + (int64_t)JWT_SKEW_SECONDS) * SECOND_US;

struct world {
    char folder[FOLDER_PATH_SIZE];
    struct config config;
    struct provider_key key;
    struct identity *identity;
    int64_t looked_us; /* monotonic */
};

static void publish(const struct world *world, const struct provider_key *key) {
    char *text = provider_jwks(key, 1);
    folder_write(world->folder, "keys", 0600, text);
    free(text);
}

static struct world *make_world(void **state, const char *algorithm) {
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    *state = world;
    folder_create(world->folder);
    struct config *config = &world->config;
    (void)snprintf(config->jwt_issuer, sizeof config->jwt_issuer, "https://login.example/");
    (void)snprintf(config->jwt_audience, sizeof config->jwt_audience, "tickets");
    (void)snprintf(config->jwt_algorithm, sizeof config->jwt_algorithm, "%s", algorithm);
    (void)snprintf(config->jwt_keys, sizeof config->jwt_keys, "%s/keys", world->folder);
    world->key = provider_key_create(algorithm, "one");
    publish(world, &world->key);
    world->looked_us = SECOND_US;
    world->identity = identity_create(config, world->looked_us);
    assert_non_null(world->identity);
    return world;
}

static int free_world(void **state) {
    struct world *world = *state;
    identity_destroy(world->identity);
    provider_key_free(&world->key);
    folder_remove(world->folder);
    free(world);
    return 0;
}

static char *token_of(const struct world *world, const char *subject) {
    char claims[256];
    (void)snprintf(claims, sizeof claims,
                   "{\"iss\":\"https://login.example/\",\"sub\":\"%s\",\"aud\":\"tickets\","
                   "\"exp\":1795458692}",
                   subject);
    return provider_token(&world->key, claims);
}

static enum jwt_verdict verify(struct world *world, const char *token) {
    struct session session;
    return identity_verify(world->identity, token, now_us, &session);
}

static void expect_counts(const struct world *world, unsigned verified, unsigned remembered,
                          unsigned refused) {
    struct identity_counts counts = identity_counts(world->identity);
    assert_int_equal(counts.verified, verified);
    assert_int_equal(counts.remembered, remembered);
    assert_int_equal(counts.refused, refused);
}

static void a_subject_is_the_same_user_with_every_token(void **state) {
    struct world *world = make_world(state, "EdDSA");
    struct id128 alice = user_id_derive("https://login.example/", "alice");
    char *tokens[] = {token_of(world, "alice"), token_of(world, "bob")};
    for (int again = 0; again < 2; again++) {
        struct session session = {.guest = true};
        assert_int_equal(identity_verify(world->identity, tokens[0], now_us, &session), JWT_GOOD);
        assert_true(id128_equal(&session.user, &alice));
        assert_false(session.guest);
        assert_true(session.expires_us == expiry_us);
        assert_int_equal(identity_verify(world->identity, tokens[1], now_us, &session), JWT_GOOD);
        assert_false(id128_equal(&session.user, &alice));
    }
    expect_counts(world, 2, 2, 0);
    free(tokens[0]);
    free(tokens[1]);
}

static void what_is_remembered_ends_with_the_token(void **state) {
    struct world *world = make_world(state, "EdDSA");
    char *token = token_of(world, "alice");
    struct session session;
    assert_int_equal(identity_verify(world->identity, token, expiry_us - 1, &session), JWT_GOOD);
    assert_int_equal(identity_verify(world->identity, token, expiry_us - 1, &session), JWT_GOOD);
    assert_int_equal(identity_verify(world->identity, token, expiry_us, &session), JWT_EXPIRED);
    expect_counts(world, 1, 1, 1);
    free(token);
}

static void a_likeness_is_not_remembered(void **state) {
    struct world *world = make_world(state, "ES256");
    char *token = token_of(world, "alice");
    assert_int_equal(verify(world, token), JWT_GOOD);
    char *last = token + strlen(token) - 1;
    *last = *last == 'A' ? 'Q' : 'A';
    assert_int_equal(verify(world, token), JWT_BAD_SIGNATURE);
    assert_int_equal(verify(world, token), JWT_BAD_SIGNATURE);
    expect_counts(world, 1, 0, 2);
    free(token);
}

static void new_keys_make_it_forget(void **state) {
    struct world *world = make_world(state, "EdDSA");
    char *old_token = token_of(world, "alice");
    assert_int_equal(verify(world, old_token), JWT_GOOD);
    identity_tick(world->identity, world->looked_us += SECOND_US);
    assert_int_equal(verify(world, old_token), JWT_GOOD); /* nothing has changed */
    expect_counts(world, 1, 1, 0);

    struct provider_key old_key = world->key;
    world->key = provider_key_create("EdDSA", "two");
    publish(world, &world->key);
    char *new_token = token_of(world, "alice");
    assert_int_equal(verify(world, new_token), JWT_UNKNOWN_KEY); /* not yet looked at */
    identity_tick(world->identity, world->looked_us += SECOND_US);
    assert_int_equal(verify(world, new_token), JWT_GOOD);
    assert_int_equal(verify(world, old_token), JWT_UNKNOWN_KEY);
    provider_key_free(&old_key);
    free(old_token);
    free(new_token);
}

/* Of 600 people some ten share a place in the table: they take turns, and are never mistaken for
 * each other. */
static void those_who_share_a_place_stay_themselves(void **state) {
    struct world *world = make_world(state, "EdDSA");
    enum { PEOPLE = 600 };
    char *tokens[PEOPLE];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < PEOPLE; i++) {
            char name[16];
            struct session session;
            (void)snprintf(name, sizeof name, "person-%d", i);
            struct id128 user = user_id_derive("https://login.example/", name);
            if (round == 0) {
                tokens[i] = token_of(world, name);
            }
            assert_int_equal(identity_verify(world->identity, tokens[i], now_us, &session),
                             JWT_GOOD);
            assert_true(id128_equal(&session.user, &user));
        }
    }
    for (int i = 0; i < PEOPLE; i++) {
        free(tokens[i]);
    }
}

static void a_megabyte_is_not_even_hashed(void **state) {
    struct world *world = make_world(state, "EdDSA");
    size_t size_bytes = 1 << 20;
    char *token = malloc(size_bytes + 1);
    assert_non_null(token);
    memset(token, 'A', size_bytes);
    token[size_bytes / 3] = token[size_bytes / 2] = '.';
    token[size_bytes] = '\0';
    assert_int_equal(verify(world, token), JWT_TOO_LONG);
    free(token);
}

/* What remembering is for. */
static void the_figures(void **state) {
    static const char *const algorithms[] = {"RS256", "ES256", "EdDSA"};
    enum { ROUNDS = 200 };
    for (size_t i = 0; i < ARRAY_LEN(algorithms); i++) {
        struct world *world = make_world(state, algorithms[i]);
        char *token = token_of(world, "alice");
        char *forged = strdup(token);
        assert_non_null(forged);
        forged[strlen(forged) - 9] = forged[strlen(forged) - 9] == 'A' ? 'B' : 'A';
        int64_t begin_us = clock_monotonic_us();
        for (int j = 0; j < ROUNDS; j++) {
            assert_int_equal(verify(world, forged), JWT_BAD_SIGNATURE);
        }
        int64_t middle_us = clock_monotonic_us();
        for (int j = 0; j < ROUNDS; j++) {
            assert_int_equal(verify(world, token), JWT_GOOD);
        }
        int64_t end_us = clock_monotonic_us();
        (void)printf("%s: verified in %.1f µs, remembered in %.1f µs\n", algorithms[i],
                     (double)(middle_us - begin_us) / ROUNDS,
                     (double)(end_us - middle_us) / ROUNDS);
        free(token);
        free(forged);
        assert_int_equal(free_world(state), 0);
    }
}

int main(void) {
    log_init("identity_test", LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_subject_is_the_same_user_with_every_token, free_world),
        cmocka_unit_test_teardown(what_is_remembered_ends_with_the_token, free_world),
        cmocka_unit_test_teardown(a_likeness_is_not_remembered, free_world),
        cmocka_unit_test_teardown(new_keys_make_it_forget, free_world),
        cmocka_unit_test_teardown(those_who_share_a_place_stay_themselves, free_world),
        cmocka_unit_test_teardown(a_megabyte_is_not_even_hashed, free_world),
        cmocka_unit_test(the_figures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
