#include "worker/decide.h"

#include "worker/payments.h"

#include <stdlib.h>

static struct room_facts facts_of(const struct show *show, const struct decide_moment *moment) {
    const struct show_settings *settings = show_get_settings(show);
    struct show_counts counts = show_count(show);
    return (struct room_facts){
        .sale = {.state = settings->state,
                 .on_sale_us = settings->on_sale_us,
                 .sale_end_us = settings->sale_end_us,
                 .sold_out = counts.seats[SEAT_AVAILABLE] == 0 && counts.seats[SEAT_HELD] == 0},
        .free_seats = counts.seats[SEAT_AVAILABLE],
        .commit_ms = moment->commit_ms,
    };
}

/* `work` as for batch_add_change. */
static void add_change(struct batch *batch, struct show_entry *entry,
                       const struct show_change *change, const struct show_time *time,
                       const struct work *work) {
    struct room_changes follows;
    batch_add_change(batch, entry, change, work);
    room_follow(entry->room, change, time, &follows);
    batch_add_room_changes(batch, entry, &follows, work);
}

void decide_expiry(struct batch *batch, struct show_entry *entry,
                   const struct decide_moment *moment, uint64_t epoch) {
    struct show_change change;
    while (!batch_is_full(batch) && show_expire(entry->show, &moment->time, &change, 1) == 1) {
        batch_fence(batch, entry->partition, epoch);
        add_change(batch, entry, &change, &moment->time, NULL);
    }
}

void decide_sweep(struct batch *batch, struct show_entry *entry, const struct decide_moment *moment,
                  uint64_t epoch) {
    if (batch_is_full(batch))
        return;
    const struct room_facts facts = facts_of(entry->show, moment);
    struct room_changes changes;
    room_sweep(entry->room, &facts, &moment->time, &changes);
    if (changes.count == 0)
        return;
    batch_fence(batch, entry->partition, epoch);
    batch_add_room_changes(batch, entry, &changes, NULL);
}

void decide_pace(struct show_entry *entry, const struct decide_moment *moment) {
    const struct room_facts facts = facts_of(entry->show, moment);
    room_pace(entry->room, &facts, &moment->time);
}

static void finish(struct batch *batch, struct work *work) {
    work->reply.request_id = work->command.request_id;
    work->reply.partition = work->command.partition;
    work->reply.epoch = work->command.epoch;
    batch_fence(batch, work->command.partition, work->command.epoch);
    batch_push_take(batch, work);
}

void decide_reply_take(struct batch *batch, struct work *work, enum reply_code code) {
    work->reply = (struct reply){.code = code};
    finish(batch, work);
}

/* The engine's settings as patched; false when the patch does not fit this show's layout. */
static bool apply_patch(const struct event_patch_settings *patch, struct show_settings *settings) {
    if (patch->has_state)
        settings->state = (enum show_state)patch->state;
    if (patch->has_on_sale)
        settings->on_sale_us = patch->on_sale_us;
    if (patch->has_sale_end)
        settings->sale_end_us = patch->sale_end_us;
    if (patch->has_hold)
        settings->hold_ms = patch->hold_seconds * 1000;
    if (patch->has_seats_per_user)
        settings->seats_per_user = patch->seats_per_user;
    if (patch->has_guests)
        settings->guests = patch->guests;
    if (!patch->has_prices)
        return true;
    if (patch->price_count != settings->price_count)
        return false;
    memcpy(settings->prices, patch->prices, sizeof settings->prices);
    memcpy(settings->currency, patch->currency, sizeof settings->currency);
    return true;
}

static bool apply_room_patch(const struct event_patch *patch, struct room_settings *settings) {
    const char *room = event_patch_room(patch);
    return !room || room_settings_apply(settings, room) == STATUS_OK;
}

static enum decide_outcome decide_update(struct batch *batch, struct show_entry *entry,
                                         struct work *work) {
    if (!batch_takes_patches(batch))
        return DECIDE_BATCH_IS_FULL;
    struct event_patch *patch = NULL;
    enum status status = event_patch_read(work->command.patch ? work->command.patch : "", &patch);
    struct show_settings settings = *show_get_settings(entry->show);
    struct room_settings room = *room_get_settings(entry->room);
    if (status != STATUS_OK || !apply_patch(event_patch_get_settings(patch), &settings) ||
        !apply_room_patch(patch, &room)) {
        event_patch_free(patch);
        decide_reply_take(batch, work,
                          status == STATUS_NO_MEMORY ? REPLY_OVERLOADED : REPLY_INVALID);
        return DECIDED;
    }
    show_set_settings(entry->show, &settings);
    room_set_settings(entry->room, &room);
    batch_add_patch_take(batch, entry, patch);
    decide_reply_take(batch, work, REPLY_OK);
    return DECIDED;
}

static enum decide_outcome decide_booking(struct batch *batch, struct show_entry *entry,
                                          struct work *work, const struct decide_moment *moment) {
    const struct command *command = &work->command;
    struct show_request request = {
        .command = command,
        .payment = payments_sandbox(command->payment_token),
        .lookup = work->lookup,
        .looked_up = work->lookup == LOOKUP_FOUND ? &work->looked_up : NULL,
    };
    if (command->kind == COMMAND_RESERVE && room_get_settings(entry->room)->mode != ROOM_MODE_OFF) {
        const struct room_facts facts = facts_of(entry->show, moment);
        request.pass = room_check_pass(entry->room, command, &facts, &moment->time);
        request.queue_number = command->queue_number;
    }
    struct show_decision decision;
    if (show_decide(entry->show, &request, &moment->time, &decision) == SHOW_NEEDS_LOOKUP)
        return DECIDE_NEEDS_LOOKUP;
    if (decision.has_change)
        add_change(batch, entry, &decision.change, &moment->time, work);
    work->reply = decision.reply;
    finish(batch, work);
    return DECIDED;
}

static enum decide_outcome decide_room(struct batch *batch, struct show_entry *entry,
                                       struct work *work, const struct decide_moment *moment) {
    const struct room_facts facts = facts_of(entry->show, moment);
    struct room_changes changes;
    work->reply = (struct reply){0};
    room_decide(entry->room, &work->command, &facts, &moment->time, &work->reply, &changes);
    batch_add_room_changes(batch, entry, &changes, work);
    finish(batch, work);
    return DECIDED;
}

enum decide_outcome decide_work(struct batch *batch, struct show_entry *entry, struct work *work,
                                const struct decide_moment *moment) {
    switch (work->command.kind) {
    case COMMAND_RESERVE:
    case COMMAND_CONFIRM:
    case COMMAND_CANCEL:
    case COMMAND_TRANSFER:
        return decide_booking(batch, entry, work, moment);
    case COMMAND_UPDATE_EVENT:
        return decide_update(batch, entry, work);
    case COMMAND_ROOM_LOOK:
    case COMMAND_ROOM_CLAIM:
    case COMMAND_ROOM_LEAVE:
    case COMMAND_ROOM_ISSUE:
    case COMMAND_ROOM_REPORT:
    case COMMAND_ROOM_MOVE:
    case COMMAND_ROOM_VOUCH:
        return decide_room(batch, entry, work, moment);
    case COMMAND_SNAPSHOT:
        break;
    }
    decide_reply_take(batch, work, REPLY_OK); /* its seats are filled at the seal */
    return DECIDED;
}

void decide_snapshots(struct batch *batch, struct shows *shows, uint64_t instance) {
    if (!batch_has_snapshots(batch))
        return;
    for (struct work *work = batch_commands(batch)->head; work; work = work->next) {
        if (work->command.kind != COMMAND_SNAPSHOT || work->reply.code != REPLY_OK)
            continue;
        const struct show_entry *entry = shows_find(shows, work->command.event_id);
        uint32_t seat_count = entry && entry->show ? show_seat_count(entry->show) : 0;
        work->packed_seats = seat_count ? malloc(packed_seats_bytes(seat_count)) : NULL;
        if (!work->packed_seats) {
            work->reply.code = REPLY_OVERLOADED;
            continue;
        }
        show_pack_seats(entry->show, work->packed_seats);
        work->reply.instance = instance;
        work->reply.seats_version = entry->version;
        work->reply.packed_seat_count = seat_count;
        work->reply.packed_seats = work->packed_seats;
    }
}

void decide_describe_room(const struct show_entry *entry, const struct decide_moment *moment,
                          struct room_state *state) {
    const struct room_facts facts = facts_of(entry->show, moment);
    room_describe(entry->room, &facts, &moment->time, state);
}
