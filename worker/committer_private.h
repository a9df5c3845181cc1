/*
 * committer_private: what the committer is made of, for its own files.
 *
 * committer.c       commands, batches, answers, and what goes wrong with them
 * committer_tick.c  what happens though nobody asks; how rooms stand
 */
#ifndef USHER_WORKER_COMMITTER_PRIVATE_H
#define USHER_WORKER_COMMITTER_PRIVATE_H

#include "worker/committer.h"
#include "worker/decide.h"
#include "worker/lookups.h"

/* What the batch in flight waits for. */
enum flight { FLIGHT_NONE, FLIGHT_WRITING, FLIGHT_COMMITTING, FLIGHT_UNKNOWN };

struct committer {
    struct committer_config config;
    struct link *write;
    struct shows *shows;
    struct event *pump; /* active: look for work at the end of this turn of the loop */
    struct event *tick;
    struct work_list ready;
    struct work_list redo; /* in order of arrival */
    struct lookups *lookups;
    struct batch *building;
    struct batch *in_flight;
    struct batch *spare;    /* the next one to be built; NULL: there is none */
    uint64_t newest_number; /* batches are numbered as they are begun */
    uint64_t finished_number;
    enum flight flight;
    enum work_redo in_flight_redo;
    int64_t sent_us;               /* the batch in flight */
    int64_t commit_us;             /* how long batches took lately */
    int64_t expire_alone_until_us; /* monotonic */
    struct committer_numbers numbers;
};

/* Looks for work at the end of this turn of the loop. */
void committer_wake(struct committer *committer);
/* `now_us`: monotonic. */
struct decide_moment committer_moment(const struct committer *committer, uint32_t partition,
                                      int64_t now_us);
/* The batch that decisions go to now. */
struct batch *committer_building(struct committer *committer);
void committer_on_tick(evutil_socket_t fd, short what, void *context);
/* After the seal: how the rooms of the batch stand. */
void committer_describe_rooms(const struct committer *committer, struct batch *batch);

#endif
