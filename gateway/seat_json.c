#include "gateway/seat_json.h"

#include "shared/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const char letters[4] = {'A', 'H', 'B', 'X'}; /* by enum seat_state */

static void put_head(struct text *text, const struct seat_view *view, int64_t as_of_us) {
    const struct seat_map *map = view->map;
    text_format(text,
                "{\"eventId\":%" PRIu64 ",\"layoutVersion\":%" PRIu32 ",\"seatsVersion\":%" PRIu64
                ",\"asOf\":",
                view->event_id, layout_version(view->layout), map->version);
    text_time(text, as_of_us);
    text_format(text, ",\"stale\":%s,\"counts\":{", view->stale ? "true" : "false");
    for (unsigned state = 0; state < ARRAY_LEN(map->counts); state++) {
        text_format(text, "%s\"%s\":%" PRIu32, state > 0 ? "," : "",
                    seat_state_text((enum seat_state)state), map->counts[state]);
    }
    text_put(text, "},\"seats\":");
}

static void put_seat(struct text *text, const struct seat_view *view, uint32_t seat, bool first) {
    text_put(text, first ? "" : ",");
    text_json(text, layout_seat_id(view->layout, seat));
    text_put(text, ":\"");
    text_put(text, seat_state_text(packed_seats_get(view->map->packed, seat)));
    text_put(text, "\"");
}

static void put_named(struct text *text, const struct seat_view *view) {
    text_put(text, "{");
    for (uint32_t seat = 0; seat < view->map->seat_count; seat++) {
        put_seat(text, view, seat, seat == 0);
    }
    text_put(text, "}}");
}

static void put_compact(struct text *text, const struct seat_view *view) {
    uint32_t count = view->map->seat_count;
    text_put(text, "\"");
    text_reserve(text, count);
    for (uint32_t seat = 0; seat < count && !text->failed; seat++) {
        text->data[text->size_bytes++] = letters[packed_seats_get(view->map->packed, seat)];
    }
    text_put(text, "\"}");
}

static struct body *body_of(struct text *text, const struct seat_view *view, const char *kind) {
    char etag[BODY_ETAG_SIZE];
    (void)snprintf(etag, sizeof etag, "%" PRIu64 "-%s%s", view->map->version, kind,
                   view->stale ? "-stale" : "");
    return body_create_take(text, etag);
}

static bool is_usable(const struct seat_answer *answer, const struct seat_view *view,
                      int64_t now_us) {
    if (answer->body == NULL || answer->stale != view->stale) {
        return false;
    }
    int64_t age_us = now_us - answer->made_us;
    int64_t kept_us = answer->version == view->map->version ? (int64_t)SEAT_JSON_KEPT_MS * 1000 : 0;
    int64_t paid_us = answer->cost_us * SEAT_JSON_COST_FACTOR;
    return age_us <= (kept_us > paid_us ? kept_us : paid_us);
}

struct body *seat_json_whole(const struct seat_view *view, enum seat_format format, int64_t now_us,
                             int64_t as_of_us) {
    struct seat_answer *answer = &view->answers[format];
    if (is_usable(answer, view, now_us)) {
        return answer->body;
    }
    struct text text = {0};
    put_head(&text, view, as_of_us);
    if (format == SEAT_FORMAT_COMPACT) {
        put_compact(&text, view);
    } else {
        put_named(&text, view);
    }
    body_release(answer->body);
    *answer = (struct seat_answer){
        .body = body_of(&text, view, format == SEAT_FORMAT_COMPACT ? "compact" : "json"),
        .version = view->map->version,
        .stale = view->stale,
        .made_us = now_us,
        .cost_us = clock_monotonic_us() - now_us};
    return answer->body;
}

struct body *seat_json_since(const struct seat_view *view, uint64_t since, int64_t as_of_us) {
    const struct seat_map *map = view->map;
    uint8_t *changed = calloc((map->seat_count + 7) / 8, 1);
    if (changed == NULL || !seat_map_changed_since(map, since, changed)) {
        free(changed);
        return NULL;
    }
    struct text text = {0};
    bool first = true;
    put_head(&text, view, as_of_us);
    text_put(&text, "{");
    for (uint32_t seat = 0; seat < map->seat_count; seat++) {
        if ((changed[seat / 8] >> seat % 8 & 1) != 0) {
            put_seat(&text, view, seat, first);
            first = false;
        }
    }
    text_format(&text, "},\"since\":%" PRIu64 "}", since);
    free(changed);
    char kind[32];
    (void)snprintf(kind, sizeof kind, "since%" PRIu64, since);
    return body_of(&text, view, kind);
}
