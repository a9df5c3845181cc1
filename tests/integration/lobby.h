/*
 * lobby: where a crowd comes in. What a gateway does about waiting rooms, done by the test's hand:
 * hears news and grants of one event, and puts people of its crowd into the stream. Whoever is the
 * nth to join is person n of the crowd.
 */
#ifndef USHER_TESTS_INTEGRATION_LOBBY_H
#define USHER_TESTS_INTEGRATION_LOBBY_H

#include "tests/integration/asker.h"
#include "tests/integration/crowd.h"

#include "shared/wire.h"

struct lobby {
    struct scene *scene;
    struct asker asker;
    struct crowd *crowd; /* NULL: nothing is heard yet */
    uint64_t event_id;
    char stream[ROOM_STREAM_SIZE];
    struct room_state room;  /* as told last; event_id 0: nothing yet */
    unsigned news;           /* how often */
    struct room_grant grant; /* heard last */
    unsigned grants;
    unsigned joined;
    struct wire_person person; /* heard last of the event's people */
    unsigned people;
};

/* Hears of nothing before lobby_enter. Connected to `nats`. */
struct lobby *lobby_open(struct scene *scene, const struct nats_server *nats);
/* A teardown: of the scene as well. */
int lobby_tear_down(void **state);
/* Goes to a show of its own, whose room has these settings (JSON). */
void lobby_enter(struct lobby *lobby, const char *room);
/* One turn of the lobby's loop and of the desk's. */
void lobby_turn(struct lobby *lobby);

/* Until the room is vouched for with so many spans, for the run of NATS that the lobby is connected
 * to. */
void lobby_wait_spans(struct lobby *lobby, uint32_t spans);
/* Until news have come so many times more. */
void lobby_wait_news(struct lobby *lobby, unsigned more);
/* Until a grant has come that begins at this number (of now). */
void lobby_wait_grant(struct lobby *lobby, uint64_t from_number);

/* The next ones of the crowd join; the sequence of the last. */
uint64_t lobby_join(struct lobby *lobby, unsigned count);
/* Reports as many people from that number on; the code of the answer. */
enum reply_code lobby_report(struct lobby *lobby, uint64_t from, uint32_t count);

#endif
