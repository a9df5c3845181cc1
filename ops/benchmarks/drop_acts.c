#include "ops/benchmarks/drop_private.h"

#include <inttypes.h>

const struct drop_expectation drop_expected[] = {
    {DROP_JOIN, 201, NULL, OUTCOME_DONE},
    {DROP_JOIN, 200, NULL, OUTCOME_DONE}, /* asked again after a 503 */
    {DROP_JOIN_TWICE, 200, NULL, OUTCOME_DONE},
    {DROP_LOOK, 200, NULL, OUTCOME_DONE},
    {DROP_LEAVE, 204, NULL, OUTCOME_DONE},
    {DROP_CLAIM, 200, NULL, OUTCOME_DONE},
    {DROP_CLAIM, 409, "not-your-turn", OUTCOME_NO_TURN},
    {DROP_CLAIM, 410, "turn-missed", OUTCOME_NO_TURN},
    {DROP_GIVE_BACK, 204, NULL, OUTCOME_DONE},
    {DROP_RESERVE, 201, NULL, OUTCOME_DONE},
    {DROP_RESERVE, 409, "seat-taken", OUTCOME_TAKEN},
    {DROP_RESERVE, 403, "pass-required", OUTCOME_OVER},
    {DROP_RESERVE, 403, "bad-pass", OUTCOME_OVER},
    {DROP_CONFIRM, 200, NULL, OUTCOME_DONE},
    {DROP_CONFIRM, 410, "hold-expired", OUTCOME_OVER},
    {DROP_PAY_BADLY, 402, "payment-declined", OUTCOME_DONE},
    {DROP_PAY_BADLY, 410, "hold-expired", OUTCOME_OVER},
    {DROP_CANCEL, 200, NULL, OUTCOME_DONE},
    {DROP_CANCEL, 410, "hold-expired", OUTCOME_OVER},
    {DROP_ROOM, 200, NULL, OUTCOME_DONE},
    {DROP_MAP, 200, NULL, OUTCOME_DONE},
    /* Of anything. */
    {DROP_ACTS, 503, "queue-unavailable", OUTCOME_AGAIN},
    {DROP_ACTS, 503, "booking-unavailable", OUTCOME_AGAIN},
    {DROP_ACTS, 503, "outcome-unknown", OUTCOME_AGAIN},
    {DROP_ACTS, 503, "overloaded", OUTCOME_AGAIN},
    {DROP_ACTS, 0, NULL, OUTCOME_WRONG},
};
_Static_assert(ARRAY_LEN(drop_expected) <= DROP_ANSWERS_MAX, "each answer is counted");

const char *drop_act_text(enum drop_act act) {
    static const char *const texts[] = {
        [DROP_JOIN] = "join",           [DROP_JOIN_TWICE] = "join twice",
        [DROP_LOOK] = "look",           [DROP_LEAVE] = "leave",
        [DROP_CLAIM] = "claim",         [DROP_GIVE_BACK] = "give back",
        [DROP_RESERVE] = "reserve",     [DROP_CONFIRM] = "confirm",
        [DROP_PAY_BADLY] = "pay badly", [DROP_CANCEL] = "cancel",
        [DROP_ROOM] = "room",           [DROP_MAP] = "map",
        [DROP_ACTS] = "anything",
    };
    ensure((size_t)act < ARRAY_LEN(texts));
    return texts[act];
}

enum drop_outcome drop_judge(struct drop *drop, const struct person *person,
                             const struct answer *answer, const json_t *document) {
    const char *code = json_string_value(json_object_get(document, "code"));
    size_t i = 0;
    for (; drop_expected[i].status != 0; i++) {
        const struct drop_expectation *expected = &drop_expected[i];
        if ((expected->act == person->act || expected->act == DROP_ACTS) &&
            expected->status == answer->status &&
            (expected->code == NULL || (code != NULL && strcmp(code, expected->code) == 0)))
            break;
    }
    drop->result->answers[i]++;
    return drop_expected[i].outcome;
}

/* --- requests */

static const char *token_of(const struct drop *drop, const struct person *person) {
    return drop->plan->guests[person - drop->people].token;
}

static int put_claim(const struct person *person, char *body, size_t size_bytes) {
    return snprintf(body, size_bytes, "{\"queueToken\":\"%s\"}", person->queue_token);
}

static int put_reserve(const struct drop *drop, const struct person *person, char *body,
                       size_t size_bytes) {
    const struct purchase *purchase = person->purchase;
    int used =
        snprintf(body, size_bytes, "{\"eventId\":%" PRIu64 ",\"seatIds\":[", drop->plan->event);
    for (uint32_t i = 0; i < purchase->seat_count; i++)
        used += snprintf(body + used, size_bytes - (size_t)used, "%s\"%s\"", i > 0 ? "," : "",
                         drop->plan->seats[purchase->seats[i]]);
    return used + snprintf(body + used, size_bytes - (size_t)used, "]}");
}

static int put_body(const struct drop *drop, const struct person *person, char *body,
                    size_t size_bytes) {
    body[0] = '\0';
    switch ((enum drop_act)person->act) {
    case DROP_CLAIM:
        return put_claim(person, body, size_bytes);
    case DROP_RESERVE:
        return put_reserve(drop, person, body, size_bytes);
    case DROP_CONFIRM:
        return snprintf(body, size_bytes, "{\"paymentToken\":\"tok_ok\"}");
    case DROP_PAY_BADLY:
        return snprintf(body, size_bytes, "{\"paymentToken\":\"tok_declined\"}");
    default:
        return 0;
    }
}

static int put_line(const struct drop *drop, const struct person *person, char *line,
                    size_t size_bytes) {
    uint64_t event = drop->plan->event;
    const char *booking = person->purchase != NULL ? person->purchase->booking : "";
    switch ((enum drop_act)person->act) {
    case DROP_JOIN:
    case DROP_JOIN_TWICE:
        return snprintf(line, size_bytes, "POST /events/%" PRIu64 "/queue", event);
    case DROP_LEAVE:
    case DROP_GIVE_BACK:
        return snprintf(line, size_bytes, "DELETE /events/%" PRIu64 "/queue?queueToken=%s", event,
                        person->queue_token);
    case DROP_CLAIM:
        return snprintf(line, size_bytes, "POST /events/%" PRIu64 "/queue/claim", event);
    case DROP_RESERVE:
        return snprintf(line, size_bytes, "POST /bookings/reserve");
    case DROP_CONFIRM:
    case DROP_PAY_BADLY:
        return snprintf(line, size_bytes, "POST /bookings/%s/confirm", booking);
    case DROP_CANCEL:
        return snprintf(line, size_bytes, "POST /bookings/%s/cancel", booking);
    case DROP_LOOK:
    case DROP_ROOM:
        return snprintf(line, size_bytes, "GET /events/%" PRIu64 "/queue", event);
    case DROP_MAP:
        return snprintf(line, size_bytes, "GET /events/%" PRIu64 "/seats?format=compact", event);
    case DROP_ACTS:
        break;
    }
    return 0;
}

size_t drop_write_request(const struct drop *drop, const struct person *person, char *request) {
    enum { LINE_MAX_BYTES = 1024, BODY_MAX_BYTES = 1024, PASS_MAX_BYTES = 640 };
    char line[LINE_MAX_BYTES];
    char body[BODY_MAX_BYTES];
    char more[PASS_MAX_BYTES] = "";
    bool looks = person->act == DROP_LOOK || person->act == DROP_ROOM || person->act == DROP_MAP;
    int line_bytes = put_line(drop, person, line, sizeof line);
    int body_bytes = put_body(drop, person, body, sizeof body);
    if (person->act == DROP_RESERVE)
        (void)snprintf(more, sizeof more, "Usher-Pass: %s\r\nIdempotency-Key: %s\r\n",
                       person->purchase->pass, person->purchase->key);
    ensure(line_bytes > 0 && line_bytes < LINE_MAX_BYTES && body_bytes < BODY_MAX_BYTES);
    int size_bytes = looks ? snprintf(request, CLIENT_REQUEST_MAX_BYTES,
                                      "%s HTTP/1.1\r\nHost: usher\r\n\r\n", line)
                           : snprintf(request, CLIENT_REQUEST_MAX_BYTES,
                                      "%s HTTP/1.1\r\n"
                                      "Host: usher\r\n"
                                      "Authorization: Bearer %s\r\n"
                                      "%s%s"
                                      "Content-Length: %d\r\n"
                                      "\r\n"
                                      "%s",
                                      line, token_of(drop, person),
                                      body_bytes > 0 ? "Content-Type: application/json\r\n" : "",
                                      more, body_bytes, body);
    ensure(size_bytes > 0 && size_bytes < CLIENT_REQUEST_MAX_BYTES);
    return (size_t)size_bytes;
}
