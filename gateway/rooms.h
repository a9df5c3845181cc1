/*
 * rooms: how the waiting rooms stand, as their owners tell it (WIRE_ROOMS). What joining, claiming,
 * the queue's state and live pushes rest on. Pure but for memory: time is passed in (monotonic µs),
 * questions leave through `ask` and `read`.
 *
 *              news                    no news for ROOMS_CONFIRMED_MS
 *   UNKNOWN ----------> LIVE -------------------------------------------> STALE
 *      |  \--read: off--> ^ <------------------------ news -----------------/
 *      \---- read, or recalled; ROOMS_PATIENCE_MS without news ---> STALE
 *
 * A room that is on is told of once a second, so those that are not known are off, or their owner
 * or this process has just begun. Who wants one makes its owner be asked (which loads it, so that
 * news follow) and the database be read, each at most once in ROOMS_AGAIN_MS. Only for a room that
 * is UNKNOWN somebody waits, at most ROOMS_PATIENCE_MS: the database does not know how many have
 * joined. Looking never waits longer than that.
 *
 * News of a lower epoch are dropped, and of the same epoch those that go back (now_serving,
 * issued_to); the last number never does. The phase is computed here and now, from the database's
 * clock: doors open by themselves also while nobody is heard. Rooms nobody has wanted or told of
 * for ROOMS_IDLE_MS are forgotten.
 */
#ifndef USHER_GATEWAY_ROOMS_H
#define USHER_GATEWAY_ROOMS_H

#include "gateway/body.h"
#include "shared/wire.h"

enum {
    ROOMS_MAX = 10000,
    ROOMS_WAITERS_MAX = 100000,
    ROOMS_CONFIRMED_MS = 3000,
    ROOMS_PATIENCE_MS = 2000,
    ROOMS_AGAIN_MS = 1000,
    ROOMS_IDLE_MS = 60000,
    ROOMS_KEEP_MS = 10000,
};

struct rooms;

/* An answer kept for many readers; made and looked after by queue_json. */
struct room_answer {
    struct body *body; /* NULL: none */
    uint64_t revision;
    int64_t made_us;
};

/* Ends with the call. */
struct room_view {
    const struct room_state *state;
    enum room_phase phase; /* now */
    bool stale;
    int64_t confirmed_us; /* when this was known to be true */
    uint64_t revision;    /* grows with every change that people are told of, the phase's too */
    struct room_answer *answer;
};

/* NULL: nothing is known and nobody answers. */
typedef void rooms_handler(void *context, const struct room_view *view);

struct rooms_config {
    /* That time by the database's clock, unix µs. */
    int64_t (*unix_us)(void *context, int64_t monotonic_us);
    /* Has the owner tell of the room (COMMAND_ROOM_LOOK with number 0 loads the show). */
    void (*ask)(void *context, uint64_t event_id);
    /* Reads the database: exactly one rooms_stored or rooms_unread follows, maybe at once. */
    void (*read)(void *context, uint64_t event_id);
    /* A room that is on and live has changed, at most every ROOMS_KEEP_MS: keep a copy. May be
     * NULL. */
    void (*keep)(void *context, const struct room_state *state);
    /* Neither owner nor database answers and nothing is known: rooms_recalled may follow at once.
     * May be NULL. */
    void (*recall)(void *context, uint64_t event_id);
    /* A room changed in what people are told of, or in what joins wait for. May look at rooms
     * (rooms_find), not want any. */
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
/* As the database has it: what only owners know (epoch, last number, rates) is not in it. */
void rooms_stored(struct rooms *rooms, const struct room_state *state, int64_t now_us);
void rooms_unread(struct rooms *rooms, uint64_t event_id, int64_t now_us);
/* A copy that was true at `true_us` (monotonic). Taken only while nothing is known. */
void rooms_recalled(struct rooms *rooms, const struct room_state *state, int64_t true_us);
/* Every 100 ms or so: who waits, phases that begin by the clock, what is to be kept or forgotten.
 */
void rooms_tick(struct rooms *rooms, int64_t now_us);
/* Walks all; nothing may change meanwhile. */
const struct room_state *rooms_next(const struct rooms *rooms, size_t *cursor);
size_t rooms_count(const struct rooms *rooms);
/* Whether there are rooms that are on and none of their owners is heard. */
bool rooms_are_silent(const struct rooms *rooms, int64_t now_us);

#endif
