#include "tests/integration/asker.h"
#include "tests/support/expect.h"
#include "tests/support/wait.h"

#include <stdio.h>

enum { LIMIT_MS = 20000, TICK_US = 10000 };

static void on_tick(evutil_socket_t fd, short events, void *context) {
    (void)fd;
    (void)events;
    (void)context;
}

static void on_state(void *context, bool connected) {
    struct asker *asker = context;
    if (connected)
        asker->ups++;
    else
        asker->downs++;
    jetstream_bus_state(asker->jetstream, connected);
}

void asker_open(struct asker *asker, const char *url) {
    *asker = (struct asker){.base = event_base_new()};
    expect(asker->base != NULL, "no memory");
    asker->tick = event_new(asker->base, -1, EV_PERSIST, on_tick, NULL);
    event_add(asker->tick, &(struct timeval){.tv_usec = TICK_US});
    asker->bus = bus_create_batching(asker->base, url, "asker", on_state, asker);
    expect(asker->bus != NULL, "no bus");
    asker->jetstream = jetstream_create(asker->base, asker->bus);
    expect(asker->jetstream != NULL, "no jetstream");
}

void asker_open_connected(struct asker *asker, const char *url) {
    asker_open(asker, url);
    asker_wait_ups(asker, 1);
}

void asker_close(struct asker *asker) {
    jetstream_destroy(asker->jetstream);
    bus_destroy(asker->bus);
    event_free(asker->tick);
    event_base_free(asker->base);
}

void asker_turn(struct asker *asker) {
    expect(event_base_loop(asker->base, EVLOOP_ONCE) == 0, "the loop failed");
}

static void wait_for(struct asker *asker, const int *count, int wanted, const char *what) {
    struct wait wait = wait_at_most(LIMIT_MS);
    while (*count < wanted) {
        expect(!wait_is_over(&wait), "%s: %d of %d", what, *count, wanted);
        asker_turn(asker);
    }
}

void asker_wait_ups(struct asker *asker, int ups) {
    wait_for(asker, &asker->ups, ups, "connections");
}

void asker_wait_downs(struct asker *asker, int downs) {
    wait_for(asker, &asker->downs, downs, "lost connections");
}

void asked_ack(void *context, const struct jetstream_ack *ack) {
    struct asked *asked = context;
    asked->answers++;
    asked->outcome = ack->outcome;
    asked->sequence = ack->sequence;
    (void)snprintf(asked->error, sizeof asked->error, "%s", ack->error);
}

void asker_wait(struct asker *asker, const struct asked *asked) {
    wait_for(asker, &asked->answers, 1, "answers");
}

struct asked asker_publish(struct asker *asker, const char *stream, const char *subject,
                           uint64_t expected_last, const char *text) {
    struct asked asked = {0};
    enum status status = jetstream_publish(asker->jetstream, stream, subject, expected_last, text,
                                           strlen(text), asked_ack, &asked);
    expect(status == STATUS_OK, "not published: %s", status_text(status));
    assert_int_equal(asked.answers, 0);
    asker_wait(asker, &asked);
    return asked;
}

struct looked {
    int answers;
    struct jetstream_stream stream;
};

static void looked_at(void *context, const struct jetstream_stream *stream) {
    struct looked *looked = context;
    looked->answers++;
    looked->stream = *stream;
    looked->stream.error = NULL;
}

struct jetstream_stream asker_make(struct asker *asker, const char *stream, const char *subject,
                                   uint32_t replicas) {
    struct looked looked = {0};
    assert_int_equal(
        jetstream_make(asker->jetstream, stream, subject, replicas, looked_at, &looked), STATUS_OK);
    wait_for(asker, &looked.answers, 1, "answers");
    return looked.stream;
}

struct jetstream_stream asker_look(struct asker *asker, const char *stream) {
    struct looked looked = {0};
    assert_int_equal(jetstream_look(asker->jetstream, stream, looked_at, &looked), STATUS_OK);
    wait_for(asker, &looked.answers, 1, "answers");
    return looked.stream;
}

void asker_delete(struct asker *asker, const char *stream) {
    char subject[BUS_SUBJECT_MAX_BYTES];
    (void)snprintf(subject, sizeof subject, "$JS.API.STREAM.DELETE.%s", stream);
    assert_int_equal(bus_publish(asker->bus, subject, NULL, 0), STATUS_OK);
    struct wait wait = wait_at_most(LIMIT_MS);
    while (asker_look(asker, stream).outcome != JETSTREAM_NO_STREAM)
        expect(!wait_is_over(&wait), "the stream is still there");
}

static void fetched_message(struct fetched *fetched, const struct jetstream_message *message) {
    if (fetched->count++ == 0)
        fetched->first = message->sequence;
    else if (message->sequence <= fetched->last)
        fetched->out_of_order++;
    fetched->last = message->sequence;
    fetched->stored_us = message->stored_us;
    fetched->size_bytes = message->size_bytes;
    (void)snprintf(fetched->subject, sizeof fetched->subject, "%s", message->subject);
    (void)snprintf(fetched->text, sizeof fetched->text, "%.*s", (int)message->size_bytes,
                   (const char *)message->data);
}

void fetched_read(void *context, enum jetstream_outcome outcome,
                  const struct jetstream_message *message) {
    struct fetched *fetched = context;
    if (message != NULL) {
        assert_int_equal(outcome, JETSTREAM_DONE);
        fetched_message(fetched, message);
        return;
    }
    fetched->outcome = outcome;
    fetched->endings++;
}

static void fetched_one(void *context, enum jetstream_outcome outcome,
                        const struct jetstream_message *message) {
    struct fetched *fetched = context;
    fetched->outcome = outcome;
    fetched->endings++;
    expect((message != NULL) == (outcome == JETSTREAM_DONE), "no message, or one too many");
    if (message != NULL)
        fetched_message(fetched, message);
}

struct fetched asker_get(struct asker *asker, const char *stream, uint64_t sequence) {
    struct fetched fetched = {0};
    assert_int_equal(jetstream_get(asker->jetstream, stream, sequence, fetched_one, &fetched),
                     STATUS_OK);
    wait_for(asker, &fetched.endings, 1, "answers");
    return fetched;
}

struct fetched asker_get_last(struct asker *asker, const char *stream, const char *subject) {
    struct fetched fetched = {0};
    assert_int_equal(jetstream_get_last(asker->jetstream, stream, subject, fetched_one, &fetched),
                     STATUS_OK);
    wait_for(asker, &fetched.endings, 1, "answers");
    return fetched;
}

struct fetched asker_read(struct asker *asker, const char *stream, uint64_t from, uint32_t count) {
    struct fetched fetched = {0};
    assert_int_equal(jetstream_read(asker->jetstream, stream, from, count, fetched_read, &fetched),
                     STATUS_OK);
    wait_for(asker, &fetched.endings, 1, "answers");
    return fetched;
}

static void on_question(void *context, const struct bus_message *message) {
    struct stand_in *stand_in = context;
    (void)snprintf(stand_in->subject, sizeof stand_in->subject, "%s", message->subject);
    (void)snprintf(stand_in->reply, sizeof stand_in->reply, "%s", message->reply);
    (void)snprintf(stand_in->text, sizeof stand_in->text, "%.*s", (int)message->size_bytes,
                   (const char *)message->data);
    stand_in->questions++;
}

void stand_in_open(struct stand_in *stand_in, struct asker *asker, const char *subject) {
    *stand_in = (struct stand_in){.asker = asker};
    assert_int_equal(bus_subscribe_messages(asker->bus, subject, NULL, on_question, stand_in),
                     STATUS_OK);
}

void stand_in_wait(struct stand_in *stand_in, int questions) {
    wait_for(stand_in->asker, &stand_in->questions, questions, "questions");
}

void stand_in_say(struct stand_in *stand_in, const char *reply, int status, const char *text) {
    char number[8];
    (void)snprintf(number, sizeof number, "%d", status);
    const struct bus_header header = {"Status", number};
    assert_int_equal(bus_publish_message(stand_in->asker->bus, reply, "", &header,
                                         status != 0 ? 1 : 0, text, strlen(text)),
                     STATUS_OK);
}
