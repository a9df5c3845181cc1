#include "gateway/live_channels.h"

#include "gateway/live_frames.h"
#include "gateway/live_room.h"
#include "shared/clock.h"
#include "shared/id_map.h"

#include <stdlib.h>

enum {
    FRAMES_MAX = 3,         /* told at a time: hello or seats, queue, message */
    SENDS_PER_CHANNEL = 32, /* before it is another one's turn */
    SENDS_FOR_MAKING = 8,   /* what making frames counts as */
};

enum state { QUIET, DUE, TELLING, RESTING };

struct live_channel {
    struct live_channels *channels;
    uint64_t event_id;
    uint32_t references;
    enum state state;
    bool seats_changed;
    bool room_changed;
    TAILQ_ENTRY(live_channel) of_state; /* DUE and TELLING are busy */
    int64_t rested_us;                  /* RESTING: when it will have */
    TAILQ_ENTRY(live_channel) by_want;  /* who has waited longest comes first */
    int64_t wanted_us;
    struct layout *layout;
    uint64_t instance; /* of the owner, and of the map, as told */
    uint64_t version;
    struct ws_frame *hello; /* of these; NULL: to be made */
    struct live_room room;
    unsigned room_news; /* not told yet */
    struct live_listener_list listeners;
    struct live_listener *next; /* TELLING: who gets the frames next; NULL: all have them */
    struct ws_frame *frames[FRAMES_MAX];
    uint32_t frame_count;
};

TAILQ_HEAD(channel_list, live_channel);

struct live_channels {
    struct live_channels_config config;
    struct id_map *by_event;
    struct channel_list busy;
    struct channel_list resting; /* the one that ends first comes first */
    struct channel_list by_want;
    struct event *turn; /* without delay, so that what has come for others is looked at before */
    struct event *rest;
};

static struct live_channel *find(const struct live_channels *channels, uint64_t event_id) {
    struct id128 key = id128_of_u64(event_id);
    return id_map_get(channels->by_event, &key);
}

/* --- states ---------------------------------------------------------------------------------- */

static void wake(struct live_channels *channels) {
    static const struct timeval now = {0};
    if (!event_pending(channels->turn, EV_TIMEOUT, NULL))
        ensure(event_add(channels->turn, &now) == 0);
}

static void leave_state(struct live_channel *channel) {
    struct live_channels *channels = channel->channels;
    if (channel->state == RESTING)
        TAILQ_REMOVE(&channels->resting, channel, of_state);
    else if (channel->state != QUIET)
        TAILQ_REMOVE(&channels->busy, channel, of_state);
    channel->state = QUIET;
}

static void become_due(struct live_channel *channel) {
    leave_state(channel);
    channel->state = DUE;
    TAILQ_INSERT_TAIL(&channel->channels->busy, channel, of_state);
    wake(channel->channels);
}

static void arm_rest(struct live_channels *channels, int64_t now_us) {
    const struct live_channel *first = TAILQ_FIRST(&channels->resting);
    if (!first || event_pending(channels->rest, EV_TIMEOUT, NULL))
        return;
    int64_t left_us = first->rested_us > now_us ? first->rested_us - now_us : 0;
    const struct timeval left = {.tv_usec = (suseconds_t)left_us};
    ensure(event_add(channels->rest, &left) == 0);
}

static void begin_rest(struct live_channel *channel, int64_t now_us) {
    leave_state(channel);
    channel->state = RESTING;
    channel->rested_us = now_us + LIVE_REST_MS * INT64_C(1000);
    TAILQ_INSERT_TAIL(&channel->channels->resting, channel, of_state);
    arm_rest(channel->channels, now_us);
}

static void note_change(struct live_channel *channel) {
    if (channel->state == QUIET)
        become_due(channel);
}

static void on_rested(evutil_socket_t fd UNUSED, short what UNUSED, void *context) {
    struct live_channels *channels = context;
    int64_t now_us = clock_monotonic_us();
    struct live_channel *channel;
    while ((channel = TAILQ_FIRST(&channels->resting)) && channel->rested_us <= now_us) {
        leave_state(channel);
        if (channel->seats_changed || channel->room_changed)
            become_due(channel);
    }
    arm_rest(channels, now_us);
}

/* --- what is told ---------------------------------------------------------------------------- */

static void put_frame(struct live_channel *channel, struct ws_frame *frame) {
    ensure(channel->frame_count < FRAMES_MAX);
    channel->frames[channel->frame_count++] = frame;
}

static void drop_frames(struct live_channel *channel) {
    while (channel->frame_count > 0)
        ws_frame_release(channel->frames[--channel->frame_count]);
}

static void take_version(struct live_channel *channel, const struct seat_map *map) {
    channel->version = map->version;
    if (map->instance != 0)
        channel->instance = map->instance;
    ws_frame_release(channel->hello);
    channel->hello = NULL;
}

static struct ws_frame *hello(struct live_channel *channel) {
    if (!channel->hello)
        channel->hello = live_frame_hello(channel->channels->config.numbers, channel->version,
                                          channel->instance);
    return channel->hello;
}

/* What was told last leads on to the map by its changes. */
static bool leads_on(const struct live_channel *channel, const struct seat_map *map) {
    return map->instance == 0 || map->instance == channel->instance;
}

static void make_seats(struct live_channel *channel) {
    const struct live_channels_config *config = &channel->channels->config;
    struct seat_view view;
    channel->seats_changed = false;
    if (!seat_maps_find(config->seat_maps, channel->event_id, &view))
        return; /* forgotten; it will be known again, since it is wanted */
    const struct seat_map *map = view.map;
    struct ws_frame *frame = NULL;
    if (leads_on(channel, map)) {
        if (map->version == channel->version)
            return;
        frame = live_frame_seats(config->numbers, &view, channel->version);
    }
    take_version(channel, map);
    if (!frame && hello(channel))
        frame = ws_frame_hold(channel->hello);
    if (frame)
        put_frame(channel, frame);
}

static void look_at_room(struct live_channel *channel, int64_t now_us) {
    const struct live_channels_config *config = &channel->channels->config;
    struct room_view view;
    bool known = rooms_find(config->rooms, channel->event_id, now_us, &view);
    int64_t true_us = known ? view.confirmed_us : now_us;
    channel->room_news |= live_room_look(&channel->room, config->numbers, known ? &view : NULL,
                                         now_us, config->unix_us(config->context, true_us));
}

static void make_room(struct live_channel *channel, int64_t now_us) {
    look_at_room(channel, now_us);
    if (channel->room_news & LIVE_ROOM_QUEUE)
        put_frame(channel, ws_frame_hold(channel->room.queue));
    if (channel->room_news & LIVE_ROOM_MESSAGE)
        put_frame(channel, ws_frame_hold(channel->room.message));
    channel->room_changed = channel->room_news & LIVE_ROOM_LATER;
    channel->room_news = 0;
}

static void make_frames(struct live_channel *channel, int64_t now_us) {
    if (channel->seats_changed)
        make_seats(channel);
    if (channel->room_changed)
        make_room(channel, now_us);
    if (channel->frame_count > 0) {
        channel->state = TELLING;
        channel->next = LIST_FIRST(&channel->listeners);
    } else if (channel->room_changed) {
        begin_rest(channel, now_us);
    } else {
        leave_state(channel);
    }
}

/* --- telling --------------------------------------------------------------------------------- */

/* Returns how many frames were sent. */
static unsigned tell_some(struct live_channel *channel) {
    unsigned sent = 0;
    while (channel->next && sent < SENDS_PER_CHANNEL) {
        const struct live_listener *listener = channel->next;
        channel->next = LIST_NEXT(listener, of_event);
        for (uint32_t i = 0; i < channel->frame_count; i++, sent++)
            live_listener_send(listener, channel->channels->config.numbers, channel->frames[i]);
    }
    return sent;
}

/* Returns what it counts as. */
static unsigned go_on(struct live_channel *channel, int64_t now_us) {
    if (channel->state == DUE) {
        make_frames(channel, now_us);
        return SENDS_FOR_MAKING;
    }
    unsigned sent = tell_some(channel);
    if (channel->next) {
        TAILQ_REMOVE(&channel->channels->busy, channel, of_state);
        TAILQ_INSERT_TAIL(&channel->channels->busy, channel, of_state);
    } else {
        drop_frames(channel);
        begin_rest(channel, now_us);
    }
    return sent;
}

static void on_turn(evutil_socket_t fd UNUSED, short what UNUSED, void *context) {
    struct live_channels *channels = context;
    int64_t now_us = clock_monotonic_us();
    unsigned sent = 0;
    while (sent < LIVE_SENDS_PER_TURN && !TAILQ_EMPTY(&channels->busy))
        sent += go_on(TAILQ_FIRST(&channels->busy), now_us);
    if (!TAILQ_EMPTY(&channels->busy))
        wake(channels);
}

/* --- listeners ------------------------------------------------------------------------------- */

void live_channel_add(struct live_channel *channel, struct live_listener *listener) {
    struct live_numbers *numbers = channel->channels->config.numbers;
    struct live_room *room = &channel->room;
    /* In front: whatever is being told just now has got behind it, and leads to its hello. */
    LIST_INSERT_HEAD(&channel->listeners, listener, of_event);
    if (!hello(channel)) {
        ws_session_close(listener->session, WS_CLOSE_INTERNAL, "");
        return;
    }
    live_listener_send(listener, numbers, channel->hello);
    look_at_room(channel, clock_monotonic_us());
    if (channel->room_news != 0) {
        channel->room_changed = true;
        note_change(channel);
    }
    if (room->queue)
        live_listener_send(listener, numbers, room->queue);
    if (*room->text != '\0')
        live_listener_send(listener, numbers, room->message);
}

void live_channel_remove(struct live_channel *channel, struct live_listener *listener) {
    if (channel->next == listener)
        channel->next = LIST_NEXT(listener, of_event);
    LIST_REMOVE(listener, of_event);
}

static struct live_channel *channel_create(struct live_channels *channels,
                                           const struct seat_view *view, bool room_off) {
    struct live_channel *channel = calloc(1, sizeof *channel);
    struct id128 key = id128_of_u64(view->event_id);
    if (!channel || id_map_put(channels->by_event, &key, channel) != STATUS_OK) {
        free(channel);
        return NULL;
    }
    channel->channels = channels;
    channel->event_id = view->event_id;
    channel->layout = layout_keep(view->layout);
    channel->room.off = room_off;
    LIST_INIT(&channel->listeners);
    take_version(channel, view->map);
    look_at_room(channel, clock_monotonic_us());
    channel->room_news = 0; /* there is nobody to be told yet */
    TAILQ_INSERT_HEAD(&channels->by_want, channel, by_want);
    return channel;
}

struct live_channel *live_channel_hold(struct live_channels *channels, const struct seat_view *view,
                                       bool room_off) {
    struct live_channel *channel = find(channels, view->event_id);
    if (!channel)
        channel = channel_create(channels, view, room_off);
    if (channel)
        channel->references++;
    return channel;
}

void live_channel_release(struct live_channel *channel) {
    struct live_channels *channels = channel->channels;
    if (--channel->references > 0)
        return;
    struct id128 key = id128_of_u64(channel->event_id);
    ensure(id_map_remove(channels->by_event, &key) == channel);
    leave_state(channel);
    TAILQ_REMOVE(&channels->by_want, channel, by_want);
    drop_frames(channel);
    ws_frame_release(channel->hello);
    live_room_free(&channel->room);
    layout_release(channel->layout);
    free(channel);
}

uint64_t live_channel_event(const struct live_channel *channel) {
    return channel->event_id;
}

/* --- changes --------------------------------------------------------------------------------- */

void live_channels_seats_changed(struct live_channels *channels, uint64_t event_id) {
    struct live_channel *channel = find(channels, event_id);
    if (!channel)
        return;
    channel->seats_changed = true;
    note_change(channel);
}

void live_channels_room_changed(struct live_channels *channels, uint64_t event_id) {
    struct live_channel *channel = find(channels, event_id);
    if (!channel)
        return;
    channel->room_changed = true;
    note_change(channel);
}

/* Whatever changes thereby is told of. */
static void on_wanted_seats(void *context UNUSED, const struct seat_view *view UNUSED) {
}

static void on_wanted_room(void *context UNUSED, const struct room_view *view UNUSED) {
}

static bool has_room(const struct live_channel *channel, int64_t now_us) {
    struct room_view view;
    return rooms_find(channel->channels->config.rooms, channel->event_id, now_us, &view)
               ? view.phase != ROOM_OFF
               : !channel->room.off;
}

static void want(struct live_channel *channel, int64_t now_us) {
    const struct live_channels_config *config = &channel->channels->config;
    seat_maps_want(config->seat_maps, channel->event_id, channel->layout, now_us, on_wanted_seats,
                   NULL);
    if (has_room(channel, now_us))
        rooms_want(config->rooms, channel->event_id, now_us, on_wanted_room, NULL);
}

void live_channels_tick(struct live_channels *channels, int64_t now_us) {
    for (unsigned i = 0; i < LIVE_WANTS_PER_TICK; i++) {
        struct live_channel *channel = TAILQ_FIRST(&channels->by_want);
        if (!channel || now_us - channel->wanted_us < LIVE_WANT_MS * INT64_C(1000))
            return;
        channel->wanted_us = now_us;
        TAILQ_REMOVE(&channels->by_want, channel, by_want);
        TAILQ_INSERT_TAIL(&channels->by_want, channel, by_want);
        want(channel, now_us);
    }
}

/* --- life ------------------------------------------------------------------------------------ */

struct live_channels *live_channels_create(const struct live_channels_config *config) {
    struct live_channels *channels = calloc(1, sizeof *channels);
    if (!channels)
        return NULL;
    channels->config = *config;
    TAILQ_INIT(&channels->busy);
    TAILQ_INIT(&channels->resting);
    TAILQ_INIT(&channels->by_want);
    channels->by_event = id_map_create(SEAT_MAPS_MAX);
    channels->turn = evtimer_new(config->base, on_turn, channels);
    channels->rest = evtimer_new(config->base, on_rested, channels);
    if (!channels->by_event || !channels->turn || !channels->rest) {
        live_channels_destroy(channels);
        return NULL;
    }
    return channels;
}

void live_channels_destroy(struct live_channels *channels) {
    if (!channels)
        return;
    ensure(TAILQ_EMPTY(&channels->by_want));
    if (channels->turn)
        event_free(channels->turn);
    if (channels->rest)
        event_free(channels->rest);
    id_map_destroy(channels->by_event);
    free(channels);
}
