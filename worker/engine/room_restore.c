#include "worker/engine/room_private.h"

enum status room_restore_record(struct room *room, const struct room_record *record) {
    if (GUARD(RESTORE_RECORD_TWICE, room->record.issued_to != 0 || room->line.count > 0) ||
        GUARD(RESTORE_RECORD_NUMBERS,
              record->admitted_to > record->issued_to || record->issued_to > ROOM_NUMBER_MAX)) {
        return STATUS_CONFLICT;
    }
    room->record = *record;
    return STATUS_OK;
}

enum status room_restore_vouch(struct room *room, const struct room_vouch *vouch) {
    const struct room_vouch *newest = room_get_vouch(room);
    if (GUARD(RESTORE_VOUCH_AHEAD, vouch->admitted_to > room->record.admitted_to ||
                                       vouch->admitted_to >= vouch->span.first_number) ||
        (newest != NULL && GUARD(RESTORE_VOUCH_BACK, vouch->admitted_to < newest->admitted_to))) {
        return STATUS_CONFLICT;
    }
    enum status status = room_add_vouch(room, vouch);
    return status == STATUS_INVALID || status == STATUS_LIMIT ? STATUS_CONFLICT : status;
}

static bool is_possible(const struct room *room, const struct turn *turn) {
    bool live = turn_state_is_live(turn->state);
    bool passed = turn->number <= room->record.admitted_to;
    bool in_gap = room_in_gap(room, turn->number);
    return !GUARD(RESTORE_TURN_NUMBER, turn->number == 0 || turn->number > ROOM_NUMBER_MAX) &&
           !GUARD(RESTORE_TURN_STATE,
                  turn->state < TURN_WAITING || turn->state > TURN_STATE_LAST) &&
           !GUARD(RESTORE_TURN_AHEAD,
                  !passed && turn->state != TURN_WAITING && turn->state != TURN_LEFT) &&
           !GUARD(RESTORE_TURN_PASSED, passed && !in_gap && turn->state == TURN_WAITING) &&
           !GUARD(RESTORE_TURN_HOLD,
                  turn->state != TURN_PASS && !id128_is_zero(&turn->booking_id)) &&
           !GUARD(RESTORE_TURN_TWICE, room_find(room, turn->number) != NULL) &&
           !GUARD(RESTORE_TURN_SECOND, live && room_find_live(room, &turn->user) != NULL);
}

enum status room_restore_turn(struct room *room, const struct turn *turn) {
    if (!is_possible(room, turn)) {
        return STATUS_CONFLICT;
    }
    if (!room_remembers(room, turn)) {
        return STATUS_OK;
    }
    enum status status = room_make_room(room, 1);
    if (status != STATUS_OK) {
        return status;
    }
    room_load(room, room_new_turn(room, turn->number, &turn->user), turn);
    return STATUS_OK;
}
