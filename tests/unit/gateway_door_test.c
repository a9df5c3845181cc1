/* The gateway's door, with pretended JetStream and owner: what is read and what of it is reported.
 */
#include "gateway/door.h"
#include "shared/ids.h"
#include "tests/support/expect.h"

#include <stdio.h>
#include <stdlib.h>

enum { EVENT = 7, FROM_NUMBER = 1001, FROM_SEQUENCE = 101, PEOPLE = 5, ASKED_MAX = 128 };
#define RUN "NRUN1"
#define CREATED "2026-11-23T17:31:32.123456789Z"

struct read {
    uint64_t from;
    uint32_t count;
    jetstream_message_handler *handler; /* NULL: it has ended */
    void *context;
};

/* Stands for jetstream, bus and commands as well. */
struct bench {
    struct door *door;
    struct id128 installation;
    struct database_clock clock;
    char server_id[BUS_SERVER_ID_SIZE];
    struct id128 people[PEOPLE];
    struct read reads[ASKED_MAX];
    size_t read_count;
    jetstream_stream_handler *look;
    void *look_context;
    struct command report;
    struct room_arrival arrivals[PEOPLE];
    unsigned reports;
};

/* --- pretended */

enum status jetstream_read(struct jetstream *jetstream, const char *stream, uint64_t from,
                           uint32_t count, jetstream_message_handler *handler, void *context) {
    struct bench *bench = (struct bench *)jetstream;
    (void)stream;
    ensure(bench->read_count < ASKED_MAX);
    bench->reads[bench->read_count++] =
        (struct read){.from = from, .count = count, .handler = handler, .context = context};
    return STATUS_OK;
}

enum status jetstream_look(struct jetstream *jetstream, const char *stream,
                           jetstream_stream_handler *handler, void *context) {
    struct bench *bench = (struct bench *)jetstream;
    char name[ROOM_STREAM_SIZE];
    room_stream_name(name, &bench->installation, EVENT);
    assert_string_equal(stream, name);
    assert_null(bench->look);
    bench->look = handler;
    bench->look_context = context;
    return STATUS_OK;
}

bool bus_connected(const struct bus *bus) {
    return *((const struct bench *)bus)->server_id != '\0';
}

const char *bus_server_id(const struct bus *bus) {
    return ((const struct bench *)bus)->server_id;
}

enum status commands_submit(struct commands *commands, const struct command *command,
                            int64_t now_us, int64_t deadline_us, command_handler *handler,
                            void *context) {
    struct bench *bench = (struct bench *)commands;
    assert_int_equal(deadline_us - now_us, (int64_t)DOOR_REPORT_MS * 1000);
    ensure(command->arrival_count <= PEOPLE);
    bench->report = *command;
    for (uint32_t i = 0; i < command->arrival_count; i++) {
        bench->arrivals[i] = room_arrival_get(&command->arrivals[(size_t)i * ROOM_ARRIVAL_BYTES]);
    }
    bench->reports++;
    handler(context, COMMAND_NOT_DECIDED, NULL);
    return STATUS_OK;
}

/* --- what happens */

static int make_bench(void **state) {
    struct bench *bench = calloc(1, sizeof *bench);
    ensure(bench != NULL);
    const struct door_config config = {.installation = &bench->installation,
                                       .commands = (struct commands *)bench,
                                       .jetstream = (struct jetstream *)bench,
                                       .bus = (struct bus *)bench,
                                       .clock = &bench->clock};
    database_clock_sample(&bench->clock, 0, 0, 0);
    bench->installation = id128_random();
    for (size_t i = 0; i < PEOPLE; i++) {
        bench->people[i] = id128_random();
    }
    (void)snprintf(bench->server_id, sizeof bench->server_id, RUN);
    bench->door = door_create(&config);
    ensure(bench->door != NULL);
    *state = bench;
    return 0;
}

static void end_read(struct bench *bench, size_t read, enum jetstream_outcome outcome) {
    jetstream_message_handler *handler = bench->reads[read].handler;
    bench->reads[read].handler = NULL;
    handler(bench->reads[read].context, outcome, NULL);
}

static void show_stream(struct bench *bench, enum jetstream_outcome outcome, const char *created) {
    struct jetstream_stream stream = {.outcome = outcome};
    jetstream_stream_handler *look = bench->look;
    (void)snprintf(stream.created, sizeof stream.created, "%s", created);
    bench->look = NULL;
    ensure(look != NULL);
    look(bench->look_context, &stream);
}

static int free_bench(void **state) {
    struct bench *bench = *state;
    for (size_t i = 0; i < bench->read_count; i++) {
        if (bench->reads[i].handler != NULL) {
            end_read(bench, i, JETSTREAM_LOST);
        }
    }
    if (bench->look != NULL) {
        show_stream(bench, JETSTREAM_LOST, "");
    }
    door_destroy(bench->door);
    free(bench);
    return 0;
}

static void grant(struct bench *bench, const char *server_id, uint64_t event_id) {
    struct room_grant grant = {.event_id = event_id,
                               .from_number = FROM_NUMBER,
                               .from_sequence = FROM_SEQUENCE,
                               .count = PEOPLE};
    (void)snprintf(grant.server_id, sizeof grant.server_id, "%s", server_id);
    (void)snprintf(grant.created, sizeof grant.created, CREATED);
    door_granted(bench->door, &grant);
}

/* Somebody is at FROM_SEQUENCE + place. */
static void find_person(struct bench *bench, size_t read, size_t place) {
    char subject[ROOM_SUBJECT_SIZE];
    room_subject(subject, &bench->installation, EVENT, &bench->people[place]);
    const struct jetstream_message message = {
        .sequence = FROM_SEQUENCE + place, .subject = subject, .stored_us = (int64_t)place * 1000};
    bench->reads[read].handler(bench->reads[read].context, JETSTREAM_DONE, &message);
}

static void expect_reported(const struct bench *bench, uint32_t count) {
    assert_int_equal(bench->reports, 1);
    assert_int_equal(bench->report.kind, COMMAND_ROOM_REPORT);
    assert_int_equal(bench->report.event_id, EVENT);
    assert_int_equal(bench->report.partition, partition_of_event(EVENT));
    assert_int_equal(bench->report.queue_number, FROM_NUMBER);
    assert_string_equal(bench->report.created, CREATED);
    assert_int_equal(bench->report.arrival_count, count);
    for (size_t i = 0; i < count; i++) {
        assert_memory_equal(&bench->arrivals[i].user, &bench->people[i], sizeof(struct id128));
        assert_int_equal(bench->arrivals[i].joined_us, i * 1000);
    }
}

/* --- tests */

static void who_was_read_is_reported(void **state) {
    struct bench *bench = *state;
    grant(bench, RUN, EVENT);
    assert_int_equal(bench->reads[0].from, FROM_SEQUENCE);
    assert_int_equal(bench->reads[0].count, PEOPLE);
    for (size_t i = 0; i < PEOPLE; i++) {
        find_person(bench, 0, i);
    }
    end_read(bench, 0, JETSTREAM_DONE);
    assert_int_equal(bench->reports, 0);
    show_stream(bench, JETSTREAM_DONE, CREATED);
    expect_reported(bench, PEOPLE);
    assert_string_equal(bench->report.server_id, RUN);
}

static void fewer_than_granted_will_do(void **state) {
    static const enum jetstream_outcome outcomes[] = {JETSTREAM_DONE, JETSTREAM_SILENT};
    struct bench *bench = *state;
    for (size_t i = 0; i < ARRAY_LEN(outcomes); i++) {
        grant(bench, "", EVENT);
        find_person(bench, i, 0);
        find_person(bench, i, 1);
        end_read(bench, i, outcomes[i]);
        show_stream(bench, JETSTREAM_DONE, CREATED);
        expect_reported(bench, 2);
        assert_string_equal(bench->report.server_id, "");
        bench->reports = 0;
    }
}

static void nobody_is_no_report(void **state) {
    struct bench *bench = *state;
    grant(bench, RUN, EVENT);
    end_read(bench, 0, JETSTREAM_DONE);
    assert_null(bench->look);
    assert_int_equal(door_numbers(bench->door)->failed, 1);
}

static void a_gap_ends_it(void **state) {
    struct bench *bench = *state;
    grant(bench, RUN, EVENT);
    find_person(bench, 0, 0);
    find_person(bench, 0, 2);
    find_person(bench, 0, 3);
    end_read(bench, 0, JETSTREAM_DONE);
    show_stream(bench, JETSTREAM_DONE, CREATED);
    expect_reported(bench, 1);
}

static void a_strangers_message_ends_it(void **state) {
    struct bench *bench = *state;
    const struct jetstream_message message = {.sequence = FROM_SEQUENCE + 1,
                                              .subject = "usher.somebody"};
    grant(bench, RUN, EVENT);
    find_person(bench, 0, 0);
    bench->reads[0].handler(bench->reads[0].context, JETSTREAM_DONE, &message);
    find_person(bench, 0, 1);
    end_read(bench, 0, JETSTREAM_DONE);
    show_stream(bench, JETSTREAM_DONE, CREATED);
    expect_reported(bench, 1);
}

static void another_stream_is_not_reported(void **state) {
    struct bench *bench = *state;
    grant(bench, RUN, EVENT);
    find_person(bench, 0, 0);
    end_read(bench, 0, JETSTREAM_DONE);
    show_stream(bench, JETSTREAM_DONE, "2026-11-23T18:00:00Z");
    assert_int_equal(bench->reports, 0);
    grant(bench, RUN, EVENT);
    assert_int_equal(bench->read_count, 2);
}

static void a_connection_that_ends_is_no_report(void **state) {
    static const enum jetstream_outcome outcomes[] = {JETSTREAM_LOST, JETSTREAM_NO_STREAM,
                                                      JETSTREAM_REFUSED};
    struct bench *bench = *state;
    for (size_t i = 0; i < ARRAY_LEN(outcomes); i++) {
        grant(bench, RUN, EVENT);
        find_person(bench, i, 0);
        end_read(bench, i, outcomes[i]);
        assert_null(bench->look);
    }
    grant(bench, RUN, EVENT);
    find_person(bench, ARRAY_LEN(outcomes), 0);
    end_read(bench, ARRAY_LEN(outcomes), JETSTREAM_DONE);
    show_stream(bench, JETSTREAM_LOST, "");
    assert_int_equal(bench->reports, 0);
}

static void another_run_is_not_read(void **state) {
    struct bench *bench = *state;
    grant(bench, "NRUN2", EVENT);
    assert_int_equal(bench->read_count, 0);
    bench->server_id[0] = '\0';
    grant(bench, "", EVENT);
    assert_int_equal(bench->read_count, 0);
    assert_int_equal(door_numbers(bench->door)->dropped, 2);
}

static void one_read_an_event_and_so_many_in_all(void **state) {
    struct bench *bench = *state;
    grant(bench, RUN, EVENT);
    grant(bench, RUN, EVENT);
    assert_int_equal(bench->read_count, 1);
    for (uint64_t other = 1; other <= DOOR_READS_MAX; other++) {
        grant(bench, RUN, EVENT + other);
    }
    assert_int_equal(bench->read_count, DOOR_READS_MAX);
    end_read(bench, 0, JETSTREAM_DONE);
    grant(bench, RUN, EVENT);
    assert_int_equal(bench->read_count, DOOR_READS_MAX + 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_bench, free_bench)
        TEST(who_was_read_is_reported),
        TEST(fewer_than_granted_will_do),
        TEST(nobody_is_no_report),
        TEST(a_gap_ends_it),
        TEST(a_strangers_message_ends_it),
        TEST(another_stream_is_not_reported),
        TEST(a_connection_that_ends_is_no_report),
        TEST(another_run_is_not_read),
        TEST(one_read_an_event_and_so_many_in_all),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
