#include "shared/clock.h"
#include "shared/jetstream_private.h"
#include "shared/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    SLOTS_FIRST = 1024,
    ENDED_A_TURN_MAX = 4096, /* questions without an answer, in one wake-up */
    REQUEST_MAX_BYTES = 2048,
    MARK_SIZE = 48,
};

/* --- the queue of what is open */

static void queue_leave(struct jetstream *jetstream, uint32_t index) {
    const struct question *question = &jetstream->slots[index];
    if (question->older == JETSTREAM_NO_SLOT)
        jetstream->oldest = question->newer;
    else
        jetstream->slots[question->older].newer = question->newer;
    if (question->newer == JETSTREAM_NO_SLOT)
        jetstream->newest = question->older;
    else
        jetstream->slots[question->newer].older = question->older;
}

/* As the newest: every question waits equally long, so that the queue is in order of time. */
static void queue_join(struct jetstream *jetstream, uint32_t index) {
    struct question *question = &jetstream->slots[index];
    question->silent_us = clock_monotonic_us() + JETSTREAM_WAIT_MS * INT64_C(1000);
    question->newer = JETSTREAM_NO_SLOT;
    question->older = jetstream->newest;
    if (jetstream->newest == JETSTREAM_NO_SLOT)
        jetstream->oldest = index;
    else
        jetstream->slots[jetstream->newest].newer = index;
    jetstream->newest = index;
}

void question_wait_again(struct jetstream *jetstream, uint32_t index) {
    queue_leave(jetstream, index);
    queue_join(jetstream, index);
}

void question_set_timer(struct jetstream *jetstream) {
    int64_t wait_us = jetstream->slots[jetstream->oldest].silent_us - clock_monotonic_us();
    if (wait_us < 0 || jetstream->slots[jetstream->oldest].run != bus_run(jetstream->bus))
        wait_us = 0;
    struct timeval wait = {.tv_sec = wait_us / 1000000, .tv_usec = wait_us % 1000000};
    ensure(event_add(&jetstream->timer, &wait) == 0);
}

/* --- slots */

static enum status slots_grow(struct jetstream *jetstream) {
    uint32_t old_count = jetstream->slot_count;
    uint32_t count = old_count == 0 ? SLOTS_FIRST : old_count * 2;
    if (old_count == JETSTREAM_OPEN_MAX)
        return STATUS_LIMIT;
    if (count > JETSTREAM_OPEN_MAX)
        count = JETSTREAM_OPEN_MAX;
    struct question *slots = realloc(jetstream->slots, count * sizeof *slots);
    if (slots == NULL)
        return STATUS_NO_MEMORY;
    for (uint32_t i = old_count; i < count; i++)
        slots[i] = (struct question){.newer = i + 1 < count ? i + 1 : JETSTREAM_NO_SLOT};
    jetstream->slots = slots;
    jetstream->slot_count = count;
    jetstream->free = old_count;
    return STATUS_OK;
}

/* Stream and subject in one piece. NULL without memory. */
static char *names_join(const char *stream, const char *subject) {
    size_t stream_bytes = strlen(stream) + 1, subject_bytes = strlen(subject) + 1;
    char *names = malloc(stream_bytes + subject_bytes);
    if (names != NULL) {
        memcpy(names, stream, stream_bytes);
        memcpy(names + stream_bytes, subject, subject_bytes);
    }
    return names;
}

static void stream_check(const char *stream) {
    size_t length = strlen(stream);
    ensure(length > 0 && length < JETSTREAM_STREAM_SIZE);
    ensure(strspn(stream, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") ==
           length);
}

enum status question_open(struct jetstream *jetstream, const struct question *wanted,
                          const char *stream, const char *subject, uint32_t *index) {
    stream_check(stream);
    if (jetstream->ending || !bus_connected(jetstream->bus))
        return STATUS_UNAVAILABLE;
    if (jetstream->free == JETSTREAM_NO_SLOT) {
        enum status status = slots_grow(jetstream);
        if (status != STATUS_OK)
            return status;
    }
    char *names = names_join(stream, subject);
    if (names == NULL)
        return STATUS_NO_MEMORY;
    *index = jetstream->free;
    struct question *question = &jetstream->slots[*index];
    uint32_t generation = question->generation + 1;
    jetstream->free = question->newer;
    *question = *wanted;
    question->generation = generation;
    question->run = bus_run(jetstream->bus);
    question->stream = names;
    queue_join(jetstream, *index);
    if (jetstream->open++ == 0)
        question_set_timer(jetstream);
    return STATUS_OK;
}

/* Its copy; question_clear it. */
static struct question question_take(struct jetstream *jetstream, uint32_t index) {
    struct question *slot = &jetstream->slots[index], question = *slot;
    queue_leave(jetstream, index);
    *slot = (struct question){.generation = question.generation, .newer = jetstream->free};
    jetstream->free = index;
    if (--jetstream->open == 0)
        ensure(event_del(&jetstream->timer) == 0);
    return question;
}

static void question_clear(struct question *question) {
    free(question->stream);
}

/* --- marks: which question this is */

static void mark_write(const struct jetstream *jetstream, uint32_t index, char mark[MARK_SIZE]) {
    const struct question *question = &jetstream->slots[index];
    (void)snprintf(mark, MARK_SIZE, "%" PRIx64 "-%" PRIx32 "-%" PRIx32, question->run, index,
                   question->generation);
}

uint32_t question_find(const struct jetstream *jetstream, const char *mark) {
    char *end;
    uint64_t run = strtoull(mark, &end, 16);
    if (run == 0 || run != bus_run(jetstream->bus) || *end != '-')
        return JETSTREAM_NO_SLOT;
    uint64_t index = strtoull(end + 1, &end, 16);
    if (index >= jetstream->slot_count || *end != '-')
        return JETSTREAM_NO_SLOT;
    const struct question *question = &jetstream->slots[index];
    uint64_t generation = strtoull(end + 1, &end, 16);
    bool found = question->run == run && question->generation == generation && *end == '\0';
    return found ? (uint32_t)index : JETSTREAM_NO_SLOT;
}

/* --- sending */

enum status question_send(struct jetstream *jetstream, uint32_t index, const char *subject,
                          const struct bus_header *headers, size_t header_count, const void *data,
                          size_t size_bytes) {
    char mark[MARK_SIZE], reply[JETSTREAM_INBOX_SIZE + MARK_SIZE];
    mark_write(jetstream, index, mark);
    (void)snprintf(reply, sizeof reply, "%s%s", jetstream->inbox, mark);
    return bus_publish_message(jetstream->bus, subject, reply, headers, header_count, data,
                               size_bytes);
}

enum status question_ask(struct jetstream *jetstream, uint32_t index, const char *operation,
                         const char *stream, const char *consumer, json_t *take_body) {
    char subject[BUS_SUBJECT_MAX_BYTES + 1], body[REQUEST_MAX_BYTES];
    int length = snprintf(subject, sizeof subject, "$JS.API.%s.%s%s%s", operation, stream,
                          *consumer != '\0' ? "." : "", consumer);
    ensure(length > 0 && (size_t)length < sizeof subject);
    size_t size_bytes = json_dumpb(take_body, body, sizeof body, JSON_COMPACT);
    json_decref(take_body);
    if (size_bytes == 0)
        return STATUS_NO_MEMORY;
    ensure(size_bytes <= sizeof body);
    return question_send(jetstream, index, subject, NULL, 0, body, size_bytes);
}

enum status question_opened(struct jetstream *jetstream, uint32_t index, enum status status) {
    if (status != STATUS_OK) {
        struct question question = question_take(jetstream, index);
        question_clear(&question);
    }
    return status;
}

/* --- ending */

void question_reader(const struct jetstream *jetstream, uint32_t index,
                     char name[BUS_SUBJECT_MAX_BYTES]) {
    char mark[MARK_SIZE];
    mark_write(jetstream, index, mark);
    (void)snprintf(name, BUS_SUBJECT_MAX_BYTES, "%s-%s", jetstream->name, mark);
}

/* Nobody waits for the answer. If this does not arrive, the server forgets the consumer by itself.
 */
static void reader_delete(const struct jetstream *jetstream, uint32_t index) {
    char name[BUS_SUBJECT_MAX_BYTES], subject[BUS_SUBJECT_MAX_BYTES + 1];
    question_reader(jetstream, index, name);
    int length = snprintf(subject, sizeof subject, "$JS.API.CONSUMER.DELETE.%s.%s",
                          jetstream->slots[index].stream, name);
    ensure(length > 0 && (size_t)length < sizeof subject);
    enum status status = bus_publish(jetstream->bus, subject, NULL, 0);
    if (status != STATUS_OK)
        log_write(LOG_DEBUG, "jetstream-reader-left", "A consumer could not be deleted.",
                  LOG_TEXT("reason", status_text(status)));
}

void question_tell_ack(struct jetstream *jetstream, uint32_t index,
                       const struct jetstream_ack *ack) {
    struct question question = question_take(jetstream, index);
    jetstream->in_handler = true;
    question.handler.ack(question.context, ack);
    jetstream->in_handler = false;
    question_clear(&question);
}

void question_tell_stream(struct jetstream *jetstream, uint32_t index,
                          const struct jetstream_stream *stream) {
    struct question question = question_take(jetstream, index);
    jetstream->in_handler = true;
    question.handler.stream(question.context, stream);
    jetstream->in_handler = false;
    question_clear(&question);
}

void question_tell_message(struct jetstream *jetstream, uint32_t index,
                           enum jetstream_outcome outcome, const struct jetstream_message *message,
                           const struct jetstream_error *error) {
    const struct question *slot = &jetstream->slots[index];
    if ((slot->kind == QUESTION_READER || slot->kind == QUESTION_READ) &&
        slot->run == bus_run(jetstream->bus))
        reader_delete(jetstream, index);
    struct question question = question_take(jetstream, index);
    if (outcome == JETSTREAM_REFUSED)
        log_write(LOG_WARNING, "jetstream-refused", "NATS JetStream did not give what it has.",
                  LOG_TEXT("stream", question.stream), LOG_TEXT("reason", error->text));
    jetstream->in_handler = true;
    question.handler.message(question.context, outcome, message);
    jetstream->in_handler = false;
    question_clear(&question);
}

void question_end(struct jetstream *jetstream, uint32_t index, enum jetstream_outcome outcome) {
    const struct jetstream_error none = {""};
    switch (jetstream->slots[index].kind) {
    case QUESTION_PUBLISH:
    case QUESTION_SETTLE:
        question_tell_ack(jetstream, index, &(struct jetstream_ack){outcome, 0, none.text});
        return;
    case QUESTION_STREAM:
        question_tell_stream(jetstream, index,
                             &(struct jetstream_stream){.outcome = outcome, .error = none.text});
        return;
    case QUESTION_MESSAGE:
    case QUESTION_READER:
    case QUESTION_READ:
        question_tell_message(jetstream, index, outcome, NULL, &none);
        return;
    }
}

void question_end_overdue(evutil_socket_t fd, short events, void *context) {
    (void)fd;
    (void)events;
    struct jetstream *jetstream = context;
    int64_t now_us = clock_monotonic_us();
    for (int i = 0; i < ENDED_A_TURN_MAX && jetstream->open > 0; i++) {
        const struct question *oldest = &jetstream->slots[jetstream->oldest];
        if (oldest->run != bus_run(jetstream->bus))
            question_end(jetstream, jetstream->oldest, JETSTREAM_LOST);
        else if (oldest->silent_us <= now_us)
            question_end(jetstream, jetstream->oldest, JETSTREAM_SILENT);
        else
            break;
    }
    if (jetstream->open > 0)
        question_set_timer(jetstream);
}
