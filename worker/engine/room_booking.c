#include "worker/engine/room_private.h"

enum reply_code room_check_pass(const struct room *room, const struct command *reserve,
                                const struct room_facts *facts, const struct show_time *time) {
    enum room_phase phase = room_phase_of(&room->settings, &facts->sale, time->now_us);
    if (phase == ROOM_OFF) {
        return REPLY_OK;
    }
    if (GUARD(PASS_NONE, reserve->pass == PASS_NONE)) {
        return REPLY_PASS_REQUIRED;
    }
    if (GUARD(PASS_FORGED, reserve->pass != PASS_GOOD) ||
        GUARD(PASS_SHUT, phase != ROOM_OPEN && phase != ROOM_PAUSED)) {
        return REPLY_BAD_PASS;
    }
    const struct known_turn *known = room_find(room, reserve->queue_number);
    if (known == NULL || GUARD(PASS_ENDED, known->turn.state != TURN_PASS) ||
        GUARD(PASS_OTHERS, !id128_equal(&known->turn.user, &reserve->user))) {
        return REPLY_BAD_PASS;
    }
    if (GUARD(PASS_HOLDS, !id128_is_zero(&known->turn.booking_id))) {
        return REPLY_PASS_BUSY;
    }
    return GUARD(PASS_OVER, time->served_ms >= known->turn.deadline_served_ms) ? REPLY_BAD_PASS
                                                                               : REPLY_OK;
}

/* Its hold is over: it goes on until its deadline, which may have passed. */
static void release(struct room *room, struct known_turn *known, const struct show_time *time) {
    struct turn turn = known->turn;
    turn.booking_id = (struct id128){{0}};
    if (GUARD(PASS_OUTLIVED, time->served_ms >= turn.deadline_served_ms)) {
        turn.state = TURN_OVER;
        turn.ended_us = time->now_us;
    }
    room_write(room, known, &turn);
}

static void follow(struct room *room, const struct show_change *change,
                   const struct show_time *time) {
    const struct booking *booking = &change->booking;
    struct known_turn *known = room_find(room, booking->queue_number);
    if (known == NULL || GUARD(PASS_GONE, known->turn.state != TURN_PASS)) {
        return;
    }
    if (change->before == BOOKING_NONE) {
        struct turn turn = known->turn;
        turn.booking_id = booking->id;
        room_write(room, known, &turn);
        return;
    }
    if (GUARD(PASS_TRANSFER, booking->status == BOOKING_PENDING)) {
        return;
    }
    if (booking->status == BOOKING_CONFIRMED) {
        room_end_turn(room, known, TURN_BOUGHT, time);
    } else {
        release(room, known, time);
    }
}

void room_follow(struct room *room, const struct show_change *change, const struct show_time *time,
                 struct room_changes *changes) {
    room_begin(room);
    follow(room, change, time);
    room_finish(room, changes);
}
