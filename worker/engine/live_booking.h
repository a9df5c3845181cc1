/*
 * live_booking: a booking that has seats (PENDING or CONFIRMED), as the engine's parts know it.
 */
#ifndef USHER_WORKER_ENGINE_LIVE_BOOKING_H
#define USHER_WORKER_ENGINE_LIVE_BOOKING_H

#include "shared/booking.h"

/* A user who has live bookings. */
struct holder {
    struct id128 user;
    uint32_t seat_count; /* over all of them */
};

struct live_booking {
    struct booking booking;
    struct holder *holder;
    size_t deadline_position; /* PENDING: in the deadline order, which keeps it */
};

#endif
