#include "gateway/live_frames.h"

#include "gateway/text.h"
#include "shared/ids.h"

#include <inttypes.h>
#include <stdlib.h>

static const char *const kind_texts[LIVE_FRAME_KIND_COUNT] = {
    [LIVE_HELLO] = "hello",     [LIVE_SEATS] = "seats", [LIVE_QUEUE] = "queue",
    [LIVE_MESSAGE] = "message", [LIVE_AUTH] = "auth",   [LIVE_TURN] = "turn",
    [LIVE_BOOKING] = "booking",
};

const char *live_frame_kind_text(enum live_frame_kind kind) {
    return kind_texts[kind];
}

const char *live_refusal_text(enum live_refusal refusal) {
    static const char *const texts[LIVE_REFUSAL_COUNT] = {
        [LIVE_NOT_REFUSED] = "",
        [LIVE_TOO_FAST] = "rate",
        [LIVE_FULL] = "full",
        [LIVE_ADDRESS_FULL] = "address",
    };
    return texts[refusal];
}

/* The beginning of a message, up to its first member. */
static struct text begin(enum live_frame_kind kind) {
    struct text text = {0};
    text_format(&text, "{\"type\":\"%s\",", kind_texts[kind]);
    return text;
}

static struct ws_frame *finish(struct live_numbers *numbers, enum live_frame_kind kind,
                               struct text *text) {
    text_put(text, "}");
    struct ws_frame *frame =
        text->failed ? NULL : ws_frame_create(WS_OPCODE_TEXT, text->data, text->size_bytes);
    text_free(text);
    numbers->frames[kind] += frame != NULL;
    return frame;
}

struct ws_frame *live_frame_hello(struct live_numbers *numbers, uint64_t seats_version,
                                  uint64_t instance) {
    struct text text = begin(LIVE_HELLO);
    text_format(&text, "\"seatsVersion\":%" PRIu64 ",\"instance\":\"%016" PRIx64 "\"",
                seats_version, instance);
    return finish(numbers, LIVE_HELLO, &text);
}

static void put_changes(struct text *text, const struct seat_view *view, const uint8_t *changed) {
    const char *comma = "";
    for (uint32_t seat = 0; seat < view->map->seat_count; seat++) {
        if (!(changed[seat / 8] >> seat % 8 & 1))
            continue;
        text_put(text, comma);
        text_json(text, layout_seat_id(view->layout, seat));
        text_format(text, ":\"%s\"", seat_state_text(packed_seats_get(view->map->packed, seat)));
        comma = ",";
    }
}

struct ws_frame *live_frame_seats(struct live_numbers *numbers, const struct seat_view *view,
                                  uint64_t since) {
    uint8_t *changed = calloc((view->map->seat_count + 7) / 8, 1);
    struct ws_frame *frame = NULL;
    if (changed && seat_map_changed_since(view->map, since, changed)) {
        struct text text = begin(LIVE_SEATS);
        text_format(&text, "\"from\":%" PRIu64 ",\"version\":%" PRIu64 ",\"changes\":{", since,
                    view->map->version);
        put_changes(&text, view, changed);
        text_put(&text, "}");
        frame = finish(numbers, LIVE_SEATS, &text);
    }
    free(changed);
    return frame;
}

struct ws_frame *live_frame_queue(struct live_numbers *numbers, const struct body *body) {
    struct text text = begin(LIVE_QUEUE);
    text_add(&text, body->data + 1, body->size_bytes - 2); /* without its braces */
    return finish(numbers, LIVE_QUEUE, &text);
}

struct ws_frame *live_frame_message(struct live_numbers *numbers, const char *message) {
    struct text text = begin(LIVE_MESSAGE);
    text_put(&text, "\"text\":");
    text_json(&text, message);
    return finish(numbers, LIVE_MESSAGE, &text);
}

struct ws_frame *live_frame_auth(struct live_numbers *numbers, const struct id128 *user) {
    char user_id[ID128_TEXT_SIZE];
    struct text text = begin(LIVE_AUTH);
    text_format(&text, "\"userId\":\"%s\"", id128_to_text(user, user_id));
    return finish(numbers, LIVE_AUTH, &text);
}

static struct ws_frame *turn(struct live_numbers *numbers, const struct wire_person *person) {
    struct text text = begin(LIVE_TURN);
    text_format(&text, "\"number\":%" PRIu64 ",\"state\":\"%s\"", person->number,
                turn_state_text(person->turn));
    if (person->expires_us != 0) {
        text_put(&text, ",\"expiresAt\":");
        text_time(&text, person->expires_us);
    }
    return finish(numbers, LIVE_TURN, &text);
}

static struct ws_frame *booking(struct live_numbers *numbers, const struct wire_person *person) {
    char id[BOOKING_ID_TEXT_SIZE];
    struct text text = begin(LIVE_BOOKING);
    text_format(&text, "\"bookingId\":\"%s\",\"status\":\"%s\"",
                booking_id_to_text(person->event_id, &person->booking_id, id),
                booking_status_text(person->status));
    return finish(numbers, LIVE_BOOKING, &text);
}

struct ws_frame *live_frame_person(struct live_numbers *numbers, const struct wire_person *person) {
    return person->kind == WIRE_PERSON_TURN ? turn(numbers, person) : booking(numbers, person);
}
