#include "tests/sim/model.h"

bool booking_is_live(const struct booking *booking) {
    return booking->status == BOOKING_PENDING || booking->status == BOOKING_CONFIRMED;
}

void model_copy(struct model *to, const struct model *from) {
    memcpy(to, from,
           offsetof(struct model, bookings) + from->booking_count * sizeof from->bookings[0]);
}

const struct booking *model_find(const struct model *model, const struct id128 *id) {
    for (uint32_t i = 0; i < model->booking_count; i++) {
        if (id128_equal(&model->bookings[i].id, id)) {
            return &model->bookings[i];
        }
    }
    return NULL;
}

void model_seat_states(const struct model *model, enum seat_state states[MODEL_SEATS_MAX]) {
    for (uint32_t seat = 0; seat < model->seat_count; seat++) {
        states[seat] = model->blocked[seat] ? SEAT_BLOCKED : SEAT_AVAILABLE;
    }
    for (uint32_t i = 0; i < model->booking_count; i++) {
        const struct booking *booking = &model->bookings[i];
        for (uint32_t j = 0; j < booking->seat_count; j++) {
            if (booking->status == BOOKING_PENDING) {
                states[booking->seats[j]] = SEAT_HELD;
            } else if (booking->status == BOOKING_CONFIRMED) {
                states[booking->seats[j]] = SEAT_BOOKED;
            }
        }
    }
}

struct show_counts model_count(const struct model *model) {
    struct show_counts counts = {0};
    enum seat_state states[MODEL_SEATS_MAX];
    model_seat_states(model, states);
    for (uint32_t seat = 0; seat < model->seat_count; seat++) {
        counts.seats[states[seat]]++;
    }
    for (uint32_t i = 0; i < model->booking_count; i++) {
        if (model->bookings[i].status == BOOKING_PENDING) {
            counts.open_holds++;
        }
        if (model->bookings[i].status == BOOKING_CONFIRMED) {
            counts.confirmed++;
        }
    }
    return counts;
}

int64_t model_next_deadline(const struct model *model) {
    int64_t earliest = INT64_MAX;
    for (uint32_t i = 0; i < model->booking_count; i++) {
        const struct booking *booking = &model->bookings[i];
        if (booking->status == BOOKING_PENDING && booking->deadline_served_ms < earliest) {
            earliest = booking->deadline_served_ms;
        }
    }
    return earliest;
}

static bool same_fingerprint(const struct booking *booking, const struct id128 *id) {
    return memcmp(booking->id.bytes + 8, id->bytes + 8, 8) == 0;
}

bool model_needs_lookup(const struct model *model, const struct id128 *id, size_t ended_limit) {
    const struct booking *named = model_find(model, id);
    if (named != NULL && booking_is_live(named)) {
        return false;
    }
    size_t distinct = 0;
    bool hit = false;
    for (uint32_t i = 0; i < model->booking_count; i++) {
        if (booking_is_live(&model->bookings[i])) {
            continue;
        }
        bool first_of_its_kind = true;
        for (uint32_t j = 0; j < i; j++) {
            if (!booking_is_live(&model->bookings[j]) &&
                same_fingerprint(&model->bookings[j], &model->bookings[i].id)) {
                first_of_its_kind = false;
            }
        }
        distinct += first_of_its_kind;
        hit = hit || same_fingerprint(&model->bookings[i], id);
    }
    return hit || distinct > ended_limit;
}

static void end_booking(struct booking *booking, enum booking_status to,
                        struct show_decision *decision) {
    decision->has_change = true;
    decision->change.before = booking->status;
    decision->change.user_before = booking->user;
    booking->status = to;
    decision->change.booking = *booking;
}

static void show_booking(const struct booking *booking, const struct show_time *time,
                         struct reply *reply) {
    reply->has_booking = true;
    reply->booking = *booking;
    if (booking->status == BOOKING_PENDING) {
        int64_t left_ms = booking->deadline_served_ms - time->served_ms;
        reply->booking.expires_us = time->now_us + left_ms * 1000;
    }
}

static bool list_has(const uint32_t *list, uint32_t count, uint32_t value) {
    for (uint32_t i = 0; i < count; i++) {
        if (list[i] == value) {
            return true;
        }
    }
    return false;
}

static uint32_t seats_of_user(const struct model *model, const struct id128 *user) {
    uint32_t seats = 0;
    for (uint32_t i = 0; i < model->booking_count; i++) {
        const struct booking *booking = &model->bookings[i];
        if (booking_is_live(booking) && id128_equal(&booking->user, user)) {
            seats += booking->seat_count;
        }
    }
    return seats;
}

static bool on_sale(const struct show_settings *settings, int64_t now_us, int64_t *on_sale_us) {
    *on_sale_us = 0;
    if (settings->state != SHOW_OPEN) {
        return false;
    }
    if (settings->on_sale_us != 0 && now_us < settings->on_sale_us) {
        *on_sale_us = settings->on_sale_us;
        return false;
    }
    return settings->sale_end_us == 0 || now_us < settings->sale_end_us;
}

/* How many seats are asked for, or what is wrong with asking so. */
static enum reply_code read_request(const struct model *model, const struct command *command,
                                    uint32_t *wanted) {
    uint64_t total = command->seat_count;
    if (command->item_count > BOOKING_ITEMS_MAX) {
        return REPLY_INVALID;
    }
    for (uint32_t i = 0; i < command->item_count; i++) {
        total += command->items[i].quantity;
    }
    if (total < 1 || total > 10) {
        return REPLY_INVALID;
    }
    *wanted = (uint32_t)total;
    for (uint32_t i = 0; i < command->seat_count; i++) {
        if (command->seats[i] >= model->seat_count) {
            return REPLY_UNKNOWN_SEAT;
        }
        if (list_has(command->seats, i, command->seats[i])) {
            return REPLY_INVALID;
        }
    }
    uint32_t sections[BOOKING_ITEMS_MAX];
    for (uint32_t i = 0; i < command->item_count; i++) {
        sections[i] = command->items[i].section;
        if (sections[i] >= model->layout->section_count) {
            return REPLY_UNKNOWN_SEAT;
        }
        if (!model->layout->sections[sections[i]].general || list_has(sections, i, sections[i]) ||
            command->items[i].quantity == 0) {
            return REPLY_INVALID;
        }
    }
    return REPLY_OK;
}

/* Gives the booking its seats; false, and which ones are taken, when that can't be. */
static bool choose_seats(const struct model *model, const struct command *command,
                         struct booking *booking, struct reply *reply) {
    enum seat_state states[MODEL_SEATS_MAX];
    model_seat_states(model, states);
    for (uint32_t i = 0; i < command->seat_count; i++) {
        booking->seats[booking->seat_count++] = command->seats[i];
        if (states[command->seats[i]] != SEAT_AVAILABLE) {
            reply->seats[reply->seat_count++] = command->seats[i];
        }
    }
    if (reply->seat_count > 0) {
        return false;
    }
    for (uint32_t i = 0; i < command->item_count; i++) {
        const struct show_section *section = &model->layout->sections[command->items[i].section];
        uint32_t missing = command->items[i].quantity;
        for (uint32_t j = 0; j < section->seat_count && missing > 0; j++) {
            uint32_t seat = section->first_seat + j;
            if (states[seat] == SEAT_AVAILABLE &&
                !list_has(booking->seats, booking->seat_count, seat)) {
                booking->seats[booking->seat_count++] = seat;
                missing--;
            }
        }
        if (missing > 0) {
            return false;
        }
    }
    return true;
}

static int64_t price_of(const struct model *model, uint32_t seat) {
    for (uint32_t i = 0; i < model->layout->section_count; i++) {
        const struct show_section *section = &model->layout->sections[i];
        if (seat >= section->first_seat && seat - section->first_seat < section->seat_count) {
            return model->settings.prices[section->price_category];
        }
    }
    ensure(false);
    return 0;
}

static void reserve_new(struct model *model, const struct show_request *request,
                        const struct show_time *time, struct show_decision *decision) {
    const struct command *command = request->command;
    const struct show_settings *settings = &model->settings;
    struct reply *reply = &decision->reply;
    uint32_t wanted = 0;
    if (settings->state == SHOW_DRAFT) {
        reply->code = REPLY_NOT_FOUND;
        return;
    }
    if (command->guest && !settings->guests) {
        reply->code = REPLY_GUESTS_NOT_ALLOWED;
        return;
    }
    if (!on_sale(settings, time->now_us, &reply->on_sale_us)) {
        reply->code = REPLY_NOT_ON_SALE;
        return;
    }
    if (request->pass != REPLY_OK) {
        reply->code = request->pass;
        return;
    }
    reply->code = read_request(model, command, &wanted);
    if (reply->code != REPLY_OK) {
        return;
    }
    if (seats_of_user(model, &command->user) + wanted > settings->seats_per_user) {
        reply->code = REPLY_SEAT_LIMIT;
        reply->limit = settings->seats_per_user;
        return;
    }
    struct booking booking = {.id = command->booking_id,
                              .user = command->user,
                              .event_id = model->event_id,
                              .body_hash = command->body_hash,
                              .queue_number = request->queue_number,
                              .status = BOOKING_PENDING,
                              .created_us = time->now_us,
                              .deadline_served_ms = time->served_ms + settings->hold_ms,
                              .expires_us = time->now_us + settings->hold_ms * 1000};
    memcpy(booking.currency, settings->currency, sizeof booking.currency);
    if (!choose_seats(model, command, &booking, reply)) {
        reply->code = REPLY_SEAT_TAKEN;
        return;
    }
    for (uint32_t i = 0; i < booking.seat_count; i++) {
        booking.prices[i] = price_of(model, booking.seats[i]);
        booking.amount += booking.prices[i];
    }
    ensure(model->booking_count < MODEL_BOOKINGS_MAX);
    model->bookings[model->booking_count++] = booking;
    decision->has_change = true;
    decision->change.before = BOOKING_NONE;
    decision->change.user_before = command->user;
    decision->change.booking = booking;
    show_booking(&booking, time, reply);
}

static void confirm(const struct model *model, struct booking *booking, enum payment_result payment,
                    struct show_decision *decision) {
    struct reply *reply = &decision->reply;
    if (booking->status == BOOKING_CONFIRMED) {
        reply->replayed = true;
    } else if (booking->status == BOOKING_CANCELLED) {
        reply->code = REPLY_NOT_PENDING;
    } else if (booking->status == BOOKING_EXPIRED) {
        reply->code = REPLY_HOLD_EXPIRED;
    } else if (model->settings.state == SHOW_CANCELLED) {
        reply->code = REPLY_NOT_ON_SALE;
    } else if (booking->amount > 0 && payment == PAYMENT_DECLINED) {
        reply->code = REPLY_PAYMENT_DECLINED;
    } else if (booking->amount > 0 && payment != PAYMENT_APPROVED) {
        reply->code = REPLY_PAYMENT_INVALID;
    } else {
        end_booking(booking, BOOKING_CONFIRMED, decision);
    }
}

static void cancel(struct booking *booking, struct show_decision *decision) {
    struct reply *reply = &decision->reply;
    if (booking->status == BOOKING_CANCELLED) {
        reply->replayed = true;
    } else if (booking->status == BOOKING_EXPIRED) {
        reply->code = REPLY_HOLD_EXPIRED;
    } else if (booking->status == BOOKING_CONFIRMED) {
        reply->code = REPLY_CONFLICT;
    } else {
        end_booking(booking, BOOKING_CANCELLED, decision);
    }
}

static void transfer(const struct model *model, struct booking *booking,
                     const struct id128 *new_user, struct show_decision *decision) {
    struct reply *reply = &decision->reply;
    uint32_t limit = model->settings.seats_per_user;
    if (id128_equal(&booking->user, new_user)) {
        reply->replayed = true;
    } else if (booking->status == BOOKING_CANCELLED) {
        reply->code = REPLY_NOT_PENDING;
    } else if (booking->status == BOOKING_EXPIRED) {
        reply->code = REPLY_HOLD_EXPIRED;
    } else if (seats_of_user(model, new_user) + booking->seat_count > limit) {
        reply->code = REPLY_SEAT_LIMIT;
        reply->limit = limit;
    } else {
        decision->has_change = true;
        decision->change.before = booking->status;
        decision->change.user_before = booking->user;
        booking->user = *new_user;
        decision->change.booking = *booking;
    }
}

static bool belongs_to(const struct booking *booking, const struct command *command) {
    if (command->kind == COMMAND_TRANSFER && id128_equal(&booking->user, &command->new_user)) {
        return true;
    }
    return id128_equal(&booking->user, &command->user);
}

void model_decide(struct model *model, const struct show_request *request,
                  const struct show_time *time, struct show_decision *decision) {
    const struct command *command = request->command;
    const struct booking *found = model_find(model, &command->booking_id);
    *decision = (struct show_decision){0};
    if (found == NULL) {
        if (command->kind == COMMAND_RESERVE) {
            reserve_new(model, request, time, decision);
        } else {
            decision->reply.code = REPLY_NOT_FOUND;
        }
        return;
    }
    struct booking *booking = &model->bookings[found - model->bookings];
    if (!belongs_to(booking, command)) {
        decision->reply.code = REPLY_NOT_FOUND;
        return;
    }
    if (command->kind == COMMAND_RESERVE && booking->body_hash != command->body_hash) {
        decision->reply.code = REPLY_KEY_REUSED;
        return;
    }
    if (booking->status == BOOKING_PENDING && time->served_ms >= booking->deadline_served_ms) {
        end_booking(booking, BOOKING_EXPIRED, decision);
    }
    if (command->kind == COMMAND_RESERVE) {
        decision->reply.replayed = true;
    } else if (command->kind == COMMAND_CONFIRM) {
        confirm(model, booking, request->payment, decision);
    } else if (command->kind == COMMAND_TRANSFER) {
        transfer(model, booking, &command->new_user, decision);
    } else {
        cancel(booking, decision);
    }
    show_booking(booking, time, &decision->reply);
}

/* The open hold that ends first, among those that should have ended; NULL when there is none. */
static struct booking *most_overdue(struct model *model, const struct show_time *time) {
    struct booking *first = NULL;
    for (uint32_t i = 0; i < model->booking_count; i++) {
        struct booking *booking = &model->bookings[i];
        if (booking->status != BOOKING_PENDING || booking->deadline_served_ms > time->served_ms) {
            continue;
        }
        if (first == NULL || booking->deadline_served_ms < first->deadline_served_ms ||
            (booking->deadline_served_ms == first->deadline_served_ms &&
             memcmp(&booking->id, &first->id, sizeof first->id) < 0)) {
            first = booking;
        }
    }
    return first;
}

size_t model_expire(struct model *model, const struct show_time *time, struct show_change *changes,
                    size_t limit) {
    size_t count = 0;
    while (count < limit) {
        struct booking *booking = most_overdue(model, time);
        if (booking == NULL) {
            break;
        }
        booking->status = BOOKING_EXPIRED;
        changes[count++] = (struct show_change){
            .before = BOOKING_PENDING, .user_before = booking->user, .booking = *booking};
    }
    return count;
}
