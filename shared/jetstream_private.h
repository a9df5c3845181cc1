/*
 * jetstream_private: what jetstream.c (asking, answers) and jetstream_questions.c (what is open)
 * share; for nobody else.
 *
 * A question lives in a slot, from question_open to question_tell_… or question_end, which call its
 * handler. Slots move when one more is opened: pointers into them don't outlive a call of a
 * handler.
 *
 *   PUBLISH --conflict, unsaid with what--> SETTLE      READER --its consumer is made--> READ
 *
 * The others have one answer.
 */
#ifndef USHER_SHARED_JETSTREAM_PRIVATE_H
#define USHER_SHARED_JETSTREAM_PRIVATE_H

#include "shared/ids.h"
#include "shared/jetstream_answers.h"

#include <event2/event_struct.h>
#include <jansson.h>

enum { JETSTREAM_INBOX_SIZE = 64 };

#define JETSTREAM_NO_SLOT UINT32_MAX

enum question_kind {
    QUESTION_PUBLISH,
    QUESTION_SETTLE, /* a publish in conflict with what the answer did not say */
    QUESTION_STREAM,
    QUESTION_MESSAGE,
    QUESTION_READER, /* its consumer is being made */
    QUESTION_READ,
};

struct question {
    enum question_kind kind;
    uint32_t generation;   /* how many questions the slot has had */
    uint32_t older, newer; /* in the queue; `newer` links free slots */
    uint64_t run;          /* the connection that carries it; 0: a free slot */
    int64_t silent_us;     /* monotonic */
    union {
        jetstream_ack_handler *ack;
        jetstream_stream_handler *stream;
        jetstream_message_handler *message;
    } handler;
    void *context;
    char *stream;     /* stream, NUL, subject or "", NUL, in one piece; NULL in a free slot */
    uint64_t counter; /* of a publish: expected_last; of a read: the next sequence at the least */
    uint32_t wanted, received; /* of a read */
};

struct jetstream {
    struct bus *bus;
    struct event timer; /* pending while a question is open */
    char name[ID128_TEXT_SIZE];
    char inbox[JETSTREAM_INBOX_SIZE]; /* answers come to it with a mark behind */
    struct question *slots;
    uint32_t slot_count;
    uint32_t free;
    uint32_t oldest, newest; /* the queue: all that is open, by the time when it was sent */
    size_t open;
    bool in_handler;
    bool ending;
};

/* Takes a slot. `wanted` has kind, handler, context and counters. STATUS_UNAVAILABLE, STATUS_LIMIT,
 * STATUS_NO_MEMORY: none was taken. */
MUST_CHECK enum status question_open(struct jetstream *jetstream, const struct question *wanted,
                                     const char *stream, const char *subject, uint32_t *index);
/* After the first attempt to send: what could not be sent was not asked, and gives its slot back.
 * Returns `status`. */
MUST_CHECK enum status question_opened(struct jetstream *jetstream, uint32_t index,
                                       enum status status);
/* The slot of the question of that mark (which is what is behind inbox and name);
 * JETSTREAM_NO_SLOT when it has ended, or its connection has. */
uint32_t question_find(const struct jetstream *jetstream, const char *mark);
/* From now on again, for JETSTREAM_WAIT_MS. */
void question_wait_again(struct jetstream *jetstream, uint32_t index);

/* Publishes with the inbox for the answer; as bus_publish_message. */
MUST_CHECK enum status question_send(struct jetstream *jetstream, uint32_t index,
                                     const char *subject, const struct bus_header *headers,
                                     size_t header_count, const void *data, size_t size_bytes);
/* Sends $JS.API.<operation>.<stream>[.<consumer>] with `take_body`, which is NULL when there was no
 * memory for it: STATUS_NO_MEMORY. */
MUST_CHECK enum status question_ask(struct jetstream *jetstream, uint32_t index,
                                    const char *operation, const char *stream, const char *consumer,
                                    json_t *take_body);
/* The name of its consumer. */
void question_reader(const struct jetstream *jetstream, uint32_t index,
                     char name[BUS_SUBJECT_MAX_BYTES]);

void question_tell_ack(struct jetstream *jetstream, uint32_t index,
                       const struct jetstream_ack *ack);
void question_tell_stream(struct jetstream *jetstream, uint32_t index,
                          const struct jetstream_stream *stream);
/* Of a read: the last call; its consumer is deleted. */
void question_tell_message(struct jetstream *jetstream, uint32_t index,
                           enum jetstream_outcome outcome, const struct jetstream_message *message,
                           const struct jetstream_error *error);
/* Without an answer. */
void question_end(struct jetstream *jetstream, uint32_t index, enum jetstream_outcome outcome);
/* All whose connection or time is over; a libevent callback, `context` is the jetstream. */
void question_end_overdue(evutil_socket_t fd, short events, void *context);
/* Sets the timer for the oldest one, which there must be. */
void question_set_timer(struct jetstream *jetstream);

#endif
