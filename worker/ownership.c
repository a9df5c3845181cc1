#include "worker/ownership_private.h"

#include "shared/failpoint.h"
#include "shared/log.h"
#include "shared/wire.h"
#include "worker/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void poll_now(struct ownership *ownership);

void ownership_instance_name(char name[INSTANCE_NAME_SIZE], const struct id128 *installation,
                             uint64_t instance) {
    uint64_t half = 0;
    for (size_t i = 0; i < sizeof half; i++)
        half = half << 8 | installation->bytes[i];
    (void)snprintf(name, INSTANCE_NAME_SIZE, "usher:%016" PRIx64 "/%016" PRIx64, half, instance);
}

uint32_t ownership_count(const struct ownership *ownership) {
    uint32_t count = 0;
    for (size_t i = 0; i < PARTITION_COUNT; i++)
        count += ownership->config.partitions->items[i].owned;
    return count;
}

/* --- what is owned changes here and nowhere else */

void ownership_announce(struct ownership *ownership) {
    struct wire_owners owners = {.instance = ownership->config.instance,
                                 .leaving = ownership->left};
    for (uint32_t i = 0; i < PARTITION_COUNT; i++) {
        const struct partition *partition = partition_at(ownership, i);
        if (partition->owned && partition->taking)
            owners.owners[owners.count++] =
                (struct wire_owner){.partition = i, .epoch = partition->epoch};
    }
    struct wire_buffer buffer = {0};
    char subject[WIRE_SUBJECT_SIZE];
    wire_subject_owners(subject, ownership->config.installation);
    if (wire_owners_encode(&buffer, &owners) == STATUS_OK &&
        bus_publish(ownership->config.bus, subject, buffer.data, buffer.size_bytes) != STATUS_OK)
        log_write(LOG_DEBUG, "announcement-not-sent", "The bus is away; it is announced again.");
    wire_buffer_free(&buffer);
}

static void take(struct ownership *ownership, uint32_t id, uint64_t epoch, int64_t served_ms) {
    struct partition *partition = partition_at(ownership, id);
    ensure(!partition->owned);
    shows_forget_partition(ownership->config.shows, id);
    partition->owned = true;
    partition->taking = true;
    partition->epoch = epoch;
    served_time_start(&partition->served, served_ms, clock_monotonic_us());
}

void ownership_drop(struct ownership *ownership, uint32_t id) {
    partition_at(ownership, id)->owned = false;
    partition_at(ownership, id)->taking = false;
    committer_drop_partition(ownership->config.committer, id);
    shows_forget_partition(ownership->config.shows, id);
}

/* Takes the rows of an UPDATE … RETURNING partition_id, epoch, served_ms. */
void ownership_take_rows(struct ownership *ownership, const PGresult *rows, const char *how) {
    bool taken[PARTITION_COUNT] = {false};
    for (int row = 0; row < PQntuples(rows); row++) {
        uint32_t id = (uint32_t)database_i16(rows, row, 0);
        if (partition_at(ownership, id)->owned)
            continue;
        take(ownership, id, (uint64_t)database_i64(rows, row, 1), database_i64(rows, row, 2));
        taken[id] = true;
    }
    if (PQntuples(rows) == 0)
        return;
    log_write(LOG_INFO, "partitions-taken", "This worker decides for more partitions now.",
              LOG_TEXT("how", how), LOG_I64("count", PQntuples(rows)),
              LOG_U64("owned", ownership_count(ownership)));
    shows_load_busy(ownership->config.shows, taken);
    ownership_announce(ownership);
}

static void stop_taking(struct ownership *ownership, uint32_t id) {
    partition_at(ownership, id)->taking = false;
    committer_drop_partition(ownership->config.committer, id);
}

static void stop_taking_all(struct ownership *ownership) {
    for (uint32_t i = 0; i < PARTITION_COUNT; i++)
        if (partition_at(ownership, i)->owned)
            stop_taking(ownership, i);
}

void ownership_fence_lost(struct ownership *ownership, const bool lost[PARTITION_COUNT]) {
    for (uint32_t i = 0; i < PARTITION_COUNT; i++) {
        if (!lost[i])
            continue;
        log_write(
            LOG_WARNING, "partition-lost",
            "Another worker took a partition over; what this one had decided for it is dropped.",
            LOG_U64("partition", i), LOG_U64("epoch", partition_at(ownership, i)->epoch));
        ownership_drop(ownership, i);
    }
    ownership_announce(ownership);
    poll_now(ownership);
}

/* --- poll */

static bool gives_all_up(const struct ownership *ownership) {
    return ownership->on_left ||
           (!ownership->bus_connected && clock_monotonic_us() - ownership->bus_lost_us >
                                             OWNERSHIP_BUS_PATIENCE_MS * INT64_C(1000));
}

/* Memory follows the database: adopts what is ours there, drops what is not. False when memory
 * can't be mended in place. */
static bool reconcile(struct ownership *ownership, const PGresult *rows, struct share_view *view) {
    bool taken[PARTITION_COUNT] = {false};
    bool any = false;
    for (int row = 0; row < PQntuples(rows); row++) {
        uint32_t id = (uint32_t)database_i16(rows, row, 0);
        uint64_t epoch = (uint64_t)database_i64(rows, row, 1);
        bool owned_by_none = database_is_null(rows, row, 2);
        uint64_t owner = owned_by_none ? 0 : (uint64_t)database_i64(rows, row, 2);
        if (FAILPOINT("ownership.no-lock"))
            owner = ownership->config.instance;
        view->partitions[id].owner = owner;
        view->partitions[id].owner_alive = !owned_by_none && database_bool(rows, row, 3);
        const struct partition *partition = partition_at(ownership, id);
        bool mine = owner == ownership->config.instance;
        if (mine && partition->owned && partition->epoch != epoch)
            return false;
        if (mine && !partition->owned) {
            take(ownership, id, epoch, database_i64(rows, row, 4));
            taken[id] = true;
            any = true;
        } else if (!mine && partition->owned) {
            if (committer_holds_partition(ownership->config.committer, id))
                return false; /* what is decided for it can't be stored any more */
            ownership_drop(ownership, id);
            any = true;
        }
    }
    if (any) {
        shows_load_busy(ownership->config.shows, taken);
        ownership_announce(ownership);
    }
    return true;
}

static void read_workers(const PGresult *rows, struct share_view *view) {
    for (int row = 0; row < PQntuples(rows) && view->worker_count < SHARE_WORKERS_MAX; row++) {
        view->workers[view->worker_count].instance = (uint64_t)database_i64(rows, row, 0);
        view->workers[view->worker_count++].alive_seconds = database_f64(rows, row, 1);
    }
}

static void carry_out(struct ownership *ownership) {
    switch (ownership->plan.step) {
    case SHARE_NOTHING:
        return;
    case SHARE_TAKE_OVER:
        ownership_take_over(ownership);
        return;
    case SHARE_CLAIM:
        ownership_claim(ownership);
        return;
    case SHARE_RELEASE:
        for (uint32_t i = 0; i < PARTITION_COUNT; i++)
            if (ownership->plan.partitions[i])
                stop_taking(ownership, i);
        ownership_next(ownership);
        return;
    }
}

static void on_polled(void *context, const struct database_answer *answer) {
    struct ownership *ownership = context;
    if (!ownership_succeeded(ownership, answer, "poll"))
        return;
    ownership->operation = OP_NONE;
    if (ownership->raising || !ownership->write_up) {
        ownership_next(ownership);
        return;
    }
    struct share_view view = {
        .me = ownership->config.instance,
        .handover_seconds = ownership->config.handover_seconds,
    };
    if (!reconcile(ownership, answer->results[0], &view)) {
        log_write(LOG_ERROR, "epoch-unexpected",
                  "A partition's epoch is not what this worker knows; it begins anew.");
        committer_restart_session(ownership->config.committer);
        return;
    }
    read_workers(answer->results[1], &view);
    if (gives_all_up(ownership)) {
        stop_taking_all(ownership);
        ownership_next(ownership);
    } else if (ownership->bus_connected && ownership->registered) {
        ownership->plan = share_decide(&view);
        carry_out(ownership);
    }
}

static void poll_owners(struct ownership *ownership) {
    ownership->poll_wanted = false;
    struct database_group *group = ownership_begin(ownership, OP_POLL, &store_select_partitions);
    database_group_add(group, &store_select_workers);
    ownership_send_take(ownership, group, on_polled);
}

/* A worker that gives all up is no more counted among those that share the partitions. */
static bool is_to_unregister(const struct ownership *ownership) {
    return gives_all_up(ownership) && !ownership->raising && ownership_count(ownership) == 0 &&
           (ownership->registered || ownership->on_left);
}

void ownership_next(struct ownership *ownership) {
    if (ownership->operation != OP_NONE || !link_session(ownership->admin) || ownership->left)
        return;
    if (!ownership->registered && !gives_all_up(ownership))
        ownership_register(ownership);
    else if (ownership->lost_pid_count > 0)
        ownership_end_lost_session(ownership);
    else if (ownership->raising && ownership->write_up)
        ownership_raise_epochs(ownership);
    else if (!ownership->raising && ownership_release_drained(ownership))
        return;
    else if (is_to_unregister(ownership))
        ownership_unregister(ownership);
    else if (ownership->poll_wanted)
        poll_owners(ownership);
}

static void poll_now(struct ownership *ownership) {
    ownership->poll_wanted = true;
    ownership_next(ownership);
}

static void on_poll_timer(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    poll_now(context);
}

static void on_announce_timer(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    struct ownership *ownership = context;
    int64_t silence_us = clock_monotonic_us() - control_heard_us(ownership->config.control);
    if (silence_us < OWNERSHIP_SILENCE_MS * INT64_C(1000))
        ownership_announce(ownership);
}

static void on_step_timer(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    ownership_step_again(context);
}

/* --- from outside */

static void on_admin_up(void *context) {
    poll_now(context);
}

static void on_admin_down(void *context) {
    struct ownership *ownership = context;
    ownership->operation = OP_NONE;
    ownership->registered = false; /* or not: an answer may be lost */
    event_del(ownership->step);
}

void ownership_write_up(struct ownership *ownership, int backend_pid) {
    ownership->write_up = true;
    ownership->write_pid = backend_pid;
    poll_now(ownership);
}

bool ownership_write_lost(struct ownership *ownership) {
    if (ownership->lost_pid_count == LOST_SESSIONS_MAX)
        return false;
    ownership->write_up = false;
    ownership->raising = true;
    ownership->lost_pids[ownership->lost_pid_count++] = ownership->write_pid;
    committer_abandon(ownership->config.committer);
    for (uint32_t i = 0; i < PARTITION_COUNT; i++)
        ownership_drop(ownership, i);
    ownership_announce(ownership);
    ownership_next(ownership);
    return true;
}

void ownership_batch_done(struct ownership *ownership) {
    ownership_next(ownership);
}

void ownership_bus(struct ownership *ownership, bool connected) {
    ownership->bus_connected = connected;
    if (!connected) {
        ownership->bus_lost_us = clock_monotonic_us();
        return;
    }
    /* What was being given up for the bus's sake and is not gone yet is kept after all. */
    for (uint32_t i = 0; i < PARTITION_COUNT && !ownership->on_left; i++)
        if (partition_at(ownership, i)->owned)
            partition_at(ownership, i)->taking = true;
    ownership_announce(ownership);
    poll_now(ownership);
}

void ownership_heard(struct ownership *ownership, const void *data, size_t size_bytes) {
    struct wire_owners owners;
    if (wire_owners_decode(&owners, data, size_bytes) != STATUS_OK ||
        owners.instance == ownership->config.instance)
        return;
    uint64_t fingerprint = owners.leaving;
    for (uint32_t i = 0; i < owners.count; i++)
        fingerprint = fingerprint * 31 + owners.owners[i].partition * 64 + owners.owners[i].epoch;
    size_t slot = owners.instance % SHARE_WORKERS_MAX;
    if (ownership->heard[slot].instance == owners.instance &&
        ownership->heard[slot].fingerprint == fingerprint)
        return;
    ownership->heard[slot].instance = owners.instance;
    ownership->heard[slot].fingerprint = fingerprint;
    poll_now(ownership);
}

void ownership_leave(struct ownership *ownership, void (*on_left)(void *context), void *context) {
    ownership->on_left = on_left;
    ownership->left_context = context;
    stop_taking_all(ownership);
    ownership_announce(ownership);
    ownership_next(ownership);
}

static bool start_timers(struct ownership *ownership) {
    struct event_base *base = ownership->config.base;
    ownership->poll = event_new(base, -1, EV_PERSIST, on_poll_timer, ownership);
    ownership->announce = event_new(base, -1, EV_PERSIST, on_announce_timer, ownership);
    ownership->step = evtimer_new(base, on_step_timer, ownership);
    const struct timeval poll = {.tv_usec = OWNERSHIP_POLL_MS * 1000};
    const struct timeval announce = {.tv_sec = OWNERSHIP_ANNOUNCE_MS / 1000};
    return ownership->poll && ownership->announce && ownership->step &&
           event_add(ownership->poll, &poll) == 0 && event_add(ownership->announce, &announce) == 0;
}

struct ownership *ownership_create(const struct ownership_config *config) {
    struct ownership *ownership = calloc(1, sizeof *ownership);
    if (!ownership)
        return NULL;
    ownership->config = *config;
    ownership->bus_connected = bus_connected(config->bus);
    ownership->bus_lost_us = clock_monotonic_us();
    const struct link_config admin = {
        .name = "admin",
        .url = config->database_url,
        .application_name = config->application_name,
        .options = STORE_ADMIN_OPTIONS,
        .statements = store_admin_statements,
        .limit_groups = 16,
        .on_up = on_admin_up,
        .on_down = on_admin_down,
        .context = ownership,
    };
    ownership->admin = start_timers(ownership) ? link_create(config->base, &admin) : NULL;
    if (!ownership->admin) {
        ownership_destroy(ownership);
        return NULL;
    }
    return ownership;
}

void ownership_destroy(struct ownership *ownership) {
    if (!ownership)
        return;
    link_destroy(ownership->admin);
    for (uint32_t i = 0; i < PARTITION_COUNT; i++)
        ownership_drop(ownership, i);
    struct event *const timers[] = {ownership->poll, ownership->announce, ownership->step};
    for (size_t i = 0; i < ARRAY_LEN(timers); i++)
        if (timers[i])
            event_free(timers[i]);
    free(ownership);
}
