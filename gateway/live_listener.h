/*
 * live_listener: one live connection, as the parts of live know it: its event's channel
 * (live_channels.h), its address's place (live_places.h), who it is of (live_people.h). Made and
 * freed by live.c.
 */
#ifndef USHER_GATEWAY_LIVE_LISTENER_H
#define USHER_GATEWAY_LIVE_LISTENER_H

#include "gateway/live_numbers.h"
#include "gateway/ws/session.h"

#include <sys/queue.h>

struct live_listener {
    struct live *live;
    struct live_channel *channel;
    struct ws_session *session; /* NULL: not open yet */
    LIST_ENTRY(live_listener) of_event;
    struct live_address *address; /* NULL: exempt */
    struct live_person *person;   /* NULL: nobody in particular */
    LIST_ENTRY(live_listener) of_person;
    int64_t known_until_us; /* unix, by the database's clock */
    int64_t texts_full_ns;  /* a bucket (limits.h) for what it sends */
    bool is_put_off;        /* closed with 1013, though it is not slow */
};

LIST_HEAD(live_listener_list, live_listener);

static inline void live_listener_send(const struct live_listener *listener,
                                      struct live_numbers *numbers, struct ws_frame *frame) {
    ws_session_send(listener->session, frame);
    numbers->deliveries++;
}

#endif
