/*
 * gateway_live_stage: live connections on the server of http_fixture, with seat maps and rooms
 * whose owner the test plays. /live and /other watch two events; clients are ws_clients on the
 * fixture's loop.
 */
#ifndef USHER_TESTS_UNIT_GATEWAY_LIVE_STAGE_H
#define USHER_TESTS_UNIT_GATEWAY_LIVE_STAGE_H

#include "gateway/live.h"
#include "tests/support/ws_client.h"
#include "tests/unit/http_fixture.h"

#include <jansson.h>

enum { LIVE_STAGE_EVENT = 7, LIVE_STAGE_OTHER = 8, LIVE_STAGE_SEATS = 8 };

struct live_stage {
    struct fixture *fixture;
    struct layout *layout;
    struct seat_maps *maps;
    struct rooms *rooms;
    struct live *live;
    struct cors *cors;
    struct client_address address; /* of everybody who comes */
    bool room_off;                 /* says the catalogue */
    uint64_t instance;             /* the owner's */
    uint64_t version;              /* of the seats of LIVE_STAGE_EVENT, as told */
    enum seat_state seats[LIVE_STAGE_SEATS];
    struct room_state room;
    unsigned asked_people;
    unsigned asked_seats;
    unsigned wanted_rooms;
    int64_t unix_us;
    int64_t expires_us; /* of good tokens */
};

/* NULL: places for everybody. */
struct live_stage *live_stage_create(const struct live_places_config *places);
void live_stage_destroy(struct live_stage *stage);

struct ws_client *live_stage_client(struct live_stage *stage, const char *path);
/* Open, with hello and, the room being off, the queue's state received. */
struct ws_client *live_stage_listener(struct live_stage *stage, const char *path);

/* The owner changes a seat, and tells; sent when the loop turns. */
void live_stage_change(struct live_stage *stage, uint32_t seat, enum seat_state state);
/* The owner's answer to a question for the whole map. */
void live_stage_snapshot(struct live_stage *stage);
/* The owner tells `stage->room`. */
void live_stage_tell_room(struct live_stage *stage);
void live_stage_tell_person(struct live_stage *stage, const struct wire_person *person);

/* The user whose token is this one letter. */
struct id128 live_stage_user(char letter);
/* The next frame: a text with a JSON object, the caller's, whose "type" is this. */
json_t *live_stage_receive(struct ws_client *client, const char *type);
/* The same, of which nothing more is asked. */
void live_stage_expect(struct ws_client *client, const char *type);
/* Member of the object. */
int64_t live_stage_number(const json_t *message, const char *name);
const char *live_stage_text(const json_t *message, const char *name);

#endif
