#include "tests/sim/room_model.h"

#include "tests/sim/room_model_turns.h"

/* --- commands */

static void show_turn(const struct room_model *model, uint64_t number, const struct show_time *time,
                      struct reply *reply) {
    const struct turn *turn = room_model_find(model, number);
    struct turn_view *view = &reply->turn;
    reply->has_turn = true;
    view->number = number;
    view->now_serving = model->record.admitted_to;
    if (turn != NULL && room_model_remembers(model, turn)) {
        view->state = turn->state;
    } else if (number <= model->record.admitted_to && !room_model_in_gap(model, number)) {
        view->state = TURN_OVER;
    }
    if (turn != NULL && turn_state_is_live(turn->state)) {
        int64_t left_ms = turn->deadline_served_ms - time->served_ms;
        view->expires_us = time->now_us + (left_ms > 0 ? left_ms * 1000 : 0);
    }
}

/* Ended, as far as a room that forgets can know. */
static bool is_over(const struct room_model *model, uint64_t number) {
    const struct turn *turn = room_model_find(model, number);
    return turn != NULL ? turn_state_is_ended(turn->state)
                        : number <= model->record.admitted_to && !room_model_in_gap(model, number);
}

static bool is_others(const struct room_model *model, const struct command *command) {
    const struct turn *turn = room_model_find(model, command->queue_number);
    return turn != NULL && room_model_remembers(model, turn) &&
           !id128_equal(&turn->user, &command->user);
}

static bool is_bad(const struct room_model *model, const struct command *command) {
    return command->queue_number == 0 || command->queue_number > model->record.issued_to ||
           is_others(model, command);
}

static bool is_shut(enum room_phase phase) {
    return phase == ROOM_OFF || phase == ROOM_CLOSED;
}

static enum reply_code claim(struct room_model *model, const struct command *command,
                             enum room_phase phase, const struct show_time *time,
                             struct reply *reply) {
    uint64_t number = command->queue_number;
    struct turn *turn = model_find_turn(model, number);
    if (is_shut(phase)) {
        return REPLY_ROOM_CLOSED;
    }
    if (is_bad(model, command)) {
        return REPLY_BAD_NUMBER;
    }
    if (turn == NULL && room_model_in_gap(model, number)) {
        if (model_waiting_count(model) >= model->waiting_limit) {
            return REPLY_OVERLOADED;
        }
        turn = model_add_turn(model, number, &command->user);
        turn->state = TURN_WAITING;
    }
    show_turn(model, number, time, reply);
    bool waits = turn == NULL ? number > model->record.admitted_to : turn->state == TURN_WAITING;
    if (waits || phase == ROOM_PREQUEUE || phase == ROOM_WAITLIST) {
        return REPLY_NOT_YOUR_TURN;
    }
    if (is_over(model, number)) {
        return REPLY_TURN_MISSED;
    }
    ensure(turn != NULL);
    reply->replayed = turn->state == TURN_PASS;
    if (turn->state == TURN_CALLED) {
        turn->state = TURN_PASS;
        turn->deadline_served_ms = time->served_ms + model->settings.pass_ms;
        model->record.claimed++;
    }
    show_turn(model, number, time, reply);
    return REPLY_OK;
}

static enum reply_code leave(struct room_model *model, const struct command *command,
                             const struct show_time *time, struct reply *reply) {
    uint64_t number = command->queue_number;
    struct turn *turn = model_find_turn(model, number);
    if (is_bad(model, command)) {
        return REPLY_BAD_NUMBER;
    }
    if (is_over(model, number)) {
        reply->replayed = true;
    } else if (turn != NULL) {
        model_end_turn(model, turn, TURN_LEFT, time);
    } else if (model_waiting_count(model) >= model->waiting_limit) {
        return REPLY_OVERLOADED;
    } else {
        model_end_turn(model, model_add_turn(model, number, &command->user), TURN_LEFT, time);
    }
    show_turn(model, number, time, reply);
    return REPLY_OK;
}

static enum reply_code move(struct room_model *model, const struct command *command,
                            const struct show_time *time, struct reply *reply) {
    uint64_t number = command->queue_number;
    struct turn *turn = model_find_turn(model, number);
    bool moved = turn != NULL && room_model_remembers(model, turn) &&
                 id128_equal(&turn->user, &command->new_user);
    if (!moved && is_bad(model, command)) {
        return REPLY_BAD_NUMBER;
    }
    if (is_over(model, number)) {
        show_turn(model, number, time, reply);
        return REPLY_TURN_MISSED;
    }
    if (moved) {
        reply->replayed = true;
    } else if (turn == NULL) {
        if (model_waiting_count(model) >= model->waiting_limit) {
            return REPLY_OVERLOADED;
        }
        model_add_turn(model, number, &command->new_user)->state = TURN_WAITING;
    } else {
        if (turn_state_is_live(turn->state)) {
            model_end_if_over(model, model_live_of(model, &command->new_user), time);
            if (model_live_of(model, &command->new_user) != NULL) {
                model_end_turn(model, turn, TURN_SKIPPED, time);
            }
        }
        turn->user = command->new_user;
    }
    show_turn(model, number, time, reply);
    return REPLY_OK;
}

void room_model_load(struct room_model *model) {
    model->roll_last = 0; /* the door stands there anew */
    model->heard_from = UINT32_MAX;
    model->word_count = 0;
}

/* The last word of the gateway; NULL: none was heard. */
static const struct model_word *last_word(const struct room_model *model, uint64_t gateway) {
    const struct model_word *last = NULL;
    for (uint32_t i = 0; i < model->word_count; i++) {
        if (model->words[i].gateway == gateway) {
            last = &model->words[i];
        }
    }
    return last;
}

static void hear(struct room_model *model, const struct command *command) {
    const struct model_word *last = last_word(model, command->gateway);
    if (last == NULL || last->span != command->span) {
        ensure(model->word_count < MODEL_WORDS_MAX);
        model->words[model->word_count++] =
            (struct model_word){command->gateway, command->span, command->answered};
    }
}

/* Before the newest span began: by somebody who was not heard, by somebody who has not come to it,
 * or by somebody who says so. */
static bool may_be_answered(const struct room_model *model, uint64_t number) {
    if (model->heard_from == UINT32_MAX ||
        model->vouches[model->heard_from].span.first_number > number) {
        return true;
    }
    for (uint32_t i = 0; i < model->word_count; i++) {
        const struct model_word *last = last_word(model, model->words[i].gateway);
        uint32_t next_span = last->span + 1;
        if (last->span < model->heard_from) {
            continue;
        }
        if (next_span == model->vouch_count
                ? last->answered >= number
                : model->vouches[next_span].span.first_number > number) {
            return true;
        }
    }
    return false;
}

static enum reply_code issue(struct room_model *model, const struct command *command,
                             enum room_phase phase, uint64_t issued_to) {
    uint64_t wanted = command->queue_number + ROOM_ISSUE_AHEAD;
    if (is_shut(phase) || model->vouch_count == 0) {
        return REPLY_ROOM_CLOSED;
    }
    if (command->span != model->vouch_count - 1) {
        return REPLY_CONFLICT;
    }
    if (command->queue_number > (uint64_t)INT64_MAX / 2) {
        return REPLY_INVALID;
    }
    if (wanted > model->record.issued_to) {
        model->record.issued_to = issued_to;
    }
    hear(model, command);
    return REPLY_OK;
}

static bool is_vouched(const struct room_vouch *vouch, const struct command *command) {
    return strcmp(vouch->server_id, command->server_id) == 0 &&
           strcmp(vouch->created, command->created) == 0;
}

static enum reply_code vouch(struct room_model *model, const struct command *command,
                             const struct show_time *time, struct reply *reply) {
    uint32_t count = model->vouch_count;
    const struct room_vouch *newest = count == 0 ? NULL : &model->vouches[count - 1];
    for (uint32_t i = 0; i < count; i++) {
        if (is_vouched(&model->vouches[i], command)) {
            reply->replayed = i == count - 1;
            return i == count - 1 ? REPLY_OK : REPLY_CONFLICT;
        }
    }
    if (command->sequence > INT64_MAX - 1) {
        return REPLY_INVALID;
    }
    if (count == ROOM_SPANS_MAX) {
        return REPLY_OVERLOADED;
    }
    bool same_stream = newest != NULL && strcmp(newest->created, command->created) == 0;
    struct room_vouch *made = &model->vouches[model->vouch_count];
    *made = (struct room_vouch){.admitted_to = model->record.admitted_to,
                                .vouched_served_ms = time->served_ms};
    memcpy(made->server_id, command->server_id, sizeof made->server_id);
    memcpy(made->created, command->created, sizeof made->created);
    made->span.first_sequence = same_stream ? command->sequence + 1 : 1;
    made->span.stream = newest == NULL ? 0 : newest->span.stream + !same_stream;
    /* Above everything that was answered, or stored and still there. */
    uint64_t above = model->record.issued_to;
    for (uint32_t i = 0; i < count; i++) {
        const struct room_span *span = &model->vouches[i].span;
        above = span->first_number > above ? span->first_number : above;
        if (same_stream && span->stream == newest->span.stream &&
            span->first_sequence <= command->sequence) {
            uint64_t last = span->first_number + (command->sequence - span->first_sequence);
            if (room_model_sequence(model, last) == command->sequence && last > above) {
                above = last;
            }
        }
    }
    made->span.first_number = above + 1;
    if (model->heard_from == UINT32_MAX) {
        model->heard_from = model->vouch_count;
    }
    model->vouch_count++;
    return REPLY_OK;
}

static bool report_is_due(const struct room_model *model, const struct command *report,
                          enum room_phase phase, uint32_t allowance) {
    uint64_t first = report->queue_number;
    if (model->vouch_count == 0 || phase != ROOM_OPEN || report->arrival_count == 0 ||
        report->arrival_count > allowance || first != model->record.admitted_to + 1 ||
        !is_vouched(&model->vouches[model->vouch_count - 1], report) ||
        room_model_has_late(model)) {
        return false;
    }
    for (uint32_t i = 0; i < report->arrival_count; i++) {
        if (room_model_sequence(model, first + i) == 0 ||
            model_span_of(model, first + i) != model_span_of(model, first)) {
            return false;
        }
    }
    return true;
}

static bool report(struct room_model *model, const struct command *command,
                   const struct show_time *time, uint32_t allowance) {
    bool within = true;
    for (uint32_t i = 0; i < command->arrival_count; i++) {
        uint64_t number = command->queue_number + i;
        struct room_arrival arrival =
            room_arrival_get(command->arrivals + (size_t)i * ROOM_ARRIVAL_BYTES);
        struct turn *turn = model_find_turn(model, number);
        model_admit_to(model, number);
        if (turn != NULL && turn_state_is_ended(turn->state)) {
            continue;
        }
        if (turn == NULL) {
            turn = model_add_turn(model, number, &arrival.user);
        }
        turn->joined_us = arrival.joined_us;
        within = model_call(model, turn, time, &allowance) && within;
    }
    return within;
}

bool room_model_decide(struct room_model *model, const struct command *command,
                       const struct room_facts *facts, const struct show_time *time,
                       uint32_t allowance, uint64_t issued_to, struct reply *reply) {
    enum room_phase phase = room_phase_of(&model->settings, &facts->sale, time->now_us);
    *reply = (struct reply){0};
    switch (command->kind) {
    case COMMAND_ROOM_ISSUE:
        reply->code = issue(model, command, phase, issued_to);
        return true;
    case COMMAND_ROOM_VOUCH:
        reply->code = vouch(model, command, time, reply);
        return true;
    case COMMAND_ROOM_REPORT:
        reply->code = report_is_due(model, command, phase, allowance) ? REPLY_OK : REPLY_INVALID;
        return reply->code != REPLY_OK || report(model, command, time, allowance);
    default:
        break;
    }
    model_end_if_over(model, model_find_turn(model, command->queue_number), time);
    if (command->kind == COMMAND_ROOM_CLAIM) {
        reply->code = claim(model, command, phase, time, reply);
    } else if (command->kind == COMMAND_ROOM_LEAVE) {
        reply->code = leave(model, command, time, reply);
    } else if (command->kind == COMMAND_ROOM_MOVE) {
        reply->code = move(model, command, time, reply);
    } else if (command->queue_number == 0 || is_others(model, command)) {
        reply->code = REPLY_BAD_NUMBER;
    } else {
        show_turn(model, command->queue_number, time, reply);
    }
    return true;
}

/* --- bookings */

enum reply_code room_model_check_pass(const struct room_model *model, const struct command *reserve,
                                      const struct room_facts *facts,
                                      const struct show_time *time) {
    enum room_phase phase = room_phase_of(&model->settings, &facts->sale, time->now_us);
    const struct turn *turn = room_model_find(model, reserve->queue_number);
    if (phase == ROOM_OFF) {
        return REPLY_OK;
    }
    if (reserve->pass == PASS_NONE) {
        return REPLY_PASS_REQUIRED;
    }
    if (reserve->pass == PASS_BAD || (phase != ROOM_OPEN && phase != ROOM_PAUSED) || turn == NULL ||
        turn->state != TURN_PASS || !id128_equal(&turn->user, &reserve->user)) {
        return REPLY_BAD_PASS;
    }
    if (!id128_is_zero(&turn->booking_id)) {
        return REPLY_PASS_BUSY;
    }
    return time->served_ms < turn->deadline_served_ms ? REPLY_OK : REPLY_BAD_PASS;
}

void room_model_follow(struct room_model *model, const struct model_hold *hold,
                       enum booking_status before, const struct show_time *time) {
    struct turn *turn = model_find_turn(model, hold->number);
    if (turn == NULL || turn->state != TURN_PASS || before == hold->status) {
        return;
    }
    if (hold->status == BOOKING_PENDING) {
        turn->booking_id = hold->id;
    } else if (hold->status == BOOKING_CONFIRMED) {
        model_end_turn(model, turn, TURN_BOUGHT, time);
    } else {
        turn->booking_id = (struct id128){{0}};
        model_end_if_over(model, turn, time);
    }
}

/* --- the sweep */

/* The lowest number that waits in a gap, up to `last`. */
static struct turn *lowest_shown(struct room_model *model, uint64_t last) {
    struct turn *lowest = NULL;
    for (uint32_t i = 0; i < model->turn_count; i++) {
        struct turn *turn = &model->turns[i];
        if (turn->state == TURN_WAITING && turn->number <= last &&
            room_model_in_gap(model, turn->number) &&
            (lowest == NULL || turn->number < lowest->number)) {
            lowest = turn;
        }
    }
    return lowest;
}

/* The span behind the gap that the door stands before; -1: it stands before no gap. */
static int span_behind_gap(const struct room_model *model) {
    uint64_t next = model->record.admitted_to + 1;
    if (model->vouch_count == 0 || model_span_of(model, next) < 0 ||
        model_lost_at(model, next) < 0) {
        return -1;
    }
    int behind = model_span_of(model, next) + 1;
    while (model_lost_at(model, model->vouches[behind].span.first_number) >= 0) {
        behind++;
    }
    return behind;
}

static bool roll(struct room_model *model, const struct show_time *time, uint32_t *allowance,
                 bool *within) {
    struct turn *due = lowest_shown(model, model->record.admitted_to);
    int behind = span_behind_gap(model);
    if (due == NULL) {
        if (behind < 0) {
            return false;
        }
        uint64_t last = model->vouches[behind].span.first_number - 1;
        int64_t claim_ms = model->settings.claim_ms;
        if (model->roll_last != last) {
            model->roll_last = last;
            model->roll_since_ms = time->served_ms;
        }
        bool too_early =
            time->served_ms - model->roll_since_ms < (claim_ms < 5000 ? claim_ms : 5000) ||
            time->served_ms - model->vouches[behind].vouched_served_ms < claim_ms;
        if (too_early && may_be_answered(model, model->record.admitted_to + 1)) {
            return false;
        }
        due = lowest_shown(model, last);
        if (due == NULL) {
            model_admit_to(model, last);
            return true;
        }
    }
    if (*allowance == 0) {
        return false;
    }
    if (due->number > model->record.admitted_to) {
        model_admit_to(model, due->number);
    }
    *within = model_call(model, due, time, allowance) && *within;
    return true;
}

bool room_model_sweep(struct room_model *model, const struct room_facts *facts,
                      const struct show_time *time, uint32_t allowance) {
    bool within = true;
    for (uint32_t i = 0; i < model->turn_count; i++) {
        if (turn_state_is_live(model->turns[i].state)) {
            model_end_if_over(model, &model->turns[i], time);
        }
    }
    if (room_phase_of(&model->settings, &facts->sale, time->now_us) == ROOM_OPEN) {
        while (roll(model, time, &allowance, &within)) {
        }
    }
    return within;
}
