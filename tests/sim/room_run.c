#include "tests/sim/crowd.h"
#include "tests/sim/room_load.h"
#include "tests/sim/room_owner.h"
#include "tests/sim/run.h"

#include <stdio.h>
#include <stdlib.h>

enum { LATE_REPORTS = 6 };

struct room_run {
    struct random random;
    struct crowd crowd;
    uint32_t late_count;
    struct room_delivery late[LATE_REPORTS]; /* reports on their way: lost, late, doubled */
    uint64_t bookings_made;
    struct room_owner owner;
};

/* --- settings, facts, time */

static void make_settings(struct random *random, int64_t now_us, struct room_settings *settings) {
    memset(settings, 0, sizeof *settings);
    settings->mode =
        random_percent(random, 90) ? ROOM_MODE_OPEN : (enum room_mode)random_below(random, 4);
    settings->open_us = random_percent(random, 10) ? now_us + random_below(random, 20000000) : 0;
    settings->admits_per_minute = random_percent(random, 70) ? random_between(random, 60, 3000)
                                                             : random_between(random, 1, 120);
    settings->max_shoppers =
        random_percent(random, 80) ? random_between(random, 1, 8) : random_between(random, 1, 1000);
    settings->claim_ms = random_between(random, 1000, 30000);
    settings->pass_ms = random_between(random, 1000, 60000);
}

static void make_facts(struct room_run *run) {
    struct random *random = &run->random;
    int64_t now_us = run->owner.time.now_us;
    run->owner.facts = (struct room_facts){
        .sale = {.state = random_percent(random, 92) ? SHOW_OPEN : random_below(random, 5),
                 .sold_out = random_percent(random, 6)},
        .free_seats =
            random_percent(random, 80) ? random_between(random, 1, 300) : random_below(random, 3),
        .commit_ms = random_percent(random, 90) ? 5 : random_below(random, 3000),
    };
    if (random_percent(random, 10)) {
        run->owner.facts.sale.on_sale_us = now_us + random_below(random, 20000000);
    }
    if (random_percent(random, 5)) {
        run->owner.facts.sale.sale_end_us = now_us + random_below(random, 20000000);
    }
}

/* Served time never runs ahead of database time, and stands still now and then. */
static bool pass_time(struct room_run *run) {
    struct random *random = &run->random;
    struct show_time *time = &run->owner.time;
    int64_t deadline_ms = room_next_deadline(run->owner.room);
    int64_t passed_ms =
        random_percent(random, 6) ? random_below(random, 20000) : random_below(random, 1000);
    if (random_percent(random, 8) && deadline_ms != INT64_MAX && deadline_ms > time->served_ms) {
        passed_ms = deadline_ms - time->served_ms; /* to the very instant */
    }
    time->now_us += passed_ms * 1000;
    time->served_ms += random_percent(random, 85) ? passed_ms : passed_ms / 2;
    return room_owner_pace(&run->owner);
}

/* --- the stream */

/* The number of who joins next; 0: nobody can. */
static uint64_t next_number(const struct room_run *run) {
    const struct room_model *committed = &run->owner.committed;
    if (!crowd_is_vouched(&run->crowd, committed)) {
        return 0;
    }
    const struct room_span *span = &committed->vouches[committed->vouch_count - 1].span;
    return span->first_number + (run->crowd.entry_count - (span->first_sequence - 1));
}

/* A gateway asks for numbers of the newest span that it heard of, and answers none of older ones
 * any more. The owner's word reaches it once it is committed, or gets lost. */
static bool attend(struct room_run *run, struct crowd_gateway *gateway) {
    uint32_t spans = run->owner.committed.vouch_count;
    struct room_delivery issue = {.command = {.kind = COMMAND_ROOM_ISSUE,
                                              .event_id = ROOM_EVENT,
                                              .queue_number = next_number(run),
                                              .span = spans - 1,
                                              .answered = gateway->answered,
                                              .gateway = gateway->instance}};
    if (spans == 0) {
        return true;
    }
    gateway->attends = gateway->attends && gateway->attended == spans;
    gateway->attended = spans;
    if (!room_owner_decide(&run->owner, &issue)) {
        return false;
    }
    bool agreed = run->owner.code == REPLY_OK;
    if (random_percent(&run->random, 30)) {
        return true;
    }
    if (!room_owner_commit_all(&run->owner)) {
        return false;
    }
    gateway->attends = gateway->attends || agreed;
    return true;
}

/* A gateway that runs out of numbers asks for more. */
static bool issue(struct room_run *run, struct crowd_gateway *gateway) {
    const struct room_model *committed = &run->owner.committed;
    return next_number(run) == 0 ||
           (next_number(run) + ROOM_ISSUE_AHEAD / 2 < committed->record.issued_to &&
            gateway->attends && gateway->attended == committed->vouch_count) ||
           attend(run, gateway);
}

static bool join(struct room_run *run) {
    struct crowd_gateway *gateway = crowd_gateway(&run->crowd);
    for (uint32_t people = random_between(&run->random, 1, 2); people > 0; people--) {
        run->owner.time.now_us++; /* so that called before and after can be told */
        const char *broken =
            crowd_join(&run->crowd, gateway, &run->owner.committed, run->owner.time.now_us);
        run->owner.progress->joins++;
        if (broken != NULL) {
            return progress_fail(run->owner.progress, "%s", broken);
        }
    }
    if (random_percent(&run->random, 20)) {
        crowd_rejoin(&run->crowd, gateway, &run->owner.committed);
    }
    if (random_percent(&run->random, 20)) {
        crowd_answer_late(&run->crowd, crowd_gateway(&run->crowd), &run->owner.committed);
    }
    return random_percent(&run->random, 20) || issue(run, gateway);
}

/* What the owner does about a stream that it sees. */
static bool look(struct room_run *run) {
    struct room_delivery vouch = {.command = {.kind = COMMAND_ROOM_VOUCH, .event_id = ROOM_EVENT}};
    crowd_names(&run->crowd, vouch.command.server_id, vouch.command.created);
    vouch.command.sequence = run->crowd.entry_count;
    if (!crowd_is_vouched(&run->crowd, &run->owner.model) || random_percent(&run->random, 5)) {
        return room_owner_decide(&run->owner, &vouch);
    }
    room_owner_look(&run->owner, run->crowd.entry_count);
    return true;
}

/* Vouches that a careful owner would not make. */
static bool vouch_foolishly(struct room_run *run) {
    const struct room_model *model = &run->owner.model;
    struct room_delivery vouch = {.command = {.kind = COMMAND_ROOM_VOUCH, .event_id = ROOM_EVENT}};
    if (model->vouch_count == 0) {
        return true;
    }
    if (random_percent(&run->random, 50)) {
        const struct room_vouch *old =
            &model->vouches[random_below(&run->random, model->vouch_count)];
        memcpy(vouch.command.server_id, old->server_id, sizeof old->server_id);
        memcpy(vouch.command.created, old->created, sizeof old->created);
        vouch.command.sequence = random_below(&run->random, 50);
    } else {
        const struct room_vouch *newest = &model->vouches[model->vouch_count - 1];
        memcpy(vouch.command.created, newest->created, sizeof newest->created);
        snprintf(vouch.command.server_id, sizeof vouch.command.server_id, "endless");
        vouch.command.sequence = UINT64_MAX - random_below(&run->random, 2);
    }
    return room_owner_decide(&run->owner, &vouch);
}

/* --- reports */

/* Reads what is in the stream from a number on, as a gateway does: what can't be read there is
 * somebody. Fewer when the stream ends. */
static void read_stream(struct room_run *run, uint64_t from, uint32_t count,
                        struct room_delivery *report) {
    struct command *command = &report->command;
    *command =
        (struct command){.kind = COMMAND_ROOM_REPORT, .event_id = ROOM_EVENT, .queue_number = from};
    crowd_names(&run->crowd, command->server_id, command->created);
    for (uint32_t i = 0; i < count && i < ROOM_READ_MAX; i++) {
        uint64_t sequence = room_model_sequence(&run->owner.model, from + i);
        struct room_arrival arrival = {*crowd_user(&run->crowd), 0};
        if (sequence > run->crowd.entry_count) {
            break;
        }
        if (sequence != 0) {
            arrival = run->crowd.entries[sequence - 1];
        }
        room_arrival_put(&report->arrivals[(size_t)i * ROOM_ARRIVAL_BYTES], &arrival);
        command->arrival_count++;
    }
}

static bool report(struct room_run *run) {
    struct random *random = &run->random;
    struct room_grant grant;
    struct room_delivery report;
    if (random_percent(random, 70)) {
        run->owner.time.now_us += 300000;
        run->owner.time.served_ms += 300;
        if (!room_owner_pace(&run->owner)) {
            return false;
        }
    }
    if (!crowd_is_vouched(&run->crowd, &run->owner.model)) {
        return true; /* the gateway is connected to another run than the grant names */
    }
    if (room_grant(run->owner.room, &grant)) {
        uint32_t count =
            random_percent(random, 70) ? grant.count : random_between(random, 1, grant.count);
        read_stream(run, grant.from_number, count, &report);
    } else {
        read_stream(run, run->owner.model.record.admitted_to + 1, room_allowance(run->owner.room),
                    &report);
    }
    run->late[random_below(random, LATE_REPORTS)] = report;
    run->late_count += run->late_count < LATE_REPORTS;
    return random_percent(random, 20) || room_owner_decide(&run->owner, &report);
}

static bool report_late(struct room_run *run) {
    struct room_delivery *late = &run->late[random_below(&run->random, LATE_REPORTS)];
    return late->command.kind != COMMAND_ROOM_REPORT || room_owner_decide(&run->owner, late);
}

/* Nearly right. */
static bool report_foolishly(struct room_run *run) {
    struct random *random = &run->random;
    struct room_delivery report;
    uint64_t next = run->owner.model.record.admitted_to + 1;
    uint32_t allowance = room_allowance(run->owner.room);
    if (!crowd_is_vouched(&run->crowd, &run->owner.model)) {
        return true;
    }
    switch (random_below(random, 5)) {
    case 0:
        read_stream(run, next + random_between(random, 1, 2), 2, &report);
        break;
    case 1:
        read_stream(run, next - 1, 1, &report);
        break;
    case 2:
        read_stream(run, next, allowance + random_below(random, 2), &report);
        break;
    case 3:
        read_stream(run, next, allowance, &report);
        report.command.server_id[0]++;
        break;
    default:
        read_stream(run, next, allowance, &report);
        report.command.created[0]++;
        break;
    }
    if (random_percent(random, 10)) {
        report.command.arrival_count = 0;
    }
    return report.command.queue_number == 0 || room_owner_decide(&run->owner, &report);
}

/* --- what people ask */

static enum command_kind pick_kind(struct random *random) {
    uint32_t dice = random_below(random, 100);
    return dice < 60   ? COMMAND_ROOM_CLAIM
           : dice < 70 ? COMMAND_ROOM_LOOK
           : dice < 77 ? COMMAND_ROOM_LEAVE
           : dice < 92 ? COMMAND_ROOM_MOVE
                       : COMMAND_ROOM_ISSUE;
}

static struct queue_token *token_of(struct crowd *crowd, uint64_t number) {
    for (uint32_t i = 0; i < crowd->token_count; i++) {
        if (crowd->tokens[i].number == number) {
            return &crowd->tokens[i];
        }
    }
    return NULL;
}

/* Somebody with a turn that goes on, most of the time. */
static void pick_turn(struct room_run *run, struct command *command) {
    const struct room_model *model = &run->owner.model;
    const struct turn *turn = NULL;
    for (uint32_t tries = 0; tries < 12; tries++) {
        turn = &model->turns[random_below(&run->random, model->turn_count)];
        if (!turn_state_is_ended(turn->state)) {
            break;
        }
    }
    command->user = turn->user;
    command->queue_number = turn->number;
}

/* Somebody who was answered a number, mostly one that matters now. */
static void pick_token(struct room_run *run, struct command *command) {
    const struct crowd *crowd = &run->crowd;
    const struct queue_token *token = NULL;
    bool in_gap = random_percent(&run->random, 50);
    for (uint32_t tries = 0; tries < 12; tries++) {
        token = &crowd->tokens[random_below(&run->random, crowd->token_count)];
        if (in_gap ? room_model_in_gap(&run->owner.model, token->number)
                   : token->number > run->owner.model.record.admitted_to) {
            break;
        }
    }
    command->user = token->user;
    command->queue_number = token->number;
}

static void pick_person(struct room_run *run, struct command *command) {
    if (run->owner.model.turn_count > 0 && random_percent(&run->random, 60)) {
        pick_turn(run, command);
    } else if (run->crowd.token_count > 0) {
        pick_token(run, command);
    }
}

static void ask_foolishly(struct room_run *run, struct command *command) {
    struct random *random = &run->random;
    const struct room_record *record = &run->owner.model.record;
    const uint64_t numbers[] = {0,
                                record->issued_to,
                                record->issued_to + 1,
                                record->admitted_to,
                                record->admitted_to + 1,
                                UINT64_MAX - 5,
                                command->queue_number};
    command->queue_number = numbers[random_below(random, ARRAY_LEN(numbers))];
    command->user = *crowd_user(&run->crowd);
    if (command->kind == COMMAND_ROOM_ISSUE && random_percent(random, 30)) {
        command->queue_number = UINT64_MAX - random_below(random, 2 * ROOM_ISSUE_AHEAD);
    }
}

/* Of a gateway that never answers anybody; mostly of a span that is not the newest. */
static void pick_span(struct room_run *run, struct command *command) {
    uint32_t spans = run->owner.model.vouch_count;
    command->answered = run->owner.model.record.admitted_to + random_below(&run->random, 2);
    command->span = spans == 0                         ? 0
                    : random_percent(&run->random, 40) ? spans - 1
                                                       : random_below(&run->random, spans + 1);
}

static bool ask(struct room_run *run) {
    struct random *random = &run->random;
    struct room_delivery delivery = {.command = {.kind = pick_kind(random),
                                                 .event_id = ROOM_EVENT,
                                                 .user = *crowd_user(&run->crowd),
                                                 .new_user = *crowd_user(&run->crowd)}};
    struct command *command = &delivery.command;
    pick_person(run, command);
    if (command->kind == COMMAND_ROOM_ISSUE) {
        pick_span(run, command);
    }
    if (random_percent(random, 12)) {
        ask_foolishly(run, command);
    }
    struct queue_token *token = token_of(&run->crowd, command->queue_number);
    if (token == NULL && command->kind != COMMAND_ROOM_ISSUE &&
        room_model_sequence(&run->owner.model, command->queue_number) != 0) {
        command->kind = COMMAND_ROOM_LOOK; /* nobody has a token of it, but somebody may get one */
    }
    if (token != NULL &&
        (command->kind == COMMAND_ROOM_MOVE || !id128_equal(&token->user, &command->user))) {
        token->moved = true;
    }
    return room_owner_decide(&run->owner, &delivery);
}

/* --- bookings */

static bool reserve(struct room_run *run) {
    struct random *random = &run->random;
    struct command command = {.kind = COMMAND_RESERVE, .event_id = ROOM_EVENT};
    for (uint32_t tries = 0; tries < 4; tries++) {
        pick_person(run, &command);
        const struct turn *turn = room_get_turn(run->owner.room, command.queue_number);
        if (turn != NULL && turn->state == TURN_PASS) {
            break;
        }
    }
    if (random_percent(random, 5)) {
        command.user = *crowd_user(&run->crowd);
    }
    uint64_t id = ++run->bookings_made;
    memcpy(command.booking_id.bytes, &id, sizeof id);
    command.pass = PASS_GOOD;
    if (random_percent(random, 10)) {
        command.pass = random_percent(random, 50) ? PASS_NONE : PASS_BAD;
    }
    return room_owner_reserve(&run->owner, &command);
}

static bool change_hold(struct room_run *run) {
    static const enum booking_status next[] = {BOOKING_CONFIRMED, BOOKING_CANCELLED,
                                               BOOKING_EXPIRED, BOOKING_PENDING};
    const struct room_model *model = &run->owner.model;
    for (uint32_t i = 0; i < model->hold_count; i++) {
        if (model->holds[i].status == BOOKING_PENDING && random_percent(&run->random, 30)) {
            enum booking_status status = next[random_below(&run->random, ARRAY_LEN(next))];
            const struct id128 *user =
                status == BOOKING_PENDING ? crowd_user(&run->crowd) : &model->holds[i].user;
            struct id128 to = *user;
            return room_owner_change_hold(&run->owner, i, status, &to);
        }
    }
    return true;
}

/* --- the sweep */

/* Whoever was answered a number of a gap has had a claim window to show it when the door passes. */
static bool sweep(struct room_run *run) {
    struct room_owner *owner = &run->owner;
    const struct room_model *model = &owner->model;
    uint64_t before = model->record.admitted_to;
    if (!room_owner_sweep(owner)) {
        return false;
    }
    uint64_t passed = model->record.admitted_to;
    if (passed == before) {
        return true;
    }
    uint32_t behind = 0;
    while (behind < model->vouch_count && model->vouches[behind].span.first_number <= passed) {
        behind++;
    }
    while (behind < model->vouch_count &&
           room_model_in_gap(model, model->vouches[behind].span.first_number)) {
        behind++;
    }
    ensure(behind < model->vouch_count);
    if (owner->time.served_ms >=
        model->vouches[behind].vouched_served_ms + model->settings.claim_ms) {
        return true;
    }
    owner->progress->empty_gaps++;
    return crowd_passed(&run->crowd, model, before) == NULL ||
           progress_fail(owner->progress, "a gap is passed in which somebody has a number");
}

/* --- a life */

static enum commit_outcome pick_outcome(struct random *random) {
    uint32_t dice = random_below(random, 100);
    return dice < 90 ? COMMIT_DONE : dice < 95 ? COMMIT_FAILED : COMMIT_UNKNOWN;
}

static bool change_settings(struct room_run *run) {
    struct room_settings settings;
    make_settings(&run->random, run->owner.time.now_us, &settings);
    return room_owner_change_settings(&run->owner, &settings);
}

static bool change_the_world(struct room_run *run) {
    uint32_t dice = random_below(&run->random, 60);
    if (dice < 8) {
        crowd_restart(&run->crowd);
        return true;
    }
    if (dice < 11) {
        crowd_recreate(&run->crowd);
        return true;
    }
    if (dice < 25) {
        return change_settings(run);
    }
    if (dice < 42) {
        make_facts(run);
        return true;
    }
    if (dice < 48) {
        return room_owner_take_over(&run->owner);
    }
    if (dice < 55) {
        crowd_restart_gateway(&run->crowd);
        return true;
    }
    return dice < 57 ? room_owner_forget(&run->owner) : room_broken_store_refused(&run->owner);
}

static bool step(struct room_run *run) {
    uint32_t dice = random_below(&run->random, 1000);
    if (dice < 80) {
        return join(run);
    }
    if (dice < 330) {
        return dice < 110 ? attend(run, crowd_gateway(&run->crowd)) : ask(run);
    }
    if (dice < 480) {
        return report(run);
    }
    if (dice < 510) {
        return report_late(run);
    }
    if (dice < 540) {
        return dice < 535 ? report_foolishly(run) : vouch_foolishly(run);
    }
    if (dice < 640) {
        return dice < 600 ? reserve(run) : change_hold(run);
    }
    if (dice < 770) {
        return pass_time(run);
    }
    if (dice < 810) {
        return sweep(run);
    }
    if (dice < 870) {
        return look(run);
    }
    return dice < 960 ? room_owner_commit(&run->owner, pick_outcome(&run->random))
                      : change_the_world(run);
}

static bool audit(struct room_run *run) {
    const char *broken = room_store_audit(&run->owner.store);
    if (broken == NULL) {
        broken = crowd_audit(&run->crowd, &run->owner.committed);
    }
    return broken == NULL || progress_fail(run->owner.progress, "%s", broken);
}

static bool live(struct room_run *run, struct progress *progress) {
    struct room_settings settings;
    struct random *random = &run->random;
    size_t waiting_limit = random_percent(random, 30) ? random_below(random, 12) : ROOM_WAITING_MAX;
    run->owner.time.now_us = INT64_C(1700000000000000) + random_below(random, 1000000);
    make_settings(random, run->owner.time.now_us, &settings);
    make_facts(run);
    if (!room_owner_start(&run->owner, &settings, waiting_limit, random, progress)) {
        return false;
    }
    for (progress->step = 1; progress->step <= RUN_STEPS; progress->step++) {
        if (!step(run) || !room_owner_compare(&run->owner)) {
            return false;
        }
    }
    return room_owner_forget(&run->owner) && audit(run);
}

bool room_run_seed(uint64_t seed, struct progress *progress) {
    struct room_run *run = calloc(1, sizeof *run);
    ensure(run != NULL);
    run->random.state = seed;
    progress->step = 0;
    progress->recent_count = 0;
    crowd_make(&run->crowd, &run->random);
    bool agreed = live(run, progress);
    room_owner_end(&run->owner);
    free(run);
    return agreed;
}
