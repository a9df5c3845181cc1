/*
 * live_room: what the listeners of one event are told of its waiting room: how the queue stands,
 * and the room's message. Each is made once for all; the queue again when it is another second, so
 * that nobody begins with an old one.
 *
 * A queue that changes all the time is told at most every LIVE_ROOM_QUEUE_MS.
 */
#ifndef USHER_GATEWAY_LIVE_ROOM_H
#define USHER_GATEWAY_LIVE_ROOM_H

#include "gateway/live_numbers.h"
#include "gateway/rooms.h"
#include "gateway/ws/frame.h"

enum { LIVE_ROOM_QUEUE_MS = 250 };

/* Zero-initialised is one of which nothing is known. */
struct live_room {
    bool off;               /* says the catalogue, which knows of a change a second later */
    struct ws_frame *queue; /* NULL: not known yet */
    int64_t made_us;
    char etag[BODY_ETAG_SIZE]; /* of what all were told last; "" nothing */
    int64_t told_us;           /* when */
    struct ws_frame *message;  /* NULL: there never was one */
    char text[ROOM_MESSAGE_SIZE];
};

/* What listeners have not been told yet. */
enum { LIVE_ROOM_QUEUE = 1, LIVE_ROOM_MESSAGE = 2, LIVE_ROOM_LATER = 4 };

/* Takes note of how the room stands (NULL: not known) and returns which of queue and message have
 * to be told to all; they count as told then. LIVE_ROOM_LATER: look again after a while.
 * `as_of_us`: unix µs of `now_us`, or of the view's confirmed_us. */
unsigned live_room_look(struct live_room *room, struct live_numbers *numbers,
                        const struct room_view *view, int64_t now_us, int64_t as_of_us);
void live_room_free(struct live_room *room);

#endif
