/*
 * batch_private: what the batch's own files share. Nobody else includes it.
 *
 * batch.c        seats, bookings, shows, the fence; what goes out and what must come back
 * batch_rooms.c  turns, the rooms' records and spans
 * batch_rows.c   all of it as columns
 */
#ifndef USHER_WORKER_BATCH_PRIVATE_H
#define USHER_WORKER_BATCH_PRIVATE_H

#include "shared/id_map.h"
#include "worker/batch.h"

/* An array with place for one more; aborts without memory. */
void *batch_grow(void *array, size_t *capacity, size_t count, size_t item_bytes);

/* The arrays move as they grow, so the maps hold places in them: plus one, since no value of a map
 * is NULL. 0: it has none. */
size_t batch_find_place(const struct id_map *map, const struct id128 *key);
void batch_put_place(struct id_map *map, const struct id128 *key, size_t place);

struct batch_record {
    struct show_entry *entry;
    bool is_new; /* no row yet */
    struct room_record before;
    struct room_record after;
};

struct batch_span {
    struct show_entry *entry;
    uint32_t span_no;
    struct room_vouch vouch;
};

struct batch_rooms {
    struct id_map *index; /* (event, number) -> place in turns; (event, 0) -> place in records */
    struct batch_turn *turns;
    size_t turn_count;
    size_t turn_capacity;
    struct batch_record *records;
    size_t record_count;
    size_t record_capacity;
    struct batch_span *spans;
    size_t span_count;
    size_t span_capacity;
};

enum { BATCH_ROOMS_STATEMENTS = 5 };

/* False without memory. */
MUST_CHECK bool batch_rooms_init(struct batch_rooms *rooms);
void batch_rooms_clear(struct batch_rooms *rooms);
/* Keeps the memory. */
void batch_rooms_empty(struct batch_rooms *rooms);
bool batch_rooms_is_empty(const struct batch_rooms *rooms);
void batch_rooms_add(struct batch_rooms *rooms, struct show_entry *entry,
                     const struct room_change *change);
/* Adds the writes to the group: how many statements, and how many rows each must touch. */
size_t batch_rooms_bind(const struct batch_rooms *rooms, struct database_group *group,
                        size_t rows[BATCH_ROOMS_STATEMENTS]);

#endif
