#include "shared/ids.h"
#include "shared/log.h"
#include "worker/rooms_private.h"

/* False when such trouble was told of not long ago. */
static bool may_complain(struct rooms *rooms, enum complaint complaint) {
    int64_t now_us = clock_monotonic_us();
    int64_t *last_us = &rooms->complained_us[complaint];
    if (*last_us != 0 && now_us - *last_us < ROOMS_COMPLAIN_MS * INT64_C(1000))
        return false;
    *last_us = now_us;
    return true;
}

/* Whether people come, or would if they could. */
static bool is_in_use(const struct watch *watch, struct show_entry *entry) {
    const struct rooms_config *config = &watch->rooms->config;
    const struct room_state *state =
        watch->seen ? committer_room_state(config->committer, entry) : NULL;
    return !state || room_phase_joins(room_phase_of(&state->settings, &state->sale,
                                                    database_clock_now_us(config->clock)));
}

/* Their periods differ a little, so that rooms which were found together are not looked at together
 * for ever. */
static void end_look(struct watch *watch) {
    watch->rooms->looks_under_way--;
    watch->looking = false;
    if (watch->gone) {
        watch_free(watch);
        return;
    }
    int64_t now_us = clock_monotonic_us();
    struct show_entry *entry = watch_entry(watch);
    int64_t pause_ms = entry && is_in_use(watch, entry) ? ROOMS_LOOK_MS : ROOMS_LOOK_IDLE_MS;
    if (watch->run != bus_run(watch->rooms->config.bus))
        pause_ms = 0;
    watch->look_us = now_us + pause_ms * (1000 - (int64_t)(watch->event_id % 64));
}

/* The show that an answer is about; NULL, and the look is over, when it does not count: nobody
 * watches, the show is not ours now, or the connection is another one. */
static struct show_entry *answered(struct watch *watch) {
    struct show_entry *entry = NULL;
    if (!watch->gone && watch->run == bus_run(watch->rooms->config.bus))
        entry = watch_entry(watch);
    if (!entry)
        end_look(watch);
    return entry;
}

/* --- who is next */

/* The sequence that the door reads next; 0: none. */
static uint64_t sequence_of_next(const struct room *room) {
    struct room_stretch stretch;
    uint64_t number = room_get_record(room)->admitted_to;
    while (room_line_after(room_get_line(room), number, &stretch)) {
        if (!stretch.gap)
            return stretch.first_sequence;
        number = stretch.last;
    }
    return 0;
}

static void saw(struct watch *watch, struct show_entry *entry) {
    const struct rooms_config *config = &watch->rooms->config;
    const struct show_time time = {
        .now_us = database_clock_now_us(config->clock),
        .served_ms =
            partitions_served_ms(config->partitions, watch->partition, clock_monotonic_us()),
    };
    room_saw_stream(entry->room, watch->last_sequence, watch->next_joined_us, &time);
    watch->seen = true;
    watch_grant(watch);
    end_look(watch);
}

static void on_next(void *context, enum jetstream_outcome outcome,
                    const struct jetstream_message *message) {
    struct watch *watch = context;
    struct show_entry *entry = answered(watch);
    if (!entry)
        return;
    if (outcome == JETSTREAM_DONE)
        watch->next_joined_us = message->stored_us;
    else
        watch->next_sequence = 0; /* asked for again by the next look */
    saw(watch, entry);
}

static void look_at_next(struct watch *watch, struct show_entry *entry) {
    uint64_t next = sequence_of_next(entry->room);
    if (next > watch->last_sequence)
        next = 0;
    if (next == watch->next_sequence) {
        saw(watch, entry);
        return;
    }
    char stream[ROOM_STREAM_SIZE];
    room_stream_name(stream, watch->rooms->config.installation, watch->event_id);
    watch->next_sequence = next;
    watch->next_joined_us = 0;
    if (next == 0 ||
        jetstream_get(watch->rooms->jetstream, stream, next, on_next, watch) != STATUS_OK)
        saw(watch, entry);
}

/* --- which stream it is */

/* The answer shows in the room: the next look finds the stream vouched for, or submits again. */
static void submit_vouch(struct watch *watch, const char *server_id,
                         const struct jetstream_stream *stream) {
    const struct rooms_config *config = &watch->rooms->config;
    struct command command = {
        .kind = COMMAND_ROOM_VOUCH,
        .request_id = id128_random(),
        .deadline_us = database_clock_now_us(config->clock) + ROOMS_VOUCH_MS * INT64_C(1000),
        .event_id = watch->event_id,
        .partition = watch->partition,
        .epoch = config->partitions->items[watch->partition].epoch,
        .sequence = stream->last_sequence,
    };
    (void)snprintf(command.server_id, sizeof command.server_id, "%s", server_id);
    (void)snprintf(command.created, sizeof command.created, "%s", stream->created);
    intake_submit_own(config->intake, &command);
    watch->last_sequence = 0;
    watch->next_sequence = 0;
    watch->submitted++;
    if (watch->submitted > ROOMS_VOUCHES_PATIENCE &&
        may_complain(watch->rooms, COMPLAINT_NOT_VOUCHED))
        log_write(
            LOG_ERROR, "room-not-vouched",
            "A waiting room's stream can't be vouched for: it has come back after another one "
            "took its place, or was replaced too often. Nobody can join.",
            LOG_U64("eventId", watch->event_id), LOG_TEXT("run", server_id),
            LOG_TEXT("created", stream->created));
}

static void log_loss(const struct watch *watch, const struct room_vouch *vouch,
                     const struct jetstream_stream *stream) {
    log_write(LOG_ERROR, "room-stream-lost",
              "A waiting room's stream is gone and another one in its place; people keep their "
              "numbers and are called by roll.",
              LOG_U64("eventId", watch->event_id), LOG_TEXT("created", vouch->created),
              LOG_TEXT("createdNow", stream->created));
}

/* A stream that is there: whether it is the one vouched for. */
static void compare(struct watch *watch, struct show_entry *entry,
                    const struct jetstream_stream *stream) {
    const struct room_vouch *vouch = room_get_vouch(entry->room);
    bool replicated = stream->replicas > 1;
    const char *server_id = replicated ? "" : bus_server_id(watch->rooms->config.bus);
    bool is_the_stream = vouch && strcmp(vouch->created, stream->created) == 0;
    if (!replicated && stream->clustered) {
        if (may_complain(watch->rooms, COMPLAINT_UNSAFE))
            log_write(LOG_ERROR, "room-stream-unsafe",
                      "NATS is a cluster and a waiting room's stream has no replicas: a loss would "
                      "go unnoticed, so nobody can join. Set USHER_QUEUE_REPLICAS.",
                      LOG_U64("eventId", watch->event_id));
        end_look(watch);
        return;
    }
    if (!is_the_stream || strcmp(vouch->server_id, server_id) != 0) {
        if (vouch && !is_the_stream && watch->submitted == 0)
            log_loss(watch, vouch, stream);
        submit_vouch(watch, server_id, stream);
        end_look(watch);
        return;
    }
    watch->submitted = 0;
    watch->last_sequence = stream->last_sequence;
    look_at_next(watch, entry);
}

static void on_stream(struct watch *watch, struct show_entry *entry, enum complaint complaint,
                      const struct jetstream_stream *stream) {
    struct rooms *rooms = watch->rooms;
    if (stream->outcome == JETSTREAM_DONE) {
        compare(watch, entry, stream);
        return;
    }
    rooms->numbers.looks_failed++;
    if (may_complain(rooms, complaint)) {
        bool made = complaint == COMPLAINT_NOT_SEEN;
        log_write(made ? LOG_WARNING : LOG_ERROR,
                  made ? "room-stream-not-seen" : "room-stream-not-made",
                  made ? "A waiting room's stream can't be looked at."
                       : "A waiting room has no stream and none can be made: nobody can join.",
                  LOG_U64("eventId", watch->event_id),
                  LOG_TEXT("outcome", jetstream_outcome_text(stream->outcome)),
                  LOG_TEXT("error", stream->error));
    }
    end_look(watch);
}

static void on_made(void *context, const struct jetstream_stream *stream) {
    struct watch *watch = context;
    struct show_entry *entry = answered(watch);
    if (entry)
        on_stream(watch, entry, COMPLAINT_NOT_MADE, stream);
}

static void on_looked(void *context, const struct jetstream_stream *stream) {
    struct watch *watch = context;
    struct rooms *rooms = watch->rooms;
    struct show_entry *entry = answered(watch);
    if (!entry)
        return;
    if (stream->outcome != JETSTREAM_NO_STREAM) {
        on_stream(watch, entry, COMPLAINT_NOT_SEEN, stream);
        return;
    }
    char name[ROOM_STREAM_SIZE];
    char subject[ROOM_SUBJECT_SIZE];
    room_stream_name(name, rooms->config.installation, watch->event_id);
    room_subject(subject, rooms->config.installation, watch->event_id, NULL);
    if (jetstream_make(rooms->jetstream, name, subject, rooms->config.replicas, on_made, watch) !=
        STATUS_OK)
        end_look(watch);
}

void room_look(struct watch *watch, int64_t now_us) {
    struct rooms *rooms = watch->rooms;
    if (watch->looking || now_us < watch->look_us ||
        rooms->looks_under_way >= ROOMS_LOOKS_AT_ONCE || !bus_connected(rooms->config.bus) ||
        !database_clock_known(rooms->config.clock))
        return;
    const struct show_entry *entry = watch_entry(watch);
    if (!entry || room_get_settings(entry->room)->mode == ROOM_MODE_OFF)
        return;
    char stream[ROOM_STREAM_SIZE];
    room_stream_name(stream, rooms->config.installation, watch->event_id);
    if (jetstream_look(rooms->jetstream, stream, on_looked, watch) != STATUS_OK)
        return; /* the next tick tries again */
    TAILQ_REMOVE(&rooms->watches, watch, link);
    TAILQ_INSERT_TAIL(&rooms->watches, watch, link);
    watch->looking = true;
    watch->seen = false;
    watch->run = bus_run(rooms->config.bus);
    rooms->looks_under_way++;
}
