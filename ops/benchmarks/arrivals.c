#include "ops/benchmarks/arrivals.h"

#include "ops/benchmarks/demand.h"

#include <math.h>

/* The gaps of a Poisson process are exponentially distributed. */
static double chance_gap_us(struct arrivals *arrivals) {
    double chance = ((double)(demand_random(&arrivals->seed) >> 11) + 1) / 0x1p53; /* (0, 1] */
    return -log(chance) * arrivals->gap_us;
}

void arrivals_start(struct arrivals *arrivals, double rate, uint64_t seed, int64_t now_us) {
    ensure(rate > 0);
    *arrivals = (struct arrivals){.gap_us = 1e6 / rate, .seed = seed};
    arrivals->next_us = (double)now_us + chance_gap_us(arrivals);
}

bool arrivals_take(struct arrivals *arrivals, int64_t now_us, int64_t *due_us) {
    if (arrivals->next_us > (double)now_us)
        return false;
    *due_us = (int64_t)arrivals->next_us;
    histogram_record(&arrivals->late_us, (uint64_t)(now_us - *due_us));
    arrivals->next_us += chance_gap_us(arrivals);
    return true;
}

int64_t arrivals_wait_us(const struct arrivals *arrivals, int64_t now_us) {
    double wait_us = arrivals->next_us - (double)now_us;
    return wait_us > 0 ? (int64_t)ceil(wait_us) : 0;
}

bool arrivals_were_late(const struct histogram *late_us) {
    return histogram_quantile(late_us, 0.99) > ARRIVALS_LATE_US;
}
