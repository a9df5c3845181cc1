/*
 * base: the few words every file of usher uses.
 *
 * `struct id128` is the one identifier of fixed size: bookings, users, requests and installations
 * are all named by 16 bytes. Invariants are checked with `ensure`, which stays on in production: a
 * broken one means that memory can't be trusted any more, and the process ends with a line on
 * stderr.
 */
#ifndef USHER_SHARED_BASE_H
#define USHER_SHARED_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))
#define UNUSED __attribute__((unused))
#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

_Noreturn void ensure_failed(const char *condition, const char *file, int line);
#define ensure(condition) ((condition) ? (void)0 : ensure_failed(#condition, __FILE__, __LINE__))

struct id128 {
    uint8_t bytes[16];
};

static inline bool id128_equal(const struct id128 *a, const struct id128 *b) {
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

static inline bool id128_is_zero(const struct id128 *id) {
    static const struct id128 zero;
    return id128_equal(id, &zero);
}

#endif
