/*
 * numbers: what a worker counts, and how it tells it as metrics (shared/metrics.h).
 */
#ifndef USHER_WORKER_NUMBERS_H
#define USHER_WORKER_NUMBERS_H

#include "shared/booking.h"
#include "shared/metrics.h"

#define NUMBERS_KINDS (COMMAND_KIND_LAST + 1)

enum { ROOMS_SHOWN_MAX = 100 };

/* Counted by the committer. */
struct committer_numbers {
    uint64_t batches;
    uint64_t commands;
    uint64_t commits;
    uint64_t redone;
    uint64_t poisoned;
    uint64_t results[NUMBERS_KINDS][REPLY_CODE_COUNT];
    struct metrics_histogram batch_commands;
    struct metrics_histogram commit_us; /* of batches with changes: sent until committed */
};

/* Of the waiting rooms (worker/rooms.h). */
struct room_numbers {
    uint64_t turns[TURN_STATE_LAST + 1]; /* stored turns that became this */
    uint64_t vouches;
    uint64_t grants;
    uint64_t looks_failed;
    uint64_t watched; /* rooms there are now */
    uint64_t waiting; /* people in them */
    size_t shown;     /* rooms that are told one by one: those with most people waiting, in order */
    struct {
        const struct room_state *state;
        uint64_t depth;
    } rooms[ROOMS_SHOWN_MAX];
};

/* How things stand when somebody asks. */
struct worker_numbers {
    const struct committer_numbers *committer;
    uint64_t partitions_owned;
    uint64_t shows;
    uint64_t show_bytes;
    uint64_t open_holds;
    uint64_t under_way;
    uint64_t alive;
    uint64_t writing;
    uint64_t bus_up;
    uint64_t bus_dropped;
    struct room_numbers rooms;
};

/* As ops_writer says. */
int numbers_write(const struct worker_numbers *numbers, char *text, size_t size_bytes);
void numbers_print_markdown(FILE *out);

#endif
