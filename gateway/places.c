#include "gateway/places.h"

#include "shared/clock.h"

#include <stdlib.h>

struct search {
    struct places_config config;
    uint64_t event_id;
    char stream[ROOM_STREAM_SIZE];
    uint64_t sequence;
    place_handler *handler;
    void *context;
};

static void end(struct search *search, enum place_outcome outcome, uint64_t number) {
    search->handler(search->context, outcome, number);
    free(search);
}

/* The number of the entry that was read, now that the stream has been looked at; 0: not known. */
static uint64_t number_of(const struct search *search, const struct jetstream_stream *stream) {
    struct room_view view;
    if (stream->outcome != JETSTREAM_DONE ||
        !rooms_find(search->config.rooms, search->event_id, clock_monotonic_us(), &view) ||
        !room_state_is_of_run(view.state, bus_server_id(search->config.bus)) ||
        strcmp(stream->created, view.state->created) != 0) {
        return 0;
    }
    uint64_t number = room_line_number(&view.state->line, search->sequence);
    return number <= view.state->issued_to ? number : 0; /* nobody was answered it yet */
}

static void on_look(void *context, const struct jetstream_stream *stream) {
    struct search *search = context;
    uint64_t number = number_of(search, stream);
    end(search, number != 0 ? PLACE_FOUND : PLACE_UNKNOWN, number);
}

static void on_entry(void *context, enum jetstream_outcome outcome,
                     const struct jetstream_message *message) {
    struct search *search = context;
    if (outcome == JETSTREAM_NOT_FOUND) {
        end(search, PLACE_NONE, 0);
        return;
    }
    search->sequence = message != NULL ? message->sequence : 0;
    if (message == NULL ||
        jetstream_look(search->config.jetstream, search->stream, on_look, search) != STATUS_OK) {
        end(search, PLACE_UNKNOWN, 0);
    }
}

void places_find(const struct places_config *config, uint64_t event_id, const struct id128 *user,
                 place_handler *handler, void *context) {
    struct room_view view;
    char subject[ROOM_SUBJECT_SIZE];
    bool known = rooms_find(config->rooms, event_id, clock_monotonic_us(), &view);
    if (known && view.state->line.count == 0) {
        handler(context, PLACE_NONE, 0); /* nobody has been answered a number yet */
        return;
    }
    struct search *search = known && room_state_is_of_run(view.state, bus_server_id(config->bus))
                                ? malloc(sizeof *search)
                                : NULL;
    if (search == NULL) {
        handler(context, PLACE_UNKNOWN, 0);
        return;
    }
    *search = (struct search){
        .config = *config, .event_id = event_id, .handler = handler, .context = context};
    room_stream_name(search->stream, config->installation, event_id);
    room_subject(subject, config->installation, event_id, user);
    if (jetstream_get_last(config->jetstream, search->stream, subject, on_entry, search) !=
        STATUS_OK) {
        end(search, PLACE_UNKNOWN, 0);
    }
}
