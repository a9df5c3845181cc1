#include "tests/unit/room_fixture.h"

#include <stdio.h>

static const struct room_settings open_settings = {
    .mode = ROOM_MODE_OPEN,
    .admits_per_minute = 600,
    .max_shoppers = 5,
    .claim_ms = CLAIM_MS,
    .pass_ms = PASS_MS,
};

void pass_ms(struct stage *stage, int64_t passed_ms) {
    stage->time.now_us += passed_ms * 1000;
    stage->time.served_ms += passed_ms;
}

void keep_pace(struct stage *stage, int64_t passed_ms) {
    for (int64_t at_ms = 0; at_ms < passed_ms; at_ms += 200) {
        pass_ms(stage, 200);
        room_sweep(stage->room, &stage->facts, &stage->time, &stage->changes);
        room_pace(stage->room, &stage->facts, &stage->time);
    }
}

enum reply_code decide(struct stage *stage, const struct command *command) {
    room_decide(stage->room, command, &stage->facts, &stage->time, &stage->reply, &stage->changes);
    return stage->reply.code;
}

enum reply_code ask(struct stage *stage, enum command_kind kind, uint8_t user, uint64_t number) {
    struct command command = {
        .kind = kind, .event_id = EVENT, .user = USER(user), .queue_number = number};
    return decide(stage, &command);
}

enum reply_code vouch(struct stage *stage, const char *server_id, const char *created,
                      uint64_t sequence) {
    struct command command = {.kind = COMMAND_ROOM_VOUCH, .event_id = EVENT, .sequence = sequence};
    snprintf(command.server_id, sizeof command.server_id, "%s", server_id);
    snprintf(command.created, sizeof command.created, "%s", created);
    return decide(stage, &command);
}

enum reply_code report(struct stage *stage, uint64_t from, uint8_t first_user, uint32_t count) {
    const struct room_vouch *vouched = room_get_vouch(stage->room);
    uint8_t arrivals[PEOPLE * ROOM_ARRIVAL_BYTES];
    struct command command = {.kind = COMMAND_ROOM_REPORT,
                              .event_id = EVENT,
                              .queue_number = from,
                              .arrival_count = count,
                              .arrivals = arrivals};
    for (uint32_t i = 0; i < count; i++) {
        struct room_arrival arrival = {USER((uint8_t)(first_user + i)), 1000 + (int64_t)i};
        room_arrival_put(&arrivals[(size_t)i * ROOM_ARRIVAL_BYTES], &arrival);
    }
    snprintf(command.server_id, sizeof command.server_id, "%s", vouched->server_id);
    snprintf(command.created, sizeof command.created, "%s", vouched->created);
    return decide(stage, &command);
}

void look(struct stage *stage, uint64_t last_sequence) {
    room_saw_stream(stage->room, last_sequence, 1000, &stage->time);
}

int set_up(void **state) {
    static struct stage stage;
    stage = (struct stage){
        .settings = open_settings,
        .room = room_create(EVENT, &open_settings, WAITING_LIMIT),
        .time = {.now_us = 1700000000000000, .served_ms = 5000},
        .facts = {.sale = {.state = SHOW_OPEN}, .free_seats = 100, .commit_ms = 3},
    };
    *state = &stage;
    if (stage.room == NULL || vouch(&stage, "run-1", "monday", 0) != REPLY_OK ||
        ask(&stage, COMMAND_ROOM_ISSUE, 0, PEOPLE) != REPLY_OK) {
        return -1;
    }
    look(&stage, PEOPLE);
    room_pace(stage.room, &stage.facts, &stage.time);
    return 0;
}

int tear_down(void **state) {
    struct stage *stage = *state;
    const char *broken = room_check(stage->room);
    room_destroy(stage->room);
    return broken != NULL;
}
