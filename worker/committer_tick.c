#include "worker/committer_private.h"

#include <stdlib.h>

/* After a failure only one show's ends go into a batch. */
static bool takes_ends(const struct committer *committer, const struct batch *batch) {
    return !batch_is_full(batch) &&
           (!batch_has_expiries(batch) || clock_monotonic_us() >= committer->expire_alone_until_us);
}

/* Ends what is due of a show, unless the batch takes no ends now; true when it was the last. */
static bool end_due(struct committer *committer, struct show_entry *entry,
                    const struct decide_moment *moment) {
    uint64_t epoch = committer->config.partitions->items[entry->partition].epoch;
    struct batch *batch = committer_building(committer);
    if (!takes_ends(committer, batch))
        return false;
    decide_expiry(batch, entry, moment, epoch);
    decide_sweep(batch, entry, moment, epoch);
    shows_settle(committer->shows, entry);
    return entry->deadline.key > moment->time.served_ms;
}

/* Ends what is due in all partitions; `running` says in which of them deadlines run. */
static void sweep_deadlines(struct committer *committer, bool running[PARTITION_COUNT]) {
    for (uint32_t i = 0; i < PARTITION_COUNT; i++) {
        const struct partition *partition = &committer->config.partitions->items[i];
        struct show_entry *entry = shows_first_due(committer->shows, i);
        if (!entry || !partition->owned || !partition->taking)
            continue;
        running[i] = true;
        struct decide_moment moment = committer_moment(committer, i, clock_monotonic_us());
        while (entry && entry->deadline.key <= moment.time.served_ms &&
               end_due(committer, entry, &moment))
            entry = shows_first_due(committer->shows, i);
    }
}

/* Calls who is due at roll calls, and lets rooms admit. */
static void sweep_rooms(struct committer *committer) {
    struct show_entry *next;
    for (struct show_entry *entry = shows_next_room(committer->shows, NULL); entry; entry = next) {
        next = shows_next_room(committer->shows, entry);
        const struct partition *partition = &committer->config.partitions->items[entry->partition];
        if (!partition->owned || !partition->taking)
            continue;
        struct decide_moment moment =
            committer_moment(committer, entry->partition, clock_monotonic_us());
        (void)end_due(committer, entry, &moment);
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
    sweep_deadlines(committer, running);
    sweep_rooms(committer);
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
    if (!shows_has_room(entry))
        return NULL;
    struct room_state *state = malloc(sizeof *state);
    ensure(state);
    struct decide_moment moment =
        committer_moment(committer, entry->partition, clock_monotonic_us());
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
