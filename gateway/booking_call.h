/*
 * booking_call: a request about a booking or a turn on its way to the owner of its event, and what
 * comes back, as an answer.
 */
#ifndef USHER_GATEWAY_BOOKING_CALL_H
#define USHER_GATEWAY_BOOKING_CALL_H

#include "gateway/call.h"

struct booking_call {
    struct call call;
    struct layout *layout; /* kept once the event is known */
    struct command command;
    int success_status;
    /* Answers to what the owner said; false: it is answered as a booking or a refusal is. May be
     * NULL. */
    bool (*answer)(const struct booking_call *call, const struct reply *reply);
    int64_t submitted_us;
};

/* A call with the parts of its command that every request has: kind, request id, trace, user,
 * event. NULL: the request was answered. `size_bytes`: of a struct that begins with a booking_call.
 */
MUST_CHECK struct booking_call *booking_call_create(struct gateway *gateway,
                                                    struct http_request *request,
                                                    const struct session *session,
                                                    enum command_kind kind, uint64_t event_id,
                                                    size_t size_bytes);
/* Sends the command; the answer follows, and the call is freed. */
void booking_call_submit(struct booking_call *call);
/* Frees it without an answer of its own. */
void booking_call_free(struct booking_call *call);

#endif
