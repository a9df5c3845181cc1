/*
 * live_channels: what the listeners of each event are told of its seats and its room, and the
 * telling. An event with listeners has a channel.
 *
 *   QUIET --a change--> DUE --frames are made--> TELLING --everybody has them--> RESTING
 *   RESTING --LIVE_REST_MS later--> QUIET, or DUE when something has changed meanwhile
 *
 * In DUE the frames are made that lead from what was told last to what is now, one of a kind: all
 * changes of a while in one. The next ones are made only when everybody has these, so to everybody
 * frames come in order and without a gap, however many listen; and where telling takes long there
 * are fewer, larger frames. In one turn of the loop at most LIVE_SENDS_PER_TURN frames are sent,
 * over all channels by turns; requests are served in between.
 *
 * Whoever is added is greeted: with a hello that names the version from which the next frame leads
 * on, the queue's state, and the room's message when there is one. Everybody is told hello again
 * when the map's history does not reach back to what was told last, or when the owner is another.
 *
 * A map that is read from the database, while the owner is silent, is told of as well: versions are
 * the event's.
 */
#ifndef USHER_GATEWAY_LIVE_CHANNELS_H
#define USHER_GATEWAY_LIVE_CHANNELS_H

#include "gateway/live_listener.h"
#include "gateway/rooms.h"
#include "gateway/seat_maps.h"

#include <event2/event.h>

enum {
    LIVE_REST_MS = 100,
    LIVE_SENDS_PER_TURN = 128,
    LIVE_WANT_MS = 1000, /* how often maps and rooms of listeners are wanted */
    LIVE_WANTS_PER_TICK = 256,
};

struct live_channels_config {
    struct event_base *base;
    struct seat_maps *seat_maps;
    struct rooms *rooms;
    struct live_numbers *numbers;
    /* Unix µs of a monotonic time. */
    int64_t (*unix_us)(void *context, int64_t monotonic_us);
    void *context;
};

struct live_channels;
struct live_channel;

/* NULL without memory. */
MUST_CHECK struct live_channels *live_channels_create(const struct live_channels_config *config);
/* When no channel is held any more. NULL is allowed. */
void live_channels_destroy(struct live_channels *channels);

/* The event's channel, which begins with the map as it is now; `room_off`: the event has no room,
 * as far as is known. Held for a listener until live_channel_release. NULL without memory. */
MUST_CHECK struct live_channel *live_channel_hold(struct live_channels *channels,
                                                  const struct seat_view *view, bool room_off);
void live_channel_release(struct live_channel *channel);
uint64_t live_channel_event(const struct live_channel *channel);
/* The listener has a session now, and is greeted. */
void live_channel_add(struct live_channel *channel, struct live_listener *listener);
void live_channel_remove(struct live_channel *channel, struct live_listener *listener);

/* Something of the event has changed, or may have. */
void live_channels_seats_changed(struct live_channels *channels, uint64_t event_id);
void live_channels_room_changed(struct live_channels *channels, uint64_t event_id);
/* Every 100 ms or so: keeps maps and rooms wanted. */
void live_channels_tick(struct live_channels *channels, int64_t now_us);

#endif
