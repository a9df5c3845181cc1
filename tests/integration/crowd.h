/*
 * crowd: people in front of a show's waiting room. The test is the gateway that reads them from the
 * stream: it reports whom it likes, when it likes. Their numbers are their places in `users`, from
 * 1.
 */
#ifndef USHER_TESTS_INTEGRATION_CROWD_H
#define USHER_TESTS_INTEGRATION_CROWD_H

#include "tests/integration/scene.h"

enum { CROWD_MAX = 2 * ROOM_REPORT_MAX };

struct crowd {
    struct scene *scene;
    int64_t show;
    struct id128 users[CROWD_MAX + 1];
    uint8_t arrivals[CROWD_MAX + 1][ROOM_ARRIVAL_BYTES];
    char server_id[ROOM_SERVER_ID_SIZE]; /* of the newest span */
    char created[ROOM_CREATED_SIZE];
    int64_t joined_us; /* of number 1; the others a millisecond apart */
};

/* A show whose room has these settings (JSON), loaded by its owner. */
struct crowd *crowd_gather(struct scene *scene, const struct stage_show *show, const char *room);
/* The same; waits until its owner has vouched for the stream. */
struct crowd *crowd_open(struct scene *scene, const struct stage_show *show, const char *room);
void crowd_close(struct crowd *crowd);
/* Waits for so many spans, and reads what the newest was vouched for. */
void crowd_wait_spans(struct crowd *crowd, int64_t count);

/* A command of the person with that number, about it. */
struct desk_ask *crowd_ask(struct crowd *crowd, enum command_kind kind, uint64_t number);
/* Sends it: the code of the answer. */
enum reply_code crowd_decide(struct crowd *crowd, enum command_kind kind, uint64_t number);
struct desk_ask *crowd_report(struct crowd *crowd, uint64_t from, uint32_t count);
/* The person reserves with a pass for their number. */
struct desk_ask *crowd_reserve(struct crowd *crowd, uint64_t number, uint32_t seat);
/* Reports from `from` on, again and again until the door takes it. */
void crowd_admit(struct crowd *crowd, uint64_t from, uint32_t count);
/* … and they claim. */
void crowd_admit_and_claim(struct crowd *crowd, uint64_t from, uint32_t count);

/* PATCH /admin/events/{id} with this body, checked as a gateway does. */
enum reply_code crowd_patch(struct crowd *crowd, const char *json);

/* As stored: TURN_NONE when there is no such row. */
enum turn_state crowd_stored(struct crowd *crowd, uint64_t number);
void crowd_wait_stored(struct crowd *crowd, uint64_t number, enum turn_state state,
                       int64_t limit_ms);
/* A number out of the room's row: "admitted_to" …; 0 when there is none. */
int64_t crowd_record(struct crowd *crowd, const char *column);
/* What must hold of the stored rows of every room. */
void crowd_expect_sound_rooms(struct stage *stage);

#endif
