/*
 * queue: what the routes of a waiting room share.
 */
#ifndef USHER_GATEWAY_ROUTES_QUEUE_H
#define USHER_GATEWAY_ROUTES_QUEUE_H

#include "gateway/gateway.h"

/* The phase of the event's room, where it is known without asking: its owner is heard, or the
 * catalogue says that it is off. */
MUST_CHECK bool queue_phase_is_known(const struct gateway *gateway,
                                     const struct catalogue_event *event, enum room_phase *phase);

#endif
