#include "tests/sim/run.h"

#include "tests/sim/load.h"
#include "tests/sim/owner.h"

#include <stdlib.h>

enum { NETWORK_MAX = 16 };

/* What is on its way to the owner. Commands overtake each other and come twice. */
struct network {
    uint32_t count;
    struct delivery deliveries[NETWORK_MAX];
};

struct run {
    struct random random;
    struct world world;
    struct network network;
    struct owner owner;
};

static bool deliver(struct run *run) {
    struct random *random = &run->random;
    struct network *network = &run->network;
    while (network->count < NETWORK_MAX && (network->count < 2 || random_percent(random, 40))) {
        struct delivery *sent = &network->deliveries[network->count++];
        world_make_command(&run->world, random, &run->owner.model, &sent->command);
        sent->payment = world_make_payment(random);
        sent->pass = random_percent(random, 95) ? REPLY_OK : REPLY_PASS_REQUIRED;
    }
    uint32_t next = random_percent(random, 60) ? 0 : random_below(random, network->count);
    struct delivery delivery = network->deliveries[next];
    if (random_percent(random, 80)) {
        network->count--;
        memmove(&network->deliveries[next], &network->deliveries[next + 1],
                (network->count - next) * sizeof delivery);
    }
    return owner_decide(&run->owner, &delivery);
}

/* To the very instant at which something begins or ends, when it lies ahead. */
static void pass_until(struct run *run) {
    struct show_time *time = &run->owner.time;
    const struct show_settings *settings = show_get_settings(run->owner.show);
    int64_t deadline_ms = show_next_deadline(run->owner.show);
    bool any = deadline_ms != INT64_MAX;
    int64_t instants_us[] = {
        any ? time->now_us + (deadline_ms - time->served_ms) * 1000 : 0,
        settings->on_sale_us,
        settings->sale_end_us,
    };
    int64_t passed_us =
        instants_us[random_below(&run->random, ARRAY_LEN(instants_us))] - time->now_us;
    if (passed_us > 0) {
        time->now_us += passed_us;
        time->served_ms += passed_us / 1000;
    }
}

/* Served time never runs ahead of database time, and stands still now and then. */
static void pass_time(struct run *run) {
    struct random *random = &run->random;
    struct show_time *time = &run->owner.time;
    if (random_percent(random, 15)) {
        pass_until(run);
        return;
    }
    uint32_t passed_ms =
        random_percent(random, 10) ? random_below(random, 30000) : random_below(random, 1500);
    time->now_us += (int64_t)passed_ms * 1000 + random_below(random, 1000);
    if (random_percent(random, 80)) {
        time->served_ms +=
            random_percent(random, 30) ? random_below(random, passed_ms + 1) : passed_ms;
    }
}

static enum commit_outcome pick_outcome(struct random *random) {
    uint32_t dice = random_below(random, 100);
    return dice < 88 ? COMMIT_DONE : dice < 94 ? COMMIT_FAILED : COMMIT_UNKNOWN;
}

static bool change_settings(struct run *run) {
    struct show_settings settings;
    world_make_settings(&run->world, &run->random, run->owner.time.now_us, &settings);
    return owner_change_settings(&run->owner, &settings);
}

static bool step(struct run *run) {
    struct random *random = &run->random;
    uint32_t dice = random_below(random, 1000);
    if (dice < 600) {
        return deliver(run);
    }
    if (dice < 740) {
        pass_time(run);
        return true;
    }
    if (dice < 800) {
        return owner_sweep(&run->owner, random_below(random, 6));
    }
    if (dice < 965) {
        return owner_commit(&run->owner, pick_outcome(random));
    }
    if (dice < 978) {
        return change_settings(run);
    }
    if (dice < 984) {
        return owner_take_over(&run->owner);
    }
    if (dice < 990) {
        return owner_forget(&run->owner);
    }
    return broken_store_refused(&run->owner);
}

static bool live(struct run *run, struct progress *progress) {
    if (!owner_start(&run->owner, &run->world, &run->random, progress)) {
        return false;
    }
    for (progress->step = 1; progress->step <= RUN_STEPS; progress->step++) {
        run->world.ids_in_use = 1 + progress->step * (MODEL_BOOKINGS_MAX - 1) / RUN_STEPS;
        if (!step(run) || !owner_compare(&run->owner)) {
            return false;
        }
        progress->steps++;
    }
    return owner_forget(&run->owner) && owner_compare(&run->owner);
}

bool run_seed(uint64_t seed, struct progress *progress) {
    struct run *run = calloc(1, sizeof *run);
    ensure(run != NULL);
    run->random.state = seed;
    progress->seed = seed;
    progress->step = 0;
    progress->recent_count = 0;
    world_make(&run->world, &run->random);
    bool agreed = live(run, progress);
    owner_end(&run->owner);
    free(run);
    progress->runs++;
    return agreed && room_run_seed(seed, progress);
}
