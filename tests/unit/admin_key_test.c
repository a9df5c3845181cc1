/* Keys of the administration: their roles, their names, their text and its hash. */
#include "shared/admin_key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void roles_have_names(void **state UNUSED) {
    static const char *const names[] = {"viewer", "operator", "organiser", "admin"};
    assert_int_equal(ARRAY_LEN(names), ADMIN_ROLE_COUNT);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        enum admin_role role = ADMIN_ROLE_COUNT;
        assert_true(admin_role_from_text(names[i], &role));
        assert_int_equal(role, i);
        assert_string_equal(admin_role_text(role), names[i]);
    }
    static const char *const none[] = {"", "Admin", "admin ", "view", "organizer", "usherctl"};
    for (size_t i = 0; i < ARRAY_LEN(none); i++) {
        enum admin_role role;
        assert_false(admin_role_from_text(none[i], &role));
    }
}

static void names_are_checked(void **state UNUSED) {
    static const char *const good[] = {
        "a",
        "7",
        "Box-Office_2",
        "jo.doe@example.org",
        "x+y",
        "0123456789012345678901234567890123456789012345678901234567890123"};
    static const char *const bad[] = {
        "",         ".a",
        "-a",       "@a",
        "a b",      "a\n",
        "a/b",      "ä",
        "a\"b",     "admin.key",
        "usherctl", "01234567890123456789012345678901234567890123456789012345678901234"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_true(admin_key_name_is_valid(good[i]));
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_false(admin_key_name_is_valid(bad[i]));
    }
}

static void keys_are_new_and_long(void **state UNUSED) {
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    char first[ADMIN_KEY_TEXT_SIZE], second[ADMIN_KEY_TEXT_SIZE];
    assert_ptr_equal(admin_key_make(first), first);
    (void)admin_key_make(second);
    assert_int_equal(strlen(first), 49);
    assert_memory_equal(first, "usher_", 6);
    assert_int_equal(strspn(first + 6, alphabet), 43);
    assert_string_not_equal(first, second);
}

/* FIPS 180-2, appendix B.1. */
static void the_hash_is_sha_256(void **state UNUSED) {
    static const uint8_t wanted[ADMIN_KEY_HASH_BYTES] = {
        0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
        0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
        0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
    uint8_t hash[ADMIN_KEY_HASH_BYTES];
    admin_key_hash("abc", hash);
    assert_memory_equal(hash, wanted, sizeof wanted);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roles_have_names),
        cmocka_unit_test(names_are_checked),
        cmocka_unit_test(keys_are_new_and_long),
        cmocka_unit_test(the_hash_is_sha_256),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
