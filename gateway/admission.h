/*
 * admission: whether a request may go on, before anything expensive is done for it. In this order:
 *
 *   address   its token bucket (limits.h) for the route's class, before the body is read as JSON
 *             and before any token is verified
 *   overload  what the gateway can still take on (overload.h)
 *   user      the user's bucket for the class, once it is known who asks (auth.c)
 *
 * Classes: booking (bookings, places in a queue, and whatever else a visitor changes), sessions,
 * admin, looking (the rest, also what no route is for). Health is always answered. Clients on this
 * machine are exempt from the buckets (client_address.h), from nothing else.
 *
 * Who may not go on has been answered: 429 `too-many-requests` or 503 `overloaded`, with
 * Retry-After. Under overload that is all it costs: no log line, no connection closed.
 */
#ifndef USHER_GATEWAY_ADMISSION_H
#define USHER_GATEWAY_ADMISSION_H

#include "gateway/client_address.h"
#include "gateway/gateway.h"
#include "gateway/limits.h"
#include "gateway/overload.h"

struct route;

enum { ADMISSION_LAG_MS = 50 };

struct admission_numbers {
    uint64_t limited[LIMITS_CLASS_COUNT][LIMITS_WHO_COUNT];
    uint64_t shed[OVERLOAD_PART_COUNT];
};

/* Begins to measure the loop. NULL, logged, when a setting can't be used or there is no memory. */
MUST_CHECK struct admission *admission_create(struct gateway *gateway);
/* NULL is allowed. */
void admission_destroy(struct admission *admission);

/* `route` NULL: none fits. */
MUST_CHECK bool admission_take(struct admission *admission, struct http_request *request,
                               const struct route *route);
MUST_CHECK bool admission_take_user(struct admission *admission, struct http_request *request,
                                    const struct route *route, const struct id128 *user);
/* Whose request it is. */
struct client_address admission_address(const struct admission *admission,
                                        const struct http_request *request);
/* USHER_LIMIT_LIVE, whose bucket is live's. */
const struct limit *admission_live_limit(const struct admission *admission);
/* A command was answered by its owner after so long. */
void admission_answered(struct admission *admission, int64_t wait_us);

const struct admission_numbers *admission_numbers(const struct admission *admission);
const struct overload *admission_overload(const struct admission *admission);
int64_t admission_lag_us(const struct admission *admission); /* last measured */
size_t admission_buckets(const struct admission *admission);

#endif
