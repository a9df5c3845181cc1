/*
 * answer: one HTTP/1.1 answer as usher's gateways give it, found in the bytes received so far. It
 * is framed by Content-Length, or has no content (204); anything else is not understood, and counts
 * as no answer at all.
 */
#ifndef USHER_OPS_BENCHMARKS_ANSWER_H
#define USHER_OPS_BENCHMARKS_ANSWER_H

#include "shared/base.h"

struct answer {
    int status;
    const char *body; /* points into the bytes */
    size_t body_bytes;
};

enum answer_state {
    ANSWER_PARTIAL,
    ANSWER_WHOLE, /* and nothing behind it */
    ANSWER_STRANGE,
};

enum answer_state answer_read(const char *bytes, size_t size_bytes, struct answer *answer);

#endif
