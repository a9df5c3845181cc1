/*
 * bus_link: what of the bus happens on other threads than the loop's: connecting, and nats.c's
 * callbacks.
 *
 * Each connection is used once: when it ends, the link's own thread makes another, with backoff. So
 * nothing that the loop calls waits for a lock that nats.c holds while it reconnects, nothing is
 * buffered meanwhile, and what came over an old connection can't be taken for news of the new one.
 * The link is freed when the loop has left it (bus_link_destroy) and the last callback that could
 * still use it has ended.
 *
 *   WANTED --connected--> MADE --round trip--> PROVEN
 *      ^                    |                    |
 *      +--- bus_link_renew--+--- closed <--------+
 *
 * Functions are for the loop's thread.
 */
#ifndef USHER_SHARED_BUS_LINK_H
#define USHER_SHARED_BUS_LINK_H

#include "shared/bus.h"
#include "shared/mailbox.h"

#include <nats/nats.h>

struct bus_link;

/* What bus_link_look saw. */
struct bus_link_view {
    natsConnection *connection; /* NULL while WANTED */
    bool closed;
    bool proven; /* the proof came back over this connection */
};

/* Starts connecting. `batching`: what is published may wait a millisecond for more. NULL, logged,
 * when the URL is unusable or there is no memory. */
MUST_CHECK struct bus_link *bus_link_create(const char *url, const char *name, bool batching);
void bus_link_destroy(struct bus_link *link);

/* Readable when the view has changed; bus_link_look clears that. */
int bus_link_fd(const struct bus_link *link);
struct bus_link_view bus_link_look(struct bus_link *link);
/* Gives the connection up and wants another. */
void bus_link_renew(struct bus_link *link);

/* Messages, with the subscription's `topic`. */
struct mailbox *bus_link_mailbox(const struct bus_link *link);
/* What such a mail says; points into it. */
struct bus_message bus_link_message(const struct mail *mail);
/* On the present connection; `group` may be "". NULL when it does not work any more. */
natsSubscription *bus_link_subscribe(struct bus_link *link, const char *subject, const char *group,
                                     uint32_t topic);
/* Sends a message to this process itself: when it comes back, the server knows everything sent
 * before. False when the connection does not work any more. `proof` is the subscription it comes
 * back by. */
MUST_CHECK bool bus_link_prove(struct bus_link *link, natsSubscription **proof);

#endif
