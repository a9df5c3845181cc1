#include "tests/sim/owner.h"

#include "tests/sim/difference.h"
#include "tests/sim/faults.h"
#include "tests/sim/load.h"

#include <inttypes.h>

/* A hold allocates at most this often: each of them fails now and then. */
enum { FAULTS_ALLOWED_MAX = 6 };

bool owner_start(struct owner *owner, const struct world *world, struct random *random,
                 struct progress *progress) {
    *owner = (struct owner){.world = world, .random = random, .progress = progress};
    owner->open = &owner->batches[0];
    owner->sent = &owner->batches[1];
    owner->time.now_us = world->start_us;
    owner->store.served_ms = random_below(random, 100000);
    owner->store.epoch = 1;
    owner->time.served_ms = owner->store.served_ms;
    world_make_settings(world, random, world->start_us, &owner->store.settings);
    for (uint32_t seat = 0; seat < world->seat_count; seat++) {
        owner->store.blocked[seat] = random_percent(random, 5);
    }
    struct model *model = &owner->committed;
    model->event_id = world->event_id;
    model->layout = &world->layout;
    model->seat_count = world->seat_count;
    model->settings = owner->store.settings;
    memcpy(model->blocked, owner->store.blocked, sizeof model->blocked);
    model_copy(&owner->model, model);
    return show_load(owner);
}

void owner_end(struct owner *owner) {
    show_destroy(owner->show);
}

static bool check_invariants(struct owner *owner) {
    const char *broken = show_check(owner->show);
    return broken == NULL || progress_fail(owner->progress, "invariant %s", broken);
}

bool owner_compare(struct owner *owner) {
    const struct model *model = &owner->model;
    const struct show *show = owner->show;
    enum seat_state states[MODEL_SEATS_MAX];
    uint8_t packed[(MODEL_SEATS_MAX + 3) / 4];
    model_seat_states(model, states);
    show_pack_seats(show, packed);
    for (uint32_t seat = 0; seat < model->seat_count; seat++) {
        if (show_seat_state(show, seat) != states[seat] ||
            packed_seats_get(packed, seat) != states[seat]) {
            return progress_fail(owner->progress, "seat %" PRIu32 " is %s, should be %s", seat,
                                 seat_state_text(show_seat_state(show, seat)),
                                 seat_state_text(states[seat]));
        }
    }
    struct show_counts counts = show_count(show);
    struct show_counts expected = model_count(model);
    if (memcmp(&counts, &expected, sizeof counts) != 0) {
        return progress_fail(owner->progress, "seats or bookings are miscounted");
    }
    if (show_next_deadline(show) != model_next_deadline(model)) {
        return progress_fail(owner->progress,
                             "the next deadline is %" PRId64 ", should be %" PRId64,
                             show_next_deadline(show), model_next_deadline(model));
    }
    return owner->progress->step % 4 != 0 || check_invariants(owner);
}

static struct show_request request_of(const struct delivery *delivery) {
    return (struct show_request){.command = &delivery->command,
                                 .payment = delivery->payment,
                                 .pass = delivery->pass,
                                 .queue_number = delivery->command.queue_number};
}

/* The engine's verdict. Sometimes it has no memory: then it refuses and forgets nothing, and is
 * asked again. */
static enum show_verdict ask_engine(struct owner *owner, const struct show_request *request,
                                    struct show_decision *decision, bool *agrees) {
    *agrees = true;
    if (!random_percent(owner->random, 3)) {
        return show_decide(owner->show, request, &owner->time, decision);
    }
    faults_start(random_below(owner->random, FAULTS_ALLOWED_MAX));
    enum show_verdict verdict = show_decide(owner->show, request, &owner->time, decision);
    if (!faults_stop()) {
        return verdict;
    }
    owner->progress->failed_allocations++;
    if (verdict == SHOW_DECIDED && decision->reply.code == REPLY_OVERLOADED) {
        *agrees = !decision->has_change && owner_compare(owner) && check_invariants(owner);
        return show_decide(owner->show, request, &owner->time, decision);
    }
    owner->lookups_exact = false;
    return verdict;
}

/* Looks the booking up, as the worker does: what was decided so far is stored first. */
static bool look_up(struct owner *owner, struct show_request *request) {
    owner->progress->lookups++;
    if (!owner_commit_all(owner)) {
        return false;
    }
    const struct booking *found = store_find(&owner->store, &request->command->booking_id);
    if (found != NULL && booking_is_live(found)) {
        return progress_fail(owner->progress, "a live booking was to be looked up");
    }
    request->lookup = found == NULL ? LOOKUP_NONE : LOOKUP_FOUND;
    request->looked_up = found;
    return true;
}

static bool decide_on_engine(struct owner *owner, const struct delivery *delivery,
                             struct show_decision *decision) {
    struct show_request request = request_of(delivery);
    bool needs_lookup =
        model_needs_lookup(&owner->model, &delivery->command.booking_id, owner->world->ended_limit);
    bool agrees = true;
    enum show_verdict verdict = ask_engine(owner, &request, decision, &agrees);
    if (!agrees) {
        return progress_fail(owner->progress, "a refusal for want of memory changed something");
    }
    if (verdict == SHOW_DECIDED) {
        return !needs_lookup ||
               progress_fail(owner->progress, "decided without looking an ended booking up");
    }
    if (!needs_lookup && owner->lookups_exact) {
        return progress_fail(owner->progress, "a look-up that was not needed");
    }
    if (!look_up(owner, &request)) {
        return false;
    }
    return show_decide(owner->show, &request, &owner->time, decision) == SHOW_DECIDED ||
           progress_fail(owner->progress, "not decided after a look-up");
}

static bool make_room(struct owner *owner) {
    const struct batch *open = owner->open;
    bool full = open->delivery_count == BATCH_COMMANDS_MAX ||
                open->change_count + BATCH_COMMANDS_MAX > ARRAY_LEN(open->changes);
    return !full || owner_commit_all(owner);
}

bool owner_decide(struct owner *owner, const struct delivery *delivery) {
    if (!make_room(owner)) {
        return false;
    }
    struct recent *recent = progress_record(owner->progress, "command", &owner->time);
    recent->command = delivery->command;
    recent->payment = delivery->payment;
    struct show_decision actual = {0};
    struct show_decision expected;
    if (!decide_on_engine(owner, delivery, &actual)) {
        return false;
    }
    struct show_request request = request_of(delivery);
    model_decide(&owner->model, &request, &owner->time, &expected);
    recent->code = actual.reply.code;
    owner->progress->replies[actual.reply.code]++;
    owner->progress->replayed += actual.reply.replayed;
    const char *difference = decision_difference(&expected, &actual);
    if (difference != NULL) {
        return progress_fail(owner->progress, "%s answered with %s, should be %s (differs in %s)",
                             command_kind_text(delivery->command.kind),
                             reply_code_text(actual.reply.code),
                             reply_code_text(expected.reply.code), difference);
    }
    struct batch *open = owner->open;
    open->deliveries[open->delivery_count] = *delivery;
    open->replies[open->delivery_count++] = actual.reply;
    if (actual.has_change) {
        open->changes[open->change_count++] = actual.change;
    }
    return true;
}

bool owner_sweep(struct owner *owner, uint32_t limit) {
    ensure(limit <= BATCH_SWEPT_MAX);
    if (!make_room(owner)) {
        return false;
    }
    progress_record(owner->progress, "sweep", &owner->time);
    struct show_change
        actual[MODEL_SEATS_MAX]; /* more than the limit: room to see it overstepped */
    struct show_change expected[BATCH_SWEPT_MAX];
    size_t expected_count = model_expire(&owner->model, &owner->time, expected, limit);
    bool starved = random_percent(owner->random, 5);
    if (starved) {
        faults_start(0);
    }
    size_t actual_count = show_expire(owner->show, &owner->time, actual, limit);
    if (starved && faults_stop()) {
        owner->progress->failed_allocations++;
        owner->lookups_exact = false;
    }
    if (actual_count != expected_count) {
        return progress_fail(owner->progress, "swept %zu holds, should be %zu", actual_count,
                             expected_count);
    }
    for (size_t i = 0; i < actual_count; i++) {
        const char *difference = change_difference(&expected[i], &actual[i]);
        if (difference != NULL) {
            return progress_fail(owner->progress, "a swept hold differs in %s", difference);
        }
        owner->open->changes[owner->open->change_count++] = actual[i];
    }
    owner->progress->swept += actual_count;
    return true;
}

static void batch_clear(struct batch *batch) {
    batch->delivery_count = 0;
    batch->change_count = 0;
}

static void send_open(struct owner *owner) {
    struct batch *open = owner->open;
    if (open->delivery_count == 0 && open->change_count == 0) {
        return;
    }
    progress_record(owner->progress, "a batch sets out", &owner->time);
    open->epoch = owner->store.epoch;
    open->served_ms = owner->time.served_ms;
    owner->open = owner->sent;
    owner->sent = open;
    owner->in_flight = true;
    model_copy(&owner->sent_model, &owner->model);
}

/* The batch on its way is stored. */
static bool store_sent(struct owner *owner) {
    struct batch *sent = owner->sent;
    const char *refused =
        store_write(&owner->store, sent->epoch, sent->served_ms, sent->changes, sent->change_count);
    if (refused != NULL) {
        return progress_fail(owner->progress, "the store refuses a batch: %s", refused);
    }
    model_copy(&owner->committed, &owner->sent_model);
    const char *difference = store_difference(&owner->store, &owner->committed);
    return difference == NULL ||
           progress_fail(owner->progress, "the store differs in %s", difference);
}

static bool answer_sent(struct owner *owner) {
    struct batch *sent = owner->sent;
    for (uint32_t i = 0; i < sent->delivery_count; i++) {
        const char *broken = store_promise(&owner->store, &sent->replies[i]);
        if (broken != NULL) {
            return progress_fail(owner->progress, "%s", broken);
        }
    }
    owner->in_flight = false;
    batch_clear(sent);
    return true;
}

/* Forgets the show and everything that was not stored, and decides again what was not answered.
 * `in_order`: as it arrived; else shuffled. */
static bool start_over(struct owner *owner, bool in_order) {
    struct delivery again[2 * BATCH_COMMANDS_MAX];
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
    model_copy(&owner->model, &owner->committed);
    if (!show_load(owner)) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t next = in_order ? i : random_between(owner->random, i, count - 1);
        struct delivery delivery = again[next];
        again[next] = again[i];
        if (!owner_decide(owner, &delivery) || !owner_compare(owner)) {
            return false;
        }
    }
    return true;
}

bool owner_commit(struct owner *owner, enum commit_outcome outcome) {
    if (!owner->in_flight) {
        send_open(owner);
        return true;
    }
    switch (outcome) {
    case COMMIT_DONE:
        progress_record(owner->progress, "it is committed", &owner->time);
        owner->progress->commits++;
        return store_sent(owner) && answer_sent(owner);
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

bool owner_commit_all(struct owner *owner) {
    while (owner->in_flight || owner->open->delivery_count > 0 || owner->open->change_count > 0) {
        if (!owner_commit(owner, COMMIT_DONE)) {
            return false;
        }
    }
    return true;
}

bool owner_take_over(struct owner *owner) {
    progress_record(owner->progress, "takeover", &owner->time);
    owner->progress->takeovers++;
    if (owner->in_flight && random_percent(owner->random, 50) && !store_sent(owner)) {
        return false;
    }
    owner->store.epoch++;
    if (owner->in_flight && store_write(&owner->store, owner->sent->epoch, owner->sent->served_ms,
                                        owner->sent->changes, owner->sent->change_count) == NULL) {
        return progress_fail(owner->progress, "a batch of an old epoch is stored");
    }
    owner->time.served_ms = owner->store.served_ms;
    return start_over(owner, false);
}

bool owner_forget(struct owner *owner) {
    progress_record(owner->progress, "forgotten and loaded", &owner->time);
    return owner_commit_all(owner) && start_over(owner, true);
}

static bool settings_equal(const struct show_settings *a, const struct show_settings *b) {
    return a->state == b->state && a->on_sale_us == b->on_sale_us &&
           a->sale_end_us == b->sale_end_us && a->hold_ms == b->hold_ms &&
           a->seats_per_user == b->seats_per_user && a->guests == b->guests &&
           a->price_count == b->price_count &&
           memcmp(a->prices, b->prices, sizeof a->prices) == 0 &&
           strcmp(a->currency, b->currency) == 0;
}

bool owner_change_settings(struct owner *owner, const struct show_settings *settings) {
    if (!owner_commit_all(owner)) {
        return false;
    }
    progress_record(owner->progress, "new settings", &owner->time);
    owner->store.settings = *settings;
    owner->model.settings = *settings;
    owner->committed.settings = *settings;
    show_set_settings(owner->show, settings);
    return settings_equal(show_get_settings(owner->show), settings) ||
           progress_fail(owner->progress, "settings are not taken over");
}
