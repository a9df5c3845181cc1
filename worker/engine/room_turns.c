#include "worker/engine/room_private.h"

#include <stdlib.h>

enum { FIRST_CHANGES = 16, SPARES_MAX = 64 };

/* --- memory for a decision */

void room_begin(struct room *room) {
    room->record_before = room->record;
    room->changes.count = 0;
}

struct room_change *room_add_change(struct room *room, enum room_change_kind kind) {
    ensure(room->changes.count < room->item_capacity);
    struct room_change *change = &room->items[room->changes.count++];
    *change = (struct room_change){.kind = kind};
    return change;
}

void room_finish(struct room *room, struct room_changes *changes) {
    if (memcmp(&room->record_before, &room->record, sizeof room->record) != 0) {
        struct room_change *change = room_add_change(room, ROOM_CHANGE_RECORD);
        change->was = room->record_before;
        change->record = room->record;
    }
    room->changes.items = room->items;
    *changes = room->changes;
}

static enum status make_room_for_changes(struct room *room, size_t count) {
    size_t capacity = room->item_capacity == 0 ? FIRST_CHANGES : room->item_capacity;
    while (capacity - room->changes.count < count) {
        capacity *= 2;
    }
    if (capacity == room->item_capacity) {
        return STATUS_OK;
    }
    struct room_change *items = realloc(room->items, capacity * sizeof *items);
    if (items == NULL) {
        return STATUS_NO_MEMORY;
    }
    room->items = items;
    room->item_capacity = capacity;
    return STATUS_OK;
}

static enum status make_spares(struct room *room, size_t count) {
    while (room->spare_count < count) {
        struct known_turn *spare = malloc(sizeof *spare);
        if (spare == NULL) {
            return STATUS_NO_MEMORY;
        }
        spare->next = room->spares;
        room->spares = spare;
        room->spare_count++;
    }
    return STATUS_OK;
}

enum status room_make_room(struct room *room, size_t count) {
    /* Two changes a turn (its person's last one may be over), that of the turn that is named, and
     * the record's. Passes whose holds end need their deadline again. */
    size_t live = room_live_count(room);
    enum status status = make_room_for_changes(room, 2 * count + 2);
    if (status == STATUS_OK) {
        status = make_spares(room, count);
    }
    if (status == STATUS_OK) {
        status = heap_make_room(room->deadlines, live + count - heap_count(room->deadlines));
    }
    if (status == STATUS_OK) {
        status = heap_make_room(room->roll, count);
    }
    if (status == STATUS_OK) {
        status = id_map_make_room(room->turns, count);
    }
    return status == STATUS_OK ? id_map_make_room(room->live, count) : status;
}

/* --- turns */

struct known_turn *room_find(const struct room *room, uint64_t number) {
    struct id128 key = id128_of_u64(number);
    return id_map_get(room->turns, &key);
}

struct known_turn *room_find_live(const struct room *room, const struct id128 *user) {
    return id_map_get(room->live, user);
}

bool turn_has_deadline(const struct turn *turn) {
    return turn_state_is_live(turn->state) && id128_is_zero(&turn->booking_id);
}

bool room_rolls(const struct room *room, const struct turn *turn) {
    return turn->state == TURN_WAITING && room_in_gap(room, turn->number);
}

bool room_remembers(const struct room *room, const struct turn *turn) {
    return turn_state_is_live(turn->state) || turn->number > room->record.admitted_to ||
           room_in_gap(room, turn->number);
}

struct known_turn *room_new_turn(struct room *room, uint64_t number, const struct id128 *user) {
    struct known_turn *known = room->spares;
    ensure(known != NULL);
    room->spares = known->next;
    room->spare_count--;
    *known = (struct known_turn){.turn = {.number = number, .user = *user}};
    struct id128 key = id128_of_u64(number);
    enum status status = id_map_put(room->turns, &key, known);
    ensure(status == STATUS_OK);
    return known;
}

void room_forget(struct room *room, struct known_turn *known) {
    struct id128 key = id128_of_u64(known->turn.number);
    id_map_remove(room->turns, &key);
    if (room->spare_count >= SPARES_MAX) {
        free(known);
        return;
    }
    known->next = room->spares;
    room->spares = known;
    room->spare_count++;
}

static void count_turn(struct room *room, const struct turn *turn, uint32_t one) {
    room->called += turn->state == TURN_CALLED ? one : 0;
    room->passes += turn->state == TURN_PASS ? one : 0;
    room->holding += turn->state == TURN_PASS && !id128_is_zero(&turn->booking_id) ? one : 0;
}

/* Out of every order and count, which depend on what it is. */
static void take_out(struct room *room, struct known_turn *known) {
    const struct turn *turn = &known->turn;
    count_turn(room, turn, UINT32_MAX);
    if (turn_state_is_live(turn->state)) {
        id_map_remove(room->live, &turn->user);
    }
    if (turn_has_deadline(turn)) {
        heap_remove(room->deadlines, &known->order);
    } else if (room_rolls(room, turn)) {
        heap_remove(room->roll, &known->order);
    }
}

static void put_in(struct room *room, struct known_turn *known) {
    const struct turn *turn = &known->turn;
    count_turn(room, turn, 1);
    if (turn_state_is_live(turn->state)) {
        enum status status = id_map_put(room->live, &turn->user, known);
        ensure(status == STATUS_OK);
    }
    known->order.id = id128_of_u64(turn->number);
    if (turn_has_deadline(turn)) {
        known->order.key = turn->deadline_served_ms;
        heap_add(room->deadlines, &known->order);
    } else if (room_rolls(room, turn)) {
        known->order.key = (int64_t)turn->number;
        heap_add(room->roll, &known->order);
    }
}

void room_load(struct room *room, struct known_turn *known, const struct turn *to) {
    take_out(room, known);
    known->turn = *to;
    put_in(room, known);
}

static void count_outcome(struct room *room, const struct turn *was, const struct turn *is) {
    if (was->state == is->state) {
        return;
    }
    room->record.claimed += is->state == TURN_PASS;
    room->record.missed += is->state == TURN_MISSED;
    room->record.left += is->state == TURN_LEFT;
    room->record.bought += is->state == TURN_BOUGHT;
    if (was->state == TURN_CALLED) {
        pace_judge(&room->pace, was->called_us, is->state == TURN_PASS);
    }
}

void room_write(struct room *room, struct known_turn *known, const struct turn *to) {
    struct turn was = known->turn;
    struct room_change *change = room_add_change(room, ROOM_CHANGE_TURN);
    change->before = was.state;
    change->user_before = was.user;
    change->turn = *to;
    count_outcome(room, &was, to);
    room_load(room, known, to);
    if (!room_remembers(room, to)) {
        room_forget(room, known);
    }
}

void room_end_turn(struct room *room, struct known_turn *known, enum turn_state to,
                   const struct show_time *time) {
    struct turn turn = known->turn;
    turn.state = to;
    turn.ended_us = time->now_us;
    turn.booking_id = (struct id128){{0}};
    room_write(room, known, &turn);
}

bool room_end_overdue(struct room *room, struct known_turn *known, const struct show_time *time) {
    const struct turn *turn = &known->turn;
    if (!turn_has_deadline(turn) ||
        !GUARD(TURN_OVERDUE, time->served_ms >= turn->deadline_served_ms)) {
        return false;
    }
    room_end_turn(room, known, turn->state == TURN_CALLED ? TURN_MISSED : TURN_OVER, time);
    return true;
}

void room_advance(struct room *room, uint64_t admitted_to) {
    ensure(admitted_to > room->record.admitted_to);
    room->record.admitted_to = admitted_to;
    if (room->record.issued_to < admitted_to) {
        room->record.issued_to = admitted_to;
    }
}
