/*
 * places: where somebody stands in a room's stream, for those who bring no queue token.
 *
 * The stream has one subject a person, whose last message is their last entry; its sequence is a
 * number only if the stream is the one that the owner vouched for, on the run of NATS that it was
 * vouched for. As for joins that is looked at after the entry was read, over the same connection.
 */
#ifndef USHER_GATEWAY_PLACES_H
#define USHER_GATEWAY_PLACES_H

#include "gateway/rooms.h"
#include "shared/jetstream.h"

enum place_outcome {
    PLACE_FOUND,
    PLACE_NONE, /* no entry; a number from before NATS lost its end is only in its holder's hands */
    PLACE_UNKNOWN, /* NATS or the owner can't be heard: ask again */
};

/* `number` is 0 unless FOUND, and was answered to somebody, or may have been. */
typedef void place_handler(void *context, enum place_outcome outcome, uint64_t number);

struct places_config {
    const struct id128 *installation;
    const struct rooms *rooms;
    struct jetstream *jetstream;
    const struct bus *bus; /* the one that jetstream is on */
};

/* Calls the handler once, maybe at once. The room has to be known (rooms_want) or nothing is. What
 * `config` points to has to live until then. */
void places_find(const struct places_config *config, uint64_t event_id, const struct id128 *user,
                 place_handler *handler, void *context);

#endif
