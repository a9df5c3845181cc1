/*
 * id_map: a hash table from 16-byte ids to pointers. Open addressing, one array, grows by doubling,
 * at most `limit` entries. Keys are hashed with a random seed of the map's own, so chosen ids can't
 * make it slow. Values belong to the caller and are never NULL. Not thread-safe.
 */
#ifndef USHER_SHARED_ID_MAP_H
#define USHER_SHARED_ID_MAP_H

#include "shared/base.h"
#include "shared/status.h"

struct id_map;

/* NULL when there is no memory. Allocates no table before the first put. */
MUST_CHECK struct id_map *id_map_create(size_t limit);
/* Frees the map, not the values. NULL is allowed. */
void id_map_destroy(struct id_map *map);

void *id_map_get(const struct id_map *map, const struct id128 *id);
/* STATUS_EXISTS (nothing changed), STATUS_LIMIT, STATUS_NO_MEMORY. */
MUST_CHECK enum status id_map_put(struct id_map *map, const struct id128 *id, void *value);
/* Makes sure that the next `count` puts of new ids find room. STATUS_LIMIT, STATUS_NO_MEMORY. */
MUST_CHECK enum status id_map_make_room(struct id_map *map, size_t count);
/* The value taken out, or NULL when the id was not there. */
void *id_map_remove(struct id_map *map, const struct id128 *id);
/* Takes all out, and keeps the memory. */
void id_map_clear(struct id_map *map);
size_t id_map_count(const struct id_map *map);
size_t id_map_size_bytes(const struct id_map *map);

/* Walks all entries in no order: start with *cursor = 0; false at the end. Nothing may be put or
 * removed during the walk. `id` may be NULL. */
bool id_map_next(const struct id_map *map, size_t *cursor, struct id128 *id, void **value);

/* A 64-bit number as a key. */
static inline struct id128 id128_of_u64(uint64_t number) {
    struct id128 id = {{0}};
    memcpy(id.bytes, &number, sizeof number);
    return id;
}

#endif
