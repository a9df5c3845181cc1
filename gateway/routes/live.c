/*
 * GET /events/{id}/live: opens a WebSocket that watches an event (live.h). Refused is as early as
 * can be: who can't be taken on costs no look-up, and asks again after a time of chance, so that
 * those who lost a gateway together don't return together.
 */
#include "gateway/live.h"

#include "gateway/admission.h"
#include "gateway/answers.h"
#include "gateway/call.h"
#include "gateway/routes/routes.h"
#include "gateway/ws/handshake.h"

#include <stdlib.h>

struct live_call {
    struct call call;
    struct client_address address;
    bool room_off;
};

static void put_off(struct http_request *request, enum problem problem, const char *why) {
    problem_respond(request, problem, why, NULL, live_retry_seconds());
}

static void refuse(struct http_request *request, enum live_refusal refusal) {
    if (refusal == LIVE_ADDRESS_FULL)
        put_off(request, PROBLEM_TOO_MANY_REQUESTS,
                "Your address has as many live connections open as it may.");
    else
        put_off(request, PROBLEM_OVERLOADED, "No more live connections can be opened now.");
}

static void accept_call(const struct live_call *call, const struct seat_view *view) {
    struct live_listener *listener;
    enum live_refusal refusal = live_listener_create(call->call.gateway->live, view, call->room_off,
                                                     &call->address, &listener);
    if (refusal == LIVE_NOT_REFUSED)
        ws_handshake_accept(call->call.request, live_take_over, listener);
    else
        refuse(call->call.request, refusal);
}

static void on_map(void *context, const struct seat_view *view) {
    struct live_call *call = context;
    if (call->call.request && view)
        accept_call(call, view);
    else if (call->call.request)
        put_off(call->call.request, PROBLEM_OVERLOADED,
                "The event can't be read now, and nothing of it is remembered.");
    free(call);
}

static void on_event(void *context, enum fresh_outcome outcome, void *value,
                     int64_t age_us UNUSED) {
    struct live_call *call = context;
    const struct catalogue_event *event = value;
    if (!call->call.request) {
        free(call);
    } else if (outcome == FRESH_UNAVAILABLE) {
        on_map(call, NULL);
    } else if (outcome == FRESH_ABSENT || event->draft) {
        answer_refuse(call->call.request, PROBLEM_NOT_FOUND, NULL, NULL);
        free(call);
    } else {
        call->room_off = event->room_off;
        seat_maps_want(call->call.gateway->seat_maps, event->event_id, event->layout,
                       clock_monotonic_us(), on_map, call);
    }
}

void route_live(void *context, struct http_request *request, const struct route_match *match) {
    struct gateway *gateway = context;
    const struct ws_origins origins = {.public_url = gateway->config.public_url,
                                       .cors = gateway->cors};
    const struct client_address address = admission_address(gateway->admission, request);
    uint64_t event_id = 0;
    if (!ws_handshake_check(request, &origins))
        return;
    if (!route_match_u64(match, 0, &event_id)) {
        answer_refuse(request, PROBLEM_NOT_FOUND, NULL, NULL);
        return;
    }
    enum live_refusal refusal = live_ask(gateway->live, &address);
    if (refusal != LIVE_NOT_REFUSED) {
        refuse(request, refusal);
        return;
    }
    struct live_call *call = call_create(gateway, request, sizeof *call);
    if (call) {
        call->address = address;
        catalogue_want_event(gateway->catalogue, event_id, false, on_event, call);
    }
}
