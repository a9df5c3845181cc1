#include "tests/support/wait.h"
#include "tests/support/expect.h"

#include <poll.h>
#include <time.h>

int64_t wait_now_ms(void) {
    struct timespec now;
    ensure(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct wait wait_at_most(int64_t limit_ms) {
    return (struct wait){.limit_ms = limit_ms, .end_ms = wait_now_ms() + limit_ms};
}

void wait_again(const struct wait *wait, const char *what) {
    expect(!wait_is_over(wait), "waited %lld ms for %s", (long long)wait->limit_ms, what);
    (void)poll(NULL, 0, WAIT_PAUSE_MS);
}

bool wait_is_over(const struct wait *wait) {
    return wait_now_ms() >= wait->end_ms;
}

int wait_left_ms(const struct wait *wait) {
    int64_t left = wait->end_ms - wait_now_ms();
    return left > 0 ? (int)left : 0;
}
