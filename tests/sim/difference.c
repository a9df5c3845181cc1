#include "tests/sim/difference.h"

#define DIFFER(field)                                                                              \
    do {                                                                                           \
        if (a->field != b->field) {                                                                \
            return #field;                                                                         \
        }                                                                                          \
    } while (0)

const char *booking_difference(const struct booking *a, const struct booking *b) {
    if (!id128_equal(&a->id, &b->id)) {
        return "id";
    }
    if (!id128_equal(&a->user, &b->user)) {
        return "user";
    }
    DIFFER(status);
    DIFFER(event_id);
    DIFFER(body_hash);
    DIFFER(queue_number);
    DIFFER(seat_count);
    for (uint32_t i = 0; i < a->seat_count && i < BOOKING_SEATS_MAX; i++) {
        DIFFER(seats[i]);
        DIFFER(prices[i]);
    }
    DIFFER(amount);
    if (memcmp(a->currency, b->currency, sizeof a->currency) != 0) {
        return "currency";
    }
    DIFFER(created_us);
    DIFFER(deadline_served_ms);
    DIFFER(expires_us);
    return NULL;
}

const char *change_difference(const struct show_change *a, const struct show_change *b) {
    DIFFER(before);
    if (!id128_equal(&a->user_before, &b->user_before)) {
        return "user_before";
    }
    return booking_difference(&a->booking, &b->booking);
}

static const char *reply_difference(const struct reply *a, const struct reply *b) {
    DIFFER(code);
    DIFFER(replayed);
    DIFFER(has_booking);
    DIFFER(partition);
    DIFFER(epoch);
    DIFFER(seat_count);
    for (uint32_t i = 0; i < a->seat_count; i++) {
        DIFFER(seats[i]);
    }
    DIFFER(limit);
    DIFFER(on_sale_us);
    DIFFER(packed_seat_count);
    return a->has_booking ? booking_difference(&a->booking, &b->booking) : NULL;
}

const char *decision_difference(const struct show_decision *a, const struct show_decision *b) {
    const char *difference = reply_difference(&a->reply, &b->reply);
    if (difference != NULL) {
        return difference;
    }
    DIFFER(has_change);
    return a->has_change ? change_difference(&a->change, &b->change) : NULL;
}
