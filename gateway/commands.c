#include "gateway/commands.h"

#include "shared/id_map.h"

#include <stdlib.h>
#include <sys/queue.h>

struct pending {
    TAILQ_ENTRY(pending) in_time;
    TAILQ_ENTRY(pending) in_state; /* in due[partition], framed or sent */
    struct command command;
    void *attached; /* what command.patch or command.arrivals points to */
    command_handler *handler;
    void *context;
    int64_t deadline_us;
    int64_t sent_us;
    uint64_t epoch_highest; /* it has been sent to */
    enum { PENDING_DUE, PENDING_FRAMED, PENDING_SENT } state;
    bool was_sent;
};

TAILQ_HEAD(pending_list, pending);

struct commands {
    struct commands_config config;
    struct id_map *by_request;
    struct pending_list by_deadline;
    struct pending_list due[PARTITION_COUNT];
    uint64_t due_partitions;    /* bit p: due[p] is not empty */
    struct pending_list sent;   /* in order of sent_us */
    struct pending_list framed; /* in the frame being built */
    struct wire_buffer frame;
};

struct commands *commands_create(const struct commands_config *config) {
    struct commands *commands = calloc(1, sizeof *commands);
    if (commands == NULL) {
        return NULL;
    }
    commands->config = *config;
    commands->by_request = id_map_create(COMMANDS_MAX);
    if (commands->by_request == NULL) {
        free(commands);
        return NULL;
    }
    TAILQ_INIT(&commands->by_deadline);
    TAILQ_INIT(&commands->sent);
    TAILQ_INIT(&commands->framed);
    for (uint32_t partition = 0; partition < PARTITION_COUNT; partition++) {
        TAILQ_INIT(&commands->due[partition]);
    }
    return commands;
}

static void leave_state(struct commands *commands, struct pending *pending) {
    uint32_t partition = pending->command.partition;
    switch (pending->state) {
    case PENDING_DUE:
        TAILQ_REMOVE(&commands->due[partition], pending, in_state);
        if (TAILQ_EMPTY(&commands->due[partition])) {
            commands->due_partitions &= ~(UINT64_C(1) << partition);
        }
        break;
    case PENDING_FRAMED:
        TAILQ_REMOVE(&commands->framed, pending, in_state);
        break;
    case PENDING_SENT:
        TAILQ_REMOVE(&commands->sent, pending, in_state);
        break;
    }
}

static void enter_due(struct commands *commands, struct pending *pending) {
    uint32_t partition = pending->command.partition;
    pending->state = PENDING_DUE;
    TAILQ_INSERT_TAIL(&commands->due[partition], pending, in_state);
    commands->due_partitions |= UINT64_C(1) << partition;
}

/* Nearly all wait equally long, so the place is near the end. */
static void enter_time(struct commands *commands, struct pending *pending) {
    struct pending *before = TAILQ_LAST(&commands->by_deadline, pending_list);
    while (before != NULL && before->deadline_us > pending->deadline_us) {
        before = TAILQ_PREV(before, pending_list, in_time);
    }
    if (before != NULL) {
        TAILQ_INSERT_AFTER(&commands->by_deadline, before, pending, in_time);
    } else {
        TAILQ_INSERT_HEAD(&commands->by_deadline, pending, in_time);
    }
}

static void finish(struct commands *commands, struct pending *pending, enum command_outcome outcome,
                   const struct reply *reply) {
    leave_state(commands, pending);
    TAILQ_REMOVE(&commands->by_deadline, pending, in_time);
    ensure(id_map_remove(commands->by_request, &pending->command.request_id) == pending);
    pending->handler(pending->context, outcome, reply);
    free(pending->attached);
    free(pending);
}

static void finish_undecided(struct commands *commands, struct pending *pending) {
    finish(commands, pending, pending->was_sent ? COMMAND_OUTCOME_UNKNOWN : COMMAND_NOT_DECIDED,
           NULL);
}

void commands_destroy(struct commands *commands) {
    if (commands == NULL) {
        return;
    }
    while (!TAILQ_EMPTY(&commands->by_deadline)) {
        finish_undecided(commands, TAILQ_FIRST(&commands->by_deadline));
    }
    id_map_destroy(commands->by_request);
    wire_buffer_free(&commands->frame);
    free(commands);
}

static bool owner_is_missing(const struct commands *commands, uint32_t partition, int64_t now_us) {
    return owners_missing_us(commands->config.owners, partition, now_us) >=
           (int64_t)COMMAND_OWNER_MISSING_MS * 1000;
}

/* What the command points to becomes its own. */
static enum status copy_attached(struct pending *pending) {
    struct command *command = &pending->command;
    if (command->patch != NULL) {
        pending->attached = strdup(command->patch);
        command->patch = pending->attached;
    } else if (command->arrival_count > 0) {
        size_t size_bytes = (size_t)command->arrival_count * ROOM_ARRIVAL_BYTES;
        pending->attached = malloc(size_bytes);
        if (pending->attached != NULL) {
            memcpy(pending->attached, command->arrivals, size_bytes);
        }
        command->arrivals = pending->attached;
    } else {
        return STATUS_OK;
    }
    return pending->attached != NULL ? STATUS_OK : STATUS_NO_MEMORY;
}

enum status commands_submit(struct commands *commands, const struct command *command,
                            int64_t now_us, int64_t deadline_us, command_handler *handler,
                            void *context) {
    if (owner_is_missing(commands, command->partition, now_us)) {
        return STATUS_UNAVAILABLE;
    }
    struct pending *pending = malloc(sizeof *pending);
    if (pending == NULL) {
        return STATUS_NO_MEMORY;
    }
    *pending = (struct pending){
        .command = *command, .handler = handler, .context = context, .deadline_us = deadline_us};
    enum status status = copy_attached(pending);
    if (status == STATUS_OK) {
        status = id_map_put(commands->by_request, &command->request_id, pending);
    }
    if (status != STATUS_OK) {
        free(pending->attached);
        free(pending);
        return status;
    }
    enter_time(commands, pending);
    enter_due(commands, pending);
    commands->config.wake(commands->config.context);
    return STATUS_OK;
}

/* What could not leave becomes due again and waits for the next tick. */
static bool send_frame(struct commands *commands, const struct owner *owner, int64_t now_us) {
    bool left = commands->frame.records > 0 && !commands->frame.failed &&
                commands->config.send(commands->config.context, owner->instance,
                                      commands->frame.data, commands->frame.size_bytes);
    while (!TAILQ_EMPTY(&commands->framed)) {
        struct pending *pending = TAILQ_FIRST(&commands->framed);
        leave_state(commands, pending);
        if (!left) {
            enter_due(commands, pending);
            continue;
        }
        pending->was_sent = true;
        pending->sent_us = now_us;
        if (pending->command.epoch > pending->epoch_highest) {
            pending->epoch_highest = pending->command.epoch;
        }
        pending->state = PENDING_SENT;
        TAILQ_INSERT_TAIL(&commands->sent, pending, in_state);
    }
    wire_commands_begin(&commands->frame, commands->config.gateway_instance);
    return left;
}

/* False when no frame can leave now. */
static bool frame_partition(struct commands *commands, uint32_t partition,
                            const struct owner *owner, int64_t now_us) {
    while (!TAILQ_EMPTY(&commands->due[partition])) {
        struct pending *pending = TAILQ_FIRST(&commands->due[partition]);
        pending->command.epoch = commands->config.owners->partitions[partition].epoch;
        if (wire_commands_add(&commands->frame, &pending->command) != STATUS_OK) {
            if (!send_frame(commands, owner, now_us)) {
                return false;
            }
            continue;
        }
        leave_state(commands, pending);
        pending->state = PENDING_FRAMED;
        TAILQ_INSERT_TAIL(&commands->framed, pending, in_state);
    }
    return true;
}

void commands_flush(struct commands *commands, int64_t now_us) {
    uint64_t left = commands->due_partitions;
    while (left != 0) {
        uint32_t first = (uint32_t)__builtin_ctzll(left);
        const struct owner *owner = owners_find(commands->config.owners, first, now_us);
        if (owner == NULL) {
            left &= left - 1;
            continue;
        }
        wire_commands_begin(&commands->frame, commands->config.gateway_instance);
        for (uint32_t partition = first; partition < PARTITION_COUNT; partition++) {
            const struct owner *other = owners_find(commands->config.owners, partition, now_us);
            if ((left >> partition & 1) == 0 || other == NULL ||
                other->instance != owner->instance) {
                continue;
            }
            left &= ~(UINT64_C(1) << partition);
            if (!frame_partition(commands, partition, owner, now_us)) {
                return;
            }
        }
        if (!TAILQ_EMPTY(&commands->framed)) {
            (void)send_frame(commands, owner, now_us);
        }
    }
}

static void give_up_ownerless(struct commands *commands, int64_t now_us) {
    for (uint64_t left = commands->due_partitions; left != 0; left &= left - 1) {
        uint32_t partition = (uint32_t)__builtin_ctzll(left);
        if (!owner_is_missing(commands, partition, now_us)) {
            continue;
        }
        struct pending *next = NULL;
        for (struct pending *pending = TAILQ_FIRST(&commands->due[partition]); pending != NULL;
             pending = next) {
            next = TAILQ_NEXT(pending, in_state);
            if (!pending->was_sent) {
                finish_undecided(commands, pending);
            }
        }
    }
}

void commands_tick(struct commands *commands, int64_t now_us) {
    struct pending *oldest = NULL;
    while ((oldest = TAILQ_FIRST(&commands->by_deadline)) != NULL &&
           oldest->deadline_us <= now_us) {
        finish_undecided(commands, oldest);
    }
    while ((oldest = TAILQ_FIRST(&commands->sent)) != NULL &&
           now_us - oldest->sent_us >= (int64_t)COMMAND_REPEAT_MS * 1000) {
        leave_state(commands, oldest);
        enter_due(commands, oldest);
    }
    give_up_ownerless(commands, now_us);
    commands_flush(commands, now_us);
}

void commands_replied(struct commands *commands, const struct reply *reply) {
    struct pending *pending = id_map_get(commands->by_request, &reply->request_id);
    if (pending == NULL) {
        return; /* answered before, or given up */
    }
    if (reply->code == REPLY_WRONG_EPOCH) {
        /* Not decided there. With a newer epoch known it is due already (commands_owners_changed);
         * without one there is nobody better to ask before the next repeat. */
        return;
    }
    if (reply->code != REPLY_OK && reply->epoch < pending->epoch_highest) {
        return;
    }
    finish(commands, pending, COMMAND_ANSWERED, reply);
}

void commands_owners_changed(struct commands *commands, uint64_t partitions) {
    struct pending *next = NULL;
    for (struct pending *pending = TAILQ_FIRST(&commands->sent); pending != NULL; pending = next) {
        next = TAILQ_NEXT(pending, in_state);
        if ((partitions >> pending->command.partition & 1) != 0) {
            leave_state(commands, pending);
            enter_due(commands, pending);
        }
    }
    if (commands->due_partitions != 0) {
        commands->config.wake(commands->config.context);
    }
}

size_t commands_pending(const struct commands *commands) {
    return id_map_count(commands->by_request);
}
