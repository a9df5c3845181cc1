/* Live connections: what those who watch an event are told, in which frames, and who is told. */
#include "gateway/live_channels.h"
#include "gateway/live_room.h"
#include "shared/clock.h"
#include "shared/ids.h"
#include "tests/support/expect.h"
#include "tests/unit/gateway_live_stage.h"

#include <stdio.h>

enum { MANY = 150 };

static int make_stage(void **state) {
    *state = live_stage_create(NULL);
    return 0;
}

static int free_stage(void **state) {
    live_stage_destroy(*state);
    return 0;
}

static void expect_seats(struct ws_client *client, int64_t from, int64_t version,
                         const char *changes) {
    json_t *message = live_stage_receive(client, "seats");
    json_t *wanted = json_loads(changes, 0, NULL);
    assert_int_equal(live_stage_number(message, "from"), from);
    assert_int_equal(live_stage_number(message, "version"), version);
    assert_true(json_equal(json_object_get(message, "changes"), wanted));
    json_decref(wanted);
    json_decref(message);
}

static void expect_hello(struct ws_client *client, int64_t version, const char *instance) {
    json_t *message = live_stage_receive(client, "hello");
    assert_int_equal(live_stage_number(message, "seatsVersion"), version);
    assert_string_equal(live_stage_text(message, "instance"), instance);
    json_decref(message);
}

static void expect_message(struct ws_client *client, const char *text) {
    json_t *message = live_stage_receive(client, "message");
    assert_string_equal(live_stage_text(message, "text"), text);
    json_decref(message);
}

static int64_t expect_queue(struct ws_client *client, const char *phase) {
    json_t *message = live_stage_receive(client, "queue");
    assert_string_equal(live_stage_text(message, "phase"), phase);
    int64_t now_serving = live_stage_number(message, "nowServing");
    assert_non_null(json_object_get(message, "updatedAt"));
    json_decref(message);
    return now_serving;
}

/* --- seats ----------------------------------------------------------------------------------- */

static void greets(void **state) {
    struct live_stage *stage = *state;
    struct ws_client *client = live_stage_client(stage, "/live");
    ws_client_wait_open(client);
    expect_hello(client, 1, "0000000000000abc");
    assert_int_equal(expect_queue(client, "OFF"), 0);
    live_stage_change(stage, 7, SEAT_HELD);
    expect_seats(client, 1, 2, "{\"B\\\"4\":\"HELD\"}");
    struct ws_client *second = live_stage_client(stage, "/live");
    ws_client_wait_open(second);
    expect_hello(second, 2, "0000000000000abc");
    assert_int_equal(live_connections(stage->live), 2);
    ws_client_destroy(second);
    ws_client_destroy(client);
}

static void changes_of_a_while_are_one_frame(void **state) {
    struct live_stage *stage = *state;
    struct ws_client *client = live_stage_listener(stage, "/live");
    struct ws_client *other = live_stage_listener(stage, "/other");
    live_stage_change(stage, 0, SEAT_HELD);
    live_stage_change(stage, 1, SEAT_HELD);
    live_stage_change(stage, 0, SEAT_BOOKED);
    expect_seats(client, 1, 4, "{\"A1\":\"BOOKED\",\"A2\":\"HELD\"}");
    int64_t told_us = clock_monotonic_us();
    live_stage_change(stage, 0, SEAT_AVAILABLE);
    ws_client_turn(stage->fixture->base);
    live_stage_change(stage, 0, SEAT_BOOKED);
    expect_seats(client, 4, 6, "{\"A1\":\"BOOKED\"}");
    assert_true(clock_monotonic_us() - told_us > LIVE_REST_MS * INT64_C(1000) * 9 / 10);
    /* there and back again is a version, too */
    live_stage_change(stage, 1, SEAT_AVAILABLE);
    live_stage_change(stage, 1, SEAT_HELD);
    expect_seats(client, 6, 8, "{\"A2\":\"HELD\"}");
    ws_client_send_close(other, 1000);
    ws_client_expect_close(other, 1000); /* nothing came before it */
    ws_client_destroy(other);
    ws_client_destroy(client);
}

static void another_owner_is_greeted_from(void **state) {
    struct live_stage *stage = *state;
    struct ws_client *client = live_stage_listener(stage, "/live");
    stage->instance = 0xdef;
    live_stage_change(stage, 3, SEAT_HELD); /* of an owner nobody knows: asks for a snapshot */
    assert_int_equal(stage->asked_seats, 3);
    live_stage_snapshot(stage);
    expect_hello(client, 2, "0000000000000def");
    live_stage_change(stage, 3, SEAT_BOOKED);
    expect_seats(client, 2, 3, "{\"A4\":\"BOOKED\"}");
    ws_client_destroy(client);
}

static void more_than_is_remembered_is_a_new_beginning(void **state) {
    struct live_stage *stage = *state;
    struct ws_client *client = live_stage_listener(stage, "/live");
    for (unsigned i = 0; i <= SEAT_MAP_HISTORY_MAX; i++)
        live_stage_change(stage, 2, i % 2 ? SEAT_AVAILABLE : SEAT_HELD);
    expect_hello(client, SEAT_MAP_HISTORY_MAX + 2, "0000000000000abc");
    live_stage_change(stage, 2, SEAT_BOOKED);
    expect_seats(client, SEAT_MAP_HISTORY_MAX + 2, SEAT_MAP_HISTORY_MAX + 3, "{\"A3\":\"BOOKED\"}");
    ws_client_destroy(client);
}

/* What one of many has heard. */
struct ear {
    struct ws_client *client;
    int64_t version;
    unsigned frames;
};

static void hear(void *context, struct ws_client *client UNUSED,
                 const struct ws_client_frame *frame) {
    struct ear *ear = context;
    json_t *message = json_loadb(frame->payload, frame->size_bytes, 0, NULL);
    const char *type = live_stage_text(message, "type");
    if (strcmp(type, "hello") == 0) {
        assert_int_equal(ear->version, 0);
        ear->version = live_stage_number(message, "seatsVersion");
    } else if (strcmp(type, "seats") == 0) {
        assert_int_equal(live_stage_number(message, "from"), ear->version);
        ear->version = live_stage_number(message, "version");
        ear->frames++;
    }
    json_decref(message);
}

static void begin_hearing(struct live_stage *stage, struct ear *ear) {
    const struct ws_client_config config = {.base = stage->fixture->base,
                                            .port = http_server_port(stage->fixture->server),
                                            .path = "/live",
                                            .unchecked = true,
                                            .on_frame = hear,
                                            .context = ear};
    *ear = (struct ear){.client = ws_client_create(&config)};
}

static bool all_heard(const struct ear *ears, unsigned count, int64_t version) {
    for (unsigned i = 0; i < count; i++)
        if (ears[i].client && ears[i].version != version)
            return false;
    return true;
}

/* While many are told, some come, some go, and seats go on changing: nobody misses a step. */
static void many_come_and_go_while_being_told(void **state) {
    struct live_stage *stage = *state;
    static struct ear ears[2 * MANY];
    for (unsigned i = 0; i < MANY; i++)
        begin_hearing(stage, &ears[i]);
    fixture_wait(stage->fixture, all_heard(ears, MANY, 1));
    for (unsigned round = 0; round < MANY; round++) {
        live_stage_change(stage, round % LIVE_STAGE_SEATS, (enum seat_state)(round / 8 % 4));
        fixture_turn(stage->fixture, -1);
        begin_hearing(stage, &ears[MANY + round]);
        if (round % 3 == 0) {
            ws_client_destroy(ears[round].client);
            ears[round].client = NULL;
        }
    }
    fixture_wait(stage->fixture, all_heard(ears, 2 * MANY, (int64_t)stage->version));
    assert_int_equal(live_connections(stage->live), 2 * MANY - MANY / 3);
    const struct live_numbers *numbers = live_numbers(stage->live);
    assert_true(numbers->frames[LIVE_SEATS] > 1 && numbers->frames[LIVE_SEATS] < MANY);
    assert_true(numbers->deliveries > MANY * numbers->frames[LIVE_SEATS] / 2);
    for (unsigned i = 0; i < 2 * MANY; i++)
        ws_client_destroy(ears[i].client);
}

static void keeps_what_is_watched_wanted(void **state) {
    struct live_stage *stage = *state;
    int64_t now_us = clock_monotonic_us();
    struct ws_client *client = live_stage_listener(stage, "/live");
    unsigned asked = stage->asked_seats;
    now_us += (SEAT_MAPS_CONFIRMED_MS + 500) * INT64_C(1000); /* no news since */
    live_tick(stage->live, now_us);
    live_tick(stage->live, now_us + LIVE_WANT_MS * INT64_C(1000) / 2);
    assert_int_equal(stage->asked_seats, asked + 1); /* not what nobody watches */
    assert_int_equal(stage->wanted_rooms, 0);        /* it has none */
    live_stage_tell_room(stage);
    live_tick(stage->live, now_us + 10 * INT64_C(1000000));
    assert_int_equal(stage->wanted_rooms, 1);
    ws_client_destroy(client);
}

/* --- the room -------------------------------------------------------------------------------- */

static void the_room_is_told(void **state) {
    struct live_stage *stage = *state;
    struct ws_client *client = live_stage_listener(stage, "/live");
    live_stage_tell_room(stage);
    assert_int_equal(expect_queue(client, "OPEN"), 0);
    int64_t told_us = clock_monotonic_us();
    for (unsigned i = 1; i <= 20; i++) {
        stage->room.now_serving = stage->room.issued_to = stage->room.last_number = 10 * i;
        live_stage_tell_room(stage);
        ws_client_turn(stage->fixture->base);
    }
    while (expect_queue(client, "OPEN") != 200)
        continue;
    assert_true(clock_monotonic_us() - told_us > LIVE_ROOM_QUEUE_MS * INT64_C(1000) * 9 / 10);
    assert_true(live_numbers(stage->live)->frames[LIVE_QUEUE] <= 6);
    stage->room.issued_to++; /* nobody is told of that */
    live_stage_tell_room(stage);
    (void)snprintf(stage->room.settings.message, ROOM_MESSAGE_SIZE, "Soup is \"free\".");
    live_stage_tell_room(stage);
    expect_message(client, "Soup is \"free\".");
    struct ws_client *second = live_stage_client(stage, "/live");
    ws_client_wait_open(second);
    live_stage_expect(second, "hello");
    assert_int_equal(expect_queue(second, "OPEN"), 200);
    expect_message(second, "Soup is \"free\".");
    *stage->room.settings.message = '\0';
    live_stage_tell_room(stage);
    expect_message(client, "");
    expect_message(second, "");
    ws_client_destroy(second);
    ws_client_destroy(client);
}

static void a_room_not_known_yet_is_told_later(void **state) {
    struct live_stage *stage = *state;
    stage->room_off = false;
    struct ws_client *client = live_stage_client(stage, "/live");
    ws_client_wait_open(client);
    live_stage_expect(client, "hello");
    live_tick(stage->live, clock_monotonic_us() + LIVE_WANT_MS * INT64_C(1000));
    assert_int_equal(stage->wanted_rooms, 1);
    live_stage_tell_room(stage);
    expect_queue(client, "OPEN");
    ws_client_destroy(client);
}

/* --- people ---------------------------------------------------------------------------------- */

static void log_in(struct ws_client *client, char letter) {
    char text[64];
    char user[ID128_TEXT_SIZE];
    struct id128 id = live_stage_user(letter);
    (void)snprintf(text, sizeof text, "{\"type\":\"auth\",\"token\":\"%c\"}", letter);
    ws_client_send_text(client, text);
    json_t *message = live_stage_receive(client, "auth");
    assert_string_equal(live_stage_text(message, "userId"), id128_to_text(&id, user));
    json_decref(message);
}

static void tell_turn(struct live_stage *stage, char letter, uint64_t number,
                      enum turn_state turn) {
    const struct wire_person person = {.kind = WIRE_PERSON_TURN,
                                       .event_id = LIVE_STAGE_EVENT,
                                       .user = live_stage_user(letter),
                                       .number = number,
                                       .turn = turn,
                                       .expires_us = turn_state_is_live(turn) ? stage->unix_us : 0};
    live_stage_tell_person(stage, &person);
}

static void expect_turn(struct ws_client *client, int64_t number, const char *turn) {
    json_t *message = live_stage_receive(client, "turn");
    assert_int_equal(live_stage_number(message, "number"), number);
    assert_string_equal(live_stage_text(message, "state"), turn);
    bool lasts = strcmp(turn, "CALLED") == 0 || strcmp(turn, "PASS") == 0;
    assert_true(lasts == (json_object_get(message, "expiresAt") != NULL));
    json_decref(message);
}

static void people_hear_of_themselves(void **state) {
    struct live_stage *stage = *state;
    struct ws_client *phone = live_stage_listener(stage, "/live");
    struct ws_client *desk = live_stage_listener(stage, "/live");
    struct ws_client *other = live_stage_listener(stage, "/live");
    struct ws_client *elsewhere = live_stage_listener(stage, "/other");
    tell_turn(stage, 'u', 4, TURN_CALLED); /* nobody is known yet */
    assert_int_equal(stage->asked_people, 0);
    log_in(phone, 'u');
    assert_int_equal(stage->asked_people, 1);
    log_in(desk, 'u');
    log_in(elsewhere, 'u');
    log_in(other, 'v');
    assert_int_equal(stage->asked_people, 1);
    tell_turn(stage, 'u', 5, TURN_CALLED);
    tell_turn(stage, 'v', 6, TURN_MISSED);
    const struct wire_person booking = {.kind = WIRE_PERSON_BOOKING,
                                        .event_id = LIVE_STAGE_OTHER,
                                        .user = live_stage_user('u'),
                                        .booking_id = live_stage_user('b'),
                                        .status = BOOKING_CONFIRMED};
    live_stage_tell_person(stage, &booking);
    expect_turn(phone, 5, "CALLED");
    expect_turn(desk, 5, "CALLED");
    expect_turn(other, 6, "MISSED");
    json_t *message = live_stage_receive(elsewhere, "booking");
    assert_string_equal(live_stage_text(message, "status"), "CONFIRMED");
    assert_string_equal(live_stage_text(message, "bookingId"),
                        "8-62626262626262626262626262626262");
    json_decref(message);
    log_in(desk, 'v'); /* somebody else sits down */
    tell_turn(stage, 'u', 5, TURN_PASS);
    tell_turn(stage, 'v', 7, TURN_LEFT);
    expect_turn(phone, 5, "PASS");
    expect_turn(desk, 7, "LEFT");
    struct ws_client *all[] = {phone, desk, other, elsewhere};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        ws_client_destroy(all[i]);
}

static void people_are_asked_about_while_known(void **state) {
    struct live_stage *stage = *state;
    int64_t now_us = clock_monotonic_us();
    struct ws_client *client = live_stage_listener(stage, "/live");
    log_in(client, 'u');
    live_tick(stage->live, now_us + LIVE_ASK_MS * INT64_C(1000) / 2);
    assert_int_equal(stage->asked_people, 1);
    live_tick(stage->live, now_us + LIVE_ASK_MS * INT64_C(1000) * 2);
    assert_int_equal(stage->asked_people, 2);
    stage->unix_us = stage->expires_us; /* the token's time is over, the connection's not */
    live_tick(stage->live, now_us + LIVE_ASK_MS * INT64_C(1000) * 4);
    assert_int_equal(stage->asked_people, 2);
    tell_turn(stage, 'u', 5, TURN_CALLED);
    live_stage_snapshot(stage); /* the time that passed had it asked for */
    live_stage_change(stage, 0, SEAT_HELD);
    live_stage_expect(client, "seats");
    stage->expires_us++;
    log_in(client, 'u');
    assert_int_equal(stage->asked_people, 3);
    ws_client_destroy(client);
}

/* --- what they send -------------------------------------------------------------------------- */

static void expect_closed_for(struct live_stage *stage, const char *text, uint16_t code) {
    struct ws_client *client = live_stage_listener(stage, "/live");
    ws_client_send_text(client, text);
    ws_client_expect_close(client, code);
    ws_client_destroy(client);
}

static void nonsense_ends_it(void **state) {
    struct live_stage *stage = *state;
    static const char *const bad[] = {"",
                                      "hello",
                                      "{\"type\":\"auth\",\"token\":\"u\"",
                                      "{\"type\":\"auth\",\"token\":\"no such\"}",
                                      "{\"type\":\"auth\",\"token\":\"\"}",
                                      "{\"type\":\"auth\",\"token\":7}",
                                      "{\"type\":\"auth\"}"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        expect_closed_for(stage, bad[i], 1008);
    expect_closed_for(stage, "{\"type\":\"auth\",\"token\":\"?\"}", 1013);
    fixture_wait(stage->fixture, live_connections(stage->live) == 0);
    assert_int_equal(live_numbers(stage->live)->slow_closed, 0);
}

static void what_is_unknown_is_ignored(void **state) {
    struct live_stage *stage = *state;
    static const char *const unknown[] = {
        "{}", "[]", "7", "\"auth\"", "{\"type\":\"later\"}", "{\"type\":7}"};
    struct ws_client *client = live_stage_listener(stage, "/live");
    for (size_t i = 0; i < ARRAY_LEN(unknown); i++)
        ws_client_send_text(client, unknown[i]);
    log_in(client, 'u');
    for (unsigned i = 0; i < LIVE_TEXTS_BURST; i++)
        ws_client_send_text(client, "{}");
    ws_client_expect_close(client, 1008);
    ws_client_destroy(client);
}

/* --- limits ---------------------------------------------------------------------------------- */

static void expect_status(struct live_stage *stage, int status) {
    struct ws_client *client = live_stage_client(stage, "/live");
    ws_client_wait(stage->fixture->base, ws_client_status(client) != 0);
    assert_int_equal(ws_client_status(client), status);
    ws_client_destroy(client);
}

static void an_address_has_its_places(void **state) {
    const struct live_places_config places = {.connections_max = 16, .per_address = 2};
    struct live_stage *stage = live_stage_create(&places);
    (void)state;
    stage->address = (struct client_address){.id = live_stage_user('h')};
    struct ws_client *first = live_stage_listener(stage, "/live");
    struct ws_client *second = live_stage_listener(stage, "/live");
    expect_status(stage, 503);
    stage->address.id = live_stage_user('i');
    struct ws_client *neighbour = live_stage_listener(stage, "/live");
    stage->address.id = live_stage_user('h');
    ws_client_destroy(first);
    fixture_wait(stage->fixture, live_connections(stage->live) == 2);
    first = live_stage_listener(stage, "/live");
    stage->address.exempt = true;
    struct ws_client *more[11]; /* with the three 14 of 16: the rest is for requests */
    for (size_t i = 0; i < ARRAY_LEN(more); i++)
        more[i] = live_stage_listener(stage, "/live");
    expect_status(stage, 503);
    assert_int_equal(live_numbers(stage->live)->refused[LIVE_ADDRESS_FULL], 1);
    assert_int_equal(live_numbers(stage->live)->refused[LIVE_FULL], 1);
    for (size_t i = 0; i < ARRAY_LEN(more); i++)
        ws_client_destroy(more[i]);
    ws_client_destroy(first);
    ws_client_destroy(second);
    ws_client_destroy(neighbour);
    live_stage_destroy(stage);
}

static void a_storm_is_spread(void **state) {
    const struct live_places_config places = {
        .connections_max = 100, .per_address = 100, .opening = {.rate = 1, .burst = 3}};
    struct live_stage *stage = live_stage_create(&places);
    struct ws_client *clients[3];
    bool seen[LIVE_RETRY_MAX_SECONDS + 1] = {false};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(clients); i++)
        clients[i] = live_stage_listener(stage, "/live");
    expect_status(stage, 503);
    assert_int_equal(live_numbers(stage->live)->refused[LIVE_TOO_FAST], 1);
    for (unsigned i = 0; i < 1000; i++) {
        uint32_t seconds = live_retry_seconds();
        assert_in_range(seconds, 1, LIVE_RETRY_MAX_SECONDS);
        seen[seconds] = true;
    }
    for (size_t i = 1; i < ARRAY_LEN(seen); i++)
        assert_true(seen[i]);
    for (size_t i = 0; i < ARRAY_LEN(clients); i++)
        ws_client_destroy(clients[i]);
    live_stage_destroy(stage);
}

static void says_goodbye(void **state) {
    struct live_stage *stage = *state;
    struct ws_client *client = live_stage_listener(stage, "/live");
    log_in(client, 'u');
    live_drain(stage->live);
    ws_client_expect_close(client, 1001);
    ws_client_expect_over(client);
    ws_client_destroy(client);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(greets, make_stage, free_stage),
        cmocka_unit_test_setup_teardown(changes_of_a_while_are_one_frame, make_stage, free_stage),
        cmocka_unit_test_setup_teardown(another_owner_is_greeted_from, make_stage, free_stage),
        cmocka_unit_test_setup_teardown(more_than_is_remembered_is_a_new_beginning, make_stage,
                                        free_stage),
        cmocka_unit_test_setup_teardown(many_come_and_go_while_being_told, make_stage, free_stage),
        cmocka_unit_test_setup_teardown(keeps_what_is_watched_wanted, make_stage, free_stage),
        cmocka_unit_test_setup_teardown(the_room_is_told, make_stage, free_stage),
        cmocka_unit_test_setup_teardown(a_room_not_known_yet_is_told_later, make_stage, free_stage),
        cmocka_unit_test_setup_teardown(people_hear_of_themselves, make_stage, free_stage),
        cmocka_unit_test_setup_teardown(people_are_asked_about_while_known, make_stage, free_stage),
        cmocka_unit_test_setup_teardown(nonsense_ends_it, make_stage, free_stage),
        cmocka_unit_test_setup_teardown(what_is_unknown_is_ignored, make_stage, free_stage),
        cmocka_unit_test(an_address_has_its_places),
        cmocka_unit_test(a_storm_is_spread),
        cmocka_unit_test_setup_teardown(says_goodbye, make_stage, free_stage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
