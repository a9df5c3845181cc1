#include "shared/jetstream.h"
#include "shared/jetstream_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    SEQUENCE_TEXT_SIZE = 21,
    DUPLICATE_WINDOW_MS = 100, /* the shortest there is; nothing is published with an id */
    READER_IDLE_MS = 10000,    /* then the server forgets one that was not deleted */
};

#define NS_PER_MS INT64_C(1000000)

const char *jetstream_outcome_text(enum jetstream_outcome outcome) {
    static const char *const texts[] = {
        [JETSTREAM_DONE] = "done",           [JETSTREAM_CONFLICT] = "conflict",
        [JETSTREAM_BUSY] = "busy",           [JETSTREAM_NO_STREAM] = "no stream",
        [JETSTREAM_NOT_FOUND] = "not found", [JETSTREAM_REFUSED] = "refused",
        [JETSTREAM_SILENT] = "no answer",    [JETSTREAM_LOST] = "connection lost",
    };
    return (unsigned)outcome < ARRAY_LEN(texts) ? texts[outcome] : "unknown outcome";
}

/* --- answers */

/* The next step of a question could not be sent: the connection is about to end, or there is no
 * memory. */
static void question_stuck(struct jetstream *jetstream, uint32_t index) {
    question_end(jetstream, index, JETSTREAM_LOST);
}

/* What is behind `prefix`; NULL when the text begins in another way. */
static const char *text_behind(const char *text, const char *prefix) {
    size_t length = strlen(prefix);
    return strncmp(text, prefix, length) == 0 ? text + length : NULL;
}

static json_t *last_of_subject(const char *subject) {
    return json_pack("{s:s}", "last_by_subj", subject);
}

/* A conflict with just what was expected: the one that is in the way is still being stored. */
static void conflict_tell(struct jetstream *jetstream, uint32_t index, uint64_t sequence) {
    bool is_stored = sequence != jetstream->slots[index].counter;
    question_tell_ack(jetstream, index,
                      &(struct jetstream_ack){is_stored ? JETSTREAM_CONFLICT : JETSTREAM_BUSY,
                                              is_stored ? sequence : 0, ""});
}

static void publish_answered(struct jetstream *jetstream, uint32_t index,
                             const struct bus_message *answer) {
    struct jetstream_ack ack;
    struct jetstream_error error;
    jetstream_read_ack(answer, &ack, &error);
    if (ack.outcome != JETSTREAM_CONFLICT) {
        question_tell_ack(jetstream, index, &ack);
    } else if (ack.sequence != JETSTREAM_SEQUENCE_UNKNOWN) {
        conflict_tell(jetstream, index, ack.sequence);
    } else {
        struct question *question = &jetstream->slots[index];
        const char *subject = question->stream + strlen(question->stream) + 1;
        question->kind = QUESTION_SETTLE;
        question_wait_again(jetstream, index);
        if (question_ask(jetstream, index, "STREAM.MSG.GET", question->stream, "",
                         last_of_subject(subject)) != STATUS_OK)
            question_stuck(jetstream, index);
    }
}

static void settle_answered(struct jetstream *jetstream, uint32_t index,
                            const struct bus_message *answer) {
    struct jetstream_stored stored;
    struct jetstream_error error;
    enum jetstream_outcome outcome = jetstream_read_stored(answer, &stored, &error);
    if (outcome == JETSTREAM_DONE || outcome == JETSTREAM_NOT_FOUND)
        conflict_tell(jetstream, index, outcome == JETSTREAM_DONE ? stored.message.sequence : 0);
    else
        question_tell_ack(jetstream, index, &(struct jetstream_ack){outcome, 0, error.text});
    jetstream_stored_clear(&stored);
}

static void stream_answered(struct jetstream *jetstream, uint32_t index,
                            const struct bus_message *answer) {
    struct jetstream_stream stream;
    struct jetstream_error error;
    jetstream_read_stream(answer, &stream, &error);
    question_tell_stream(jetstream, index, &stream);
}

static void message_answered(struct jetstream *jetstream, uint32_t index,
                             const struct bus_message *answer) {
    struct jetstream_stored stored;
    struct jetstream_error error;
    enum jetstream_outcome outcome = jetstream_read_stored(answer, &stored, &error);
    question_tell_message(jetstream, index, outcome,
                          outcome == JETSTREAM_DONE ? &stored.message : NULL, &error);
    jetstream_stored_clear(&stored);
}

/* It asks for what is there and for no more, so that all of it comes at once. */
static void reader_made(struct jetstream *jetstream, uint32_t index,
                        const struct bus_message *answer) {
    uint64_t pending = 0;
    struct jetstream_error error;
    enum jetstream_outcome outcome = jetstream_read_pending(answer, &pending, &error);
    if (outcome != JETSTREAM_DONE || pending == 0) {
        question_tell_message(jetstream, index, outcome, NULL, &error);
        return;
    }
    struct question *question = &jetstream->slots[index];
    if (question->wanted > pending)
        question->wanted = (uint32_t)pending;
    question->kind = QUESTION_READ;
    question_wait_again(jetstream, index);
    char name[BUS_SUBJECT_MAX_BYTES];
    question_reader(jetstream, index, name);
    json_t *body = json_pack("{s:I,s:I}", "batch", (json_int_t)question->wanted, "expires",
                             (json_int_t)(JETSTREAM_WAIT_MS * NS_PER_MS));
    if (question_ask(jetstream, index, "CONSUMER.MSG.NEXT", question->stream, name, body) !=
        STATUS_OK)
        question_stuck(jetstream, index);
}

/* A reader hears of NATS itself when it gets no (more) messages. */
static void reader_told(struct jetstream *jetstream, uint32_t index,
                        const struct bus_message *answer) {
    enum { STATUS_EXPIRED = 408, STATUS_NOBODY = 503 };
    struct jetstream_error error;
    (void)snprintf(error.text, sizeof error.text, "status %d", answer->status);
    question_tell_message(jetstream, index,
                          answer->status == STATUS_EXPIRED  ? JETSTREAM_SILENT
                          : answer->status == STATUS_NOBODY ? JETSTREAM_NO_STREAM
                                                            : JETSTREAM_REFUSED,
                          NULL, &error);
}

static void read_delivered(struct jetstream *jetstream, uint32_t index,
                           const struct jetstream_delivery *delivery,
                           const struct bus_message *message) {
    struct question *question = &jetstream->slots[index];
    if (question->kind != QUESTION_READ || delivery->number <= question->received)
        return;
    if (delivery->number > question->received + UINT64_C(1) ||
        delivery->sequence < question->counter) { /* one in between got lost */
        question_end(jetstream, index, JETSTREAM_SILENT);
        return;
    }
    question->received++;
    question->counter = delivery->sequence + 1;
    bool is_last = question->received == question->wanted;
    question_wait_again(jetstream, index);
    const struct jetstream_message stored = {delivery->sequence, message->subject,
                                             delivery->stored_us, message->data,
                                             message->size_bytes};
    jetstream->in_handler = true;
    question->handler.message(question->context, JETSTREAM_DONE, &stored);
    jetstream->in_handler = false;
    if (is_last)
        question_end(jetstream, index, JETSTREAM_DONE);
}

static void on_message(void *context, const struct bus_message *message) {
    typedef void answered(struct jetstream *, uint32_t, const struct bus_message *);
    static answered *const by_kind[] = {
        [QUESTION_PUBLISH] = publish_answered, [QUESTION_SETTLE] = settle_answered,
        [QUESTION_STREAM] = stream_answered,   [QUESTION_MESSAGE] = message_answered,
        [QUESTION_READER] = reader_made,       [QUESTION_READ] = reader_told,
    };
    struct jetstream *jetstream = context;
    struct jetstream_delivery delivery;
    bool is_delivery = jetstream_read_delivery(message->reply, &delivery);
    const char *mark = is_delivery ? text_behind(delivery.consumer, jetstream->name)
                                   : text_behind(message->subject, jetstream->inbox);
    if (is_delivery && mark != NULL)
        mark = text_behind(mark, "-");
    uint32_t index = mark != NULL ? question_find(jetstream, mark) : JETSTREAM_NO_SLOT;
    if (index == JETSTREAM_NO_SLOT)
        return;
    if (is_delivery)
        read_delivered(jetstream, index, &delivery, message);
    else
        by_kind[jetstream->slots[index].kind](jetstream, index, message);
}

/* --- asking */

struct jetstream *jetstream_create(struct event_base *base, struct bus *bus) {
    struct jetstream *jetstream = calloc(1, sizeof *jetstream);
    if (jetstream == NULL)
        return NULL;
    struct id128 random = id128_random();
    char inboxes[JETSTREAM_INBOX_SIZE + 1];
    jetstream->bus = bus;
    jetstream->free = jetstream->oldest = jetstream->newest = JETSTREAM_NO_SLOT;
    (void)snprintf(jetstream->inbox, sizeof jetstream->inbox, "_INBOX.usher.%s.",
                   id128_to_text(&random, jetstream->name));
    (void)snprintf(inboxes, sizeof inboxes, "%s*", jetstream->inbox);
    if (bus_subscribe_messages(bus, inboxes, NULL, on_message, jetstream) != STATUS_OK) {
        free(jetstream);
        return NULL;
    }
    evtimer_assign(&jetstream->timer, base, question_end_overdue, jetstream);
    return jetstream;
}

void jetstream_destroy(struct jetstream *jetstream) {
    if (jetstream == NULL)
        return;
    char inboxes[JETSTREAM_INBOX_SIZE + 1];
    ensure(!jetstream->in_handler);
    jetstream->ending = true;
    (void)snprintf(inboxes, sizeof inboxes, "%s*", jetstream->inbox);
    bus_unsubscribe(jetstream->bus, inboxes);
    while (jetstream->open > 0)
        question_end(jetstream, jetstream->oldest, JETSTREAM_LOST);
    event_del(&jetstream->timer);
    free(jetstream->slots);
    free(jetstream);
}

void jetstream_bus_state(struct jetstream *jetstream, bool connected) {
    (void)connected; /* bus_run says more: which connection */
    if (jetstream->open > 0)
        question_set_timer(jetstream);
}

size_t jetstream_open(const struct jetstream *jetstream) {
    return jetstream->open;
}

enum status jetstream_publish(struct jetstream *jetstream, const char *stream, const char *subject,
                              uint64_t expected_last, const void *data, size_t size_bytes,
                              jetstream_ack_handler *handler, void *context) {
    const struct question wanted = {.kind = QUESTION_PUBLISH,
                                    .handler.ack = handler,
                                    .context = context,
                                    .counter = expected_last};
    char expected[SEQUENCE_TEXT_SIZE];
    (void)snprintf(expected, sizeof expected, "%" PRIu64, expected_last);
    const struct bus_header headers[] = {{"Nats-Expected-Stream", stream},
                                         {"Nats-Expected-Last-Subject-Sequence", expected}};
    uint32_t index;
    enum status status = question_open(jetstream, &wanted, stream, subject, &index);
    if (status != STATUS_OK)
        return status;
    return question_opened(
        jetstream, index,
        question_send(jetstream, index, subject, headers, ARRAY_LEN(headers), data, size_bytes));
}

/* One request, one answer. */
static enum status jetstream_ask(struct jetstream *jetstream, const struct question *wanted,
                                 const char *operation, const char *stream, json_t *take_body) {
    uint32_t index;
    enum status status = question_open(jetstream, wanted, stream, "", &index);
    if (status != STATUS_OK) {
        json_decref(take_body);
        return status;
    }
    return question_opened(jetstream, index,
                           question_ask(jetstream, index, operation, stream, "", take_body));
}

enum status jetstream_look(struct jetstream *jetstream, const char *stream,
                           jetstream_stream_handler *handler, void *context) {
    const struct question wanted = {
        .kind = QUESTION_STREAM, .handler.stream = handler, .context = context};
    return jetstream_ask(jetstream, &wanted, "STREAM.INFO", stream, json_object());
}

enum status jetstream_make(struct jetstream *jetstream, const char *stream, const char *subject,
                           uint32_t replicas, jetstream_stream_handler *handler, void *context) {
    const struct question wanted = {
        .kind = QUESTION_STREAM, .handler.stream = handler, .context = context};
    json_t *body = json_pack("{s:s,s:[s],s:s,s:s,s:s,s:i,s:i,s:i,s:i,s:i,s:i,s:I,s:I,s:b}", "name",
                             stream, "subjects", subject, "retention", "limits", "storage", "file",
                             "discard", "old", "max_consumers", -1, "max_msgs", -1,
                             "max_msgs_per_subject", -1, "max_bytes", -1, "max_msg_size", -1,
                             "max_age", 0, "num_replicas", (json_int_t)replicas, "duplicate_window",
                             (json_int_t)(DUPLICATE_WINDOW_MS * NS_PER_MS), "allow_direct", true);
    return jetstream_ask(jetstream, &wanted, "STREAM.CREATE", stream, body);
}

static enum status jetstream_ask_message(struct jetstream *jetstream, const char *stream,
                                         json_t *take_body, jetstream_message_handler *handler,
                                         void *context) {
    const struct question wanted = {
        .kind = QUESTION_MESSAGE, .handler.message = handler, .context = context};
    return jetstream_ask(jetstream, &wanted, "STREAM.MSG.GET", stream, take_body);
}

enum status jetstream_get(struct jetstream *jetstream, const char *stream, uint64_t sequence,
                          jetstream_message_handler *handler, void *context) {
    ensure(sequence > 0 && sequence <= INT64_MAX);
    return jetstream_ask_message(jetstream, stream, json_pack("{s:I}", "seq", (json_int_t)sequence),
                                 handler, context);
}

enum status jetstream_get_last(struct jetstream *jetstream, const char *stream, const char *subject,
                               jetstream_message_handler *handler, void *context) {
    return jetstream_ask_message(jetstream, stream, last_of_subject(subject), handler, context);
}

enum status jetstream_read(struct jetstream *jetstream, const char *stream, uint64_t from,
                           uint32_t count, jetstream_message_handler *handler, void *context) {
    const struct question wanted = {.kind = QUESTION_READER,
                                    .handler.message = handler,
                                    .context = context,
                                    .counter = from,
                                    .wanted = count};
    ensure(from > 0 && from <= INT64_MAX && count > 0 && count <= JETSTREAM_READ_MAX);
    uint32_t index;
    enum status status = question_open(jetstream, &wanted, stream, "", &index);
    if (status != STATUS_OK)
        return status;
    char name[BUS_SUBJECT_MAX_BYTES];
    question_reader(jetstream, index, name);
    json_t *body = json_pack("{s:s,s:{s:s,s:s,s:I,s:s,s:s,s:I,s:b,s:i}}", "stream_name", stream,
                             "config", "name", name, "deliver_policy", "by_start_sequence",
                             "opt_start_seq", (json_int_t)from, "ack_policy", "none",
                             "replay_policy", "instant", "inactive_threshold",
                             READER_IDLE_MS * NS_PER_MS, "mem_storage", true, "num_replicas", 1);
    return question_opened(jetstream, index,
                           question_ask(jetstream, index, "CONSUMER.CREATE", stream, name, body));
}
