/*
 * seat_maps: the seat maps of the events somebody looks at. Pure but for memory: time (monotonic
 * µs) is passed in, questions leave through `ask` and `read`.
 *
 *   a map is LIVE while its owner's news confirm it at least every SEAT_MAPS_CONFIRMED_MS;
 *   when a reader finds it older, or news leave a gap, the owner is asked for a snapshot (one
 * question under way a map, news that arrive meanwhile are kept for it); when that takes longer
 * than SEAT_MAPS_PATIENCE_MS the map is STALE: read from the database, at most once a second, or,
 * without a database, the last one known. Readers of a stale map do not wait.
 *
 * Maps nobody has wanted for SEAT_MAPS_IDLE_MS are forgotten.
 */
#ifndef USHER_GATEWAY_SEAT_MAPS_H
#define USHER_GATEWAY_SEAT_MAPS_H

#include "gateway/layout.h"
#include "gateway/seat_map.h"

enum {
    SEAT_MAPS_MAX = 10000,
    SEAT_MAPS_WAITERS_MAX = 100000,
    SEAT_MAPS_HELD_NEWS_MAX = 1024, /* a map, while a snapshot is under way */
    SEAT_MAPS_CONFIRMED_MS = 3000,
    SEAT_MAPS_PATIENCE_MS = 2000,
    SEAT_MAPS_READ_AGAIN_MS = 1000,
    SEAT_MAPS_IDLE_MS = 60000,
    SEAT_MAPS_BODY_IDLE_MS = 5000,
    SEAT_MAPS_KEEP_MS = 10000,
};

enum seat_format { SEAT_FORMAT_JSON, SEAT_FORMAT_COMPACT, SEAT_FORMAT_COUNT };

/* An answer kept for many readers; made and looked after by seat_json. */
struct seat_answer {
    struct body *body; /* NULL: none */
    uint64_t version;
    bool stale;
    int64_t made_us;
    int64_t cost_us;
};

struct seat_view {
    uint64_t event_id;
    const struct seat_map *map;
    struct layout *layout;
    bool stale;
    int64_t confirmed_us;        /* when this was known to be true */
    struct seat_answer *answers; /* SEAT_FORMAT_COUNT of them */
};

/* NULL: nothing is known and nobody answers. The view ends with the call. */
typedef void seat_maps_handler(void *context, const struct seat_view *view);

struct seat_maps_config {
    /* Asks the owner for a snapshot: exactly one seat_maps_snapshot or seat_maps_unanswered
     * follows, maybe at once. */
    void (*ask)(void *context, uint64_t event_id);
    /* Reads the database: exactly one seat_maps_stored or seat_maps_unread follows, maybe at once.
     */
    void (*read)(void *context, uint64_t event_id);
    /* A map that is live and has changed, at most every SEAT_MAPS_KEEP_MS: keep a copy. May be
     * NULL. */
    void (*keep)(void *context, uint64_t event_id, const struct seat_map *map);
    /* The map of an event may have changed, or its owner. May look at maps (seat_maps_find), not
     * want any. May be NULL. */
    void (*on_change)(void *context, uint64_t event_id);
    /* Neither owner nor database answers and nothing is known: seat_maps_recalled may follow at
     * once. May be NULL. */
    void (*recall)(void *context, uint64_t event_id);
    void *context;
};

struct seat_maps;

MUST_CHECK struct seat_maps *seat_maps_create(const struct seat_maps_config *config);
/* Whoever waits is told NULL. NULL is allowed. */
void seat_maps_destroy(struct seat_maps *maps);

/* Calls the handler once, maybe at once. Keeps the layout. */
void seat_maps_want(struct seat_maps *maps, uint64_t event_id, struct layout *layout,
                    int64_t now_us, seat_maps_handler *handler, void *context);
/* What is known now, without asking anybody; false: nothing. Ends with the next call of any other
 * function. */
MUST_CHECK bool seat_maps_find(const struct seat_maps *maps, uint64_t event_id,
                               struct seat_view *view);
/* A frame of news (WIRE_SEATS), of which only maps that are held take notice. */
enum status seat_maps_news(struct seat_maps *maps, const void *data, size_t size_bytes,
                           int64_t now_us);
void seat_maps_snapshot(struct seat_maps *maps, uint64_t event_id, const struct reply *reply,
                        int64_t now_us);
void seat_maps_unanswered(struct seat_maps *maps, uint64_t event_id, int64_t now_us);
void seat_maps_stored(struct seat_maps *maps, uint64_t event_id, uint64_t version,
                      const uint8_t *packed, uint32_t seat_count, int64_t now_us);
void seat_maps_unread(struct seat_maps *maps, uint64_t event_id, int64_t now_us);
/* A copy that was true at `true_us` (monotonic). Taken only while nothing is known. */
void seat_maps_recalled(struct seat_maps *maps, uint64_t event_id, uint64_t version,
                        const uint8_t *packed, uint32_t seat_count, int64_t true_us);
/* Every 100 ms or so. */
void seat_maps_tick(struct seat_maps *maps, int64_t now_us);
size_t seat_maps_count(const struct seat_maps *maps);
/* How long ago the longest unconfirmed of the maps wanted in the last SEAT_MAPS_BODY_IDLE_MS was
 * known to be true. */
int64_t seat_maps_staleness_us(const struct seat_maps *maps, int64_t now_us);

#endif
