/*
 * numbers: what a worker counts, and how it tells it as metrics (shared/metrics.h).
 */
#ifndef USHER_WORKER_NUMBERS_H
#define USHER_WORKER_NUMBERS_H

#include "shared/booking.h"
#include "shared/metrics.h"

#define NUMBERS_KINDS (COMMAND_KIND_LAST + 1)

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
};

/* As ops_writer says. */
int numbers_write(const struct worker_numbers *numbers, char *text, size_t size_bytes);
void numbers_print_markdown(FILE *out);

#endif
