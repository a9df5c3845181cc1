#include "worker/engine/meter.h"

#define HOUR_US (INT64_C(3600) * 1000 * 1000)

/* Is what the slot `back` slots before the newest has counted within the last minute? */
static bool counts_still(const struct meter *meter, int64_t now_us, int64_t back) {
    return now_us / METER_SLOT_US - (meter->slot - back) < METER_SLOTS;
}

uint64_t meter_sum(const struct meter *meter, int64_t now_us) {
    uint64_t sum = 0;
    for (int64_t back = 0; back < METER_SLOTS && back <= meter->slot; back++) {
        if (counts_still(meter, now_us, back)) {
            sum += meter->counts[(meter->slot - back) % METER_SLOTS];
        }
    }
    return sum;
}

void meter_add(struct meter *meter, int64_t now_us, uint64_t count) {
    int64_t slot = now_us / METER_SLOT_US;
    if (meter_sum(meter, now_us) == 0) {
        *meter = (struct meter){.slot = slot, .since_us = now_us};
    }
    while (meter->slot < slot) {
        meter->counts[++meter->slot % METER_SLOTS] = 0;
    }
    meter->counts[meter->slot % METER_SLOTS] += count;
    meter->last_us = now_us;
}

uint64_t meter_per_hour(const struct meter *meter, int64_t now_us) {
    uint64_t sum = meter_sum(meter, now_us);
    int64_t oldest_us = (now_us / METER_SLOT_US - (METER_SLOTS - 1)) * METER_SLOT_US;
    int64_t seen_us = now_us - (meter->since_us > oldest_us ? meter->since_us : oldest_us);
    if (sum < METER_LEAST || seen_us < METER_SLOT_US || now_us - meter->last_us > METER_QUIET_US) {
        return 0;
    }
    return sum * (uint64_t)HOUR_US / (uint64_t)seen_us;
}
