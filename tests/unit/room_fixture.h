/*
 * room_fixture: the engine of a waiting room with a few people before its door. Everybody joins in
 * the order ann, bob, carl …; 600 are admitted a minute, one every 100 ms. Time is moved by hand.
 */
#ifndef USHER_TESTS_UNIT_ROOM_FIXTURE_H
#define USHER_TESTS_UNIT_ROOM_FIXTURE_H

#include "worker/engine/room.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { EVENT = 17, CLAIM_MS = 120000, PASS_MS = 600000, PEOPLE = 6, WAITING_LIMIT = 4 };

/* Users 1, 2, …: their first numbers are the same. */
#define USER(n) ((struct id128){{[15] = (n)}})

struct stage {
    struct room_settings settings; /* of the room, at first */
    struct room *room;
    struct show_time time;
    struct room_facts facts;
    struct reply reply;
    struct room_changes changes;
};

/* Fixtures of a test. A room that is vouched for, six in its stream, and everybody answered; nobody
 * was called. At the end its invariants hold. */
int set_up(void **state);
int tear_down(void **state);

void pass_ms(struct stage *stage, int64_t passed_ms);
/* Time passes while the pace is kept; what comes of sweeps is in the room. */
void keep_pace(struct stage *stage, int64_t passed_ms);
enum reply_code decide(struct stage *stage, const struct command *command);
enum reply_code ask(struct stage *stage, enum command_kind kind, uint8_t user, uint64_t number);
enum reply_code vouch(struct stage *stage, const char *server_id, const char *created,
                      uint64_t sequence);
/* Users first_user, first_user + 1, … are read from number `from` on. */
enum reply_code report(struct stage *stage, uint64_t from, uint8_t first_user, uint32_t count);
/* The owner sees the stream. */
void look(struct stage *stage, uint64_t last_sequence);

#endif
