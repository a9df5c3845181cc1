#include "tests/sim/room_model_turns.h"

static const struct id128 none;

void room_model_copy(struct room_model *to, const struct room_model *from) {
    memcpy(to, from, offsetof(struct room_model, turns) + from->turn_count * sizeof from->turns[0]);
}

/* --- numbers */

int model_span_of(const struct room_model *model, uint64_t number) {
    int span = -1;
    for (uint32_t i = 0; i < model->vouch_count; i++) {
        if (model->vouches[i].span.first_number <= number) {
            span = (int)i;
        }
    }
    return span;
}

int model_lost_at(const struct room_model *model, uint64_t number) {
    int given = model_span_of(model, number);
    const struct room_span *span = &model->vouches[given].span;
    uint64_t sequence = span->first_sequence + (number - span->first_number);
    for (uint32_t i = (uint32_t)given + 1; i < model->vouch_count; i++) {
        const struct room_span *later = &model->vouches[i].span;
        if (later->stream != span->stream || later->first_sequence <= sequence) {
            return (int)i;
        }
    }
    return -1;
}

uint64_t room_model_sequence(const struct room_model *model, uint64_t number) {
    int given = model_span_of(model, number);
    if (given < 0 || model_lost_at(model, number) >= 0) {
        return 0;
    }
    const struct room_span *span = &model->vouches[given].span;
    return span->first_sequence + (number - span->first_number);
}

bool room_model_in_gap(const struct room_model *model, uint64_t number) {
    if (model_span_of(model, number) < 0) {
        return false;
    }
    int lost = model_lost_at(model, number);
    return lost >= 0 && number > model->vouches[lost].admitted_to;
}

/* --- turns */

struct turn *model_find_turn(struct room_model *model, uint64_t number) {
    for (uint32_t i = 0; i < model->turn_count; i++) {
        if (model->turns[i].number == number) {
            return &model->turns[i];
        }
    }
    return NULL;
}

const struct turn *room_model_find(const struct room_model *model, uint64_t number) {
    for (uint32_t i = 0; i < model->turn_count; i++) {
        if (model->turns[i].number == number) {
            return &model->turns[i];
        }
    }
    return NULL;
}

uint32_t room_model_live(const struct room_model *model) {
    uint32_t live = 0;
    for (uint32_t i = 0; i < model->turn_count; i++) {
        live += turn_state_is_live(model->turns[i].state);
    }
    return live;
}

uint32_t room_model_without_hold(const struct room_model *model) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < model->turn_count; i++) {
        count +=
            turn_state_is_live(model->turns[i].state) && id128_is_zero(&model->turns[i].booking_id);
    }
    return count;
}

int64_t room_model_next_deadline(const struct room_model *model) {
    int64_t earliest = INT64_MAX;
    for (uint32_t i = 0; i < model->turn_count; i++) {
        const struct turn *turn = &model->turns[i];
        if (turn_state_is_live(turn->state) && id128_is_zero(&turn->booking_id) &&
            turn->deadline_served_ms < earliest) {
            earliest = turn->deadline_served_ms;
        }
    }
    return earliest;
}

bool room_model_remembers(const struct room_model *model, const struct turn *turn) {
    return turn_state_is_live(turn->state) || turn->number > model->record.admitted_to ||
           room_model_in_gap(model, turn->number);
}

size_t model_waiting_count(const struct room_model *model) {
    size_t count = 0;
    for (uint32_t i = 0; i < model->turn_count; i++) {
        const struct turn *turn = &model->turns[i];
        count += room_model_remembers(model, turn) && !turn_state_is_live(turn->state);
    }
    return count;
}

void model_end_turn(struct room_model *model, struct turn *turn, enum turn_state state,
                    const struct show_time *time) {
    turn->state = state;
    turn->ended_us = time->now_us;
    turn->booking_id = none;
    if (state == TURN_MISSED) {
        model->record.missed++;
    } else if (state == TURN_LEFT) {
        model->record.left++;
    } else if (state == TURN_BOUGHT) {
        model->record.bought++;
    }
}

void model_end_if_over(struct room_model *model, struct turn *turn, const struct show_time *time) {
    if (turn == NULL || !id128_is_zero(&turn->booking_id) ||
        turn->deadline_served_ms > time->served_ms) {
        return;
    }
    if (turn->state == TURN_CALLED) {
        model_end_turn(model, turn, TURN_MISSED, time);
    } else if (turn->state == TURN_PASS) {
        model_end_turn(model, turn, TURN_OVER, time);
    }
}

struct turn *model_live_of(struct room_model *model, const struct id128 *user) {
    for (uint32_t i = 0; i < model->turn_count; i++) {
        if (turn_state_is_live(model->turns[i].state) && id128_equal(&model->turns[i].user, user)) {
            return &model->turns[i];
        }
    }
    return NULL;
}

struct turn *model_add_turn(struct room_model *model, uint64_t number, const struct id128 *user) {
    ensure(model->turn_count < MODEL_TURNS_MAX);
    struct turn *turn = &model->turns[model->turn_count++];
    *turn = (struct turn){.number = number, .user = *user};
    return turn;
}

bool model_call(struct room_model *model, struct turn *turn, const struct show_time *time,
                uint32_t *allowance) {
    model_end_if_over(model, model_live_of(model, &turn->user), time);
    if (model_live_of(model, &turn->user) != NULL) {
        model_end_turn(model, turn, TURN_SKIPPED, time);
        return true;
    }
    turn->state = TURN_CALLED;
    turn->called_us = time->now_us;
    turn->deadline_served_ms = time->served_ms + model->settings.claim_ms;
    if (*allowance == 0) {
        return false;
    }
    --*allowance;
    return room_model_live(model) <= model->settings.max_shoppers;
}

void model_admit_to(struct room_model *model, uint64_t number) {
    model->record.admitted_to = number;
    if (model->record.issued_to < number) {
        model->record.issued_to = number;
    }
}

bool room_model_has_late(const struct room_model *model) {
    for (uint32_t i = 0; i < model->turn_count; i++) {
        const struct turn *turn = &model->turns[i];
        if (turn->state == TURN_WAITING && turn->number <= model->record.admitted_to) {
            return true;
        }
    }
    return false;
}
