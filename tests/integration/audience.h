/*
 * audience: listeners to one event, each of whom keeps a map of its seats as a client should: opens
 * a WebSocket, fetches the seats when greeted, and applies what comes (GET /events/{id}/live in
 * gateway/web/openapi.json). They are spread over the gateways; half of them fetch from another
 * gateway than the one they listen to, as behind a load balancer.
 *
 * Half of them are strict: they apply a frame only when it begins at their very version; the others
 * also when their map is in the middle of it.
 */
#ifndef USHER_TESTS_INTEGRATION_AUDIENCE_H
#define USHER_TESTS_INTEGRATION_AUDIENCE_H

#include "tests/support/shop.h"
#include "tests/support/ws_client.h"

enum { AUDIENCE_MAX = 64, AUDIENCE_SEATS_MAX = 4096 };

struct audience_config {
    struct cluster *cluster;
    int64_t event_id;
    unsigned rows; /* of shop_venue */
    unsigned seats_per_row;
    unsigned count;
    /* A listener's map shows another state of a seat: 'A', 'H', 'B' or 'X'. */
    void (*on_change)(void *context, unsigned listener, unsigned seat, char state);
    void *context;
};

struct audience_figures {
    unsigned hellos;
    unsigned frames;
    unsigned strict_fetches;
    unsigned other_fetches;
};

struct audience;

/* All of them listen, and have a map. */
struct audience *audience_create(const struct audience_config *config);
void audience_destroy(struct audience *audience);
/* Takes what has come; waits a few milliseconds for something. */
void audience_turn(struct audience *audience);
/* A listener begins anew, unless it is fetching just now. */
void audience_restart(struct audience *audience, unsigned index);
/* What a listener's map shows. */
char audience_sees(const struct audience *audience, unsigned listener, unsigned seat);
struct audience_figures audience_figures(const struct audience *audience);
/* Every listener's map is the database's. */
void audience_expect_stored(struct audience *audience);

/* "A1", … Returns `text`. */
char *audience_seat_text(const struct audience_config *config, unsigned seat, char text[16]);

#endif
