#include "worker/shows.h"

#include "shared/failpoint.h"
#include "shared/id_map.h"
#include "shared/log.h"
#include "worker/link.h"
#include "worker/show_load.h"
#include "worker/store.h"

#include <stdlib.h>

TAILQ_HEAD(load_queue, show_entry);

struct shows {
    struct shows_config config;
    struct link *link;
    struct id_map *entries;
    uint64_t next_serial;
    TAILQ_HEAD(use_list, show_entry) by_use; /* the longest unused first */
    TAILQ_HEAD(partition_list, show_entry) by_partition[PARTITION_COUNT];
    struct heap *deadlines[PARTITION_COUNT]; /* in served time of the partition */
    TAILQ_HEAD(room_list, show_entry) with_rooms;
    struct load_queue wanted;  /* LOADING and not asked for yet: for commands */
    struct load_queue waiting; /* … because they are busy */
    uint32_t loads_in_flight;
    uint32_t busy_asked; /* queries for busy shows in flight */
    bool busy_wanted[PARTITION_COUNT];
    int64_t swept_us;
    size_t size_bytes; /* of all shows, as settled */
    bool stuck;        /* a limit is reached, and the last tick could not make place */
};

/* What a query in flight carries; freed by its answer. The entry may have been forgotten meanwhile
 * and another one of the same event be there, which must not be filled from this older snapshot:
 * hence the serial. */
struct load {
    struct shows *shows;
    uint64_t event_id;
    uint64_t serial;
};

struct lookup {
    shows_lookup_handler *on_answer;
    void *context;
};

enum { LOAD_GROUPS_MAX = 4096 };

static void start_loads(struct shows *shows);

static void entry_free(struct show_entry *entry) {
    ensure(entry->users == 0);
    show_destroy(entry->show);
    room_destroy(entry->room);
    free(entry->room_state);
    work_list_free(&entry->parked);
    free(entry);
}

static struct show_entry *find(const struct shows *shows, uint64_t event_id) {
    struct id128 key = id128_of_u64(event_id);
    return id_map_get(shows->entries, &key);
}

static void unqueue_load(struct shows *shows, struct show_entry *entry) {
    if (!entry->load_waits)
        return;
    TAILQ_REMOVE(entry->wanted ? &shows->wanted : &shows->waiting, entry, load_link);
    entry->load_waits = false;
}

static void queue_load(struct shows *shows, struct show_entry *entry) {
    TAILQ_INSERT_TAIL(entry->wanted ? &shows->wanted : &shows->waiting, entry, load_link);
    entry->load_waits = true;
}

static int64_t next_deadline(const struct show_entry *entry) {
    int64_t hold_ms = show_next_deadline(entry->show);
    int64_t turn_ms = room_next_deadline(entry->room);
    return hold_ms < turn_ms ? hold_ms : turn_ms;
}

static size_t size_of(const struct show_entry *entry) {
    return show_size_bytes(entry->show) + room_size_bytes(entry->room) +
           (entry->room_state ? sizeof *entry->room_state : 0);
}

bool shows_has_room(const struct show_entry *entry) {
    return room_get_settings(entry->room)->mode != ROOM_MODE_OFF ||
           room_live_count(entry->room) > 0 || room_get_line(entry->room)->count > 0;
}

/* Notes these of a show. */
static void note(struct shows *shows, struct show_entry *entry, int64_t deadline_ms, bool has_room,
                 size_t size_bytes) {
    struct heap *deadlines = shows->deadlines[entry->partition];
    if (entry->deadline.key != deadline_ms) {
        if (entry->deadline.key != INT64_MAX)
            heap_remove(deadlines, &entry->deadline);
        entry->deadline.key = deadline_ms;
        if (deadline_ms != INT64_MAX) {
            ensure(heap_make_room(deadlines, 1) == STATUS_OK);
            heap_add(deadlines, &entry->deadline);
        }
    }
    if (entry->is_with_rooms != has_room) {
        if (has_room)
            TAILQ_INSERT_TAIL(&shows->with_rooms, entry, room_link);
        else
            TAILQ_REMOVE(&shows->with_rooms, entry, room_link);
        entry->is_with_rooms = has_room;
    }
    shows->size_bytes += size_bytes - entry->size_bytes;
    entry->size_bytes = size_bytes;
}

void shows_settle(struct shows *shows, struct show_entry *entry) {
    if (entry->state == SHOW_ENTRY_READY)
        note(shows, entry, next_deadline(entry), shows_has_room(entry), size_of(entry));
}

struct show_entry *shows_first_due(const struct shows *shows, uint32_t partition) {
    return (struct show_entry *)heap_first(shows->deadlines[partition]);
}

struct show_entry *shows_next_room(const struct shows *shows, const struct show_entry *entry) {
    return entry ? TAILQ_NEXT(entry, room_link) : TAILQ_FIRST(&shows->with_rooms);
}

static void detach(struct shows *shows, struct show_entry *entry) {
    struct id128 key = id128_of_u64(entry->event_id);
    ensure(id_map_remove(shows->entries, &key) == entry);
    TAILQ_REMOVE(&shows->by_use, entry, use_link);
    TAILQ_REMOVE(&shows->by_partition[entry->partition], entry, partition_link);
    unqueue_load(shows, entry);
    note(shows, entry, INT64_MAX, false, 0);
}

static void fail_entry(struct shows *shows, struct show_entry *entry, enum status status) {
    uint64_t event_id = entry->event_id;
    struct work_list parked = entry->parked;
    entry->parked = (struct work_list){0};
    detach(shows, entry);
    entry_free(entry);
    if (status != STATUS_NOT_FOUND)
        log_write(
            LOG_ERROR, "show-not-loaded",
            "A show could not be loaded; its bookings are answered with an error until it can be.",
            LOG_U64("eventId", event_id), LOG_TEXT("reason", status_text(status)));
    shows->config.on_failed(shows->config.context, event_id, status, &parked);
    work_list_free(&parked);
}

static void finish_load(struct shows *shows, struct show_entry *entry,
                        const struct database_answer *answer) {
    if (answer->outcome == DATABASE_LOST) {
        queue_load(shows, entry);
        return;
    }
    enum status status = STATUS_UNAVAILABLE;
    struct loaded_show loaded;
    if (answer->outcome == DATABASE_DONE)
        status = show_load_read(answer, entry->event_id, &loaded);
    else
        log_write(LOG_ERROR, "load-refused", "PostgreSQL refused to load a show.",
                  LOG_U64("eventId", entry->event_id), LOG_TEXT("error", answer->error));
    if (status != STATUS_OK) {
        fail_entry(shows, entry, status);
        return;
    }
    entry->state = SHOW_ENTRY_READY;
    entry->show = loaded.show;
    entry->version = loaded.seats_version;
    entry->committed = loaded.seats_version;
    entry->room = loaded.room;
    entry->room_is_stored = loaded.room_is_stored;
    shows_settle(shows, entry);
    shows->config.on_ready(shows->config.context, entry);
}

static void on_loaded(void *context, const struct database_answer *answer) {
    struct load load = *(struct load *)context;
    free(context);
    struct shows *shows = load.shows;
    shows->loads_in_flight--;
    struct show_entry *entry = find(shows, load.event_id);
    if (entry && entry->serial == load.serial)
        finish_load(shows, entry, answer);
    if (answer->outcome == DATABASE_FAILED)
        link_restart(shows->link); /* the snapshot's transaction is open and broken: start afresh */
    else
        start_loads(shows);
}

static bool send_load(struct shows *shows, struct show_entry *entry) {
    struct database_session *session = link_session(shows->link);
    struct load *load = malloc(sizeof *load);
    if (!session || !load) {
        free(load);
        return false;
    }
    *load = (struct load){.shows = shows, .event_id = entry->event_id, .serial = entry->serial};
    if (show_load_send(session, entry->event_id, on_loaded, load) != STATUS_OK) {
        free(load);
        return false;
    }
    shows->loads_in_flight++;
    (void)FAILPOINT("shows.loading");
    return true;
}

static bool memory_is_used_up(const struct shows *shows) {
    return shows->size_bytes >= shows->config.limit_bytes;
}

static bool is_full(const struct shows *shows) {
    return id_map_count(shows->entries) >= SHOWS_MAX || memory_is_used_up(shows);
}

/* How large a show is, is known once it is there: those that were queued while there was memory may
 * not fit any more, and are dropped as if asked for now. */
static void start_loads(struct shows *shows) {
    while (shows->loads_in_flight < SHOWS_LOADS_AT_ONCE) {
        struct show_entry *entry = TAILQ_FIRST(&shows->wanted);
        if (!entry)
            entry = TAILQ_FIRST(&shows->waiting);
        if (!entry)
            return;
        if (memory_is_used_up(shows)) {
            shows_forget(shows, entry);
            continue;
        }
        if (!send_load(shows, entry))
            return; /* the link comes back, or the next tick, and starts them again */
        unqueue_load(shows, entry);
    }
}

static struct show_entry *begin_load(struct shows *shows, uint64_t event_id, uint32_t partition,
                                     bool wanted) {
    struct show_entry *entry = is_full(shows) ? NULL : calloc(1, sizeof *entry);
    if (!entry)
        return NULL;
    *entry = (struct show_entry){
        .state = SHOW_ENTRY_LOADING,
        .event_id = event_id,
        .partition = partition,
        .used_us = clock_monotonic_us(),
        .serial = ++shows->next_serial,
        .wanted = wanted,
        .deadline = {.key = INT64_MAX, .id = id128_of_u64(event_id)},
    };
    struct id128 key = id128_of_u64(event_id);
    if (id_map_put(shows->entries, &key, entry) != STATUS_OK) {
        free(entry);
        return NULL;
    }
    TAILQ_INSERT_TAIL(&shows->by_use, entry, use_link);
    TAILQ_INSERT_TAIL(&shows->by_partition[partition], entry, partition_link);
    queue_load(shows, entry);
    start_loads(shows);
    return entry;
}

static void load_busy(struct shows *shows, const PGresult *rows) {
    uint64_t refused = 0;
    for (int row = 0; row < PQntuples(rows); row++) {
        uint64_t event_id = (uint64_t)database_i64(rows, row, 0);
        uint32_t partition = partition_of_event(event_id);
        if (shows->config.partitions->items[partition].owned && !find(shows, event_id))
            refused += !begin_load(shows, event_id, partition, false);
    }
    if (refused > 0)
        log_write(LOG_ERROR, "busy-not-loaded",
                  "There is no memory for shows with open holds, turns or an open waiting room; "
                  "holds and turns end late, and those rooms admit nobody.",
                  LOG_U64("shows", refused));
}

static void on_busy(void *context, const struct database_answer *answer) {
    struct shows *shows = context;
    shows->busy_asked--;
    if (answer->outcome == DATABASE_LOST)
        return; /* asked again when the session is back */
    if (answer->outcome == DATABASE_FAILED) {
        log_write(LOG_ERROR, "load-refused", "PostgreSQL refused to list the shows that are busy.",
                  LOG_TEXT("error", answer->error));
        return;
    }
    if (shows->busy_asked == 0)
        memset(shows->busy_wanted, 0, sizeof shows->busy_wanted);
    load_busy(shows, answer->results[0]);
}

static void ask_for_busy(struct shows *shows) {
    int16_t ids[PARTITION_COUNT];
    size_t count = 0;
    for (int16_t i = 0; i < PARTITION_COUNT; i++)
        if (shows->busy_wanted[i])
            ids[count++] = i;
    struct database_session *session = link_session(shows->link);
    if (count == 0 || !session)
        return;
    struct database_group *group = database_group_create(session);
    database_group_add(group, &store_select_busy_events);
    database_group_i16_array(group, ids, count);
    if (database_group_send_take(group, on_busy, shows) == STATUS_OK)
        shows->busy_asked++;
    else
        link_restart(shows->link);
}

static void on_link_up(void *context) {
    ask_for_busy(context);
    start_loads(context);
}

static void on_link_down(void *context) {
    (void)context; /* entries stay LOADING; what was sent has been answered LOST */
}

struct shows *shows_create(const struct shows_config *config) {
    struct shows *shows = calloc(1, sizeof *shows);
    if (!shows)
        return NULL;
    shows->config = *config;
    TAILQ_INIT(&shows->by_use);
    TAILQ_INIT(&shows->wanted);
    TAILQ_INIT(&shows->waiting);
    TAILQ_INIT(&shows->with_rooms);
    shows->entries = id_map_create(SHOWS_MAX);
    bool made = shows->entries;
    for (size_t i = 0; i < PARTITION_COUNT; i++) {
        TAILQ_INIT(&shows->by_partition[i]);
        shows->deadlines[i] = heap_create();
        made &= shows->deadlines[i] != NULL;
    }
    const struct link_config link = {
        .name = "load",
        .url = config->database_url,
        .application_name = config->application_name,
        .statements = store_load_statements,
        .limit_groups = LOAD_GROUPS_MAX,
        .on_up = on_link_up,
        .on_down = on_link_down,
        .context = shows,
    };
    shows->link = made ? link_create(config->base, &link) : NULL;
    if (!shows->link) {
        shows_destroy(shows);
        return NULL;
    }
    return shows;
}

void shows_destroy(struct shows *shows) {
    if (!shows)
        return;
    link_destroy(shows->link);
    size_t cursor = 0;
    void *value;
    while (shows->entries && id_map_next(shows->entries, &cursor, NULL, &value))
        entry_free(value);
    id_map_destroy(shows->entries);
    for (size_t i = 0; i < PARTITION_COUNT; i++)
        heap_destroy(shows->deadlines[i]);
    free(shows);
}

struct show_entry *shows_find(const struct shows *shows, uint64_t event_id) {
    return find(shows, event_id);
}

struct show_entry *shows_get(struct shows *shows, uint64_t event_id, uint32_t partition,
                             int64_t now_us) {
    struct show_entry *entry = find(shows, event_id);
    if (!entry)
        return begin_load(shows, event_id, partition, true);
    entry->used_us = now_us;
    TAILQ_REMOVE(&shows->by_use, entry, use_link);
    TAILQ_INSERT_TAIL(&shows->by_use, entry, use_link);
    bool waits = entry->load_waits;
    unqueue_load(shows, entry);
    entry->wanted = true;
    if (waits)
        queue_load(shows, entry);
    return entry;
}

bool shows_are_stuck(const struct shows *shows) {
    return shows->stuck;
}

bool shows_park_take(struct show_entry *entry, struct work *work) {
    ensure(entry->state == SHOW_ENTRY_LOADING);
    if (entry->parked.count >= SHOWS_PARKED_MAX) {
        work_free(work);
        return false;
    }
    work_list_push(&entry->parked, work);
    return true;
}

void shows_forget(struct shows *shows, struct show_entry *entry) {
    ensure(entry->state != SHOW_ENTRY_FORGOTTEN);
    detach(shows, entry);
    entry->state = SHOW_ENTRY_FORGOTTEN;
    work_list_free(&entry->parked);
    if (entry->users == 0)
        entry_free(entry);
}

void shows_let_go(struct shows *shows, struct show_entry *entry) {
    (void)shows;
    ensure(entry->users > 0);
    entry->users--;
    if (entry->users == 0 && entry->state == SHOW_ENTRY_FORGOTTEN)
        entry_free(entry);
}

void shows_forget_partition(struct shows *shows, uint32_t partition) {
    struct show_entry *entry;
    while ((entry = TAILQ_FIRST(&shows->by_partition[partition])))
        shows_forget(shows, entry);
    shows->busy_wanted[partition] = false;
}

void shows_load_busy(struct shows *shows, const bool partitions[PARTITION_COUNT]) {
    for (size_t i = 0; i < PARTITION_COUNT; i++)
        shows->busy_wanted[i] |= partitions[i];
    ask_for_busy(shows);
}

static void sweep(struct shows *shows, int64_t now_us) {
    if (shows->busy_asked > 0 || now_us - shows->swept_us < SHOWS_SWEEP_MS * INT64_C(1000))
        return;
    shows->swept_us = now_us;
    for (size_t i = 0; i < PARTITION_COUNT; i++)
        shows->busy_wanted[i] |= shows->config.partitions->items[i].owned;
    ask_for_busy(shows);
}

/* As in store_select_busy_events. */
static bool room_is_on(const struct show_entry *entry, int64_t now_us) {
    const struct show_settings *event = show_get_settings(entry->show);
    enum room_mode mode = room_get_settings(entry->room)->mode;
    return (mode == ROOM_MODE_OPEN || mode == ROOM_MODE_PAUSED) &&
           (event->state == SHOW_OPEN || event->state == SHOW_PAUSED) &&
           (event->sale_end_us == 0 || now_us < event->sale_end_us);
}

static bool may_be_forgotten(const struct show_entry *entry, int64_t now_us) {
    return entry->state == SHOW_ENTRY_READY && entry->users == 0 &&
           next_deadline(entry) == INT64_MAX && room_live_count(entry->room) == 0 &&
           !room_is_on(entry, now_us);
}

static bool is_crowded(const struct shows *shows) {
    return id_map_count(shows->entries) > SHOWS_MAX / 8 * 7 ||
           shows->size_bytes > shows->config.limit_bytes / 8 * 7;
}

static void forget_unused(struct shows *shows, int64_t now_us) {
    struct show_entry *entry, *next;
    bool makes_place = is_full(shows);
    int64_t database_us = database_clock_now_us(shows->config.clock);
    size_t forgotten = 0;
    for (entry = TAILQ_FIRST(&shows->by_use); entry && forgotten < SHOWS_FORGET_AT_ONCE;
         entry = next) {
        next = TAILQ_NEXT(entry, use_link);
        if (now_us - entry->used_us < shows->config.idle_us && !(makes_place && is_crowded(shows)))
            return;
        if (!may_be_forgotten(entry, database_us))
            continue;
        shows_forget(shows, entry);
        forgotten++;
    }
}

static void note_stuck(struct shows *shows) {
    bool stuck = is_full(shows);
    if (stuck == shows->stuck)
        return;
    shows->stuck = stuck;
    if (stuck)
        log_write(
            LOG_ERROR, "show-memory-used-up",
            "Shows with open holds, turns or an open room take all memory that shows may have "
            "(USHER_SHOW_MEMORY_MB); whatever is asked of others is answered `overloaded`.",
            LOG_U64("bytes", shows->size_bytes), LOG_U64("shows", id_map_count(shows->entries)));
    else
        log_write(LOG_INFO, "show-memory-freed", "There is memory for other shows again.");
}

void shows_tick(struct shows *shows, int64_t now_us) {
    if (database_clock_known(shows->config.clock)) {
        forget_unused(shows, now_us);
        note_stuck(shows);
    }
    sweep(shows, now_us);
    start_loads(shows);
}

struct show_entry *shows_next(const struct shows *shows, size_t *cursor) {
    void *value;
    while (id_map_next(shows->entries, cursor, NULL, &value)) {
        struct show_entry *entry = value;
        if (entry->state == SHOW_ENTRY_READY)
            return entry;
    }
    return NULL;
}

size_t shows_count(const struct shows *shows) {
    return id_map_count(shows->entries);
}

static void on_looked_up(void *context, const struct database_answer *answer) {
    struct lookup lookup = *(struct lookup *)context;
    free(context);
    struct booking booking;
    if (answer->outcome != DATABASE_DONE) {
        lookup.on_answer(lookup.context, LOOKUP_NOT_DONE, NULL);
    } else if (PQntuples(answer->results[0]) == 0) {
        lookup.on_answer(lookup.context, LOOKUP_NONE, NULL);
    } else if (!store_read_booking(answer->results[0], 0, &booking)) {
        log_write(LOG_ERROR, "booking-broken",
                  "A stored booking breaks a rule and can't be answered.");
        lookup.on_answer(lookup.context, LOOKUP_NOT_DONE, NULL);
    } else {
        lookup.on_answer(lookup.context, LOOKUP_FOUND, &booking);
    }
}

void shows_lookup(struct shows *shows, uint64_t event_id, const struct id128 *booking_id,
                  shows_lookup_handler *on_answer, void *context) {
    struct database_session *session = link_session(shows->link);
    struct lookup *lookup = malloc(sizeof *lookup);
    if (!session || !lookup) {
        free(lookup);
        on_answer(context, LOOKUP_NOT_DONE, NULL);
        return;
    }
    *lookup = (struct lookup){.on_answer = on_answer, .context = context};
    struct database_group *group = database_group_create(session);
    database_group_add(group, &store_select_booking);
    database_group_i64(group, (int64_t)event_id);
    database_group_uuid(group, booking_id);
    if (database_group_send_take(group, on_looked_up, lookup) != STATUS_OK) {
        free(lookup);
        on_answer(context, LOOKUP_NOT_DONE, NULL);
    }
}
