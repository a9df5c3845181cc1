#include "worker/worker.h"

#include "shared/bus.h"
#include "shared/ids.h"
#include "shared/log.h"
#include "shared/ops_server.h"
#include "shared/wire.h"
#include "worker/backoff.h"
#include "worker/committer.h"
#include "worker/control.h"
#include "worker/ownership.h"
#include "worker/rooms.h"
#include "worker/store.h"

#include <stdio.h>
#include <stdlib.h>

enum { WRITE_GROUPS_MAX = 8, TICK_MS = 1000 };

struct worker {
    struct event_base *base;
    const struct config *config;
    struct ops_server *ops;
    bool failed;
    bool leaving;

    struct link *start; /* reads the installation, once */
    struct id128 installation;
    struct database_clock clock;
    struct partitions partitions;
    struct bus *bus;
    struct intake *intake;
    struct feed *feed;
    struct committer *committer;
    struct rooms *rooms;
    struct event *tick;
    struct event *retry; /* seeks a new instance */
    struct backoff backoff;
    struct event *leave_limit;

    /* The instance; NULL while there is none. */
    uint64_t instance;
    char name[INSTANCE_NAME_SIZE];
    struct control *control;
    struct shows *shows;
    struct link *write;
    unsigned seconds_without_writing;
    struct ownership *ownership;
};

static void seek_instance(struct worker *worker);

/* --- an instance */

static void end_instance(struct worker *worker) {
    if (worker->intake)
        intake_stop(worker->intake);
    link_destroy(worker->write);
    worker->write = NULL;
    worker->seconds_without_writing = 0;
    if (worker->committer)
        committer_abandon(worker->committer);
    ownership_destroy(worker->ownership);
    worker->ownership = NULL;
    if (worker->rooms)
        rooms_set_instance(worker->rooms, 0, NULL);
    shows_destroy(worker->shows);
    worker->shows = NULL;
    if (worker->committer)
        committer_set_instance(worker->committer, NULL, NULL);
    control_destroy(worker->control);
    worker->control = NULL;
}

static void seek_later(struct worker *worker) {
    const struct timeval wait = backoff_next(&worker->backoff);
    if (!worker->leaving)
        ensure(event_add(worker->retry, &wait) == 0);
}

static void on_control_lost(void *context) {
    struct worker *worker = context;
    end_instance(worker);
    if (worker->leaving)
        event_base_loopexit(worker->base, NULL);
    seek_later(worker);
}

static void on_write_up(void *context) {
    struct worker *worker = context;
    ownership_write_up(worker->ownership,
                       database_session_backend_pid(link_session(worker->write)));
}

static void on_write_down(void *context) {
    struct worker *worker = context;
    if (!ownership_write_lost(worker->ownership))
        on_control_lost(worker);
}

static void on_fence_lost(void *context, const bool lost[PARTITION_COUNT]) {
    struct worker *worker = context;
    ownership_fence_lost(worker->ownership, lost);
}

static void on_stored(void *context, struct batch *batch) {
    struct worker *worker = context;
    rooms_stored(worker->rooms, batch);
}

static void on_committer_tick(void *context) {
    struct worker *worker = context;
    rooms_grant(worker->rooms);
}

static void on_show_ready(void *context, struct show_entry *entry) {
    struct worker *worker = context;
    committer_show_ready(worker->committer, entry);
    rooms_show_ready(worker->rooms, entry);
}

static void on_show_failed(void *context, uint64_t event_id, enum status status,
                           struct work_list *parked) {
    struct worker *worker = context;
    committer_show_failed(worker->committer, event_id, status, parked);
}

static void on_batch_done(void *context) {
    struct worker *worker = context;
    ownership_batch_done(worker->ownership);
}

static bool open_instance(struct worker *worker) {
    const struct shows_config shows = {
        .base = worker->base,
        .database_url = worker->config->database_url,
        .application_name = worker->name,
        .partitions = &worker->partitions,
        .clock = &worker->clock,
        .idle_us = worker->config->idle_show_seconds * INT64_C(1000000),
        .limit_bytes = (size_t)worker->config->show_memory_mb << 20,
        .on_ready = on_show_ready,
        .on_failed = on_show_failed,
        .context = worker,
    };
    worker->shows = shows_create(&shows);
    if (!worker->shows)
        return false;
    const struct ownership_config ownership = {
        .base = worker->base,
        .bus = worker->bus,
        .installation = &worker->installation,
        .database_url = worker->config->database_url,
        .application_name = worker->name,
        .process = worker->config->process,
        .instance = worker->instance,
        .handover_seconds = (double)worker->config->handover_seconds,
        .control = worker->control,
        .partitions = &worker->partitions,
        .shows = worker->shows,
        .committer = worker->committer,
    };
    worker->ownership = ownership_create(&ownership);
    const struct link_config write = {
        .name = "write",
        .url = worker->config->database_url,
        .application_name = worker->name,
        .options = STORE_WRITE_OPTIONS,
        .statements = store_write_statements,
        .limit_groups = WRITE_GROUPS_MAX,
        .on_up = on_write_up,
        .on_down = on_write_down,
        .context = worker,
    };
    worker->write = worker->ownership ? link_create(worker->base, &write) : NULL;
    return worker->write && intake_listen(worker->intake, worker->instance) == STATUS_OK;
}

static void on_control_alive(void *context) {
    struct worker *worker = context;
    log_write(LOG_INFO, "worker-alive", "This worker holds its lock; it may own partitions now.",
              LOG_U64("instance", worker->instance));
    if (!open_instance(worker)) {
        log_write(LOG_ERROR, "worker-not-opened",
                  "This worker could not open its sessions; it begins anew.");
        end_instance(worker);
        seek_later(worker);
        return;
    }
    worker->backoff = (struct backoff){0};
    committer_set_instance(worker->committer, worker->write, worker->shows);
    feed_set_instance(worker->feed, worker->instance);
    rooms_set_instance(worker->rooms, worker->instance, worker->shows);
}

static void seek_instance(struct worker *worker) {
    struct id128 dice = id128_random();
    memcpy(&worker->instance, dice.bytes, sizeof worker->instance);
    worker->instance = (worker->instance & INT64_MAX) | 1;
    ownership_instance_name(worker->name, &worker->installation, worker->instance);
    const struct control_config control = {
        .base = worker->base,
        .database_url = worker->config->database_url,
        .application_name = worker->name,
        .instance = worker->instance,
        .clock = &worker->clock,
        .on_alive = on_control_alive,
        .on_lost = on_control_lost,
        .context = worker,
    };
    worker->control = control_create(&control);
    if (!worker->control)
        seek_later(worker);
}

static void on_retry(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    seek_instance(context);
}

/* --- the bus */

static void on_bus_state(void *context, bool connected) {
    struct worker *worker = context;
    log_write(connected ? LOG_INFO : LOG_WARNING, connected ? "bus-up" : "bus-down",
              connected ? "NATS is connected."
                        : "NATS is away: nothing is sold by this worker, and nobody's time runs.");
    worker->partitions.serving = connected;
    if (worker->ownership)
        ownership_bus(worker->ownership, connected);
    if (worker->rooms)
        rooms_bus_state(worker->rooms, connected);
}

static void on_ask_owners(void *context, const char *subject, const uint8_t *data,
                          size_t size_bytes) {
    struct worker *worker = context;
    (void)subject;
    if (worker->ownership && wire_ask_owners_decode(data, size_bytes) == STATUS_OK)
        ownership_announce(worker->ownership);
}

static void on_owners(void *context, const char *subject, const uint8_t *data, size_t size_bytes) {
    struct worker *worker = context;
    (void)subject;
    if (worker->ownership)
        ownership_heard(worker->ownership, data, size_bytes);
}

static void on_work_take(void *context, struct work *work) {
    struct worker *worker = context;
    committer_submit_take(worker->committer, work);
}

static bool open_bus(struct worker *worker) {
    worker->bus = bus_create(worker->base, worker->config->nats_url, worker->config->process,
                             on_bus_state, worker);
    if (!worker->bus)
        return false;
    char owners[WIRE_SUBJECT_SIZE];
    char ask_owners[WIRE_SUBJECT_SIZE];
    wire_subject_owners(owners, &worker->installation);
    wire_subject_ask_owners(ask_owners, &worker->installation);
    return bus_subscribe(worker->bus, owners, on_owners, worker) == STATUS_OK &&
           bus_subscribe(worker->bus, ask_owners, on_ask_owners, worker) == STATUS_OK;
}

static bool open_rooms(struct worker *worker) {
    const struct rooms_config rooms = {
        .base = worker->base,
        .bus = worker->bus,
        .installation = &worker->installation,
        .partitions = &worker->partitions,
        .clock = &worker->clock,
        .intake = worker->intake,
        .committer = worker->committer,
        .replicas = (uint32_t)worker->config->queue_replicas,
    };
    worker->rooms = rooms_create(&rooms);
    return worker->rooms;
}

static bool open_parts(struct worker *worker) {
    if (!open_bus(worker))
        return false;
    const struct intake_config intake = {
        .bus = worker->bus,
        .installation = &worker->installation,
        .partitions = &worker->partitions,
        .clock = &worker->clock,
        .on_work_take = on_work_take,
        .context = worker,
    };
    worker->intake = intake_create(&intake);
    worker->feed = feed_create(worker->bus, &worker->installation, &worker->partitions);
    if (!worker->intake || !worker->feed)
        return false;
    const struct committer_config committer = {
        .base = worker->base,
        .partitions = &worker->partitions,
        .clock = &worker->clock,
        .intake = worker->intake,
        .feed = worker->feed,
        .on_fence_lost = on_fence_lost,
        .on_stored = on_stored,
        .on_batch_done = on_batch_done,
        .on_tick = on_committer_tick,
        .context = worker,
    };
    worker->committer = committer_create(&committer);
    return worker->committer && open_rooms(worker);
}

/* --- starting */

static void fail(struct worker *worker, const char *why) {
    log_write(LOG_ERROR, "worker-failed", "This worker can't work and ends.",
              LOG_TEXT("reason", why));
    worker->failed = true;
    event_base_loopexit(worker->base, NULL);
}

static void on_installation(void *context, const struct database_answer *answer) {
    struct worker *worker = context;
    if (answer->outcome == DATABASE_LOST)
        return; /* the link comes back and asks again */
    if (answer->outcome == DATABASE_FAILED || PQntuples(answer->results[0]) != 1) {
        fail(worker, "the database has no installation record: run usherctl migrate");
        return;
    }
    const PGresult *row = answer->results[0];
    if (database_i32(row, 0, 1) != PARTITION_COUNT ||
        strcmp(database_text(row, 0, 2), PARTITION_HASH) != 0) {
        fail(worker, "the database was installed with another partition count or hash function");
        return;
    }
    worker->installation = database_uuid(row, 0, 0);
    if (!open_parts(worker)) {
        fail(worker, "out of memory, or NATS's URL is unusable");
        return;
    }
    seek_instance(worker);
}

static void on_start_up(void *context) {
    struct worker *worker = context;
    if (worker->committer)
        return;
    struct database_group *group = database_group_create(link_session(worker->start));
    database_group_add(group, &store_select_installation);
    if (database_group_send_take(group, on_installation, worker) != STATUS_OK)
        link_restart(worker->start);
}

static void on_start_down(void *context) {
    (void)context;
}

/* Alive and unable to write, a worker would keep partitions that nobody can take from it. */
static void give_up_without_writing(struct worker *worker) {
    if (link_session(worker->write)) {
        worker->seconds_without_writing = 0;
    } else if (++worker->seconds_without_writing >= WORKER_WRITE_PATIENCE_S) {
        log_write(LOG_ERROR, "worker-cannot-write",
                  "This worker is alive and can't open its write session; it begins anew.");
        on_control_lost(worker);
    }
}

static void on_tick(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    struct worker *worker = context;
    if (worker->committer && worker->start) {
        link_destroy(worker->start); /* has done its duty */
        worker->start = NULL;
    }
    if (worker->intake)
        intake_tick(worker->intake);
    if (!worker->shows)
        return;
    feed_announce_versions(worker->feed, worker->shows);
    rooms_announce(worker->rooms);
    shows_tick(worker->shows, clock_monotonic_us());
    give_up_without_writing(worker);
}

static int write_ready(void *context, char *text, size_t size_bytes) {
    const struct worker *worker = context;
    uint32_t owned = worker->ownership ? ownership_count(worker->ownership) : 0;
    bool bus = worker->bus && bus_connected(worker->bus);
    bool ready = worker->ownership && bus;
    static const struct committer_numbers none;
    const struct committer_numbers *numbers =
        worker->committer ? committer_numbers(worker->committer) : &none;
    (void)snprintf(
        text, size_bytes,
        "{\"ready\":%s,\"database\":\"%s\",\"bus\":\"%s\",\"partitions\":%u,\"shows\":%zu,"
        "\"underWay\":%zu,\"batches\":%llu,\"commits\":%llu,\"commands\":%llu,\"redone\":%llu,"
        "\"poisoned\":%llu}\n",
        ready ? "true" : "false", worker->ownership ? "up" : "down", bus ? "up" : "down", owned,
        worker->shows ? shows_count(worker->shows) : 0,
        worker->intake ? intake_under_way(worker->intake) : 0, (unsigned long long)numbers->batches,
        (unsigned long long)numbers->commits, (unsigned long long)numbers->commands,
        (unsigned long long)numbers->redone, (unsigned long long)numbers->poisoned);
    return ready ? 200 : 503;
}

static int write_metrics(void *context, char *text, size_t size_bytes) {
    static const struct committer_numbers none;
    const struct worker *worker = context;
    struct worker_numbers numbers = {
        .committer = worker->committer ? committer_numbers(worker->committer) : &none,
        .partitions_owned = worker->ownership ? ownership_count(worker->ownership) : 0,
        .under_way = worker->intake ? intake_under_way(worker->intake) : 0,
        .alive = worker->ownership != NULL,
        .writing = worker->write && link_session(worker->write),
        .bus_up = worker->bus && bus_connected(worker->bus),
        .bus_dropped = worker->bus ? bus_dropped(worker->bus) : 0,
    };
    size_t cursor = 0;
    for (struct show_entry *entry; worker->shows && (entry = shows_next(worker->shows, &cursor));) {
        numbers.shows++;
        numbers.show_bytes += entry->size_bytes;
        numbers.open_holds += show_count(entry->show).open_holds;
    }
    if (worker->rooms)
        rooms_count(worker->rooms, &numbers.rooms);
    return numbers_write(&numbers, text, size_bytes);
}

struct worker *worker_create(struct event_base *base, const struct config *config) {
    struct worker *worker = calloc(1, sizeof *worker);
    if (!worker)
        return NULL;
    worker->base = base;
    worker->config = config;
    worker->ops =
        ops_server_create(base, (uint16_t)config->ops_port, write_ready, write_metrics, worker);
    worker->tick = event_new(base, -1, EV_PERSIST, on_tick, worker);
    worker->retry = evtimer_new(base, on_retry, worker);
    const struct timeval every = {.tv_sec = TICK_MS / 1000};
    static const struct database_statement *const statements[] = {&store_select_installation, NULL};
    const struct link_config start = {
        .name = "start",
        .url = config->database_url,
        .application_name = "usher-worker-start",
        .statements = statements,
        .limit_groups = 1,
        .on_up = on_start_up,
        .on_down = on_start_down,
        .context = worker,
    };
    if (worker->ops && worker->tick && worker->retry && event_add(worker->tick, &every) == 0)
        worker->start = link_create(base, &start);
    if (!worker->start) {
        worker_destroy(worker);
        return NULL;
    }
    return worker;
}

static void on_left(void *context) {
    struct worker *worker = context;
    log_write(LOG_INFO, "worker-left", "All partitions are handed over; this worker ends.");
    event_base_loopexit(worker->base, NULL);
}

static void on_leave_limit(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    struct worker *worker = context;
    log_write(
        LOG_WARNING, "worker-left-late",
        "Not everything could be handed over in time; others take it over as from a dead worker.");
    event_base_loopexit(worker->base, NULL);
}

void worker_leave(struct worker *worker) {
    if (worker->leaving)
        return;
    worker->leaving = true;
    log_write(LOG_INFO, "worker-leaving",
              "This worker was asked to end; it drains and hands over.");
    if (!worker->ownership) {
        event_base_loopexit(worker->base, NULL);
        return;
    }
    const struct timeval limit = {.tv_sec = WORKER_LEAVE_LIMIT_MS / 1000};
    worker->leave_limit = evtimer_new(worker->base, on_leave_limit, worker);
    if (!worker->leave_limit || event_add(worker->leave_limit, &limit) != 0)
        event_base_loopexit(worker->base, NULL);
    ownership_leave(worker->ownership, on_left, worker);
}

void worker_destroy(struct worker *worker) {
    if (!worker)
        return;
    end_instance(worker);
    link_destroy(worker->start);
    rooms_destroy(worker->rooms);
    committer_destroy(worker->committer);
    feed_destroy(worker->feed);
    intake_destroy(worker->intake);
    bus_destroy(worker->bus);
    struct event *const timers[] = {worker->tick, worker->retry, worker->leave_limit};
    for (size_t i = 0; i < ARRAY_LEN(timers); i++)
        if (timers[i])
            event_free(timers[i]);
    ops_server_destroy(worker->ops);
    free(worker);
}

bool worker_failed(const struct worker *worker) {
    return worker->failed;
}
