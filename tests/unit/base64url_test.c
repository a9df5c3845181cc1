/* base64url: the one spelling of some bytes. */
#include "shared/base64url.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { BYTES_MAX = 64 };

static bool decodes(const char *text) {
    uint8_t data[BYTES_MAX];
    size_t size_bytes;
    return base64url_decode(text, strlen(text), data, sizeof data, &size_bytes);
}

/* RFC 4648, 10, without its padding; and the two digits of this alphabet. */
static void known_texts_go_both_ways(void **state) {
    (void)state;
    static const struct {
        const char *data;
        const char *text;
    } cases[] = {
        {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
        {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff\xfe", "-__-"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        size_t length = strlen(cases[i].data), size_bytes;
        char text[BASE64URL_LENGTH(8) + 3];
        uint8_t data[8];
        assert_string_equal(base64url_encode((const uint8_t *)cases[i].data, length, text),
                            cases[i].text);
        assert_int_equal(strlen(text), BASE64URL_LENGTH(length));
        assert_true(base64url_decode(text, strlen(text), data, sizeof data, &size_bytes));
        assert_int_equal(size_bytes, length);
        assert_memory_equal(data, cases[i].data, length);
    }
}

/* Every text of two characters: either it is what its bytes are written as, or it is refused. */
static void there_is_one_spelling(void **state) {
    (void)state;
    unsigned taken = 0;
    for (unsigned i = 0; i < 1U << 16; i++) {
        const char text[2] = {(char)(i >> 8), (char)i};
        char again[BASE64URL_LENGTH(1) + 3];
        uint8_t data[1];
        size_t size_bytes;
        if (!base64url_decode(text, sizeof text, data, sizeof data, &size_bytes))
            continue;
        assert_int_equal(size_bytes, 1);
        assert_memory_equal(base64url_encode(data, size_bytes, again), text, sizeof text);
        taken++;
    }
    assert_int_equal(taken, 256);
}

static void other_texts_are_refused(void **state) {
    (void)state;
    static const char *const cases[] = {
        "Z",     "Zm9vY", "Zg==", "Zg=",  "Zm8=",    "Zh",   "Zm9",
        "Zm9v ", " Zm9v", "Zm\n", "+//+", "Zm9v.Zg", "Zm9ä", "Zm9v\x80"};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_false(decodes(cases[i]));
}

static void there_is_no_more_than_there_is_room_for(void **state) {
    (void)state;
    uint8_t data[3] = {0};
    size_t size_bytes;
    assert_true(base64url_decode("Zm9v", 4, data, 3, &size_bytes));
    assert_false(base64url_decode("Zm9v", 4, data, 2, &size_bytes));
    assert_false(base64url_decode("Zg", 2, data, 0, &size_bytes));
    assert_true(base64url_decode("", 0, data, 0, &size_bytes));
    assert_int_equal(size_bytes, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_texts_go_both_ways),
        cmocka_unit_test(there_is_one_spelling),
        cmocka_unit_test(other_texts_are_refused),
        cmocka_unit_test(there_is_no_more_than_there_is_room_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
