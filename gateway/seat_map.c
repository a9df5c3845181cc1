#include "gateway/seat_map.h"

#include <stdlib.h>

enum status seat_map_init(struct seat_map *map, uint32_t seat_count) {
    *map = (struct seat_map){.seat_count = seat_count};
    map->packed = calloc(1, packed_seats_bytes(seat_count));
    map->counts[SEAT_AVAILABLE] = seat_count;
    return map->packed != NULL ? STATUS_OK : STATUS_NO_MEMORY;
}

void seat_map_free(struct seat_map *map) {
    free(map->packed);
    free(map->history);
    *map = (struct seat_map){0};
}

static void forget_history(struct seat_map *map, uint64_t version) {
    map->history_first = 0;
    map->history_count = 0;
    map->history_from = version;
}

static void remember(struct seat_map *map, uint64_t version, uint32_t seat) {
    if (map->history == NULL) {
        map->history = calloc(SEAT_MAP_HISTORY_MAX, sizeof map->history[0]);
    }
    if (map->history == NULL) {
        forget_history(map, version);
        return;
    }
    if (map->history_count == SEAT_MAP_HISTORY_MAX) {
        map->history_from = map->history[map->history_first].version;
        map->history_first = (map->history_first + 1) % SEAT_MAP_HISTORY_MAX;
        map->history_count--;
    }
    uint32_t at = (map->history_first + map->history_count) % SEAT_MAP_HISTORY_MAX;
    map->history[at] = (struct seat_map_record){.version = version, .seat = seat};
    map->history_count++;
}

static void change_seat(struct seat_map *map, uint64_t version, uint32_t seat,
                        enum seat_state state) {
    enum seat_state before = packed_seats_get(map->packed, seat);
    if (before != state) {
        map->counts[before]--;
        map->counts[state]++;
        packed_seats_set(map->packed, seat, state);
        remember(map, version, seat);
    }
}

static void set_all(struct seat_map *map, uint64_t version, const uint8_t *packed) {
    for (uint32_t seat = 0; seat < map->seat_count; seat++) {
        change_seat(map, version, seat, packed_seats_get(packed, seat));
    }
    if (!map->known || version < map->version) {
        forget_history(map, version);
    }
    map->known = true;
    map->version = version;
}

enum seat_map_result seat_map_set(struct seat_map *map, uint64_t epoch, uint64_t instance,
                                  uint64_t version, const uint8_t *packed) {
    if (map->known && (epoch < map->epoch || (epoch == map->epoch && instance == map->instance &&
                                              version < map->version))) {
        return SEAT_MAP_OLD;
    }
    bool same = map->known && instance == map->instance && version == map->version;
    map->epoch = epoch;
    map->instance = instance;
    if (same) {
        return SEAT_MAP_CONFIRMED;
    }
    set_all(map, version, packed);
    return SEAT_MAP_APPLIED;
}

enum seat_map_result seat_map_set_stored(struct seat_map *map, uint64_t version,
                                         const uint8_t *packed) {
    if (map->known && version < map->version) {
        return SEAT_MAP_OLD;
    }
    if (map->known && version == map->version) {
        return SEAT_MAP_CONFIRMED;
    }
    set_all(map, version, packed);
    map->instance = 0;
    return SEAT_MAP_APPLIED;
}

enum seat_map_result seat_map_news(struct seat_map *map, const struct wire_seats *head,
                                   const struct wire_seat_change *changes) {
    if (!map->known) {
        return SEAT_MAP_GAP;
    }
    if (head->epoch < map->epoch) {
        return SEAT_MAP_OLD;
    }
    if (head->instance != map->instance) {
        return SEAT_MAP_GAP;
    }
    map->epoch = head->epoch;
    if (head->version <= map->version) {
        return head->version == map->version ? SEAT_MAP_CONFIRMED : SEAT_MAP_OLD;
    }
    if (head->from != map->version) {
        return SEAT_MAP_GAP;
    }
    for (uint32_t i = 0; i < head->change_count; i++) {
        if (changes[i].seat >= map->seat_count) {
            return SEAT_MAP_GAP;
        }
    }
    for (uint32_t i = 0; i < head->change_count; i++) {
        change_seat(map, head->version, changes[i].seat, changes[i].state);
    }
    map->version = head->version;
    return SEAT_MAP_APPLIED;
}

bool seat_map_changed_since(const struct seat_map *map, uint64_t since, uint8_t *seats) {
    if (!map->known || since < map->history_from || since > map->version) {
        return false;
    }
    for (uint32_t i = map->history_count; i > 0; i--) {
        const struct seat_map_record *record =
            &map->history[(map->history_first + i - 1) % SEAT_MAP_HISTORY_MAX];
        if (record->version <= since) {
            break;
        }
        seats[record->seat / 8] |= (uint8_t)(1u << record->seat % 8);
    }
    return true;
}
