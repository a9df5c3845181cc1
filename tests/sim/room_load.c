#include "tests/sim/room_load.h"

#include "tests/sim/faults.h"

/* The rows that a room asks for, and some that it does not need. */
static bool is_wanted(struct room_owner *owner, const struct room *room, const struct turn *turn) {
    struct room_gap gaps[ROOM_SPANS_MAX];
    size_t count = room_gaps(room, gaps);
    if (turn->state <= TURN_PASS || turn->number > room_get_record(room)->admitted_to) {
        return true;
    }
    for (size_t i = 0; i < count; i++) {
        if (turn->number >= gaps[i].first && turn->number <= gaps[i].last) {
            return true;
        }
    }
    return random_percent(owner->random, 5);
}

static enum status restore(struct room_owner *owner, struct room *room) {
    const struct room_model *rows = &owner->store.rows;
    uint32_t order[MODEL_TURNS_MAX];
    enum status status = room_restore_record(room, &rows->record);
    for (uint32_t i = 0; i < rows->vouch_count && status == STATUS_OK; i++) {
        status = room_restore_vouch(room, &rows->vouches[i]);
    }
    for (uint32_t i = 0; i < rows->turn_count; i++) {
        uint32_t swap = random_below(owner->random, i + 1);
        order[i] = order[swap];
        order[swap] = i;
    }
    for (uint32_t i = 0; i < rows->turn_count && status == STATUS_OK; i++) {
        const struct turn *turn = &rows->turns[order[i]];
        if (is_wanted(owner, room, turn)) {
            status = room_restore_turn(room, turn);
        }
    }
    return status;
}

/* STATUS_OK and *loaded, which is the caller's; or nothing. */
static enum status load_once(struct room_owner *owner, struct room **loaded) {
    struct room *room =
        room_create(ROOM_EVENT, &owner->store.rows.settings, owner->store.rows.waiting_limit);
    if (room == NULL) {
        return STATUS_NO_MEMORY;
    }
    enum status status = restore(owner, room);
    if (status != STATUS_OK) {
        room_destroy(room);
        return status;
    }
    *loaded = room;
    return STATUS_OK;
}

bool room_load_stored(struct room_owner *owner) {
    struct room *loaded = NULL;
    enum status status = STATUS_NO_MEMORY;
    owner->progress->loads++;
    room_destroy(owner->room);
    owner->room = NULL;
    owner->stream_seen = false;
    room_model_load(&owner->model);
    if (random_percent(owner->random, 20)) {
        faults_start(random_below(owner->random, 40));
        status = load_once(owner, &loaded);
        bool fired = faults_stop();
        owner->progress->failed_allocations += fired;
        if (status != STATUS_OK && !(fired && status == STATUS_NO_MEMORY)) {
            return progress_fail(owner->progress, "a room can't be loaded: %s",
                                 status_text(status));
        }
    }
    if (status != STATUS_OK) {
        status = load_once(owner, &loaded);
    }
    if (status != STATUS_OK) {
        return progress_fail(owner->progress, "a room can't be loaded: %s", status_text(status));
    }
    owner->room = loaded;
    return room_owner_compare(owner);
}

enum damage {
    DAMAGE_RECORD_TWICE,
    DAMAGE_RECORD_NUMBERS,
    DAMAGE_VOUCH_AHEAD,
    DAMAGE_VOUCH_BACK,
    DAMAGE_VOUCH_SPAN,
    DAMAGE_TURN_ZERO,
    DAMAGE_TURN_STATE,
    DAMAGE_TURN_AHEAD,
    DAMAGE_TURN_PASSED,
    DAMAGE_TURN_HOLD,
    DAMAGE_TURN_TWICE,
    DAMAGE_TURN_SECOND,
    DAMAGE_COUNT
};

static const struct turn *find_live(const struct room_model *rows) {
    for (uint32_t i = 0; i < rows->turn_count; i++) {
        if (turn_state_is_live(rows->turns[i].state)) {
            return &rows->turns[i];
        }
    }
    return NULL;
}

static enum status damage_record(const struct room_model *rows, enum damage damage) {
    struct room *room = room_create(ROOM_EVENT, &rows->settings, rows->waiting_limit);
    ensure(room != NULL);
    struct room_record record = rows->record;
    if (damage == DAMAGE_RECORD_TWICE) {
        record.issued_to += record.issued_to == 0;
        ensure(room_restore_record(room, &record) == STATUS_OK);
    } else {
        record.admitted_to = record.issued_to + 1;
    }
    enum status status = room_restore_record(room, &record);
    room_destroy(room);
    return status;
}

static enum status damage_vouch(struct room *room, const struct room_model *rows,
                                enum damage damage) {
    if (rows->vouch_count == 0) {
        return STATUS_CONFLICT;
    }
    struct room_vouch vouch = rows->vouches[rows->vouch_count - 1];
    uint64_t before = vouch.admitted_to;
    vouch.span.first_number += 5000;
    vouch.span.stream++;
    vouch.span.first_sequence = 1;
    switch (damage) {
    case DAMAGE_VOUCH_AHEAD:
        vouch.admitted_to = rows->record.admitted_to + 1;
        break;
    case DAMAGE_VOUCH_BACK:
        vouch.admitted_to = before - 1;
        if (before == 0) {
            return STATUS_CONFLICT;
        }
        break;
    default:
        vouch.admitted_to = rows->record.admitted_to;
        vouch.span.stream++;
        break;
    }
    return room_restore_vouch(room, &vouch);
}

/* STATUS_CONFLICT is right. Without the material for the damage nothing is tried. */
static enum status try_damage(struct room *room, const struct room_model *rows,
                              enum damage damage) {
    const struct turn *live = find_live(rows);
    uint64_t admitted_to = rows->record.admitted_to;
    struct turn turn = {.number = admitted_to + 7777, .user = {{1}}, .state = TURN_WAITING};
    switch (damage) {
    case DAMAGE_RECORD_TWICE:
    case DAMAGE_RECORD_NUMBERS:
        return damage_record(rows, damage);
    case DAMAGE_VOUCH_AHEAD:
    case DAMAGE_VOUCH_BACK:
    case DAMAGE_VOUCH_SPAN:
        return damage_vouch(room, rows, damage);
    case DAMAGE_TURN_ZERO:
        turn.number = 0;
        turn.state = TURN_CALLED;
        break;
    case DAMAGE_TURN_AHEAD:
        turn.state = TURN_PASS;
        break;
    case DAMAGE_TURN_STATE:
    case DAMAGE_TURN_PASSED:
        turn.number = admitted_to;
        turn.state = damage == DAMAGE_TURN_STATE ? TURN_NONE : TURN_WAITING;
        if (admitted_to == 0 || room_model_in_gap(rows, admitted_to) ||
            room_get_turn(room, admitted_to) != NULL) {
            return STATUS_CONFLICT;
        }
        break;
    case DAMAGE_TURN_HOLD:
        turn.booking_id.bytes[0] = 1;
        break;
    case DAMAGE_TURN_TWICE:
        if (live == NULL) {
            return STATUS_CONFLICT;
        }
        turn = *live;
        turn.user.bytes[3]++;
        break;
    default:
        if (live == NULL) {
            return STATUS_CONFLICT;
        }
        turn = *live;
        do {
            turn.number--;
        } while (turn.number > 0 && room_get_turn(room, turn.number) != NULL);
        if (turn.number == 0) {
            return STATUS_CONFLICT;
        }
        break;
    }
    return room_restore_turn(room, &turn);
}

bool room_broken_store_refused(struct room_owner *owner) {
    enum damage damage = (enum damage)random_below(owner->random, DAMAGE_COUNT);
    struct room *room = NULL;
    if (!room_owner_commit_all(owner)) {
        return false;
    }
    progress_record(owner->progress, "a broken store", &owner->time);
    owner->progress->broken_stores++;
    if (load_once(owner, &room) != STATUS_OK) {
        return progress_fail(owner->progress, "a room can't be loaded twice");
    }
    uint32_t before = room_live_count(room);
    enum status status = try_damage(room, &owner->store.rows, damage);
    bool changed = room_live_count(room) != before;
    const char *broken = room_check(room);
    room_destroy(room);
    if (status != STATUS_CONFLICT) {
        return progress_fail(owner->progress, "damage %d to a stored room is not refused: %s",
                             damage, status_text(status));
    }
    return (broken == NULL && !changed) ||
           progress_fail(owner->progress, "damage %d to a stored room is refused but there",
                         damage);
}
