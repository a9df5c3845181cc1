#include "tests/unit/joins_fixture.h"

#include "shared/ids.h"
#include "tests/support/expect.h"

#include <stdio.h>
#include <stdlib.h>

/* --- pretended */

enum status jetstream_publish(struct jetstream *jetstream, const char *stream, const char *subject,
                              uint64_t expected_last, const void *data, size_t size_bytes,
                              jetstream_ack_handler *handler, void *context) {
    struct bench *bench = (struct bench *)jetstream;
    char name[ROOM_STREAM_SIZE];
    room_stream_name(name, &bench->installation, EVENT);
    assert_string_equal(stream, name);
    if (bench->refuses) {
        return STATUS_LIMIT;
    }
    ensure(bench->published < PUBLISHES_MAX);
    struct publish *publish = &bench->publishes[bench->published++];
    *publish = (struct publish){.expected = expected_last, .handler = handler, .context = context};
    (void)snprintf(publish->subject, sizeof publish->subject, "%s", subject);
    (void)snprintf(publish->payload, sizeof publish->payload, "%.*s", (int)size_bytes,
                   (const char *)data);
    return STATUS_OK;
}

enum status jetstream_look(struct jetstream *jetstream, const char *stream,
                           jetstream_stream_handler *handler, void *context) {
    struct bench *bench = (struct bench *)jetstream;
    (void)stream;
    ensure(bench->looked < ASKED_MAX);
    bench->looks[bench->looked++] = (struct look){.handler = handler, .context = context};
    return STATUS_OK;
}

const char *bus_server_id(const struct bus *bus) {
    const struct bench *bench = (const struct bench *)bus;
    return bench->connected ? bench->server_id : "";
}

bool rooms_find(const struct rooms *rooms, uint64_t event_id, int64_t now_us,
                struct room_view *view) {
    const struct bench *bench = (const struct bench *)rooms;
    (void)now_us;
    assert_int_equal(event_id, EVENT);
    *view =
        (struct room_view){.state = &bench->state, .phase = bench->phase, .stale = bench->stale};
    return bench->found;
}

void rooms_want(struct rooms *rooms, uint64_t event_id, int64_t now_us, rooms_handler *handler,
                void *context) {
    struct bench *bench = (struct bench *)rooms;
    (void)event_id;
    (void)now_us;
    bench->waiter = handler;
    bench->waiter_context = context;
}

enum status commands_submit(struct commands *commands, const struct command *command,
                            int64_t now_us, int64_t deadline_us, command_handler *handler,
                            void *context) {
    struct bench *bench = (struct bench *)commands;
    assert_int_equal(now_us, bench->now_us);
    assert_true(deadline_us > now_us);
    assert_int_equal(command->partition, partition_of_event(EVENT));
    ensure(bench->commanded < ASKED_MAX);
    bench->commands[bench->commanded++] =
        (struct told){.command = *command, .handler = handler, .context = context};
    return STATUS_OK;
}

/* --- what happens */

/* Somebody joined before, so that the owner knows this gateway to attend to the room. */
static void attend(struct bench *bench) {
    join(bench, 0);
    ensure(bench->commanded == 1);
    reply(bench, 0, COMMAND_ANSWERED, REPLY_OK, TURN_NONE);
    acknowledge(bench, JETSTREAM_SILENT, 0);
    ensure(joins_under_way(bench->joins) == 0);
    tick(bench);
    bench->published = bench->acknowledged = bench->commanded = 0;
    bench->people[0].answers = 0;
}

int make_bench(void **state) {
    make_new_bench(state);
    attend(*state);
    return 0;
}

int make_new_bench(void **state) {
    struct bench *bench = calloc(1, sizeof *bench);
    ensure(bench != NULL);
    const struct joins_config config = {.installation = &bench->installation,
                                        .rooms = (struct rooms *)bench,
                                        .commands = (struct commands *)bench,
                                        .jetstream = (struct jetstream *)bench,
                                        .bus = (struct bus *)bench,
                                        .clock = &bench->clock};
    database_clock_sample(&bench->clock, 0, 0, 0);
    bench->installation = id128_random();
    bench->now_us = 1000 * INT64_C(1000000);
    bench->connected = bench->found = true;
    bench->phase = ROOM_OPEN;
    bench->state.event_id = EVENT;
    bench->state.issued_to = 1000;
    bench->state.line = (struct room_line){.count = 1, .spans = {{1, 1, 0}}};
    (void)snprintf(bench->server_id, sizeof bench->server_id, RUN);
    (void)snprintf(bench->state.server_id, sizeof bench->state.server_id, RUN);
    (void)snprintf(bench->state.created, sizeof bench->state.created, CREATED);
    for (size_t i = 0; i < PEOPLE_MAX; i++) {
        bench->people[i].user = id128_random();
    }
    bench->joins = joins_create(&config);
    ensure(bench->joins != NULL);
    *state = bench;
    return 0;
}

void on_joined(void *context, enum join_outcome outcome, const struct join_place *place) {
    struct person *person = context;
    assert_true((place != NULL) == (outcome == JOIN_NEW || outcome == JOIN_KNOWN));
    person->answers++;
    person->outcome = outcome;
    if (place != NULL) {
        person->place = *place;
    }
}

void join(struct bench *bench, size_t person) {
    assert_int_equal(joins_submit(bench->joins, EVENT, &bench->people[person].user, bench->now_us,
                                  on_joined, &bench->people[person]),
                     STATUS_OK);
}

void acknowledge(struct bench *bench, enum jetstream_outcome outcome, uint64_t sequence) {
    const struct jetstream_ack ack = {.outcome = outcome, .sequence = sequence, .error = "why"};
    ensure(bench->acknowledged < bench->published);
    struct publish *publish = &bench->publishes[bench->acknowledged++];
    publish->handler(publish->context, &ack);
}

void show_stream(struct bench *bench, enum jetstream_outcome outcome, const char *created) {
    struct jetstream_stream stream = {.outcome = outcome, .error = "why"};
    (void)snprintf(stream.created, sizeof stream.created, "%s", created);
    ensure(bench->looks_answered < bench->looked);
    struct look *look = &bench->looks[bench->looks_answered++];
    look->handler(look->context, &stream);
}

void reply(struct bench *bench, size_t command, enum command_outcome outcome, enum reply_code code,
           enum turn_state turn) {
    const struct reply answer = {.code = code, .has_turn = true, .turn = {.state = turn}};
    struct told *told = &bench->commands[command];
    command_handler *handler = told->handler;
    told->handler = NULL;
    handler(told->context, outcome, outcome == COMMAND_ANSWERED ? &answer : NULL);
}

void tick(struct bench *bench) {
    bench->now_us += TICK_US;
    joins_tick(bench->joins, bench->now_us);
}

void change_room(struct bench *bench) {
    joins_room_changed(bench->joins, EVENT, bench->now_us);
}

void lose_connection(struct bench *bench) {
    bench->connected = false;
    joins_bus_state(bench->joins, false, bench->now_us);
}

void reconnect(struct bench *bench) {
    bench->connected = true;
    joins_bus_state(bench->joins, true, bench->now_us);
}

void expect_waiting(const struct bench *bench, size_t person) {
    assert_int_equal(bench->people[person].answers, 0);
}

void expect_told(const struct bench *bench, size_t person, enum join_outcome outcome,
                 uint64_t number) {
    assert_int_equal(bench->people[person].answers, 1);
    assert_int_equal(bench->people[person].outcome, outcome);
    assert_int_equal(bench->people[person].place.number, number);
}

int free_bench(void **state) {
    struct bench *bench = *state;
    while (bench->acknowledged < bench->published) {
        acknowledge(bench, JETSTREAM_LOST, 0);
    }
    while (bench->looks_answered < bench->looked) {
        show_stream(bench, JETSTREAM_LOST, "");
    }
    for (size_t i = 0; i < bench->commanded; i++) {
        if (bench->commands[i].handler != NULL) {
            reply(bench, i, COMMAND_OUTCOME_UNKNOWN, REPLY_OK, TURN_NONE);
        }
    }
    if (bench->waiter != NULL) {
        bench->waiter(bench->waiter_context, NULL);
    }
    joins_destroy(bench->joins);
    free(bench);
    return 0;
}
