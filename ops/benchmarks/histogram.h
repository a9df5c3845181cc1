/*
 * histogram: how long things took, in 30 KB, however many they were.
 *
 * After HdrHistogram: values up to 127 are counted exactly, larger ones in buckets of 1/128 of
 * their size, so that every quantile is right to better than 1 %. A value is any count, here
 * microseconds; what exceeds HISTOGRAM_VALUE_MAX (19 hours of them) is counted as that. Plain data,
 * {0} is an empty one; no allocation.
 */
#ifndef USHER_OPS_BENCHMARKS_HISTOGRAM_H
#define USHER_OPS_BENCHMARKS_HISTOGRAM_H

#include "shared/base.h"

enum {
    HISTOGRAM_PRECISION_BITS = 7,
    HISTOGRAM_VALUE_BITS = 36,
    HISTOGRAM_BUCKETS = (HISTOGRAM_VALUE_BITS - HISTOGRAM_PRECISION_BITS + 1)
                        << HISTOGRAM_PRECISION_BITS,
};
#define HISTOGRAM_VALUE_MAX ((UINT64_C(1) << HISTOGRAM_VALUE_BITS) - 1)

struct histogram {
    uint64_t count;
    uint64_t max;
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_record(struct histogram *histogram, uint64_t value);
/* The value that `share` (0 … 1) of all are not above, never less than the truth and less than 1 %
 * more; 0 when nothing was recorded. */
uint64_t histogram_quantile(const struct histogram *histogram, double share);

#endif
