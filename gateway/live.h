/*
 * live: everything live. WebSockets (ws/session.h) that watch an event are told of its seats and
 * its room (live_channels.h) and, once they have shown a token, of what is their person's
 * (live_people.h). What is said either way is documented for clients in web/openapi.json, GET
 * /events/{id}/live, whose route (routes/live.c) opens them.
 *
 *   live_ask --the event's map is there--> live_listener_create --101--> live_take_over --> open
 *
 * A client may send {"type":"auth","token":…}; the last one counts. What has another type is
 * ignored. Closed with 1008 is who sends what is no JSON, a token that is not good, or more than
 * LIVE_TEXTS_PER_SECOND texts in the long run; with 1013 who sends a token that can't be judged
 * now.
 *
 * Single-threaded: everything on the loop.
 */
#ifndef USHER_GATEWAY_LIVE_H
#define USHER_GATEWAY_LIVE_H

#include "gateway/live_people.h"
#include "gateway/live_places.h"
#include "gateway/rooms.h"
#include "gateway/seat_maps.h"

enum {
    LIVE_TEXTS_PER_SECOND = 2,
    LIVE_TEXTS_BURST = 20,
    LIVE_RETRY_MAX_SECONDS = 10, /* whoever can't be taken on now spreads over so many */
};

struct live_config {
    struct event_base *base;
    struct seat_maps *seat_maps;
    struct rooms *rooms;
    struct live_places_config places;
    int64_t ping_ms; /* WS_PING_MS */
    /* Unix µs of a monotonic time, by the database's clock. */
    int64_t (*unix_us)(void *context, int64_t monotonic_us);
    /* Whose token it is: STATUS_INVALID, it is not good; STATUS_UNAVAILABLE, that is not known now.
     */
    enum status (*verify)(void *context, const char *token, struct session *session);
    void (*ask_people)(void *context);
    void *context;
};

struct live;
struct live_listener;

/* NULL without memory. */
MUST_CHECK struct live *live_create(const struct live_config *config);
/* Closes every connection with 1001, some in each turn of the loop. */
void live_drain(struct live *live);
/* Cuts every connection. Before the http_server that they came from is destroyed. NULL is allowed.
 */
void live_close(struct live *live);
/* After live_close and that server's end. NULL is allowed. */
void live_destroy(struct live *live);

/* Before anything is done for a request: whether another connection may be opened for that address.
 * Counts what is refused, as live_listener_create does. */
MUST_CHECK enum live_refusal live_ask(struct live *live, const struct client_address *address);
/* A listener to the event of that map; `room_off`: the event has no waiting room, as far as is
 * known. Has to be given to http_upgrade as live_take_over's context. */
MUST_CHECK enum live_refusal live_listener_create(struct live *live, const struct seat_view *view,
                                                  bool room_off,
                                                  const struct client_address *address,
                                                  struct live_listener **listener);
/* An http_taker. */
void live_take_over(void *context, const struct http_taken *taken);
/* After how many seconds somebody who was refused may ask again: 1 … LIVE_RETRY_MAX_SECONDS, by
 * chance. */
uint32_t live_retry_seconds(void);

/* Changes; also when nobody listens. */
void live_seats_changed(struct live *live, uint64_t event_id);
void live_room_changed(struct live *live, uint64_t event_id);
/* A frame of news (WIRE_PEOPLE). */
enum status live_take_people(struct live *live, const void *data, size_t size_bytes);
/* Every 100 ms or so. */
void live_tick(struct live *live, int64_t now_us);

uint32_t live_connections(const struct live *live);
const struct live_numbers *live_numbers(const struct live *live);

#endif
