#include "ops/benchmarks/histogram.h"

#include <math.h>

static size_t bucket_of(uint64_t value) {
    if (value >> HISTOGRAM_PRECISION_BITS == 0)
        return (size_t)value;
    unsigned shift = 63 - (unsigned)__builtin_clzll(value) - HISTOGRAM_PRECISION_BITS;
    return ((size_t)shift << HISTOGRAM_PRECISION_BITS) + (size_t)(value >> shift);
}

/* The largest value of a bucket. */
static uint64_t bucket_top(size_t bucket) {
    if (bucket >> HISTOGRAM_PRECISION_BITS == 0)
        return bucket;
    size_t shift = (bucket >> HISTOGRAM_PRECISION_BITS) - 1;
    uint64_t steps = bucket - (shift << HISTOGRAM_PRECISION_BITS);
    return ((steps + 1) << shift) - 1;
}

void histogram_record(struct histogram *histogram, uint64_t value) {
    if (value > HISTOGRAM_VALUE_MAX)
        value = HISTOGRAM_VALUE_MAX;
    histogram->count++;
    histogram->buckets[bucket_of(value)]++;
    if (value > histogram->max)
        histogram->max = value;
}

uint64_t histogram_quantile(const struct histogram *histogram, double share) {
    ensure(share >= 0 && share <= 1);
    if (histogram->count == 0)
        return 0;
    uint64_t wanted = (uint64_t)ceil(share * (double)histogram->count);
    uint64_t seen = 0;
    size_t bucket = 0;
    for (; bucket < HISTOGRAM_BUCKETS - 1; bucket++) {
        seen += histogram->buckets[bucket];
        if (seen > 0 && seen >= wanted)
            break;
    }
    uint64_t top = bucket_top(bucket);
    return top < histogram->max ? top : histogram->max;
}
