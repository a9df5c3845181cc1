/*
 * seat_index: the free seats of a show, as a bitmap tree of three levels. A bit in the lowest level
 * is a seat; a bit above says that the word of 64 below it has any. Finding, taking and giving back
 * cost the same in a show of 200,000 seats as in a small one.
 */
#ifndef USHER_WORKER_ENGINE_SEAT_INDEX_H
#define USHER_WORKER_ENGINE_SEAT_INDEX_H

#include "shared/base.h"

struct seat_index;

enum { SEAT_INDEX_NONE = INT32_MAX }; /* above every seat */

/* All seats free; 1 … SHOW_SEATS_MAX of them. NULL when there is no memory. */
MUST_CHECK struct seat_index *seat_index_create(uint32_t seat_count);
/* NULL is allowed. */
void seat_index_destroy(struct seat_index *index);

void seat_index_take(struct seat_index *index, uint32_t seat);
void seat_index_give_back(struct seat_index *index, uint32_t seat);
/* The lowest free seat that is not below `from`, or SEAT_INDEX_NONE. */
uint32_t seat_index_next(const struct seat_index *index, uint32_t from);
size_t seat_index_size_bytes(const struct seat_index *index);

#endif
