/* POST /events/{id}/queue: a number in the line of an event's waiting room (gateway/joins.h). */
#include "gateway/answers.h"
#include "gateway/auth.h"
#include "gateway/call.h"
#include "gateway/input.h"
#include "gateway/numbers.h"
#include "gateway/queue_json.h"
#include "gateway/routes/queue.h"
#include "gateway/routes/routes.h"

#include <inttypes.h>
#include <stdlib.h>

struct join_call {
    struct call call;
    struct session session;
    uint64_t event_id;
    int64_t submitted_us;
};

static void refuse(struct join_call *call, enum problem problem, const char *detail) {
    if (call->call.request != NULL) {
        answer_refuse(call->call.request, problem, detail, NULL);
    }
    free(call);
}

static void answer_place(const struct join_call *call, int status, const struct room_view *view,
                         const struct join_place *place) {
    const struct installation *installation = &call->call.gateway->installation;
    const struct queue_token queue = {.installation = installation->id,
                                      .user = call->session.user,
                                      .event_id = call->event_id,
                                      .number = place->number,
                                      .span = place->span};
    char token[TOKEN_TEXT_MAX];
    struct text text = {0};
    token_sign_queue(&installation->session_keys, &queue, token);
    text_put(&text, "{\"queueToken\":");
    text_json(&text, token);
    text_format(&text, ",\"number\":%" PRIu64 ",\"phase\":\"%s\",\"nowServing\":%" PRIu64 ",",
                place->number, room_phase_text(view->phase), view->state->now_serving);
    queue_json_put_place(&text, view, place->number);
    text_put(&text, "}");
    answer_json_take(call->call.request, status, &text);
}

static void on_joined(void *context, enum join_outcome outcome, const struct join_place *place) {
    struct join_call *call = context;
    const struct gateway *gateway = call->call.gateway;
    struct room_view view;
    int64_t now_us = clock_monotonic_us();
    numbers_join(gateway->numbers, outcome, now_us - call->submitted_us);
    if (outcome == JOIN_CLOSED) {
        refuse(call, PROBLEM_ROOM_CLOSED, "The waiting room takes nobody now.");
    } else if (outcome == JOIN_OVERLOADED) {
        refuse(call, PROBLEM_OVERLOADED, "Nothing was changed; try again soon.");
    } else if (outcome == JOIN_UNAVAILABLE ||
               !rooms_find(gateway->rooms, call->event_id, now_us, &view)) {
        refuse(call, PROBLEM_QUEUE_UNAVAILABLE,
               "Join again to learn your number: a place that you have is kept.");
    } else {
        if (call->call.request != NULL) {
            answer_place(call, outcome == JOIN_NEW ? 201 : 200, &view, place);
        }
        free(call);
    }
}

static void submit(struct join_call *call) {
    struct gateway *gateway = call->call.gateway;
    call->submitted_us = clock_monotonic_us();
    if (gateway->joins == NULL) {
        refuse(call, PROBLEM_QUEUE_UNAVAILABLE, "Nothing was changed.");
    } else if (joins_submit(gateway->joins, call->event_id, &call->session.user, call->submitted_us,
                            on_joined, call) != STATUS_OK) {
        refuse(call, PROBLEM_OVERLOADED, "Nothing was changed; try again soon.");
    }
}

static void on_event(void *context, enum fresh_outcome outcome, void *value, int64_t age_us) {
    (void)age_us;
    struct join_call *call = context;
    const struct catalogue_event *event = value;
    enum room_phase phase;
    if (call->call.request == NULL) {
        free(call);
    } else if (outcome == FRESH_UNAVAILABLE) {
        refuse(call, PROBLEM_QUEUE_UNAVAILABLE, "Nothing was changed.");
    } else if (outcome == FRESH_ABSENT || event->draft) {
        refuse(call, PROBLEM_NOT_FOUND, "There is no such event.");
    } else if (call->session.guest && !event->guests) {
        refuse(call, PROBLEM_GUESTS_NOT_ALLOWED, "This event is not sold to guests.");
    } else if (queue_phase_is_known(call->call.gateway, event, &phase) &&
               !room_phase_joins(phase)) {
        refuse(call, PROBLEM_ROOM_CLOSED, "The waiting room takes nobody now.");
    } else {
        submit(call);
    }
}

void route_queue_join(void *context, struct http_request *request,
                      const struct route_match *match) {
    struct gateway *gateway = context;
    struct session session;
    uint64_t event_id = 0;
    const char *key = NULL; /* a repeat is the same with and without one */
    if (!auth_booker(gateway, request, &session) || !input_idempotency_key(request, &key)) {
        return;
    }
    if (!route_match_u64(match, 0, &event_id)) {
        answer_refuse(request, PROBLEM_NOT_FOUND, NULL, NULL);
        return;
    }
    struct join_call *call =
        input_nothing(request) ? call_create(gateway, request, sizeof *call) : NULL;
    if (call != NULL) {
        call->session = session;
        call->event_id = event_id;
        catalogue_want_event(gateway->catalogue, event_id, false, on_event, call);
    }
}
