/*
 * wait: waiting in tests for something to become true. Never for time to pass: every wait has a
 * condition, a limit and a name, and a limit that is reached fails the test.
 *
 *   struct wait wait = wait_at_most(5000);
 *   while (!worker_owns_everything(cluster))
 *       wait_again(&wait, "the worker to own everything");
 */
#ifndef USHER_TESTS_SUPPORT_WAIT_H
#define USHER_TESTS_SUPPORT_WAIT_H

#include "shared/base.h"

enum { WAIT_PAUSE_MS = 10 };

struct wait {
    int64_t limit_ms;
    int64_t end_ms; /* monotonic */
};

/* Monotonic milliseconds. */
int64_t wait_now_ms(void);
struct wait wait_at_most(int64_t limit_ms);
/* Pauses for WAIT_PAUSE_MS before the condition is looked at again; past the limit the test fails,
 * saying that it waited for `what`. */
void wait_again(const struct wait *wait, const char *what);
bool wait_is_over(const struct wait *wait);
/* Milliseconds left, at least 0. */
int wait_left_ms(const struct wait *wait);

#endif
