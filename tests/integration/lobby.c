#include "tests/integration/lobby.h"
#include "tests/support/expect.h"
#include "tests/support/wait.h"

#include <stdio.h>
#include <stdlib.h>

enum { LIMIT_MS = 20000, SEATS = 500 };

/* --- hearing */

static void on_rooms(void *context, const char *subject, const uint8_t *data, size_t size_bytes) {
    (void)subject;
    struct lobby *lobby = context;
    struct wire_reader reader;
    struct room_state room;
    expect(wire_rooms_open(&reader, data, size_bytes) == STATUS_OK, "rooms can't be read");
    while (wire_rooms_next(&reader, &room)) {
        if (room.event_id != lobby->event_id)
            continue;
        lobby->room = room;
        lobby->news++;
    }
}

static void on_grant(void *context, const struct bus_message *message) {
    struct lobby *lobby = context;
    struct room_grant grant;
    expect(wire_grant_decode(&grant, message->data, message->size_bytes) == STATUS_OK,
           "a grant can't be read");
    if (grant.event_id != lobby->event_id)
        return;
    lobby->grant = grant;
    lobby->grants++;
}

static void on_people(void *context, const char *subject, const uint8_t *data, size_t size_bytes) {
    (void)subject;
    struct lobby *lobby = context;
    struct wire_reader reader;
    struct wire_person person;
    expect(wire_people_open(&reader, data, size_bytes) == STATUS_OK, "people can't be read");
    while (wire_people_next(&reader, &person)) {
        if (person.event_id != lobby->event_id)
            continue;
        lobby->person = person;
        lobby->people++;
    }
}

/* --- opening, closing, turning */

struct lobby *lobby_open(struct scene *scene, const struct nats_server *nats) {
    struct lobby *lobby = calloc(1, sizeof *lobby);
    ensure(lobby != NULL);
    lobby->scene = scene;
    char url[SERVER_URL_SIZE], rooms[WIRE_SUBJECT_SIZE], grants[WIRE_SUBJECT_SIZE],
        people[WIRE_SUBJECT_SIZE];
    nats_url(nats, url);
    asker_open_connected(&lobby->asker, url);
    const struct id128 *installation = &scene->stage->installation;
    wire_subject_rooms(rooms, installation);
    wire_subject_grants(grants, installation);
    wire_subject_people(people, installation);
    struct bus *bus = lobby->asker.bus;
    expect(bus_subscribe(bus, rooms, on_rooms, lobby) == STATUS_OK &&
               bus_subscribe(bus, people, on_people, lobby) == STATUS_OK &&
               bus_subscribe_messages(bus, grants, "door", on_grant, lobby) == STATUS_OK,
           "can't subscribe");
    return lobby;
}

int lobby_tear_down(void **state) {
    struct lobby *lobby = *state;
    if (lobby == NULL)
        return 0;
    void *scene = lobby->scene;
    asker_close(&lobby->asker);
    crowd_close(lobby->crowd);
    free(lobby);
    *state = NULL;
    return scene_tear_down(&scene);
}

void lobby_enter(struct lobby *lobby, const char *room) {
    crowd_close(lobby->crowd);
    lobby->crowd = crowd_gather(lobby->scene, &(struct stage_show){.seats = SEATS}, room);
    lobby->event_id = (uint64_t)lobby->crowd->show;
    lobby->room = (struct room_state){0};
    lobby->grant = (struct room_grant){0};
    lobby->news = lobby->grants = lobby->people = lobby->joined = 0;
    room_stream_name(lobby->stream, &lobby->scene->stage->installation, lobby->event_id);
}

void lobby_turn(struct lobby *lobby) {
    asker_turn(&lobby->asker);
    desk_turn(lobby->scene->desk);
}

/* --- waiting */

void lobby_wait_spans(struct lobby *lobby, uint32_t spans) {
    struct wait wait = wait_at_most(LIMIT_MS);
    while (lobby->room.line.count != spans ||
           strcmp(lobby->room.server_id, bus_server_id(lobby->asker.bus)) != 0) {
        expect(!wait_is_over(&wait), "%u spans, of run '%s'; wanted %u of '%s'",
               lobby->room.line.count, lobby->room.server_id, spans,
               bus_server_id(lobby->asker.bus));
        lobby_turn(lobby);
    }
    crowd_wait_spans(lobby->crowd, spans);
}

void lobby_wait_news(struct lobby *lobby, unsigned more) {
    struct wait wait = wait_at_most(LIMIT_MS);
    unsigned wanted = lobby->news + more;
    while (lobby->news < wanted) {
        expect(!wait_is_over(&wait), "no news of the room");
        lobby_turn(lobby);
    }
}

void lobby_wait_grant(struct lobby *lobby, uint64_t from_number) {
    struct wait wait = wait_at_most(LIMIT_MS);
    lobby->grant = (struct room_grant){0};
    while (lobby->grant.from_number != from_number) {
        expect(!wait_is_over(&wait), "no grant from %llu on, the last one is from %llu",
               (unsigned long long)from_number, (unsigned long long)lobby->grant.from_number);
        lobby_turn(lobby);
    }
}

/* --- people */

uint64_t lobby_join(struct lobby *lobby, unsigned count) {
    struct asked asked = {0};
    char span[12];
    (void)snprintf(span, sizeof span, "%u", lobby->room.line.count - 1);
    for (unsigned i = 0; i < count; i++) {
        char subject[ROOM_SUBJECT_SIZE];
        room_subject(subject, &lobby->scene->stage->installation, lobby->event_id,
                     &lobby->crowd->users[++lobby->joined]);
        asked = asker_publish(&lobby->asker, lobby->stream, subject, 0, span);
        expect(asked.outcome == JETSTREAM_DONE, "person %u can't join: %s %s", lobby->joined,
               jetstream_outcome_text(asked.outcome), asked.error);
    }
    return asked.sequence;
}

enum reply_code lobby_report(struct lobby *lobby, uint64_t from, uint32_t count) {
    return desk_decide(lobby->scene->desk, crowd_report(lobby->crowd, from, count))->code;
}
