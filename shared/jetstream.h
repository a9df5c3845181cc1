/*
 * jetstream: what usher asks of NATS JetStream, on the loop and without waiting: raw requests to
 * its API over a bus, pipelined, and their many shapes of answers turned into plain data. (The
 * library's own calls block.)
 *
 * Source: NATS documentation, "JetStream wire API Reference" and its JSON schemas.
 *
 * Every question ends in exactly one call of its handler, with an outcome. Answers count only over
 * the connection (bus_run) that carried the question: when it ends, all that is open on it ends
 * JETSTREAM_LOST (in the loop's next turns), and what arrives late finds nobody. So a server's run
 * can't answer for another's. The subject for the answer, and the name of a reader's consumer, tell
 * connection and question.
 *
 *   asked --answer--> handler      --JETSTREAM_WAIT_MS--> SILENT      --connection ends--> LOST
 *
 * At most JETSTREAM_OPEN_MAX questions are open at a time; past it STATUS_LIMIT, no handler.
 * Handlers are called on the loop, never before the function that asked has returned; they may ask
 * again. Texts in answers end with the call. Names of streams are made of letters, digits, '-' and
 * '_', and shorter than JETSTREAM_STREAM_SIZE.
 */
#ifndef USHER_SHARED_JETSTREAM_H
#define USHER_SHARED_JETSTREAM_H

#include "shared/bus.h"

enum {
    JETSTREAM_OPEN_MAX = 200000,
    JETSTREAM_WAIT_MS = 3000,
    JETSTREAM_READ_MAX = 1000, /* messages one jetstream_read asks for */
    JETSTREAM_STREAM_SIZE = 80,
    JETSTREAM_CREATED_SIZE = 40, /* RFC 3339 with nanoseconds, as the server writes it */
};

struct jetstream;

enum jetstream_outcome {
    JETSTREAM_DONE,      /* the answer's fields are filled */
    JETSTREAM_CONFLICT,  /* a publish: not the expected sequence (errors 10071, 10164); `sequence`
                            is the subject's last one, 0 when it has none. When the answer does not
                            say which, it has been looked up */
    JETSTREAM_BUSY,      /* asked to come again: errors 10158, 10163, 10167, code 429; or a conflict
                            with a message of the subject that is not stored yet */
    JETSTREAM_NO_STREAM, /* no such stream (404, 10059), or nobody listens (an empty 503) */
    JETSTREAM_NOT_FOUND, /* a message asked for is not there (404, 10037) */
    JETSTREAM_REFUSED, /* any other error, or an answer that can't be read; `error` says which, for
                          the log (jetstream-refused, where there is no `error`) */
    JETSTREAM_SILENT,  /* no answer in time, or not all of it: it may have been done */
    JETSTREAM_LOST,    /* the connection ended: it may have been done */
};
const char *jetstream_outcome_text(enum jetstream_outcome outcome);

/* On `bus`, whose state the caller passes on: jetstream_bus_state in its bus_state_handler. NULL
 * without memory, or when the bus has no subscription left: it takes one, and a timer of `base`. */
MUST_CHECK struct jetstream *jetstream_create(struct event_base *base, struct bus *bus);
/* Before the bus, and not in a handler of a question. Open questions end LOST, at once. NULL is
 * allowed. */
void jetstream_destroy(struct jetstream *jetstream);
void jetstream_bus_state(struct jetstream *jetstream, bool connected);
size_t jetstream_open(const struct jetstream *jetstream);

/* --- publishing */

struct jetstream_ack {
    enum jetstream_outcome outcome;
    uint64_t sequence; /* DONE: of the message stored, never 0; CONFLICT */
    const char *error; /* REFUSED */
};
typedef void jetstream_ack_handler(void *context, const struct jetstream_ack *ack);

/* Stores a message if the last one of its subject has `expected_last` (0: there is none), and only
 * in that stream. STATUS_UNAVAILABLE, STATUS_LIMIT, STATUS_NO_MEMORY: nothing was sent, no handler.
 */
MUST_CHECK enum status jetstream_publish(struct jetstream *jetstream, const char *stream,
                                         const char *subject, uint64_t expected_last,
                                         const void *data, size_t size_bytes,
                                         jetstream_ack_handler *handler, void *context);

/* --- streams */

struct jetstream_stream {
    enum jetstream_outcome outcome; /* DONE, NO_STREAM, BUSY, REFUSED, SILENT, LOST */
    const char *error;
    char created[JETSTREAM_CREATED_SIZE]; /* one who is deleted and made again has another */
    uint64_t first_sequence;
    uint64_t last_sequence;
    uint64_t messages;
    uint32_t replicas;
    bool clustered; /* the server that answers is part of a cluster */
};
typedef void jetstream_stream_handler(void *context, const struct jetstream_stream *stream);

MUST_CHECK enum status jetstream_look(struct jetstream *jetstream, const char *stream,
                                      jetstream_stream_handler *handler, void *context);
/* Limits retention, file storage, no limits, the shortest duplicate window, direct gets allowed.
 * One that is there with the same configuration is no error; with another, REFUSED. */
MUST_CHECK enum status jetstream_make(struct jetstream *jetstream, const char *stream,
                                      const char *subject, uint32_t replicas,
                                      jetstream_stream_handler *handler, void *context);

/* --- messages */

struct jetstream_message {
    uint64_t sequence;
    const char *subject;
    int64_t stored_us; /* the server's clock, µs since 1970 */
    const uint8_t *data;
    size_t size_bytes;
};

/* `message` is NULL unless the outcome is DONE. NOT_FOUND: there is none. */
typedef void jetstream_message_handler(void *context, enum jetstream_outcome outcome,
                                       const struct jetstream_message *message);
MUST_CHECK enum status jetstream_get(struct jetstream *jetstream, const char *stream,
                                     uint64_t sequence, jetstream_message_handler *handler,
                                     void *context);
MUST_CHECK enum status jetstream_get_last(struct jetstream *jetstream, const char *stream,
                                          const char *subject, jetstream_message_handler *handler,
                                          void *context);

/*
 * Reads `count` messages (1 … JETSTREAM_READ_MAX) from sequence `from` (≥ 1) on, through an
 * ephemeral ack-none pull consumer of its own, which is deleted afterwards. The handler is called
 * for each message, in order and without a gap that the stream does not have, and a last time with
 * NULL and an outcome: DONE when all came that the stream had, up to `count`, when it began.
 */
MUST_CHECK enum status jetstream_read(struct jetstream *jetstream, const char *stream,
                                      uint64_t from, uint32_t count,
                                      jetstream_message_handler *handler, void *context);

#endif
