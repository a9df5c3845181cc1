#include "gateway/seat_maps.h"

#include "shared/id_map.h"

#include <stdlib.h>
#include <sys/queue.h>

struct waiter {
    STAILQ_ENTRY(waiter) next;
    seat_maps_handler *handler;
    void *context;
};

STAILQ_HEAD(waiter_list, waiter);

/* News that came while a snapshot was under way. */
struct held_news {
    STAILQ_ENTRY(held_news) next;
    struct wire_seats head;
    struct wire_seat_change changes[];
};

STAILQ_HEAD(held_list, held_news);

struct entry {
    TAILQ_ENTRY(entry) in_use; /* most recently wanted first */
    uint64_t event_id;
    struct layout *layout;
    struct seat_map map;
    bool stale;
    bool asking;
    bool reading;
    bool read_once;
    bool telling; /* a handler is being called */
    int64_t confirmed_us;
    int64_t asked_us;
    int64_t read_us;
    int64_t wanted_us;
    int64_t kept_us; /* when a copy was kept last, and of which version */
    uint64_t kept_version;
    struct held_list held;
    uint32_t held_count;
    struct waiter_list waiters;
    struct seat_answer answers[SEAT_FORMAT_COUNT];
};

TAILQ_HEAD(entry_list, entry);

struct seat_maps {
    struct seat_maps_config config;
    struct id_map *by_event;
    struct entry_list by_use;
    size_t waiters;
    struct wire_seat_change *changes; /* of the news being read */
};

static int64_t ms(int64_t milliseconds) {
    return milliseconds * 1000;
}

struct seat_maps *seat_maps_create(const struct seat_maps_config *config) {
    struct seat_maps *maps = calloc(1, sizeof *maps);
    if (maps == NULL) {
        return NULL;
    }
    maps->config = *config;
    maps->by_event = id_map_create(SEAT_MAPS_MAX);
    maps->changes = calloc(SHOW_SEATS_MAX, sizeof maps->changes[0]);
    TAILQ_INIT(&maps->by_use);
    if (maps->by_event == NULL || maps->changes == NULL) {
        seat_maps_destroy(maps);
        return NULL;
    }
    return maps;
}

static struct entry *find(const struct seat_maps *maps, uint64_t event_id) {
    struct id128 key = id128_of_u64(event_id);
    return id_map_get(maps->by_event, &key);
}

static void drop_held(struct entry *entry) {
    while (!STAILQ_EMPTY(&entry->held)) {
        struct held_news *news = STAILQ_FIRST(&entry->held);
        STAILQ_REMOVE_HEAD(&entry->held, next);
        free(news);
    }
    entry->held_count = 0;
}

static void drop_answers(struct entry *entry) {
    for (size_t i = 0; i < SEAT_FORMAT_COUNT; i++) {
        body_release(entry->answers[i].body);
        entry->answers[i] = (struct seat_answer){0};
    }
}

static struct seat_view view_of(struct entry *entry) {
    return (struct seat_view){.event_id = entry->event_id,
                              .map = &entry->map,
                              .layout = entry->layout,
                              .stale = entry->stale,
                              .confirmed_us = entry->confirmed_us,
                              .answers = entry->answers};
}

static void show_to(struct entry *entry, seat_maps_handler *handler, void *context) {
    struct seat_view view = view_of(entry);
    bool telling = entry->telling;
    entry->telling = true;
    handler(context, &view);
    entry->telling = telling;
}

static void tell_change(struct seat_maps *maps, const struct entry *entry) {
    if (maps->config.on_change != NULL) {
        maps->config.on_change(maps->config.context, entry->event_id);
    }
}

static void tell(struct seat_maps *maps, struct entry *entry, bool known) {
    struct waiter_list waiters = STAILQ_HEAD_INITIALIZER(waiters);
    STAILQ_CONCAT(&waiters, &entry->waiters);
    while (!STAILQ_EMPTY(&waiters)) {
        struct waiter *waiter = STAILQ_FIRST(&waiters);
        STAILQ_REMOVE_HEAD(&waiters, next);
        maps->waiters--;
        if (known) {
            show_to(entry, waiter->handler, waiter->context);
        } else {
            waiter->handler(waiter->context, NULL);
        }
        free(waiter);
    }
}

static void forget(struct seat_maps *maps, struct entry *entry) {
    struct id128 key = id128_of_u64(entry->event_id);
    ensure(id_map_remove(maps->by_event, &key) == entry);
    TAILQ_REMOVE(&maps->by_use, entry, in_use);
    tell(maps, entry, false);
    drop_held(entry);
    drop_answers(entry);
    seat_map_free(&entry->map);
    layout_release(entry->layout);
    free(entry);
}

void seat_maps_destroy(struct seat_maps *maps) {
    if (maps == NULL) {
        return;
    }
    while (!TAILQ_EMPTY(&maps->by_use)) {
        forget(maps, TAILQ_FIRST(&maps->by_use));
    }
    id_map_destroy(maps->by_event);
    free(maps->changes);
    free(maps);
}

static bool is_idle(const struct entry *entry) {
    return !entry->asking && !entry->reading && !entry->telling && STAILQ_EMPTY(&entry->waiters);
}

static void make_room(struct seat_maps *maps) {
    struct entry *oldest = TAILQ_LAST(&maps->by_use, entry_list);
    if (id_map_count(maps->by_event) >= SEAT_MAPS_MAX && is_idle(oldest)) {
        forget(maps, oldest);
    }
}

static struct entry *entry_create(struct seat_maps *maps, uint64_t event_id,
                                  struct layout *layout) {
    make_room(maps);
    struct entry *entry = calloc(1, sizeof *entry);
    if (entry == NULL) {
        return NULL;
    }
    entry->event_id = event_id;
    STAILQ_INIT(&entry->held);
    STAILQ_INIT(&entry->waiters);
    struct id128 key = id128_of_u64(event_id);
    if (seat_map_init(&entry->map, layout_seat_count(layout)) != STATUS_OK ||
        id_map_put(maps->by_event, &key, entry) != STATUS_OK) {
        seat_map_free(&entry->map);
        free(entry);
        return NULL;
    }
    entry->layout = layout_keep(layout);
    TAILQ_INSERT_HEAD(&maps->by_use, entry, in_use);
    return entry;
}

static bool wait_for(struct seat_maps *maps, struct entry *entry, seat_maps_handler *handler,
                     void *context) {
    struct waiter *waiter = malloc(sizeof *waiter);
    if (waiter == NULL || maps->waiters >= SEAT_MAPS_WAITERS_MAX) {
        free(waiter);
        return false;
    }
    *waiter = (struct waiter){.handler = handler, .context = context};
    STAILQ_INSERT_TAIL(&entry->waiters, waiter, next);
    maps->waiters++;
    return true;
}

static void ask(struct seat_maps *maps, struct entry *entry, int64_t now_us) {
    if (!entry->asking) {
        entry->asking = true;
        entry->asked_us = now_us;
        maps->config.ask(maps->config.context, entry->event_id);
    }
}

/* Nobody vouches for the map now. Whoever waits gets what the database says, or what is known. */
static void fall_back(struct seat_maps *maps, struct entry *entry, int64_t now_us) {
    if (entry->reading) {
        return;
    }
    if (entry->read_once && now_us - entry->read_us < ms(SEAT_MAPS_READ_AGAIN_MS)) {
        entry->stale = true;
        tell(maps, entry, entry->map.known);
        return;
    }
    entry->reading = true;
    entry->read_once = true;
    entry->read_us = now_us;
    maps->config.read(maps->config.context, entry->event_id);
}

static bool is_live(const struct entry *entry, int64_t now_us) {
    return entry->map.known && !entry->stale &&
           now_us - entry->confirmed_us <= ms(SEAT_MAPS_CONFIRMED_MS);
}

void seat_maps_want(struct seat_maps *maps, uint64_t event_id, struct layout *layout,
                    int64_t now_us, seat_maps_handler *handler, void *context) {
    struct entry *entry = find(maps, event_id);
    if (entry == NULL) {
        entry = entry_create(maps, event_id, layout);
    } else {
        TAILQ_REMOVE(&maps->by_use, entry, in_use);
        TAILQ_INSERT_HEAD(&maps->by_use, entry, in_use);
    }
    if (entry == NULL) {
        handler(context, NULL);
        return;
    }
    entry->wanted_us = now_us;
    if (is_live(entry, now_us)) {
        show_to(entry, handler, context);
        return;
    }
    if (entry->map.known && entry->stale) {
        show_to(entry, handler, context);
        if (now_us - entry->read_us >= ms(SEAT_MAPS_READ_AGAIN_MS)) {
            fall_back(maps, entry, now_us);
        }
    } else if (!wait_for(maps, entry, handler, context)) {
        handler(context, NULL);
    }
    ask(maps, entry, now_us);
}

bool seat_maps_find(const struct seat_maps *maps, uint64_t event_id, struct seat_view *view) {
    struct entry *entry = find(maps, event_id);
    if (entry == NULL || !entry->map.known) {
        return false;
    }
    *view = view_of(entry);
    return true;
}

static void hold_news(struct entry *entry, const struct wire_seats *head,
                      const struct wire_seat_change *changes) {
    size_t size = head->change_count * sizeof changes[0];
    struct held_news *news =
        entry->held_count < SEAT_MAPS_HELD_NEWS_MAX ? malloc(sizeof *news + size) : NULL;
    if (news == NULL) {
        return; /* the gap it leaves asks for another snapshot */
    }
    news->head = *head;
    memcpy(news->changes, changes, size);
    STAILQ_INSERT_TAIL(&entry->held, news, next);
    entry->held_count++;
}

static void take_news(struct seat_maps *maps, struct entry *entry, const struct wire_seats *head,
                      const struct wire_seat_change *changes, int64_t now_us) {
    enum seat_map_result result = seat_map_news(&entry->map, head, changes);
    if (result == SEAT_MAP_APPLIED || result == SEAT_MAP_CONFIRMED) {
        entry->stale = false;
        entry->confirmed_us = now_us;
    }
    if (result == SEAT_MAP_APPLIED) {
        tell_change(maps, entry);
    } else if (result == SEAT_MAP_GAP) {
        ask(maps, entry, now_us);
    }
}

enum status seat_maps_news(struct seat_maps *maps, const void *data, size_t size_bytes,
                           int64_t now_us) {
    struct wire_reader reader;
    struct wire_seats head;
    enum status status = wire_seats_open(&reader, data, size_bytes);
    if (status != STATUS_OK) {
        return status;
    }
    while (wire_seats_next(&reader, &head)) {
        for (uint32_t i = 0; i < head.change_count; i++) {
            struct wire_seat_change change = wire_seats_change(&reader);
            if (i < SHOW_SEATS_MAX) {
                maps->changes[i] = change;
            }
        }
        struct entry *entry = find(maps, head.event_id);
        if (entry == NULL || head.change_count > SHOW_SEATS_MAX) {
            continue;
        }
        if (entry->asking) {
            hold_news(entry, &head, maps->changes);
        } else {
            take_news(maps, entry, &head, maps->changes, now_us);
        }
    }
    return STATUS_OK;
}

void seat_maps_snapshot(struct seat_maps *maps, uint64_t event_id, const struct reply *reply,
                        int64_t now_us) {
    struct entry *entry = find(maps, event_id);
    ensure(entry != NULL && entry->asking);
    if (reply->code != REPLY_OK || reply->packed_seat_count != entry->map.seat_count) {
        seat_maps_unanswered(maps, event_id, now_us);
        return;
    }
    entry->asking = false;
    enum seat_map_result result = seat_map_set(&entry->map, reply->epoch, reply->instance,
                                               reply->seats_version, reply->packed_seats);
    if (result != SEAT_MAP_OLD) {
        entry->stale = false;
        entry->confirmed_us = now_us;
        tell_change(maps, entry);
    }
    struct held_list held = STAILQ_HEAD_INITIALIZER(held);
    STAILQ_CONCAT(&held, &entry->held);
    entry->held_count = 0;
    while (!STAILQ_EMPTY(&held)) {
        struct held_news *news = STAILQ_FIRST(&held);
        STAILQ_REMOVE_HEAD(&held, next);
        if (!entry->asking) {
            take_news(maps, entry, &news->head, news->changes, now_us);
        }
        free(news);
    }
    tell(maps, entry, entry->map.known);
}

void seat_maps_unanswered(struct seat_maps *maps, uint64_t event_id, int64_t now_us) {
    struct entry *entry = find(maps, event_id);
    ensure(entry != NULL && entry->asking);
    entry->asking = false;
    drop_held(entry);
    if (!STAILQ_EMPTY(&entry->waiters)) {
        fall_back(maps, entry, now_us);
    }
}

void seat_maps_stored(struct seat_maps *maps, uint64_t event_id, uint64_t version,
                      const uint8_t *packed, uint32_t seat_count, int64_t now_us) {
    struct entry *entry = find(maps, event_id);
    ensure(entry != NULL && entry->reading);
    if (seat_count != entry->map.seat_count) {
        seat_maps_unread(maps, event_id, now_us);
        return;
    }
    entry->reading = false;
    if (!is_live(entry, now_us)) {
        if (seat_map_set_stored(&entry->map, version, packed) != SEAT_MAP_OLD) {
            entry->confirmed_us = now_us;
            tell_change(maps, entry);
        }
        entry->stale = true;
    }
    tell(maps, entry, true);
}

void seat_maps_unread(struct seat_maps *maps, uint64_t event_id, int64_t now_us) {
    struct entry *entry = find(maps, event_id);
    ensure(entry != NULL && entry->reading);
    entry->reading = false;
    if (!entry->map.known && maps->config.recall != NULL) {
        maps->config.recall(maps->config.context, event_id);
    }
    if (!is_live(entry, now_us)) {
        entry->stale = true;
    }
    tell(maps, entry, entry->map.known);
}

void seat_maps_recalled(struct seat_maps *maps, uint64_t event_id, uint64_t version,
                        const uint8_t *packed, uint32_t seat_count, int64_t true_us) {
    struct entry *entry = find(maps, event_id);
    if (entry == NULL || entry->map.known || seat_count != entry->map.seat_count ||
        seat_map_set_stored(&entry->map, version, packed) == SEAT_MAP_OLD) {
        return;
    }
    entry->confirmed_us = true_us;
    entry->stale = true;
}

static void keep_copy(struct seat_maps *maps, struct entry *entry, int64_t now_us) {
    if (maps->config.keep == NULL || !is_live(entry, now_us) ||
        (entry->kept_us != 0 && (entry->kept_version == entry->map.version ||
                                 now_us - entry->kept_us < ms(SEAT_MAPS_KEEP_MS)))) {
        return;
    }
    entry->kept_us = now_us;
    entry->kept_version = entry->map.version;
    maps->config.keep(maps->config.context, entry->event_id, &entry->map);
}

void seat_maps_tick(struct seat_maps *maps, int64_t now_us) {
    struct entry *next = NULL;
    for (struct entry *entry = TAILQ_FIRST(&maps->by_use); entry != NULL; entry = next) {
        next = TAILQ_NEXT(entry, in_use);
        if (entry->asking && !STAILQ_EMPTY(&entry->waiters) &&
            now_us - entry->asked_us >= ms(SEAT_MAPS_PATIENCE_MS)) {
            fall_back(maps, entry, now_us);
        }
        keep_copy(maps, entry, now_us);
        if (now_us - entry->wanted_us >= ms(SEAT_MAPS_BODY_IDLE_MS)) {
            drop_answers(entry);
        }
        if (is_idle(entry) && now_us - entry->wanted_us >= ms(SEAT_MAPS_IDLE_MS)) {
            forget(maps, entry);
        }
    }
}

size_t seat_maps_count(const struct seat_maps *maps) {
    return id_map_count(maps->by_event);
}

int64_t seat_maps_staleness_us(const struct seat_maps *maps, int64_t now_us) {
    int64_t staleness_us = 0;
    const struct entry *entry = NULL;
    TAILQ_FOREACH(entry, &maps->by_use, in_use) {
        if (now_us - entry->wanted_us > ms(SEAT_MAPS_BODY_IDLE_MS)) {
            break;
        }
        if (entry->confirmed_us != 0 && now_us - entry->confirmed_us > staleness_us) {
            staleness_us = now_us - entry->confirmed_us;
        }
    }
    return staleness_us;
}
