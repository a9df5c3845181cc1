/*
 * commands: what this gateway has asked the owners of partitions and waits to hear about. Pure but
 * for memory: time is passed in (monotonic µs), frames leave through `send`.
 *
 *            submit                 flush, owner known                 reply
 *   (none) ----------> DUE  ---------------------------------> SENT ---------> answered
 *                       ^  <--- 400 ms passed, new epoch ------/ |
 *                       |                                        | deadline:
 * COMMAND_OUTCOME_UNKNOWN | owner missing for 3 s, or deadline, and never sent: COMMAND_NOT_DECIDED
 *
 * A command is addressed to the owner of its partition and to that owner's epoch, and again, under
 * the same request id, until it is answered or its deadline has passed. Only one epoch decides it:
 * a refusal from a lower epoch than it has been addressed to is dropped, since the newer one may
 * accept; a success of any epoch is final. What becomes due in one turn of the loop leaves with
 * commands_flush, packed, one frame an owner.
 */
#ifndef USHER_GATEWAY_COMMANDS_H
#define USHER_GATEWAY_COMMANDS_H

#include "gateway/owners.h"

enum {
    COMMANDS_MAX = 100000,
    COMMAND_WAIT_MS =
        9800, /* leaves 200 ms of the 10 s within which a booking request is answered */
    COMMAND_REPEAT_MS = 400,
    COMMAND_OWNER_MISSING_MS = 3000,
};

enum command_outcome {
    COMMAND_ANSWERED,
    COMMAND_NOT_DECIDED,     /* it never left this process */
    COMMAND_OUTCOME_UNKNOWN, /* it was sent; whoever got it may have decided it */
};

/* Called once for every submitted command. `reply` (COMMAND_ANSWERED, else NULL) ends with the
 * call. */
typedef void command_handler(void *context, enum command_outcome outcome,
                             const struct reply *reply);

struct commands_config {
    uint64_t gateway_instance;
    const struct owners *owners;
    /* Sends a frame to a worker's instance; false when it could not leave. */
    bool (*send)(void *context, uint64_t owner_instance, const void *data, size_t size_bytes);
    /* Something is due: commands_flush is wanted at the end of this turn of the loop. */
    void (*wake)(void *context);
    void *context;
};

struct commands;

MUST_CHECK struct commands *commands_create(const struct commands_config *config);
/* What is still pending is told COMMAND_OUTCOME_UNKNOWN or COMMAND_NOT_DECIDED. NULL is allowed. */
void commands_destroy(struct commands *commands);

/* Copies the command, its patch and arrivals too; its epoch is filled in when it is sent. It waits
 * until `deadline_us` (monotonic, usually COMMAND_WAIT_MS after its request began). The handler is
 * never called before this returns. STATUS_LIMIT, STATUS_NO_MEMORY; STATUS_UNAVAILABLE: nobody has
 * owned the partition for COMMAND_OWNER_MISSING_MS. */
MUST_CHECK enum status commands_submit(struct commands *commands, const struct command *command,
                                       int64_t now_us, int64_t deadline_us,
                                       command_handler *handler, void *context);
void commands_flush(struct commands *commands, int64_t now_us);
/* Every 100 ms or so: deadlines and repeats. */
void commands_tick(struct commands *commands, int64_t now_us);
void commands_replied(struct commands *commands, const struct reply *reply);
/* `partitions`: a bit for each that has a new owner or epoch. */
void commands_owners_changed(struct commands *commands, uint64_t partitions);
size_t commands_pending(const struct commands *commands);

#endif
