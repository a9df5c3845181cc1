/*
 * intake: commands in from the bus, answers out to the gateways.
 *
 * A command is taken when this worker owns its partition at exactly the epoch it is addressed to,
 * its deadline is ahead, and it is not under way or answered already (worker/answers.h). One
 * addressed to another epoch is told so (REPLY_WRONG_EPOCH: no decision, needs no fence). Whatever
 * can't be taken now is dropped: senders repeat.
 */
#ifndef USHER_WORKER_INTAKE_H
#define USHER_WORKER_INTAKE_H

#include "shared/bus.h"
#include "shared/clock.h"
#include "worker/partitions.h"
#include "worker/work.h"

struct intake;

enum { INTAKE_GATEWAYS_MAX = 256 };

struct intake_config {
    struct bus *bus;
    const struct id128 *installation;
    const struct partitions *partitions;
    const struct database_clock *clock;
    void (*on_work_take)(void *context, struct work *work);
    void *context;
};

MUST_CHECK struct intake *intake_create(const struct intake_config *config);
void intake_destroy(struct intake *intake);
/* Commands for this instance of the worker from now on; those for an earlier one are not heard any
 * more. */
MUST_CHECK enum status intake_listen(struct intake *intake, uint64_t instance);
void intake_stop(struct intake *intake);
/* A command of this worker's own (COMMAND_ROOM_VOUCH), complete with partition, epoch and deadline:
 * decided like any other, answered to nobody. Without memory it is dropped. */
void intake_submit_own(struct intake *intake, const struct command *command);
/* Packs work->reply for its gateway and remembers it for repeats. Sent by intake_flush. */
void intake_answer(struct intake *intake, struct work *work);
void intake_flush(struct intake *intake);
/* Once a second: forgets answers past their deadline. */
void intake_tick(struct intake *intake);
/* Commands taken and not answered yet. */
size_t intake_under_way(const struct intake *intake);

#endif
