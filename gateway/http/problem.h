/*
 * problem: refusals as application/problem+json (RFC 9457), all from one table of codes.
 *
 *   {"type":"/problems/seat-taken","code":"seat-taken","title":"…","status":409,"detail":"…","seatIds":["A1"]}
 *
 * Every answer of this kind is `Cache-Control: no-store`; a 401 carries WWW-Authenticate, a 429 and
 * a 503 Retry-After (at least 1 s).
 */
#ifndef USHER_GATEWAY_HTTP_PROBLEM_H
#define USHER_GATEWAY_HTTP_PROBLEM_H

#include "gateway/http/http.h"

enum problem {
    PROBLEM_BAD_REQUEST,
    PROBLEM_BAD_CURSOR,
    PROBLEM_UNAUTHENTICATED,
    PROBLEM_PAYMENT_DECLINED,
    PROBLEM_FORBIDDEN,
    PROBLEM_PASS_REQUIRED,
    PROBLEM_BAD_PASS,
    PROBLEM_BAD_QUEUE_TOKEN,
    PROBLEM_GUESTS_NOT_ALLOWED,
    PROBLEM_NOT_FOUND,
    PROBLEM_METHOD_NOT_ALLOWED,
    PROBLEM_NOT_ACCEPTABLE,
    PROBLEM_REQUEST_TIMEOUT,
    PROBLEM_SEAT_TAKEN,
    PROBLEM_SEAT_LIMIT,
    PROBLEM_NOT_ON_SALE,
    PROBLEM_NOT_PENDING,
    PROBLEM_PAYMENT_IN_PROGRESS,
    PROBLEM_NOT_YOUR_TURN,
    PROBLEM_ROOM_CLOSED,
    PROBLEM_SEATS_AVAILABLE,
    PROBLEM_CONFLICT,
    PROBLEM_HOLD_EXPIRED,
    PROBLEM_TURN_MISSED,
    PROBLEM_TOO_LARGE,
    PROBLEM_UNSUPPORTED_MEDIA_TYPE,
    PROBLEM_EXPECTATION_FAILED,
    PROBLEM_INVALID,
    PROBLEM_UNKNOWN_FIELD,
    PROBLEM_UNKNOWN_SEAT,
    PROBLEM_IDEMPOTENCY_KEY_REUSED,
    PROBLEM_UPGRADE_REQUIRED,
    PROBLEM_TOO_MANY_REQUESTS,
    PROBLEM_HEADERS_TOO_LARGE,
    PROBLEM_INTERNAL,
    PROBLEM_NOT_BUILT,
    PROBLEM_BOOKING_UNAVAILABLE,
    PROBLEM_QUEUE_UNAVAILABLE,
    PROBLEM_OUTCOME_UNKNOWN,
    PROBLEM_OVERLOADED,
    PROBLEM_VERSION_NOT_SUPPORTED,
    PROBLEM_COUNT
};

enum {
    PROBLEM_TEXT_MAX_BYTES = 16 * 1024, /* the whole JSON; `members` that don't fit are left out */
    PROBLEM_READY_MAX_BYTES = 512,
};

int problem_status(enum problem problem);
const char *problem_code(enum problem problem);
const char *problem_title(enum problem problem);
/* By code ("seat-taken"); false when there is none. For the pages under /problems/. */
MUST_CHECK bool problem_find(const char *code, enum problem *problem);

/* Answers the request with the problem. `detail` (NULL: none) is plain text and gets escaped.
 * `members` (NULL: none) are further members of the object, ready JSON without braces:
 * "\"seatIds\":[\"A1\"]". `retry_after_seconds` is written when it is not 0; a 429 or 503 has at
 * least 1. Headers added before the call are sent too. */
void problem_respond(struct http_request *request, enum problem problem, const char *detail,
                     const char *members, uint32_t retry_after_seconds);

/* The same in two steps, for what is answered the same a hundred thousand times a second: composed
 * once, in memory of the caller's, of at most PROBLEM_READY_MAX_BYTES. */
struct problem_ready {
    int status;
    uint32_t retry_after_seconds;
    size_t size_bytes;
    char text[PROBLEM_READY_MAX_BYTES];
};
void problem_prepare(struct problem_ready *ready, enum problem problem, const char *detail,
                     uint32_t retry_after_seconds);
void problem_respond_ready(struct http_request *request, const struct problem_ready *ready);

/* The http_problem_writer for http_server_config: the server's own refusals in the same form.
 * `context` is not used. */
void problem_write(void *context, struct http_request *request, int status);

#endif
