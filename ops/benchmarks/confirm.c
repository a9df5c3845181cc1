#include "ops/benchmarks/confirm.h"

#include "ops/benchmarks/kept.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

enum { ANSWERS_LIMIT_MS = 120000 };
static const char payment[] = "{\"paymentToken\":\"tok_ok\"}";

struct run {
    const struct confirm_plan *plan;
    struct confirm_result *result;
    struct kept kept; /* by booking */
    uint32_t asked_count;
    uint32_t asked[CLIENT_CONNECTIONS_MAX]; /* the booking, by connection */
};

static size_t confirm_next(void *context, uint32_t connection, char *request) {
    struct run *run = context;
    if (run->asked_count == run->plan->count)
        return 0;
    const struct reserve_held *held = &run->plan->held[run->asked_count];
    int size_bytes =
        snprintf(request, CLIENT_REQUEST_MAX_BYTES,
                 "POST /bookings/%s/confirm HTTP/1.1\r\n"
                 "Host: usher\r\n"
                 "Authorization: Bearer %s\r\n"
                 "Content-Type: application/json\r\n"
                 "Content-Length: %zu\r\n"
                 "\r\n"
                 "%s",
                 held->booking, run->plan->guests[held->guest].token, sizeof payment - 1, payment);
    ensure(size_bytes > 0 && size_bytes < CLIENT_REQUEST_MAX_BYTES);
    run->asked[connection] = run->asked_count++;
    return (size_t)size_bytes;
}

static void confirm_answered(void *context, uint32_t connection, const struct answer *answer,
                             int64_t took_us) {
    struct run *run = context;
    kept_put(&run->kept, run->asked[connection], answer);
    if (answer->status != 200)
        return;
    run->result->confirmations++;
    histogram_record(&run->result->latency_us, (uint64_t)took_us);
}

static void confirm_lost(void *context, uint32_t connection) {
    (void)connection;
    ((struct run *)context)->result->lost++;
}

static bool is_confirmed(const struct kept_answer *answer, const struct reserve_held *held) {
    json_t *booking = json_loadb(answer->body, answer->body_bytes, 0, NULL);
    const char *id = NULL;
    const char *status = NULL;
    bool right = json_unpack(booking, "{s:s, s:s}", "bookingId", &id, "status", &status) == 0 &&
                 strcmp(id, held->booking) == 0 && strcmp(status, "CONFIRMED") == 0;
    json_decref(booking);
    return right;
}

static void judge(struct run *run) {
    struct confirm_result *result = run->result;
    for (uint32_t i = 0; i < run->asked_count; i++) {
        const struct kept_answer *answer = &run->kept.answers[i];
        if (answer->body == NULL)
            continue;
        bool refused = answer->status != 200;
        bool wrong = !refused && !is_confirmed(answer, &run->plan->held[i]);
        result->refused += refused;
        result->wrong += wrong;
        if ((refused || wrong) && result->refused + result->wrong == 1)
            kept_tell(answer);
    }
}

void confirm_run(struct client *client, const struct confirm_plan *plan,
                 struct confirm_result *result) {
    static const struct client_calls calls = {confirm_next, confirm_answered, confirm_lost};
    struct run *run = calloc(1, sizeof *run);
    ensure(run != NULL);
    run->plan = plan;
    run->result = result;
    kept_init(&run->kept, plan->count);

    stopwatch_start(&result->watch);
    if (plan->rate > 0)
        result->unsent = client_run_open(client, &calls, run, plan->rate, ANSWERS_LIMIT_MS);
    else
        client_run(client, &calls, run, ANSWERS_LIMIT_MS);
    stopwatch_stop(&result->watch);
    judge(run);

    kept_clear(&run->kept);
    free(run);
}
