/*
 * bus: a process's connection to NATS, for the messages between processes (commands, replies, seat
 * changes, announcements). nats.c runs its own threads; everything received and every change of the
 * connection comes through one mailbox onto the event loop and is handed to `bus_handler`s there.
 *
 * The connection is made in the background and made again for ever, with backoff (100 ms … 2 s) and
 * jitter; pings every second find a dead peer within 3 s. Nothing is buffered while it is away:
 * bus_publish then says STATUS_UNAVAILABLE, and senders repeat. Subscriptions survive: each new
 * connection is told all of them. natsOptions_SetSendAsap: every message is written at once, so
 * callers pack what belongs together into one; bus_create_batching is for those who can't. A server
 * that does not read for 500 ms is left; a bus_publish may have waited so long, once.
 *
 * Messages and changes of the connection come to the loop by different ways: a message that came
 * over the last connection may be handled after on_state(true) of the next. Who must tell them
 * apart asks over subjects that carry bus_run (shared/jetstream.h does).
 *
 * The failpoints bus.lose and bus.double ("fail") lose or repeat the next message that is handled.
 *
 * All functions are for the loop's thread.
 */
#ifndef USHER_SHARED_BUS_H
#define USHER_SHARED_BUS_H

#include "shared/base.h"
#include "shared/status.h"

#include <event2/event.h>

struct bus;

enum {
    BUS_MESSAGE_MAX_BYTES = 1 << 20, /* NATS's default max_payload */
    BUS_SUBJECT_MAX_BYTES = 255,
    BUS_GROUP_MAX_BYTES = 63,
    BUS_SUBSCRIPTIONS_MAX = 32,
    BUS_SERVER_ID_SIZE = 64,
};

/* A message on a subject. `data` belongs to the bus and ends with the call. */
typedef void bus_handler(void *context, const char *subject, const uint8_t *data,
                         size_t size_bytes);
/* The connection came up (true: every subscription made so far is known to the server, flushed) or
 * went away (false). Called on the loop, also the first time. */
typedef void bus_state_handler(void *context, bool connected);

/* A message with all that NATS says of it. Everything ends with the call. */
struct bus_message {
    const char *subject;
    const char *reply; /* "" when none */
    int status; /* of a message that NATS itself sends: 503 nobody listens, 404, 408, …; or 0 */
    const uint8_t *data;
    size_t size_bytes;
};
typedef void bus_message_handler(void *context, const struct bus_message *message);

struct bus_header {
    const char *name;
    const char *value;
};

/*
 * Starts connecting to `url` (nats://host:port, several separated by commas); `name` is shown by
 * NATS's monitoring. Returns NULL and logs why when the URL is unusable or there is no memory. An
 * unreachable server is no error.
 */
MUST_CHECK struct bus *bus_create(struct event_base *base, const char *url, const char *name,
                                  bus_state_handler *on_state, void *context);
/* The same; what is published is written within about a millisecond, many messages at a time: for
 * connections that carry many small ones (joins). */
MUST_CHECK struct bus *bus_create_batching(struct event_base *base, const char *url,
                                           const char *name, bus_state_handler *on_state,
                                           void *context);
/* Waits up to 1 s for what was published to leave (and for an attempt to connect to end), closes,
 * frees. No handler is called any more; may be called from inside one. NULL is allowed. */
void bus_destroy(struct bus *bus);

/* `subject` may end in '*' tokens. The subscription becomes active when connected; it is flushed to
 * the server before on_state(true) is called; when connected already it is sent before anything
 * published later. STATUS_LIMIT, STATUS_INVALID. */
MUST_CHECK enum status bus_subscribe(struct bus *bus, const char *subject, bus_handler *handler,
                                     void *context);
/* The same for whole messages; with a `group` (or NULL) each message goes to one of its members
 * only, in whichever process. A group's name is written as one token of a subject, at most
 * BUS_GROUP_MAX_BYTES. */
MUST_CHECK enum status bus_subscribe_messages(struct bus *bus, const char *subject,
                                              const char *group, bus_message_handler *handler,
                                              void *context);
/* Ends the subscription to exactly that subject; its handler is not called again. Unknown: nothing
 * happens. */
void bus_unsubscribe(struct bus *bus, const char *subject);
/* Sends. STATUS_UNAVAILABLE when not connected, STATUS_LIMIT when it is bigger than
 * BUS_MESSAGE_MAX_BYTES or the server's max_payload. Success does not mean that anybody received
 * it. */
MUST_CHECK enum status bus_publish(struct bus *bus, const char *subject, const void *data,
                                   size_t size_bytes);
/* The same with a subject for replies ("" none) and headers. */
MUST_CHECK enum status bus_publish_message(struct bus *bus, const char *subject, const char *reply,
                                           const struct bus_header *headers, size_t header_count,
                                           const void *data, size_t size_bytes);
bool bus_connected(const struct bus *bus);
/* Which connection this is: counts up from 1 with every new one; 0 while there is none. What was
 * sent over one is never sent again over the next. */
uint64_t bus_run(const struct bus *bus);
/* The present server's id, which is another one after every start of the server; "" while away.
 * Shorter than BUS_SERVER_ID_SIZE; read once, when the connection came up. */
const char *bus_server_id(const struct bus *bus);
/* Messages lost here because the mailbox (65,536 messages, 64 MiB) was full. */
uint64_t bus_dropped(const struct bus *bus);

/* At the end of the process, when no bus is left: ends nats.c's threads and frees its memory, so
 * that leak checkers have nothing to say. */
void bus_library_close(void);

#endif
