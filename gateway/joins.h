/*
 * joins: people on their way into a waiting room: a JetStream publish each, whose sequence is the
 * number. Pipelined: no join waits for another's acknowledgement. Time is passed in (monotonic µs).
 *
 *   WANTED --the room's run and stream are those of our connection--> PUBLISHED
 *     ^ ^ ^                                                              | stored, or not the
 *     | | +---- no stream, asked to come again, connection ended --------+ expected sequence: N
 *     | |                                                                v
 *     | +------ connection ended, another stream ------- LOOKED_FOR <- STORED
 *     |                                                    | the stream is the one vouched for
 *     |                                                    v
 *     +------ another span has begun ------------------- FENCED --number <= issued_to,
 *     |                                                    |        attended -----> JOIN_NEW
 *     |                                                    |
 *     |                                                    | it is a sequence N of before
 *     |                                                    v
 *     +------ the owner says: it has ended ------------- ASKED --it lives--> JOIN_KNOWN
 *
 * Whoever is WANTED again expects N when that has ended, and nothing otherwise, as anybody who
 * joins again would. Refused, silent, past JOIN_WAIT_MS: JOIN_UNAVAILABLE, and joining again is
 * safe. The room closes: JOIN_CLOSED.
 *
 * A number is answered only after a look at the stream that was *sent after its acknowledgement
 * came*, over the same connection, to the run that the owner vouched for, and that shows the
 * `created` which was vouched for when the join was published. (One look covers all
 * acknowledgements that came before it was sent; one a room is under way at a time.) So neither a
 * server started anew nor a stream made anew can give a number out twice. And it is answered only
 * up to the `issued_to` that the owner has committed, and while no further span has begun; the
 * owner is told in time when more is needed (COMMAND_ROOM_ISSUE).
 *
 * The same command tells the owner which gateways *attend* to a span: numbers are answered only of
 * one that this command was answered OK for, and of none older from the moment it is sent; it says
 * which was the highest number that this process has answered in the room. So the owner can know
 * that no lost number was ever answered (worker/engine/room.h). A room once attended to is
 * remembered for that, and each further span of it is attended to as soon as it is heard of. Once
 * one had to be forgotten (JOINS_ROOMS_KEPT_MAX), those that are new from then on are said to have
 * been answered any number.
 *
 * At most JOINS_OPEN_MAX publishes a room are under way; the rest waits. Whatever fails goes on
 * with the next tick, after a look at the stream that succeeds.
 */
#ifndef USHER_GATEWAY_JOINS_H
#define USHER_GATEWAY_JOINS_H

#include "gateway/commands.h"
#include "gateway/rooms.h"
#include "shared/clock.h"
#include "shared/jetstream.h"

enum {
    JOINS_MAX = 200000,
    JOINS_ROOMS_MAX = 10000,     /* with joins under way */
    JOINS_ROOMS_KEPT_MAX = 5000, /* past it those without are forgotten */
    JOINS_OPEN_MAX = 5000,       /* what a server does in 70 ms */
    JOINS_ISSUE_AHEAD = 500,     /* so many numbers before the last one, more are asked for */
    JOIN_CONFLICTS_MAX = 8,      /* of one join; past it JOIN_UNAVAILABLE */
    JOIN_WAIT_MS = 5000,
};

enum join_outcome {
    JOIN_NEW,
    JOIN_KNOWN,       /* this person was in already */
    JOIN_CLOSED,      /* the room takes nobody now */
    JOIN_UNAVAILABLE, /* not known whether the person is in: joining again tells */
    JOIN_OVERLOADED,
};
#define JOIN_OUTCOME_LAST JOIN_OVERLOADED
const char *join_outcome_text(enum join_outcome outcome); /* "new" … */

struct join_place {
    uint64_t number;
    uint32_t span; /* of the line, that it lies in */
};

/* Called once, maybe before joins_submit has returned. `place` is NULL unless NEW or KNOWN. */
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
/* Once rooms, commands and jetstream are destroyed, which end everything that is open there. All
 * under way are told JOIN_UNAVAILABLE. NULL is allowed. */
void joins_destroy(struct joins *joins);
/* STATUS_LIMIT, STATUS_NO_MEMORY: the handler is not called. */
MUST_CHECK enum status joins_submit(struct joins *joins, uint64_t event_id,
                                    const struct id128 *user, int64_t now_us, join_handler *handler,
                                    void *context);
/* A room changed (rooms_config.on_change): joins that waited for it go on. */
void joins_room_changed(struct joins *joins, uint64_t event_id, int64_t now_us);
/* The connection went away or came; jetstream was told before. */
void joins_bus_state(struct joins *joins, bool connected, int64_t now_us);
/* Every 100 ms or so. */
void joins_tick(struct joins *joins, int64_t now_us);
size_t joins_under_way(const struct joins *joins);

#endif
