/*
 * look: one GET, again and again, on many keep-alive connections, each with one request under way:
 * as many answers as a server gives, and every one of them checked: status 200, and its body the
 * same as the first one (same_body.h). No pipelining.
 *
 * It has a loop of its own on epoll, without buffers a connection, so that an answer costs the
 * generator no more than receiving, comparing and asking again: what serves it is a static file
 * server, and that is not to wait for its client.
 */
#ifndef USHER_OPS_BENCHMARKS_LOOK_H
#define USHER_OPS_BENCHMARKS_LOOK_H

#include "ops/benchmarks/histogram.h"
#include "ops/benchmarks/stopwatch.h"

enum { LOOK_CONNECTIONS_MAX = 1024 };

struct look_plan {
    const char *url; /* http://ADDRESS:PORT of loopback */
    const char *path;
    bool gzip; /* is accepted, and has to come */
    uint32_t connections;
    int64_t duration_ms;
};

struct look_result {
    uint64_t answers; /* right ones, while the clock ran; the histogram has these */
    uint64_t wrong;   /* another status or body */
    uint64_t lost;    /* no answer that was understood: the connection is closed */
    size_t request_bytes;
    size_t head_bytes;
    size_t body_bytes;
    struct stopwatch watch;
    struct histogram latency_us;
};

/* `result` starts as {0} but for what `watch` is to watch. False, with one line on stderr, when
 * nobody is there or the first answer is not one of those. */
MUST_CHECK bool look_run(const struct look_plan *plan, struct look_result *result);

#endif
