/*
 * Hostile bytes for what reads JetStream's answers. The first byte says what the rest is:
 *
 *   a  an acknowledgement      s  a stream      c  a consumer      m  a stored message
 *   d  the reply of a delivered message
 */
#include "shared/jetstream_answers.h"
#include "tests/fuzz/fuzz.h"

#include <ctype.h>
#include <stdlib.h>

/* A refusal has a text, and no text can break a line of the log. */
static void check_error(enum jetstream_outcome outcome, const struct jetstream_error *error) {
    size_t length = strnlen(error->text, sizeof error->text);
    ensure(length < sizeof error->text);
    ensure(outcome != JETSTREAM_REFUSED || length > 0);
    ensure(outcome != JETSTREAM_SILENT && outcome != JETSTREAM_LOST);
    for (size_t i = 0; i < length; i++)
        ensure(!iscntrl((unsigned char)error->text[i]));
}

static void try_ack(const struct bus_message *answer) {
    struct jetstream_ack ack;
    struct jetstream_error error;
    jetstream_read_ack(answer, &ack, &error);
    check_error(ack.outcome, &error);
    if (ack.outcome == JETSTREAM_DONE)
        ensure(ack.sequence > 0 && ack.sequence <= INT64_MAX);
    else if (ack.outcome == JETSTREAM_CONFLICT)
        ensure(ack.sequence <= INT64_MAX || ack.sequence == JETSTREAM_SEQUENCE_UNKNOWN);
    else
        ensure(ack.sequence == 0);
}

static void try_stream(const struct bus_message *answer) {
    struct jetstream_stream stream;
    struct jetstream_error error;
    jetstream_read_stream(answer, &stream, &error);
    check_error(stream.outcome, &error);
    ensure(stream.outcome != JETSTREAM_CONFLICT);
    ensure((stream.outcome == JETSTREAM_DONE) == (*stream.created != '\0'));
    ensure((stream.outcome == JETSTREAM_DONE) == (stream.replicas > 0));
    ensure(strnlen(stream.created, sizeof stream.created) < sizeof stream.created);
}

static void try_pending(const struct bus_message *answer) {
    struct jetstream_error error;
    uint64_t pending = 0;
    enum jetstream_outcome outcome = jetstream_read_pending(answer, &pending, &error);
    check_error(outcome, &error);
    ensure(outcome != JETSTREAM_CONFLICT && pending <= INT64_MAX);
}

static void try_stored(const struct bus_message *answer) {
    struct jetstream_error error;
    struct jetstream_stored stored;
    enum jetstream_outcome outcome = jetstream_read_stored(answer, &stored, &error);
    check_error(outcome, &error);
    ensure(outcome != JETSTREAM_CONFLICT);
    if (outcome == JETSTREAM_DONE) {
        ensure(stored.message.sequence > 0 && stored.message.size_bytes < answer->size_bytes);
        ensure(strlen(stored.message.subject) < answer->size_bytes);
    }
    jetstream_stored_clear(&stored);
}

static void try_delivery(const char *reply) {
    struct jetstream_delivery delivery;
    if (!jetstream_read_delivery(reply, &delivery))
        return;
    ensure(*delivery.consumer != '\0' && strchr(delivery.consumer, '.') == NULL);
    ensure(strstr(reply, delivery.consumer) != NULL);
    ensure(delivery.sequence > 0 && delivery.number > 0 && delivery.stored_us >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes) {
    if (size_bytes == 0)
        return 0;
    /* Of its exact size, so that the sanitizer sees every byte read behind it; the bus adds a NUL.
     */
    char *text = malloc(size_bytes);
    ensure(text != NULL);
    memcpy(text, data + 1, size_bytes - 1);
    text[size_bytes - 1] = '\0';
    struct bus_message answer = {.subject = "_INBOX.x",
                                 .reply = "",
                                 .data = (const uint8_t *)text,
                                 .size_bytes = size_bytes - 1};
    switch (data[0]) {
    case 'a':
        try_ack(&answer);
        break;
    case 's':
        try_stream(&answer);
        break;
    case 'c':
        try_pending(&answer);
        break;
    case 'm':
        try_stored(&answer);
        break;
    case 'd':
        try_delivery(text);
        break;
    default:
        break;
    }
    free(text);
    return 0;
}
