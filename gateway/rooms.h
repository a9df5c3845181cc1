/*
 * rooms: how the waiting rooms stand, as their owners tell it (WIRE_ROOMS). What joining, claiming,
 * the queue's state and live pushes rest on. Pure but for memory: time is passed in (monotonic µs),
 * questions leave through `ask` and `read`.
 *
 *   a room is LIVE while its owner's news confirm it at least every ROOMS_CONFIRMED_MS. Somebody
 * who wants one that is not known makes its owner be asked (which loads it, so that news follow);
 *   after ROOMS_PATIENCE_MS, or while the owner is silent, it is STALE: as last known, else as read
 *   from the database, at most once a second. Looking never waits longer than that.
 *
 * News of a lower epoch are dropped, and of the same epoch those that go back (now_serving,
 * issued_to). The phase is computed here and now, from the database's clock: doors open by
 * themselves also while nobody is heard. Rooms nobody has wanted or told of for ROOMS_IDLE_MS are
 * forgotten.
 */
#ifndef USHER_GATEWAY_ROOMS_H
#define USHER_GATEWAY_ROOMS_H

#include "shared/wire.h"

enum {
    ROOMS_MAX = 10000,
    ROOMS_WAITERS_MAX = 100000,
    ROOMS_CONFIRMED_MS = 3000,
    ROOMS_PATIENCE_MS = 2000,
    ROOMS_READ_AGAIN_MS = 1000,
    ROOMS_IDLE_MS = 60000,
};

struct rooms;

/* Ends with the call. */
struct room_view {
    const struct room_state *state;
    bool stale;
    int64_t confirmed_us; /* when this was known to be true */
    uint64_t revision;    /* grows with every change that people are told of */
};

/* NULL: nothing is known and nobody answers. */
typedef void rooms_handler(void *context, const struct room_view *view);

struct rooms_config {
    /* Has the owner tell of the room (COMMAND_ROOM_LOOK with number 0 loads the show). */
    void (*ask)(void *context, uint64_t event_id);
    /* Reads the database: exactly one rooms_stored or rooms_unread follows, maybe at once. */
    void (*read)(void *context, uint64_t event_id);
    /* A room changed in what people are told of, or in what joins wait for. */
    void (*on_change)(void *context, const struct room_view *view);
    void *context;
};

MUST_CHECK struct rooms *rooms_create(const struct rooms_config *config);
/* Whoever waits is told NULL. NULL is allowed. */
void rooms_destroy(struct rooms *rooms);

/* Calls the handler once, maybe at once. */
void rooms_want(struct rooms *rooms, uint64_t event_id, int64_t now_us, rooms_handler *handler,
                void *context);
/* What is known now, without asking anybody; false: nothing. */
MUST_CHECK bool rooms_find(const struct rooms *rooms, uint64_t event_id, int64_t now_us,
                           struct room_view *view);
/* A frame of news (WIRE_ROOMS). */
enum status rooms_news(struct rooms *rooms, const void *data, size_t size_bytes, int64_t now_us);
void rooms_stored(struct rooms *rooms, const struct room_state *state, int64_t now_us);
void rooms_unread(struct rooms *rooms, uint64_t event_id, int64_t now_us);
/* Every 100 ms or so. */
void rooms_tick(struct rooms *rooms, int64_t now_us);
/* Walks all; nothing may change meanwhile. */
const struct room_state *rooms_next(const struct rooms *rooms, size_t *cursor);
size_t rooms_count(const struct rooms *rooms);

#endif
