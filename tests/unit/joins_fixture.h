/*
 * joins_fixture: the gateway's joins in front of a pretended JetStream, pretended rooms and a
 * pretended owner, who answer when the test says so. Time is moved by hand.
 */
#ifndef USHER_TESTS_UNIT_JOINS_FIXTURE_H
#define USHER_TESTS_UNIT_JOINS_FIXTURE_H

#include "gateway/joins.h"

enum {
    EVENT = 7,
    PEOPLE_MAX = 16,
    ASKED_MAX = 64,
    PUBLISHES_MAX = JOINS_OPEN_MAX + ASKED_MAX,
    TICK_US = 100000
};
#define RUN "NRUN1"
#define CREATED "2026-11-23T17:31:32.123456789Z"
#define CREATED_LATER "2026-11-23T18:00:00.000000001Z"

/* What was asked of JetStream or of the owner; open until its handler is called. */
struct publish {
    char subject[ROOM_SUBJECT_SIZE];
    char payload[16];
    uint64_t expected;
    jetstream_ack_handler *handler;
    void *context;
};

struct look {
    jetstream_stream_handler *handler;
    void *context;
};

struct told {
    struct command command;
    command_handler *handler; /* NULL: answered */
    void *context;
};

struct person {
    struct id128 user;
    unsigned answers;
    enum join_outcome outcome;
    struct join_place place;
};

/* Stands for jetstream, bus, rooms and commands as well. */
struct bench {
    struct joins *joins;
    struct id128 installation;
    struct database_clock clock;
    int64_t now_us;
    bool connected;
    char server_id[BUS_SERVER_ID_SIZE];
    bool found, stale;
    enum room_phase phase;
    struct room_state state;
    rooms_handler *waiter;
    void *waiter_context;
    bool refuses;
    struct publish publishes[PUBLISHES_MAX];
    size_t published, acknowledged;
    struct look looks[ASKED_MAX];
    size_t looked, looks_answered;
    struct told commands[ASKED_MAX];
    size_t commanded;
    struct person people[PEOPLE_MAX];
};

/* Fixtures of a test: with the room OPEN, vouched for, numbers issued up to 1000, and attended to.
 * All that is open at the end ends as it would at the process's end. */
int make_bench(void **state);
int make_new_bench(void **state); /* nobody has ever joined */
int free_bench(void **state);

/* One of the people joins; keeps how it ends. */
void join(struct bench *bench, size_t person);
join_handler on_joined;
/* The oldest publish that is open, or the oldest look, ends so. */
void acknowledge(struct bench *bench, enum jetstream_outcome outcome, uint64_t sequence);
void show_stream(struct bench *bench, enum jetstream_outcome outcome, const char *created);
void reply(struct bench *bench, size_t command, enum command_outcome outcome, enum reply_code code,
           enum turn_state turn);
void tick(struct bench *bench);
void change_room(struct bench *bench);
void lose_connection(struct bench *bench);
void reconnect(struct bench *bench);

void expect_waiting(const struct bench *bench, size_t person);
void expect_told(const struct bench *bench, size_t person, enum join_outcome outcome,
                 uint64_t number);

#endif
