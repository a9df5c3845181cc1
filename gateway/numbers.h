/*
 * numbers: what a gateway counts, and how it tells it as metrics (shared/metrics.h).
 *
 * Requests are counted by the row of the route table that they matched, so the number of samples
 * does not depend on what is asked.
 */
#ifndef USHER_GATEWAY_NUMBERS_H
#define USHER_GATEWAY_NUMBERS_H

#include "gateway/gateway.h"
#include "shared/metrics.h"

struct route;

enum { NUMBERS_ROUTES_MAX = 64, NUMBERS_STATUSES_MAX = 32 };

/* Of one route; the last of them is for requests that matched none. */
struct route_numbers {
    uint64_t by_status[NUMBERS_STATUSES_MAX];
    struct metrics_histogram took_us;
};

struct gateway_numbers {
    struct route_numbers routes[NUMBERS_ROUTES_MAX + 1];
    uint64_t requests_left; /* clients that left before their answer */
    uint64_t requests_slow;
    uint64_t commands_unknown; /* no answer came in time */
    struct metrics_histogram commands_us;
    uint64_t joins[JOIN_OUTCOME_LAST + 1];
    struct metrics_histogram joins_us; /* those that were told a number */
};

/* A request for `route` (NULL: none fits) has ended; `status` 0: the client left. */
void numbers_request(struct gateway_numbers *numbers, const struct route *route, int status,
                     int64_t took_us, bool slow);
void numbers_join(struct gateway_numbers *numbers, enum join_outcome outcome, int64_t took_us);
/* For ops_server_create; `context` is the gateway. */
int numbers_write(void *context, char *text, size_t size_bytes);
void numbers_print_markdown(FILE *out);

#endif
