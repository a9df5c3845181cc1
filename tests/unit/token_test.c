/* Sessions that clients carry: only what we signed, for this installation, in time. */
#include "shared/token.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const int64_t now_us = 1795455092000000;

static struct token_keys make_keys(uint8_t fill) {
    struct token_keys keys = {.count = 1};
    memset(keys.keys[0], fill, TOKEN_KEY_BYTES);
    return keys;
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
    (void)state;
    struct token_keys keys = make_keys(7);
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

static void every_altered_byte_is_refused(void **state) {
    (void)state;
    struct token_keys keys = make_keys(7);
    struct session session = make_session();
    char text[TOKEN_TEXT_MAX];
    token_sign_session(&keys, &session, text);
    size_t length = strlen(text);
    for (size_t i = 0; i < length; i++) {
        char original = text[i];
        for (int byte = 0; byte < 256; byte++) {
            text[i] = (char)byte;
            assert_int_equal(verify(&keys, text), text[i] == original ? STATUS_OK : STATUS_INVALID);
        }
        text[i] = original;
    }
    assert_int_equal(verify(&keys, text), STATUS_OK);
}

static void other_lengths_are_refused(void **state) {
    (void)state;
    struct token_keys keys = make_keys(7);
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
    (void)state;
    struct token_keys old = make_keys(1), both = make_keys(2), new = make_keys(2);
    memcpy(both.keys[1], old.keys[0], TOKEN_KEY_BYTES);
    both.count = 2;
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
    (void)state;
    struct token_keys keys = make_keys(7);
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
    (void)state;
    struct token_keys keys = make_keys(7);
    struct session session = make_session();
    session.installation.bytes[15] ^= 1;
    char text[TOKEN_TEXT_MAX];
    token_sign_session(&keys, &session, text);
    assert_int_equal(verify(&keys, text), STATUS_INVALID);
}

/* A session's token with other first bytes, well signed with our own key. */
static void sign_with_head(const struct token_keys *keys, uint8_t version, uint8_t kind,
                           char *text) {
    enum { PAYLOAD_BYTES = 43, MAC_BYTES = 32 };
    struct session session = make_session();
    uint8_t data[PAYLOAD_BYTES + MAC_BYTES] = {version, kind};
    memcpy(data + 2, session.installation.bytes, 16);
    memcpy(data + 18, session.user.bytes, 16);
    memset(data + 34, 0x01, 9);
    assert_non_null(HMAC(EVP_sha256(), keys->keys[0], TOKEN_KEY_BYTES, data, PAYLOAD_BYTES,
                         data + PAYLOAD_BYTES, NULL));
    EVP_EncodeBlock((unsigned char *)text, data, sizeof data);
    for (; *text != '\0'; text++)
        *text = (char)(*text == '+' ? '-' : *text == '/' ? '_' : *text);
}

static void other_kinds_and_versions_are_no_sessions(void **state) {
    (void)state;
    struct token_keys keys = make_keys(7);
    char text[TOKEN_TEXT_MAX];
    sign_with_head(&keys, 1, 1, text);
    assert_int_equal(verify(&keys, text), STATUS_OK);
    sign_with_head(&keys, 1, 2, text);
    assert_int_equal(verify(&keys, text), STATUS_INVALID);
    sign_with_head(&keys, 2, 1, text);
    assert_int_equal(verify(&keys, text), STATUS_INVALID);
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
