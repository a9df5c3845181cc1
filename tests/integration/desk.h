/*
 * desk: a gateway of the test's own. Hears who owns what, sends commands as frames to the owners,
 * repeats them until they are answered, and keeps every answer as it came.
 *
 * What a real gateway does by itself is done here when the test says so: one frame of many commands
 * (which the worker decides into one batch), a repeat, an older epoch, a deadline that is too
 * short.
 */
#ifndef USHER_TESTS_INTEGRATION_DESK_H
#define USHER_TESTS_INTEGRATION_DESK_H

#include "shared/booking.h"
#include "shared/partition.h"

#include <stddef.h>

struct desk;

enum { DESK_REPEAT_MS = 200, DESK_DEADLINE_MS = 10000 };

/* A command, and what came of it. Belongs to the desk. */
struct desk_ask {
    struct command command; /* the test fills what it wants before it is sent */
    bool answered;
    struct reply reply; /* its packed seats stay with the ask */
    uint8_t *frame;     /* the answer as a frame of its own */
    size_t frame_bytes;
    unsigned heard;        /* answers that came, WRONG_EPOCH apart */
    unsigned wrong_epochs; /* times it was told so */
    int64_t sent_ms;       /* monotonic, last */
    bool differed;         /* a later answer of the same epoch was not the same, byte by byte */
};

struct desk *desk_open(const char *nats_url, const struct id128 *installation);
void desk_close(struct desk *desk); /* NULL is allowed */

/* Who owns a partition as heard; 0: nobody. */
uint64_t desk_epoch(const struct desk *desk, uint32_t partition);
/* One turn of the loop, at most 10 ms when nothing comes. */
void desk_turn(struct desk *desk);
void desk_turn_for(struct desk *desk, int64_t pause_ms);
/* Waits until all partitions have an owner. */
void desk_wait_owners(struct desk *desk);

/* With a new request id, a new booking id, a new user, the deadline DESK_DEADLINE_MS ahead and the
 * epoch as heard last (0: when it is sent). */
struct desk_ask *desk_new(struct desk *desk, enum command_kind kind, int64_t event_id);
struct desk_ask *desk_reserve(struct desk *desk, int64_t event_id, uint32_t seat);
/* Of the same user and booking. */
struct desk_ask *desk_again(struct desk *desk, enum command_kind kind, const struct desk_ask *ask);
/* In one frame, addressed as they are; all of them to the owner of the first one's partition. */
void desk_send(struct desk *desk, struct desk_ask *const *asks, size_t count);
/* Repeats those that have waited for DESK_REPEAT_MS, addressed again when the epoch has changed. */
void desk_repeat(struct desk *desk, struct desk_ask *const *asks, size_t count);
/* Until all have their answer: repeats, and addresses again when the epoch has changed. */
void desk_settle(struct desk *desk, struct desk_ask *const *asks, size_t count, int64_t limit_ms);
/* Sends one and settles it; its answer. */
const struct reply *desk_decide(struct desk *desk, struct desk_ask *ask);

#endif
