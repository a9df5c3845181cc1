#include "tests/sim/room_store.h"

#define DIFFER(field)                                                                              \
    do {                                                                                           \
        if (a->field != b->field) {                                                                \
            return #field;                                                                         \
        }                                                                                          \
    } while (0)

const char *turn_difference(const struct turn *a, const struct turn *b) {
    DIFFER(number);
    DIFFER(state);
    if (!id128_equal(&a->user, &b->user)) {
        return "user";
    }
    DIFFER(joined_us);
    DIFFER(called_us);
    DIFFER(ended_us);
    DIFFER(deadline_served_ms);
    return id128_equal(&a->booking_id, &b->booking_id) ? NULL : "booking_id";
}

const char *record_difference(const struct room_record *a, const struct room_record *b) {
    DIFFER(admitted_to);
    DIFFER(issued_to);
    DIFFER(claimed);
    DIFFER(missed);
    DIFFER(left);
    DIFFER(bought);
    return NULL;
}

static const char *vouch_difference(const struct room_vouch *a, const struct room_vouch *b) {
    DIFFER(span.first_number);
    DIFFER(span.first_sequence);
    DIFFER(span.stream);
    DIFFER(admitted_to);
    DIFFER(vouched_served_ms);
    return strcmp(a->server_id, b->server_id) == 0 && strcmp(a->created, b->created) == 0
               ? NULL
               : "server_id or created";
}

/* Which states may follow which: bits. */
static bool may_become(enum turn_state from, enum turn_state to) {
    static const uint32_t next[TURN_STATE_LAST + 1] = {
        [TURN_NONE] = 1u << TURN_WAITING | 1u << TURN_CALLED | 1u << TURN_LEFT | 1u << TURN_SKIPPED,
        [TURN_WAITING] =
            1u << TURN_WAITING | 1u << TURN_CALLED | 1u << TURN_LEFT | 1u << TURN_SKIPPED,
        [TURN_CALLED] = 1u << TURN_CALLED | 1u << TURN_PASS | 1u << TURN_MISSED | 1u << TURN_LEFT |
                        1u << TURN_SKIPPED,
        [TURN_PASS] = 1u << TURN_PASS | 1u << TURN_BOUGHT | 1u << TURN_LEFT | 1u << TURN_OVER |
                      1u << TURN_SKIPPED,
    };
    return (next[from] & 1u << to) != 0;
}

static const char *write_turn(struct room_model *rows, const struct room_change *change) {
    struct turn *row = NULL;
    for (uint32_t i = 0; i < rows->turn_count; i++) {
        if (rows->turns[i].number == change->turn.number) {
            row = &rows->turns[i];
        }
    }
    enum turn_state was = row == NULL ? TURN_NONE : row->state;
    const struct id128 *user = row == NULL ? &change->turn.user : &row->user;
    if (change->before != was || !id128_equal(&change->user_before, user)) {
        return "a turn changes that is not as it was";
    }
    if (!may_become(was, change->turn.state)) {
        return "a turn becomes what it can't";
    }
    if (row == NULL) {
        ensure(rows->turn_count < MODEL_TURNS_MAX);
        row = &rows->turns[rows->turn_count++];
    }
    *row = change->turn;
    for (uint32_t i = 0; i < rows->turn_count; i++) {
        const struct turn *other = &rows->turns[i];
        if (other != row && turn_state_is_live(row->state) && turn_state_is_live(other->state) &&
            id128_equal(&row->user, &other->user)) {
            return "somebody has two turns at a time";
        }
    }
    return NULL;
}

static const char *write_change(struct room_model *rows, const struct room_change *change) {
    switch (change->kind) {
    case ROOM_CHANGE_TURN:
        return write_turn(rows, change);
    case ROOM_CHANGE_RECORD:
        if (record_difference(&rows->record, &change->was) != NULL) {
            return "a record changes that is not as it was";
        }
        if (change->record.admitted_to < change->was.admitted_to ||
            change->record.issued_to < change->was.issued_to ||
            change->record.admitted_to > change->record.issued_to) {
            return "a record goes back";
        }
        rows->record = change->record;
        return NULL;
    default:
        if (change->vouch_index != rows->vouch_count || rows->vouch_count == MODEL_VOUCHES_MAX) {
            return "a span is not the next";
        }
        rows->vouches[rows->vouch_count++] = change->vouch;
        return NULL;
    }
}

const char *room_store_write(struct room_store *store, uint64_t epoch, int64_t served_ms,
                             const struct room_change *changes, size_t change_count,
                             const struct room_model *holds) {
    if (epoch != store->epoch) {
        return "the epoch is another";
    }
    for (size_t i = 0; i < change_count; i++) {
        const char *refused = write_change(&store->rows, &changes[i]);
        if (refused != NULL) {
            return refused;
        }
    }
    store->rows.hold_count = holds->hold_count;
    memcpy(store->rows.holds, holds->holds, sizeof store->rows.holds);
    store->served_ms = served_ms;
    return NULL;
}

const char *room_store_difference(const struct room_store *store, const struct room_model *model) {
    const struct room_model *rows = &store->rows;
    const char *difference = record_difference(&rows->record, &model->record);
    if (difference != NULL) {
        return difference;
    }
    if (rows->turn_count != model->turn_count || rows->vouch_count != model->vouch_count) {
        return "number of turns or spans";
    }
    for (uint32_t i = 0; i < model->turn_count && difference == NULL; i++) {
        const struct turn *row = room_model_find(rows, model->turns[i].number);
        difference = row == NULL ? "a missing turn" : turn_difference(row, &model->turns[i]);
    }
    for (uint32_t i = 0; i < model->vouch_count && difference == NULL; i++) {
        difference = vouch_difference(&rows->vouches[i], &model->vouches[i]);
    }
    return difference;
}

static const char *audit_turn(const struct room_model *rows, const struct turn *turn) {
    if (turn->called_us == 0) {
        return NULL;
    }
    bool late = room_model_in_gap(rows, turn->number);
    for (uint32_t i = 0; i < rows->turn_count; i++) {
        const struct turn *other = &rows->turns[i];
        if (other == turn || other->called_us == 0) {
            continue;
        }
        if (!late && other->number > turn->number && other->called_us < turn->called_us) {
            return "somebody was called before whose turn it was";
        }
    }
    return NULL;
}

const char *room_store_audit(const struct room_store *store) {
    const struct room_model *rows = &store->rows;
    /* Every number that the door has passed, span by span: gaps are longer than spans. */
    for (uint32_t i = 0; i < rows->vouch_count; i++) {
        uint64_t end = i + 1 < rows->vouch_count ? rows->vouches[i + 1].span.first_number
                                                 : rows->record.admitted_to + 1;
        for (uint64_t number = rows->vouches[i].span.first_number;
             number < end && number <= rows->record.admitted_to && !room_model_in_gap(rows, number);
             number++) {
            if (room_model_find(rows, number) == NULL) {
                return "somebody was passed over";
            }
        }
    }
    for (uint32_t i = 0; i < rows->turn_count; i++) {
        const char *broken = audit_turn(rows, &rows->turns[i]);
        if (broken != NULL) {
            return broken;
        }
    }
    return NULL;
}
