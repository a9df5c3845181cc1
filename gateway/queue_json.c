#include "gateway/queue_json.h"

#include <inttypes.h>

enum { SECONDS_AN_HOUR = 3600, MINUTES_AN_HOUR = 60 };

uint64_t queue_position(const struct room_state *state, uint64_t number) {
    return room_line_position(&state->line, state->now_serving, number);
}

uint64_t queue_depth(const struct room_state *state) {
    return queue_position(state, state->last_number + 1);
}

uint32_t queue_admits_per_minute(const struct room_state *state) {
    return state->admits_per_hour / MINUTES_AN_HOUR +
           (state->admits_per_hour % MINUTES_AN_HOUR != 0);
}

bool queue_eta_seconds(const struct room_view *view, uint64_t number, uint64_t *eta_seconds) {
    const struct room_state *state = view->state;
    *eta_seconds = 0;
    if (number <= state->now_serving) {
        return true;
    }
    if (view->phase != ROOM_OPEN || state->admits_per_hour == 0) {
        return false;
    }
    uint64_t people = queue_position(state, number);
    *eta_seconds = (people * SECONDS_AN_HOUR + state->admits_per_hour - 1) / state->admits_per_hour;
    return true;
}

void queue_json_put_place(struct text *text, const struct room_view *view, uint64_t number) {
    uint64_t eta_seconds = 0;
    text_format(text,
                "\"position\":%" PRIu64 ",\"etaSeconds\":", queue_position(view->state, number));
    if (queue_eta_seconds(view, number, &eta_seconds)) {
        text_format(text, "%" PRIu64, eta_seconds);
    } else {
        text_put(text, "null");
    }
}

static void put_skips(struct text *text, const struct room_state *state) {
    struct room_gap gaps[ROOM_SPANS_MAX];
    size_t count = room_line_gaps(&state->line, state->now_serving, gaps);
    text_put(text, "[");
    for (size_t i = 0; i < count; i++) {
        text_format(text, "%s{\"from\":%" PRIu64 ",\"to\":%" PRIu64 "}", i > 0 ? "," : "",
                    gaps[i].first, gaps[i].last);
    }
    text_put(text, "]");
}

static const struct room_state nothing;

/* What is told of a room: nothing of one that is off. */
static const struct room_state *told(const struct room_view *view) {
    return view->phase == ROOM_OFF ? &nothing : view->state;
}

static void put_members(struct text *text, const struct room_view *view) {
    const struct room_state *state = told(view);
    text_format(text,
                "\"phase\":\"%s\",\"nowServing\":%" PRIu64 ",\"lastNumber\":%" PRIu64
                ",\"depth\":%" PRIu64 ",\"admitsPerMinute\":%" PRIu32 ",\"skips\":",
                room_phase_text(view->phase), state->now_serving, state->last_number,
                queue_depth(state), queue_admits_per_minute(state));
    put_skips(text, state);
}

static void put_updated(struct text *text, int64_t as_of_us) {
    text_put(text, ",\"updatedAt\":");
    text_time(text, as_of_us);
}

void queue_json_put(struct text *text, const struct room_view *view, int64_t as_of_us) {
    put_members(text, view);
    put_updated(text, as_of_us);
}

static struct body *body_of(const struct room_view *view, int64_t as_of_us) {
    struct text text = {0};
    char etag[BODY_ETAG_SIZE];
    text_put(&text, "{");
    put_members(&text, view);
    body_etag_of(text.data, text.failed ? 0 : text.size_bytes, etag);
    put_updated(&text, as_of_us);
    text_put(&text, "}");
    return body_create_take(&text, etag);
}

struct body *queue_json_whole(const struct room_view *view, int64_t now_us, int64_t as_of_us) {
    struct room_answer *answer = view->answer;
    if (answer->body == NULL || answer->revision != view->revision ||
        now_us - answer->made_us >= (int64_t)QUEUE_JSON_KEPT_MS * 1000) {
        body_release(answer->body);
        *answer = (struct room_answer){
            .body = body_of(view, as_of_us), .revision = view->revision, .made_us = now_us};
    }
    return answer->body;
}

struct body *queue_json_off(int64_t as_of_us) {
    const struct room_view off = {.state = &nothing, .phase = ROOM_OFF};
    return body_of(&off, as_of_us);
}

void queue_json_put_stats(struct text *text, const struct room_view *view) {
    const struct room_state *state = told(view);
    text_format(text,
                "{\"phase\":\"%s\",\"depth\":%" PRIu64 ",\"nowServing\":%" PRIu64
                ",\"lastNumber\":%" PRIu64 ",\"joinsPerMinute\":%" PRIu32
                ",\"admitsPerMinute\":%" PRIu32,
                room_phase_text(view->phase), queue_depth(state), state->now_serving,
                state->last_number, state->joins_per_minute, queue_admits_per_minute(state));
    text_format(text,
                ",\"shoppers\":%" PRIu64 ",\"turns\":%" PRIu32 ",\"passes\":%" PRIu32
                ",\"claimed\":%" PRIu64 ",\"missed\":%" PRIu64 ",\"left\":%" PRIu64
                ",\"bought\":%" PRIu64 ",\"oldestWaitingSeconds\":%" PRIu32 "}",
                (uint64_t)state->called + state->passes, state->called, state->passes,
                state->claimed, state->missed, state->left, state->bought,
                state->oldest_wait_seconds);
}
