#include "worker/shows.h"

#include "shared/clock.h"
#include "shared/failpoint.h"
#include "shared/id_map.h"
#include "shared/log.h"
#include "worker/link.h"
#include "worker/store.h"

#include <stdlib.h>

struct shows {
    struct shows_handlers handlers;
    struct link *link;
    const struct partitions *partitions;
    struct id_map *entries;
    uint64_t next_serial;
    TAILQ_HEAD(load_queue, show_entry) waiting; /* LOADING and not asked for yet */
    uint32_t loads_in_flight;
    uint32_t holds_asked; /* queries for shows with holds in flight */
    bool with_holds_wanted[PARTITION_COUNT];
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

enum load_row_set {
    LOAD_BEGIN,
    LOAD_EVENT,
    LOAD_SECTIONS,
    LOAD_LIVE,
    LOAD_BLOCKED,
    LOAD_ENDED,
    LOAD_COMMIT
};
enum { LOAD_GROUPS_MAX = 4096 };

static void start_loads(struct shows *shows);

static void entry_free(struct show_entry *entry) {
    ensure(entry->users == 0);
    show_destroy(entry->show);
    work_list_free(&entry->parked);
    free(entry);
}

static struct show_entry *find(const struct shows *shows, uint64_t event_id) {
    struct id128 key = id128_of_u64(event_id);
    return id_map_get(shows->entries, &key);
}

static void detach(struct shows *shows, struct show_entry *entry) {
    struct id128 key = id128_of_u64(entry->event_id);
    ensure(id_map_remove(shows->entries, &key) == entry);
}

static enum status restore(struct show *show, const struct database_answer *answer) {
    const PGresult *live = answer->results[LOAD_LIVE];
    for (int row = 0; row < PQntuples(live); row++) {
        struct booking booking;
        if (!store_read_booking(live, row, &booking))
            return STATUS_INVALID;
        enum status status = show_restore_booking(show, &booking);
        if (status != STATUS_OK)
            return status;
    }
    const PGresult *blocked = answer->results[LOAD_BLOCKED];
    for (int row = 0; row < PQntuples(blocked); row++) {
        enum status status = show_restore_blocked(show, (uint32_t)database_i32(blocked, row, 0));
        if (status != STATUS_OK)
            return status;
    }
    const PGresult *ended = answer->results[LOAD_ENDED];
    for (int row = 0; row < PQntuples(ended); row++) {
        struct id128 id = database_uuid(ended, row, 0);
        enum status status = show_restore_ended(show, &id);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

static enum status read_show(struct show_entry *entry, const struct database_answer *answer) {
    struct store_show stored;
    enum status status =
        store_read_show(answer->results[LOAD_EVENT], answer->results[LOAD_SECTIONS], &stored);
    if (status != STATUS_OK)
        return status;
    const struct show_layout layout = {.section_count = stored.section_count,
                                       .sections = stored.sections};
    struct show *show = show_create(entry->event_id, &layout, &stored.settings, SHOW_ENDED_MAX);
    free(stored.sections);
    if (!show)
        return STATUS_NO_MEMORY;
    status = restore(show, answer);
    if (status != STATUS_OK) {
        show_destroy(show);
        return status;
    }
    entry->show = show;
    entry->version = stored.seats_version;
    entry->committed = stored.seats_version;
    return STATUS_OK;
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
    shows->handlers.on_failed(shows->handlers.context, event_id, status, &parked);
    work_list_free(&parked);
}

static void queue_load(struct shows *shows, struct show_entry *entry) {
    TAILQ_INSERT_TAIL(&shows->waiting, entry, load_link);
    entry->load_waits = true;
}

static void unqueue_load(struct shows *shows, struct show_entry *entry) {
    TAILQ_REMOVE(&shows->waiting, entry, load_link);
    entry->load_waits = false;
}

static void finish_load(struct shows *shows, struct show_entry *entry,
                        const struct database_answer *answer) {
    if (answer->outcome == DATABASE_LOST) {
        queue_load(shows, entry);
        return;
    }
    enum status status = STATUS_UNAVAILABLE;
    if (answer->outcome == DATABASE_DONE)
        status = read_show(entry, answer);
    else
        log_write(LOG_ERROR, "load-refused", "PostgreSQL refused to load a show.",
                  LOG_U64("eventId", entry->event_id), LOG_TEXT("error", answer->error));
    if (status != STATUS_OK) {
        fail_entry(shows, entry, status);
        return;
    }
    entry->state = SHOW_ENTRY_READY;
    shows->handlers.on_ready(shows->handlers.context, entry);
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
    static const struct database_statement *const by_event[] = {
        &store_select_event, &store_select_sections, &store_select_live, &store_select_blocked};
    struct database_group *group = database_group_create(session);
    database_group_add(group, &store_begin_snapshot);
    for (size_t i = 0; i < ARRAY_LEN(by_event); i++) {
        database_group_add(group, by_event[i]);
        database_group_i64(group, (int64_t)entry->event_id);
    }
    database_group_add(group, &store_select_ended);
    database_group_i64(group, (int64_t)entry->event_id);
    database_group_i64(group, SHOW_ENDED_MAX + 1);
    database_group_add(group, &store_commit);
    if (database_group_send_take(group, on_loaded, load) != STATUS_OK) {
        free(load);
        return false;
    }
    shows->loads_in_flight++;
    (void)FAILPOINT("shows.loading");
    return true;
}

static void start_loads(struct shows *shows) {
    struct show_entry *entry;
    while (shows->loads_in_flight < SHOWS_LOADS_AT_ONCE && (entry = TAILQ_FIRST(&shows->waiting))) {
        if (!send_load(shows, entry))
            return; /* the link comes back and starts them again */
        unqueue_load(shows, entry);
    }
}

static void ask_for_holds(struct shows *shows);

static void on_holds(void *context, const struct database_answer *answer) {
    struct shows *shows = context;
    shows->holds_asked--;
    if (answer->outcome == DATABASE_LOST)
        return; /* asked again when the session is back */
    if (answer->outcome == DATABASE_FAILED) {
        log_write(LOG_ERROR, "load-refused",
                  "PostgreSQL refused to list the shows with open holds.",
                  LOG_TEXT("error", answer->error));
        return;
    }
    if (shows->holds_asked == 0)
        memset(shows->with_holds_wanted, 0, sizeof shows->with_holds_wanted);
    for (int row = 0; row < PQntuples(answer->results[0]); row++) {
        uint64_t event_id = (uint64_t)database_i64(answer->results[0], row, 0);
        uint32_t partition = partition_of_event(event_id);
        if (shows->partitions->items[partition].owned && !shows_get(shows, event_id, partition))
            log_write(LOG_ERROR, "show-not-loaded",
                      "A show with open holds could not be loaded: no room.",
                      LOG_U64("eventId", event_id));
    }
}

static void ask_for_holds(struct shows *shows) {
    int16_t ids[PARTITION_COUNT];
    size_t count = 0;
    for (int16_t i = 0; i < PARTITION_COUNT; i++)
        if (shows->with_holds_wanted[i])
            ids[count++] = i;
    struct database_session *session = link_session(shows->link);
    if (count == 0 || !session)
        return;
    struct database_group *group = database_group_create(session);
    database_group_add(group, &store_select_events_with_holds);
    database_group_i16_array(group, ids, count);
    if (database_group_send_take(group, on_holds, shows) == STATUS_OK)
        shows->holds_asked++;
    else
        link_restart(shows->link);
}

static void on_link_up(void *context) {
    ask_for_holds(context);
    start_loads(context);
}

static void on_link_down(void *context) {
    (void)context; /* entries stay LOADING; what was sent has been answered LOST */
}

struct shows *shows_create(struct event_base *base, const char *database_url,
                           const char *application_name, const struct partitions *partitions,
                           const struct shows_handlers *handlers) {
    struct shows *shows = calloc(1, sizeof *shows);
    if (!shows)
        return NULL;
    shows->handlers = *handlers;
    shows->partitions = partitions;
    TAILQ_INIT(&shows->waiting);
    shows->entries = id_map_create(SHOWS_MAX);
    const struct link_config config = {
        .name = "load",
        .url = database_url,
        .application_name = application_name,
        .statements = store_load_statements,
        .limit_groups = LOAD_GROUPS_MAX,
        .on_up = on_link_up,
        .on_down = on_link_down,
        .context = shows,
    };
    shows->link = shows->entries ? link_create(base, &config) : NULL;
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
    free(shows);
}

struct show_entry *shows_find(const struct shows *shows, uint64_t event_id) {
    return find(shows, event_id);
}

struct show_entry *shows_get(struct shows *shows, uint64_t event_id, uint32_t partition) {
    struct show_entry *entry = find(shows, event_id);
    if (entry)
        return entry;
    entry = calloc(1, sizeof *entry);
    if (!entry)
        return NULL;
    *entry = (struct show_entry){
        .state = SHOW_ENTRY_LOADING,
        .event_id = event_id,
        .partition = partition,
        .used_us = clock_monotonic_us(),
        .serial = ++shows->next_serial,
    };
    struct id128 key = id128_of_u64(event_id);
    if (id_map_put(shows->entries, &key, entry) != STATUS_OK) {
        free(entry);
        return NULL;
    }
    queue_load(shows, entry);
    start_loads(shows);
    return entry;
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
    if (entry->load_waits)
        unqueue_load(shows, entry);
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
    /* The map must not change during a walk: one entry a walk would be slow, so collect a handful
     * at a time. */
    struct show_entry *found[256];
    size_t count;
    do {
        count = 0;
        size_t cursor = 0;
        void *value;
        while (count < ARRAY_LEN(found) && id_map_next(shows->entries, &cursor, NULL, &value)) {
            struct show_entry *entry = value;
            if (entry->partition == partition)
                found[count++] = entry;
        }
        for (size_t i = 0; i < count; i++)
            shows_forget(shows, found[i]);
    } while (count == ARRAY_LEN(found));
    shows->with_holds_wanted[partition] = false;
}

void shows_load_with_holds(struct shows *shows, const bool partitions[PARTITION_COUNT]) {
    for (size_t i = 0; i < PARTITION_COUNT; i++)
        shows->with_holds_wanted[i] |= partitions[i];
    ask_for_holds(shows);
}

static bool is_idle(const struct show_entry *entry) {
    return entry->state == SHOW_ENTRY_READY && entry->users == 0 && !entry->touch &&
           show_next_deadline(entry->show) == INT64_MAX;
}

void shows_trim(struct shows *shows, int64_t now_us, int64_t idle_us, size_t limit_bytes) {
    for (;;) {
        size_t total_bytes = 0;
        struct show_entry *oldest = NULL;
        size_t cursor = 0;
        void *value;
        while (id_map_next(shows->entries, &cursor, NULL, &value)) {
            struct show_entry *entry = value;
            if (entry->show)
                total_bytes += show_size_bytes(entry->show);
            if (is_idle(entry) && (!oldest || entry->used_us < oldest->used_us))
                oldest = entry;
        }
        if (!oldest || (total_bytes <= limit_bytes && now_us - oldest->used_us < idle_us))
            return;
        shows_forget(shows, oldest);
    }
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
