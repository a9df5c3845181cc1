#include "tests/sim/store.h"

#include "tests/sim/difference.h"

/* What a batch does to a seat in the end. */
struct seat_effect {
    bool touched;
    struct id128 before;
    struct id128 after;
};

static struct store_row *find_row(struct store *store, const struct id128 *id) {
    for (uint32_t i = 0; i < store->row_count; i++) {
        if (id128_equal(&store->rows[i].booking.id, id)) {
            return &store->rows[i];
        }
    }
    return NULL;
}

const struct booking *store_find(const struct store *store, const struct id128 *id) {
    for (uint32_t i = 0; i < store->row_count; i++) {
        if (id128_equal(&store->rows[i].booking.id, id)) {
            return &store->rows[i].booking;
        }
    }
    return NULL;
}

static const struct show_change *earlier_change(const struct show_change *changes, size_t i) {
    for (size_t j = i; j > 0; j--) {
        if (id128_equal(&changes[j - 1].booking.id, &changes[i].booking.id)) {
            return &changes[j - 1];
        }
    }
    return NULL;
}

/* Only the status and the user of a booking ever change, and not at once. */
static bool differs_in_more_than_one(const struct booking *a, const struct booking *b) {
    struct booking same_status = *b;
    struct booking same_user = *b;
    same_status.status = a->status;
    same_user.user = a->user;
    return booking_difference(a, &same_status) != NULL && booking_difference(a, &same_user) != NULL;
}

static const char *check_booking(const struct store *store, const struct show_change *changes,
                                 size_t i) {
    const struct show_change *earlier = earlier_change(changes, i);
    const struct booking *was =
        earlier != NULL ? &earlier->booking : store_find(store, &changes[i].booking.id);
    if (was == NULL) {
        return changes[i].before == BOOKING_NONE ? NULL : "a booking changes that is not there";
    }
    if (changes[i].before != was->status || !id128_equal(&changes[i].user_before, &was->user)) {
        return "a booking changes that is not as it was";
    }
    return differs_in_more_than_one(was, &changes[i].booking)
               ? "more than a status or a user changes"
               : NULL;
}

/* Works the seats' net effect out of the changes in order. */
static const char *add_effect(struct seat_effect *effects, const struct show_change *change) {
    const struct booking *booking = &change->booking;
    static const struct id128 nobody;
    if (booking->status == BOOKING_CONFIRMED || booking->status == change->before) {
        return NULL;
    }
    bool takes = booking->status == BOOKING_PENDING;
    for (uint32_t i = 0; i < booking->seat_count; i++) {
        struct seat_effect *effect = &effects[booking->seats[i]];
        const struct id128 *before = takes ? &nobody : &booking->id;
        if (!effect->touched) {
            effect->touched = true;
            effect->before = *before;
        } else if (!id128_equal(&effect->after, before)) {
            return "a seat changes hands that belongs to somebody else within the batch";
        }
        effect->after = takes ? booking->id : nobody;
    }
    return NULL;
}

static const char *check_seats(const struct store *store, const struct seat_effect *effects) {
    for (uint32_t seat = 0; seat < MODEL_SEATS_MAX; seat++) {
        if (!effects[seat].touched) {
            continue;
        }
        if (store->blocked[seat]) {
            return "a blocked seat changes hands";
        }
        if (!id128_equal(&store->claims[seat], &effects[seat].before)) {
            return "a seat changes hands that is not as it was";
        }
    }
    return NULL;
}

static const char *write_booking(struct store *store, const struct booking *booking) {
    struct store_row *row = find_row(store, &booking->id);
    if (row == NULL) {
        ensure(store->row_count < MODEL_BOOKINGS_MAX);
        row = &store->rows[store->row_count++];
        *row = (struct store_row){0};
    } else if (row->promised != BOOKING_NONE && row->promised != booking->status) {
        return "a promised booking is lost";
    }
    row->booking = *booking;
    return NULL;
}

const char *store_write(struct store *store, uint64_t epoch, int64_t served_ms,
                        const struct show_change *changes, size_t change_count) {
    struct seat_effect effects[MODEL_SEATS_MAX] = {0};
    const char *refused = NULL;
    if (epoch != store->epoch) {
        return "the epoch is another";
    }
    for (size_t i = 0; i < change_count && refused == NULL; i++) {
        refused = check_booking(store, changes, i);
        if (refused == NULL) {
            refused = add_effect(effects, &changes[i]);
        }
    }
    if (refused == NULL) {
        refused = check_seats(store, effects);
    }
    for (size_t i = 0; i < change_count && refused == NULL; i++) {
        refused = write_booking(store, &changes[i].booking);
    }
    if (refused != NULL) {
        return refused;
    }
    for (uint32_t seat = 0; seat < MODEL_SEATS_MAX; seat++) {
        if (effects[seat].touched) {
            store->claims[seat] = effects[seat].after;
        }
    }
    store->served_ms = served_ms;
    return NULL;
}

const char *store_promise(struct store *store, const struct reply *reply) {
    if (!reply->has_booking) {
        return NULL;
    }
    struct store_row *row = find_row(store, &reply->booking.id);
    if (row == NULL) {
        return "a customer is told of a booking that is not stored";
    }
    if (row->promised != BOOKING_NONE && reply->booking.status != row->promised) {
        return "a customer is told something else than before";
    }
    if (reply->booking.status != BOOKING_PENDING) {
        row->promised = reply->booking.status;
    }
    return row->promised == BOOKING_NONE || row->promised == row->booking.status
               ? NULL
               : "a customer is told what is not stored";
}

const char *store_difference(const struct store *store, const struct model *model) {
    if (store->row_count != model->booking_count) {
        return "number of bookings";
    }
    struct id128 claims[MODEL_SEATS_MAX] = {0};
    for (uint32_t i = 0; i < model->booking_count; i++) {
        const struct booking *booking = &model->bookings[i];
        const struct booking *row = store_find(store, &booking->id);
        const char *difference = row == NULL ? "a missing row" : booking_difference(row, booking);
        if (difference != NULL) {
            return difference;
        }
        for (uint32_t j = 0; j < booking->seat_count && booking_is_live(booking); j++) {
            claims[booking->seats[j]] = booking->id;
        }
    }
    return memcmp(claims, store->claims, sizeof claims) == 0 ? NULL : "claims";
}
