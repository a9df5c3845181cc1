#include "worker/engine/room_private.h"

/* One decision on its way. */
struct decider {
    struct room *room;
    const struct command *command;
    const struct room_facts *facts;
    const struct show_time *time;
    enum room_phase phase;
    uint64_t number;
    struct known_turn *known; /* of that number, or NULL */
    struct reply *reply;
};

/* What a number is: of ended ones that are forgotten not how. */
static enum turn_state state_of(const struct decider *d) {
    if (d->known != NULL) {
        return d->known->turn.state;
    }
    return d->number <= d->room->record.admitted_to && !room_in_gap(d->room, d->number) ? TURN_OVER
                                                                                        : TURN_NONE;
}

static bool waits(enum turn_state state) {
    return state == TURN_NONE || state == TURN_WAITING;
}

/* What its deadline means in database time, if served time goes on without a pause. A pass whose
 * hold is open may be past it. */
static int64_t forecast_us(const struct turn *turn, const struct show_time *time) {
    int64_t left_ms = turn->deadline_served_ms - time->served_ms;
    return time->now_us + (left_ms < 0 ? 0 : left_ms) * 1000;
}

static void reply_turn(const struct decider *d) {
    struct turn_view *view = &d->reply->turn;
    d->reply->has_turn = true;
    *view = (struct turn_view){
        .state = state_of(d), .number = d->number, .now_serving = d->room->record.admitted_to};
    if (turn_state_is_live(view->state)) {
        view->expires_us = forecast_us(&d->known->turn, d->time);
    }
}

static bool is_shut(enum room_phase phase) {
    return phase == ROOM_OFF || phase == ROOM_CLOSED;
}

static bool is_others(const struct decider *d) {
    return d->known != NULL && !id128_equal(&d->known->turn.user, &d->command->user);
}

static enum reply_code check_number(const struct decider *d) {
    return GUARD(NUMBER_NONE, d->number == 0) ||
                   GUARD(NUMBER_NOT_ISSUED, d->number > d->room->record.issued_to) ||
                   GUARD(NUMBER_OTHERS, is_others(d))
               ? REPLY_BAD_NUMBER
               : REPLY_OK;
}

/* What waits becomes known as `state`, of `user`. */
static enum reply_code make_known(struct decider *d, const struct id128 *user,
                                  enum turn_state state) {
    struct room *room = d->room;
    size_t waiting = id_map_count(room->turns) - room_live_count(room);
    if (GUARD(ROOM_FULL, waiting >= room->waiting_limit)) {
        return REPLY_OVERLOADED;
    }
    d->known = room_new_turn(room, d->number, user);
    struct turn turn = d->known->turn;
    turn.state = state;
    turn.ended_us = turn_state_is_ended(state) ? d->time->now_us : 0;
    room_write(room, d->known, &turn);
    return REPLY_OK;
}

static void give_pass(struct decider *d) {
    ensure(d->known != NULL);
    struct turn turn = d->known->turn;
    turn.state = TURN_PASS;
    turn.deadline_served_ms = d->time->served_ms + d->room->settings.pass_ms;
    room_write(d->room, d->known, &turn);
}

static enum reply_code decide_look(struct decider *d) {
    if (GUARD(LOOK_NONE, d->number == 0) || GUARD(LOOK_OTHERS, is_others(d))) {
        return REPLY_BAD_NUMBER;
    }
    reply_turn(d);
    return REPLY_OK;
}

static enum reply_code claim(struct decider *d) {
    enum turn_state state = state_of(d);
    if (GUARD(CLAIM_WAITS, waits(state)) ||
        GUARD(CLAIM_SHUT, d->phase == ROOM_PREQUEUE || d->phase == ROOM_WAITLIST)) {
        return REPLY_NOT_YOUR_TURN;
    }
    if (GUARD(CLAIM_ENDED, turn_state_is_ended(state))) {
        return REPLY_TURN_MISSED;
    }
    if (GUARD(CLAIM_PASS, state == TURN_PASS)) {
        d->reply->replayed = true;
        return REPLY_OK;
    }
    give_pass(d);
    return REPLY_OK;
}

static enum reply_code decide_claim(struct decider *d) {
    if (GUARD(CLAIM_CLOSED, is_shut(d->phase))) {
        return REPLY_ROOM_CLOSED;
    }
    enum reply_code code = check_number(d);
    if (code == REPLY_OK && d->known == NULL && room_in_gap(d->room, d->number)) {
        code = make_known(d, &d->command->user, TURN_WAITING);
    }
    if (code != REPLY_OK) {
        return code;
    }
    code = claim(d);
    reply_turn(d);
    return code;
}

static enum reply_code decide_leave(struct decider *d) {
    enum turn_state state = state_of(d);
    enum reply_code code = check_number(d);
    if (code != REPLY_OK) {
        return code;
    }
    if (GUARD(LEAVE_ENDED, turn_state_is_ended(state))) {
        d->reply->replayed = true;
        reply_turn(d);
        return REPLY_OK;
    }
    if (d->known == NULL) {
        code = make_known(d, &d->command->user, TURN_LEFT);
        if (code != REPLY_OK) {
            return code;
        }
        reply_turn(d);
        return REPLY_OK;
    }
    room_end_turn(d->room, d->known, TURN_LEFT, d->time);
    d->known = room_find(d->room, d->number);
    reply_turn(d);
    return REPLY_OK;
}

static enum reply_code decide_issue(const struct decider *d) {
    struct room *room = d->room;
    if (GUARD(ISSUE_CLOSED, is_shut(d->phase)) || GUARD(ISSUE_UNVOUCHED, room->line.count == 0)) {
        return REPLY_ROOM_CLOSED;
    }
    if (GUARD(ISSUE_SPAN, d->command->span != room->line.count - 1)) {
        return REPLY_CONFLICT;
    }
    uint64_t ahead = ROOM_ISSUE_AHEAD + room->joined_lately;
    if (GUARD(ISSUE_ENDLESS, d->number > ROOM_NUMBER_MAX - ahead)) {
        return REPLY_INVALID;
    }
    if (GUARD(ISSUE_BACK, d->number + ROOM_ISSUE_AHEAD > room->record.issued_to)) {
        room->record.issued_to = d->number + ahead;
    }
    room_attend(room, d->command);
    return REPLY_OK;
}

/* The new user may have a turn already: theirs stays. */
static void move_live(struct decider *d) {
    struct room *room = d->room;
    struct turn turn = d->known->turn;
    struct known_turn *other = room_find_live(room, &d->command->new_user);
    if (other != NULL && room_end_overdue(room, other, d->time)) {
        other = NULL;
    }
    turn.user = d->command->new_user;
    if (GUARD(MOVE_SECOND, other != NULL)) {
        turn.state = TURN_SKIPPED;
        turn.ended_us = d->time->now_us;
        turn.booking_id = (struct id128){{0}};
    }
    room_write(room, d->known, &turn);
}

static enum reply_code move(struct decider *d) {
    struct room *room = d->room;
    const struct id128 *new_user = &d->command->new_user;
    if (d->known == NULL) {
        return make_known(d, new_user, TURN_WAITING);
    }
    if (turn_state_is_live(d->known->turn.state)) {
        move_live(d);
        d->known = room_find(room, d->number);
        return REPLY_OK;
    }
    struct turn turn = d->known->turn;
    turn.user = *new_user;
    room_write(room, d->known, &turn);
    return REPLY_OK;
}

static enum reply_code decide_move(struct decider *d) {
    bool moved = d->known != NULL && id128_equal(&d->known->turn.user, &d->command->new_user);
    enum reply_code code = moved ? REPLY_OK : check_number(d);
    if (code != REPLY_OK) {
        return code;
    }
    if (GUARD(MOVE_ENDED, turn_state_is_ended(state_of(d)))) {
        code = REPLY_TURN_MISSED;
    } else if (GUARD(MOVE_DONE, moved)) {
        d->reply->replayed = true;
    } else {
        code = move(d);
    }
    if (code != REPLY_OVERLOADED) {
        reply_turn(d);
    }
    return code;
}

/* Was it vouched for this run and stream? */
static bool is_vouched(const struct room_vouch *vouch, const struct command *command) {
    return strcmp(vouch->server_id, command->server_id) == 0 &&
           strcmp(vouch->created, command->created) == 0;
}

static bool is_older(const struct room *room, const struct command *command) {
    for (uint32_t i = 0; i + 1 < room->line.count; i++) {
        if (is_vouched(&room->vouches[i], command)) {
            return true;
        }
    }
    return false;
}

static enum reply_code decide_vouch(struct decider *d) {
    struct room *room = d->room;
    const struct command *command = d->command;
    const struct room_vouch *newest = room_get_vouch(room);
    bool same_stream = newest != NULL && strcmp(newest->created, command->created) == 0;
    if (newest != NULL && GUARD(VOUCH_REPEATED, is_vouched(newest, command))) {
        d->reply->replayed = true;
        return REPLY_OK;
    }
    if (GUARD(VOUCH_OLDER, is_older(room, command))) {
        return REPLY_CONFLICT;
    }
    struct room_vouch vouch = {
        .span =
            room_line_begin(&room->line, room->record.issued_to, command->sequence, same_stream),
        .admitted_to = room->record.admitted_to,
        .vouched_served_ms = d->time->served_ms,
    };
    memcpy(vouch.server_id, command->server_id, sizeof vouch.server_id);
    memcpy(vouch.created, command->created, sizeof vouch.created);
    enum status status = room_add_vouch(room, &vouch);
    if (status != STATUS_OK) {
        return status == STATUS_INVALID ? REPLY_INVALID : REPLY_OVERLOADED;
    }
    struct room_change *change = room_add_change(room, ROOM_CHANGE_VOUCH);
    change->vouch_index = room->line.count - 1;
    change->vouch = vouch;
    if (room->attended_from == 0) {
        room->attended_from = vouch.span.first_number;
    }
    room->stream_seen = true;
    room->last_sequence = command->sequence;
    room->joined_lately = 0;
    return REPLY_OK;
}

static enum reply_code decide(struct decider *d) {
    struct room *room = d->room;
    switch (d->command->kind) {
    case COMMAND_ROOM_ISSUE:
        return decide_issue(d);
    case COMMAND_ROOM_REPORT:
        return room_decide_report(room, d->command, d->facts, d->time);
    case COMMAND_ROOM_VOUCH:
        return decide_vouch(d);
    default:
        break;
    }
    d->known = room_find(room, d->number);
    if (d->known != NULL && room_end_overdue(room, d->known, d->time)) {
        d->known = room_find(room, d->number);
    }
    switch (d->command->kind) {
    case COMMAND_ROOM_LOOK:
        return decide_look(d);
    case COMMAND_ROOM_CLAIM:
        return decide_claim(d);
    case COMMAND_ROOM_LEAVE:
        return decide_leave(d);
    default:
        ensure(d->command->kind == COMMAND_ROOM_MOVE);
        return decide_move(d);
    }
}

void room_decide(struct room *room, const struct command *command, const struct room_facts *facts,
                 const struct show_time *time, struct reply *reply, struct room_changes *changes) {
    ensure(command->event_id == room->event_id && command->arrival_count <= ROOM_REPORT_MAX);
    struct decider decider = {
        .room = room,
        .command = command,
        .facts = facts,
        .time = time,
        .phase = room_phase_of(&room->settings, &facts->sale, time->now_us),
        .number = command->queue_number,
        .reply = reply,
    };
    *reply = (struct reply){0};
    room_begin(room);
    size_t turns = command->kind == COMMAND_ROOM_REPORT ? command->arrival_count : 1;
    reply->code = GUARD(ROOM_NO_MEMORY, room_make_room(room, turns) != STATUS_OK)
                      ? REPLY_OVERLOADED
                      : decide(&decider);
    room_finish(room, changes);
}
