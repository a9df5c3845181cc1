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
    MESSAGE_BYTES = 100
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
}

static void station_open(struct station *station, const char *url) {
    memset(station, 0, sizeof *station);
    station->base = event_base_new();
    expect(station->base != NULL, "no memory");
    station->tick = event_new(station->base, -1, EV_PERSIST, on_tick, NULL);
    event_add(station->tick, &(struct timeval){.tv_usec = 10000});
    station->bus = bus_create(station->base, url, "bus-test", on_state, station);
    expect(station->bus != NULL, "no bus");
    assert_false(bus_connected(station->bus));
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

static void many_messages_come_in_order(void **state) {
    struct place *place = *state;
    struct station here, there;
    struct heard heard = {0};
    station_open(&here, place->url);
    assert_int_equal(bus_subscribe(here.bus, "test.many", hear_in_order, &heard), STATUS_OK);
    wait_ups(&here, 1);
    station_open(&there, place->url);
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
    for (int round = 1; round <= 3; round++) {
        nats_start(&place->nats);
        wait_ups(&here, round);
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
    process_freeze(place->nats.process);
    wait_downs(&here, 1, FOUND_DEAD_MS);
    process_thaw(place->nats.process);
    wait_ups(&here, 2);
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
