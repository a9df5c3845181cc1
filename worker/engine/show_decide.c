#include "worker/engine/show_private.h"

/* One decision on its way. */
struct decider {
    struct show *show;
    const struct show_request *request;
    const struct command *command;
    const struct show_time *time;
    struct live_booking *live;   /* the booking named, NULL when it is not live */
    const struct booking *known; /* the booking named, live or looked up, NULL when there is none */
    struct show_decision *decision;
};

/* What the hold's deadline means in database time, if served time goes on without a pause. */
static int64_t forecast_us(const struct booking *booking, const struct show_time *time) {
    return time->now_us + (booking->deadline_served_ms - time->served_ms) * 1000;
}

static void reply_booking(const struct decider *d, const struct booking *booking) {
    struct reply *reply = &d->decision->reply;
    reply->has_booking = true;
    reply->booking = *booking;
    if (booking->status == BOOKING_PENDING) {
        reply->booking.expires_us = forecast_us(booking, d->time);
    }
}

/* Moves the live booking on; what is known of it from here on is the change. */
static void move(struct decider *d, enum booking_status to) {
    show_move_booking(d->show, d->live, to, &d->decision->change);
    d->decision->has_change = true;
    d->live = NULL;
    d->known = &d->decision->change.booking;
}

static enum reply_code check_sale(const struct decider *d) {
    const struct show_settings *settings = &d->show->settings;
    int64_t now_us = d->time->now_us;
    if (GUARD(DRAFT, settings->state == SHOW_DRAFT)) {
        return REPLY_NOT_FOUND;
    }
    if (GUARD(GUEST, d->command->guest && !settings->guests)) {
        return REPLY_GUESTS_NOT_ALLOWED;
    }
    if (GUARD(NOT_OPEN, settings->state != SHOW_OPEN)) {
        return REPLY_NOT_ON_SALE;
    }
    if (GUARD(BEFORE_SALE, settings->on_sale_us != 0 && now_us < settings->on_sale_us)) {
        d->decision->reply.on_sale_us = settings->on_sale_us;
        return REPLY_NOT_ON_SALE;
    }
    if (GUARD(AFTER_SALE, settings->sale_end_us != 0 && now_us >= settings->sale_end_us)) {
        return REPLY_NOT_ON_SALE;
    }
    return REPLY_OK;
}

/* Asked for by id and by section together; UINT64_MAX for more items than a command can hold. */
static uint64_t seats_wanted(const struct command *command) {
    if (command->item_count > BOOKING_ITEMS_MAX) {
        return UINT64_MAX;
    }
    uint64_t wanted = command->seat_count;
    for (uint32_t i = 0; i < command->item_count; i++) {
        wanted += command->items[i].quantity;
    }
    return wanted;
}

static bool is_asked_before(const struct command *command, uint32_t count, uint32_t seat) {
    for (uint32_t i = 0; i < count; i++) {
        if (command->seats[i] == seat) {
            return true;
        }
    }
    return false;
}

static bool section_is_repeated(const struct command *command, uint32_t item) {
    for (uint32_t i = 0; i < item; i++) {
        if (command->items[i].section == command->items[item].section) {
            return true;
        }
    }
    return false;
}

static enum reply_code check_request(const struct decider *d, uint64_t wanted) {
    const struct command *command = d->command;
    if (GUARD(NO_SEATS, wanted == 0) || GUARD(TOO_MANY_SEATS, wanted > BOOKING_SEATS_MAX)) {
        return REPLY_INVALID;
    }
    for (uint32_t i = 0; i < command->seat_count; i++) {
        if (GUARD(SEAT_UNKNOWN, command->seats[i] >= d->show->seat_count)) {
            return REPLY_UNKNOWN_SEAT;
        }
        if (GUARD(SEAT_REPEATED, is_asked_before(command, i, command->seats[i]))) {
            return REPLY_INVALID;
        }
    }
    for (uint32_t i = 0; i < command->item_count; i++) {
        const struct command_item *item = &command->items[i];
        if (GUARD(SECTION_UNKNOWN, item->section >= d->show->section_count)) {
            return REPLY_UNKNOWN_SEAT;
        }
        if (GUARD(SECTION_SEATED, !d->show->sections[item->section].general) ||
            GUARD(SECTION_REPEATED, section_is_repeated(command, i)) ||
            GUARD(EMPTY_ITEM, item->quantity == 0)) {
            return REPLY_INVALID;
        }
    }
    return REPLY_OK;
}

static enum reply_code check_limit(const struct decider *d, const struct id128 *user,
                                   uint64_t wanted) {
    const struct holder *holder = id_map_get(d->show->holders, user);
    uint64_t has = holder == NULL ? 0 : holder->seat_count;
    if (GUARD(SEAT_LIMIT, has + wanted > d->show->settings.seats_per_user)) {
        d->decision->reply.limit = d->show->settings.seats_per_user;
        return REPLY_SEAT_LIMIT;
    }
    return REPLY_OK;
}

static enum reply_code pick_asked(const struct decider *d, struct booking *booking) {
    struct reply *reply = &d->decision->reply;
    for (uint32_t i = 0; i < d->command->seat_count; i++) {
        uint32_t seat = d->command->seats[i];
        if (GUARD(SEAT_TAKEN, d->show->seats[seat] != NULL)) {
            reply->seats[reply->seat_count++] = seat;
        }
        booking->seats[booking->seat_count++] = seat;
    }
    return reply->seat_count == 0 ? REPLY_OK : REPLY_SEAT_TAKEN;
}

/* The lowest free seats of the section that are not among those asked for by id. */
static enum reply_code pick_general(const struct decider *d, const struct command_item *item,
                                    struct booking *booking) {
    const struct command *command = d->command;
    const struct show_section *section = &d->show->sections[item->section];
    uint32_t end = section->first_seat + section->seat_count;
    uint32_t from = section->first_seat;
    for (uint32_t picked = 0; picked < item->quantity;) {
        uint32_t seat = seat_index_next(d->show->free_seats, from);
        if (GUARD(SECTION_FULL, seat >= end)) {
            return REPLY_SEAT_TAKEN;
        }
        from = seat + 1;
        if (GUARD(SEAT_ASKED, is_asked_before(command, command->seat_count, seat))) {
            continue;
        }
        booking->seats[booking->seat_count++] = seat;
        picked++;
    }
    return REPLY_OK;
}

static enum reply_code pick_seats(const struct decider *d, struct booking *booking) {
    enum reply_code code = pick_asked(d, booking);
    for (uint32_t i = 0; code == REPLY_OK && i < d->command->item_count; i++) {
        code = pick_general(d, &d->command->items[i], booking);
    }
    return code;
}

/* Everything of a new booking but its seats' numbers, which are there. */
static void fill_booking(const struct decider *d, struct booking *booking) {
    const struct show *show = d->show;
    booking->id = d->command->booking_id;
    booking->user = d->command->user;
    booking->event_id = show->event_id;
    booking->body_hash = d->command->body_hash;
    booking->queue_number = d->request->queue_number;
    booking->status = BOOKING_PENDING;
    for (uint32_t i = 0; i < booking->seat_count; i++) {
        uint16_t section = show->seat_sections[booking->seats[i]];
        booking->prices[i] = show->settings.prices[show->sections[section].price_category];
        booking->amount += booking->prices[i];
    }
    memcpy(booking->currency, show->settings.currency, sizeof booking->currency);
    booking->created_us = d->time->now_us;
    booking->deadline_served_ms = d->time->served_ms + show->settings.hold_ms;
    booking->expires_us = forecast_us(booking, d->time);
}

static enum reply_code decide_reserve(struct decider *d) {
    if (d->known != NULL) {
        d->decision->reply.replayed = true;
        reply_booking(d, d->known);
        return REPLY_OK;
    }
    uint64_t wanted = seats_wanted(d->command);
    struct booking booking = {0};
    enum reply_code code = check_sale(d);
    if (code == REPLY_OK && GUARD(PASS, d->request->pass != REPLY_OK)) {
        code = d->request->pass;
    }
    if (code == REPLY_OK) {
        code = check_request(d, wanted);
    }
    if (code == REPLY_OK) {
        code = check_limit(d, &d->command->user, wanted);
    }
    if (code == REPLY_OK) {
        code = pick_seats(d, &booking);
    }
    if (code != REPLY_OK) {
        return code;
    }
    fill_booking(d, &booking);
    if (GUARD(NO_MEMORY, show_add_booking(d->show, &booking) != STATUS_OK)) {
        return REPLY_OVERLOADED;
    }
    d->decision->has_change = true;
    d->decision->change = (struct show_change){
        .before = BOOKING_NONE, .user_before = booking.user, .booking = booking};
    reply_booking(d, &booking);
    return REPLY_OK;
}

static enum reply_code check_payment(const struct decider *d) {
    enum payment_result payment = d->request->payment;
    if (d->known->amount == 0) {
        return REPLY_OK;
    }
    if (GUARD(PAYMENT_DECLINED, payment == PAYMENT_DECLINED)) {
        return REPLY_PAYMENT_DECLINED;
    }
    if (GUARD(PAYMENT_MISSING, payment == PAYMENT_NOT_ASKED || payment == PAYMENT_TOKEN_UNKNOWN)) {
        return REPLY_PAYMENT_INVALID;
    }
    return REPLY_OK;
}

static enum reply_code decide_confirm(struct decider *d) {
    if (GUARD(CONFIRM_NOTHING, d->known == NULL)) {
        return REPLY_NOT_FOUND;
    }
    enum booking_status status = d->known->status;
    enum reply_code code = REPLY_OK;
    if (GUARD(CONFIRM_CONFIRMED, status == BOOKING_CONFIRMED)) {
        d->decision->reply.replayed = true;
    } else if (GUARD(CONFIRM_CANCELLED, status == BOOKING_CANCELLED)) {
        code = REPLY_NOT_PENDING;
    } else if (GUARD(CONFIRM_EXPIRED, status == BOOKING_EXPIRED)) {
        code = REPLY_HOLD_EXPIRED;
    } else if (GUARD(CONFIRM_EVENT_CANCELLED, d->show->settings.state == SHOW_CANCELLED)) {
        code = REPLY_NOT_ON_SALE;
    } else {
        code = check_payment(d);
        if (code == REPLY_OK) {
            move(d, BOOKING_CONFIRMED);
        }
    }
    reply_booking(d, d->known);
    return code;
}

static enum reply_code decide_cancel(struct decider *d) {
    if (GUARD(CANCEL_NOTHING, d->known == NULL)) {
        return REPLY_NOT_FOUND;
    }
    enum booking_status status = d->known->status;
    enum reply_code code = REPLY_OK;
    if (GUARD(CANCEL_CANCELLED, status == BOOKING_CANCELLED)) {
        d->decision->reply.replayed = true;
    } else if (GUARD(CANCEL_EXPIRED, status == BOOKING_EXPIRED)) {
        code = REPLY_HOLD_EXPIRED;
    } else if (GUARD(CANCEL_CONFIRMED, status == BOOKING_CONFIRMED)) {
        code = REPLY_CONFLICT;
    } else {
        move(d, BOOKING_CANCELLED);
    }
    reply_booking(d, d->known);
    return code;
}

static enum reply_code transfer(struct decider *d) {
    const struct id128 *user = &d->command->new_user;
    enum reply_code code = check_limit(d, user, d->known->seat_count);
    if (code != REPLY_OK) {
        return code;
    }
    enum status status = show_transfer_booking(d->show, d->live, user, &d->decision->change);
    if (GUARD(TRANSFER_NO_MEMORY, status != STATUS_OK)) {
        return REPLY_OVERLOADED;
    }
    d->decision->has_change = true;
    return REPLY_OK;
}

static enum reply_code decide_transfer(struct decider *d) {
    if (GUARD(TRANSFER_NOTHING, d->known == NULL)) {
        return REPLY_NOT_FOUND;
    }
    enum reply_code code = REPLY_OK;
    if (GUARD(TRANSFER_DONE, id128_equal(&d->known->user, &d->command->new_user))) {
        d->decision->reply.replayed = true;
    } else if (GUARD(TRANSFER_CANCELLED, d->known->status == BOOKING_CANCELLED)) {
        code = REPLY_NOT_PENDING;
    } else if (GUARD(TRANSFER_EXPIRED, d->known->status == BOOKING_EXPIRED)) {
        code = REPLY_HOLD_EXPIRED;
    } else {
        code = transfer(d);
    }
    reply_booking(d, d->known);
    return code;
}

/* Nobody else's booking is shown; one that was transferred is the new user's. */
static bool may_name(const struct command *command, const struct booking *booking) {
    return id128_equal(&booking->user, &command->user) ||
           (command->kind == COMMAND_TRANSFER && id128_equal(&booking->user, &command->new_user));
}

static bool is_overdue(const struct live_booking *live, const struct show_time *time) {
    return live->booking.status == BOOKING_PENDING &&
           time->served_ms >= live->booking.deadline_served_ms;
}

static enum reply_code decide(struct decider *d) {
    enum command_kind kind = d->command->kind;
    ensure(kind == COMMAND_RESERVE || kind == COMMAND_CONFIRM || kind == COMMAND_CANCEL ||
           kind == COMMAND_TRANSFER);
    if (d->known != NULL) {
        if (GUARD(OTHER_USER, !may_name(d->command, d->known))) {
            return REPLY_NOT_FOUND;
        }
        if (kind == COMMAND_RESERVE &&
            GUARD(OTHER_BODY, d->known->body_hash != d->command->body_hash)) {
            return REPLY_KEY_REUSED;
        }
    }
    if (d->live != NULL && GUARD(OVERDUE, is_overdue(d->live, d->time))) {
        move(d, BOOKING_EXPIRED);
    }
    switch (kind) {
    case COMMAND_RESERVE:
        return decide_reserve(d);
    case COMMAND_CONFIRM:
        return decide_confirm(d);
    case COMMAND_CANCEL:
        return decide_cancel(d);
    default:
        return decide_transfer(d);
    }
}

enum show_verdict show_decide(struct show *show, const struct show_request *request,
                              const struct show_time *time, struct show_decision *decision) {
    ensure(request->command->event_id == show->event_id);
    const struct id128 *id = &request->command->booking_id;
    struct decider decider = {.show = show,
                              .request = request,
                              .command = request->command,
                              .time = time,
                              .live = id_map_get(show->bookings, id),
                              .decision = decision};
    if (decider.live != NULL) {
        decider.known = &decider.live->booking;
    } else if (request->lookup == LOOKUP_FOUND) {
        decider.known = request->looked_up;
        ensure(id128_equal(&decider.known->id, id));
        ensure(decider.known->status == BOOKING_CANCELLED ||
               decider.known->status == BOOKING_EXPIRED);
    } else if (request->lookup == LOOKUP_NOT_DONE && fingerprints_may_hold(show->ended, id)) {
        return SHOW_NEEDS_LOOKUP;
    }
    *decision = (struct show_decision){0};
    decision->reply.code = decide(&decider);
    return SHOW_DECIDED;
}

size_t show_expire(struct show *show, const struct show_time *time, struct show_change *changes,
                   size_t limit) {
    size_t count = 0;
    for (;;) {
        struct live_booking *first = live_booking_of(heap_first(show->deadlines));
        if (first == NULL || GUARD(SWEEP_LIMIT, count == limit) ||
            GUARD(SWEEP_NOT_DUE, first->booking.deadline_served_ms > time->served_ms)) {
            return count;
        }
        show_move_booking(show, first, BOOKING_EXPIRED, &changes[count++]);
    }
}
