/*
 * partition: which of an installation's partitions an event belongs to.
 *
 * Count and hash function are written into the database at installation ("fnv1a64-mod": FNV-1a, 64
 * bits, over the event id as 8 bytes little-endian, modulo the count). A process whose own differ
 * refuses to start, since two owners of one event would be the end of promise 1.
 */
#ifndef USHER_SHARED_PARTITION_H
#define USHER_SHARED_PARTITION_H

#include "shared/base.h"

enum { PARTITION_COUNT = 64 };
#define PARTITION_HASH "fnv1a64-mod"

uint32_t partition_of_event(uint64_t event_id);

#endif
