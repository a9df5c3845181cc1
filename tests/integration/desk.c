#include "tests/integration/desk.h"
#include "tests/support/expect.h"
#include "tests/support/wait.h"

#include "shared/bus.h"
#include "shared/id_map.h"
#include "shared/ids.h"
#include "shared/wire.h"

#include <stdlib.h>
#include <time.h>

enum { CONNECT_MS = 20000, OWNERS_MS = 60000, TICK_US = 10000, SETTLE_MS = 15000 };

struct owner {
    uint64_t instance;
    uint64_t epoch;
};

struct desk {
    struct event_base *base;
    struct event *tick;
    struct bus *bus;
    struct id128 installation;
    uint64_t instance;
    struct owner owners[PARTITION_COUNT];
    struct id_map *asks; /* by request id */
    struct wire_buffer out;
    struct wire_buffer single;
};

/* --- hearing */

static void on_owners(void *context, const char *subject, const uint8_t *data, size_t size_bytes) {
    (void)subject;
    struct desk *desk = context;
    struct wire_owners owners;
    expect(wire_owners_decode(&owners, data, size_bytes) == STATUS_OK, "owners can't be read");
    for (uint32_t i = 0; i < owners.count; i++) {
        struct owner *owner = &desk->owners[owners.owners[i].partition];
        if (owners.owners[i].epoch >= owner->epoch)
            *owner = (struct owner){owners.instance, owners.owners[i].epoch};
    }
}

static void keep(struct desk *desk, struct desk_ask *ask, const struct reply *reply) {
    wire_replies_begin(&desk->single);
    expect(wire_replies_add(&desk->single, reply) == STATUS_OK, "a reply can't be encoded");
    ask->heard++;
    if (ask->answered) {
        ask->differed |= reply->epoch == ask->reply.epoch &&
                         (desk->single.size_bytes != ask->frame_bytes ||
                          memcmp(desk->single.data, ask->frame, ask->frame_bytes) != 0);
        return;
    }
    if (reply->epoch < ask->command.epoch && reply->code != REPLY_OK)
        return; /* a refusal of an epoch that is over */
    ask->frame_bytes = desk->single.size_bytes;
    ask->frame = malloc(ask->frame_bytes);
    ensure(ask->frame != NULL);
    memcpy(ask->frame, desk->single.data, ask->frame_bytes);
    struct wire_reader reader;
    expect(wire_replies_open(&reader, ask->frame, ask->frame_bytes) == STATUS_OK &&
               wire_replies_next(&reader, &ask->reply),
           "a reply can't be read again");
    ask->answered = true;
}

static void on_replies(void *context, const char *subject, const uint8_t *data, size_t size_bytes) {
    (void)subject;
    struct desk *desk = context;
    struct wire_reader reader;
    struct reply reply;
    expect(wire_replies_open(&reader, data, size_bytes) == STATUS_OK, "replies can't be read");
    while (wire_replies_next(&reader, &reply)) {
        struct desk_ask *ask = id_map_get(desk->asks, &reply.request_id);
        expect(ask != NULL, "an answer to what was never asked");
        if (reply.code == REPLY_WRONG_EPOCH)
            ask->wrong_epochs++;
        else
            keep(desk, ask, &reply);
    }
}

static void on_state(void *context, bool connected) {
    struct desk *desk = context;
    char subject[WIRE_SUBJECT_SIZE];
    if (!connected)
        return;
    wire_subject_ask_owners(subject, &desk->installation);
    expect(wire_ask_owners_encode(&desk->out) == STATUS_OK &&
               bus_publish(desk->bus, subject, desk->out.data, desk->out.size_bytes) == STATUS_OK,
           "can't ask who owns what");
}

static void on_tick(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    (void)context;
}

/* --- opening and closing */

struct desk *desk_open(const char *nats_url, const struct id128 *installation) {
    struct desk *desk = calloc(1, sizeof *desk);
    ensure(desk != NULL);
    desk->installation = *installation;
    struct id128 dice = id128_random();
    memcpy(&desk->instance, dice.bytes, sizeof desk->instance);
    desk->instance |= 1;
    desk->asks = id_map_create(SIZE_MAX / 2);
    desk->base = event_base_new();
    ensure(desk->asks != NULL && desk->base != NULL);
    desk->tick = event_new(desk->base, -1, EV_PERSIST, on_tick, NULL);
    ensure(desk->tick != NULL && event_add(desk->tick, &(struct timeval){.tv_usec = TICK_US}) == 0);
    desk->bus = bus_create(desk->base, nats_url, "desk", on_state, desk);
    expect(desk->bus != NULL, "no bus");
    char owners[WIRE_SUBJECT_SIZE], replies[WIRE_SUBJECT_SIZE];
    wire_subject_owners(owners, installation);
    wire_subject_gateway(replies, installation, desk->instance);
    expect(bus_subscribe(desk->bus, owners, on_owners, desk) == STATUS_OK &&
               bus_subscribe(desk->bus, replies, on_replies, desk) == STATUS_OK,
           "can't subscribe");
    struct wait wait = wait_at_most(CONNECT_MS);
    while (!bus_connected(desk->bus)) {
        expect(!wait_is_over(&wait), "NATS can't be reached");
        desk_turn(desk);
    }
    return desk;
}

void desk_close(struct desk *desk) {
    if (desk == NULL)
        return;
    bus_destroy(desk->bus);
    event_free(desk->tick);
    event_base_free(desk->base);
    size_t cursor = 0;
    void *value;
    while (id_map_next(desk->asks, &cursor, NULL, &value)) {
        struct desk_ask *ask = value;
        free(ask->frame);
        free(ask);
    }
    id_map_destroy(desk->asks);
    wire_buffer_free(&desk->out);
    wire_buffer_free(&desk->single);
    free(desk);
    bus_library_close();
}

/* --- waiting */

uint64_t desk_epoch(const struct desk *desk, uint32_t partition) {
    return desk->owners[partition].epoch;
}

void desk_turn(struct desk *desk) {
    expect(event_base_loop(desk->base, EVLOOP_ONCE) == 0, "the loop failed");
}

void desk_turn_for(struct desk *desk, int64_t pause_ms) {
    struct wait wait = wait_at_most(pause_ms);
    while (!wait_is_over(&wait))
        desk_turn(desk);
}

static bool all_owned(const struct desk *desk) {
    for (size_t i = 0; i < PARTITION_COUNT; i++)
        if (desk->owners[i].epoch == 0)
            return false;
    return true;
}

void desk_wait_owners(struct desk *desk) {
    struct wait wait = wait_at_most(OWNERS_MS);
    while (!all_owned(desk)) {
        expect(!wait_is_over(&wait), "not every partition has an owner");
        desk_turn(desk);
    }
}

/* --- asking */

/* PostgreSQL runs on this machine: its time is ours. */
static int64_t now_us(void) {
    struct timespec now;
    ensure(clock_gettime(CLOCK_REALTIME, &now) == 0);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

struct desk_ask *desk_new(struct desk *desk, enum command_kind kind, int64_t event_id) {
    struct desk_ask *ask = calloc(1, sizeof *ask);
    ensure(ask != NULL);
    uint32_t partition = partition_of_event((uint64_t)event_id);
    ask->command = (struct command){
        .kind = kind,
        .request_id = id128_random(),
        .deadline_us = now_us() + DESK_DEADLINE_MS * INT64_C(1000),
        .event_id = (uint64_t)event_id,
        .partition = partition,
        .epoch = desk->owners[partition].epoch,
        .user = id128_random(),
        .booking_id = id128_random(),
    };
    ensure(id_map_put(desk->asks, &ask->command.request_id, ask) == STATUS_OK);
    return ask;
}

struct desk_ask *desk_reserve(struct desk *desk, int64_t event_id, uint32_t seat) {
    struct desk_ask *ask = desk_new(desk, COMMAND_RESERVE, event_id);
    ask->command.seat_count = 1;
    ask->command.seats[0] = seat;
    return ask;
}

struct desk_ask *desk_again(struct desk *desk, enum command_kind kind, const struct desk_ask *ask) {
    struct desk_ask *again = desk_new(desk, kind, (int64_t)ask->command.event_id);
    again->command.user = ask->command.user;
    again->command.booking_id = ask->command.booking_id;
    if (kind == COMMAND_CONFIRM)
        memcpy(again->command.payment_token, "tok_ok", sizeof "tok_ok");
    return again;
}

static void send_frame(struct desk *desk, uint64_t instance) {
    char subject[WIRE_SUBJECT_SIZE];
    wire_subject_worker(subject, &desk->installation, instance);
    enum status status = bus_publish(desk->bus, subject, desk->out.data, desk->out.size_bytes);
    expect(status == STATUS_OK || status == STATUS_UNAVAILABLE, "commands can't be sent: %s",
           status_text(status)); /* without NATS the next repeat may get through */
}

void desk_send(struct desk *desk, struct desk_ask *const *asks, size_t count) {
    ensure(count > 0);
    wire_commands_begin(&desk->out, desk->instance);
    for (size_t i = 0; i < count; i++) {
        struct command *command = &asks[i]->command;
        if (command->epoch == 0)
            command->epoch = desk->owners[command->partition].epoch;
        expect(wire_commands_add(&desk->out, command) == STATUS_OK, "too many for a frame");
        asks[i]->sent_ms = wait_now_ms();
    }
    send_frame(desk, desk->owners[asks[0]->command.partition].instance);
}

void desk_repeat(struct desk *desk, struct desk_ask *const *asks, size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct command *command = &asks[i]->command;
        if (asks[i]->answered || wait_now_ms() - asks[i]->sent_ms < DESK_REPEAT_MS)
            continue;
        if (desk->owners[command->partition].epoch > command->epoch)
            command->epoch = desk->owners[command->partition].epoch;
        desk_send(desk, &asks[i], 1);
    }
}

static size_t count_unanswered(struct desk_ask *const *asks, size_t count) {
    size_t waiting = 0;
    for (size_t i = 0; i < count; i++)
        waiting += !asks[i]->answered;
    return waiting;
}

void desk_settle(struct desk *desk, struct desk_ask *const *asks, size_t count, int64_t limit_ms) {
    struct wait wait = wait_at_most(limit_ms);
    for (size_t waiting; (waiting = count_unanswered(asks, count)) > 0;) {
        expect(!wait_is_over(&wait), "%zu of %zu commands got no answer in %lld ms", waiting, count,
               (long long)limit_ms);
        desk_repeat(desk, asks, count);
        desk_turn(desk);
    }
}

const struct reply *desk_decide(struct desk *desk, struct desk_ask *ask) {
    desk_send(desk, &ask, 1);
    desk_settle(desk, &ask, 1, SETTLE_MS);
    return &ask->reply;
}
