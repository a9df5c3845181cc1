/* Digits as printf writes them. */
#include "shared/decimal.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void numbers_are_written_as_printf_does(void **state) {
    (void)state;
    static const uint64_t numbers[] = {
        0, 1, 9, 10, 99, 100, 999, 1000, 65535, INT32_MAX, (uint64_t)INT64_MAX, UINT64_MAX};
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        for (unsigned digits = 1; digits <= DECIMAL_MAX_BYTES; digits++) {
            char written[DECIMAL_MAX_BYTES + 1], expected[DECIMAL_MAX_BYTES + 1];
            *decimal_put(written, numbers[i], digits) = '\0';
            (void)snprintf(expected, sizeof expected, "%0*" PRIu64, (int)digits, numbers[i]);
            assert_string_equal(written, expected);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_written_as_printf_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
