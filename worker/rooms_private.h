/*
 * rooms' inside: the state that rooms.c (which rooms are watched, grants, news) and room_looks.c
 * (streams) share. Nobody else includes it.
 */
#ifndef USHER_WORKER_ROOMS_PRIVATE_H
#define USHER_WORKER_ROOMS_PRIVATE_H

#include "shared/jetstream.h"
#include "shared/wire.h"
#include "worker/room_news.h"
#include "worker/rooms.h"

#include <sys/queue.h>

/* A room that is watched. */
struct watch {
    TAILQ_ENTRY(watch) link;
    struct rooms *rooms;
    uint64_t event_id;
    uint32_t partition;
    bool gone; /* not watched any more; the end of its look frees it */

    bool looking;           /* a look, or what follows from it, is under way: one at a time */
    uint64_t run;           /* of the bus, when it began */
    int64_t look_us;        /* monotonic: when the next one is due */
    bool seen;              /* the last one found the stream that is vouched for */
    uint32_t submitted;     /* vouches, since one was stored or was not needed */
    uint64_t last_sequence; /* of the stream vouched for, when last looked at */
    uint64_t next_sequence; /* of who is next, and when that one joined: 0 not known */
    int64_t next_joined_us;
    uint32_t spans; /* of the line as told last */
    bool sold_out;  /* likewise */

    struct room_grant grant; /* sent last; count 0: none */
    int64_t granted_us;      /* monotonic */
};

/* Trouble that is logged once every ROOMS_COMPLAIN_MS, whichever room has it. */
enum complaint {
    COMPLAINT_UNSAFE,
    COMPLAINT_NOT_MADE,
    COMPLAINT_NOT_SEEN,
    COMPLAINT_NOT_VOUCHED,
    COMPLAINT_COUNT
};

TAILQ_HEAD(watch_list, watch);

struct rooms {
    struct rooms_config config;
    struct jetstream *jetstream;
    struct room_news *news;
    struct event *tick;
    char grants_subject[WIRE_SUBJECT_SIZE];
    struct wire_buffer grant;
    struct shows *shows;       /* NULL: no instance */
    struct id_map *by_event;   /* event -> watch */
    struct watch_list watches; /* whose look began longest ago first */
    uint32_t looks_under_way;
    int64_t complained_us[COMPLAINT_COUNT]; /* monotonic */
    struct room_numbers numbers;            /* what is counted */
};

/* --- rooms.c */

/* Its show, when it is ours to decide for; else NULL. */
struct show_entry *watch_entry(const struct watch *watch);
/* Publishes what its room grants, if that has to be told now. */
void watch_grant(struct watch *watch);
void watch_free(struct watch *watch);

/* --- room_looks.c */

/* Begins the look at a room's stream, if that is due, possible, and not too many are under way. */
void room_look(struct watch *watch, int64_t now_us);

#endif
