#include "tests/sim/world.h"

enum { PRICE_CATEGORIES = 3 };

static struct id128 random_id(struct random *random) {
    struct id128 id;
    uint64_t words[2] = {random_u64(random), random_u64(random)};
    memcpy(id.bytes, words, sizeof id.bytes);
    return id;
}

static void make_layout(struct world *world, struct random *random) {
    static const uint32_t sizes[] = {8, 24, 24, 60, MODEL_SEATS_MAX};
    uint32_t largest = sizes[random_below(random, ARRAY_LEN(sizes))];
    uint32_t seats_left = random_between(random, 2, largest);
    world->section_count = random_between(random, 1, WORLD_SECTIONS_MAX);
    if (world->section_count > seats_left) {
        world->section_count = seats_left;
    }
    for (uint32_t i = 0; i < world->section_count; i++) {
        uint32_t sections_left = world->section_count - i;
        uint32_t seat_count = sections_left == 1
                                  ? seats_left
                                  : random_between(random, 1, seats_left - sections_left + 1);
        world->sections[i] = (struct show_section){
            .first_seat = world->seat_count,
            .seat_count = seat_count,
            .price_category = (uint16_t)random_below(random, PRICE_CATEGORIES),
            .general = random_percent(random, 50),
        };
        world->seat_count += seat_count;
        seats_left -= seat_count;
    }
    world->layout = (struct show_layout){world->section_count, world->sections};
}

void world_make(struct world *world, struct random *random) {
    *world = (struct world){
        .event_id = random_between(random, 1, 1000),
        .user_count = random_between(random, 1, WORLD_USERS_MAX),
        .ended_limit = random_percent(random, 30) ? random_below(random, 12) : SHOW_ENDED_MAX,
        .start_us = INT64_C(1700000000000000) + random_below(random, 1000000),
    };
    make_layout(world, random);
    for (uint32_t i = 0; i < world->user_count; i++) {
        world->users[i] = random_id(random);
    }
    for (uint32_t i = 0; i < MODEL_BOOKINGS_MAX; i++) {
        world->booking_ids[i] = random_id(random);
        if (i > 0 && random_percent(random, 10)) {
            const struct id128 *other = &world->booking_ids[random_below(random, i)];
            memcpy(world->booking_ids[i].bytes + 8, other->bytes + 8, 8);
        }
    }
}

void world_make_settings(const struct world *world, struct random *random, int64_t now_us,
                         struct show_settings *settings) {
    *settings = (struct show_settings){
        .state = random_percent(random, 92) ? SHOW_OPEN : (enum show_state)random_below(random, 5),
        .hold_ms = random_between(random, SHOW_HOLD_MIN_MS, 20000),
        .seats_per_user =
            random_percent(random, 30) ? random_between(random, 1, 6) : world->seat_count,
        .guests = random_percent(random, 60),
        .price_count = PRICE_CATEGORIES,
        .currency = "EUR",
    };
    if (random_percent(random, 20)) {
        settings->on_sale_us = now_us + random_between(random, 0, 20000000) - 10000000;
    }
    if (random_percent(random, 20)) {
        settings->sale_end_us = now_us + random_between(random, 0, 20000000);
    }
    for (uint32_t i = 0; i < PRICE_CATEGORIES; i++) {
        settings->prices[i] = random_percent(random, 25) ? 0 : random_between(random, 1, 10000);
    }
}

static void ask_for_seats(const struct world *world, struct random *random,
                          struct command *command) {
    command->seat_count = random_between(random, 0, 4);
    for (uint32_t i = 0; i < command->seat_count; i++) {
        command->seats[i] = random_below(random, world->seat_count);
    }
    command->item_count = random_percent(random, 50) ? random_between(random, 1, 2) : 0;
    for (uint32_t i = 0; i < command->item_count; i++) {
        command->items[i] = (struct command_item){random_below(random, world->section_count),
                                                  random_between(random, 1, 5)};
    }
}

/* Seats that nobody can refuse for how they are asked for: mostly what real gateways let through.
 */
static void ask_sensibly(const struct world *world, struct random *random,
                         struct command *command) {
    uint32_t first = random_below(random, world->seat_count);
    uint32_t most = world->seat_count < 4 ? world->seat_count : 4;
    for (uint32_t i = 0; i < world->section_count; i++) {
        if (world->sections[i].general && random_percent(random, 30)) {
            command->items[command->item_count++] =
                (struct command_item){i, random_between(random, 1, 3)};
        }
    }
    command->seat_count = random_between(random, command->item_count == 0, most);
    for (uint32_t i = 0; i < command->seat_count; i++) {
        command->seats[i] = (first + i) % world->seat_count;
    }
}

static void ask_foolishly(const struct world *world, struct random *random,
                          struct command *command) {
    ask_for_seats(world, random, command);
    switch (random_below(random, 6)) {
    case 0:
        command->seat_count = BOOKING_SEATS_MAX + random_between(random, 0, 2);
        break;
    case 1:
        command->item_count = BOOKING_ITEMS_MAX + 1;
        break;
    case 2:
        command->seats[0] = world->seat_count + random_below(random, 2);
        command->seat_count += command->seat_count == 0;
        break;
    case 3:
        command->items[0].section = world->section_count + random_below(random, 2);
        command->items[0].quantity = 1;
        command->item_count += command->item_count == 0;
        break;
    case 4:
        command->items[0].quantity = random_percent(random, 50) ? 0 : UINT32_MAX;
        command->items[0].section = random_below(random, world->section_count);
        command->item_count += command->item_count == 0;
        break;
    default:
        command->seat_count = 0;
        command->item_count = 0;
        break;
    }
}

static uint32_t position_of(const struct world *world, const struct id128 *id) {
    uint32_t position = 0;
    while (!id128_equal(&world->booking_ids[position], id)) {
        position++;
    }
    return position;
}

/* Mostly one of the last few; to confirm or cancel mostly an open hold. */
static uint32_t pick_booking(const struct world *world, struct random *random,
                             const struct model *model, enum command_kind kind) {
    if (kind != COMMAND_RESERVE && model->booking_count > 0 && random_percent(random, 80)) {
        const struct booking *booking = NULL;
        for (uint32_t tries = 0; tries < 8; tries++) {
            booking = &model->bookings[random_below(random, model->booking_count)];
            if (booking->status == BOOKING_PENDING) {
                break;
            }
        }
        return position_of(world, &booking->id);
    }
    uint32_t recent = world->ids_in_use < 12 ? world->ids_in_use : 12;
    return random_percent(random, 85) ? world->ids_in_use - 1 - random_below(random, recent)
                                      : random_below(random, world->ids_in_use);
}

void world_make_command(const struct world *world, struct random *random, const struct model *model,
                        struct command *command) {
    uint32_t dice = random_below(random, 100);
    enum command_kind kind = dice < 60   ? COMMAND_RESERVE
                             : dice < 70 ? COMMAND_CONFIRM
                             : dice < 78 ? COMMAND_TRANSFER
                                         : COMMAND_CANCEL;
    uint32_t booking = pick_booking(world, random, model, kind);
    uint32_t user = random_percent(random, 95) ? booking : random_below(random, WORLD_USERS_MAX);
    *command = (struct command){
        .kind = kind,
        .event_id = world->event_id,
        .user = world->users[user % world->user_count],
        .guest = random_percent(random, 15),
        .booking_id = world->booking_ids[booking],
        .body_hash = random_percent(random, 97) ? booking : booking + 1,
    };
    const struct booking *made = model_find(model, &command->booking_id);
    if (made != NULL && kind != COMMAND_RESERVE && random_percent(random, 70)) {
        command->user = made->user; /* it may have been transferred */
    }
    if (kind == COMMAND_TRANSFER) {
        command->new_user = world->users[random_below(random, world->user_count)];
    }
    if (command->kind == COMMAND_RESERVE) {
        command->queue_number = random_below(random, 1000);
        dice = random_below(random, 100);
        if (dice < 10) {
            ask_foolishly(world, random, command);
        } else if (dice < 25) {
            ask_for_seats(world, random, command);
        } else {
            ask_sensibly(world, random, command);
        }
    }
}

enum payment_result world_make_payment(struct random *random) {
    return random_percent(random, 80) ? PAYMENT_APPROVED
                                      : (enum payment_result)random_below(random, 4);
}
