#include "worker/decide.h"

#include "worker/payments.h"

#include <stdlib.h>

void decide_expiry(struct batch *batch, struct show_entry *entry, const struct show_time *time,
                   uint64_t epoch) {
    struct show_change change;
    while (!batch_is_full(batch) && show_expire(entry->show, time, &change, 1) == 1) {
        batch_fence(batch, entry->partition, epoch);
        batch_add_change(batch, entry, &change, NULL);
    }
}

static void finish(struct batch *batch, struct work *work) {
    work->reply.request_id = work->command.request_id;
    work->reply.partition = work->command.partition;
    work->reply.epoch = work->command.epoch;
    batch_fence(batch, work->command.partition, work->command.epoch);
    work_list_push(batch_commands(batch), work);
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

static enum decide_outcome decide_update(struct batch *batch, struct show_entry *entry,
                                         struct work *work) {
    if (!batch_takes_patches(batch))
        return DECIDE_BATCH_IS_FULL;
    struct event_patch *patch = NULL;
    enum status status = event_patch_read(work->command.patch ? work->command.patch : "", &patch);
    struct show_settings settings = *show_get_settings(entry->show);
    if (status != STATUS_OK || !apply_patch(event_patch_get_settings(patch), &settings)) {
        event_patch_free(patch);
        decide_reply_take(batch, work,
                          status == STATUS_NO_MEMORY ? REPLY_OVERLOADED : REPLY_INVALID);
        return DECIDED;
    }
    show_set_settings(entry->show, &settings);
    batch_add_patch_take(batch, entry, patch);
    decide_reply_take(batch, work, REPLY_OK);
    return DECIDED;
}

static enum decide_outcome decide_booking(struct batch *batch, struct show_entry *entry,
                                          struct work *work, const struct show_time *time) {
    const struct show_request request = {
        .command = &work->command,
        .payment = payments_sandbox(work->command.payment_token),
        .lookup = work->lookup,
        .looked_up = work->lookup == LOOKUP_FOUND ? &work->looked_up : NULL,
    };
    struct show_decision decision;
    if (show_decide(entry->show, &request, time, &decision) == SHOW_NEEDS_LOOKUP)
        return DECIDE_NEEDS_LOOKUP;
    if (decision.has_change)
        batch_add_change(batch, entry, &decision.change, work);
    work->reply = decision.reply;
    finish(batch, work);
    return DECIDED;
}

enum decide_outcome decide_work(struct batch *batch, struct show_entry *entry, struct work *work,
                                const struct show_time *time) {
    switch (work->command.kind) {
    case COMMAND_RESERVE:
    case COMMAND_CONFIRM:
    case COMMAND_CANCEL:
    case COMMAND_TRANSFER:
        return decide_booking(batch, entry, work, time);
    case COMMAND_UPDATE_EVENT:
        return decide_update(batch, entry, work);
    case COMMAND_ROOM_LOOK:
    case COMMAND_ROOM_CLAIM:
    case COMMAND_ROOM_LEAVE:
    case COMMAND_ROOM_ISSUE:
    case COMMAND_ROOM_REPORT:
    case COMMAND_ROOM_MOVE:
    case COMMAND_ROOM_VOUCH:
        decide_reply_take(batch, work, REPLY_INVALID);
        return DECIDED;
    case COMMAND_SNAPSHOT:
        break;
    }
    decide_reply_take(batch, work, REPLY_OK); /* its seats are filled at the seal */
    return DECIDED;
}

void decide_snapshots(struct batch *batch, struct shows *shows, uint64_t instance) {
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
