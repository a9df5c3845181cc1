/*
 * GET /events/{id}/queue: how the line of an event's waiting room stands. A room that is off needs
 * nobody but the catalogue; of one that is on its owner's news are shown, and in their absence what
 * is known (rooms.h).
 */
#include "gateway/routes/queue.h"
#include "gateway/answers.h"
#include "gateway/call.h"
#include "gateway/queue_json.h"
#include "gateway/routes/routes.h"

#include <stdlib.h>

static void answer_body(struct http_request *request, struct body *body,
                        const struct looking *looking) {
    if (body == NULL) {
        answer_refuse(request, PROBLEM_OVERLOADED, NULL, NULL);
        return;
    }
    answer_looking(request, body, looking);
    body_release(body);
}

static void on_room(void *context, const struct room_view *view) {
    struct call *call = context;
    int64_t now_us = clock_monotonic_us();
    if (call->request == NULL) {
        /* nobody to answer */
    } else if (view == NULL) {
        answer_refuse(call->request, PROBLEM_OVERLOADED,
                      "The queue can't be read now, and nothing of it is remembered.", NULL);
    } else {
        struct body *body =
            queue_json_whole(view, now_us, reads_unix_us(call->gateway->reads, view->confirmed_us));
        const struct looking looking = {.is_stale = view->stale,
                                        .age_us = now_us - view->confirmed_us};
        answer_body(call->request, body != NULL ? body_keep(body) : NULL, &looking);
    }
    free(call);
}

static void answer_off(struct call *call, int64_t age_us) {
    const struct looking looking = {.is_stale = age_us > (int64_t)CATALOGUE_FRESH_MS * 1000,
                                    .age_us = age_us};
    int64_t true_us = clock_monotonic_us() - age_us;
    answer_body(call->request, queue_json_off(reads_unix_us(call->gateway->reads, true_us)),
                &looking);
    free(call);
}

bool queue_phase_is_known(const struct gateway *gateway, const struct catalogue_event *event,
                          enum room_phase *phase) {
    struct room_view view;
    *phase = ROOM_OFF;
    if (rooms_find(gateway->rooms, event->event_id, clock_monotonic_us(), &view) && !view.stale) {
        *phase = view.phase;
        return true;
    }
    return event->room_off;
}

static void on_event(void *context, enum fresh_outcome outcome, void *value, int64_t age_us) {
    struct call *call = context;
    const struct catalogue_event *event = value;
    enum room_phase phase;
    if (call->request == NULL) {
        free(call);
    } else if (outcome == FRESH_UNAVAILABLE) {
        on_room(call, NULL);
    } else if (outcome == FRESH_ABSENT || event->draft) {
        answer_refuse(call->request, PROBLEM_NOT_FOUND, NULL, NULL);
        free(call);
    } else if (queue_phase_is_known(call->gateway, event, &phase) && phase == ROOM_OFF) {
        answer_off(call, age_us);
    } else {
        rooms_want(call->gateway->rooms, event->event_id, clock_monotonic_us(), on_room, call);
    }
}

void route_queue_get(void *context, struct http_request *request, const struct route_match *match) {
    struct gateway *gateway = context;
    uint64_t event_id = 0;
    if (!route_match_u64(match, 0, &event_id)) {
        answer_refuse(request, PROBLEM_NOT_FOUND, NULL, NULL);
        return;
    }
    struct call *call = call_create(gateway, request, sizeof *call);
    if (call != NULL) {
        catalogue_want_event(gateway->catalogue, event_id, false, on_event, call);
    }
}
