/*
 * live_booking: a booking that has seats (PENDING or CONFIRMED), as the engine's parts know it.
 */
#ifndef USHER_WORKER_ENGINE_LIVE_BOOKING_H
#define USHER_WORKER_ENGINE_LIVE_BOOKING_H

#include "shared/booking.h"
#include "worker/engine/heap.h"

/* A user who has live bookings. */
struct holder {
    struct id128 user;
    uint32_t seat_count; /* over all of them */
};

struct live_booking {
    struct heap_node deadline; /* PENDING: in the deadline order */
    struct booking booking;
    struct holder *holder;
};

/* Whose deadline it is; NULL is allowed. */
static inline struct live_booking *live_booking_of(struct heap_node *deadline) {
    return (struct live_booking *)deadline;
}

#endif
