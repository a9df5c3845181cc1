/*
 * kept: the answers of a run as they came, to be judged when the clock has stopped, so that judging
 * costs the server nothing.
 */
#ifndef USHER_OPS_BENCHMARKS_KEPT_H
#define USHER_OPS_BENCHMARKS_KEPT_H

#include "ops/benchmarks/answer.h"

enum { KEPT_BODY_MAX_BYTES = 1024 }; /* what is longer is cut, and then no longer understood */

/* What became of one request. */
struct kept_answer {
    const char *body; /* NULL: no answer; not NUL-terminated */
    uint32_t body_bytes;
    int status;
};

struct kept {
    uint32_t count;
    struct kept_answer *answers; /* by the number of the request */
    char *bodies;
    size_t bodies_used;
};

/* Of `count` requests, each with at most one answer. */
void kept_init(struct kept *kept, uint32_t count);
void kept_put(struct kept *kept, uint32_t number, const struct answer *answer);
/* One line on stderr, for the first answer that does not count. */
void kept_tell(const struct kept_answer *answer);
void kept_clear(struct kept *kept);

#endif
