#include "tests/unit/gateway_live_stage.h"

#include "gateway/ws/handshake.h"
#include "shared/clock.h"
#include "tests/support/expect.h"

#include <stdio.h>

/* --- the gateway's parts --------------------------------------------------------------------- */

static struct layout *make_layout(void) {
    static const char *const ids[LIVE_STAGE_SEATS] = {"A1", "A2", "A3", "A4",
                                                      "B1", "B2", "B3", "B\"4"};
    static const struct layout_section section = {
        .name = "", .category = "x", .seat_count = LIVE_STAGE_SEATS};
    struct layout *layout = NULL;
    struct text text = {0};
    text_put(&text, "{}");
    struct body *body = body_create_take(&text, NULL);
    ensure(body &&
           layout_create(1, &section, 1, ids, LIVE_STAGE_SEATS, body, &layout) == STATUS_OK);
    return layout;
}

static void count_ask(void *context, uint64_t event_id UNUSED) {
    ((struct live_stage *)context)->asked_seats++;
}

static void never_read(void *context UNUSED, uint64_t event_id UNUSED) {
}

static void seats_changed(void *context, uint64_t event_id) {
    live_seats_changed(((struct live_stage *)context)->live, event_id);
}

static void room_changed(void *context, const struct room_view *view) {
    live_room_changed(((struct live_stage *)context)->live, view->state->event_id);
}

static void count_want(void *context, uint64_t event_id UNUSED) {
    ((struct live_stage *)context)->wanted_rooms++;
}

static int64_t tell_time(void *context, int64_t monotonic_us UNUSED) {
    return ((struct live_stage *)context)->unix_us;
}

static void count_ask_people(void *context) {
    ((struct live_stage *)context)->asked_people++;
}

/* Tokens are one letter; "?" can't be judged. */
static enum status verify(void *context, const char *token, struct session *session) {
    struct live_stage *stage = context;
    *session = (struct session){.user = live_stage_user(*token), .expires_us = stage->expires_us};
    if (strcmp(token, "?") == 0)
        return STATUS_UNAVAILABLE;
    return strlen(token) == 1 ? STATUS_OK : STATUS_INVALID;
}

struct id128 live_stage_user(char letter) {
    struct id128 user;
    memset(user.bytes, letter, sizeof user.bytes);
    return user;
}

static void on_request(void *context, struct http_request *request) {
    struct live_stage *stage = ((struct fixture *)context)->user;
    const struct ws_origins origins = {.public_url = "", .cors = stage->cors};
    bool is_other = strcmp(http_request_path(request), "/other") == 0;
    struct live_listener *listener;
    struct seat_view view;
    ensure(seat_maps_find(stage->maps, is_other ? LIVE_STAGE_OTHER : LIVE_STAGE_EVENT, &view));
    if (!ws_handshake_check(request, &origins))
        return;
    if (live_ask(stage->live, &stage->address) != LIVE_NOT_REFUSED ||
        live_listener_create(stage->live, &view, stage->room_off, &stage->address, &listener) !=
            LIVE_NOT_REFUSED) {
        http_respond(request, 503, NULL, NULL, 0);
        return;
    }
    ws_handshake_accept(request, live_take_over, listener);
}

static void ignore_map(void *context UNUSED, const struct seat_view *view UNUSED) {
}

static void snapshot_of(struct live_stage *stage, uint64_t event_id) {
    uint8_t packed[(LIVE_STAGE_SEATS + 3) / 4] = {0};
    for (uint32_t seat = 0; event_id == LIVE_STAGE_EVENT && seat < LIVE_STAGE_SEATS; seat++)
        packed_seats_set(packed, seat, stage->seats[seat]);
    const struct reply reply = {.code = REPLY_OK,
                                .epoch = 1,
                                .instance = stage->instance,
                                .seats_version = stage->version,
                                .packed_seat_count = LIVE_STAGE_SEATS,
                                .packed_seats = packed};
    seat_maps_snapshot(stage->maps, event_id, &reply, clock_monotonic_us());
}

void live_stage_snapshot(struct live_stage *stage) {
    snapshot_of(stage, LIVE_STAGE_EVENT);
}

static void make_maps(struct live_stage *stage) {
    const struct seat_maps_config maps = {
        .ask = count_ask, .read = never_read, .on_change = seats_changed, .context = stage};
    const struct rooms_config rooms = {.unix_us = tell_time,
                                       .ask = count_want,
                                       .read = never_read,
                                       .on_change = room_changed,
                                       .context = stage};
    stage->layout = make_layout();
    stage->maps = seat_maps_create(&maps);
    stage->rooms = rooms_create(&rooms);
    ensure(stage->maps && stage->rooms);
}

static void make_live(struct live_stage *stage, const struct live_places_config *places) {
    struct live_config live = {.base = stage->fixture->base,
                               .seat_maps = stage->maps,
                               .rooms = stage->rooms,
                               .places = {.connections_max = 100000, .per_address = 100000},
                               .ping_ms = 60000,
                               .unix_us = tell_time,
                               .verify = verify,
                               .ask_people = count_ask_people,
                               .context = stage};
    if (places)
        live.places = *places;
    stage->live = live_create(&live);
    ensure(stage->live);
}

struct live_stage *live_stage_create(const struct live_places_config *places) {
    static const uint64_t events[] = {LIVE_STAGE_EVENT, LIVE_STAGE_OTHER};
    struct http_server_config http = fixture_config();
    struct live_stage *stage = calloc(1, sizeof *stage);
    ensure(stage);
    http.on_request = on_request;
    http.connections_max = 100000;
    stage->fixture = fixture_create(&http);
    stage->fixture->user = stage;
    stage->cors = cors_create("");
    stage->room_off = true;
    stage->address.exempt = true;
    stage->instance = 0xabc;
    stage->version = 1;
    stage->unix_us = INT64_C(1800000000) * 1000000;
    stage->expires_us = stage->unix_us + 1;
    stage->room = (struct room_state){.event_id = LIVE_STAGE_EVENT,
                                      .partition = partition_of_event(LIVE_STAGE_EVENT),
                                      .instance = 11,
                                      .epoch = 5,
                                      .sale = {.state = SHOW_OPEN},
                                      .updated_us = stage->unix_us};
    room_settings_default(&stage->room.settings);
    stage->room.settings.mode = ROOM_MODE_OPEN;
    make_maps(stage);
    make_live(stage, places);
    for (size_t i = 0; i < ARRAY_LEN(events); i++) {
        seat_maps_want(stage->maps, events[i], stage->layout, clock_monotonic_us(), ignore_map,
                       NULL);
        snapshot_of(stage, events[i]);
    }
    return stage;
}

void live_stage_destroy(struct live_stage *stage) {
    live_close(stage->live);
    fixture_destroy(stage->fixture);
    live_destroy(stage->live);
    seat_maps_destroy(stage->maps);
    rooms_destroy(stage->rooms);
    cors_destroy(stage->cors);
    layout_release(stage->layout);
    free(stage);
}

/* --- clients --------------------------------------------------------------------------------- */

struct ws_client *live_stage_client(struct live_stage *stage, const char *path) {
    const struct ws_client_config config = {.base = stage->fixture->base,
                                            .port = http_server_port(stage->fixture->server),
                                            .path = path,
                                            .unchecked = true};
    return ws_client_create(&config);
}

struct ws_client *live_stage_listener(struct live_stage *stage, const char *path) {
    struct ws_client *client = live_stage_client(stage, path);
    ws_client_wait_open(client);
    live_stage_expect(client, "hello");
    live_stage_expect(client, "queue");
    return client;
}

json_t *live_stage_receive(struct ws_client *client, const char *type) {
    const struct ws_client_frame *frame = ws_client_receive(client);
    expect(frame && frame->first == WS_TEXT, "no text instead of '%s'", type);
    json_t *message = json_loads(frame->payload, JSON_REJECT_DUPLICATES, NULL);
    expect(message, "no JSON: %s", frame->payload);
    expect(strcmp(live_stage_text(message, "type"), type) == 0, "'%s' instead of '%s'",
           frame->payload, type);
    return message;
}

void live_stage_expect(struct ws_client *client, const char *type) {
    json_decref(live_stage_receive(client, type));
}

int64_t live_stage_number(const json_t *message, const char *name) {
    const json_t *member = json_object_get(message, name);
    expect(json_is_integer(member), "no number: %s", name);
    return json_integer_value(member);
}

const char *live_stage_text(const json_t *message, const char *name) {
    const char *text = json_string_value(json_object_get(message, name));
    expect(text, "no text: %s", name);
    return text;
}

/* --- the owner ------------------------------------------------------------------------------- */

void live_stage_change(struct live_stage *stage, uint32_t seat, enum seat_state state) {
    struct wire_buffer buffer = {0};
    const struct wire_seats head = {.event_id = LIVE_STAGE_EVENT,
                                    .partition = partition_of_event(LIVE_STAGE_EVENT),
                                    .instance = stage->instance,
                                    .epoch = 1,
                                    .from = stage->version,
                                    .version = stage->version + 1,
                                    .change_count = 1};
    const struct wire_seat_change change = {.seat = seat, .state = state};
    stage->seats[seat] = state;
    stage->version++;
    wire_seats_begin(&buffer);
    ensure(wire_seats_add(&buffer, &head, &change) == STATUS_OK);
    ensure(seat_maps_news(stage->maps, buffer.data, buffer.size_bytes, clock_monotonic_us()) ==
           STATUS_OK);
    wire_buffer_free(&buffer);
}

void live_stage_tell_room(struct live_stage *stage) {
    struct wire_buffer buffer = {0};
    wire_rooms_begin(&buffer);
    ensure(wire_rooms_add(&buffer, &stage->room) == STATUS_OK);
    ensure(rooms_news(stage->rooms, buffer.data, buffer.size_bytes, clock_monotonic_us()) ==
           STATUS_OK);
    wire_buffer_free(&buffer);
}

void live_stage_tell_person(struct live_stage *stage, const struct wire_person *person) {
    struct wire_buffer buffer = {0};
    wire_people_begin(&buffer);
    ensure(wire_people_add(&buffer, person) == STATUS_OK);
    ensure(live_take_people(stage->live, buffer.data, buffer.size_bytes) == STATUS_OK);
    wire_buffer_free(&buffer);
}
