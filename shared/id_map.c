#include "shared/id_map.h"

#include "shared/ids.h"

#include <stdlib.h>

enum { FIRST_CAPACITY = 16 };

struct slot {
    struct id128 id;
    void *value; /* NULL: free */
};

/* Linear probing; an entry taken out is closed up by moving later ones forward, so there are no
 * tombstones and a map that only churns never grows. */
struct id_map {
    struct slot *slots;
    size_t capacity; /* 0 or a power of two; at most half of it is used, so that probes are short */
    size_t count;
    size_t limit;
    uint64_t seed[2];
};

struct id_map *id_map_create(size_t limit) {
    struct id_map *map = calloc(1, sizeof *map);
    if (map == NULL)
        return NULL;
    map->limit = limit;
    struct id128 seed = id128_random();
    memcpy(map->seed, seed.bytes, sizeof map->seed);
    return map;
}

void id_map_destroy(struct id_map *map) {
    if (map == NULL)
        return;
    free(map->slots);
    free(map);
}

/* The two halves of a 128-bit product of secret-masked words, folded. */
static size_t home_of(const struct id_map *map, const struct id128 *id) {
    uint64_t words[2];
    memcpy(words, id->bytes, sizeof words);
    unsigned __int128 product =
        (unsigned __int128)(words[0] ^ map->seed[0]) * (words[1] ^ map->seed[1]);
    uint64_t hash = (uint64_t)product ^ (uint64_t)(product >> 64);
    return (size_t)hash & (map->capacity - 1);
}

/* The slot that holds the id, or the free one where it would go. The table must have a free slot.
 */
static struct slot *find(const struct id_map *map, const struct id128 *id) {
    size_t at = home_of(map, id);
    while (map->slots[at].value != NULL && !id128_equal(&map->slots[at].id, id))
        at = (at + 1) & (map->capacity - 1);
    return &map->slots[at];
}

void *id_map_get(const struct id_map *map, const struct id128 *id) {
    return map->count == 0 ? NULL : find(map, id)->value;
}

enum status id_map_make_room(struct id_map *map, size_t count) {
    if (count > map->limit - map->count)
        return STATUS_LIMIT;
    struct id_map grown = *map;
    while (map->count + count > grown.capacity / 2)
        grown.capacity = grown.capacity == 0 ? FIRST_CAPACITY : 2 * grown.capacity;
    if (grown.capacity == map->capacity)
        return STATUS_OK;
    grown.slots = calloc(grown.capacity, sizeof *grown.slots);
    if (grown.slots == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < map->capacity; i++)
        if (map->slots[i].value != NULL)
            *find(&grown, &map->slots[i].id) = map->slots[i];
    free(map->slots);
    *map = grown;
    return STATUS_OK;
}

enum status id_map_put(struct id_map *map, const struct id128 *id, void *value) {
    ensure(value != NULL);
    struct slot *slot = map->capacity == 0 ? NULL : find(map, id);
    if (slot != NULL && slot->value != NULL)
        return STATUS_EXISTS;
    size_t capacity = map->capacity;
    enum status status = id_map_make_room(map, 1);
    if (status != STATUS_OK)
        return status;
    if (slot == NULL || map->capacity != capacity)
        slot = find(map, id);
    *slot = (struct slot){.id = *id, .value = value};
    map->count++;
    return STATUS_OK;
}

void id_map_clear(struct id_map *map) {
    if (map->count > 0)
        memset(map->slots, 0, map->capacity * sizeof *map->slots);
    map->count = 0;
}

void *id_map_remove(struct id_map *map, const struct id128 *id) {
    if (map->count == 0)
        return NULL;
    struct slot *found = find(map, id);
    void *value = found->value;
    if (value == NULL)
        return NULL;
    size_t mask = map->capacity - 1;
    size_t hole = (size_t)(found - map->slots);
    for (size_t at = (hole + 1) & mask; map->slots[at].value != NULL; at = (at + 1) & mask) {
        /* An entry may move into the hole unless its home lies behind it. */
        size_t distance_from_home = (at - home_of(map, &map->slots[at].id)) & mask;
        if (distance_from_home >= ((at - hole) & mask)) {
            map->slots[hole] = map->slots[at];
            hole = at;
        }
    }
    map->slots[hole].value = NULL;
    map->count--;
    return value;
}

size_t id_map_count(const struct id_map *map) {
    return map->count;
}

size_t id_map_size_bytes(const struct id_map *map) {
    return sizeof *map + map->capacity * sizeof *map->slots;
}

bool id_map_next(const struct id_map *map, size_t *cursor, struct id128 *id, void **value) {
    while (*cursor < map->capacity) {
        const struct slot *slot = &map->slots[(*cursor)++];
        if (slot->value == NULL)
            continue;
        if (id != NULL)
            *id = slot->id;
        *value = slot->value;
        return true;
    }
    return false;
}
