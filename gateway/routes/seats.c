#include "gateway/answers.h"
#include "gateway/call.h"
#include "gateway/input.h"
#include "gateway/routes/routes.h"
#include "gateway/seat_json.h"

#include <stdlib.h>

struct seats_call {
    struct call call;
    enum seat_format format;
    bool has_since;
    uint64_t since;
};

static void answer_view(const struct seats_call *call, const struct seat_view *view) {
    int64_t now_us = clock_monotonic_us();
    int64_t as_of_us = reads_unix_us(call->call.gateway->reads, view->confirmed_us);
    struct body *body = NULL;
    if (call->has_since && call->format == SEAT_FORMAT_JSON) {
        body = seat_json_since(view, call->since, as_of_us);
    }
    if (body == NULL) {
        body = seat_json_whole(view, call->format, now_us, as_of_us);
        body = body != NULL ? body_keep(body) : NULL;
    }
    if (body == NULL) {
        answer_refuse(call->call.request, PROBLEM_OVERLOADED, NULL, NULL);
        return;
    }
    const struct looking looking = {.is_stale = view->stale, .age_us = now_us - view->confirmed_us};
    answer_looking(call->call.request, body, &looking);
    body_release(body);
}

static void on_map(void *context, const struct seat_view *view) {
    struct seats_call *call = context;
    if (call->call.request != NULL && view != NULL) {
        answer_view(call, view);
    } else if (call->call.request != NULL) {
        answer_refuse(call->call.request, PROBLEM_OVERLOADED,
                      "The seat map can't be read now, and none is remembered.", NULL);
    }
    free(call);
}

static void on_event(void *context, enum fresh_outcome outcome, void *value, int64_t age_us) {
    (void)age_us;
    struct seats_call *call = context;
    struct gateway *gateway = call->call.gateway;
    const struct catalogue_event *event = value;
    if (call->call.request == NULL) {
        free(call);
    } else if (outcome == FRESH_UNAVAILABLE) {
        on_map(call, NULL);
    } else if (outcome == FRESH_ABSENT || event->draft) {
        answer_refuse(call->call.request, PROBLEM_NOT_FOUND, NULL, NULL);
        free(call);
    } else {
        seat_maps_want(gateway->seat_maps, event->event_id, event->layout, clock_monotonic_us(),
                       on_map, call);
    }
}

static bool read_format(struct http_request *request, enum seat_format *format) {
    const char *text = http_request_query(request, "format");
    if (text == NULL || strcmp(text, "json") == 0) {
        *format = SEAT_FORMAT_JSON;
    } else if (strcmp(text, "compact") == 0) {
        *format = SEAT_FORMAT_COMPACT;
    } else {
        input_refuse_field(request, "format", "has to be json or compact");
        return false;
    }
    return true;
}

void route_seats_get(void *context, struct http_request *request, const struct route_match *match) {
    struct gateway *gateway = context;
    uint64_t event_id = 0;
    uint64_t since = 0;
    enum seat_format format = SEAT_FORMAT_JSON;
    if (!route_match_u64(match, 0, &event_id)) {
        answer_refuse(request, PROBLEM_NOT_FOUND, NULL, NULL);
        return;
    }
    if (!read_format(request, &format)) {
        return;
    }
    const char *since_text = http_request_query(request, "since");
    if (since_text != NULL && strcmp(since_text, "0") != 0 && !input_u64(since_text, &since)) {
        input_refuse_field(request, "since", "has to be a seatsVersion");
        return;
    }
    struct seats_call *call = call_create(gateway, request, sizeof *call);
    if (call != NULL) {
        call->format = format;
        call->has_since = since_text != NULL;
        call->since = since;
        catalogue_want_event(gateway->catalogue, event_id, false, on_event, call);
    }
}
