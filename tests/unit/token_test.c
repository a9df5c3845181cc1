/* What clients carry for us: only what we signed, of the right kind, for this installation, in
 * time. */
#include "shared/token.h"

#include "shared/base64url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const int64_t now_us = 1795455092000000;

enum { KEY_COUNT = 3 };

/* Key n of the state consists of bytes n. */
static int make_keys(void **state) {
    struct mac **keys = calloc(KEY_COUNT, sizeof(struct mac *));
    uint8_t bytes[MAC_KEY_BYTES];
    assert_non_null(keys);
    for (uint8_t i = 0; i < KEY_COUNT; i++) {
        memset(bytes, i, sizeof bytes);
        keys[i] = mac_create(bytes);
    }
    *state = keys;
    return 0;
}

static int destroy_keys(void **state) {
    struct mac **keys = *state;
    for (size_t i = 0; i < KEY_COUNT; i++)
        mac_destroy(keys[i]);
    free(keys);
    return 0;
}

static struct token_keys only_key(void **state, size_t number) {
    return (struct token_keys){.keys = {((struct mac **)*state)[number]}, .count = 1};
}

static struct session make_session(void) {
    struct session session = {.guest = true, .expires_us = now_us + 1};
    memset(session.installation.bytes, 0x11, sizeof session.installation.bytes);
    memset(session.user.bytes, 0xfe, sizeof session.user.bytes);
    return session;
}

static enum status verify(const struct token_keys *keys, const char *text) {
    struct session expected = make_session(), read;
    return token_verify_session(keys, &expected.installation, now_us, text, &read);
}

static void gives_back_what_was_signed(void **state) {
    struct token_keys keys = only_key(state, 1);
    for (int guest = 0; guest <= 1; guest++) {
        struct session session = make_session(), read;
        session.guest = guest;
        char text[TOKEN_TEXT_MAX];
        token_sign_session(&keys, &session, text);
        assert_int_equal(token_verify_session(&keys, &session.installation, now_us, text, &read),
                         STATUS_OK);
        assert_true(id128_equal(&read.installation, &session.installation));
        assert_true(id128_equal(&read.user, &session.user));
        assert_int_equal(read.guest, guest);
        assert_true(read.expires_us == session.expires_us);
        assert_int_equal(strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                      "0123456789-_"),
                         strlen(text));
    }
}

typedef enum status verify_text(const struct token_keys *keys, const char *text);

static void expect_only_itself(const struct token_keys *keys, verify_text *verify_it,
                               char text[TOKEN_TEXT_MAX]) {
    size_t length = strlen(text);
    for (size_t i = 0; i < length; i++) {
        char original = text[i];
        for (int byte = 0; byte < 256; byte++) {
            text[i] = (char)byte;
            assert_int_equal(verify_it(keys, text),
                             text[i] == original ? STATUS_OK : STATUS_INVALID);
        }
        text[i] = '\0'; /* cut */
        assert_int_equal(verify_it(keys, text), STATUS_INVALID);
        text[i] = original;
    }
    text[length] = 'A';
    text[length + 1] = '\0';
    assert_int_equal(verify_it(keys, text), STATUS_INVALID);
    text[length] = '\0';
    assert_int_equal(verify_it(keys, text), STATUS_OK);
}

static void every_altered_byte_is_refused(void **state) {
    struct token_keys keys = only_key(state, 1);
    struct session session = make_session();
    char text[TOKEN_TEXT_MAX];
    token_sign_session(&keys, &session, text);
    expect_only_itself(&keys, verify, text);
}

static void other_lengths_are_refused(void **state) {
    struct token_keys keys = only_key(state, 1);
    struct session session = make_session();
    char text[TOKEN_TEXT_MAX + 4];
    token_sign_session(&keys, &session, text);
    size_t length = strlen(text);
    for (const char *tail = "A=\n ."; *tail != '\0'; tail++) {
        text[length] = *tail;
        text[length + 1] = '\0';
        assert_int_equal(verify(&keys, text), STATUS_INVALID);
    }
    for (; length > 0; length--) {
        text[length - 1] = '\0';
        assert_int_equal(verify(&keys, text), STATUS_INVALID);
    }
}

static void keys_can_be_rotated(void **state) {
    struct token_keys old = only_key(state, 1), new = only_key(state, 2);
    struct token_keys both = {.keys = {new.keys[0], old.keys[0]}, .count = 2};
    struct session session = make_session();
    char signed_with_old[TOKEN_TEXT_MAX], signed_with_both[TOKEN_TEXT_MAX];
    token_sign_session(&old, &session, signed_with_old);
    token_sign_session(&both, &session, signed_with_both);
    assert_int_equal(verify(&both, signed_with_old), STATUS_OK);
    assert_int_equal(verify(&both, signed_with_both), STATUS_OK);
    assert_int_equal(verify(&new, signed_with_both), STATUS_OK); /* the first key signed */
    assert_int_equal(verify(&new, signed_with_old), STATUS_INVALID);
    assert_int_equal(verify(&old, signed_with_both), STATUS_INVALID);
}

static void ends_when_it_says_so(void **state) {
    struct token_keys keys = only_key(state, 1);
    struct session session = make_session(), read;
    char text[TOKEN_TEXT_MAX];
    token_sign_session(&keys, &session, text);
    const struct id128 *installation = &session.installation;
    assert_int_equal(token_verify_session(&keys, installation, session.expires_us - 1, text, &read),
                     STATUS_OK);
    assert_int_equal(token_verify_session(&keys, installation, session.expires_us, text, &read),
                     STATUS_INVALID);
    assert_int_equal(token_verify_session(&keys, installation, INT64_MAX, text, &read),
                     STATUS_INVALID);
}

static void another_installation_is_another_world(void **state) {
    struct token_keys keys = only_key(state, 1);
    struct session session = make_session();
    session.installation.bytes[15] ^= 1;
    char text[TOKEN_TEXT_MAX];
    token_sign_session(&keys, &session, text);
    assert_int_equal(verify(&keys, text), STATUS_INVALID);
}

/* A session's token with other first bytes, well signed with our own key. */
static void sign_with_head(const struct token_keys *keys, uint8_t version, uint8_t kind,
                           char *text) {
    enum { PAYLOAD_BYTES = 43 };
    struct session session = make_session();
    uint8_t data[PAYLOAD_BYTES + MAC_BYTES] = {version, kind};
    memcpy(data + 2, session.installation.bytes, 16);
    memcpy(data + 18, session.user.bytes, 16);
    memset(data + 34, 0x01, 9);
    mac_compute(keys->keys[0], data, PAYLOAD_BYTES, data + PAYLOAD_BYTES);
    (void)base64url_encode(data, sizeof data, text);
}

static void other_kinds_and_versions_are_no_sessions(void **state) {
    struct token_keys keys = only_key(state, 1);
    char text[TOKEN_TEXT_MAX];
    sign_with_head(&keys, 1, 1, text);
    assert_int_equal(verify(&keys, text), STATUS_OK);
    sign_with_head(&keys, 1, 2, text);
    assert_int_equal(verify(&keys, text), STATUS_INVALID);
    sign_with_head(&keys, 2, 1, text);
    assert_int_equal(verify(&keys, text), STATUS_INVALID);
}

/* --- places in a line, and passes */

static const struct queue_token a_place = {
    .installation = {{0x11}}, .user = {{0xfe}}, .event_id = INT64_MAX, .number = 90, .span = 127};
static const struct pass_token a_pass = {
    .installation = {{0x11}}, .user = {{0xfe}}, .event_id = 1, .number = INT64_MAX};

static enum status verify_queue(const struct token_keys *keys, const char *text) {
    struct queue_token read;
    return token_verify_queue(keys, &a_place.installation, text, &read);
}

static enum status verify_pass(const struct token_keys *keys, const char *text) {
    struct pass_token read;
    return token_verify_pass(keys, &a_pass.installation, text, &read);
}

static void places_and_passes_come_back(void **state) {
    struct token_keys keys = only_key(state, 1);
    char text[TOKEN_TEXT_MAX];
    struct queue_token place;
    token_sign_queue(&keys, &a_place, text);
    assert_int_equal(token_verify_queue(&keys, &a_place.installation, text, &place), STATUS_OK);
    assert_true(id128_equal(&place.installation, &a_place.installation));
    assert_true(id128_equal(&place.user, &a_place.user));
    assert_true(place.event_id == a_place.event_id && place.number == a_place.number);
    assert_int_equal(place.span, a_place.span);
    struct pass_token pass;
    token_sign_pass(&keys, &a_pass, text);
    assert_int_equal(token_verify_pass(&keys, &a_pass.installation, text, &pass), STATUS_OK);
    assert_true(id128_equal(&pass.installation, &a_pass.installation));
    assert_true(id128_equal(&pass.user, &a_pass.user));
    assert_true(pass.event_id == a_pass.event_id && pass.number == a_pass.number);
}

static void altered_places_and_passes_are_refused(void **state) {
    struct token_keys keys = only_key(state, 1), others = only_key(state, 2);
    char text[TOKEN_TEXT_MAX];
    token_sign_queue(&keys, &a_place, text);
    expect_only_itself(&keys, verify_queue, text);
    assert_int_equal(verify_queue(&others, text), STATUS_INVALID);
    token_sign_pass(&keys, &a_pass, text);
    expect_only_itself(&keys, verify_pass, text);
    assert_int_equal(verify_pass(&others, text), STATUS_INVALID);
}

static void places_and_passes_belong_to_an_installation(void **state) {
    struct token_keys keys = only_key(state, 1);
    char text[TOKEN_TEXT_MAX];
    struct queue_token place = a_place;
    place.installation.bytes[15] = 1;
    token_sign_queue(&keys, &place, text);
    assert_int_equal(verify_queue(&keys, text), STATUS_INVALID);
    struct pass_token pass = a_pass;
    pass.installation.bytes[15] = 1;
    token_sign_pass(&keys, &pass, text);
    assert_int_equal(verify_pass(&keys, text), STATUS_INVALID);
}

static void no_kind_passes_for_another(void **state) {
    struct token_keys keys = only_key(state, 1);
    char text[TOKEN_TEXT_MAX];
    struct session session = make_session();
    token_sign_session(&keys, &session, text);
    assert_int_equal(verify_queue(&keys, text), STATUS_INVALID);
    assert_int_equal(verify_pass(&keys, text), STATUS_INVALID);
    token_sign_queue(&keys, &a_place, text);
    assert_int_equal(verify(&keys, text), STATUS_INVALID);
    assert_int_equal(verify_pass(&keys, text), STATUS_INVALID);
    token_sign_pass(&keys, &a_pass, text);
    assert_int_equal(verify(&keys, text), STATUS_INVALID);
    assert_int_equal(verify_queue(&keys, text), STATUS_INVALID);
}

/* Well signed with our own key, as a pass, with another kind's or version's head. */
static void heads_count_also_when_the_length_is_right(void **state) {
    enum { PAYLOAD_BYTES = 50 };
    static const struct {
        uint8_t version, kind;
        enum status status;
    } cases[] = {{1, 3, STATUS_OK},
                 {1, 1, STATUS_INVALID},
                 {1, 2, STATUS_INVALID},
                 {2, 3, STATUS_INVALID},
                 {0, 3, STATUS_INVALID}};
    struct token_keys keys = only_key(state, 1);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint8_t data[PAYLOAD_BYTES + MAC_BYTES] = {cases[i].version, cases[i].kind, 0x11};
        char text[TOKEN_TEXT_MAX];
        mac_compute(keys.keys[0], data, PAYLOAD_BYTES, data + PAYLOAD_BYTES);
        (void)base64url_encode(data, sizeof data, text);
        assert_int_equal(verify_pass(&keys, text), cases[i].status);
    }
}

static void a_megabyte_is_no_token(void **state) {
    enum { SIZE_BYTES = 1 << 20 };
    struct token_keys keys = only_key(state, 1);
    char *text = malloc(SIZE_BYTES);
    assert_non_null(text);
    memset(text, 'A', SIZE_BYTES - 1);
    text[SIZE_BYTES - 1] = '\0';
    assert_int_equal(verify(&keys, text), STATUS_INVALID);
    assert_int_equal(verify_queue(&keys, text), STATUS_INVALID);
    assert_int_equal(verify_pass(&keys, text), STATUS_INVALID);
    assert_int_equal(verify_pass(&keys, ""), STATUS_INVALID);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_back_what_was_signed),
        cmocka_unit_test(every_altered_byte_is_refused),
        cmocka_unit_test(other_lengths_are_refused),
        cmocka_unit_test(keys_can_be_rotated),
        cmocka_unit_test(ends_when_it_says_so),
        cmocka_unit_test(another_installation_is_another_world),
        cmocka_unit_test(other_kinds_and_versions_are_no_sessions),
        cmocka_unit_test(places_and_passes_come_back),
        cmocka_unit_test(altered_places_and_passes_are_refused),
        cmocka_unit_test(places_and_passes_belong_to_an_installation),
        cmocka_unit_test(no_kind_passes_for_another),
        cmocka_unit_test(heads_count_also_when_the_length_is_right),
        cmocka_unit_test(a_megabyte_is_no_token),
    };
    return cmocka_run_group_tests(tests, make_keys, destroy_keys);
}
