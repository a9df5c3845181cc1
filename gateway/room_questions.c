#include "gateway/room_questions.h"

#include "gateway/sql.h"
#include "shared/ids.h"
#include "shared/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* --- the owner */

/* What it has to say comes as news. */
static void on_looked(void *context, enum command_outcome outcome, const struct reply *reply) {
    (void)context;
    (void)outcome;
    (void)reply;
}

void room_questions_ask(void *context, uint64_t event_id) {
    struct gateway *gateway = context;
    const struct database_clock *clock = reads_clock(gateway->reads);
    if (!database_clock_known(clock)) {
        return;
    }
    int64_t now_us = clock_monotonic_us();
    int64_t wait_us = (int64_t)ROOMS_PATIENCE_MS * 1000;
    const struct command command = {
        .kind = COMMAND_ROOM_LOOK,
        .request_id = id128_random(),
        .deadline_us = database_clock_now_us(clock) + wait_us,
        .event_id = event_id,
        .partition = partition_of_event(event_id),
    };
    enum status status =
        commands_submit(gateway->commands, &command, now_us, now_us + wait_us, on_looked, gateway);
    if (status != STATUS_OK) {
        log_write(LOG_DEBUG, "room-not-asked", "A room's owner could not be asked.",
                  LOG_U64("event_id", event_id), LOG_TEXT("why", status_text(status)));
    }
}

/* --- the database */

struct question {
    struct gateway *gateway;
    uint64_t event_id;
};

static uint64_t read_u64(const PGresult *row, int column) {
    return (uint64_t)database_i64(row, 0, column);
}

static int64_t read_time(const PGresult *row, int column) {
    return database_is_null(row, 0, column) ? 0 : database_time_us(row, 0, column);
}

/* False when there are more spans than a line can have. */
static bool read_line(const PGresult *row, struct room_line *line) {
    int64_t numbers[ROOM_SPANS_MAX];
    int64_t sequences[ROOM_SPANS_MAX];
    int32_t streams[ROOM_SPANS_MAX];
    size_t count = database_i64_array(row, 0, 13, numbers, ROOM_SPANS_MAX);
    if (count > ROOM_SPANS_MAX || database_i64_array(row, 0, 14, sequences, count) != count ||
        database_i32_array(row, 0, 15, streams, count) != count) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const struct room_span span = {.first_number = (uint64_t)numbers[i],
                                       .first_sequence = (uint64_t)sequences[i],
                                       .stream = (uint32_t)streams[i]};
        if (room_line_add(line, &span) != STATUS_OK) {
            return false;
        }
    }
    return true;
}

static bool read_state(const PGresult *row, uint64_t event_id, struct room_state *state) {
    *state = (struct room_state){
        .event_id = event_id,
        .partition = partition_of_event(event_id),
        .sale = {.state = (uint32_t)database_i16(row, 0, 1),
                 .on_sale_us = read_time(row, 2),
                 .sale_end_us = read_time(row, 3),
                 .sold_out = database_bool(row, 0, 4)},
        .now_serving = read_u64(row, 5),
        .issued_to = read_u64(row, 6),
        .claimed = read_u64(row, 7),
        .missed = read_u64(row, 8),
        .left = read_u64(row, 9),
        .bought = read_u64(row, 10),
        .called = (uint32_t)database_i64(row, 0, 11),
        .passes = (uint32_t)database_i64(row, 0, 12),
        .updated_us = database_time_us(row, 0, 18),
    };
    room_settings_default(&state->settings);
    (void)snprintf(state->server_id, sizeof state->server_id, "%s", database_text(row, 0, 16));
    (void)snprintf(state->created, sizeof state->created, "%s", database_text(row, 0, 17));
    return room_settings_apply(&state->settings, database_jsonb(row, 0, 0)) == STATUS_OK &&
           read_line(row, &state->line);
}

static void on_room(void *context, const struct database_answer *answer) {
    struct question *question = context;
    struct rooms *rooms = question->gateway->rooms;
    struct room_state state;
    int64_t now_us = clock_monotonic_us();
    if (answer->outcome == DATABASE_FAILED) {
        log_write(LOG_ERROR, "room-read-failed", "The database refuses to read a room.",
                  LOG_U64("event_id", question->event_id), LOG_TEXT("why", answer->error));
    }
    if (answer->outcome == DATABASE_DONE && PQntuples(answer->results[0]) == 1 &&
        read_state(answer->results[0], question->event_id, &state)) {
        rooms_stored(rooms, &state, now_us);
    } else {
        rooms_unread(rooms, question->event_id, now_us);
    }
    free(question);
}

void room_questions_read(void *context, uint64_t event_id) {
    struct gateway *gateway = context;
    struct question *question = malloc(sizeof *question);
    struct database_group *group =
        question != NULL ? reads_group(gateway->reads, READS_CATALOGUE) : NULL;
    if (group != NULL) {
        *question = (struct question){.gateway = gateway, .event_id = event_id};
        database_group_add(group, &sql_room);
        database_group_i64(group, (int64_t)event_id);
        if (database_group_send_take(group, on_room, question) == STATUS_OK) {
            return;
        }
    }
    free(question);
    rooms_unread(gateway->rooms, event_id, clock_monotonic_us());
}

/* --- the disk: a copy is a frame of news */

static void name_copy(char name[KEEP_NAME_SIZE], uint64_t event_id) {
    (void)snprintf(name, KEEP_NAME_SIZE, "room-%" PRIu64, event_id);
}

void room_questions_keep(void *context, const struct room_state *state) {
    struct gateway *gateway = context;
    char name[KEEP_NAME_SIZE];
    struct wire_buffer buffer = {0};
    name_copy(name, state->event_id);
    wire_rooms_begin(&buffer);
    if (wire_rooms_add(&buffer, state) == STATUS_OK) {
        keep_write(gateway->keep, name, buffer.data, buffer.size_bytes, clock_wall_us());
    }
    wire_buffer_free(&buffer);
}

void room_questions_recall(void *context, uint64_t event_id) {
    struct gateway *gateway = context;
    char name[KEEP_NAME_SIZE];
    char *data = NULL;
    size_t size_bytes = 0;
    int64_t written_us = 0;
    struct wire_reader reader;
    struct room_state state;
    name_copy(name, event_id);
    if (keep_read(gateway->keep, name, &data, &size_bytes, &written_us) != STATUS_OK) {
        return;
    }
    if (wire_rooms_open(&reader, data, size_bytes) == STATUS_OK &&
        wire_rooms_next(&reader, &state) && state.event_id == event_id) {
        rooms_recalled(gateway->rooms, &state, keep_monotonic_us(written_us));
    }
    free(data);
}
