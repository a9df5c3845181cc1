#include "worker/engine/show_private.h"

static bool booking_has_seat(const struct booking *booking, uint32_t seat) {
    for (uint32_t i = 0; i < booking->seat_count; i++) {
        if (booking->seats[i] == seat) {
            return true;
        }
    }
    return false;
}

static const char *check_seats(const struct show *show) {
    struct show_counts counts = {0};
    uint32_t next_free = seat_index_next(show->free_seats, 0);
    for (uint32_t seat = 0; seat < show->seat_count; seat++) {
        const struct live_booking *live = show->seats[seat];
        counts.seats[show_seat_state(show, seat)]++;
        if (live != NULL && live != &show->blocked) {
            if (id_map_get(show->bookings, &live->booking.id) != live) {
                return "1: a seat belongs to a booking that is not live";
            }
            if (!booking_has_seat(&live->booking, seat)) {
                return "1: a seat belongs to a booking that does not list it";
            }
        }
        if ((live == NULL) != (seat == next_free)) {
            return "4: the index of free seats is wrong about a seat";
        }
        if (seat == next_free) {
            next_free = seat_index_next(show->free_seats, seat + 1);
        }
    }
    if (next_free != SEAT_INDEX_NONE) {
        return "4: the index of free seats goes past the last seat";
    }
    if (memcmp(counts.seats, show->counts.seats, sizeof counts.seats) != 0) {
        return "4: the seats of each state are miscounted";
    }
    return NULL;
}

static const char *check_booking(const struct show *show, const struct live_booking *live) {
    const struct booking *booking = &live->booking;
    if (booking->status != BOOKING_PENDING && booking->status != BOOKING_CONFIRMED) {
        return "2: a booking in memory is not live";
    }
    if (booking->seat_count == 0 || booking->seat_count > BOOKING_SEATS_MAX) {
        return "2: a booking has no seats or too many";
    }
    for (uint32_t i = 0; i < booking->seat_count; i++) {
        struct booking earlier = {.seat_count = i};
        memcpy(earlier.seats, booking->seats, sizeof earlier.seats);
        if (booking_has_seat(&earlier, booking->seats[i])) {
            return "2: a booking lists a seat twice";
        }
        if (booking->seats[i] >= show->seat_count || show->seats[booking->seats[i]] != live) {
            return "2: a booking lists a seat that is not its own";
        }
    }
    if (live->holder == NULL || id_map_get(show->holders, &booking->user) != live->holder) {
        return "3: a booking's user is not known";
    }
    if (booking->status == BOOKING_PENDING && !heap_holds(show->deadlines, &live->deadline)) {
        return "5: an open hold is out of the deadline order";
    }
    return NULL;
}

static const char *check_bookings(const struct show *show) {
    struct show_counts counts = {0};
    uint64_t seats = 0;
    size_t cursor = 0;
    void *value = NULL;
    while (id_map_next(show->bookings, &cursor, NULL, &value)) {
        const struct live_booking *live = value;
        const char *broken = check_booking(show, live);
        if (broken != NULL) {
            return broken;
        }
        seats += live->booking.seat_count;
        counts.open_holds += live->booking.status == BOOKING_PENDING;
        counts.confirmed += live->booking.status == BOOKING_CONFIRMED;
    }
    uint64_t held_by_users = 0;
    cursor = 0;
    while (id_map_next(show->holders, &cursor, NULL, &value)) {
        const struct holder *holder = value;
        held_by_users += holder->seat_count;
        if (holder->seat_count == 0) {
            return "3: a user without seats is kept";
        }
    }
    if (held_by_users != seats) {
        return "3: users' seats are miscounted";
    }
    if (counts.open_holds != heap_count(show->deadlines)) {
        return "5: the deadline order has what is no open hold";
    }
    if (counts.open_holds != show->counts.open_holds ||
        counts.confirmed != show->counts.confirmed) {
        return "5: open holds or confirmed bookings are miscounted";
    }
    return NULL;
}

const char *show_check(const struct show *show) {
    const char *broken = check_seats(show);
    return broken != NULL ? broken : check_bookings(show);
}
