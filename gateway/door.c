#include "gateway/door.h"

#include "shared/failpoint.h"
#include "shared/ids.h"
#include "shared/log.h"

#include <stdlib.h>
#include <sys/queue.h>

enum { GAP_LOG_MS = 1000 };

/* A grant that is being read. */
struct reading {
    LIST_ENTRY(reading) next;
    struct door *door;
    struct room_grant grant;
    char stream[ROOM_STREAM_SIZE];
    bool gap; /* what comes after it does not count */
    uint32_t count;
    uint8_t arrivals[ROOM_REPORT_MAX * ROOM_ARRIVAL_BYTES];
};

struct door {
    struct door_config config;
    struct door_numbers numbers;
    LIST_HEAD(, reading) readings;
    uint32_t reading_count;
    int64_t gap_logged_us;
};

struct door *door_create(const struct door_config *config) {
    struct door *door = calloc(1, sizeof *door);
    if (door != NULL) {
        door->config = *config;
        LIST_INIT(&door->readings);
    }
    return door;
}

void door_destroy(struct door *door) {
    ensure(door == NULL || door->reading_count == 0);
    free(door);
}

const struct door_numbers *door_numbers(const struct door *door) {
    return &door->numbers;
}

static void end(struct reading *reading) {
    LIST_REMOVE(reading, next);
    reading->door->reading_count--;
    free(reading);
}

static void give_up(struct reading *reading) {
    reading->door->numbers.failed++;
    end(reading);
}

/* The owner tells of it by its next grant. */
static void on_reported(void *context, enum command_outcome outcome, const struct reply *reply) {
    (void)context;
    (void)outcome;
    (void)reply;
}

static void send_report(const struct reading *reading) {
    const struct door_config *config = &reading->door->config;
    const struct room_grant *grant = &reading->grant;
    int64_t now_us = clock_monotonic_us();
    int64_t wait_us = (int64_t)DOOR_REPORT_MS * 1000;
    struct command command = {
        .kind = COMMAND_ROOM_REPORT,
        .request_id = id128_random(),
        .deadline_us = database_clock_now_us(config->clock) + wait_us,
        .event_id = grant->event_id,
        .partition = partition_of_event(grant->event_id),
        .queue_number = grant->from_number,
        .arrival_count = reading->count,
        .arrivals = reading->arrivals,
    };
    memcpy(command.server_id, grant->server_id, sizeof command.server_id);
    memcpy(command.created, grant->created, sizeof command.created);
    if (commands_submit(config->commands, &command, now_us, now_us + wait_us, on_reported, NULL) ==
        STATUS_OK) {
        reading->door->numbers.reports++;
        reading->door->numbers.people += reading->count;
    }
}

static void report(struct reading *reading) {
    (void)FAILPOINT("door.before-report");
    if (FAILPOINT("door.report-twice")) {
        send_report(reading);
    }
    if (!FAILPOINT("door.report-lost")) {
        send_report(reading);
    }
    end(reading);
}

static void on_look(void *context, const struct jetstream_stream *stream) {
    struct reading *reading = context;
    if (stream->outcome == JETSTREAM_DONE && strcmp(stream->created, reading->grant.created) == 0) {
        report(reading);
    } else {
        give_up(reading);
    }
}

/* Only a stream that somebody has changed by hand has one. */
static void log_gap(struct door *door, const struct reading *reading) {
    int64_t now_us = clock_monotonic_us();
    if (door->gap_logged_us != 0 && now_us - door->gap_logged_us < (int64_t)GAP_LOG_MS * 1000) {
        return;
    }
    door->gap_logged_us = now_us;
    log_write(LOG_ERROR, "door-gap",
              "The stream of a waiting room has nobody where the next person should be: nobody is "
              "admitted beyond.",
              LOG_U64("event_id", reading->grant.event_id),
              LOG_U64("sequence", reading->grant.from_sequence + reading->count));
}

static void take_message(struct reading *reading, const struct jetstream_message *message) {
    struct room_arrival arrival = {.joined_us = message->stored_us};
    if (reading->gap || reading->count == reading->grant.count) {
        return;
    }
    if (message->sequence != reading->grant.from_sequence + reading->count ||
        room_subject_user(message->subject, &arrival.user) != STATUS_OK) {
        reading->gap = true;
        log_gap(reading->door, reading);
        return;
    }
    room_arrival_put(&reading->arrivals[(size_t)reading->count * ROOM_ARRIVAL_BYTES], &arrival);
    reading->count++;
}

/* What came before the silence is as good as all. */
static void on_message(void *context, enum jetstream_outcome outcome,
                       const struct jetstream_message *message) {
    struct reading *reading = context;
    if (message != NULL) {
        take_message(reading, message);
        return;
    }
    bool read = outcome == JETSTREAM_DONE || outcome == JETSTREAM_SILENT;
    if (!read || reading->count == 0 ||
        jetstream_look(reading->door->config.jetstream, reading->stream, on_look, reading) !=
            STATUS_OK) {
        give_up(reading);
    }
}

static bool is_being_read(const struct door *door, uint64_t event_id) {
    const struct reading *reading = NULL;
    LIST_FOREACH(reading, &door->readings, next) {
        if (reading->grant.event_id == event_id) {
            return true;
        }
    }
    return false;
}

void door_granted(struct door *door, const struct room_grant *grant) {
    const struct door_config *config = &door->config;
    if (is_being_read(door, grant->event_id)) {
        return;
    }
    bool ours =
        bus_connected(config->bus) && database_clock_known(config->clock) &&
        (grant->server_id[0] == '\0' || strcmp(grant->server_id, bus_server_id(config->bus)) == 0);
    struct reading *reading =
        ours && door->reading_count < DOOR_READS_MAX ? malloc(sizeof *reading) : NULL;
    if (reading == NULL) {
        door->numbers.dropped++;
        return;
    }
    reading->door = door;
    reading->grant = *grant;
    reading->gap = false;
    reading->count = 0;
    room_stream_name(reading->stream, config->installation, grant->event_id);
    LIST_INSERT_HEAD(&door->readings, reading, next);
    door->reading_count++;
    if (jetstream_read(config->jetstream, reading->stream, grant->from_sequence, grant->count,
                       on_message, reading) != STATUS_OK) {
        give_up(reading);
    }
}
