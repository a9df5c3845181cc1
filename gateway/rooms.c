#include "gateway/rooms.h"

#include "shared/id_map.h"

#include <stdlib.h>
#include <sys/queue.h>

struct waiter {
    STAILQ_ENTRY(waiter) next;
    rooms_handler *handler;
    void *context;
};

STAILQ_HEAD(waiter_list, waiter);

struct entry {
    TAILQ_ENTRY(entry) in_use; /* most recently wanted or told of first */
    bool known;                /* the next five mean something */
    struct room_state state;
    enum room_phase phase; /* as last told */
    uint64_t revision;
    int64_t confirmed_us;
    int64_t
        heard_us; /* from its owner, or of one that is off: in the database; 0: never, as below */
    bool reading;
    uint32_t telling; /* handlers that are being called */
    int64_t asked_us;
    int64_t read_us;
    int64_t used_us;
    int64_t patience_ends_us; /* of who waits */
    int64_t kept_us;
    uint64_t kept_revision;
    struct waiter_list waiters;
    struct room_answer answer;
};

TAILQ_HEAD(entry_list, entry);

struct rooms {
    struct rooms_config config;
    struct id_map *by_event;
    struct entry_list by_use;
    size_t waiters;
    bool walking; /* through by_use: nothing may be forgotten by others */
};

static int64_t ms(int64_t milliseconds) {
    return milliseconds * 1000;
}

struct rooms *rooms_create(const struct rooms_config *config) {
    struct rooms *rooms = calloc(1, sizeof *rooms);
    if (rooms == NULL) {
        return NULL;
    }
    rooms->config = *config;
    rooms->by_event = id_map_create(ROOMS_MAX);
    TAILQ_INIT(&rooms->by_use);
    if (rooms->by_event == NULL) {
        free(rooms);
        return NULL;
    }
    return rooms;
}

static struct entry *find(const struct rooms *rooms, uint64_t event_id) {
    struct id128 key = id128_of_u64(event_id);
    return id_map_get(rooms->by_event, &key);
}

static bool is_live(const struct entry *entry, int64_t now_us) {
    return entry->known && entry->heard_us != 0 &&
           now_us - entry->heard_us <= ms(ROOMS_CONFIRMED_MS);
}

static enum room_phase phase_of(const struct rooms *rooms, const struct entry *entry,
                                int64_t now_us) {
    return room_phase_of(&entry->state.settings, &entry->state.sale,
                         rooms->config.unix_us(rooms->config.context, now_us));
}

/* A phase that has just begun by the clock is a revision of its own, which take_note will count. */
static struct room_view view_of(const struct rooms *rooms, struct entry *entry, int64_t now_us) {
    enum room_phase phase = phase_of(rooms, entry, now_us);
    return (struct room_view){.state = &entry->state,
                              .phase = phase,
                              .stale = !is_live(entry, now_us),
                              .confirmed_us = entry->confirmed_us,
                              .revision = entry->revision + (phase != entry->phase),
                              .answer = &entry->answer};
}

/* --- who waits, and who is told of changes */

static void show_to(const struct rooms *rooms, struct entry *entry, int64_t now_us,
                    rooms_handler *handler, void *context) {
    struct room_view view = view_of(rooms, entry, now_us);
    entry->telling++;
    handler(context, &view);
    entry->telling--;
}

static void tell(struct rooms *rooms, struct entry *entry, int64_t now_us) {
    struct waiter_list waiters = STAILQ_HEAD_INITIALIZER(waiters);
    STAILQ_CONCAT(&waiters, &entry->waiters);
    while (!STAILQ_EMPTY(&waiters)) {
        struct waiter *waiter = STAILQ_FIRST(&waiters);
        STAILQ_REMOVE_HEAD(&waiters, next);
        rooms->waiters--;
        if (entry->known) {
            show_to(rooms, entry, now_us, waiter->handler, waiter->context);
        } else {
            waiter->handler(waiter->context, NULL);
        }
        free(waiter);
    }
}

static bool wait_for(struct rooms *rooms, struct entry *entry, int64_t now_us,
                     rooms_handler *handler, void *context) {
    struct waiter *waiter = malloc(sizeof *waiter);
    if (waiter == NULL || rooms->waiters >= ROOMS_WAITERS_MAX) {
        free(waiter);
        return false;
    }
    if (STAILQ_EMPTY(&entry->waiters)) {
        entry->patience_ends_us = now_us + ms(ROOMS_PATIENCE_MS);
    }
    *waiter = (struct waiter){.handler = handler, .context = context};
    STAILQ_INSERT_TAIL(&entry->waiters, waiter, next);
    rooms->waiters++;
    return true;
}

static void tell_change(struct rooms *rooms, struct entry *entry, int64_t now_us) {
    show_to(rooms, entry, now_us, rooms->config.on_change, rooms->config.context);
}

/* --- entries */

static void forget(struct rooms *rooms, struct entry *entry) {
    struct id128 key = id128_of_u64(entry->state.event_id);
    ensure(id_map_remove(rooms->by_event, &key) == entry);
    TAILQ_REMOVE(&rooms->by_use, entry, in_use);
    body_release(entry->answer.body);
    free(entry);
}

void rooms_destroy(struct rooms *rooms) {
    if (rooms == NULL) {
        return;
    }
    while (!TAILQ_EMPTY(&rooms->by_use)) {
        struct entry *entry = TAILQ_FIRST(&rooms->by_use);
        entry->known = false;
        tell(rooms, entry, 0);
        forget(rooms, entry);
    }
    id_map_destroy(rooms->by_event);
    free(rooms);
}

static bool is_idle(const struct entry *entry) {
    return !entry->reading && entry->telling == 0 && STAILQ_EMPTY(&entry->waiters);
}

static void make_place(struct rooms *rooms) {
    struct entry *oldest = TAILQ_LAST(&rooms->by_use, entry_list);
    if (id_map_count(rooms->by_event) >= ROOMS_MAX && !rooms->walking && is_idle(oldest)) {
        forget(rooms, oldest);
    }
}

static struct entry *entry_create(struct rooms *rooms, uint64_t event_id) {
    make_place(rooms);
    struct entry *entry = calloc(1, sizeof *entry);
    struct id128 key = id128_of_u64(event_id);
    if (entry == NULL || id_map_put(rooms->by_event, &key, entry) != STATUS_OK) {
        free(entry);
        return NULL;
    }
    entry->state.event_id = event_id;
    STAILQ_INIT(&entry->waiters);
    TAILQ_INSERT_HEAD(&rooms->by_use, entry, in_use);
    return entry;
}

/* The entry of somebody who wants or tells of it; NULL: there is no room for another. */
static struct entry *use(struct rooms *rooms, uint64_t event_id, int64_t now_us) {
    struct entry *entry = find(rooms, event_id);
    if (entry == NULL) {
        entry = entry_create(rooms, event_id);
    } else {
        TAILQ_REMOVE(&rooms->by_use, entry, in_use);
        TAILQ_INSERT_HEAD(&rooms->by_use, entry, in_use);
    }
    if (entry != NULL) {
        entry->used_us = now_us;
    }
    return entry;
}

/* --- what is known */

/* Spans are only ever added. */
static bool differ(const struct room_state *a, const struct room_state *b) {
    return a->now_serving != b->now_serving || a->last_number != b->last_number ||
           a->issued_to != b->issued_to || a->line.count != b->line.count ||
           a->admits_per_hour != b->admits_per_hour ||
           strcmp(a->settings.message, b->settings.message) != 0 ||
           strcmp(a->server_id, b->server_id) != 0 || strcmp(a->created, b->created) != 0;
}

static bool goes_back(const struct room_state *known, const struct room_state *state) {
    return state->now_serving < known->now_serving || state->issued_to < known->issued_to ||
           state->line.count < known->line.count;
}

static bool note_phase(const struct rooms *rooms, struct entry *entry, int64_t now_us) {
    enum room_phase phase = phase_of(rooms, entry, now_us);
    bool changed = phase != entry->phase;
    entry->phase = phase;
    entry->revision += changed;
    return changed;
}

static void take(struct rooms *rooms, struct entry *entry, const struct room_state *state,
                 int64_t true_us, int64_t now_us) {
    bool changed = !entry->known || differ(&entry->state, state);
    bool began = entry->known && note_phase(rooms, entry, now_us);
    entry->known = true;
    entry->state = *state;
    entry->confirmed_us = true_us;
    entry->revision += changed;
    began = note_phase(rooms, entry, now_us) || began;
    if (changed || began) {
        tell_change(rooms, entry, now_us);
    }
}

/* An owner that has not looked at the stream yet does not know how many have joined. */
static void take_news(struct rooms *rooms, struct room_state *state, int64_t now_us) {
    struct entry *entry = use(rooms, state->event_id, now_us);
    if (entry == NULL || (entry->known && (state->epoch < entry->state.epoch ||
                                           (state->epoch == entry->state.epoch &&
                                            goes_back(&entry->state, state))))) {
        return;
    }
    entry->heard_us = now_us;
    if (entry->known && state->last_number < entry->state.last_number) {
        state->last_number = entry->state.last_number;
    }
    take(rooms, entry, state, now_us, now_us);
    tell(rooms, entry, now_us);
}

enum status rooms_news(struct rooms *rooms, const void *data, size_t size_bytes, int64_t now_us) {
    struct wire_reader reader;
    struct room_state state;
    enum status status = wire_rooms_open(&reader, data, size_bytes);
    if (status != STATUS_OK) {
        return status;
    }
    while (wire_rooms_next(&reader, &state)) {
        take_news(rooms, &state, now_us);
    }
    return STATUS_OK;
}

/* --- questions */

static bool is_due(int64_t *last_us, int64_t now_us) {
    if (*last_us != 0 && now_us - *last_us < ms(ROOMS_AGAIN_MS)) {
        return false;
    }
    *last_us = now_us;
    return true;
}

/* Its owner, and the database in case it does not answer. */
static void enquire(struct rooms *rooms, struct entry *entry, int64_t now_us) {
    if (is_due(&entry->asked_us, now_us)) {
        rooms->config.ask(rooms->config.context, entry->state.event_id);
    }
    if (!entry->reading && is_due(&entry->read_us, now_us)) {
        entry->reading = true;
        rooms->config.read(rooms->config.context, entry->state.event_id);
    }
}

void rooms_want(struct rooms *rooms, uint64_t event_id, int64_t now_us, rooms_handler *handler,
                void *context) {
    struct entry *entry = use(rooms, event_id, now_us);
    if (entry == NULL) {
        handler(context, NULL);
        return;
    }
    if (is_live(entry, now_us)) {
        show_to(rooms, entry, now_us, handler, context);
        return;
    }
    bool waits = !entry->known || !STAILQ_EMPTY(&entry->waiters);
    if (waits && !wait_for(rooms, entry, now_us, handler, context)) {
        handler(context, NULL);
        return;
    }
    if (!waits) {
        show_to(rooms, entry, now_us, handler, context);
    }
    enquire(rooms, entry, now_us);
}

bool rooms_find(const struct rooms *rooms, uint64_t event_id, int64_t now_us,
                struct room_view *view) {
    struct entry *entry = find(rooms, event_id);
    if (entry == NULL || !entry->known) {
        return false;
    }
    *view = view_of(rooms, entry, now_us);
    return true;
}

/* What owners alone know stays, but for rates, which are over. */
static struct room_state merged(const struct entry *entry, const struct room_state *stored) {
    struct room_state state = *stored;
    state.epoch = entry->state.epoch;
    state.instance = entry->state.instance;
    state.last_number = entry->state.last_number > stored->now_serving ? entry->state.last_number
                                                                       : stored->now_serving;
    return state;
}

/* Whoever waits is told what there is, once waiting any longer is of no use. */
static void end_patience(struct rooms *rooms, struct entry *entry, int64_t now_us) {
    if (STAILQ_EMPTY(&entry->waiters) || now_us < entry->patience_ends_us) {
        return;
    }
    if (!entry->known && rooms->config.recall != NULL) {
        rooms->config.recall(rooms->config.context, entry->state.event_id);
    }
    tell(rooms, entry, now_us);
}

void rooms_stored(struct rooms *rooms, const struct room_state *state, int64_t now_us) {
    struct entry *entry = find(rooms, state->event_id);
    ensure(entry != NULL && entry->reading);
    entry->reading = false;
    if (is_live(entry, now_us) || (entry->known && goes_back(&entry->state, state))) {
        end_patience(rooms, entry, now_us);
        return;
    }
    struct room_state news = merged(entry, state);
    bool off = state->settings.mode == ROOM_MODE_OFF;
    if (off) {
        entry->heard_us = now_us; /* no owner tells of it */
        entry->patience_ends_us = now_us;
    }
    take(rooms, entry, &news, now_us, now_us);
    end_patience(rooms, entry, now_us);
}

void rooms_unread(struct rooms *rooms, uint64_t event_id, int64_t now_us) {
    struct entry *entry = find(rooms, event_id);
    ensure(entry != NULL && entry->reading);
    entry->reading = false;
    end_patience(rooms, entry, now_us);
}

void rooms_recalled(struct rooms *rooms, const struct room_state *state, int64_t true_us) {
    struct entry *entry = find(rooms, state->event_id);
    if (entry != NULL && !entry->known) {
        take(rooms, entry, state, true_us, true_us);
    }
}

/* --- time */

static void keep_copy(struct rooms *rooms, struct entry *entry, int64_t now_us) {
    if (rooms->config.keep == NULL || !is_live(entry, now_us) ||
        entry->state.settings.mode == ROOM_MODE_OFF || entry->kept_revision == entry->revision ||
        (entry->kept_us != 0 && now_us - entry->kept_us < ms(ROOMS_KEEP_MS))) {
        return;
    }
    entry->kept_us = now_us;
    entry->kept_revision = entry->revision;
    rooms->config.keep(rooms->config.context, &entry->state);
}

void rooms_tick(struct rooms *rooms, int64_t now_us) {
    struct entry *next = NULL;
    rooms->walking = true;
    for (struct entry *entry = TAILQ_FIRST(&rooms->by_use); entry != NULL; entry = next) {
        next = TAILQ_NEXT(entry, in_use);
        end_patience(rooms, entry, now_us);
        if (entry->known && note_phase(rooms, entry, now_us)) {
            tell_change(rooms, entry, now_us);
        }
        keep_copy(rooms, entry, now_us);
        if (is_idle(entry) && now_us - entry->used_us >= ms(ROOMS_IDLE_MS)) {
            forget(rooms, entry);
        }
    }
    rooms->walking = false;
}

/* --- all of them */

const struct room_state *rooms_next(const struct rooms *rooms, size_t *cursor) {
    void *value = NULL;
    while (id_map_next(rooms->by_event, cursor, NULL, &value)) {
        const struct entry *entry = value;
        if (entry->known) {
            return &entry->state;
        }
    }
    return NULL;
}

size_t rooms_count(const struct rooms *rooms) {
    return id_map_count(rooms->by_event);
}

bool rooms_are_silent(const struct rooms *rooms, int64_t now_us) {
    const struct entry *entry = NULL;
    bool silent = false;
    TAILQ_FOREACH(entry, &rooms->by_use, in_use) {
        if (entry->known && entry->state.settings.mode != ROOM_MODE_OFF) {
            if (is_live(entry, now_us)) {
                return false;
            }
            silent = true;
        }
    }
    return silent;
}
