/*
 * world: what a run is about: a small show, a few users, and what they ask for. Small, so that they
 * are in each other's way all the time.
 */
#ifndef USHER_TESTS_SIM_WORLD_H
#define USHER_TESTS_SIM_WORLD_H

#include "tests/sim/model.h"
#include "tests/sim/random.h"

enum { WORLD_SECTIONS_MAX = 5, WORLD_USERS_MAX = 6 };

struct world {
    uint64_t event_id;
    uint32_t section_count;
    struct show_section sections[WORLD_SECTIONS_MAX];
    struct show_layout layout; /* points into this world */
    uint32_t seat_count;
    uint32_t user_count;
    struct id128 users[WORLD_USERS_MAX];
    struct id128 booking_ids[MODEL_BOOKINGS_MAX]; /* some share their last 8 bytes */
    uint32_t ids_in_use;                          /* of those; grows during the run */
    size_t ended_limit;
    int64_t start_us;
};

void world_make(struct world *world, struct random *random);
void world_make_settings(const struct world *world, struct random *random, int64_t now_us,
                         struct show_settings *settings);
/* A reserve, confirm, cancel or transfer of one of the ids in use, now and then a foolish one. */
void world_make_command(const struct world *world, struct random *random, const struct model *model,
                        struct command *command);
enum payment_result world_make_payment(struct random *random);

#endif
