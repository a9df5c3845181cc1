#include "tests/sim/load.h"

#include "tests/sim/faults.h"

/* STATUS_OK and *loaded, which is the caller's; or nothing. */
static enum status load_once(struct owner *owner, struct show **loaded) {
    const struct store *store = &owner->store;
    const struct world *world = owner->world;
    uint32_t order[MODEL_BOOKINGS_MAX];
    struct show *show =
        show_create(world->event_id, &world->layout, &store->settings, world->ended_limit);
    if (show == NULL) {
        return STATUS_NO_MEMORY;
    }
    enum status status = STATUS_OK;
    for (uint32_t seat = 0; seat < world->seat_count && status == STATUS_OK; seat++) {
        if (store->blocked[seat]) {
            status = show_restore_blocked(show, seat);
        }
    }
    for (uint32_t i = 0; i < store->row_count; i++) {
        uint32_t swap = random_below(owner->random, i + 1);
        order[i] = order[swap];
        order[swap] = i;
    }
    for (uint32_t i = 0; i < store->row_count && status == STATUS_OK; i++) {
        const struct booking *booking = &store->rows[order[i]].booking;
        status = booking_is_live(booking) ? show_restore_booking(show, booking)
                                          : show_restore_ended(show, &booking->id);
    }
    if (status != STATUS_OK) {
        show_destroy(show);
        return status;
    }
    *loaded = show;
    return STATUS_OK;
}

bool show_load(struct owner *owner) {
    struct show *loaded = NULL;
    owner->progress->loads++;
    show_destroy(owner->show);
    owner->show = NULL;
    owner->lookups_exact = true;
    if (random_percent(owner->random, 20)) {
        faults_start(random_below(owner->random, 60));
        enum status status = load_once(owner, &loaded);
        bool fired = faults_stop();
        owner->progress->failed_allocations += fired;
        owner->lookups_exact = !fired;
        if (status != STATUS_OK && !(fired && status == STATUS_NO_MEMORY)) {
            return progress_fail(owner->progress, "a show can't be loaded: %s",
                                 status_text(status));
        }
    }
    if (loaded == NULL) {
        owner->lookups_exact = true;
        enum status status = load_once(owner, &loaded);
        if (status != STATUS_OK) {
            return progress_fail(owner->progress, "a show can't be loaded: %s",
                                 status_text(status));
        }
    }
    owner->show = loaded;
    return owner_compare(owner);
}

enum damage {
    DAMAGE_OTHER_EVENT,
    DAMAGE_NOT_LIVE,
    DAMAGE_NO_SEATS,
    DAMAGE_TOO_MANY_SEATS,
    DAMAGE_SEAT_REPEATED,
    DAMAGE_SEAT_UNKNOWN,
    DAMAGE_SEAT_TAKEN,
    DAMAGE_TWICE,
    DAMAGE_BLOCKED_UNKNOWN,
    DAMAGE_BLOCKED_TAKEN,
    DAMAGE_ENDED_AND_LIVE,
    DAMAGE_COUNT
};

/* What a show has to offer for making damage. */
struct material {
    uint32_t seat_count;
    uint32_t free_seat;
    bool has_free;
    uint32_t taken_seat;
    bool has_taken;
    const struct booking *live;
};

static struct material find_material(const struct owner *owner) {
    struct material material = {.seat_count = owner->world->seat_count};
    enum seat_state states[MODEL_SEATS_MAX];
    model_seat_states(&owner->committed, states);
    for (uint32_t seat = 0; seat < material.seat_count; seat++) {
        if (states[seat] == SEAT_AVAILABLE) {
            material.free_seat = seat;
            material.has_free = true;
        } else {
            material.taken_seat = seat;
            material.has_taken = true;
        }
    }
    for (uint32_t i = 0; i < owner->store.row_count && material.live == NULL; i++) {
        if (booking_is_live(&owner->store.rows[i].booking)) {
            material.live = &owner->store.rows[i].booking;
        }
    }
    return material;
}

/* STATUS_CONFLICT is right. Without the material for the damage nothing is tried. */
static enum status try_damage(struct show *show, const struct owner *owner, enum damage damage) {
    struct material material = find_material(owner);
    struct booking booking = {.id = {{1, 2, 3}},
                              .user = owner->world->users[0],
                              .event_id = owner->world->event_id,
                              .status = BOOKING_CONFIRMED,
                              .seat_count = 1,
                              .seats = {material.free_seat}};
    bool possible = material.has_free;
    switch (damage) {
    case DAMAGE_OTHER_EVENT:
        booking.event_id++;
        break;
    case DAMAGE_NOT_LIVE:
        booking.status = BOOKING_EXPIRED;
        break;
    case DAMAGE_NO_SEATS:
        booking.seat_count = 0;
        break;
    case DAMAGE_TOO_MANY_SEATS:
        booking.seat_count = BOOKING_SEATS_MAX + 1;
        break;
    case DAMAGE_SEAT_REPEATED:
        booking.seat_count = 2;
        booking.seats[1] = booking.seats[0];
        break;
    case DAMAGE_SEAT_UNKNOWN:
        booking.seats[0] = material.seat_count;
        break;
    case DAMAGE_SEAT_TAKEN:
        possible = material.has_taken;
        booking.seats[0] = material.taken_seat;
        break;
    case DAMAGE_TWICE:
        possible = possible && material.live != NULL;
        booking.id = material.live != NULL ? material.live->id : booking.id;
        break;
    case DAMAGE_BLOCKED_UNKNOWN:
        return show_restore_blocked(show, material.seat_count);
    case DAMAGE_BLOCKED_TAKEN:
        return material.has_taken ? show_restore_blocked(show, material.taken_seat)
                                  : STATUS_CONFLICT;
    default:
        return material.live != NULL ? show_restore_ended(show, &material.live->id)
                                     : STATUS_CONFLICT;
    }
    return possible ? show_restore_booking(show, &booking) : STATUS_CONFLICT;
}

bool broken_store_refused(struct owner *owner) {
    enum damage damage = (enum damage)random_below(owner->random, DAMAGE_COUNT);
    struct show *show = NULL;
    if (!owner_commit_all(owner)) {
        return false;
    }
    progress_record(owner->progress, "a broken store", &owner->time);
    owner->progress->broken_stores++;
    if (load_once(owner, &show) != STATUS_OK) {
        return progress_fail(owner->progress, "a show can't be loaded twice");
    }
    struct show_counts before = show_count(show);
    enum status status = try_damage(show, owner, damage);
    struct show_counts after = show_count(show);
    const char *broken = show_check(show);
    show_destroy(show);
    if (status != STATUS_CONFLICT) {
        return progress_fail(owner->progress, "damage %d to a store is not refused: %s", damage,
                             status_text(status));
    }
    if (broken != NULL || memcmp(&before, &after, sizeof before) != 0) {
        return progress_fail(owner->progress, "damage %d to a store is refused but there", damage);
    }
    return true;
}
