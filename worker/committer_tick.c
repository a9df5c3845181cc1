#include "worker/committer_private.h"

#include <stdlib.h>

/* It is on, somebody has a turn, or people may still be in it: there is something to do and tell.
 */
static bool has_room(const struct show_entry *entry) {
    return room_get_settings(entry->room)->mode != ROOM_MODE_OFF ||
           room_live_count(entry->room) > 0 || room_get_line(entry->room)->count > 0;
}

/* Ends what is due, and lets rooms admit; `running` says in which partitions deadlines run. After a
 * failure only one show's ends go into a batch. */
static void sweep(struct committer *committer, bool running[PARTITION_COUNT]) {
    bool alone = clock_monotonic_us() < committer->expire_alone_until_us;
    size_t cursor = 0;
    for (struct show_entry *entry; (entry = shows_next(committer->shows, &cursor));) {
        const struct partition *partition = &committer->config.partitions->items[entry->partition];
        int64_t deadline_ms = shows_next_deadline(entry);
        if (!partition->owned || !partition->taking ||
            (deadline_ms == INT64_MAX && !has_room(entry)))
            continue;
        running[entry->partition] |= deadline_ms != INT64_MAX;
        struct decide_moment moment = committer_moment(committer, entry->partition);
        struct batch *batch = committer_building(committer);
        if (!alone || !batch_has_expiries(batch)) {
            decide_expiry(batch, entry, &moment, partition->epoch);
            decide_sweep(batch, entry, &moment, partition->epoch);
        }
        decide_pace(entry, &moment);
    }
}

void committer_on_tick(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    struct committer *committer = context;
    committer_wake(committer);
    if (!committer->shows || !link_session(committer->write) || committer->redo.count > 0 ||
        committer->in_flight_redo != WORK_FIRST_TIME ||
        !database_clock_known(committer->config.clock))
        return;
    bool running[PARTITION_COUNT] = {false};
    sweep(committer, running);
    for (uint32_t i = 0; i < PARTITION_COUNT; i++) {
        struct partition *partition = &committer->config.partitions->items[i];
        if (!running[i])
            continue;
        int64_t served_ms =
            partitions_served_ms(committer->config.partitions, i, clock_monotonic_us());
        if (served_ms - partition->served.stored_ms < 1000)
            continue;
        batch_fence(committer_building(committer), i, partition->epoch);
        batch_add_served(committer_building(committer), i, served_ms);
    }
    committer->config.on_tick(committer->config.context);
}

static struct room_state *describe(const struct committer *committer,
                                   const struct show_entry *entry) {
    if (!has_room(entry))
        return NULL;
    struct room_state *state = malloc(sizeof *state);
    ensure(state);
    struct decide_moment moment = committer_moment(committer, entry->partition);
    decide_describe_room(entry, &moment, state);
    return state;
}

void committer_describe_rooms(const struct committer *committer, struct batch *batch) {
    if (!batch_has_writes(batch))
        return;
    for (size_t i = 0; i < batch_show_count(batch); i++) {
        struct batch_show *item = batch_show_at(batch, i);
        item->room_state = describe(committer, item->entry);
    }
}

const struct room_state *committer_room_state(struct committer *committer,
                                              struct show_entry *entry) {
    if (entry->users > 0)
        return entry->room_state;
    free(entry->room_state);
    entry->room_state = describe(committer, entry);
    return entry->room_state;
}
