#include "worker/engine/show_private.h"

static bool seats_repeat(const struct booking *booking) {
    for (uint32_t i = 1; i < booking->seat_count; i++) {
        for (uint32_t j = 0; j < i; j++) {
            if (booking->seats[i] == booking->seats[j]) {
                return true;
            }
        }
    }
    return false;
}

enum status show_restore_booking(struct show *show, const struct booking *booking) {
    if (GUARD(RESTORE_EVENT, booking->event_id != show->event_id) ||
        GUARD(RESTORE_NOT_LIVE,
              booking->status != BOOKING_PENDING && booking->status != BOOKING_CONFIRMED) ||
        GUARD(RESTORE_SEAT_COUNT,
              booking->seat_count == 0 || booking->seat_count > BOOKING_SEATS_MAX) ||
        GUARD(RESTORE_TWICE, id_map_get(show->bookings, &booking->id) != NULL) ||
        GUARD(RESTORE_SEAT_REPEATED, seats_repeat(booking))) {
        return STATUS_CONFLICT;
    }
    for (uint32_t i = 0; i < booking->seat_count; i++) {
        if (GUARD(RESTORE_SEAT_UNKNOWN, booking->seats[i] >= show->seat_count) ||
            GUARD(RESTORE_SEAT_TAKEN, show->seats[booking->seats[i]] != NULL)) {
            return STATUS_CONFLICT;
        }
    }
    return show_add_booking(show, booking);
}

enum status show_restore_blocked(struct show *show, uint32_t seat) {
    if (GUARD(RESTORE_BLOCKED_UNKNOWN, seat >= show->seat_count) ||
        GUARD(RESTORE_BLOCKED_TAKEN, show->seats[seat] != NULL)) {
        return STATUS_CONFLICT;
    }
    show_block_seat(show, seat);
    return STATUS_OK;
}

enum status show_restore_ended(struct show *show, const struct id128 *booking_id) {
    if (GUARD(RESTORE_ENDED_LIVE, id_map_get(show->bookings, booking_id) != NULL)) {
        return STATUS_CONFLICT;
    }
    fingerprints_add(show->ended, booking_id);
    return STATUS_OK;
}
