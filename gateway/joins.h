/*
 * joins: people on their way into a waiting room: a JetStream publish each, whose sequence is the
 * number. Pipelined: no join waits for another's acknowledgement.
 *
 *   WANTED --the room's run and stream are those of our connection--> PUBLISHED
 *   PUBLISHED --stored--> FENCED --number <= issued_to--> answered
 *       |  \--not the expected sequence: N--> ASKED: does number N still live? --yes--> answered
 *       |        ^                              | no, it has ended
 *       +--------|------------------------------+ publish again, expecting N
 *       +--lost, silent, refused, past the deadline--> JOIN_UNAVAILABLE: joining again is safe
 *
 * A number is answered only when all of this held *after* its acknowledgement came: the connection
 * still is the one it came over, the server's id is the one the owner vouched for, and a look at
 * the stream, sent after the acknowledgement, shows the `created` that was vouched for. (One look
 * covers all acknowledgements that came before it was sent; one a room is under way at a time.) So
 * neither a server started anew nor a stream made anew can give a number out twice. And it is
 * answered only up to the `issued_to` that the owner has committed; the owner is told in time when
 * more is needed (COMMAND_ROOM_ISSUE).
 */
#ifndef USHER_GATEWAY_JOINS_H
#define USHER_GATEWAY_JOINS_H

#include "gateway/commands.h"
#include "gateway/rooms.h"
#include "shared/jetstream.h"

enum {
    JOINS_MAX = 200000, /* under way; past it JOIN_OVERLOADED */
    JOIN_WAIT_MS = 5000,
};

enum join_outcome {
    JOIN_NEW,
    JOIN_KNOWN,       /* this person was in already */
    JOIN_CLOSED,      /* the room takes nobody now */
    JOIN_UNAVAILABLE, /* not known whether the person is in: joining again tells */
    JOIN_OVERLOADED,
};

struct join_place {
    uint64_t number;
    uint32_t span;
};

/* Called once, never before joins_submit has returned. `place` is NULL unless NEW or KNOWN. */
typedef void join_handler(void *context, enum join_outcome outcome, const struct join_place *place);

struct joins;

struct joins_config {
    const struct id128 *installation;
    struct rooms *rooms;
    struct commands *commands;
    struct jetstream *jetstream;
    struct bus *bus; /* the one that jetstream is on */
    const struct database_clock *clock;
};

MUST_CHECK struct joins *joins_create(const struct joins_config *config);
/* All under way are told JOIN_UNAVAILABLE. NULL is allowed. */
void joins_destroy(struct joins *joins);
MUST_CHECK enum status joins_submit(struct joins *joins, uint64_t event_id,
                                    const struct id128 *user, int64_t now_us, join_handler *handler,
                                    void *context);
/* A room changed (rooms_config.on_change): joins that waited for it go on. */
void joins_room_changed(struct joins *joins, uint64_t event_id, int64_t now_us);
/* The connection went away or came: what is open on it is over. */
void joins_bus_state(struct joins *joins, bool connected, int64_t now_us);
/* Every 100 ms or so. */
void joins_tick(struct joins *joins, int64_t now_us);
size_t joins_under_way(const struct joins *joins);

#endif
