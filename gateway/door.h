/*
 * door: the gateway's part in admitting people. The owner of a room grants, absolutely and again
 * until it is reported: "admit up to". One of the gateways (a queue group) hears it, reads from the
 * stream who is there, and reports them.
 *
 *   a grant for our run --> READING --all came--> LOOKING --its `created` is the grant's-->
 * reported
 *
 * Reported is what was received without a gap from the grant's first sequence on, be it less than
 * was granted. A look that was sent afterwards proves that all of it lay in the stream that the
 * owner vouched for. Whatever goes wrong, nothing is reported and the next grant begins again: one
 * read an event is under way at a time, DOOR_READS_MAX in all, and other grants are dropped.
 */
#ifndef USHER_GATEWAY_DOOR_H
#define USHER_GATEWAY_DOOR_H

#include "gateway/commands.h"
#include "shared/clock.h"
#include "shared/jetstream.h"

enum { DOOR_READS_MAX = 64, DOOR_REPORT_MS = 3000 };

struct door;

struct door_numbers {
    uint64_t dropped; /* grants for another run of NATS than ours, or beyond what can be read */
    uint64_t failed;  /* reads that ended in no report */
    uint64_t reports;
    uint64_t people; /* in reports */
};

struct door_config {
    const struct id128 *installation;
    struct commands *commands;
    struct jetstream *jetstream;
    struct bus *bus; /* the one that jetstream is on */
    const struct database_clock *clock;
};

MUST_CHECK struct door *door_create(const struct door_config *config);
/* Once commands and jetstream are destroyed. NULL is allowed. */
void door_destroy(struct door *door);
void door_granted(struct door *door, const struct room_grant *grant);
const struct door_numbers *door_numbers(const struct door *door);

#endif
