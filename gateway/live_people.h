/*
 * live_people: whose live connections there are, and what is told to single persons: what becomes
 * of their turns and bookings (shared/wire.h: people), on the connections that watch the event it
 * is about. News are for those who happen to listen: none is kept, lost ones are not repeated.
 *
 * While somebody is known here owners are asked to tell, at once and then every LIVE_ASK_MS.
 * Somebody is known until their token's time is over.
 */
#ifndef USHER_GATEWAY_LIVE_PEOPLE_H
#define USHER_GATEWAY_LIVE_PEOPLE_H

#include "gateway/live_listener.h"
#include "shared/token.h"
#include "shared/wire.h"

#include <event2/event.h>

enum {
    LIVE_ASK_MS = 3000,
    LIVE_PEOPLE_MAX = 1000000,
    LIVE_MAIL_MAX = 100000,    /* that waits to be sent; more is dropped */
    LIVE_MAIL_PER_TURN = 128,  /* of the loop */
    LIVE_CHECKS_PER_TICK = 256 /* of people's time */
};

struct live_people_config {
    struct event_base *base;
    struct live_numbers *numbers;
    /* Has the owners tell (WIRE_ASK_PEOPLE). */
    void (*ask)(void *context);
    void *context;
};

struct live_people;

/* NULL without memory. */
MUST_CHECK struct live_people *live_people_create(const struct live_people_config *config);
/* When nobody is known any more. NULL is allowed. */
void live_people_destroy(struct live_people *people);

/* The listener is this user, and nobody else any more, until the session ends. STATUS_LIMIT,
 * STATUS_NO_MEMORY: it is nobody. */
MUST_CHECK enum status live_people_know(struct live_people *people, struct live_listener *listener,
                                        const struct session *session, int64_t now_us);
/* Nothing happens when it is nobody. */
void live_people_forget(struct live_people *people, struct live_listener *listener);
/* A frame of news (WIRE_PEOPLE). */
enum status live_people_news(struct live_people *people, const void *data, size_t size_bytes);
/* Every 100 ms or so; monotonic, and unix by the database's clock. */
void live_people_tick(struct live_people *people, int64_t now_us, int64_t unix_us);

#endif
