/* JetStream's answers from a real server: joins as they are published, streams, messages. */
#include "tests/integration/asker.h"
#include "tests/support/expect.h"
#include "tests/support/servers.h"
#include "tests/support/wait.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    LIMIT_MS = 60000,
    PEOPLE = 10000,
    READERS = 20,
    CLUSTER_MS = 30000,
    SERVERS = 3,
};

static const char subject_of_all[] = "room.1.*";

struct place {
    char folder[FOLDER_PATH_SIZE];
    char url[SERVER_URL_SIZE];
    struct nats_server nats;
    struct asker asker;
};

static int place_create(void **state) {
    struct place *place = calloc(1, sizeof *place);
    expect(place != NULL, "no memory");
    folder_create(place->folder);
    nats_create(&place->nats, place->folder);
    nats_url(&place->nats, place->url);
    *state = place;
    return 0;
}

static int place_destroy(void **state) {
    struct place *place = *state;
    nats_destroy(&place->nats);
    folder_remove(place->folder);
    free(place);
    bus_library_close();
    return 0;
}

/* An empty stream ROOM. */
static int room_open(void **state) {
    struct place *place = *state;
    asker_open_connected(&place->asker, place->url);
    assert_int_equal(asker_make(&place->asker, "ROOM", subject_of_all, 1).outcome, JETSTREAM_DONE);
    return 0;
}

static int room_close(void **state) {
    struct place *place = *state;
    asker_delete(&place->asker, "ROOM");
    assert_int_equal(jetstream_open(place->asker.jetstream), 0);
    assert_int_equal(bus_dropped(place->asker.bus), 0);
    asker_close(&place->asker);
    return 0;
}

static void a_subject_has_one_message_that_is_expected(void **state) {
    struct asker *asker = &((struct place *)*state)->asker;
    struct asked asked = asker_publish(asker, "ROOM", "room.1.anna", 0, "first");
    assert_int_equal(asked.outcome, JETSTREAM_DONE);
    assert_int_equal(asked.sequence, 1);
    asked = asker_publish(asker, "ROOM", "room.1.ben", 0, "second");
    assert_int_equal(asked.outcome, JETSTREAM_DONE);
    assert_int_equal(asked.sequence, 2);

    asked = asker_publish(asker, "ROOM", "room.1.anna", 0, "again");
    assert_int_equal(asked.outcome, JETSTREAM_CONFLICT);
    assert_int_equal(asked.sequence, 1);
    asked = asker_publish(asker, "ROOM", "room.1.anna", 2, "another's");
    assert_int_equal(asked.outcome, JETSTREAM_CONFLICT);
    assert_int_equal(asked.sequence, 1);
    asked = asker_publish(asker, "ROOM", "room.1.carl", 2, "never here");
    assert_int_equal(asked.outcome, JETSTREAM_CONFLICT);
    assert_int_equal(asked.sequence, 0);
    asked = asker_publish(asker, "ROOM", "room.1.anna", 1, "back again");
    assert_int_equal(asked.outcome, JETSTREAM_DONE);
    assert_int_equal(asked.sequence, 3);
    asked = asker_publish(asker, "ROOM", "room.1.anna", 0, "and again");
    assert_int_equal(asked.outcome, JETSTREAM_CONFLICT);
    assert_int_equal(asked.sequence, 3);
    assert_int_equal(asker_look(asker, "ROOM").messages, 3);
}

static void a_publish_for_another_stream_is_refused(void **state) {
    struct asker *asker = &((struct place *)*state)->asker;
    struct asked asked = asker_publish(asker, "OTHER", "room.1.anna", 0, "x");
    assert_int_equal(asked.outcome, JETSTREAM_REFUSED);
    expect(strstr(asked.error, "stream") != NULL, "it says %s", asked.error);
    asked = asker_publish(asker, "ROOM", "hall.1.anna", 0, "x");
    assert_int_equal(asked.outcome, JETSTREAM_NO_STREAM);
    assert_int_equal(asker_look(asker, "ROOM").messages, 0);
}

struct crowd {
    uint8_t seen[PEOPLE + 1]; /* by sequence */
    int answers;
    int repeats; /* that were told the number given before */
    uint64_t given[PEOPLE];
};

struct person {
    struct crowd *crowd;
    int number;
};

static void on_joined(void *context, const struct jetstream_ack *ack) {
    struct person *person = context;
    struct crowd *crowd = person->crowd;
    crowd->answers++;
    if (ack->outcome == JETSTREAM_CONFLICT) {
        crowd->repeats += ack->sequence == crowd->given[person->number];
        return;
    }
    expect(ack->outcome == JETSTREAM_DONE, "person %d: %s", person->number,
           jetstream_outcome_text(ack->outcome));
    expect(ack->sequence >= 1 && ack->sequence <= PEOPLE && !crowd->seen[ack->sequence],
           "person %d: %llu", person->number, (unsigned long long)ack->sequence);
    crowd->seen[ack->sequence] = 1;
    crowd->given[person->number] = ack->sequence;
}

/* All at once; how many a second. */
static double all_join(struct asker *asker, struct person *people, struct crowd *crowd) {
    int64_t began_ms = wait_now_ms();
    crowd->answers = 0;
    for (int i = 0; i < PEOPLE; i++) {
        char subject[64];
        (void)snprintf(subject, sizeof subject, "room.1.0123456789abcdef%016d", i);
        people[i] = (struct person){crowd, i};
        assert_int_equal(jetstream_publish(asker->jetstream, "ROOM", subject, 0, "12345678", 8,
                                           on_joined, &people[i]),
                         STATUS_OK);
    }
    assert_int_equal(jetstream_open(asker->jetstream), PEOPLE);
    struct wait wait = wait_at_most(LIMIT_MS);
    while (crowd->answers < PEOPLE) {
        expect(!wait_is_over(&wait), "%d of %d answers", crowd->answers, PEOPLE);
        asker_turn(asker);
    }
    return PEOPLE * 1000.0 / (double)(wait_now_ms() - began_ms + 1);
}

static void ten_thousand_publish_at_once(void **state) {
    struct asker *asker = &((struct place *)*state)->asker;
    struct crowd *crowd = calloc(1, sizeof *crowd);
    struct person *people = calloc(PEOPLE, sizeof *people);
    expect(crowd != NULL && people != NULL, "no memory");
    double joins_per_s = all_join(asker, people, crowd);
    for (int i = 0; i < PEOPLE; i++)
        assert_int_equal(crowd->given[i], i + 1); /* in the order of asking */
    double repeats_per_s = all_join(asker, people, crowd);
    assert_int_equal(crowd->repeats, PEOPLE);
    (void)printf("%.0f publishes/s, %.0f repeats/s\n", joins_per_s, repeats_per_s);
    free(people);
    free(crowd);
}

static void streams_say_what_they_hold(void **state) {
    struct asker *asker = &((struct place *)*state)->asker;
    assert_int_equal(asker_look(asker, "NOWHERE").outcome, JETSTREAM_NO_STREAM);
    struct jetstream_stream empty = asker_look(asker, "ROOM");
    assert_int_equal(empty.outcome, JETSTREAM_DONE);
    assert_int_equal(empty.messages, 0);
    assert_int_equal(empty.last_sequence, 0);
    assert_int_equal(empty.replicas, 1);
    assert_false(empty.clustered);
    assert_true(*empty.created != '\0');

    (void)asker_publish(asker, "ROOM", "room.1.anna", 0, "x");
    (void)asker_publish(asker, "ROOM", "room.1.ben", 0, "x");
    struct jetstream_stream again = asker_make(asker, "ROOM", subject_of_all, 1);
    assert_int_equal(again.outcome, JETSTREAM_DONE);
    assert_string_equal(again.created, empty.created);
    assert_int_equal(again.messages, 2);
    assert_int_equal(again.first_sequence, 1);
    assert_int_equal(again.last_sequence, 2);
    assert_int_equal(asker_make(asker, "ROOM", "room.2.*", 1).outcome, JETSTREAM_REFUSED);
    assert_int_equal(asker_make(asker, "TWICE", subject_of_all, 1).outcome, JETSTREAM_REFUSED);

    asker_delete(asker, "ROOM");
    assert_int_equal(asker_publish(asker, "ROOM", "room.1.carl", 0, "x").outcome,
                     JETSTREAM_NO_STREAM);
    assert_int_equal(asker_read(asker, "ROOM", 1, 10).outcome, JETSTREAM_NO_STREAM);
    assert_int_equal(asker_get(asker, "ROOM", 1).outcome, JETSTREAM_NO_STREAM);
    struct jetstream_stream other = asker_make(asker, "ROOM", subject_of_all, 1);
    assert_int_equal(other.outcome, JETSTREAM_DONE);
    assert_string_not_equal(other.created, empty.created);
    assert_int_equal(asker_publish(asker, "ROOM", "room.1.anna", 0, "x").sequence, 1);
}

static void a_restart_keeps_streams_and_is_another_run(void **state) {
    struct place *place = *state;
    struct asker *asker = &place->asker;
    char server[BUS_SERVER_ID_SIZE];
    (void)asker_publish(asker, "ROOM", "room.1.anna", 0, "x");
    struct jetstream_stream before = asker_look(asker, "ROOM");
    (void)snprintf(server, sizeof server, "%s", bus_server_id(asker->bus));
    nats_kill(&place->nats);
    asker_wait_downs(asker, 1);
    struct asked asked = {0};
    assert_int_equal(
        jetstream_publish(asker->jetstream, "ROOM", "room.1.ben", 0, "x", 1, asked_ack, &asked),
        STATUS_UNAVAILABLE);
    nats_start(&place->nats);
    asker_wait_ups(asker, 2);
    assert_int_equal(asked.answers, 0);
    assert_int_equal(bus_run(asker->bus), 2);
    assert_string_not_equal(bus_server_id(asker->bus), server);
    struct jetstream_stream after = asker_look(asker, "ROOM");
    assert_string_equal(after.created, before.created);
    assert_int_equal(after.last_sequence, 1);
    assert_int_equal(asker_publish(asker, "ROOM", "room.1.ben", 0, "x").sequence, 2);
}

static void messages_are_found_by_number_and_by_subject(void **state) {
    struct asker *asker = &((struct place *)*state)->asker;
    (void)asker_publish(asker, "ROOM", "room.1.anna", 0, "first");
    (void)asker_publish(asker, "ROOM", "room.1.ben", 0, "");
    (void)asker_publish(asker, "ROOM", "room.1.anna", 1, "third one");
    struct fetched got = asker_get(asker, "ROOM", 1);
    assert_int_equal(got.outcome, JETSTREAM_DONE);
    assert_int_equal(got.last, 1);
    assert_string_equal(got.subject, "room.1.anna");
    assert_string_equal(got.text, "first");
    assert_int_equal(got.size_bytes, 5);
    struct fetched empty = asker_get(asker, "ROOM", 2);
    assert_int_equal(empty.outcome, JETSTREAM_DONE);
    assert_string_equal(empty.subject, "room.1.ben");
    assert_int_equal(empty.size_bytes, 0);
    assert_true(empty.stored_us >= got.stored_us);
    got = asker_get_last(asker, "ROOM", "room.1.anna");
    assert_int_equal(got.last, 3);
    assert_string_equal(got.text, "third one");
    assert_int_equal(asker_get(asker, "ROOM", 4).outcome, JETSTREAM_NOT_FOUND);
    assert_int_equal(asker_get_last(asker, "ROOM", "room.1.carl").outcome, JETSTREAM_NOT_FOUND);
}

static void reading_ends_where_the_stream_ends(void **state) {
    struct asker *asker = &((struct place *)*state)->asker;
    struct fetched none = asker_read(asker, "ROOM", 1, 10);
    assert_int_equal(none.outcome, JETSTREAM_DONE);
    assert_int_equal(none.count, 0);
    struct crowd *crowd = calloc(1, sizeof *crowd);
    struct person *people = calloc(PEOPLE, sizeof *people);
    expect(crowd != NULL && people != NULL, "no memory");
    (void)all_join(asker, people, crowd);

    struct fetched read = asker_read(asker, "ROOM", 5, JETSTREAM_READ_MAX);
    assert_int_equal(read.outcome, JETSTREAM_DONE);
    assert_int_equal(read.count, JETSTREAM_READ_MAX);
    assert_int_equal(read.first, 5);
    assert_int_equal(read.last, 4 + JETSTREAM_READ_MAX);
    assert_int_equal(read.out_of_order, 0);
    assert_string_equal(read.subject, "room.1.0123456789abcdef0000000000001003");
    assert_string_equal(read.text, "12345678");
    struct fetched got = asker_get(asker, "ROOM", read.last);
    assert_int_equal(read.stored_us, got.stored_us);

    read = asker_read(asker, "ROOM", PEOPLE - 2, 10);
    assert_int_equal(read.outcome, JETSTREAM_DONE);
    assert_int_equal(read.count, 3);
    assert_int_equal(read.last, PEOPLE);
    read = asker_read(asker, "ROOM", PEOPLE + 1, 10);
    assert_int_equal(read.outcome, JETSTREAM_DONE);
    assert_int_equal(read.count, 0);
    read = asker_read(asker, "ROOM", PEOPLE, 1);
    assert_int_equal(read.count, 1);
    free(people);
    free(crowd);
}

/* What happens to the message that comes after the third one. */
struct mishap {
    struct fetched fetched;
    const char *folder;
    const char *failpoint;
};

static void read_with_mishap(void *context, enum jetstream_outcome outcome,
                             const struct jetstream_message *message) {
    struct mishap *mishap = context;
    fetched_read(&mishap->fetched, outcome, message);
    if (message != NULL && message->sequence == 3)
        folder_write(mishap->folder, mishap->failpoint, 0644, "fail");
}

static struct fetched read_ten(struct place *place, const char *failpoint) {
    struct mishap mishap = {.folder = place->folder, .failpoint = failpoint};
    assert_int_equal(
        jetstream_read(place->asker.jetstream, "ROOM", 1, 10, read_with_mishap, &mishap),
        STATUS_OK);
    struct wait wait = wait_at_most(LIMIT_MS);
    while (mishap.fetched.endings == 0) {
        expect(!wait_is_over(&wait), "the read does not end");
        asker_turn(&place->asker);
    }
    return mishap.fetched;
}

static void reading_hands_over_no_gap_and_nothing_twice(void **state) {
    struct place *place = *state;
    for (int i = 0; i < 10; i++) {
        char subject[32];
        (void)snprintf(subject, sizeof subject, "room.1.%d", i);
        (void)asker_publish(&place->asker, "ROOM", subject, 0, "x");
    }
    expect(setenv("USHER_FAILPOINT_DIR", place->folder, 1) == 0, "no environment");
    struct fetched read = read_ten(place, "bus.lose");
    assert_int_equal(read.outcome, JETSTREAM_SILENT);
    assert_int_equal(read.count, 3);
    assert_int_equal(read.last, 3);
    read = read_ten(place, "bus.double");
    assert_int_equal(read.outcome, JETSTREAM_DONE);
    assert_int_equal(read.count, 10);
    assert_int_equal(read.out_of_order, 0);
    expect(unsetenv("USHER_FAILPOINT_DIR") == 0, "no environment");
}

static void on_info(void *context, const struct bus_message *message) {
    const char *found = strstr((const char *)message->data, "\"consumer_count\":");
    *(long *)context = found != NULL ? strtol(strchr(found, ':') + 1, NULL, 10) : -1;
}

static void readers_leave_nothing_behind(void **state) {
    struct asker *asker = &((struct place *)*state)->asker;
    struct fetched fetched[READERS] = {0};
    for (int i = 0; i < READERS; i++) {
        char subject[32];
        (void)snprintf(subject, sizeof subject, "room.1.%d", i);
        (void)asker_publish(asker, "ROOM", subject, 0, "x");
    }
    for (int i = 0; i < READERS; i++)
        assert_int_equal(jetstream_read(asker->jetstream, "ROOM", (uint64_t)i + 1, READERS,
                                        fetched_read, &fetched[i]),
                         STATUS_OK);
    struct wait wait = wait_at_most(LIMIT_MS);
    while (jetstream_open(asker->jetstream) > 0) {
        expect(!wait_is_over(&wait), "%zu readers are not done", jetstream_open(asker->jetstream));
        asker_turn(asker);
    }
    for (int i = 0; i < READERS; i++) {
        assert_int_equal(fetched[i].outcome, JETSTREAM_DONE);
        assert_int_equal(fetched[i].endings, 1);
        assert_int_equal(fetched[i].count, READERS - i);
        assert_int_equal(fetched[i].out_of_order, 0);
    }
    long consumers = -1;
    assert_int_equal(bus_subscribe_messages(asker->bus, "test.info", NULL, on_info, &consumers),
                     STATUS_OK);
    while (consumers != 0) { /* deleting them has no answer */
        expect(!wait_is_over(&wait), "%ld consumers are left", consumers);
        consumers = -1;
        assert_int_equal(bus_publish_message(asker->bus, "$JS.API.STREAM.INFO.ROOM", "test.info",
                                             NULL, 0, NULL, 0),
                         STATUS_OK);
        while (consumers < 0 && !wait_is_over(&wait))
            asker_turn(asker);
    }
}

static void a_cluster_says_that_it_is_one(void **state) {
    struct place *place = *state;
    struct nats_server servers[SERVERS];
    struct asker asker;
    char url[SERVER_URL_SIZE];
    nats_create_cluster(servers, SERVERS, place->folder);
    nats_url(&servers[0], url);
    asker_open_connected(&asker, url);
    struct jetstream_stream made;
    struct wait wait = wait_at_most(CLUSTER_MS);
    while ((made = asker_make(&asker, "ROOM", subject_of_all, SERVERS)).outcome != JETSTREAM_DONE)
        wait_again(&wait, "the servers to agree");
    assert_true(made.clustered);
    assert_int_equal(made.replicas, SERVERS);
    struct jetstream_stream alone = asker_make(&asker, "ALONE", "alone.*", 1);
    assert_int_equal(alone.outcome, JETSTREAM_DONE);
    assert_true(alone.clustered);
    assert_int_equal(alone.replicas, 1);
    assert_true(asker_look(&asker, "ROOM").clustered);

    for (uint64_t i = 1; i <= READERS; i++) {
        char subject[32];
        (void)snprintf(subject, sizeof subject, "room.1.%d", (int)i);
        assert_int_equal(asker_publish(&asker, "ROOM", subject, 0, "x").sequence, i);
    }
    struct asked again = asker_publish(&asker, "ROOM", "room.1.7", 0, "x");
    assert_int_equal(again.outcome, JETSTREAM_CONFLICT);
    assert_int_equal(again.sequence, 7);
    struct fetched read;
    do /* a follower may not have the last ones yet */
        read = asker_read(&asker, "ROOM", 3, READERS);
    while (read.count < READERS - 2 && !wait_is_over(&wait));
    assert_int_equal(read.outcome, JETSTREAM_DONE);
    assert_int_equal(read.count, READERS - 2);
    assert_int_equal(read.last, READERS);
    asker_close(&asker);
    for (size_t i = 0; i < SERVERS; i++)
        nats_destroy(&servers[i]);
}

#define ROOM_TEST(name) cmocka_unit_test_setup_teardown(name, room_open, room_close)

int main(void) {
    const struct CMUnitTest tests[] = {
        ROOM_TEST(a_subject_has_one_message_that_is_expected),
        ROOM_TEST(a_publish_for_another_stream_is_refused),
        ROOM_TEST(ten_thousand_publish_at_once),
        ROOM_TEST(streams_say_what_they_hold),
        ROOM_TEST(a_restart_keeps_streams_and_is_another_run),
        ROOM_TEST(messages_are_found_by_number_and_by_subject),
        ROOM_TEST(reading_ends_where_the_stream_ends),
        ROOM_TEST(reading_hands_over_no_gap_and_nothing_twice),
        ROOM_TEST(readers_leave_nothing_behind),
        cmocka_unit_test(a_cluster_says_that_it_is_one),
    };
    return cmocka_run_group_tests(tests, place_create, place_destroy);
}
