#include "gateway/messages.h"

#include "gateway/live.h"
#include "gateway/sql.h"
#include "shared/failpoint.h"
#include "shared/ids.h"
#include "shared/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* A message that does not decode comes from another version of usher or from a stranger. */
static void report_unreadable(const char *subject, enum status status) {
    log_write(LOG_WARNING, "message-unreadable", "A message was refused; its sender repeats it.",
              LOG_TEXT("subject", subject), LOG_TEXT("why", status_text(status)));
}

static void on_owners(void *context, const char *subject, const uint8_t *data, size_t size_bytes) {
    struct gateway *gateway = context;
    struct wire_owners announced;
    enum status status = wire_owners_decode(&announced, data, size_bytes);
    if (status != STATUS_OK) {
        report_unreadable(subject, status);
        return;
    }
    uint64_t changed = owners_announced(&gateway->owners, &announced, clock_monotonic_us());
    commands_owners_changed(gateway->commands, changed);
}

static void on_replies(void *context, const char *subject, const uint8_t *data, size_t size_bytes) {
    struct gateway *gateway = context;
    struct wire_reader reader;
    struct reply reply;
    enum status status = wire_replies_open(&reader, data, size_bytes);
    if (status != STATUS_OK) {
        report_unreadable(subject, status);
        return;
    }
    while (wire_replies_next(&reader, &reply)) {
        commands_replied(gateway->commands, &reply);
    }
}

static void on_seats(void *context, const char *subject, const uint8_t *data, size_t size_bytes) {
    struct gateway *gateway = context;
    if (FAILPOINT("messages.seats-lost")) {
        return;
    }
    enum status status = seat_maps_news(gateway->seat_maps, data, size_bytes, clock_monotonic_us());
    if (status != STATUS_OK) {
        report_unreadable(subject, status);
    }
}

static void on_rooms(void *context, const char *subject, const uint8_t *data, size_t size_bytes) {
    struct gateway *gateway = context;
    enum status status = rooms_news(gateway->rooms, data, size_bytes, clock_monotonic_us());
    if (status != STATUS_OK) {
        report_unreadable(subject, status);
    }
}

static void on_people(void *context, const char *subject, const uint8_t *data, size_t size_bytes) {
    struct gateway *gateway = context;
    enum status status = live_take_people(gateway->live, data, size_bytes);
    if (status != STATUS_OK) {
        report_unreadable(subject, status);
    }
}

void messages_seats_changed(void *context, uint64_t event_id) {
    struct gateway *gateway = context;
    live_seats_changed(gateway->live, event_id);
}

void messages_room_changed(void *context, const struct room_view *view) {
    struct gateway *gateway = context;
    if (gateway->joins != NULL) {
        joins_room_changed(gateway->joins, view->state->event_id, clock_monotonic_us());
    }
    live_room_changed(gateway->live, view->state->event_id);
}

/* One that is lost is followed by another. */
void messages_ask_people(void *context) {
    struct gateway *gateway = context;
    struct wire_buffer buffer = {0};
    char subject[WIRE_SUBJECT_SIZE];
    wire_subject_ask_people(subject, &gateway->installation.id);
    if (wire_ask_people_encode(&buffer) != STATUS_OK ||
        bus_publish(gateway->bus, subject, buffer.data, buffer.size_bytes) != STATUS_OK) {
        log_write(LOG_DEBUG, "people-not-asked", "People's news are asked for again soon.");
    }
    wire_buffer_free(&buffer);
}

static void on_bus_state(void *context, bool connected) {
    struct gateway *gateway = context;
    if (!connected) {
        return;
    }
    struct wire_buffer buffer = {0};
    char subject[WIRE_SUBJECT_SIZE];
    wire_subject_ask_owners(subject, &gateway->installation.id);
    if (wire_ask_owners_encode(&buffer) != STATUS_OK ||
        bus_publish(gateway->bus, subject, buffer.data, buffer.size_bytes) != STATUS_OK) {
        log_write(LOG_DEBUG, "owners-not-asked", "Owners are heard with their next announcement.");
    }
    wire_buffer_free(&buffer);
}

static void on_joins_bus_state(void *context, bool connected) {
    struct gateway *gateway = context;
    jetstream_bus_state(gateway->jetstream, connected);
    joins_bus_state(gateway->joins, connected, clock_monotonic_us());
}

static void on_grant(void *context, const struct bus_message *message) {
    struct gateway *gateway = context;
    struct room_grant grant;
    enum status status = wire_grant_decode(&grant, message->data, message->size_bytes);
    if (status != STATUS_OK) {
        report_unreadable(message->subject, status);
        return;
    }
    door_granted(gateway->door, &grant);
}

/* Joins can't be packed, so they have a connection that writes many small messages at a time.
 * Grants come over it as well: who can't read the streams is not asked to. */
static bool start_joins(struct gateway *gateway) {
    char grants[WIRE_SUBJECT_SIZE];
    wire_subject_grants(grants, &gateway->installation.id);
    gateway->joins_bus = bus_create_batching(gateway->base, gateway->config.nats_url,
                                             gateway->config.process, on_joins_bus_state, gateway);
    gateway->jetstream =
        gateway->joins_bus != NULL ? jetstream_create(gateway->base, gateway->joins_bus) : NULL;
    const struct door_config door = {.installation = &gateway->installation.id,
                                     .commands = gateway->commands,
                                     .jetstream = gateway->jetstream,
                                     .bus = gateway->joins_bus,
                                     .clock = reads_clock(gateway->reads)};
    const struct joins_config joins = {.installation = &gateway->installation.id,
                                       .rooms = gateway->rooms,
                                       .commands = gateway->commands,
                                       .jetstream = gateway->jetstream,
                                       .bus = gateway->joins_bus,
                                       .clock = reads_clock(gateway->reads)};
    if (gateway->jetstream != NULL) {
        gateway->door = door_create(&door);
        gateway->joins = joins_create(&joins);
    }
    return gateway->door != NULL && gateway->joins != NULL &&
           bus_subscribe_messages(gateway->joins_bus, grants, "door", on_grant, gateway) ==
               STATUS_OK;
}

bool messages_start(struct gateway *gateway) {
    const struct id128 *installation = &gateway->installation.id;
    char owners[WIRE_SUBJECT_SIZE];
    char replies[WIRE_SUBJECT_SIZE];
    char seats[WIRE_SUBJECT_SIZE];
    char rooms[WIRE_SUBJECT_SIZE];
    char people[WIRE_SUBJECT_SIZE];
    wire_subject_owners(owners, installation);
    wire_subject_gateway(replies, installation, gateway->instance);
    wire_subject_seats(seats, installation);
    wire_subject_rooms(rooms, installation);
    wire_subject_people(people, installation);
    gateway->bus = bus_create(gateway->base, gateway->config.nats_url, gateway->config.process,
                              on_bus_state, gateway);
    if (gateway->bus == NULL ||
        bus_subscribe(gateway->bus, owners, on_owners, gateway) != STATUS_OK ||
        bus_subscribe(gateway->bus, replies, on_replies, gateway) != STATUS_OK ||
        bus_subscribe(gateway->bus, seats, on_seats, gateway) != STATUS_OK ||
        bus_subscribe(gateway->bus, rooms, on_rooms, gateway) != STATUS_OK ||
        bus_subscribe(gateway->bus, people, on_people, gateway) != STATUS_OK ||
        !start_joins(gateway)) {
        log_write(LOG_ERROR, "bus-unusable",
                  "NATS can't be used as it is configured; the gateway ends.");
        return false;
    }
    return true;
}

bool messages_send_commands(void *context, uint64_t owner_instance, const void *data,
                            size_t size_bytes) {
    struct gateway *gateway = context;
    char subject[WIRE_SUBJECT_SIZE];
    if (gateway->bus == NULL) {
        return false;
    }
    wire_subject_worker(subject, &gateway->installation.id, owner_instance);
    return bus_publish(gateway->bus, subject, data, size_bytes) == STATUS_OK;
}

void messages_wake(void *context) {
    struct gateway *gateway = context;
    event_active(gateway->flush, EV_TIMEOUT, 0);
}

/* --- seat maps
 * -------------------------------------------------------------------------------------- */

struct question {
    struct gateway *gateway;
    uint64_t event_id;
};

static struct question *question_create(struct gateway *gateway, uint64_t event_id) {
    struct question *question = malloc(sizeof *question);
    if (question != NULL) {
        *question = (struct question){.gateway = gateway, .event_id = event_id};
    }
    return question;
}

static void on_snapshot(void *context, enum command_outcome outcome, const struct reply *reply) {
    struct question *question = context;
    struct seat_maps *maps = question->gateway->seat_maps;
    if (outcome == COMMAND_ANSWERED) {
        seat_maps_snapshot(maps, question->event_id, reply, clock_monotonic_us());
    } else {
        seat_maps_unanswered(maps, question->event_id, clock_monotonic_us());
    }
    free(question);
}

void messages_ask_snapshot(void *context, uint64_t event_id) {
    struct gateway *gateway = context;
    const struct database_clock *clock = reads_clock(gateway->reads);
    struct question *question =
        database_clock_known(clock) ? question_create(gateway, event_id) : NULL;
    if (question != NULL) {
        int64_t now_us = clock_monotonic_us();
        int64_t wait_us = (int64_t)COMMAND_WAIT_MS * 1000;
        const struct command command = {
            .kind = COMMAND_SNAPSHOT,
            .request_id = id128_random(),
            .deadline_us = database_clock_now_us(clock) + wait_us,
            .event_id = event_id,
            .partition = partition_of_event(event_id),
        };
        if (commands_submit(gateway->commands, &command, now_us, now_us + wait_us, on_snapshot,
                            question) == STATUS_OK) {
            return;
        }
    }
    free(question);
    seat_maps_unanswered(gateway->seat_maps, event_id, clock_monotonic_us());
}

/* Sets what is taken in `packed`; false when the row makes no sense. */
static bool pack_taken(const PGresult *row, uint32_t seat_count, int32_t *taken, uint8_t *packed) {
    size_t count = database_i32_array(row, 0, 2, taken, seat_count);
    if (count > seat_count) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t seat = (uint32_t)taken[i] / 4;
        if (seat >= seat_count) {
            return false;
        }
        packed_seats_set(packed, seat, (enum seat_state)(taken[i] % 4));
    }
    return true;
}

static void take_stored(struct gateway *gateway, uint64_t event_id, const PGresult *row) {
    int32_t stored_count = database_i32(row, 0, 1);
    uint32_t seat_count =
        stored_count > 0 && stored_count <= SHOW_SEATS_MAX ? (uint32_t)stored_count : 0;
    int32_t *taken = calloc(seat_count, sizeof *taken);
    uint8_t *packed = calloc(1, packed_seats_bytes(seat_count));
    if (seat_count > 0 && taken != NULL && packed != NULL &&
        pack_taken(row, seat_count, taken, packed)) {
        seat_maps_stored(gateway->seat_maps, event_id, (uint64_t)database_i64(row, 0, 0), packed,
                         seat_count, clock_monotonic_us());
    } else {
        seat_maps_unread(gateway->seat_maps, event_id, clock_monotonic_us());
    }
    free(taken);
    free(packed);
}

static void on_seats_read(void *context, const struct database_answer *answer) {
    struct question *question = context;
    struct gateway *gateway = question->gateway;
    if (answer->outcome == DATABASE_DONE && PQntuples(answer->results[0]) == 1) {
        take_stored(gateway, question->event_id, answer->results[0]);
    } else {
        seat_maps_unread(gateway->seat_maps, question->event_id, clock_monotonic_us());
    }
    free(question);
}

void messages_read_seats(void *context, uint64_t event_id) {
    struct gateway *gateway = context;
    struct question *question = question_create(gateway, event_id);
    struct database_group *group =
        question != NULL ? reads_group(gateway->reads, READS_CATALOGUE) : NULL;
    if (group != NULL) {
        database_group_add(group, &sql_seats);
        database_group_i64(group, (int64_t)event_id);
        if (database_group_send_take(group, on_seats_read, question) == STATUS_OK) {
            return;
        }
    }
    free(question);
    seat_maps_unread(gateway->seat_maps, event_id, clock_monotonic_us());
}

/* A seat map's copy on disk: this and the packed seats. */
struct kept_seats {
    uint64_t version;
    uint32_t seat_count;
};

static void name_seats(char name[KEEP_NAME_SIZE], uint64_t event_id) {
    (void)snprintf(name, KEEP_NAME_SIZE, "seats-%" PRIu64, event_id);
}

void messages_keep_seats(void *context, uint64_t event_id, const struct seat_map *map) {
    struct gateway *gateway = context;
    char name[KEEP_NAME_SIZE];
    const struct kept_seats head = {.version = map->version, .seat_count = map->seat_count};
    size_t packed_bytes = packed_seats_bytes(map->seat_count);
    char *data = malloc(sizeof head + packed_bytes);
    if (data == NULL) {
        return; /* the next one is as good */
    }
    memcpy(data, &head, sizeof head);
    memcpy(data + sizeof head, map->packed, packed_bytes);
    name_seats(name, event_id);
    keep_write(gateway->keep, name, data, sizeof head + packed_bytes, clock_wall_us());
    free(data);
}

void messages_recall_seats(void *context, uint64_t event_id) {
    struct gateway *gateway = context;
    char name[KEEP_NAME_SIZE];
    char *data = NULL;
    size_t size_bytes = 0;
    int64_t written_us = 0;
    struct kept_seats head;
    name_seats(name, event_id);
    if (keep_read(gateway->keep, name, &data, &size_bytes, &written_us) != STATUS_OK) {
        return;
    }
    if (size_bytes >= sizeof head) {
        memcpy(&head, data, sizeof head);
        if (size_bytes == sizeof head + packed_seats_bytes(head.seat_count)) {
            seat_maps_recalled(gateway->seat_maps, event_id, head.version,
                               (const uint8_t *)data + sizeof head, head.seat_count,
                               keep_monotonic_us(written_us));
        }
    }
    free(data);
}
