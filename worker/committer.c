#include "worker/committer_private.h"

#include "shared/failpoint.h"
#include "shared/ids.h"
#include "shared/log.h"
#include "worker/store.h"

#include <stdlib.h>

enum { COMMIT_SMOOTHING = 8 }; /* about so many batches make up how long they take now */

void committer_wake(struct committer *committer) {
    event_active(committer->pump, EV_TIMEOUT, 0);
}

/* A batch that is under way for longer than the last ones took says more than they do. */
struct decide_moment committer_moment(const struct committer *committer, uint32_t partition,
                                      int64_t now_us) {
    int64_t commit_us = committer->commit_us;
    if (committer->flight != FLIGHT_NONE && now_us - committer->sent_us > commit_us)
        commit_us = now_us - committer->sent_us;
    return (struct decide_moment){
        .time = {.now_us = database_clock_at_us(committer->config.clock, now_us),
                 .served_ms =
                     partitions_served_ms(committer->config.partitions, partition, now_us)},
        .commit_ms = (uint32_t)(commit_us / 1000),
    };
}

/* --- deciding */

static bool is_to_redo(const struct work *work, const void *context) {
    (void)context;
    return work->redo != WORK_FIRST_TIME && !work->decided;
}

/* Whatever failed in a batch before is decided apart from the others, wherever it comes back from.
 */
static void take_in(struct committer *committer, struct work_list *works) {
    struct work_list again = {0};
    work_list_split(works, is_to_redo, NULL, &again);
    work_list_append(&committer->redo, &again);
    work_list_sort(&committer->redo);
    work_list_append(&committer->ready, works);
    committer_wake(committer);
}

static void on_looked_up(void *context, struct work_list *works) {
    take_in(context, works);
}

static void batches_finished(struct committer *committer, uint64_t number) {
    committer->finished_number = number;
    lookups_batch_finished(committer->lookups, number);
}

static bool is_still_ours(const struct committer *committer, const struct work *work,
                          int64_t now_us) {
    const struct command *command = &work->command;
    return partitions_take(committer->config.partitions, command->partition, command->epoch) &&
           command->deadline_us > database_clock_at_us(committer->config.clock, now_us);
}

struct batch *committer_building(struct committer *committer) {
    if (!committer->building) {
        committer->building = committer->spare ? committer->spare : batch_create(committer->shows);
        ensure(committer->building);
        committer->spare = NULL;
        committer->newest_number++;
    }
    return committer->building;
}

/* A batch is done with: the next one is built in its place. */
static void recycle(struct committer *committer, struct batch *batch) {
    batch_clear(batch);
    if (committer->spare)
        batch_free(batch);
    else
        committer->spare = batch;
}

/* Whether the show's due holds are expired on the way to a decision. Not while a failed batch is
 * redone: an expiry that the database refuses must not take the commands with it. */
static bool expires_before(const struct committer *committer, const struct work *work,
                           int64_t now_us) {
    return work->redo == WORK_FIRST_TIME && now_us >= committer->expire_alone_until_us;
}

/* Decides the work into the building batch, or parks or drops it. False: the batch is full, the
 * work is still the caller's. */
static bool decide_or_park(struct committer *committer, struct work *work) {
    int64_t now_us = clock_monotonic_us();
    if (!is_still_ours(committer, work, now_us)) {
        work_free(work);
        return true;
    }
    if (work->decided) {
        decide_reply_take(committer_building(committer), work, work->reply.code);
        return true;
    }
    struct show_entry *entry =
        shows_get(committer->shows, work->command.event_id, work->command.partition, now_us);
    if (!entry && shows_are_stuck(committer->shows)) {
        decide_reply_take(committer_building(committer), work, REPLY_OVERLOADED);
        return true;
    }
    if (!entry) {
        work_free(work); /* its sender repeats it */
        return true;
    }
    if (entry->state == SHOW_ENTRY_LOADING) {
        (void)shows_park_take(entry, work);
        return true;
    }
    if (lookups_hold(committer->lookups, work))
        return true;
    struct decide_moment moment = committer_moment(committer, work->command.partition, now_us);
    if (expires_before(committer, work, now_us))
        decide_expiry(committer_building(committer), entry, &moment, work->command.epoch);
    switch (decide_work(committer_building(committer), entry, work, &moment)) {
    case DECIDED:
        return true;
    case DECIDE_NEEDS_LOOKUP:
        lookups_begin_take(committer->lookups, work, committer->newest_number,
                           committer->finished_number);
        return true;
    case DECIDE_BATCH_IS_FULL:
        break;
    }
    return false;
}

static bool is_of_event(const struct work *work, const void *context) {
    return work->command.event_id == *(const uint64_t *)context;
}

/* One show's commands as a batch, or one command. False when it waits for the show. */
static bool build_redo(struct committer *committer) {
    const struct work *first = committer->redo.head;
    uint64_t event_id = first->command.event_id;
    int64_t now_us = clock_monotonic_us();
    if (is_still_ours(committer, first, now_us)) {
        const struct show_entry *entry =
            shows_get(committer->shows, event_id, first->command.partition, now_us);
        if (entry && entry->state == SHOW_ENTRY_LOADING)
            return false; /* committer_show_ready or …_failed wakes us */
    }
    struct work_list chosen = {0};
    committer->in_flight_redo = first->redo;
    if (first->redo == WORK_ALONE)
        work_list_push(&chosen, work_list_pop(&committer->redo));
    else
        work_list_split(&committer->redo, is_of_event, &event_id, &chosen);
    for (struct work *work; (work = work_list_pop(&chosen));)
        if (!decide_or_park(committer, work))
            work_free(work); /* a batch's limit of patches: its sender repeats it */
    return true;
}

/* Nothing is in flight or on its way there. */
static bool is_clear(const struct committer *committer) {
    return committer->flight == FLIGHT_NONE &&
           (!committer->building || batch_is_empty(committer->building));
}

static void build(struct committer *committer) {
    while (committer->redo.count > 0 && is_clear(committer))
        if (!build_redo(committer))
            return;
    if (committer->redo.count > 0)
        return;
    if (is_clear(committer))
        committer->in_flight_redo = WORK_FIRST_TIME;
    else if (committer->in_flight_redo != WORK_FIRST_TIME)
        return; /* nothing is decided ahead of a batch that is being redone */
    while (committer->ready.count > 0 && !batch_is_full(committer_building(committer))) {
        struct work *work = work_list_pop(&committer->ready);
        if (decide_or_park(committer, work))
            continue;
        struct work_list rest = {0};
        work_list_push(&rest, work);
        work_list_append(&rest, &committer->ready);
        committer->ready = rest;
        return;
    }
}

/* --- sending */

static void on_written(void *context, const struct database_answer *answer);

static void store_served(struct committer *committer, struct batch *batch) {
    for (uint32_t i = 0; i < PARTITION_COUNT; i++) {
        struct partition *partition = &committer->config.partitions->items[i];
        if (batch_has_partition(batch, i) && served_time_store_due(&partition->served))
            batch_add_served(batch, i, partition->served.value_us / 1000);
    }
}

static void send_building(struct committer *committer) {
    struct batch *batch = committer->building;
    if (batch_has_writes(batch))
        store_served(committer, batch);
    batch_seal(batch);
    for (size_t i = 0; i < batch_show_count(batch); i++)
        shows_settle(committer->shows, batch_show_at(batch, i)->entry);
    decide_snapshots(batch, committer->shows, feed_instance(committer->config.feed));
    committer_describe_rooms(committer, batch);
    committer->in_flight = batch;
    committer->building = NULL;
    committer->flight = FLIGHT_WRITING;
    committer->sent_us = clock_monotonic_us();
    committer->config.partitions->batch_sent_us = committer->sent_us;
    bool fenced = !FAILPOINT("committer.no-fence");
    enum status status =
        batch_send(batch, link_session(committer->write), fenced, on_written, committer);
    if (status == STATUS_OK)
        return;
    log_write(LOG_ERROR, "batch-not-sent",
              "A batch could not be sent; the write session is opened afresh.",
              LOG_TEXT("reason", status_text(status)));
    committer->flight = FLIGHT_UNKNOWN;
    link_restart(committer->write);
}

static void pump(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    struct committer *committer = context;
    if (!committer->write || !link_session(committer->write))
        return;
    build(committer);
    if (committer->flight != FLIGHT_NONE || !committer->building)
        return;
    if (batch_is_empty(committer->building)) {
        recycle(committer, committer->building);
        committer->building = NULL;
        batches_finished(committer, committer->newest_number);
    } else {
        send_building(committer);
    }
}

/* --- the answers of the database */

static void count_batch(struct committer *committer, struct batch *batch) {
    struct committer_numbers *numbers = &committer->numbers;
    numbers->batches++;
    numbers->commands += batch_commands(batch)->count;
    metrics_record(&numbers->batch_commands, &metrics_counts, batch_commands(batch)->count);
    if (!batch_has_writes(batch))
        return;
    numbers->commits++;
    int64_t took_us = clock_monotonic_us() - committer->sent_us;
    committer->commit_us += (took_us - committer->commit_us) / COMMIT_SMOOTHING;
    metrics_record(&numbers->commit_us, &metrics_seconds, (uint64_t)took_us);
}

/* What is stored now is told. */
static void tell(struct committer *committer, struct batch *batch) {
    for (size_t i = 0; i < batch_show_count(batch); i++) {
        const struct batch_show *item = batch_show_at(batch, i);
        item->entry->committed = item->version;
        feed_add(committer->config.feed, item);
    }
    feed_flush(committer->config.feed);
    committer->config.on_stored(committer->config.context, batch);
    for (size_t i = 0; i < batch_show_count(batch); i++) {
        struct batch_show *item = batch_show_at(batch, i);
        free(item->entry->room_state);
        item->entry->room_state = item->room_state;
        item->room_state = NULL;
    }
}

/* Nothing is under way any more. */
static void end_flight(struct committer *committer) {
    committer->in_flight = NULL;
    committer->flight = FLIGHT_NONE;
    committer->config.partitions->batch_sent_us = 0;
}

static void finish(struct committer *committer) {
    struct batch *batch = committer->in_flight;
    batch_note_stored(batch, committer->config.partitions);
    if (batch_has_writes(batch))
        tell(committer, batch);
    count_batch(committer, batch);
    for (struct work *work; (work = work_list_pop(batch_commands(batch)));) {
        committer->numbers.results[work->command.kind][work->reply.code]++;
        intake_answer(committer->config.intake, work);
        work_free(work);
    }
    intake_flush(committer->config.intake);
    recycle(committer, batch);
    end_flight(committer);
    batches_finished(committer, committer->newest_number - (committer->building != NULL));
    committer_wake(committer);
    committer->config.on_batch_done(committer->config.context);
}

static void settle_poison(struct committer *committer, struct work *work) {
    char request[ID128_TEXT_SIZE];
    log_write(LOG_ERROR, "command-poisoned",
              "The database refuses one command every time; it is answered with an error.",
              LOG_TEXT("request", work->command.trace[0]
                                      ? work->command.trace
                                      : id128_to_text(&work->command.request_id, request)),
              LOG_U64("eventId", work->command.event_id));
    committer->numbers.poisoned++;
    work->decided = true;
    work->reply = (struct reply){.code = REPLY_INTERNAL};
}

/* A batch that is not stored: its shows are forgotten, its commands go back to be decided again.
 * When it `failed` itself, one step more singly than before; see the header. */
static void take_back(struct committer *committer, struct batch *batch, bool failed,
                      struct work_list *again) {
    for (size_t i = 0; i < batch_show_count(batch); i++) {
        struct show_entry *entry = batch_show_at(batch, i)->entry;
        if (entry->state != SHOW_ENTRY_FORGOTTEN)
            shows_forget(committer->shows, entry);
    }
    if (failed && batch_has_expiries(batch))
        committer->expire_alone_until_us =
            clock_monotonic_us() + COMMITTER_EXPIRE_ALONE_MS * INT64_C(1000);
    for (struct work *work; (work = work_list_pop(batch_commands(batch)));) {
        free(work->packed_seats);
        work->packed_seats = NULL;
        work->lookup = LOOKUP_NOT_DONE;
        if (failed && !work->decided) {
            if (work->redo == WORK_ALONE && committer->in_flight_redo == WORK_ALONE)
                settle_poison(committer, work);
            else
                work->redo = work->redo == WORK_FIRST_TIME ? WORK_BY_SHOW : WORK_ALONE;
        }
        work_list_push(again, work);
    }
    recycle(committer, batch);
}

static void on_rolled_back(void *context, const struct database_answer *answer) {
    struct committer *committer = context;
    if (answer->outcome == DATABASE_FAILED)
        link_restart(committer->write);
}

static void roll_back(struct committer *committer) {
    struct database_session *session = link_session(committer->write);
    if (!session)
        return;
    struct database_group *group = database_group_create(session);
    database_group_add(group, &store_rollback);
    if (database_group_send_take(group, on_rolled_back, committer) != STATUS_OK)
        link_restart(committer->write);
}

/* Undoes the batch in flight, which is known not to be stored, and what was decided on top of it.
 */
static void redo(struct committer *committer, bool failed) {
    bool had_writes = batch_has_writes(committer->in_flight);
    struct work_list again = {0};
    struct work_list later = committer->ready;
    take_back(committer, committer->in_flight, failed, &again);
    if (committer->building)
        take_back(committer, committer->building, false, &again);
    end_flight(committer);
    committer->building = NULL;
    committer->numbers.redone += again.count;
    batches_finished(committer, committer->newest_number);
    committer->ready = (struct work_list){0};
    take_in(committer, &again);
    work_list_append(&committer->ready, &later);
    if (had_writes)
        roll_back(committer);
}

/* SQLSTATE classes that tell of the server's state, not of the commands (PostgreSQL manual,
 * appendix A): 53 insufficient resources, 55 object not in prerequisite state (lock timeouts), 57
 * operator intervention, 40 transaction rollback, 25 read-only transaction. */
static bool is_the_servers_trouble(const char *sqlstate) {
    static const char *const classes[] = {"53", "55", "57", "40", "25", "58"};
    for (size_t i = 0; i < ARRAY_LEN(classes); i++)
        if (strncmp(sqlstate, classes[i], 2) == 0)
            return true;
    return false;
}

static void on_committed(void *context, const struct database_answer *answer) {
    struct committer *committer = context;
    if (answer->outcome == DATABASE_LOST)
        return; /* the link's owner hears of it */
    if (answer->outcome == DATABASE_DONE && !answer->warned &&
        strcmp(PQcmdStatus(answer->results[0]), "COMMIT") == 0) {
        finish(committer);
        return;
    }
    log_write(
        LOG_ERROR, "commit-unknown",
        "PostgreSQL did not simply confirm a commit; everything is read again under new epochs.",
        LOG_TEXT("error", answer->error));
    committer->flight = FLIGHT_UNKNOWN;
    link_restart(committer->write);
}

static void commit(struct committer *committer) {
    struct database_group *group = database_group_create(link_session(committer->write));
    database_group_add(group, &store_commit);
    committer->flight = FLIGHT_COMMITTING;
    if (database_group_send_take(group, on_committed, committer) != STATUS_OK) {
        committer->flight = FLIGHT_UNKNOWN;
        link_restart(committer->write);
    }
    (void)FAILPOINT("committer.commit-sent");
}

static void on_written(void *context, const struct database_answer *answer) {
    struct committer *committer = context;
    bool lost[PARTITION_COUNT];
    switch (answer->outcome) {
    case DATABASE_LOST:
        return;
    case DATABASE_FAILED:
        log_write(LOG_ERROR, "batch-failed",
                  "PostgreSQL refused a batch; its commands are decided again.",
                  LOG_TEXT("sqlstate", answer->sqlstate), LOG_TEXT("error", answer->error),
                  LOG_U64("commands", batch_commands(committer->in_flight)->count));
        if (is_the_servers_trouble(answer->sqlstate)) {
            committer->flight = FLIGHT_UNKNOWN;
            link_restart(committer->write);
        } else {
            redo(committer, true);
        }
        return;
    case DATABASE_DONE:
        break;
    }
    switch (batch_check(committer->in_flight, answer, lost)) {
    case BATCH_WRITTEN:
        if (batch_has_writes(committer->in_flight))
            commit(committer);
        else
            finish(committer);
        return;
    case BATCH_FENCED:
        committer->config.on_fence_lost(committer->config.context, lost);
        redo(committer, false);
        return;
    case BATCH_MISMATCH:
        log_write(LOG_ERROR, "batch-mismatch",
                  "The database is not what memory says; the shows are read and the commands "
                  "decided again.",
                  LOG_U64("commands", batch_commands(committer->in_flight)->count));
        redo(committer, true);
        return;
    }
}

/* --- from outside */

void committer_submit_take(struct committer *committer, struct work *work) {
    work_list_push(&committer->ready, work);
    committer_wake(committer);
}

void committer_show_ready(struct committer *committer, struct show_entry *entry) {
    take_in(committer, &entry->parked);
}

void committer_show_failed(struct committer *committer, uint64_t event_id, enum status status,
                           struct work_list *parked) {
    work_list_split(&committer->redo, is_of_event, &event_id, parked);
    committer_wake(committer);
    if (status == STATUS_UNAVAILABLE || status == STATUS_NO_MEMORY)
        return; /* dropped: senders repeat */
    enum reply_code code = status == STATUS_NOT_FOUND ? REPLY_NOT_FOUND : REPLY_INTERNAL;
    for (struct work *work = parked->head; work; work = work->next) {
        work->decided = true;
        work->reply = (struct reply){.code = code};
    }
    take_in(committer, parked);
}

struct committer *committer_create(const struct committer_config *config) {
    struct committer *committer = calloc(1, sizeof *committer);
    if (!committer)
        return NULL;
    committer->config = *config;
    committer->pump = event_new(config->base, -1, 0, pump, committer);
    committer->tick = event_new(config->base, -1, EV_PERSIST, committer_on_tick, committer);
    const struct timeval every = {.tv_usec = COMMITTER_TICK_MS * 1000};
    if (!committer->pump || !committer->tick || event_add(committer->tick, &every) != 0) {
        committer_destroy(committer);
        return NULL;
    }
    return committer;
}

static void restart_lookups(struct committer *committer) {
    lookups_destroy(committer->lookups);
    committer->lookups = NULL;
    if (committer->shows) {
        committer->lookups = lookups_create(committer->shows, on_looked_up, committer);
        ensure(committer->lookups);
    }
}

void committer_set_instance(struct committer *committer, struct link *write, struct shows *shows) {
    ensure(!committer->in_flight && !committer->building);
    batch_free(committer->spare); /* it belongs to the shows of before */
    committer->spare = NULL;
    committer->write = write;
    committer->shows = shows;
    restart_lookups(committer);
}

void committer_abandon(struct committer *committer) {
    batch_free(committer->in_flight);
    batch_free(committer->building);
    batch_free(committer->spare);
    end_flight(committer);
    committer->building = NULL;
    committer->spare = NULL;
    committer->in_flight_redo = WORK_FIRST_TIME;
    committer->finished_number = committer->newest_number;
    work_list_free(&committer->ready);
    work_list_free(&committer->redo);
    restart_lookups(committer);
}

void committer_restart_session(struct committer *committer) {
    link_restart(committer->write);
}

void committer_destroy(struct committer *committer) {
    if (!committer)
        return;
    committer->shows = NULL;
    committer_abandon(committer);
    if (committer->pump)
        event_free(committer->pump);
    if (committer->tick)
        event_free(committer->tick);
    free(committer);
}

static bool is_of_partition(const struct work *work, const void *context) {
    return work->command.partition == *(const uint32_t *)context;
}

void committer_drop_partition(struct committer *committer, uint32_t partition) {
    struct work_list dropped = {0};
    work_list_split(&committer->ready, is_of_partition, &partition, &dropped);
    work_list_split(&committer->redo, is_of_partition, &partition, &dropped);
    work_list_free(&dropped);
}

bool committer_holds_partition(const struct committer *committer, uint32_t partition) {
    return (committer->in_flight && batch_has_partition(committer->in_flight, partition)) ||
           (committer->building && batch_has_partition(committer->building, partition));
}

const struct committer_numbers *committer_numbers(const struct committer *committer) {
    return &committer->numbers;
}
