/*
 * seat_map: the seats of one event as this gateway knows them, two bits a seat, with a version and
 * a bounded history of what changed. Pure but for memory.
 *
 * A snapshot from the owner sets the whole map; news (shared/wire.h: struct wire_seats) that start
 * at our version move it on; whatever does not fit asks for another snapshot. Versions belong to
 * the event, are stored with every batch and never go back, so the history survives another owner:
 * a snapshot that leads from one version to a later one is remembered as the difference of the two.
 */
#ifndef USHER_GATEWAY_SEAT_MAP_H
#define USHER_GATEWAY_SEAT_MAP_H

#include "shared/wire.h"

enum { SEAT_MAP_HISTORY_MAX = 4096 };

struct seat_map_record {
    uint64_t version;
    uint32_t seat;
};

struct seat_map {
    uint32_t seat_count;
    uint8_t *packed;
    uint32_t counts[4]; /* by enum seat_state */
    bool known;         /* false: nothing was ever heard; everything below counts from then on */
    uint64_t instance;  /* the owner's; 0: read from the database */
    uint64_t epoch;     /* the highest heard */
    uint64_t version;
    uint64_t history_from;           /* changes after this version are all in the history */
    struct seat_map_record *history; /* a ring, allocated with the first change */
    uint32_t history_first;
    uint32_t history_count;
};

enum seat_map_result {
    SEAT_MAP_APPLIED,   /* the map is as new as the news */
    SEAT_MAP_CONFIRMED, /* the news know nothing that the map does not */
    SEAT_MAP_OLD,       /* dropped: of a lower epoch or version */
    SEAT_MAP_GAP,       /* something was lost, or the owner is another: a snapshot is needed */
};

MUST_CHECK enum status seat_map_init(struct seat_map *map, uint32_t seat_count);
void seat_map_free(struct seat_map *map);

/* `packed` of the map's seat_count seats. SEAT_MAP_APPLIED, CONFIRMED or OLD. */
enum seat_map_result seat_map_set(struct seat_map *map, uint64_t epoch, uint64_t instance,
                                  uint64_t version, const uint8_t *packed);
/* The same from the database: no owner vouches for it. Never goes back behind what is known. */
enum seat_map_result seat_map_set_stored(struct seat_map *map, uint64_t version,
                                         const uint8_t *packed);
enum seat_map_result seat_map_news(struct seat_map *map, const struct wire_seats *head,
                                   const struct wire_seat_change *changes);

/* Sets a bit in `seats` ((seat_count + 7) / 8 bytes, zeroed by the caller) for each seat that
 * changed after version `since`; false when that is not known any more. */
MUST_CHECK bool seat_map_changed_since(const struct seat_map *map, uint64_t since, uint8_t *seats);

#endif
