#include "worker/engine/show_private.h"

#include <stdlib.h>

static enum seat_state seat_state_of(const struct live_booking *live) {
    return live->booking.status == BOOKING_PENDING ? SEAT_HELD : SEAT_BOOKED;
}

static void count_seats(struct show *show, const struct live_booking *live, enum seat_state from,
                        enum seat_state to) {
    show->counts.seats[from] -= live->booking.seat_count;
    show->counts.seats[to] += live->booking.seat_count;
}

/* The user's holder, made when there is none yet. NULL when there is no memory. */
static struct holder *holder_get(struct show *show, const struct id128 *user) {
    struct holder *holder = id_map_get(show->holders, user);
    if (holder != NULL) {
        return holder;
    }
    holder = calloc(1, sizeof *holder);
    if (holder == NULL) {
        return NULL;
    }
    holder->user = *user;
    if (id_map_put(show->holders, user, holder) != STATUS_OK) {
        free(holder);
        return NULL;
    }
    return holder;
}

static void holder_drop_if_idle(struct show *show, struct holder *holder) {
    if (holder->seat_count == 0) {
        id_map_remove(show->holders, &holder->user);
        free(holder);
    }
}

/* Everything that may fail, and nothing that shows. */
static struct live_booking *prepare(struct show *show, const struct booking *booking) {
    if (heap_make_room(show->deadlines, 1) != STATUS_OK) {
        return NULL;
    }
    struct live_booking *live = calloc(1, sizeof *live);
    if (live == NULL) {
        return NULL;
    }
    live->booking = *booking;
    live->holder = holder_get(show, &booking->user);
    if (live->holder == NULL) {
        free(live);
        return NULL;
    }
    if (id_map_put(show->bookings, &booking->id, live) != STATUS_OK) {
        holder_drop_if_idle(show, live->holder);
        free(live);
        return NULL;
    }
    return live;
}

enum status show_add_booking(struct show *show, const struct booking *booking) {
    struct live_booking *live = prepare(show, booking);
    if (live == NULL) {
        return STATUS_NO_MEMORY;
    }
    for (uint32_t i = 0; i < booking->seat_count; i++) {
        show->seats[booking->seats[i]] = live;
        seat_index_take(show->free_seats, booking->seats[i]);
    }
    live->holder->seat_count += booking->seat_count;
    count_seats(show, live, SEAT_AVAILABLE, seat_state_of(live));
    if (booking->status == BOOKING_PENDING) {
        live->deadline.key = booking->deadline_served_ms;
        live->deadline.id = booking->id;
        heap_add(show->deadlines, &live->deadline);
        show->counts.open_holds++;
    } else {
        show->counts.confirmed++;
    }
    return STATUS_OK;
}

static void remove_booking(struct show *show, struct live_booking *live) {
    for (uint32_t i = 0; i < live->booking.seat_count; i++) {
        show->seats[live->booking.seats[i]] = NULL;
        seat_index_give_back(show->free_seats, live->booking.seats[i]);
    }
    live->holder->seat_count -= live->booking.seat_count;
    holder_drop_if_idle(show, live->holder);
    id_map_remove(show->bookings, &live->booking.id);
    fingerprints_add(show->ended, &live->booking.id);
    free(live);
}

void show_move_booking(struct show *show, struct live_booking *live, enum booking_status to,
                       struct show_change *change) {
    enum seat_state seats_were = seat_state_of(live);
    change->before = live->booking.status;
    change->user_before = live->booking.user;
    if (live->booking.status == BOOKING_PENDING) {
        heap_remove(show->deadlines, &live->deadline);
        show->counts.open_holds--;
    } else {
        show->counts.confirmed--;
    }
    live->booking.status = to;
    change->booking = live->booking;
    if (to == BOOKING_CONFIRMED) {
        count_seats(show, live, seats_were, SEAT_BOOKED);
        show->counts.confirmed++;
    } else {
        count_seats(show, live, seats_were, SEAT_AVAILABLE);
        remove_booking(show, live);
    }
}

enum status show_transfer_booking(struct show *show, struct live_booking *live,
                                  const struct id128 *user, struct show_change *change) {
    struct holder *to = holder_get(show, user);
    if (to == NULL) {
        return STATUS_NO_MEMORY;
    }
    change->before = live->booking.status;
    change->user_before = live->booking.user;
    to->seat_count += live->booking.seat_count;
    live->holder->seat_count -= live->booking.seat_count;
    holder_drop_if_idle(show, live->holder);
    live->holder = to;
    live->booking.user = *user;
    change->booking = live->booking;
    return STATUS_OK;
}

void show_block_seat(struct show *show, uint32_t seat) {
    show->seats[seat] = &show->blocked;
    seat_index_take(show->free_seats, seat);
    show->counts.seats[SEAT_AVAILABLE]--;
    show->counts.seats[SEAT_BLOCKED]++;
}
