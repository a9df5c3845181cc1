/*
 * expect: a condition with a sentence. When it does not hold, the test fails (cmocka's fail_msg)
 * and prints the sentence, so that a failure in the middle of the night says what was wanted and
 * what was there.
 */
#ifndef USHER_TESTS_SUPPORT_EXPECT_H
#define USHER_TESTS_SUPPORT_EXPECT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* fail_msg jumps out of the test; abort says so to those who read only its declaration. */
/* clang-format off */
#define expect(condition, ...) do { if (!(condition)) { fail_msg(__VA_ARGS__); abort(); } } while (0)
/* clang-format on */

#endif
