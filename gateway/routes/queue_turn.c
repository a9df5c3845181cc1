/*
 * POST /events/{id}/queue/claim and DELETE /events/{id}/queue: what becomes of somebody's number is
 * the owner's to say. The queue token is the proof of a number; who leaves without one is looked
 * for in the stream.
 */
#include "gateway/answers.h"
#include "gateway/auth.h"
#include "gateway/booking_call.h"
#include "gateway/input.h"
#include "gateway/places.h"
#include "gateway/routes/queue.h"
#include "gateway/routes/routes.h"

struct turn_call {
    struct booking_call booking;
    bool is_theirs; /* the token: the command's number is the caller's, of this event */
};

/* Who asks, about which event; false: it was answered. */
static bool read_head(struct gateway *gateway, struct http_request *request,
                      const struct route_match *match, struct session *session,
                      uint64_t *event_id) {
    if (!auth_user(gateway, request, session)) {
        return false;
    }
    if (!route_match_u64(match, 0, event_id)) {
        answer_refuse(request, PROBLEM_NOT_FOUND, NULL, NULL);
        return false;
    }
    return true;
}

static struct turn_call *turn_call_create(struct gateway *gateway, struct http_request *request,
                                          const struct session *session, enum command_kind kind,
                                          uint64_t event_id) {
    return (struct turn_call *)booking_call_create(gateway, request, session, kind, event_id,
                                                   sizeof(struct turn_call));
}

static void take_token(struct turn_call *call, const char *text) {
    const struct installation *installation = &call->booking.call.gateway->installation;
    struct command *command = &call->booking.command;
    struct queue_token token;
    call->is_theirs = token_verify_queue(&installation->session_keys, &installation->id, text,
                                         &token) == STATUS_OK &&
                      token.event_id == command->event_id &&
                      id128_equal(&token.user, &command->user);
    command->queue_number = call->is_theirs ? token.number : 0;
}

static void refuse(struct turn_call *call, enum problem problem, const char *detail) {
    if (call->booking.call.request != NULL) {
        answer_refuse(call->booking.call.request, problem, detail, NULL);
    }
    booking_call_free(&call->booking);
}

static void refuse_token(struct turn_call *call) {
    refuse(call, PROBLEM_BAD_QUEUE_TOKEN, "It is not yours, or is of another event.");
}

/* --- claim */

static bool answer_pass(const struct booking_call *call, const struct reply *reply) {
    const struct installation *installation = &call->call.gateway->installation;
    if (reply->code != REPLY_OK || !reply->has_turn) {
        return false;
    }
    const struct pass_token pass = {.installation = installation->id,
                                    .user = call->command.user,
                                    .event_id = call->command.event_id,
                                    .number = call->command.queue_number};
    char signed_pass[TOKEN_TEXT_MAX];
    struct text text = {0};
    token_sign_pass(&installation->session_keys, &pass, signed_pass);
    text_put(&text, "{\"pass\":");
    text_json(&text, signed_pass);
    text_put(&text, ",\"expiresAt\":");
    text_time(&text, reply->turn.expires_us);
    text_put(&text, "}");
    answer_json_take(call->call.request, 200, &text);
    return true;
}

static void on_event_to_claim(void *context, enum fresh_outcome outcome, void *value,
                              int64_t age_us) {
    (void)age_us;
    struct turn_call *call = context;
    const struct catalogue_event *event = value;
    enum room_phase phase;
    if (call->booking.call.request == NULL) {
        booking_call_free(&call->booking);
    } else if (outcome == FRESH_UNAVAILABLE) {
        refuse(call, PROBLEM_QUEUE_UNAVAILABLE, "Nothing was changed.");
    } else if (outcome == FRESH_ABSENT || event->draft) {
        refuse(call, PROBLEM_NOT_FOUND, NULL);
    } else if (queue_phase_is_known(call->booking.call.gateway, event, &phase) &&
               !room_phase_joins(phase)) {
        refuse(call, PROBLEM_ROOM_CLOSED, NULL);
    } else if (!call->is_theirs) {
        refuse_token(call);
    } else {
        booking_call_submit(&call->booking);
    }
}

/* The caller's json_decref; NULL: it was answered. */
static json_t *read_claim(struct http_request *request, const char **token) {
    static const char *const known[] = {"queueToken", NULL};
    struct catalogue_problems problems = {0};
    json_t *document = input_read(request, false);
    if (document == NULL) {
        return NULL;
    }
    *token = json_string_value(json_object_get(document, "queueToken"));
    input_known_fields(document, "", known, &problems);
    if (*token == NULL) {
        input_problem(&problems, "queueToken", "has to be the token of your number");
    }
    if (problems.count > 0) {
        input_refuse(request, &problems);
        json_decref(document);
        return NULL;
    }
    return document;
}

void route_queue_claim(void *context, struct http_request *request,
                       const struct route_match *match) {
    struct gateway *gateway = context;
    struct session session;
    uint64_t event_id = 0;
    const char *token = NULL;
    const char *key = NULL; /* a repeat is the same with and without one */
    if (!read_head(gateway, request, match, &session, &event_id) ||
        !input_idempotency_key(request, &key)) {
        return;
    }
    json_t *document = read_claim(request, &token);
    if (document == NULL) {
        return;
    }
    struct turn_call *call =
        turn_call_create(gateway, request, &session, COMMAND_ROOM_CLAIM, event_id);
    if (call != NULL) {
        call->booking.answer = answer_pass;
        take_token(call, token);
        catalogue_want_event(gateway->catalogue, event_id, false, on_event_to_claim, call);
    }
    json_decref(document);
}

/* --- leave */

static void respond_left(struct http_request *request) {
    http_answer_header(request, "Cache-Control", "no-store");
    http_respond(request, 204, NULL, NULL, 0);
}

/* Also for a number that has become somebody else's: the caller is not in. */
static bool answer_left(const struct booking_call *call, const struct reply *reply) {
    bool left = reply->code == REPLY_OK || reply->code == REPLY_BAD_NUMBER;
    if (left) {
        respond_left(call->call.request);
    }
    return left;
}

static void on_place(void *context, enum place_outcome outcome, uint64_t number) {
    struct turn_call *call = context;
    struct http_request *request = call->booking.call.request;
    if (request == NULL || outcome == PLACE_UNKNOWN) {
        refuse(call, PROBLEM_QUEUE_UNAVAILABLE, "Repeat the request.");
    } else if (outcome == PLACE_NONE) {
        respond_left(request);
        booking_call_free(&call->booking);
    } else {
        call->booking.command.queue_number = number;
        booking_call_submit(&call->booking);
    }
}

static void on_room_to_leave(void *context, const struct room_view *view) {
    struct turn_call *call = context;
    const struct gateway *gateway = call->booking.call.gateway;
    const struct places_config places = {.installation = &gateway->installation.id,
                                         .rooms = gateway->rooms,
                                         .jetstream = gateway->jetstream,
                                         .bus = gateway->joins_bus};
    if (view == NULL) {
        refuse(call, PROBLEM_QUEUE_UNAVAILABLE, "Repeat the request.");
    } else {
        places_find(&places, call->booking.command.event_id, &call->booking.command.user, on_place,
                    call);
    }
}

static void on_event_to_leave(void *context, enum fresh_outcome outcome, void *value,
                              int64_t age_us) {
    (void)age_us;
    struct turn_call *call = context;
    struct booking_call *booking = &call->booking;
    const struct catalogue_event *event = value;
    if (booking->call.request == NULL) {
        booking_call_free(booking);
    } else if (outcome == FRESH_ABSENT || (outcome == FRESH_FOUND && event->draft)) {
        refuse(call, PROBLEM_NOT_FOUND, NULL);
    } else if (call->is_theirs) {
        booking_call_submit(booking);
    } else {
        rooms_want(booking->call.gateway->rooms, booking->command.event_id, clock_monotonic_us(),
                   on_room_to_leave, call);
    }
}

void route_queue_leave(void *context, struct http_request *request,
                       const struct route_match *match) {
    struct gateway *gateway = context;
    struct session session;
    uint64_t event_id = 0;
    const char *token = http_request_query(request, "queueToken");
    if (!read_head(gateway, request, match, &session, &event_id)) {
        return;
    }
    struct turn_call *call =
        turn_call_create(gateway, request, &session, COMMAND_ROOM_LEAVE, event_id);
    if (call == NULL) {
        return;
    }
    call->booking.answer = answer_left;
    if (token != NULL) {
        take_token(call, token);
    }
    if (token != NULL && !call->is_theirs) {
        refuse_token(call);
        return;
    }
    catalogue_want_event(gateway->catalogue, event_id, true, on_event_to_leave, call);
}
