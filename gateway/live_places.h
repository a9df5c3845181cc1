/*
 * live_places: how many live connections may be open, and how many may be opened a second. Pure but
 * for memory.
 *
 * All of them together leave a part of the gateway's connections to requests (LIVE_SHARE): looking
 * must not stop because many watch.
 */
#ifndef USHER_GATEWAY_LIVE_PLACES_H
#define USHER_GATEWAY_LIVE_PLACES_H

#include "gateway/client_address.h"
#include "gateway/limits.h"
#include "gateway/live_numbers.h"

/* Of every LIVE_SHARE_OF connections of the gateway's so many may be live ones. */
enum { LIVE_SHARE = 7, LIVE_SHARE_OF = 8 };

struct live_places_config {
    uint32_t connections_max; /* of the gateway */
    uint32_t per_address;
    struct limit opening; /* new ones a second */
};

struct live_places;
struct live_address;

/* NULL without memory. */
MUST_CHECK struct live_places *live_places_create(const struct live_places_config *config);
/* When no place is taken any more. NULL is allowed. */
void live_places_destroy(struct live_places *places);

/* Whether another one may be opened for this address; takes a token of `opening`. */
MUST_CHECK enum live_refusal live_places_ask(struct live_places *places,
                                             const struct client_address *address, int64_t now_us);
/* Takes a place, to be given back with live_places_leave. `taken`: NULL for an address that is
 * exempt. LIVE_FULL also without memory. */
MUST_CHECK enum live_refusal live_places_take(struct live_places *places,
                                              const struct client_address *address,
                                              struct live_address **taken);
void live_places_leave(struct live_places *places, struct live_address *address);
uint32_t live_places_taken(const struct live_places *places);

#endif
