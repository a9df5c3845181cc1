#include "worker/backoff.h"

#include "shared/ids.h"

struct timeval backoff_next(struct backoff *backoff) {
    int64_t pause_ms = backoff->last_ms == 0 ? BACKOFF_MIN_MS : backoff->last_ms * 2;
    if (pause_ms > BACKOFF_MAX_MS)
        pause_ms = BACKOFF_MAX_MS;
    backoff->last_ms = pause_ms;
    struct id128 dice = id128_random();
    int64_t pause_us = pause_ms * 1000 + pause_ms * 1000 * (dice.bytes[0] - 128) / 512;
    return (struct timeval){.tv_sec = pause_us / 1000000, .tv_usec = pause_us % 1000000};
}
