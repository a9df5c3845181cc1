#include "worker/served_time.h"

void served_time_start(struct served_time *served, int64_t stored_ms, int64_t monotonic_us) {
    served->value_us = stored_ms * 1000;
    served->seen_us = monotonic_us;
    served->stored_ms = stored_ms;
}

int64_t served_time_advance(struct served_time *served, int64_t monotonic_us, bool running) {
    int64_t step_us = monotonic_us - served->seen_us;
    ensure(step_us >= 0);
    served->seen_us = monotonic_us;
    if (step_us > SERVED_STEP_MAX_MS * INT64_C(1000))
        step_us = SERVED_STEP_MAX_MS * INT64_C(1000);
    if (running)
        served->value_us += step_us;
    return served->value_us / 1000;
}

bool served_time_store_due(const struct served_time *served) {
    return served->value_us / 1000 - served->stored_ms >= SERVED_STORE_AFTER_MS;
}
