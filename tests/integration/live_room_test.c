/* What is live besides seats: the queue, the room's message and a person's own turn and bookings;
 * and who is not let in. */
#include "tests/support/expect.h"
#include "tests/support/queue.h"
#include "tests/support/wait.h"
#include "tests/support/ws_client.h"

#include <inttypes.h>
#include <stdio.h>

#define OPENING                                                                                    \
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"                   \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

enum { PER_ADDRESS = 3, RETRY_MAX_SECONDS = 10 };

static const struct cluster_options options = {
    .settings = {"USHER_TRUSTED_PROXIES=127.0.0.1", "USHER_LIVE_PER_ADDRESS=3"}};

struct theatre {
    struct cluster *cluster;
    struct event_base *base;
    int64_t event_id;
};

static struct ws_client *open_client(const struct theatre *theatre, unsigned gateway,
                                     const char *event, const char *headers) {
    char path[64];
    (void)snprintf(path, sizeof path, "/events/%s/live", event);
    const struct ws_client_config config = {.base = theatre->base,
                                            .port = theatre->cluster->gateways[gateway].port,
                                            .path = path,
                                            .headers = headers};
    return ws_client_create(&config);
}

static struct ws_client *listen_to(const struct theatre *theatre, unsigned gateway,
                                   const char *headers) {
    char event[24];
    (void)snprintf(event, sizeof event, "%" PRId64, theatre->event_id);
    struct ws_client *client = open_client(theatre, gateway, event, headers);
    ws_client_wait_open(client);
    return client;
}

/* The next message of this type, the caller's; others before it are passed over. */
static json_t *next(struct ws_client *client, const char *type) {
    for (;;) {
        const struct ws_client_frame *frame = ws_client_receive(client);
        expect(frame && frame->first == WS_TEXT, "no '%s' came", type);
        json_t *message = json_loads(frame->payload, 0, NULL);
        const char *its = json_string_value(json_object_get(message, "type"));
        expect(its, "no type in %s", frame->payload);
        if (strcmp(its, type) == 0)
            return message;
        json_decref(message);
    }
}

/* Waits for a message of this type that has this text as its member. */
static json_t *next_with(struct ws_client *client, const char *type, const char *member,
                         const char *text) {
    for (;;) {
        json_t *message = next(client, type);
        const char *its = json_string_value(json_object_get(message, member));
        if (its && strcmp(its, text) == 0)
            return message;
        json_decref(message);
    }
}

static void expect_next(struct ws_client *client, const char *type, const char *member,
                        const char *text) {
    json_decref(next_with(client, type, member, text));
}

static void log_in(struct ws_client *client, const struct shop_customer *customer) {
    char text[2 * SHOP_TEXT_SIZE];
    (void)snprintf(text, sizeof text, "{\"type\":\"auth\",\"token\":\"%s\"}", customer->token);
    ws_client_send_text(client, text);
    expect_next(client, "auth", "userId", customer->user_id);
}

/* --- the story ------------------------------------------------------------------------------- */

static void expect_turn(struct ws_client *client, const struct queue_place *place,
                        const char *state, bool expires) {
    json_t *turn = next(client, "turn");
    expect(json_integer_value(json_object_get(turn, "number")) == place->number,
           "somebody else's turn");
    assert_string_equal(json_string_value(json_object_get(turn, "state")), state);
    assert_true((json_object_get(turn, "expiresAt") != NULL) == expires);
    json_decref(turn);
}

static void buy(const struct theatre *theatre, const struct shop_customer *person,
                struct queue_place *place, struct ws_client *phone, struct ws_client *desk) {
    char booking_id[64];
    queue_take_pass(theatre->cluster, 1, person, place);
    expect_turn(phone, place, "PASS", true);
    struct http_answer answer =
        queue_reserve(theatre->cluster, 0, person, theatre->event_id, "A1", place->pass);
    (void)snprintf(booking_id, sizeof booking_id, "%s", http_answer_text(&answer, "bookingId"));
    shop_expect(answer, 201, NULL);
    json_t *booking = next_with(phone, "booking", "bookingId", booking_id);
    assert_string_equal(json_string_value(json_object_get(booking, "status")), "PENDING");
    json_decref(booking);
    shop_expect(shop_confirm(theatre->cluster, 1, person, booking_id), 200, NULL);
    expect_next(desk, "booking", "status", "CONFIRMED");
    expect_next(phone, "turn", "state", "BOUGHT");
}

static void expect_nothing_personal(struct ws_client *client) {
    ws_client_send_close(client, 1000);
    for (const struct ws_client_frame *frame; (frame = ws_client_receive(client));)
        expect(!strstr(frame->payload, "\"turn\"") && !strstr(frame->payload, "\"booking\""),
               "a stranger was told %s", frame->payload);
}

static void a_night_at_the_theatre(const struct theatre *theatre) {
    struct cluster *cluster = theatre->cluster;
    struct shop_customer person;
    struct queue_place place;
    struct ws_client *phone = listen_to(theatre, 0, NULL);
    struct ws_client *desk = listen_to(theatre, 1, NULL);
    struct ws_client *stranger = listen_to(theatre, 0, NULL);
    shop_customer(cluster, &person);
    expect_next(stranger, "queue", "phase", "PAUSED");
    log_in(phone, &person);
    log_in(desk, &person);
    queue_enter(cluster, 0, &person, theatre->event_id, 201, &place);
    queue_patch(cluster, theatre->event_id, "{\"room\":{\"message\":\"Doors open soon.\"}}");
    expect_next(stranger, "message", "text", "Doors open soon.");
    expect_next(desk, "message", "text", "Doors open soon.");
    queue_patch(cluster, theatre->event_id, "{\"room\":{\"mode\":\"open\"}}");
    expect_next(stranger, "queue", "phase", "OPEN");
    expect_turn(phone, &place, "CALLED", true);
    expect_turn(desk, &place, "CALLED", true);
    buy(theatre, &person, &place, phone, desk);
    json_decref(next(stranger, "seats"));
    expect_nothing_personal(stranger);
    ws_client_destroy(stranger);
    ws_client_destroy(desk);
    ws_client_destroy(phone);
}

/* --- who is not let in ----------------------------------------------------------------------- */

static void expect_refused(const struct theatre *theatre, const char *event, const char *headers,
                           int status, const char *code, bool jittered) {
    char path[64];
    struct http_answer answer;
    (void)snprintf(path, sizeof path, "/events/%s/live", event);
    const struct http_request request = {.method = "GET", .path = path, .headers = headers};
    http_call(theatre->cluster->gateways[0].port, &request, &answer);
    bool has_time = false;
    for (unsigned seconds = 1; seconds <= RETRY_MAX_SECONDS; seconds++) {
        char text[8];
        (void)snprintf(text, sizeof text, "%u", seconds);
        has_time = has_time || http_answer_has_header(&answer, "Retry-After", text);
    }
    expect(has_time == jittered, "Retry-After: %s", answer.head);
    shop_expect(answer, status, code);
}

static void some_are_refused(const struct theatre *theatre) {
    char event[24];
    (void)snprintf(event, sizeof event, "%" PRId64, theatre->event_id);
    expect_refused(theatre, event, NULL, 426, "upgrade-required", false);
    expect_refused(theatre, "999999", OPENING, 404, "not-found", false);
    expect_refused(theatre, "x", OPENING, 404, "not-found", false);
    expect_refused(theatre, event, OPENING "Origin: https://elsewhere.example\r\n", 403,
                   "forbidden", false);
    struct ws_client *family[PER_ADDRESS];
    for (unsigned i = 0; i < PER_ADDRESS; i++)
        family[i] = listen_to(theatre, 0, "X-Forwarded-For: 2001:db8:1:2::7\r\n");
    expect_refused(theatre, event, OPENING "X-Forwarded-For: 2001:db8:1:2:3::9\r\n", 429,
                   "too-many-requests", true);
    struct ws_client *neighbour = listen_to(theatre, 0, "X-Forwarded-For: 2001:db8:1:3::7\r\n");
    ws_client_destroy(neighbour);
    for (unsigned i = 0; i < PER_ADDRESS; i++)
        ws_client_destroy(family[i]);
}

/* Nobody knows of an event that nobody has asked for, while the database is away. */
static void what_nobody_knows_is_not_watched(const struct theatre *theatre) {
    struct cluster *cluster = theatre->cluster;
    char event[24];
    const struct shop_event unseen = {.venue_id = shop_venue(cluster, 1, 1)};
    (void)snprintf(event, sizeof event, "%" PRId64, shop_event(cluster, &unseen));
    postgres_stop(cluster->postgres);
    expect_refused(theatre, event, OPENING, 503, "overloaded", true);
    postgres_start(cluster->postgres);
    cluster_wait_ready(cluster);
}

static void people_are_told(void **state) {
    struct theatre theatre = {.cluster = cluster_create(state, &options), .base = event_base_new()};
    ensure(theatre.base);
    theatre.event_id =
        queue_event(theatre.cluster, shop_venue(theatre.cluster, 4, 20), "\"mode\":\"paused\"", "");
    a_night_at_the_theatre(&theatre);
    some_are_refused(&theatre);
    what_nobody_knows_is_not_watched(&theatre);
    event_base_free(theatre.base);
    cluster_finish(theatre.cluster);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(people_are_told, cluster_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
