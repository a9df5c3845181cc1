/*
 * joins_private: what joins are made of, for the gateway's own files.
 *
 * joins.c          what happens to them
 * joins_records.c  rooms and joins come, change their state, and go
 */
#ifndef USHER_GATEWAY_JOINS_PRIVATE_H
#define USHER_GATEWAY_JOINS_PRIVATE_H

#include "gateway/joins.h"
#include "shared/id_map.h"

#include <sys/queue.h>

enum join_state { WANTED, PUBLISHED, STORED, LOOKED_FOR, FENCED, ASKED, STATE_COUNT };

struct join {
    TAILQ_ENTRY(join) in_age; /* until it is answered */
    TAILQ_ENTRY(join) in_state;
    struct joins_room *room;
    struct id128 user;
    join_handler *handler; /* NULL: answered; what it has asked is still open */
    void *context;
    int64_t deadline_us;
    uint64_t expected_last;
    uint64_t sequence;
    uint64_t number;
    uint32_t span; /* the newest when it was published; that is whom it was vouched for */
    enum join_state state;
    bool known; /* `sequence` is of before */
    uint8_t conflicts;
};

TAILQ_HEAD(join_list, join);

/* A room with joins under way. */
struct joins_room {
    TAILQ_ENTRY(joins_room) next;
    struct joins *joins;
    uint64_t event_id;
    char stream[ROOM_STREAM_SIZE];
    struct join_list lists[STATE_COUNT]; /* FENCED: by number, those above issued_to */
    size_t count;
    size_t published;
    bool wanting; /* of rooms */
    bool looking;
    bool held; /* nothing is published before a look has shown the stream */
    bool issuing;
    uint64_t issue_asked; /* more is asked for when that is there, or with the next tick */
    uint64_t highest;     /* number that was fenced */
    uint64_t answered;    /* no higher number was answered */
    uint32_t attended;    /* this many spans were there when the owner was told last that we
                             attend to the newest, and to none older any more; 0: never */
    bool attends;         /* the owner has said yes */
    bool attend_refused;  /* it is asked again with the next tick */
};

TAILQ_HEAD(room_list, joins_room);

struct joins {
    struct joins_config config;
    struct id_map *by_event;
    struct room_list rooms;
    struct join_list by_age;
    size_t count;
    bool forgetful; /* of rooms, and what was answered there */
    int64_t now_us;
    int64_t refused_logged_us;
};

/* --- joins_records.c */

struct joins_room *joins_find_room(const struct joins *joins, uint64_t event_id);
MUST_CHECK enum status joins_make_room(struct joins *joins, uint64_t event_id,
                                       struct joins_room **made);
void joins_free_room(struct joins_room *room);
bool joins_room_is_idle(const struct joins_room *room);
/* What was answered in it is remembered as long as there is place. */
bool joins_room_is_over(const struct joins_room *room);
void join_enter(struct join *join, enum join_state state);
/* FENCED. What is issued already goes in front, in any order: old numbers come in none. The others
 * come in about their order. */
void join_enter_fenced(struct join *join, uint64_t issued_to);
void joins_enter_all(struct joins_room *room, enum join_state from, enum join_state to);
/* It is answered, and nothing it has asked is open. */
void join_free(struct join *join);

#endif
