/*
 * jetstream_answers: reads what JetStream answers. Pure: bytes in, plain data out; whatever the
 * bytes are, there is an outcome.
 *
 *   an empty 503                                      NO_STREAM
 *   error 10059, or code 404 and none of the below    NO_STREAM
 *   error 10037                                       NOT_FOUND
 *   error 10071, 10164                                CONFLICT (of acknowledgements; else REFUSED)
 *   error 10158, 10163, 10167, or code 429            BUSY
 *   any other error, or another status of NATS        REFUSED, and the error says which
 *   no JSON, a field that is missing, of another      REFUSED, "an answer that can't be read"
 *   type, doubled, negative or past INT64_MAX
 *
 * Source: NATS documentation, "JetStream wire API Reference", "JetStream Errors"; of the replies of
 * delivered messages ADR-15 ("JetStream Subject Namespacing").
 */
#ifndef USHER_SHARED_JETSTREAM_ANSWERS_H
#define USHER_SHARED_JETSTREAM_ANSWERS_H

#include "shared/jetstream.h"

enum { JETSTREAM_ERROR_SIZE = 128 };

/* A CONFLICT whose answer does not say with which sequence (error 10164). */
#define JETSTREAM_SEQUENCE_UNKNOWN UINT64_MAX

/* The error's text, "" when there is none; cut to the size, and without control characters. */
struct jetstream_error {
    char text[JETSTREAM_ERROR_SIZE];
};

/* ack->error points into `error`. An acknowledgement of sequence 0 can't be read. */
void jetstream_read_ack(const struct bus_message *answer, struct jetstream_ack *ack,
                        struct jetstream_error *error);
/* stream->error points into `error`. */
void jetstream_read_stream(const struct bus_message *answer, struct jetstream_stream *stream,
                           struct jetstream_error *error);
/* Of a consumer just made: how many messages it has to deliver. */
enum jetstream_outcome jetstream_read_pending(const struct bus_message *answer, uint64_t *pending,
                                              struct jetstream_error *error);

/* A stored message, with the memory that it points into. */
struct jetstream_stored {
    struct jetstream_message message; /* when DONE */
    void *json;
    uint8_t *data;
};
/* jetstream_stored_clear in any case. Without memory: REFUSED. */
enum jetstream_outcome jetstream_read_stored(const struct bus_message *answer,
                                             struct jetstream_stored *stored,
                                             struct jetstream_error *error);
void jetstream_stored_clear(struct jetstream_stored *stored);

/* Where a delivered message is from, as the subject for its reply says. */
struct jetstream_delivery {
    char consumer[BUS_SUBJECT_MAX_BYTES + 1];
    uint64_t sequence; /* in the stream; never 0 */
    uint64_t number;   /* which delivery of the consumer's, from 1 on */
    int64_t stored_us;
};
/* Both forms: $JS.ACK.<stream>.<consumer>.<deliveries>.<sequence>.<number>.<ns>.<pending> and, from
 * newer servers, $JS.ACK.<domain>.<account>.<stream>. … .<pending>[.<more>]. False for anything
 * else. */
MUST_CHECK bool jetstream_read_delivery(const char *reply, struct jetstream_delivery *delivery);

#endif
