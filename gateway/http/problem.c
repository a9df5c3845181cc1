#include "gateway/http/problem.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

struct problem_row {
    int status;
    const char *code;
    const char *title;
};

static const struct problem_row rows[] = {
    [PROBLEM_BAD_REQUEST] = {400, "bad-request", "The request can't be read"},
    [PROBLEM_BAD_CURSOR] = {400, "bad-cursor", "The cursor is not one of ours"},
    [PROBLEM_UNAUTHENTICATED] = {401, "unauthenticated", "A valid token is needed"},
    [PROBLEM_PAYMENT_DECLINED] = {402, "payment-declined", "The payment was declined"},
    [PROBLEM_FORBIDDEN] = {403, "forbidden", "This is not yours to do"},
    [PROBLEM_PASS_REQUIRED] = {403, "pass-required", "A pass from the waiting room is needed"},
    [PROBLEM_BAD_PASS] = {403, "bad-pass", "The pass is not valid"},
    [PROBLEM_BAD_QUEUE_TOKEN] = {403, "bad-queue-token", "The queue token is not valid"},
    [PROBLEM_GUESTS_NOT_ALLOWED] = {403, "guests-not-allowed", "Guests can't book here"},
    [PROBLEM_NOT_FOUND] = {404, "not-found", "There is no such thing"},
    [PROBLEM_METHOD_NOT_ALLOWED] = {405, "method-not-allowed", "This method is not allowed here"},
    [PROBLEM_NOT_ACCEPTABLE] = {406, "not-acceptable", "None of the accepted formats is offered"},
    [PROBLEM_REQUEST_TIMEOUT] = {408, "request-timeout", "The request took too long to arrive"},
    [PROBLEM_SEAT_TAKEN] = {409, "seat-taken", "A seat is already taken"},
    [PROBLEM_SEAT_LIMIT] = {409, "seat-limit", "Too many seats for one person"},
    [PROBLEM_NOT_ON_SALE] = {409, "not-on-sale", "The event is not on sale"},
    [PROBLEM_NOT_PENDING] = {409, "not-pending", "The booking is not pending"},
    [PROBLEM_PAYMENT_IN_PROGRESS] = {409, "payment-in-progress", "A payment is under way"},
    [PROBLEM_NOT_YOUR_TURN] = {409, "not-your-turn", "It is not your turn yet"},
    [PROBLEM_ROOM_CLOSED] = {409, "room-closed", "The waiting room is closed"},
    [PROBLEM_SEATS_AVAILABLE] = {409, "seats-available", "There are seats available"},
    [PROBLEM_CONFLICT] = {409, "conflict", "The current state does not allow this"},
    [PROBLEM_HOLD_EXPIRED] = {410, "hold-expired", "The hold has expired"},
    [PROBLEM_TURN_MISSED] = {410, "turn-missed", "The turn was missed"},
    [PROBLEM_TOO_LARGE] = {413, "too-large", "The body is too large"},
    [PROBLEM_UNSUPPORTED_MEDIA_TYPE] = {415, "unsupported-media-type", "The body must be JSON"},
    [PROBLEM_EXPECTATION_FAILED] = {417, "expectation-failed", "The expectation is not known"},
    [PROBLEM_INVALID] = {422, "invalid", "A field is not valid"},
    [PROBLEM_UNKNOWN_FIELD] = {422, "unknown-field", "A field is not known"},
    [PROBLEM_UNKNOWN_SEAT] = {422, "unknown-seat", "The event has no such seat"},
    [PROBLEM_IDEMPOTENCY_KEY_REUSED] = {422, "idempotency-key-reused",
                                        "The key was used with another body"},
    [PROBLEM_UPGRADE_REQUIRED] = {426, "upgrade-required", "This is a WebSocket"},
    [PROBLEM_TOO_MANY_REQUESTS] = {429, "too-many-requests", "Too many requests"},
    [PROBLEM_HEADERS_TOO_LARGE] = {431, "headers-too-large", "The headers are too large"},
    [PROBLEM_INTERNAL] = {500, "internal", "Something went wrong on our side"},
    [PROBLEM_NOT_BUILT] = {501, "not-built", "This is not offered"},
    [PROBLEM_BOOKING_UNAVAILABLE] = {503, "booking-unavailable", "Booking is down for a moment"},
    [PROBLEM_QUEUE_UNAVAILABLE] = {503, "queue-unavailable", "The queue is down for a moment"},
    [PROBLEM_OUTCOME_UNKNOWN] = {503, "outcome-unknown", "It is not known whether it was done"},
    [PROBLEM_OVERLOADED] = {503, "overloaded", "Too much is going on"},
    [PROBLEM_VERSION_NOT_SUPPORTED] = {505, "version-not-supported", "Only HTTP/1.1 is spoken"},
};

static_assert(ARRAY_LEN(rows) == PROBLEM_COUNT, "a row for every problem");

int problem_status(enum problem problem) {
    return rows[problem].status;
}

const char *problem_code(enum problem problem) {
    return rows[problem].code;
}

const char *problem_title(enum problem problem) {
    return rows[problem].title;
}

bool problem_find(const char *code, enum problem *problem) {
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (strcmp(rows[i].code, code) == 0) {
            *problem = (enum problem)i;
            return true;
        }
    }
    return false;
}

/* The JSON on its way, in memory of the caller's. */
struct text {
    char bytes[PROBLEM_TEXT_MAX_BYTES];
    size_t used;
};

static void put(struct text *text, const char *piece) {
    size_t size = strlen(piece);
    ensure(size < sizeof text->bytes - text->used);
    memcpy(text->bytes + text->used, piece, size);
    text->used += size;
}

static void put_byte(struct text *text, unsigned char byte) {
    ensure(text->used < sizeof text->bytes);
    text->bytes[text->used++] = (char)byte;
}

/* Escaped for a JSON string; cut between characters after DETAIL_MAX_BYTES. */
static void put_escaped(struct text *text, const char *piece) {
    enum { DETAIL_MAX_BYTES = 2048 };
    size_t end = text->used + DETAIL_MAX_BYTES;
    for (; *piece; piece++) {
        unsigned char c = (unsigned char)*piece;
        bool starts_character = (c & 0xc0) != 0x80;
        if (starts_character && text->used >= end)
            break;
        if (c < ' ') {
            char escaped[8];
            snprintf(escaped, sizeof escaped, "\\u%04x", c);
            put(text, escaped);
            continue;
        }
        if (c == '"' || c == '\\')
            put_byte(text, '\\');
        put_byte(text, c);
    }
}

static void put_member(struct text *text, const char *name, const char *value) {
    put(text, ",\"");
    put(text, name);
    put(text, "\":\"");
    put_escaped(text, value);
    put(text, "\"");
}

/* RFC 6750, 3.1: a request that brought nothing is not told that it was wrong. */
static const char *challenge(const struct http_request *request) {
    return http_request_header(request, "Authorization") != NULL ? "Bearer error=\"invalid_token\""
                                                                 : "Bearer";
}

static void add_headers(struct http_request *request, int status, uint32_t retry_after_seconds) {
    if ((status == 429 || status == 503) && retry_after_seconds == 0)
        retry_after_seconds = 1;
    http_answer_header(request, "Cache-Control", "no-store");
    if (status == 401)
        http_answer_header(request, "WWW-Authenticate", challenge(request));
    if (retry_after_seconds) {
        char seconds[16];
        snprintf(seconds, sizeof seconds, "%" PRIu32, retry_after_seconds);
        http_answer_header(request, "Retry-After", seconds);
    }
}

static void compose(struct text *text, enum problem problem, const char *detail,
                    const char *members) {
    const struct problem_row *row = &rows[problem];
    char status[32];
    snprintf(status, sizeof status, ",\"status\":%d", row->status);
    text->used = 0;
    put(text, "{\"type\":\"/problems/");
    put(text, row->code);
    put(text, "\"");
    put_member(text, "code", row->code);
    put_member(text, "title", row->title);
    put(text, status);
    if (detail)
        put_member(text, "detail", detail);
    if (members && strlen(members) + 3 < sizeof text->bytes - text->used) {
        put(text, ",");
        put(text, members);
    }
    put(text, "}");
}

static void answer(struct http_request *request, int status, uint32_t retry_after_seconds,
                   const char *text, size_t size_bytes) {
    add_headers(request, status, retry_after_seconds);
    http_respond(request, status, "application/problem+json", text, size_bytes);
}

void problem_respond(struct http_request *request, enum problem problem, const char *detail,
                     const char *members, uint32_t retry_after_seconds) {
    struct text text;
    compose(&text, problem, detail, members);
    answer(request, rows[problem].status, retry_after_seconds, text.bytes, text.used);
}

void problem_prepare(struct problem_ready *ready, enum problem problem, const char *detail,
                     uint32_t retry_after_seconds) {
    struct text text;
    compose(&text, problem, detail, NULL);
    ensure(text.used <= sizeof ready->text);
    *ready = (struct problem_ready){.status = rows[problem].status,
                                    .retry_after_seconds = retry_after_seconds,
                                    .size_bytes = text.used};
    memcpy(ready->text, text.bytes, text.used);
}

void problem_respond_ready(struct http_request *request, const struct problem_ready *ready) {
    answer(request, ready->status, ready->retry_after_seconds, ready->text, ready->size_bytes);
}

void problem_write(void *context UNUSED, struct http_request *request, int status) {
    static const struct {
        enum problem problem;
        const char *detail;
    } refusals[] = {
        {PROBLEM_BAD_REQUEST, "What came is not a valid HTTP/1.1 request."},
        {PROBLEM_REQUEST_TIMEOUT, "The request was not complete in time."},
        {PROBLEM_TOO_LARGE, "The body is larger than this route takes."},
        {PROBLEM_EXPECTATION_FAILED, "Only \"Expect: 100-continue\" is understood."},
        {PROBLEM_HEADERS_TOO_LARGE, "Request line and headers may have 16 KB and 100 fields."},
        {PROBLEM_NOT_BUILT, "This method or transfer coding is not known here."},
        {PROBLEM_OVERLOADED, "There is no room for another connection now. Try again soon."},
        {PROBLEM_VERSION_NOT_SUPPORTED, "Use HTTP/1.1 or HTTP/1.0."},
    };
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        if (problem_status(refusals[i].problem) == status) {
            problem_respond(request, refusals[i].problem, refusals[i].detail, NULL, 0);
            return;
        }
    }
    problem_respond(request, PROBLEM_INTERNAL, NULL, NULL, 0);
}
