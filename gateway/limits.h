/*
 * limits: how often one user or one address may ask. A token bucket for each (class, who): `rate`
 * requests a second in the long run, `burst` at once. Pure but for the memory it begins with: time
 * (monotonic µs) is passed in.
 *
 * A bucket is one number, the time at which it will be full again (the generic cell rate
 * algorithm, ITU-T I.371, read backwards). A full bucket is the same as none, so a bucket that was
 * full anyway can be thrown away and nothing is forgotten.
 *
 * Memory is fixed: LIMITS_BUCKETS buckets in sets of LIMITS_SET, 32 bytes each (8 MiB), placed by
 * a hash whose seed nobody outside knows. Where a whole set is in use, the fullest bucket makes
 * room: who is forgotten so may ask `burst` times more. That takes more than a hundred thousand
 * different users or addresses that ask within the seconds in which their buckets refill; against
 * so many no limit for a single one helps, and overload.h does.
 *
 * Every gateway counts for itself.
 */
#ifndef USHER_GATEWAY_LIMITS_H
#define USHER_GATEWAY_LIMITS_H

#include "shared/base.h"

enum {
    LIMITS_BUCKETS = 1 << 18,
    LIMITS_SET = 8,
    LIMITS_RATE_MAX = 1000000, /* a second, and a burst */
};

/* Whose bucket: a user and an address never share one. */
enum limits_who { LIMITS_ADDRESS, LIMITS_USER, LIMITS_WHO_COUNT };

enum limits_class {
    LIMITS_LOOKING,
    LIMITS_SESSIONS,
    LIMITS_BOOKING,
    LIMITS_ADMIN,
    LIMITS_CLASS_COUNT
};

/* rate 0: no limit. */
struct limit {
    uint32_t rate;
    uint32_t burst;
};

/* "5/20": 5 a second, bursts of 20; "0": no limit. False: neither. */
MUST_CHECK bool limit_from_text(const char *text, struct limit *limit);
const char *limits_class_text(enum limits_class class);
const char *limits_who_text(enum limits_who who);

/* A bucket by itself, of which the caller keeps when it will be full again (0 at first). Takes one
 * token and returns 0, or takes none and returns after how many whole seconds there will be one (at
 * least 1). */
MUST_CHECK uint32_t limit_take(const struct limit *limit, int64_t *full_ns, int64_t now_us);

struct limits;

/* NULL without memory. */
MUST_CHECK struct limits *limits_create(uint64_t seed);
void limits_destroy(struct limits *limits);

/* The same for the bucket of `id` (a user's id, an address). */
MUST_CHECK uint32_t limits_take(struct limits *limits, const struct limit *limit,
                                enum limits_class class, enum limits_who who,
                                const struct id128 *id, int64_t now_us);
/* Buckets in use that are not full; looks at all of them. */
size_t limits_in_use(const struct limits *limits, int64_t now_us);

#endif
