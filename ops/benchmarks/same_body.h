/*
 * same_body: whether the answers to one question are the same, byte for byte, as the first one; the
 * time at which they were true ("asOf", "updatedAt") is all they may differ in.
 *
 * Nearly every answer is the same as the one before, time and all, which is a comparison of bytes
 * with `expected`. One that is not is judged whole by same_body_judge, unpacked if it came as gzip,
 * and is what is expected from then on. What was expected once stays where it is: a reader in the
 * midst of an answer goes on comparing.
 */
#ifndef USHER_OPS_BENCHMARKS_SAME_BODY_H
#define USHER_OPS_BENCHMARKS_SAME_BODY_H

#include "shared/base.h"

enum { SAME_BODY_VERSIONS_MAX = 4096, SAME_BODY_MAX_BYTES = 1 << 20 /* unpacked */ };

struct bytes {
    char *data;
    size_t size_bytes;
};

struct same_body {
    bool is_gzip;
    const struct bytes *expected; /* NULL: none came so far */
    struct bytes first;           /* unpacked, without its time */
    struct bytes versions[SAME_BODY_VERSIONS_MAX];
    uint32_t count;
};

/* Takes the bytes, malloc's. False: something else was answered than at first, or too many versions
 * of it. */
MUST_CHECK bool same_body_judge_take(struct same_body *same, struct bytes body);
/* {0} is allowed. */
void same_body_clear(struct same_body *same);

#endif
