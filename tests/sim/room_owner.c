#include "tests/sim/room_owner.h"

#include "tests/sim/faults.h"
#include "tests/sim/room_load.h"
#include "worker/engine/pace.h"

#include <inttypes.h>

/* A decision allocates at most this often: each of them fails now and then. */
enum { FAULTS_ALLOWED_MAX = 6, PERSON_A_SECOND = 60 };

bool room_owner_start(struct room_owner *owner, const struct room_settings *settings,
                      size_t waiting_limit, struct random *random, struct progress *progress) {
    owner->random = random;
    owner->progress = progress;
    owner->open = &owner->batches[0];
    owner->sent = &owner->batches[1];
    owner->store.epoch = 1;
    owner->store.served_ms = random_below(random, 100000);
    owner->time.served_ms = owner->store.served_ms;
    owner->store.rows.settings = *settings;
    owner->store.rows.waiting_limit = waiting_limit;
    room_model_copy(&owner->committed, &owner->store.rows);
    room_model_copy(&owner->model, &owner->store.rows);
    return room_load_stored(owner);
}

void room_owner_end(struct room_owner *owner) {
    room_destroy(owner->room);
}

/* --- comparing */

static bool compare_turns(struct room_owner *owner) {
    const struct room_model *model = &owner->model;
    for (uint32_t i = 0; i < model->turn_count; i++) {
        const struct turn *expected = &model->turns[i];
        const struct turn *actual = room_get_turn(owner->room, expected->number);
        bool remembered = room_model_remembers(model, expected);
        if ((actual != NULL) != remembered) {
            return progress_fail(owner->progress, "turn %" PRIu64 " is %s", expected->number,
                                 remembered ? "forgotten" : "remembered");
        }
        const char *difference = actual == NULL ? NULL : turn_difference(expected, actual);
        if (difference != NULL) {
            return progress_fail(owner->progress, "turn %" PRIu64 " is %s, should be %s (%s)",
                                 expected->number, turn_state_text(actual->state),
                                 turn_state_text(expected->state), difference);
        }
    }
    return true;
}

static bool compare_grant(struct room_owner *owner) {
    const struct room_model *model = &owner->model;
    struct room_grant grant;
    uint64_t next = model->record.admitted_to + 1;
    uint64_t sequence = room_model_sequence(model, next);
    bool expected = owner->stream_seen && room_allowance(owner->room) > 0 && sequence != 0 &&
                    sequence <= owner->last_sequence && !room_model_has_late(model);
    if (room_grant(owner->room, &grant) != expected) {
        return progress_fail(owner->progress, "a grant %s", expected ? "is missing" : "too many");
    }
    return !expected ||
           (grant.from_number == next && grant.from_sequence == sequence && grant.count > 0 &&
            grant.count <= room_allowance(owner->room) &&
            sequence + grant.count - 1 <= owner->last_sequence &&
            room_model_sequence(model, next + grant.count - 1) == sequence + grant.count - 1) ||
           progress_fail(owner->progress, "a grant of what can't be read");
}

static bool compare_gaps(struct room_owner *owner) {
    const struct room_model *model = &owner->model;
    struct room_gap gaps[ROOM_SPANS_MAX];
    size_t count = room_gaps(owner->room, gaps);
    for (size_t i = 0; i < count; i++) {
        if (!room_model_in_gap(model, gaps[i].first) || !room_model_in_gap(model, gaps[i].last) ||
            (gaps[i].first > 1 && room_model_in_gap(model, gaps[i].first - 1)) ||
            room_model_in_gap(model, gaps[i].last + 1)) {
            return progress_fail(owner->progress, "a gap has another beginning or end");
        }
    }
    for (uint32_t i = 0; i < model->turn_count; i++) {
        uint64_t number = model->turns[i].number;
        bool inside = false;
        for (size_t j = 0; j < count; j++) {
            inside = inside || (number >= gaps[j].first && number <= gaps[j].last);
        }
        if (inside != room_model_in_gap(model, number)) {
            return progress_fail(owner->progress, "a gap is missing, or too many");
        }
    }
    return true;
}

bool room_owner_compare(struct room_owner *owner) {
    const struct room_model *model = &owner->model;
    const struct room *room = owner->room;
    const char *difference = record_difference(&model->record, room_get_record(room));
    if (difference != NULL) {
        return progress_fail(owner->progress, "the record differs in %s", difference);
    }
    if (room_get_line(room)->count != model->vouch_count) {
        return progress_fail(owner->progress, "the line has another number of spans");
    }
    if (model->vouch_count > 0) {
        const struct room_span *actual = &room_get_vouch(room)->span;
        const struct room_span *expected = &model->vouches[model->vouch_count - 1].span;
        if (actual->first_number != expected->first_number ||
            actual->first_sequence != expected->first_sequence ||
            actual->stream != expected->stream) {
            return progress_fail(owner->progress, "the newest span is another");
        }
    }
    if (room_live_count(room) != room_model_live(model) ||
        room_next_deadline(room) != room_model_next_deadline(model)) {
        return progress_fail(owner->progress, "turns are miscounted, or the next deadline");
    }
    if (!compare_turns(owner) || !compare_gaps(owner) || !compare_grant(owner)) {
        return false;
    }
    const char *broken = owner->progress->step % 4 == 0 ? room_check(room) : NULL;
    return broken == NULL || progress_fail(owner->progress, "invariant %s", broken);
}

static const char *reply_difference(const struct reply *a, const struct reply *b) {
    if (a->code != b->code) {
        return "code";
    }
    if (a->replayed != b->replayed) {
        return "replayed";
    }
    if (a->has_turn != b->has_turn) {
        return "has_turn";
    }
    if (a->turn.state != b->turn.state) {
        return "state";
    }
    return a->turn.number == b->turn.number && a->turn.expires_us == b->turn.expires_us &&
                   a->turn.now_serving == b->turn.now_serving
               ? NULL
               : "turn";
}

/* --- deciding */

static bool make_room(struct room_owner *owner) {
    const struct room_batch *open = owner->open;
    bool full = open->delivery_count == ROOM_BATCH_MAX ||
                open->change_count > ROOM_BATCH_CHANGES_MAX - MODEL_TURNS_MAX;
    return !full || room_owner_commit_all(owner);
}

/* Into the open batch. */
static bool take_changes(struct room_owner *owner, const struct room_changes *changes) {
    struct room_batch *open = owner->open;
    for (size_t i = 0; i < changes->count; i++) {
        if (changes->items[i].kind == ROOM_CHANGE_RECORD && i + 1 != changes->count) {
            return progress_fail(owner->progress, "the record's change is not the last");
        }
        ensure(open->change_count < ROOM_BATCH_CHANGES_MAX);
        open->changes[open->change_count++] = changes->items[i];
    }
    return true;
}

/* Sometimes the engine has no memory: then it refuses, has changed nothing, and is asked again. */
static bool ask_engine(struct room_owner *owner, const struct command *command, struct reply *reply,
                       struct room_changes *changes) {
    bool starved = random_percent(owner->random, 3);
    if (starved) {
        faults_start(random_below(owner->random, FAULTS_ALLOWED_MAX));
    }
    room_decide(owner->room, command, &owner->facts, &owner->time, reply, changes);
    if (!starved || !faults_stop()) {
        return true;
    }
    owner->progress->failed_allocations++;
    if (reply->code != REPLY_OVERLOADED || changes->count > 0 || !room_owner_compare(owner)) {
        return progress_fail(owner->progress, "a want of memory changed something");
    }
    room_decide(owner->room, command, &owner->facts, &owner->time, reply, changes);
    return true;
}

static void count_reply(struct room_owner *owner, const struct command *command,
                        const struct reply *reply) {
    owner->progress->replies[reply->code]++;
    owner->progress->replayed += reply->replayed;
    if (reply->code == REPLY_OK && command->kind == COMMAND_ROOM_REPORT) {
        owner->progress->reports++;
    }
    if (reply->code == REPLY_OK && command->kind == COMMAND_ROOM_VOUCH && !reply->replayed) {
        owner->progress->vouches++;
        owner->stream_seen = true;
        owner->last_sequence = command->sequence;
    }
}

bool room_owner_decide(struct room_owner *owner, const struct room_delivery *delivery) {
    if (!make_room(owner)) {
        return false;
    }
    struct recent *recent = progress_record(owner->progress, "room command", &owner->time);
    recent->command = delivery->command;
    struct command command = delivery->command;
    command.arrivals = delivery->arrivals;
    uint32_t allowance = room_allowance(owner->room);
    struct reply actual, expected;
    struct room_changes changes;
    if (!ask_engine(owner, &command, &actual, &changes)) {
        return false;
    }
    uint64_t issued_to = room_get_record(owner->room)->issued_to;
    bool within = room_model_decide(&owner->model, &command, &owner->facts, &owner->time, allowance,
                                    issued_to, &expected);
    recent->code = owner->code = actual.code;
    count_reply(owner, &command, &actual);
    const char *difference = reply_difference(&expected, &actual);
    if (difference != NULL) {
        return progress_fail(owner->progress, "%s answered with %s, should be %s (differs in %s)",
                             command_kind_text(command.kind), reply_code_text(actual.code),
                             reply_code_text(expected.code), difference);
    }
    if (command.kind == COMMAND_ROOM_ISSUE && actual.code == REPLY_OK &&
        issued_to - command.queue_number < ROOM_ISSUE_AHEAD) {
        return progress_fail(owner->progress, "too few numbers are issued");
    }
    struct room_batch *open = owner->open;
    open->deliveries[open->delivery_count++] = *delivery;
    return take_changes(owner, &changes) &&
           (within || progress_fail(owner->progress, "more are called than may be"));
}

static bool follow(struct room_owner *owner, const struct model_hold *hold,
                   enum booking_status before, const struct id128 *user_before) {
    struct room_changes changes;
    struct show_change change = {.before = before,
                                 .user_before = *user_before,
                                 .booking = {.id = hold->id,
                                             .user = hold->user,
                                             .event_id = ROOM_EVENT,
                                             .queue_number = hold->number,
                                             .status = hold->status}};
    faults_start(0); /* it needs no memory */
    room_follow(owner->room, &change, &owner->time, &changes);
    faults_stop();
    room_model_follow(&owner->model, hold, before, &owner->time);
    return take_changes(owner, &changes);
}

bool room_owner_reserve(struct room_owner *owner, const struct command *reserve) {
    if (!make_room(owner)) {
        return false;
    }
    struct recent *recent = progress_record(owner->progress, "reserve", &owner->time);
    recent->command = *reserve;
    recent->code = room_check_pass(owner->room, reserve, &owner->facts, &owner->time);
    enum reply_code expected =
        room_model_check_pass(&owner->model, reserve, &owner->facts, &owner->time);
    owner->progress->replies[recent->code]++;
    if (recent->code != expected) {
        return progress_fail(owner->progress, "a pass is %s, should be %s",
                             reply_code_text(recent->code), reply_code_text(expected));
    }
    struct room_model *model = &owner->model;
    if (expected != REPLY_OK || model->hold_count == MODEL_HOLDS_MAX) {
        return true;
    }
    struct model_hold *hold = &model->holds[model->hold_count++];
    bool passed = reserve->pass == PASS_GOOD;
    *hold = (struct model_hold){.id = reserve->booking_id,
                                .user = reserve->user,
                                .number = passed ? reserve->queue_number : 0,
                                .status = BOOKING_PENDING};
    return follow(owner, hold, BOOKING_NONE, &hold->user);
}

bool room_owner_change_hold(struct room_owner *owner, uint32_t hold, enum booking_status status,
                            const struct id128 *user) {
    if (!make_room(owner)) {
        return false;
    }
    progress_record(owner->progress, "a booking changes", &owner->time);
    struct model_hold *changed = &owner->model.holds[hold];
    enum booking_status before = changed->status;
    struct id128 user_before = changed->user;
    changed->status = status;
    changed->user = *user;
    return follow(owner, changed, before, &user_before);
}

bool room_owner_sweep(struct room_owner *owner) {
    struct room_changes changes;
    if (!make_room(owner)) {
        return false;
    }
    progress_record(owner->progress, "sweep of the room", &owner->time);
    uint32_t allowance = room_allowance(owner->room);
    if (random_percent(owner->random, 5)) { /* what it has no memory for is left to the next */
        faults_start(random_below(owner->random, FAULTS_ALLOWED_MAX));
        room_sweep(owner->room, &owner->facts, &owner->time, &changes);
        owner->progress->failed_allocations += faults_stop();
        if (!take_changes(owner, &changes)) {
            return false;
        }
    }
    room_sweep(owner->room, &owner->facts, &owner->time, &changes);
    bool within = room_model_sweep(&owner->model, &owner->facts, &owner->time, allowance);
    owner->progress->rolled += allowance - room_allowance(owner->room);
    return take_changes(owner, &changes) &&
           (within || progress_fail(owner->progress, "more are called by roll than may be"));
}

bool room_owner_pace(struct room_owner *owner) {
    const struct room_settings *settings = &owner->model.settings;
    progress_record(owner->progress, "the pace", &owner->time);
    uint32_t before = room_allowance(owner->room);
    room_pace(owner->room, &owner->facts, &owner->time);
    uint64_t allowance = room_allowance(owner->room);
    uint32_t free = owner->facts.free_seats;
    uint64_t seats = free > 0 && free < PACE_SEATS_LEAST ? PACE_SEATS_LEAST : free;
    uint64_t burst = 1 + (uint64_t)settings->admits_per_minute * PACE_EXTRA / PERSON_A_SECOND;
    const char *broken = NULL;
    if (allowance == 0) {
        return true;
    }
    if (room_phase_of(settings, &owner->facts.sale, owner->time.now_us) != ROOM_OPEN) {
        broken = "while the door is shut";
    } else if (room_model_live(&owner->model) + allowance > settings->max_shoppers) {
        broken = "than may shop";
    } else if (room_model_without_hold(&owner->model) + allowance > seats) {
        broken = "than could still buy";
    } else if (allowance > burst && allowance > before) {
        broken = "than come in a second";
    }
    return broken == NULL || progress_fail(owner->progress, "more may be called %s", broken);
}

void room_owner_look(struct room_owner *owner, uint64_t last_sequence) {
    owner->stream_seen = true;
    owner->last_sequence = last_sequence;
    room_saw_stream(owner->room, last_sequence, 0, &owner->time);
}

/* --- batches */

static void batch_clear(struct room_batch *batch) {
    batch->delivery_count = 0;
    batch->change_count = 0;
}

static void send_open(struct room_owner *owner) {
    struct room_batch *open = owner->open;
    if (open->delivery_count == 0 && open->change_count == 0) {
        return;
    }
    progress_record(owner->progress, "a batch sets out", &owner->time);
    open->epoch = owner->store.epoch;
    open->served_ms = owner->time.served_ms;
    owner->open = owner->sent;
    owner->sent = open;
    owner->in_flight = true;
    room_model_copy(&owner->sent_model, &owner->model);
}

static const char *write_sent(struct room_owner *owner) {
    const struct room_batch *sent = owner->sent;
    return room_store_write(&owner->store, sent->epoch, sent->served_ms, sent->changes,
                            sent->change_count, &owner->sent_model);
}

static bool store_sent(struct room_owner *owner) {
    const char *refused = write_sent(owner);
    if (refused != NULL) {
        return progress_fail(owner->progress, "the store refuses a batch of a room: %s", refused);
    }
    room_model_copy(&owner->committed, &owner->sent_model);
    const char *difference = room_store_difference(&owner->store, &owner->committed);
    return difference == NULL ||
           progress_fail(owner->progress, "the stored room differs in %s", difference);
}

/* Forgets the room and everything that was not stored, and decides again what was not answered. */
static bool start_over(struct room_owner *owner, bool in_order) {
    struct room_delivery again[2 * ROOM_BATCH_MAX];
    uint32_t count = 0;
    if (owner->in_flight) {
        memcpy(again, owner->sent->deliveries, owner->sent->delivery_count * sizeof *again);
        count = owner->sent->delivery_count;
    }
    memcpy(again + count, owner->open->deliveries, owner->open->delivery_count * sizeof *again);
    count += owner->open->delivery_count;
    owner->in_flight = false;
    batch_clear(owner->sent);
    batch_clear(owner->open);
    room_model_copy(&owner->model, &owner->committed);
    if (!room_load_stored(owner)) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t next = in_order ? i : random_between(owner->random, i, count - 1);
        struct room_delivery delivery = again[next];
        again[next] = again[i];
        /* A vouch comes from a look of the owner's own: it is not repeated. */
        if (delivery.command.kind != COMMAND_ROOM_VOUCH &&
            (!room_owner_decide(owner, &delivery) || !room_owner_compare(owner))) {
            return false;
        }
    }
    return true;
}

bool room_owner_commit(struct room_owner *owner, enum commit_outcome outcome) {
    if (!owner->in_flight) {
        send_open(owner);
        return true;
    }
    switch (outcome) {
    case COMMIT_DONE:
        progress_record(owner->progress, "it is committed", &owner->time);
        owner->progress->commits++;
        owner->in_flight = false;
        if (!store_sent(owner)) {
            return false;
        }
        batch_clear(owner->sent);
        return true;
    case COMMIT_FAILED:
        progress_record(owner->progress, "it failed", &owner->time);
        owner->progress->failed_commits++;
        return start_over(owner, true);
    default:
        progress_record(owner->progress, "it is unknown", &owner->time);
        owner->progress->unknown_commits++;
        if (random_percent(owner->random, 50) && !store_sent(owner)) {
            return false;
        }
        owner->store.epoch++;
        return start_over(owner, true);
    }
}

bool room_owner_commit_all(struct room_owner *owner) {
    while (owner->in_flight || owner->open->delivery_count > 0 || owner->open->change_count > 0) {
        if (!room_owner_commit(owner, COMMIT_DONE)) {
            return false;
        }
    }
    return true;
}

bool room_owner_take_over(struct room_owner *owner) {
    progress_record(owner->progress, "takeover of the room", &owner->time);
    owner->progress->takeovers++;
    if (owner->in_flight && random_percent(owner->random, 50) && !store_sent(owner)) {
        return false;
    }
    owner->store.epoch++;
    if (owner->in_flight && write_sent(owner) == NULL) {
        return progress_fail(owner->progress, "a room's batch of an old epoch is stored");
    }
    owner->time.served_ms = owner->store.served_ms;
    return start_over(owner, false);
}

bool room_owner_forget(struct room_owner *owner) {
    progress_record(owner->progress, "the room is forgotten and loaded", &owner->time);
    return room_owner_commit_all(owner) && start_over(owner, true);
}

bool room_owner_change_settings(struct room_owner *owner, const struct room_settings *settings) {
    if (!room_owner_commit_all(owner)) {
        return false;
    }
    progress_record(owner->progress, "new settings of the room", &owner->time);
    owner->store.rows.settings = *settings;
    owner->model.settings = *settings;
    owner->committed.settings = *settings;
    room_set_settings(owner->room, settings);
    const struct room_settings *taken = room_get_settings(owner->room);
    return (taken->mode == settings->mode && taken->open_us == settings->open_us &&
            taken->admits_per_minute == settings->admits_per_minute &&
            taken->max_shoppers == settings->max_shoppers &&
            taken->claim_ms == settings->claim_ms && taken->pass_ms == settings->pass_ms) ||
           progress_fail(owner->progress, "settings of the room are not taken over");
}
