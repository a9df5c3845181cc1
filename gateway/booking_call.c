#include "gateway/booking_call.h"

#include "gateway/admission.h"
#include "gateway/answers.h"
#include "gateway/booking_json.h"
#include "gateway/numbers.h"
#include "gateway/queue_json.h"
#include "shared/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct booking_call *booking_call_create(struct gateway *gateway, struct http_request *request,
                                         const struct session *session, enum command_kind kind,
                                         uint64_t event_id, size_t size_bytes) {
    struct booking_call *call = call_create(gateway, request, size_bytes);
    if (call == NULL) {
        return NULL;
    }
    struct command *command = &call->command;
    command->kind = kind;
    command->event_id = event_id;
    command->partition = partition_of_event(event_id);
    command->user = session->user;
    command->guest = session->guest;
    const struct id128 *own_id = http_request_own_id(request);
    if (own_id != NULL) {
        command->request_id = *own_id;
    } else {
        command->request_id = id128_random();
        (void)snprintf(command->trace, sizeof command->trace, "%s", http_request_id(request));
    }
    call->success_status = kind == COMMAND_RESERVE ? 201 : 200;
    return call;
}

void booking_call_free(struct booking_call *call) {
    layout_release(call->layout);
    free(call);
}

/* What a refusal means to a customer. */
static const struct {
    enum problem problem;
    const char *detail;
} refusals[REPLY_CODE_COUNT] = {
    [REPLY_OK] = {PROBLEM_INTERNAL, NULL},
    [REPLY_SEAT_TAKEN] = {PROBLEM_SEAT_TAKEN, "Somebody else holds or owns what was asked for."},
    [REPLY_SEAT_LIMIT] = {PROBLEM_SEAT_LIMIT, "That is more seats than one person may have here."},
    [REPLY_NOT_ON_SALE] = {PROBLEM_NOT_ON_SALE, NULL},
    [REPLY_KEY_REUSED] = {PROBLEM_IDEMPOTENCY_KEY_REUSED,
                          "This Idempotency-Key came with another request before."},
    [REPLY_NOT_FOUND] = {PROBLEM_NOT_FOUND, NULL},
    [REPLY_NOT_PENDING] = {PROBLEM_NOT_PENDING, "The booking is not waiting for confirmation."},
    [REPLY_HOLD_EXPIRED] = {PROBLEM_HOLD_EXPIRED,
                            "The hold has run out; the seats are free again."},
    [REPLY_PAYMENT_DECLINED] = {PROBLEM_PAYMENT_DECLINED,
                                "The payment was declined. The hold stays: try another one."},
    [REPLY_PAYMENT_INVALID] = {PROBLEM_INVALID, NULL},
    [REPLY_CONFLICT] = {PROBLEM_CONFLICT, "The booking's state does not allow this."},
    [REPLY_GUESTS_NOT_ALLOWED] = {PROBLEM_GUESTS_NOT_ALLOWED, "This event is not sold to guests."},
    [REPLY_UNKNOWN_SEAT] = {PROBLEM_UNKNOWN_SEAT, NULL},
    [REPLY_OVERLOADED] = {PROBLEM_OVERLOADED, "Nothing was changed; try again soon."},
    [REPLY_INTERNAL] = {PROBLEM_INTERNAL, NULL},
    [REPLY_INVALID] = {PROBLEM_INVALID, NULL},
    [REPLY_WRONG_EPOCH] = {PROBLEM_INTERNAL, NULL},
    [REPLY_PASS_REQUIRED] = {PROBLEM_PASS_REQUIRED,
                             "Join the waiting room; a turn gives the pass to book with."},
    [REPLY_BAD_PASS] = {PROBLEM_BAD_PASS,
                        "It is another's, has run out or been used, or the room is closed."},
    [REPLY_PASS_BUSY] = {PROBLEM_CONFLICT,
                         "This pass has a hold open; confirm or cancel it first."},
    [REPLY_ROOM_CLOSED] = {PROBLEM_ROOM_CLOSED, NULL},
    [REPLY_NOT_YOUR_TURN] = {PROBLEM_NOT_YOUR_TURN, NULL},
    [REPLY_TURN_MISSED] = {PROBLEM_TURN_MISSED, "Join again for a new number."},
    [REPLY_BAD_NUMBER] = {PROBLEM_BAD_QUEUE_TOKEN, NULL},
};

/* Where the caller stands, by what is known of the room here. */
static void put_place(struct text *members, const struct booking_call *call,
                      const struct turn_view *turn) {
    struct room_view view;
    if (rooms_find(call->call.gateway->rooms, call->command.event_id, clock_monotonic_us(),
                   &view)) {
        queue_json_put_place(members, &view, turn->number);
        return;
    }
    uint64_t next = turn->now_serving + 1;
    text_format(members, "\"position\":%" PRIu64 ",\"etaSeconds\":null",
                turn->number > next ? turn->number - next : 0);
}

static void put_members(struct text *members, const struct booking_call *call,
                        const struct reply *reply) {
    const struct layout *layout = call->layout;
    switch (reply->code) {
    case REPLY_NOT_YOUR_TURN:
        put_place(members, call, &reply->turn);
        break;
    case REPLY_SEAT_TAKEN:
        text_put(members, "\"seatIds\":[");
        for (uint32_t i = 0; i < reply->seat_count; i++) {
            text_put(members, i > 0 ? "," : "");
            text_json(members, reply->seats[i] < layout_seat_count(layout)
                                   ? layout_seat_id(layout, reply->seats[i])
                                   : "");
        }
        text_put(members, "]");
        break;
    case REPLY_SEAT_LIMIT:
        text_format(members, "\"limit\":%" PRIu32, reply->limit);
        break;
    case REPLY_NOT_ON_SALE:
        text_put(members, "\"onSaleTime\":");
        if (reply->on_sale_us != 0) {
            text_time(members, reply->on_sale_us);
        } else {
            text_put(members, "null");
        }
        break;
    case REPLY_PAYMENT_INVALID:
        text_put(members, "\"errors\":[{\"field\":\"paymentToken\","
                          "\"problem\":\"is missing or unknown\"}]");
        break;
    case REPLY_NOT_PENDING:
    case REPLY_CONFLICT:
        if (reply->has_booking) {
            text_format(members, "\"bookingStatus\":\"%s\"",
                        booking_status_text(reply->booking.status));
        }
        break;
    default:
        break;
    }
}

static void answer_refusal(const struct booking_call *call, const struct reply *reply) {
    struct text members = {0};
    put_members(&members, call, reply);
    bool any = members.size_bytes > 0;
    text_add(&members, "", 1);
    answer_refuse(call->call.request, refusals[reply->code].problem, refusals[reply->code].detail,
                  any && !members.failed ? members.data : NULL);
    text_free(&members);
}

static void answer_booking(const struct booking_call *call, const struct reply *reply) {
    struct http_request *request = call->call.request;
    if (!reply->has_booking || !booking_json_fits(&reply->booking, call->layout)) {
        log_write(LOG_ERROR, "reply-unusable", "An owner's reply does not fit the event's layout.",
                  LOG_TEXT("request", http_request_id(request)),
                  LOG_U64("event_id", call->command.event_id));
        answer_refuse(request, PROBLEM_INTERNAL, NULL, NULL);
        return;
    }
    struct text text = {0};
    booking_json_put(&text, &reply->booking, call->layout,
                     database_clock_now_us(reads_clock(call->call.gateway->reads)));
    if (reply->replayed) {
        http_answer_header(request, "Idempotent-Replayed", "true");
    }
    if (call->success_status == 201) {
        char location[BOOKING_ID_TEXT_SIZE + 16] = "/bookings/";
        (void)booking_id_to_text(reply->booking.event_id, &reply->booking.id,
                                 location + strlen(location));
        http_answer_header(request, "Location", location);
    }
    answer_json_take(request, call->success_status, &text);
}

static void count(const struct booking_call *call, enum command_outcome outcome) {
    struct gateway *gateway = call->call.gateway;
    int64_t wait_us = clock_monotonic_us() - call->submitted_us;
    gateway->numbers->commands_unknown += outcome == COMMAND_OUTCOME_UNKNOWN;
    if (outcome == COMMAND_ANSWERED) {
        metrics_record(&gateway->numbers->commands_us, &metrics_seconds, (uint64_t)wait_us);
        admission_answered(gateway->admission, wait_us);
    }
}

/* Of a turn nothing is asked that can't be asked again. */
static void answer_failure(const struct booking_call *call, enum command_outcome outcome) {
    struct http_request *request = call->call.request;
    if (call->command.kind >= COMMAND_ROOM_LOOK) {
        answer_refuse(request, PROBLEM_QUEUE_UNAVAILABLE, "Repeat the request.", NULL);
    } else if (outcome == COMMAND_NOT_DECIDED) {
        answer_refuse(request, PROBLEM_BOOKING_UNAVAILABLE, "Nothing was changed.", NULL);
    } else {
        answer_refuse(request, PROBLEM_OUTCOME_UNKNOWN,
                      "Repeat the request with the same Idempotency-Key to learn the outcome.",
                      NULL);
    }
}

static void on_reply(void *context, enum command_outcome outcome, const struct reply *reply) {
    struct booking_call *call = context;
    count(call, outcome);
    struct http_request *request = call->call.request;
    if (request == NULL) {
        /* nobody to answer */
    } else if (outcome != COMMAND_ANSWERED) {
        answer_failure(call, outcome);
    } else if (call->answer != NULL && call->answer(call, reply)) {
        /* answered */
    } else if (reply->code == REPLY_OK) {
        answer_booking(call, reply);
    } else {
        answer_refusal(call, reply);
    }
    booking_call_free(call);
}

void booking_call_submit(struct booking_call *call) {
    struct gateway *gateway = call->call.gateway;
    int64_t now_us = clock_monotonic_us();
    int64_t deadline_us =
        http_request_started_us(call->call.request) + (int64_t)COMMAND_WAIT_MS * 1000;
    call->submitted_us = now_us;
    call->command.deadline_us =
        database_clock_now_us(reads_clock(gateway->reads)) + deadline_us - now_us;
    enum status status =
        commands_submit(gateway->commands, &call->command, now_us, deadline_us, on_reply, call);
    if (status == STATUS_UNAVAILABLE) {
        answer_failure(call, COMMAND_NOT_DECIDED);
    } else if (status != STATUS_OK) {
        answer_refuse(call->call.request, PROBLEM_OVERLOADED, "Nothing was changed.", NULL);
    }
    if (status != STATUS_OK) {
        booking_call_free(call);
    }
}
