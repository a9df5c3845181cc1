/* People of the site's identity provider: they book like guests do, on every gateway, with nothing
 * but a good token; keys change while all runs; and guests can be shut out. */
#include "shared/ids.h"
#include "tests/support/expect.h"
#include "tests/support/provider.h"
#include "tests/support/shop.h"
#include "tests/support/wait.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ISSUER "https://login.example/realms/fans"
#define INVALID_TOKEN "Bearer error=\"invalid_token\""

enum { ROTATION_MS = 2000, NOTICE_MS = 10000, MEGABYTE = 1 << 20 };

struct site {
    struct cluster *cluster;
    char folder[FOLDER_PATH_SIZE]; /* of the key file */
    char keys_setting[SHOP_TEXT_SIZE];
    struct provider_key key;
};

static void publish(const struct site *site, const struct provider_key *key) {
    char *text = provider_jwks(key, 1);
    folder_write(site->folder, "jwks.json", 0644, text);
    free(text);
}

/* What the provider says of somebody, now; times in seconds from now. */
static char *claims_of(const char *issuer, const char *subject, const char *audience,
                       int expires_in, int begins_in) {
    char *claims = NULL;
    int64_t now = time(NULL);
    ensure(asprintf(&claims,
                    "{\"iss\":\"%s\",\"sub\":\"%s\",\"aud\":\"%s\",\"iat\":%" PRId64
                    ",\"exp\":%" PRId64 ",\"nbf\":%" PRId64 "}",
                    issuer, subject, audience, now, now + expires_in, now + begins_in) > 0);
    return claims;
}

static char *token_of(const struct provider_key *key, const char *subject) {
    char *claims = claims_of(ISSUER, subject, "tickets", 600, 0);
    char *token = provider_token(key, claims);
    free(claims);
    return token;
}

static struct shop_customer customer_of(const struct site *site, const char *subject) {
    struct shop_customer customer;
    struct id128 user = user_id_derive(ISSUER, subject);
    char *token = token_of(&site->key, subject);
    ensure(strlen(token) < sizeof customer.token);
    (void)snprintf(customer.token, sizeof customer.token, "%s", token);
    (void)id128_to_text(&user, customer.user_id);
    free(token);
    return customer;
}

static struct http_answer list_bookings(const struct site *site, unsigned gateway,
                                        const char *token) {
    struct http_answer answer;
    const struct http_request request = {.method = "GET", .path = "/bookings", .token = token};
    http_call(site->cluster->gateways[gateway].port, &request, &answer);
    return answer;
}

/* --- booking */

static void expect_own_bookings(const struct site *site, const char *subject,
                                const char *booking_id) {
    for (unsigned gateway = 0; gateway < 2; gateway++) {
        struct shop_customer customer = customer_of(site, subject);
        struct http_answer answer = list_bookings(site, gateway, customer.token);
        const json_t *bookings = json_object_get(answer.json, "bookings");
        assert_int_equal(answer.status, 200);
        assert_int_equal(json_array_size(bookings), booking_id != NULL ? 1 : 0);
        if (booking_id != NULL) {
            const json_t *id = json_object_get(json_array_get(bookings, 0), "bookingId");
            assert_string_equal(json_string_value(id), booking_id);
        }
        http_answer_free(&answer);
    }
}

/* Alice holds with one token here, and confirms with another one there. */
static void a_user_books_on_two_gateways(const struct site *site, int64_t event_id) {
    struct cluster *cluster = site->cluster;
    char booking_id[64];
    const struct shop_customer alice = customer_of(site, "auth0|alice@example"),
                               bob = customer_of(site, "auth0|bob@example");
    shop_hold(cluster, 0, &alice, event_id, "A1,A2", booking_id);
    const struct shop_customer alice_later = customer_of(site, "auth0|alice@example");
    assert_string_not_equal(alice.token, alice_later.token);
    shop_expect(shop_confirm(cluster, 1, &bob, booking_id), 404, "not-found");
    shop_expect(shop_confirm(cluster, 1, &alice_later, booking_id), 200, NULL);
    expect_own_bookings(site, "auth0|alice@example", booking_id);
    expect_own_bookings(site, "auth0|bob@example", NULL);
    char *user_id = sql_text(cluster->sql, "SELECT user_id FROM report.bookings", NULL);
    assert_string_equal(user_id, alice.user_id);
    free(user_id);
}

static void an_event_without_guests_takes_users(const struct site *site, int64_t venue_id) {
    struct cluster *cluster = site->cluster;
    const struct shop_event members_only = {.venue_id = venue_id, .more = ",\"guests\":false"};
    int64_t event_id = shop_event(cluster, &members_only);
    const struct shop_customer carol = customer_of(site, "carol");
    struct shop_customer guest;
    shop_customer(cluster, &guest);
    shop_expect(shop_reserve(cluster, 0, &guest, event_id, "A1", NULL), 403, "guests-not-allowed");
    shop_expect(shop_reserve(cluster, 1, &carol, event_id, "A1", NULL), 201, NULL);
}

/* --- tokens that are not good */

static void expect_refused(const struct site *site, const char *token, const char *what) {
    for (unsigned gateway = 0; gateway < 2; gateway++) {
        struct http_answer answer = list_bookings(site, gateway, token);
        expect(answer.status == 401 && strcmp(http_answer_code(&answer), "unauthenticated") == 0 &&
                   http_answer_has_header(&answer, "WWW-Authenticate", INVALID_TOKEN),
               "%s: %d %s", what, answer.status, answer.body);
        http_answer_free(&answer);
    }
}

static void expect_refused_take(const struct site *site, char *token_take, const char *what) {
    expect_refused(site, token_take, what);
    free(token_take);
}

static void expect_accepted(const struct site *site, const char *token) {
    for (unsigned gateway = 0; gateway < 2; gateway++) {
        shop_expect(list_bookings(site, gateway, token), 200, NULL);
    }
}

static void other_signers_are_refused(const struct site *site) {
    char *claims = claims_of(ISSUER, "mallory", "tickets", 600, 0);
    struct provider_key others = provider_key_create("ES256", site->key.id);
    struct provider_key rsa = provider_key_create("RS256", site->key.id);
    char *pem = provider_pem(&site->key);
    uint8_t mac[32];
    const char *hs256 = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
    char *text = provider_join(hs256, claims, NULL, 0);
    assert_non_null(
        HMAC(EVP_sha256(), pem, (int)strlen(pem), (const uint8_t *)text, strlen(text), mac, NULL));
    expect_refused_take(site, provider_join("{\"alg\":\"none\"}", claims, mac, 0), "none");
    expect_refused_take(site, provider_join("{\"alg\":\"none\"}", claims, mac, 32), "none, signed");
    expect_refused_take(site, provider_join(hs256, claims, mac, sizeof mac), "HS256");
    expect_refused_take(site, provider_token(&rsa, claims), "RS256");
    expect_refused_take(site, provider_token(&others, claims), "another key");
    expect_refused_take(site, provider_join("{\"alg\":\"ES256\"}", claims, mac, sizeof mac),
                        "a short signature");
    free(text);
    free(pem);
    free(claims);
    provider_key_free(&rsa);
    provider_key_free(&others);
}

static void altered_tokens_are_refused(const struct site *site) {
    char *token = token_of(&site->key, "mallory");
    expect_accepted(site, token); /* and remembered: what follows is close to it */
    char longer[SHOP_TEXT_SIZE];
    (void)snprintf(longer, sizeof longer, "%sA", token);
    expect_refused(site, longer, "extended");
    (void)snprintf(longer, sizeof longer, "%s.A", token);
    expect_refused(site, longer, "four parts");
    char *signature = strrchr(token, '.') + 1;
    signature[20] = signature[20] == 'A' ? 'B' : 'A';
    expect_refused(site, token, "garbage");
    signature[80] = '\0';
    expect_refused(site, token, "trimmed");
    signature[0] = '\0';
    expect_refused(site, token, "no signature");
    free(token);
}

static void other_claims_are_refused(const struct site *site) {
    static const struct {
        const char *issuer, *audience;
        int expires_in, begins_in;
        const char *problem; /* NULL: good */
    } cases[] = {
        {ISSUER, "tickets", 600, 0, NULL},
        {ISSUER "/", "tickets", 600, 0, "another issuer"},
        {ISSUER, "parking", 600, 0, "another audience"},
        {ISSUER, "tickets", -30, -600, NULL}, /* a minute is tolerated */
        {ISSUER, "tickets", -90, -600, "expired"},
        {ISSUER, "tickets", 600, 30, NULL},
        {ISSUER, "tickets", 600, 90, "not yet"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *claims = claims_of(cases[i].issuer, "dave", cases[i].audience, cases[i].expires_in,
                                 cases[i].begins_in);
        char *token = provider_token(&site->key, claims);
        if (cases[i].problem == NULL) {
            expect_accepted(site, token);
        } else {
            expect_refused(site, token, cases[i].problem);
        }
        free(token);
        free(claims);
    }
    static const char *const odd[] = {
        "dave",
        "[]",
        "{\"iss\":\"" ISSUER "\",\"sub\":\"dave\",\"aud\":\"tickets\"}",
        "{\"iss\":\"" ISSUER "\",\"sub\":\"dave\",\"aud\":\"tickets\",\"exp\":1e400}",
        "{\"iss\":\"" ISSUER "\",\"sub\":\"dave\",\"aud\":\"tickets\",\"exp\":9223372036854775807}",
        "{\"iss\":\"" ISSUER "\",\"sub\":\"dave\",\"sub\":\"eve\",\"aud\":\"tickets\",\"exp\":"
        "4000000000}",
    };
    for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
        expect_refused_take(site, provider_token(&site->key, odd[i]), odd[i]);
    }
}

static void what_is_no_token_is_refused(const struct site *site) {
    struct http_answer answer = list_bookings(site, 0, NULL);
    assert_true(http_answer_has_header(&answer, "WWW-Authenticate", "Bearer"));
    shop_expect(answer, 401, "unauthenticated");
    static const char *const odd[] = {"..", "a.b.c", "a.b", "a", "a.b.c.d.e"};
    for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
        expect_refused(site, odd[i], odd[i]);
    }
    char *text = malloc(MEGABYTE + 1);
    assert_non_null(text);
    memset(text, 'A', MEGABYTE);
    text[1000] = text[2000] = '.';
    text[9000] = '\0';
    expect_refused(site, text, "9 KB");
    text[9000] = 'A';
    text[MEGABYTE] = '\0';
    shop_expect(list_bookings(site, 0, text), 431, "headers-too-large");
    free(text);
    /* A user is no administrator. */
    const struct shop_customer user = customer_of(site, "dave");
    const struct http_request request = {
        .method = "GET", .path = "/admin/events/1", .token = user.token};
    http_call(site->cluster->gateways[0].port, &request, &answer);
    shop_expect(answer, 403, "forbidden");
}

/* --- keys that change */

static bool answers(const struct site *site, unsigned gateway, const char *token, int status) {
    struct http_answer answer = list_bookings(site, gateway, token);
    bool does = answer.status == status;
    http_answer_free(&answer);
    return does;
}

static void keys_are_rotated_while_running(struct site *site) {
    struct provider_key new_key = provider_key_create("ES256", "2027");
    char *old_token = token_of(&site->key, "erin"), *new_token = token_of(&new_key, "erin");
    expect_accepted(site, old_token);
    expect_refused(site, new_token, "a key that is not published");
    int64_t published_ms = wait_now_ms();
    publish(site, &new_key);
    for (unsigned gateway = 0; gateway < 2; gateway++) {
        struct wait wait = wait_at_most(NOTICE_MS);
        while (!answers(site, gateway, new_token, 200)) {
            wait_again(&wait, "the new key");
        }
    }
    int64_t taken_ms = wait_now_ms() - published_ms;
    (void)printf("a new key counts on both gateways after %" PRId64 " ms\n", taken_ms);
    expect(taken_ms <= ROTATION_MS, "it took %" PRId64 " ms", taken_ms);
    expect_accepted(site, new_token);
    expect_refused(site, old_token, "a key that is withdrawn"); /* though it was remembered */
    provider_key_free(&site->key);
    site->key = new_key;
    free(old_token);
    free(new_token);
}

static const char *log_of(const struct site *site, unsigned gateway) {
    return process_log_path(site->cluster->gateways[gateway].process);
}

static void a_broken_key_file_changes_nothing(const struct site *site) {
    char *token = token_of(&site->key, "frank");
    folder_write(site->folder, "jwks.json", 0644, "{\"keys\":[");
    for (unsigned gateway = 0; gateway < 2; gateway++) {
        struct wait wait = wait_at_most(NOTICE_MS);
        while (!folder_file_contains(log_of(site, gateway), "jwt-keys-bad")) {
            wait_again(&wait, "the broken file to be noticed");
        }
    }
    expect_accepted(site, token);
    publish(site, &site->key);
    free(token);
}

/* --- guests */

/* The second gateway is started again without guests. What a guest holds already can be finished.
 */
static void guests_are_shut_out(const struct site *site, int64_t event_id) {
    struct cluster *cluster = site->cluster;
    struct shop_customer guest;
    char booking_id[64];
    shop_customer(cluster, &guest);
    shop_hold(cluster, 0, &guest, event_id, "B1", booking_id);
    cluster_kill(&cluster->gateways[1]);
    cluster->gateways[1].setting = "USHER_GUESTS=off";
    cluster_start_gateway(cluster, 1);
    cluster_wait_ready(cluster);

    struct http_answer answer;
    const struct http_request request = {.method = "POST", .path = "/sessions"};
    http_call(cluster->gateways[1].port, &request, &answer);
    shop_expect(answer, 403, "guests-not-allowed");
    shop_expect(shop_reserve(cluster, 1, &guest, event_id, "B2", NULL), 403, "guests-not-allowed");
    shop_expect(shop_confirm(cluster, 1, &guest, booking_id), 200, NULL);
    const struct shop_customer grace = customer_of(site, "grace");
    shop_expect(shop_reserve(cluster, 1, &grace, event_id, "B2", NULL), 201, NULL);
}

/* Neither what the tokens say nor what proves them, at the most talkative level. */
static void no_token_is_logged(const struct site *site) {
    const struct shop_customer user = customer_of(site, "heidi");
    expect_accepted(site, user.token);
    char start[16];
    (void)snprintf(start, sizeof start, "%.12s", user.token);
    for (unsigned gateway = 0; gateway < 2; gateway++) {
        assert_true(folder_file_contains(log_of(site, gateway), "/bookings"));
        assert_false(folder_file_contains(log_of(site, gateway), start));
        assert_false(folder_file_contains(log_of(site, gateway), "alice"));
        assert_false(folder_file_contains(log_of(site, gateway), "mallory"));
    }
}

static void make_site(void **state, struct site *site) {
    folder_create(site->folder);
    site->key = provider_key_create("ES256", "2026");
    publish(site, &site->key);
    (void)snprintf(site->keys_setting, sizeof site->keys_setting, "USHER_JWT_KEYS=%s/jwks.json",
                   site->folder);
    const struct cluster_options options = {
        .settings = {"USHER_JWT_ISSUER=https://login.example/realms/fans",
                     "USHER_JWT_AUDIENCE=tickets", "USHER_JWT_ALGORITHM=ES256", site->keys_setting,
                     "USHER_LOG_LEVEL=debug", "USHER_ACCESS_LOG=full"}};
    site->cluster = cluster_create(state, &options);
}

static void people_of_the_provider(void **state) {
    struct site site;
    make_site(state, &site);
    int64_t venue_id = shop_venue(site.cluster, 2, 10);
    const struct shop_event event = {.venue_id = venue_id};
    int64_t event_id = shop_event(site.cluster, &event);

    a_user_books_on_two_gateways(&site, event_id);
    an_event_without_guests_takes_users(&site, venue_id);
    other_signers_are_refused(&site);
    altered_tokens_are_refused(&site);
    other_claims_are_refused(&site);
    what_is_no_token_is_refused(&site);
    keys_are_rotated_while_running(&site);
    a_broken_key_file_changes_nothing(&site);
    no_token_is_logged(&site);
    guests_are_shut_out(&site, event_id);

    shop_expect_sound_database(site.cluster);
    cluster_finish(site.cluster);
    provider_key_free(&site.key);
    folder_remove(site.folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(people_of_the_provider, cluster_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
