/* The bus against a real server: messages, and what happens when the server goes, comes back or
 * freezes. */
#include "shared/bus.h"
#include "tests/support/expect.h"
#include "tests/support/servers.h"
#include "tests/support/wait.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    LIMIT_MS = 20000,
    FOUND_DEAD_MS = 4500,
    LEFT_MS = 2000,
    MESSAGES = 20000,
    MESSAGE_BYTES = 100,
    GROUP_MESSAGES = 200,
};

struct place {
    char folder[FOLDER_PATH_SIZE];
    char url[SERVER_URL_SIZE];
    struct nats_server nats;
};

struct heard {
    int count;
    char subject[BUS_SUBJECT_MAX_BYTES + 1];
    size_t size_bytes;
    uint8_t last;
    int out_of_order;
};

struct station {
    struct event_base *base;
    struct event *tick; /* so that one turn of the loop ends */
    struct bus *bus;
    int ups;
    int downs;
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

static void on_tick(evutil_socket_t fd, short events, void *context) {
    (void)fd;
    (void)events;
    (void)context;
}

static void on_state(void *context, bool connected) {
    struct station *station = context;
    if (connected)
        station->ups++;
    else
        station->downs++;
    expect(station->bus != NULL, "bus_create called back");
    expect(bus_connected(station->bus) == connected, "bus_connected says something else");
    expect(station->ups - station->downs == (connected ? 1 : 0), "states do not alternate");
    expect(bus_run(station->bus) == (connected ? (uint64_t)station->ups : 0), "not its run");
    expect((*bus_server_id(station->bus) != '\0') == connected, "not its server");
}

static void station_open_with(struct station *station, const char *url, bool batching) {
    memset(station, 0, sizeof *station);
    station->base = event_base_new();
    expect(station->base != NULL, "no memory");
    station->tick = event_new(station->base, -1, EV_PERSIST, on_tick, NULL);
    event_add(station->tick, &(struct timeval){.tv_usec = 10000});
    station->bus = (batching ? bus_create_batching : bus_create)(station->base, url, "bus-test",
                                                                 on_state, station);
    expect(station->bus != NULL, "no bus");
    assert_false(bus_connected(station->bus));
}

static void station_open(struct station *station, const char *url) {
    station_open_with(station, url, false);
}

static void station_close(struct station *station) {
    bus_destroy(station->bus);
    event_free(station->tick);
    event_base_free(station->base);
}

static void station_turn(struct station *station) {
    expect(event_base_loop(station->base, EVLOOP_ONCE) == 0, "the loop failed");
}

static void wait_ups(struct station *station, int ups) {
    struct wait wait = wait_at_most(LIMIT_MS);
    while (station->ups < ups) {
        expect(!wait_is_over(&wait), "not connected");
        station_turn(station);
    }
}

static void wait_downs(struct station *station, int downs, int64_t limit_ms) {
    struct wait wait = wait_at_most(limit_ms);
    while (station->downs < downs) {
        expect(!wait_is_over(&wait), "still connected");
        station_turn(station);
    }
}

static void wait_heard(struct station *station, const struct heard *heard, int count) {
    struct wait wait = wait_at_most(LIMIT_MS);
    while (heard->count < count) {
        expect(!wait_is_over(&wait), "%d of %d messages came", heard->count, count);
        station_turn(station);
    }
}

static void hear(void *context, const char *subject, const uint8_t *data, size_t size_bytes) {
    struct heard *heard = context;
    snprintf(heard->subject, sizeof heard->subject, "%s", subject);
    heard->size_bytes = size_bytes;
    if (size_bytes > 0)
        heard->last = data[size_bytes - 1];
    heard->count++;
}

static void messages_reach_who_has_subscribed(void **state) {
    struct place *place = *state;
    struct station here, there;
    struct heard one = {0}, any = {0}, empty = {0};
    station_open(&here, place->url);
    assert_int_equal(bus_subscribe(here.bus, "test.one", hear, &one), STATUS_OK);
    assert_int_equal(bus_subscribe(here.bus, "test.any.*", hear, &any), STATUS_OK);
    wait_ups(&here, 1);
    assert_int_equal(bus_subscribe(here.bus, "test.empty", hear, &empty), STATUS_OK);
    station_open(&there, place->url);
    wait_ups(&there, 1);

    /* Own messages first: what came after the late subscription on the same connection finds it. */
    assert_int_equal(bus_publish(here.bus, "test.empty", NULL, 0), STATUS_OK);
    wait_heard(&here, &empty, 1);
    assert_int_equal(empty.size_bytes, 0);
    assert_int_equal(bus_publish(there.bus, "test.one", "\1\2\3", 3), STATUS_OK);
    assert_int_equal(bus_publish(there.bus, "test.any.thing", "\4", 1), STATUS_OK);
    assert_int_equal(bus_publish(there.bus, "test.nobody", "\5", 1), STATUS_OK);
    wait_heard(&here, &one, 1);
    wait_heard(&here, &any, 1);
    assert_string_equal(one.subject, "test.one");
    assert_int_equal(one.size_bytes, 3);
    assert_int_equal(one.last, 3);
    assert_string_equal(any.subject, "test.any.thing");
    assert_int_equal(any.size_bytes, 1);
    assert_int_equal(any.last, 4);

    bus_unsubscribe(here.bus, "test.one");
    bus_unsubscribe(here.bus, "test.unknown");
    assert_int_equal(bus_publish(there.bus, "test.one", "\6", 1), STATUS_OK);
    assert_int_equal(bus_publish(there.bus, "test.any.other", "\7", 1), STATUS_OK);
    wait_heard(&here, &any, 2);
    assert_int_equal(one.count, 1);
    station_close(&there);
    station_close(&here);
}

struct letter {
    int count;
    struct bus_message message; /* the last one's status and size */
    char subject[BUS_SUBJECT_MAX_BYTES + 1];
    char reply[BUS_SUBJECT_MAX_BYTES + 1];
    uint8_t data[8];
};

static void hear_whole(void *context, const struct bus_message *message) {
    struct letter *letter = context;
    letter->message = *message;
    (void)snprintf(letter->subject, sizeof letter->subject, "%s", message->subject);
    (void)snprintf(letter->reply, sizeof letter->reply, "%s", message->reply);
    expect(message->size_bytes <= sizeof letter->data, "%zu bytes", message->size_bytes);
    memcpy(letter->data, message->data, message->size_bytes);
    letter->count++;
}

static void wait_letter(struct station *station, const struct letter *letter, int count) {
    struct wait wait = wait_at_most(LIMIT_MS);
    while (letter->count < count) {
        expect(!wait_is_over(&wait), "%d of %d messages came", letter->count, count);
        station_turn(station);
    }
}

static void whole_messages_say_where_to_reply_and_what_nats_says(void **state) {
    struct place *place = *state;
    struct station here;
    struct letter letter = {0}, inbox = {0};
    struct heard plain = {0};
    const struct bus_header header = {"Test-Header", "a value"};
    const struct bus_header status = {"Status", "408"};
    station_open(&here, place->url);
    assert_int_equal(bus_subscribe_messages(here.bus, "test.whole.*", NULL, hear_whole, &letter),
                     STATUS_OK);
    assert_int_equal(bus_subscribe_messages(here.bus, "test.inbox", NULL, hear_whole, &inbox),
                     STATUS_OK);
    assert_int_equal(bus_subscribe(here.bus, "test.whole.*", hear, &plain), STATUS_OK);
    assert_int_equal(bus_publish_message(here.bus, "test.whole.a", "", &header, 1, "\1", 1),
                     STATUS_UNAVAILABLE);
    wait_ups(&here, 1);

    assert_int_equal(
        bus_publish_message(here.bus, "test.whole.a", "test.inbox", &header, 1, "\1\2", 2),
        STATUS_OK);
    wait_letter(&here, &letter, 1);
    assert_string_equal(letter.subject, "test.whole.a");
    assert_string_equal(letter.reply, "test.inbox");
    assert_int_equal(letter.message.status, 0);
    assert_int_equal(letter.message.size_bytes, 2);
    assert_memory_equal(letter.data, "\1\2", 2);
    wait_heard(&here, &plain, 1); /* the other kind of subscription hears it as well */
    assert_int_equal(plain.size_bytes, 2);

    assert_int_equal(bus_publish_message(here.bus, letter.reply, "", &status, 1, NULL, 0),
                     STATUS_OK);
    wait_letter(&here, &inbox, 1);
    assert_string_equal(inbox.reply, "");
    assert_int_equal(inbox.message.status, 408);
    assert_int_equal(inbox.message.size_bytes, 0);
    assert_int_equal(bus_publish_message(here.bus, "test.nobody", "test.inbox", NULL, 0, "\3", 1),
                     STATUS_OK);
    wait_letter(&here, &inbox, 2); /* the server says that nobody listens */
    assert_int_equal(inbox.message.status, 503);
    assert_int_equal(inbox.message.size_bytes, 0);
    station_close(&here);
}

static void one_of_a_group_gets_each_message(void **state) {
    struct place *place = *state;
    struct station here, there;
    struct letter one = {0}, two = {0}, other = {0};
    const char *bad[] = {"", "a b", "a.b", "*", ">"};
    station_open(&here, place->url);
    station_open(&there, place->url);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(bus_subscribe_messages(here.bus, "test.group", bad[i], hear_whole, &one),
                         STATUS_INVALID);
    assert_int_equal(bus_subscribe_messages(here.bus, "test.group", "g", hear_whole, &one),
                     STATUS_OK);
    assert_int_equal(bus_subscribe_messages(there.bus, "test.group", "g", hear_whole, &two),
                     STATUS_OK);
    assert_int_equal(bus_subscribe_messages(there.bus, "test.group", "h", hear_whole, &other),
                     STATUS_OK);
    wait_ups(&here, 1);
    wait_ups(&there, 1);
    for (int i = 0; i < GROUP_MESSAGES; i++)
        assert_int_equal(bus_publish(here.bus, "test.group", "\1", 1), STATUS_OK);
    wait_letter(&there, &other, GROUP_MESSAGES);
    struct wait wait = wait_at_most(LIMIT_MS);
    while (one.count + two.count < GROUP_MESSAGES) {
        expect(!wait_is_over(&wait), "%d and %d messages", one.count, two.count);
        station_turn(&here);
        station_turn(&there);
    }
    assert_int_equal(one.count + two.count, GROUP_MESSAGES);
    assert_true(one.count > 0 && two.count > 0);
    station_close(&there);
    station_close(&here);
}

static void hear_in_order(void *context, const char *subject, const uint8_t *data,
                          size_t size_bytes) {
    struct heard *heard = context;
    int number;
    (void)subject;
    expect(size_bytes == MESSAGE_BYTES, "a message of %zu bytes", size_bytes);
    memcpy(&number, data, sizeof number);
    if (number != heard->count++)
        heard->out_of_order++;
}

static void send_many(const struct place *place, bool batching) {
    struct station here, there;
    struct heard heard = {0};
    station_open(&here, place->url);
    assert_int_equal(bus_subscribe(here.bus, "test.many", hear_in_order, &heard), STATUS_OK);
    wait_ups(&here, 1);
    station_open_with(&there, place->url, batching);
    wait_ups(&there, 1);
    for (int i = 0; i < MESSAGES; i++) {
        uint8_t message[MESSAGE_BYTES] = {0};
        memcpy(message, &i, sizeof i);
        assert_int_equal(bus_publish(there.bus, "test.many", message, sizeof message), STATUS_OK);
    }
    wait_heard(&here, &heard, MESSAGES);
    assert_int_equal(heard.out_of_order, 0);
    assert_int_equal(bus_dropped(here.bus), 0);
    station_close(&there);
    station_close(&here);
}

static void many_messages_come_in_order(void **state) {
    send_many(*state, false);
    send_many(*state, true);
}

static void limits_are_kept(void **state) {
    struct place *place = *state;
    struct station here;
    struct heard heard = {0};
    station_open(&here, place->url);
    const char *bad[] = {"", "a b", "a..b", ".a", "a.", "a.b*", "a.>", "a.\n", "a.*b"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(bus_subscribe(here.bus, bad[i], hear, &heard), STATUS_INVALID);
    for (int i = 0; i < BUS_SUBSCRIPTIONS_MAX; i++) {
        char subject[32];
        snprintf(subject, sizeof subject, "test.limit.%d", i);
        assert_int_equal(bus_subscribe(here.bus, subject, hear, &heard), STATUS_OK);
    }
    assert_int_equal(bus_subscribe(here.bus, "test.more", hear, &heard), STATUS_LIMIT);
    bus_unsubscribe(here.bus, "test.limit.5");
    assert_int_equal(bus_subscribe(here.bus, "test.more", hear, &heard), STATUS_OK);
    wait_ups(&here, 1);

    uint8_t *large = calloc(1, BUS_MESSAGE_MAX_BYTES + 1);
    expect(large != NULL, "no memory");
    large[BUS_MESSAGE_MAX_BYTES - 1] = 42;
    assert_int_equal(bus_publish(here.bus, "test.more", large, BUS_MESSAGE_MAX_BYTES + 1),
                     STATUS_LIMIT);
    assert_int_equal(bus_publish(here.bus, "test.more", large, BUS_MESSAGE_MAX_BYTES), STATUS_OK);
    wait_heard(&here, &heard, 1);
    assert_int_equal(heard.size_bytes, BUS_MESSAGE_MAX_BYTES);
    assert_int_equal(heard.last, 42);
    free(large);
    station_close(&here);
}

static void a_restarted_server_finds_the_subscriptions_again(void **state) {
    struct place *place = *state;
    struct station here;
    struct heard heard = {0};
    nats_kill(&place->nats);
    station_open(&here, place->url);
    assert_int_equal(bus_subscribe(here.bus, "test.again", hear, &heard), STATUS_OK);
    assert_int_equal(bus_publish(here.bus, "test.again", "\1", 1), STATUS_UNAVAILABLE);
    char last_server[BUS_SERVER_ID_SIZE] = "";
    for (int round = 1; round <= 3; round++) {
        nats_start(&place->nats);
        wait_ups(&here, round);
        assert_string_not_equal(bus_server_id(here.bus), last_server);
        (void)snprintf(last_server, sizeof last_server, "%s", bus_server_id(here.bus));
        assert_int_equal(bus_publish(here.bus, "test.again", "\2", 1), STATUS_OK);
        wait_heard(&here, &heard, round);
        nats_kill(&place->nats);
        wait_downs(&here, round, LIMIT_MS);
        assert_int_equal(bus_publish(here.bus, "test.again", "\3", 1), STATUS_UNAVAILABLE);
    }
    nats_start(&place->nats);
    wait_ups(&here, 4);
    assert_int_equal(bus_publish(here.bus, "test.again", "\4", 1), STATUS_OK);
    wait_heard(&here, &heard, 4);
    assert_int_equal(heard.last, 4); /* nothing of what was refused arrives late */
    station_close(&here);
}

static void a_frozen_server_is_found_dead(void **state) {
    struct place *place = *state;
    struct station here;
    station_open(&here, place->url);
    wait_ups(&here, 1);
    char server[BUS_SERVER_ID_SIZE];
    (void)snprintf(server, sizeof server, "%s", bus_server_id(here.bus));
    process_freeze(place->nats.process);
    wait_downs(&here, 1, FOUND_DEAD_MS);
    process_thaw(place->nats.process);
    wait_ups(&here, 2);
    assert_int_equal(bus_run(here.bus), 2);
    assert_string_equal(bus_server_id(here.bus), server);
    station_close(&here);
}

static void a_server_that_does_not_read_is_left(void **state) {
    struct place *place = *state;
    struct station here;
    uint8_t *large = calloc(1, BUS_MESSAGE_MAX_BYTES);
    expect(large != NULL, "no memory");
    station_open(&here, place->url);
    wait_ups(&here, 1);
    process_freeze(place->nats.process);
    enum status status;
    int64_t began_ms;
    do {
        began_ms = wait_now_ms();
        status = bus_publish(here.bus, "test.flood", large, BUS_MESSAGE_MAX_BYTES);
    } while (status == STATUS_OK);
    assert_int_equal(status, STATUS_UNAVAILABLE);
    expect(wait_now_ms() - began_ms < LEFT_MS, "the loop stood still");
    wait_downs(&here, 1, FOUND_DEAD_MS);
    process_thaw(place->nats.process);
    wait_ups(&here, 2);
    station_close(&here);
    free(large);
}

static void close_from_message(void *context, const char *subject, const uint8_t *data,
                               size_t size_bytes) {
    (void)subject;
    (void)data;
    (void)size_bytes;
    struct station *station = context;
    expect(station->bus != NULL, "called after its end");
    bus_destroy(station->bus);
    station->bus = NULL;
}

static void a_bus_can_be_destroyed_at_any_time(void **state) {
    struct place *place = *state;
    struct station here;
    station_open(&here, place->url);
    station_close(&here); /* while connecting */

    station_open(&here, place->url);
    assert_int_equal(bus_subscribe(here.bus, "test.end", close_from_message, &here), STATUS_OK);
    wait_ups(&here, 1);
    for (int i = 0; i < 1000; i++) /* the rest is in flight when the first one ends it */
        assert_int_equal(bus_publish(here.bus, "test.end", "\1", 1), STATUS_OK);
    struct wait wait = wait_at_most(LIMIT_MS);
    while (here.bus != NULL) {
        expect(!wait_is_over(&wait), "no message came");
        station_turn(&here);
    }
    station_close(&here);
    bus_destroy(NULL);
}

static void an_unusable_url_makes_no_bus(void **state) {
    (void)state;
    struct event_base *base = event_base_new();
    assert_null(bus_create(base, "http://127.0.0.1:4222", "bus-test", on_state, NULL));
    assert_null(bus_create(base, "", "bus-test", on_state, NULL));
    event_base_free(base);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_reach_who_has_subscribed),
        cmocka_unit_test(whole_messages_say_where_to_reply_and_what_nats_says),
        cmocka_unit_test(one_of_a_group_gets_each_message),
        cmocka_unit_test(many_messages_come_in_order),
        cmocka_unit_test(limits_are_kept),
        cmocka_unit_test(a_restarted_server_finds_the_subscriptions_again),
        cmocka_unit_test(a_frozen_server_is_found_dead),
        cmocka_unit_test(a_server_that_does_not_read_is_left),
        cmocka_unit_test(a_bus_can_be_destroyed_at_any_time),
        cmocka_unit_test(an_unusable_url_makes_no_bus),
    };
    return cmocka_run_group_tests(tests, place_create, place_destroy);
}
