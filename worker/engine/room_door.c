#include "worker/engine/room_private.h"

/* --- calling */

static bool door_is_open(const struct room *room, const struct room_facts *facts,
                         const struct show_time *time) {
    return room_phase_of(&room->settings, &facts->sale, time->now_us) == ROOM_OPEN;
}

/* It is the turn of a number that the door has passed: in its claim window now, or skipped when its
 * person has a turn. */
static void call(struct room *room, struct known_turn *known, const struct show_time *time) {
    struct turn turn = known->turn;
    struct known_turn *other = room_find_live(room, &turn.user);
    if (other != NULL && room_end_overdue(room, other, time)) {
        other = NULL;
    }
    if (GUARD(TURN_SECOND, other != NULL)) {
        room_end_turn(room, known, TURN_SKIPPED, time);
        return;
    }
    turn.state = TURN_CALLED;
    turn.called_us = time->now_us;
    turn.deadline_served_ms = time->served_ms + room->settings.claim_ms;
    room_write(room, known, &turn);
    pace_take(&room->pace);
    meter_add(&room->calls, time->now_us, 1);
}

uint32_t room_allowance(const struct room *room) {
    return pace_allowance(&room->pace);
}

void room_pace(struct room *room, const struct room_facts *facts, const struct show_time *time) {
    struct pace_limits limits = {
        .open = door_is_open(room, facts, time),
        .per_minute = room->settings.admits_per_minute,
        .claim_ms = room->settings.claim_ms,
        .max_shoppers = room->settings.max_shoppers,
        .live = room_live_count(room),
        .without_hold = room_live_count(room) - room->holding,
        .free_seats = facts->free_seats,
        .commit_ms = facts->commit_ms,
    };
    pace_fill(&room->pace, &limits, time->now_us);
}

/* --- the roll call */

/* Somebody of a gap that the door has passed, or is passing, who waits to be called; or NULL. */
static struct known_turn *first_late(const struct room *room) {
    struct known_turn *first = known_turn_of(heap_first(room->roll));
    return first != NULL && first->turn.number <= room->record.admitted_to ? first : NULL;
}

/* Is nobody in this gap, or has whoever is had the time to show up? */
static bool roll_is_over(struct room *room, const struct room_stretch *gap,
                         const struct show_time *time) {
    uint32_t behind = room->line.count - 1;
    while (room->line.spans[behind].first_number != gap->last + 1) {
        ensure(behind > 0);
        behind--;
    }
    if (room->roll_last != gap->last) {
        room->roll_last = gap->last;
        room->roll_since_ms = time->served_ms;
    }
    if (!room_may_be_answered(room)) {
        return true;
    }
    int64_t claim_ms = room->settings.claim_ms;
    int64_t stand_ms = claim_ms < ROOM_ROLL_MS ? claim_ms : ROOM_ROLL_MS;
    return !GUARD(ROLL_STAND, time->served_ms < room->roll_since_ms + stand_ms) &&
           !GUARD(ROLL_WINDOW,
                  time->served_ms < room->vouches[behind].vouched_served_ms + claim_ms);
}

/* Calls the next who is due, or passes a gap in which nobody is. False: nothing of that is to be
 * done now. */
static bool roll_once(struct room *room, const struct show_time *time) {
    struct known_turn *due = first_late(room);
    if (due == NULL) {
        struct room_stretch stretch;
        if (!room_line_after(&room->line, room->record.admitted_to, &stretch) ||
            GUARD(ROLL_READABLE, !stretch.gap) || !roll_is_over(room, &stretch, time)) {
            return false;
        }
        due = known_turn_of(heap_first(room->roll));
        if (due == NULL || due->turn.number > stretch.last) {
            room_advance(room, stretch.last);
            return true;
        }
    }
    if (GUARD(ROLL_ALLOWED, room_allowance(room) == 0)) {
        return false;
    }
    if (due->turn.number > room->record.admitted_to) {
        room_advance(room, due->turn.number);
    }
    call(room, due, time);
    return true;
}

void room_sweep(struct room *room, const struct room_facts *facts, const struct show_time *time,
                struct room_changes *changes) {
    bool open = door_is_open(room, facts, time);
    room_begin(room);
    for (;;) {
        bool full = room->changes.count + 3 > ROOM_CHANGES_MAX;
        if (full || room_make_room(room, 1) != STATUS_OK) {
            break;
        }
        struct known_turn *first = known_turn_of(heap_first(room->deadlines));
        bool ended = first != NULL && room_end_overdue(room, first, time);
        if (!ended && (GUARD(ROLL_SHUT, !open) || !roll_once(room, time))) {
            break;
        }
    }
    room_finish(room, changes);
}

/* --- the stream */

bool room_grant(const struct room *room, struct room_grant *grant) {
    struct room_stretch stretch;
    uint64_t allowance = room_allowance(room);
    if (allowance == 0 || first_late(room) != NULL || !room->stream_seen ||
        !room_line_after(&room->line, room->record.admitted_to, &stretch) || stretch.gap ||
        stretch.first_sequence > room->last_sequence) {
        return false;
    }
    uint64_t there = room->last_sequence - stretch.first_sequence + 1;
    uint64_t readable = stretch.last - stretch.first; /* and one */
    uint64_t count = allowance < ROOM_REPORT_MAX ? allowance : ROOM_REPORT_MAX;
    count = count <= there ? count : there;
    count = count - 1 <= readable ? count : readable + 1;
    const struct room_vouch *vouch = room_get_vouch(room);
    *grant = (struct room_grant){
        .event_id = room->event_id,
        .from_number = stretch.first,
        .from_sequence = stretch.first_sequence,
        .count = (uint32_t)count,
    };
    memcpy(grant->server_id, vouch->server_id, sizeof grant->server_id);
    memcpy(grant->created, vouch->created, sizeof grant->created);
    return true;
}

static bool report_counts(const struct room *room, const struct command *report,
                          const struct room_facts *facts, const struct show_time *time) {
    const struct room_vouch *vouch = room_get_vouch(room);
    struct room_stretch stretch;
    uint32_t count = report->arrival_count;
    if (vouch == NULL || GUARD(REPORT_RUN, strcmp(vouch->server_id, report->server_id) != 0) ||
        GUARD(REPORT_STREAM, strcmp(vouch->created, report->created) != 0) ||
        GUARD(REPORT_SHUT, !door_is_open(room, facts, time)) ||
        GUARD(REPORT_LATE, first_late(room) != NULL) ||
        GUARD(REPORT_FROM, report->queue_number != room->record.admitted_to + 1) ||
        GUARD(REPORT_EMPTY, count == 0) || GUARD(REPORT_GRANT, count > room_allowance(room))) {
        return false;
    }
    bool after = room_line_after(&room->line, room->record.admitted_to, &stretch);
    ensure(after);
    return !GUARD(REPORT_GAP, stretch.gap) &&
           !GUARD(REPORT_STRETCH, count - 1 > stretch.last - stretch.first);
}

static void admit(struct room *room, const struct room_arrival *arrival,
                  const struct show_time *time) {
    uint64_t number = room->record.admitted_to + 1;
    room_advance(room, number);
    struct known_turn *known = room_find(room, number);
    if (known != NULL && GUARD(ADMIT_LEFT, turn_state_is_ended(known->turn.state))) {
        room_forget(room, known);
        return;
    }
    if (known == NULL) {
        known = room_new_turn(room, number, &arrival->user);
    }
    known->turn.joined_us = arrival->joined_us;
    call(room, known, time);
}

enum reply_code room_decide_report(struct room *room, const struct command *command,
                                   const struct room_facts *facts, const struct show_time *time) {
    if (!report_counts(room, command, facts, time)) {
        return REPLY_INVALID;
    }
    for (uint32_t i = 0; i < command->arrival_count; i++) {
        struct room_arrival arrival =
            room_arrival_get(command->arrivals + (size_t)i * ROOM_ARRIVAL_BYTES);
        admit(room, &arrival, time);
    }
    return REPLY_OK;
}
