#include "worker/engine/room_private.h"

#include <stdlib.h>

size_t room_gaps(const struct room *room, struct room_gap gaps[ROOM_SPANS_MAX]) {
    memcpy(gaps, room->gaps, room->gap_count * sizeof *gaps);
    return room->gap_count;
}

bool room_in_gap(const struct room *room, uint64_t number) {
    for (size_t i = 0; i < room->gap_count; i++) {
        if (number >= room->gaps[i].first && number <= room->gaps[i].last) {
            return true;
        }
    }
    return false;
}

/* What can't be read any more in front of the newest span, and was not passed by the door when that
 * span began. Older gaps that are part of it or go on in it become one with it. */
static void find_new_gap(struct room *room, uint64_t admitted_to) {
    struct room_gap gaps[ROOM_SPANS_MAX];
    size_t count = room_line_gaps(&room->line, admitted_to, gaps);
    uint64_t newest = room->line.spans[room->line.count - 1].first_number;
    if (count == 0 || gaps[count - 1].last != newest - 1) {
        return;
    }
    struct room_gap gap = gaps[count - 1];
    while (room->gap_count > 0 && room->gaps[room->gap_count - 1].last + 1 >= gap.first) {
        struct room_gap *older = &room->gaps[--room->gap_count];
        gap.first = older->first < gap.first ? older->first : gap.first;
    }
    room->gaps[room->gap_count++] = gap;
}

/* WAITING ones whose numbers have come to lie in a gap will be called by roll. */
static void enrol(struct room *room, const struct room_gap *gap) {
    size_t cursor = 0;
    void *value = NULL;
    while (id_map_next(room->turns, &cursor, NULL, &value)) {
        struct known_turn *known = value;
        const struct turn *turn = &known->turn;
        if (turn->state == TURN_WAITING && turn->number >= gap->first &&
            turn->number <= gap->last && known->order.key == 0) {
            known->order.key = (int64_t)turn->number;
            heap_add(room->roll, &known->order);
        }
    }
}

enum status room_add_vouch(struct room *room, const struct room_vouch *vouch) {
    size_t count = room->line.count;
    if (heap_make_room(room->roll, id_map_count(room->turns)) != STATUS_OK) {
        return STATUS_NO_MEMORY;
    }
    struct room_vouch *vouches = realloc(room->vouches, (count + 1) * sizeof *vouches);
    if (vouches == NULL) {
        return STATUS_NO_MEMORY;
    }
    room->vouches = vouches;
    enum status status = room_line_add(&room->line, &vouch->span);
    if (status != STATUS_OK) {
        return status;
    }
    vouches[count] = *vouch;
    find_new_gap(room, vouch->admitted_to);
    if (room->gap_count > 0) {
        enrol(room, &room->gaps[room->gap_count - 1]);
    }
    return STATUS_OK;
}
