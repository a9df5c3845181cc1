/* Codes are those of RFC 4231, whatever was computed before. */
#include "shared/mac.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
    uint8_t key[MAC_KEY_BYTES]; /* shorter ones are filled up with zeros (RFC 2104, 2) */
    const char *data;
    uint8_t code[MAC_BYTES];
} cases[] = {
    /* RFC 4231, 4.2 */
    {{11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11},
     "Hi There",
     {0xb0, 0x34, 0x4c, 0x61, 0xd8, 0xdb, 0x38, 0x53, 0x5c, 0xa8, 0xaf,
      0xce, 0xaf, 0x0b, 0xf1, 0x2b, 0x88, 0x1d, 0xc2, 0x00, 0xc9, 0x83,
      0x3d, 0xa7, 0x26, 0xe9, 0x37, 0x6c, 0x2e, 0x32, 0xcf, 0xf7}},
    /* 4.3 */
    {{'J', 'e', 'f', 'e'},
     "what do ya want for nothing?",
     {0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e, 0x6a, 0x04, 0x24,
      0x26, 0x08, 0x95, 0x75, 0xc7, 0x5a, 0x00, 0x3f, 0x08, 0x9d, 0x27,
      0x39, 0x83, 0x9d, 0xec, 0x58, 0xb9, 0x64, 0xec, 0x38, 0x43}},
};

static void codes_are_those_of_the_rfc(void **state) {
    (void)state;
    struct mac *macs[ARRAY_LEN(cases)];
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        macs[i] = mac_create(cases[i].key);
    for (size_t round = 0; round < 3; round++) {
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
            uint8_t code[MAC_BYTES];
            mac_compute(macs[i], "", 0, code);
            assert_memory_not_equal(code, cases[i].code, MAC_BYTES);
            mac_compute(macs[i], cases[i].data, strlen(cases[i].data), code);
            assert_memory_equal(code, cases[i].code, MAC_BYTES);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        mac_destroy(macs[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_are_those_of_the_rfc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
