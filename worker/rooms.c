#include "worker/rooms.h"

#include "shared/failpoint.h"
#include "shared/id_map.h"
#include "shared/log.h"
#include "worker/rooms_private.h"

#include <stdlib.h>

/* --- which rooms are watched */

/* On, or somebody has a turn. */
static bool is_used(const struct show_entry *entry) {
    return room_get_settings(entry->room)->mode != ROOM_MODE_OFF ||
           room_live_count(entry->room) > 0;
}

/* NULL: it is not loaded. */
static struct show_entry *find_show(const struct watch *watch) {
    const struct rooms *rooms = watch->rooms;
    struct show_entry *entry = rooms->shows ? shows_find(rooms->shows, watch->event_id) : NULL;
    return entry && entry->state == SHOW_ENTRY_READY ? entry : NULL;
}

struct show_entry *watch_entry(const struct watch *watch) {
    const struct partition *partition = &watch->rooms->config.partitions->items[watch->partition];
    return partition->owned && partition->taking ? find_show(watch) : NULL;
}

void watch_free(struct watch *watch) {
    free(watch);
}

static struct watch *find(const struct rooms *rooms, uint64_t event_id) {
    struct id128 key = id128_of_u64(event_id);
    return id_map_get(rooms->by_event, &key);
}

/* NULL without memory: the show's next batch, or its next load, tries again. */
static struct watch *watch_add(struct rooms *rooms, const struct show_entry *entry) {
    struct watch *watch = calloc(1, sizeof *watch);
    struct id128 key = id128_of_u64(entry->event_id);
    if (!watch || id_map_put(rooms->by_event, &key, watch) != STATUS_OK) {
        free(watch);
        return NULL;
    }
    watch->rooms = rooms;
    watch->event_id = entry->event_id;
    watch->partition = entry->partition;
    watch->spans = room_get_line(entry->room)->count;
    TAILQ_INSERT_TAIL(&rooms->watches, watch, link);
    return watch;
}

static void watch_drop(struct watch *watch) {
    struct id128 key = id128_of_u64(watch->event_id);
    ensure(id_map_remove(watch->rooms->by_event, &key) == watch);
    TAILQ_REMOVE(&watch->rooms->watches, watch, link);
    watch->gone = true;
    if (!watch->looking)
        watch_free(watch);
}

static void drop_all(struct rooms *rooms) {
    struct watch *watch;
    while ((watch = TAILQ_FIRST(&rooms->watches)))
        watch_drop(watch);
}

/* What was known of a show loaded before is as old as that. */
void rooms_show_ready(struct rooms *rooms, const struct show_entry *entry) {
    struct watch *watch = find(rooms, entry->event_id);
    if (watch)
        watch_drop(watch);
    if (!is_used(entry))
        return;
    watch = watch_add(rooms, entry);
    if (watch)
        room_look(watch, clock_monotonic_us());
}

/* --- grants */

static bool is_same_grant(const struct room_grant *a, const struct room_grant *b) {
    return a->from_number == b->from_number && a->count == b->count &&
           strcmp(a->created, b->created) == 0 && strcmp(a->server_id, b->server_id) == 0;
}

static void publish_grant(struct rooms *rooms, const struct room_grant *grant) {
    if (FAILPOINT("rooms.grant-lost") || wire_grant_encode(&rooms->grant, grant) != STATUS_OK)
        return; /* again in ROOMS_GRANT_AGAIN_MS */
    int copies = FAILPOINT("rooms.grant-twice") ? 2 : 1;
    for (int i = 0; i < copies; i++)
        if (bus_publish(rooms->config.bus, rooms->grants_subject, rooms->grant.data,
                        rooms->grant.size_bytes) == STATUS_OK)
            rooms->numbers.grants++;
}

void watch_grant(struct watch *watch) {
    struct rooms *rooms = watch->rooms;
    const struct show_entry *entry = watch_entry(watch);
    struct room_grant grant;
    if (!entry || !room_grant(entry->room, &grant))
        return;
    int64_t now_us = clock_monotonic_us();
    if (is_same_grant(&grant, &watch->grant) &&
        now_us - watch->granted_us < ROOMS_GRANT_AGAIN_MS * INT64_C(1000))
        return;
    grant.partition = watch->partition;
    grant.epoch = rooms->config.partitions->items[watch->partition].epoch;
    watch->grant = grant;
    watch->granted_us = now_us;
    publish_grant(rooms, &grant);
}

void rooms_grant(struct rooms *rooms) {
    struct watch *watch;
    TAILQ_FOREACH(watch, &rooms->watches, link)
    watch_grant(watch);
}

/* --- news */

static void log_vouch(const struct room_state *state) {
    const struct room_span *span = &state->line.spans[state->line.count - 1];
    log_write(LOG_INFO, "room-vouched", "A waiting room's stream is vouched for; people can join.",
              LOG_U64("eventId", state->event_id), LOG_TEXT("run", state->server_id),
              LOG_TEXT("created", state->created), LOG_U64("firstNumber", span->first_number),
              LOG_U64("firstSequence", span->first_sequence));
}

static void tell_stored(struct rooms *rooms, const struct batch_show *item) {
    const struct room_state *state = item->room_state;
    struct watch *watch = find(rooms, item->entry->event_id);
    if (!watch && is_used(item->entry))
        watch = watch_add(rooms, item->entry);
    if (!watch || item->room_changed || state->sale.sold_out != watch->sold_out)
        room_news_add(rooms->news, state);
    if (!watch)
        return;
    if (state->line.count > watch->spans) {
        log_vouch(state);
        rooms->numbers.vouches++;
        watch->submitted = 0;
    }
    watch->spans = state->line.count;
    watch->sold_out = state->sale.sold_out;
    watch_grant(watch);
}

static void count_turns(struct rooms *rooms, const struct batch *batch) {
    const struct batch_turn *turns;
    size_t count = batch_turns(batch, &turns);
    for (size_t i = 0; i < count; i++)
        if (turns[i].after.state != turns[i].before)
            rooms->numbers.turns[turns[i].after.state]++;
}

void rooms_stored(struct rooms *rooms, struct batch *batch) {
    for (size_t i = 0; i < batch_show_count(batch); i++) {
        const struct batch_show *item = batch_show_at(batch, i);
        if (item->room_state && item->entry->state == SHOW_ENTRY_READY)
            tell_stored(rooms, item);
    }
    room_news_flush(rooms->news);
    room_news_people(rooms->news, batch);
    count_turns(rooms, batch);
}

void rooms_announce(struct rooms *rooms) {
    struct watch *watch;
    TAILQ_FOREACH(watch, &rooms->watches, link) {
        struct show_entry *entry = watch_entry(watch);
        const struct room_state *state =
            entry ? committer_room_state(rooms->config.committer, entry) : NULL;
        if (!state)
            continue;
        watch->sold_out = state->sale.sold_out;
        room_news_add(rooms->news, state);
    }
    room_news_flush(rooms->news);
}

/* Keeps the deepest ones, the deepest first. */
static void show(struct room_numbers *numbers, const struct room_state *state, uint64_t depth) {
    size_t place = numbers->shown;
    while (place > 0 && numbers->rooms[place - 1].depth < depth)
        place--;
    if (place == ROOMS_SHOWN_MAX)
        return;
    size_t kept = numbers->shown < ROOMS_SHOWN_MAX ? numbers->shown : ROOMS_SHOWN_MAX - 1;
    memmove(&numbers->rooms[place + 1], &numbers->rooms[place],
            (kept - place) * sizeof numbers->rooms[0]);
    numbers->rooms[place].state = state;
    numbers->rooms[place].depth = depth;
    numbers->shown = kept + 1;
}

void rooms_count(const struct rooms *rooms, struct room_numbers *numbers) {
    const struct watch *watch;
    *numbers = rooms->numbers;
    TAILQ_FOREACH(watch, &rooms->watches, link) {
        struct show_entry *entry = watch_entry(watch);
        const struct room_state *state =
            entry ? committer_room_state(rooms->config.committer, entry) : NULL;
        if (!state)
            continue;
        uint64_t depth =
            room_line_position(&state->line, state->now_serving, state->last_number + 1);
        numbers->watched++;
        numbers->waiting += depth;
        show(numbers, state, depth);
    }
}

/* --- from outside */

static void on_tick(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    struct rooms *rooms = context;
    int64_t now_us = clock_monotonic_us();
    struct watch *watch, *next;
    for (watch = TAILQ_FIRST(&rooms->watches); watch; watch = next) {
        next = TAILQ_NEXT(watch, link);
        const struct show_entry *entry = find_show(watch); /* what is drained may yet be kept */
        if (entry && is_used(entry)) {
            watch_grant(watch);
            room_look(watch, now_us);
        } else {
            watch_drop(watch);
        }
    }
}

void rooms_bus_state(struct rooms *rooms, bool connected) {
    jetstream_bus_state(rooms->jetstream, connected);
    struct watch *watch;
    TAILQ_FOREACH(watch, &rooms->watches, link)
    watch->look_us = 0;
    if (connected)
        event_active(rooms->tick, EV_TIMEOUT, 0);
}

void rooms_set_instance(struct rooms *rooms, uint64_t instance, struct shows *shows) {
    drop_all(rooms);
    rooms->shows = shows;
    room_news_set_instance(rooms->news, instance);
}

struct rooms *rooms_create(const struct rooms_config *config) {
    struct rooms *rooms = calloc(1, sizeof *rooms);
    if (!rooms)
        return NULL;
    rooms->config = *config;
    TAILQ_INIT(&rooms->watches);
    wire_subject_grants(rooms->grants_subject, config->installation);
    rooms->by_event = id_map_create(SHOWS_MAX);
    rooms->jetstream = jetstream_create(config->base, config->bus);
    rooms->news =
        room_news_create(config->bus, config->installation, config->partitions, config->clock);
    rooms->tick = event_new(config->base, -1, EV_PERSIST, on_tick, rooms);
    const struct timeval every = {.tv_usec = ROOMS_TICK_MS * 1000};
    if (!rooms->by_event || !rooms->jetstream || !rooms->news || !rooms->tick ||
        event_add(rooms->tick, &every) != 0) {
        rooms_destroy(rooms);
        return NULL;
    }
    return rooms;
}

void rooms_destroy(struct rooms *rooms) {
    if (!rooms)
        return;
    rooms->shows = NULL;
    jetstream_destroy(rooms->jetstream); /* open questions end: nobody looks any more */
    if (rooms->by_event)
        drop_all(rooms);
    id_map_destroy(rooms->by_event);
    room_news_destroy(rooms->news);
    if (rooms->tick)
        event_free(rooms->tick);
    wire_buffer_free(&rooms->grant);
    free(rooms);
}
