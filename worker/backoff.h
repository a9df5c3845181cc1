/*
 * backoff: how long to wait before something is tried again: BACKOFF_MIN_MS, doubling to
 * BACKOFF_MAX_MS, with jitter of ±25 %, so that processes that lost one server don't come back in
 * step. Zero-initialised it begins at the minimum; after a success it is set to zero again.
 */
#ifndef USHER_WORKER_BACKOFF_H
#define USHER_WORKER_BACKOFF_H

#include "shared/base.h"

#include <sys/time.h>

enum { BACKOFF_MIN_MS = 100, BACKOFF_MAX_MS = 2000 };

struct backoff {
    int64_t last_ms; /* the last pause without its jitter; 0: there was none */
};

/* The next pause. */
struct timeval backoff_next(struct backoff *backoff);

#endif
