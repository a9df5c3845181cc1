/*
 * partitions: what this worker owns, as every part of it sees it. Plain data; only ownership.c
 * changes `owned`, `taking` and `epoch`, worker.c `serving`, committer.c `batch_sent_us`.
 *
 *   not owned --claimed, taken over--> owned, taking --handover--> owned, draining
 *       ^                                   |                             |
 *       +-- fence failed, session lost -----+---------- released ---------+
 */
#ifndef USHER_WORKER_PARTITIONS_H
#define USHER_WORKER_PARTITIONS_H

#include "shared/partition.h"
#include "worker/served_time.h"

struct partition {
    bool owned;
    bool taking; /* false while it is drained for a handover */
    uint64_t epoch;
    struct served_time served;
};

struct partitions {
    struct partition items[PARTITION_COUNT];
    bool serving;          /* the bus is there */
    int64_t batch_sent_us; /* monotonic: of the batch under way; 0: none is */
};

/* Served time of a partition now, in ms. It stands still while a batch is late: nobody is answered
 * before it is stored. */
static inline int64_t partitions_served_ms(struct partitions *partitions, uint32_t partition,
                                           int64_t monotonic_us) {
    bool late = partitions->batch_sent_us != 0 &&
                monotonic_us - partitions->batch_sent_us > SERVED_STEP_MAX_MS * INT64_C(1000);
    return served_time_advance(&partitions->items[partition].served, monotonic_us,
                               partitions->serving && !late);
}

/* Whether commands addressed to `epoch` of `partition` are this worker's to decide. */
static inline bool partitions_take(const struct partitions *partitions, uint32_t partition,
                                   uint64_t epoch) {
    const struct partition *item = &partitions->items[partition];
    return item->owned && item->taking && item->epoch == epoch;
}

#endif
