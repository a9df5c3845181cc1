/*
 * owners: who owns which partition, as heard in the workers' announcements. Pure: time is passed in
 * (monotonic µs); no I/O.
 *
 * An owner counts as known for OWNER_SILENCE_MS after its last announcement. A higher epoch
 * replaces a lower one at once; a lower one is never believed again. A partition that its owner
 * stops announcing, or gives up by `leaving`, has no owner but keeps its epoch.
 */
#ifndef USHER_GATEWAY_OWNERS_H
#define USHER_GATEWAY_OWNERS_H

#include "shared/wire.h"

enum { OWNER_SILENCE_MS = 3000 };

struct owner {
    uint64_t instance; /* 0: nobody */
    uint64_t epoch;
    int64_t heard_us;
};

struct owners {
    struct owner partitions[PARTITION_COUNT];
    int64_t started_us;
};

void owners_init(struct owners *owners, int64_t now_us);
/* Takes an announcement in. Bit p of the result: partition p has a new owner or epoch. */
uint64_t owners_announced(struct owners *owners, const struct wire_owners *announced,
                          int64_t now_us);
/* The known owner of a partition, else NULL. */
const struct owner *owners_find(const struct owners *owners, uint32_t partition, int64_t now_us);
/* How long nobody has been known to own the partition; 0 while somebody is. */
int64_t owners_missing_us(const struct owners *owners, uint32_t partition, int64_t now_us);
/* How many partitions have a known owner. */
uint32_t owners_known(const struct owners *owners, int64_t now_us);

#endif
