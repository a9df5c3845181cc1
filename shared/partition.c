#include "shared/partition.h"

uint32_t partition_of_event(uint64_t event_id) {
    const uint64_t offset_basis = 0xcbf29ce484222325u;
    const uint64_t prime = 0x100000001b3u;
    uint64_t hash = offset_basis;
    for (unsigned shift = 0; shift < 64; shift += 8)
        hash = (hash ^ ((event_id >> shift) & 0xff)) * prime;
    return (uint32_t)(hash % PARTITION_COUNT);
}
