#include "gateway/live.h"

#include "gateway/live_channels.h"
#include "gateway/live_frames.h"
#include "shared/clock.h"
#include "shared/ids.h"

#include <jansson.h>
#include <stdlib.h>

struct live {
    struct live_config config;
    struct live_numbers numbers;
    struct ws_sessions *sessions;
    struct live_places *places;
    struct live_channels *channels;
    struct live_people *people;
};

/* --- what they say --------------------------------------------------------------------------- */

static void put_off(struct live_listener *listener, const char *why) {
    listener->is_put_off = true;
    ws_session_close(listener->session, WS_CLOSE_TRY_LATER, why);
}

static void answer_auth(struct live *live, struct live_listener *listener,
                        const struct session *session) {
    struct ws_frame *frame = live_frame_auth(&live->numbers, &session->user);
    if (!frame || live_people_know(live->people, listener, session, clock_monotonic_us())) {
        put_off(listener, "no room");
    } else {
        live_listener_send(listener, &live->numbers, frame);
    }
    ws_frame_release(frame);
}

static void take_auth(struct live *live, struct live_listener *listener, const char *token) {
    struct session session;
    enum status status =
        token ? live->config.verify(live->config.context, token, &session) : STATUS_INVALID;
    if (status == STATUS_OK)
        answer_auth(live, listener, &session);
    else if (status == STATUS_UNAVAILABLE)
        put_off(listener, "tokens can't be checked now");
    else
        ws_session_close(listener->session, WS_CLOSE_POLICY, "the token is not good");
}

static bool may_speak(struct live_listener *listener) {
    static const struct limit limit = {.rate = LIVE_TEXTS_PER_SECOND, .burst = LIVE_TEXTS_BURST};
    return limit_take(&limit, &listener->texts_full_ns, clock_monotonic_us()) == 0;
}

static void on_text(void *context, struct ws_session *session, const char *text,
                    size_t size_bytes) {
    struct live_listener *listener = context;
    if (!may_speak(listener)) {
        ws_session_close(session, WS_CLOSE_POLICY, "too many messages");
        return;
    }
    json_t *message = json_loadb(text, size_bytes, JSON_DECODE_ANY, NULL);
    const char *type = json_string_value(json_object_get(message, "type"));
    if (!message)
        ws_session_close(session, WS_CLOSE_POLICY, "this is no JSON");
    else if (type && strcmp(type, "auth") == 0)
        take_auth(listener->live, listener, json_string_value(json_object_get(message, "token")));
    json_decref(message);
}

/* --- coming and going ------------------------------------------------------------------------ */

static void listener_free(struct live_listener *listener) {
    struct live *live = listener->live;
    live_people_forget(live->people, listener);
    live_channel_release(listener->channel);
    live_places_leave(live->places, listener->address);
    free(listener);
}

static void on_closed(void *context, struct ws_session *session UNUSED, uint16_t code) {
    struct live_listener *listener = context;
    listener->live->numbers.slow_closed += code == WS_CLOSE_TRY_LATER && !listener->is_put_off;
    live_channel_remove(listener->channel, listener);
    listener_free(listener);
}

enum live_refusal live_ask(struct live *live, const struct client_address *address) {
    enum live_refusal refusal = live_places_ask(live->places, address, clock_monotonic_us());
    live->numbers.refused[refusal]++;
    return refusal;
}

static enum live_refusal create(struct live *live, const struct seat_view *view, bool room_off,
                                const struct client_address *address,
                                struct live_listener *listener) {
    enum live_refusal refusal = live_places_take(live->places, address, &listener->address);
    if (refusal != LIVE_NOT_REFUSED)
        return refusal;
    listener->live = live;
    listener->channel = live_channel_hold(live->channels, view, room_off);
    if (!listener->channel) {
        live_places_leave(live->places, listener->address);
        return LIVE_FULL;
    }
    return LIVE_NOT_REFUSED;
}

enum live_refusal live_listener_create(struct live *live, const struct seat_view *view,
                                       bool room_off, const struct client_address *address,
                                       struct live_listener **listener) {
    *listener = calloc(1, sizeof **listener);
    enum live_refusal refusal =
        *listener ? create(live, view, room_off, address, *listener) : LIVE_FULL;
    if (refusal != LIVE_NOT_REFUSED) {
        free(*listener);
        *listener = NULL;
        live->numbers.refused[refusal]++;
    }
    return refusal;
}

void live_take_over(void *context, const struct http_taken *taken) {
    struct live_listener *listener = context;
    if (taken)
        listener->session = ws_session_open(listener->live->sessions, taken, listener);
    if (listener->session)
        live_channel_add(listener->channel, listener);
    else
        listener_free(listener);
}

uint32_t live_retry_seconds(void) {
    return 1 + id128_random().bytes[0] % LIVE_RETRY_MAX_SECONDS;
}

/* --- news ------------------------------------------------------------------------------------ */

void live_seats_changed(struct live *live, uint64_t event_id) {
    live_channels_seats_changed(live->channels, event_id);
}

void live_room_changed(struct live *live, uint64_t event_id) {
    live_channels_room_changed(live->channels, event_id);
}

enum status live_take_people(struct live *live, const void *data, size_t size_bytes) {
    return live_people_news(live->people, data, size_bytes);
}

void live_tick(struct live *live, int64_t now_us) {
    live_channels_tick(live->channels, now_us);
    live_people_tick(live->people, now_us, live->config.unix_us(live->config.context, now_us));
}

uint32_t live_connections(const struct live *live) {
    return ws_sessions_count(live->sessions);
}

const struct live_numbers *live_numbers(const struct live *live) {
    return &live->numbers;
}

/* --- life ------------------------------------------------------------------------------------ */

struct live *live_create(const struct live_config *config) {
    struct live *live = calloc(1, sizeof *live);
    if (!live)
        return NULL;
    live->config = *config;
    const struct ws_sessions_config sessions = {.ping_ms = config->ping_ms,
                                                .close_ms = WS_CLOSE_MS,
                                                .on_text = on_text,
                                                .on_closed = on_closed};
    const struct live_channels_config channels = {.base = config->base,
                                                  .seat_maps = config->seat_maps,
                                                  .rooms = config->rooms,
                                                  .numbers = &live->numbers,
                                                  .unix_us = config->unix_us,
                                                  .context = config->context};
    const struct live_people_config people = {.base = config->base,
                                              .numbers = &live->numbers,
                                              .ask = config->ask_people,
                                              .context = config->context};
    live->sessions = ws_sessions_create(config->base, &sessions);
    live->places = live_places_create(&config->places);
    live->channels = live_channels_create(&channels);
    live->people = live_people_create(&people);
    if (!live->sessions || !live->places || !live->channels || !live->people) {
        live_close(live);
        live_destroy(live);
        return NULL;
    }
    return live;
}

void live_drain(struct live *live) {
    ws_sessions_drain(live->sessions);
}

void live_close(struct live *live) {
    if (!live)
        return;
    ws_sessions_destroy(live->sessions);
    live->sessions = NULL;
}

void live_destroy(struct live *live) {
    if (!live)
        return;
    live_people_destroy(live->people);
    live_channels_destroy(live->channels);
    live_places_destroy(live->places);
    free(live);
}
