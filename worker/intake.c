#include "worker/intake.h"

#include "shared/failpoint.h"
#include "shared/ids.h"
#include "shared/log.h"
#include "shared/wire.h"
#include "worker/answers.h"

#include <stdlib.h>

struct outbox {
    uint64_t gateway; /* 0: unused */
    uint64_t used;    /* number of its last use */
    struct wire_buffer buffer;
};

struct intake {
    struct intake_config config;
    struct work_pool *works;
    struct answers *answers;
    uint64_t instance;
    uint64_t arrivals;
    uint64_t uses;
    struct outbox outboxes[INTAKE_GATEWAYS_MAX];
};

struct intake *intake_create(const struct intake_config *config) {
    struct intake *intake = calloc(1, sizeof *intake);
    if (!intake)
        return NULL;
    intake->config = *config;
    intake->works = work_pool_create();
    intake->answers = answers_create();
    if (!intake->works || !intake->answers) {
        intake_destroy(intake);
        return NULL;
    }
    return intake;
}

void intake_destroy(struct intake *intake) {
    if (!intake)
        return;
    answers_destroy(intake->answers);
    for (size_t i = 0; i < INTAKE_GATEWAYS_MAX; i++)
        wire_buffer_free(&intake->outboxes[i].buffer);
    work_pool_destroy(intake->works);
    free(intake);
}

static void publish(struct intake *intake, uint64_t gateway, const void *data, size_t size_bytes) {
    char subject[WIRE_SUBJECT_SIZE];
    wire_subject_gateway(subject, intake->config.installation, gateway);
    enum status status = bus_publish(intake->config.bus, subject, data, size_bytes);
    if (status != STATUS_OK)
        log_write(LOG_DEBUG, "answer-not-sent", "Answers could not be sent; gateways ask again.",
                  LOG_TEXT("reason", status_text(status)));
}

static void outbox_send(struct intake *intake, struct outbox *outbox) {
    if (outbox->buffer.records > 0)
        publish(intake, outbox->gateway, outbox->buffer.data, outbox->buffer.size_bytes);
    wire_replies_begin(&outbox->buffer);
}

/* The gateway's outbox; when all are in use, the longest unused one is given to it. */
static struct outbox *outbox_of(struct intake *intake, uint64_t gateway) {
    struct outbox *found = &intake->outboxes[0];
    for (size_t i = 0; i < INTAKE_GATEWAYS_MAX; i++) {
        struct outbox *outbox = &intake->outboxes[i];
        if (outbox->gateway == gateway) {
            outbox->used = ++intake->uses;
            return outbox;
        }
        if (outbox->used < found->used)
            found = outbox;
    }
    if (found->gateway != 0)
        outbox_send(intake, found);
    found->gateway = gateway;
    found->used = ++intake->uses;
    wire_replies_begin(&found->buffer);
    return found;
}

/* An answer as it is sent: `reply` in it, or as it was sent before. */
struct packed {
    const struct reply *reply; /* NULL: the record is there */
    const uint8_t *record;
    size_t size_bytes;
};

static bool add(struct wire_buffer *buffer, struct packed *packed) {
    size_t before = buffer->size_bytes;
    if (!packed->reply)
        return wire_replies_add_encoded(buffer, packed->record, packed->size_bytes) == STATUS_OK;
    if (wire_replies_add(buffer, packed->reply) != STATUS_OK)
        return false;
    packed->record = buffer->data + before;
    packed->size_bytes = buffer->size_bytes - before;
    return true;
}

/* False: it fits into no message. What was encoded lies in the outbox until that changes. */
static bool pack(struct intake *intake, uint64_t gateway, struct packed *packed) {
    struct outbox *outbox = outbox_of(intake, gateway);
    if (add(&outbox->buffer, packed))
        return true;
    outbox_send(intake, outbox);
    if (add(&outbox->buffer, packed))
        return true;
    log_write(LOG_ERROR, "answer-too-large", "An answer does not fit into a message.");
    return false;
}

static void log_decision(const struct work *work) {
    if (!log_writes(LOG_DEBUG))
        return;
    char request[ID128_TEXT_SIZE];
    const struct command *command = &work->command;
    const char *trace =
        command->trace[0] ? command->trace : id128_to_text(&command->request_id, request);
    log_write(LOG_DEBUG, "command-decided", "A command was decided, committed and answered.",
              LOG_TEXT("request", trace), LOG_TEXT("command", command_kind_text(command->kind)),
              LOG_TEXT("reply", reply_code_text(work->reply.code)),
              LOG_U64("eventId", command->event_id), LOG_U64("partition", command->partition),
              LOG_U64("epoch", command->epoch));
}

void intake_answer(struct intake *intake, struct work *work) {
    if (work->gateway == 0) {
        log_decision(work);
        return;
    }
    (void)FAILPOINT("intake.before-reply");
    struct packed packed = {.reply = &work->reply};
    bool fits = pack(intake, work->gateway, &packed);
    if (work->command.kind == COMMAND_SNAPSHOT)
        return; /* large, and asking again does no harm */
    log_decision(work);
    if (fits)
        answers_store(intake->answers, work, packed.record, packed.size_bytes);
}

void intake_flush(struct intake *intake) {
    for (size_t i = 0; i < INTAKE_GATEWAYS_MAX; i++)
        if (intake->outboxes[i].gateway != 0)
            outbox_send(intake, &intake->outboxes[i]);
}

static void tell_wrong_epoch(struct intake *intake, const struct command *command,
                             uint64_t gateway) {
    const struct reply reply = {
        .request_id = command->request_id,
        .partition = command->partition,
        .epoch = command->epoch,
        .code = REPLY_WRONG_EPOCH,
    };
    (void)pack(intake, gateway, &(struct packed){.reply = &reply});
}

static void take(struct intake *intake, const struct command *command, uint64_t gateway) {
    const struct partition *partition = &intake->config.partitions->items[command->partition];
    if (command->partition != partition_of_event(command->event_id) ||
        command->deadline_us <= database_clock_now_us(intake->config.clock))
        return;
    if (!partition->owned || partition->epoch != command->epoch) {
        tell_wrong_epoch(intake, command, gateway);
        return;
    }
    if (!partition->taking)
        return;
    struct packed known = {0};
    switch (answers_find(intake->answers, command, &known.record, &known.size_bytes)) {
    case ANSWERS_NEW:
        break;
    case ANSWERS_KNOWN:
        (void)pack(intake, gateway, &known);
        return;
    case ANSWERS_UNDER_WAY:
    case ANSWERS_FULL:
        return;
    }
    struct work *work = work_create(intake->works, command, gateway, ++intake->arrivals);
    if (!work || !answers_begin(intake->answers, work)) {
        work_free(work);
        return;
    }
    intake->config.on_work_take(intake->config.context, work);
}

void intake_submit_own(struct intake *intake, const struct command *command) {
    struct work *work = work_create(intake->works, command, 0, ++intake->arrivals);
    if (work)
        intake->config.on_work_take(intake->config.context, work);
}

static void on_commands(void *context, const char *subject, const uint8_t *data,
                        size_t size_bytes) {
    struct intake *intake = context;
    (void)subject;
    if (!database_clock_known(intake->config.clock))
        return;
    struct wire_reader reader;
    uint64_t gateway;
    enum status status = wire_commands_open(&reader, data, size_bytes, &gateway);
    if (status != STATUS_OK || gateway == 0) {
        log_write(LOG_WARNING, "commands-refused",
                  "A message with commands can't be read and was ignored.",
                  LOG_TEXT("reason", status_text(status)));
        return;
    }
    struct command command;
    while (wire_commands_next(&reader, &command))
        take(intake, &command, gateway);
    intake_flush(intake);
}

enum status intake_listen(struct intake *intake, uint64_t instance) {
    char subject[WIRE_SUBJECT_SIZE];
    intake_stop(intake);
    intake->instance = instance;
    wire_subject_worker(subject, intake->config.installation, instance);
    return bus_subscribe(intake->config.bus, subject, on_commands, intake);
}

void intake_stop(struct intake *intake) {
    char subject[WIRE_SUBJECT_SIZE];
    if (intake->instance == 0)
        return;
    wire_subject_worker(subject, intake->config.installation, intake->instance);
    bus_unsubscribe(intake->config.bus, subject);
    intake->instance = 0;
}

void intake_tick(struct intake *intake) {
    if (database_clock_known(intake->config.clock))
        answers_expire(intake->answers, database_clock_now_us(intake->config.clock));
}

size_t intake_under_way(const struct intake *intake) {
    return answers_under_way(intake->answers);
}
