/*
 * asker: a bus, a jetstream and a loop of their own, and questions that wait for their answers, so
 * that tests read from top to bottom. Failures and waits without end fail the test.
 */
#ifndef USHER_TESTS_INTEGRATION_ASKER_H
#define USHER_TESTS_INTEGRATION_ASKER_H

#include "shared/jetstream.h"

struct asker {
    struct event_base *base;
    struct event *tick; /* so that one turn of the loop ends */
    struct bus *bus;
    struct jetstream *jetstream;
    int ups, downs;
};

void asker_open(struct asker *asker, const char *url);
/* And waits until it is connected. */
void asker_open_connected(struct asker *asker, const char *url);
void asker_close(struct asker *asker);
/* One turn of the loop; a turn takes at most 10 ms. */
void asker_turn(struct asker *asker);
void asker_wait_ups(struct asker *asker, int ups);
void asker_wait_downs(struct asker *asker, int downs);

/* A publish and what became of it. */
struct asked {
    int answers;
    enum jetstream_outcome outcome;
    uint64_t sequence;
    char error[128];
};
void asked_ack(void *context, const struct jetstream_ack *ack); /* context: a struct asked */
/* Until it has its answer. */
void asker_wait(struct asker *asker, const struct asked *asked);
struct asked asker_publish(struct asker *asker, const char *stream, const char *subject,
                           uint64_t expected_last, const char *text);

/* ->error is NULL in both. */
struct jetstream_stream asker_make(struct asker *asker, const char *stream, const char *subject,
                                   uint32_t replicas);
struct jetstream_stream asker_look(struct asker *asker, const char *stream);
/* Deletes a stream, by a request of its own. */
void asker_delete(struct asker *asker, const char *stream);

/* Messages that came: how many, and the last one. */
struct fetched {
    int endings; /* calls with an outcome and no further ones to come */
    enum jetstream_outcome outcome;
    int count;
    uint64_t first, last;
    int out_of_order;
    char subject[BUS_SUBJECT_MAX_BYTES + 1];
    char text[128];
    size_t size_bytes;
    int64_t stored_us;
};
struct fetched asker_get(struct asker *asker, const char *stream, uint64_t sequence);
struct fetched asker_get_last(struct asker *asker, const char *stream, const char *subject);
struct fetched asker_read(struct asker *asker, const char *stream, uint64_t from, uint32_t count);
void fetched_read(void *context, enum jetstream_outcome outcome,
                  const struct jetstream_message *message); /* context: a struct fetched */

/* Another program that speaks for JetStream: it gets what is published to a subject, and says what
 * the test wants it to. */
struct stand_in {
    struct asker *asker;
    int questions;
    char subject[BUS_SUBJECT_MAX_BYTES + 1], reply[BUS_SUBJECT_MAX_BYTES + 1]; /* of the last one */
    char text[256];
};
void stand_in_open(struct stand_in *stand_in, struct asker *asker, const char *subject);
/* Until it was asked so often. */
void stand_in_wait(struct stand_in *stand_in, int questions);
/* To `reply`; with a status, or 0. */
void stand_in_say(struct stand_in *stand_in, const char *reply, int status, const char *text);

#endif
