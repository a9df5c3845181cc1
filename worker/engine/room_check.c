#include "worker/engine/room_private.h"

/* What the turns in memory amount to. */
struct tally {
    uint32_t called;
    uint32_t passes;
    uint32_t holding;
    size_t with_deadline;
    size_t rolling;
};

static const char *check_order(const struct room *room, const struct known_turn *known,
                               struct tally *tally) {
    const struct turn *turn = &known->turn;
    if (turn_has_deadline(turn)) {
        tally->with_deadline++;
        if (known->order.key != turn->deadline_served_ms ||
            !heap_holds(room->deadlines, &known->order)) {
            return "1: a turn is out of the deadline order";
        }
    }
    if (room_rolls(room, turn)) {
        tally->rolling++;
        if (known->order.key != (int64_t)turn->number || !heap_holds(room->roll, &known->order)) {
            return "2: somebody in a gap is out of the roll call";
        }
    }
    return NULL;
}

static const char *check_turn(const struct room *room, const struct known_turn *known,
                              struct tally *tally) {
    const struct turn *turn = &known->turn;
    bool live = turn_state_is_live(turn->state);
    bool passed = turn->number <= room->record.admitted_to;
    tally->called += turn->state == TURN_CALLED;
    tally->passes += turn->state == TURN_PASS;
    tally->holding += turn->state == TURN_PASS && !id128_is_zero(&turn->booking_id);
    if (live && id_map_get(room->live, &turn->user) != known) {
        return "1: a person has two turns";
    }
    if (live && !passed) {
        return "1: somebody has a turn whom the door has not reached";
    }
    if (!passed && turn->state != TURN_WAITING && turn->state != TURN_LEFT) {
        return "2: a turn has ended in another way than by leaving before it was called";
    }
    if (passed && !live && !room_in_gap(room, turn->number)) {
        return "2: a turn is remembered that has ended";
    }
    if (turn->state != TURN_PASS && !id128_is_zero(&turn->booking_id)) {
        return "1: a hold belongs to what is no pass";
    }
    return check_order(room, known, tally);
}

static const char *check_turns(const struct room *room) {
    struct tally tally = {0};
    size_t cursor = 0;
    struct id128 key;
    void *value = NULL;
    while (id_map_next(room->turns, &cursor, &key, &value)) {
        const struct known_turn *known = value;
        struct id128 number = id128_of_u64(known->turn.number);
        if (!id128_equal(&key, &number)) {
            return "1: a turn is kept under another number";
        }
        const char *broken = check_turn(room, known, &tally);
        if (broken != NULL) {
            return broken;
        }
    }
    if (tally.called != room->called || tally.passes != room->passes ||
        tally.holding != room->holding ||
        id_map_count(room->live) != (size_t)tally.called + tally.passes) {
        return "4: turns are miscounted";
    }
    if (tally.with_deadline != heap_count(room->deadlines)) {
        return "1: the deadline order has what has no deadline";
    }
    if (tally.rolling != heap_count(room->roll)) {
        return "2: the roll call has who is not in a gap";
    }
    return NULL;
}

const char *room_check(const struct room *room) {
    if (room->record.admitted_to > room->record.issued_to) {
        return "3: numbers were admitted that were not issued";
    }
    for (size_t i = 0; i < room->gap_count; i++) {
        const struct room_gap *gap = &room->gaps[i];
        if (gap->first > gap->last || (i > 0 && gap->first <= room->gaps[i - 1].last)) {
            return "3: gaps overlap";
        }
    }
    uint64_t people = (uint64_t)room_live_count(room) + room_allowance(room);
    if (room_allowance(room) > 0 && people > room->settings.max_shoppers) {
        return "4: more may be called than max_shoppers";
    }
    return check_turns(room);
}
