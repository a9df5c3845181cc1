#include "ops/benchmarks/join.h"

#include "ops/benchmarks/kept.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

enum { ANSWERS_LIMIT_MS = 120000 };

struct run {
    const struct join_plan *plan;
    struct join_result *result;
    uint32_t asked_count;
    struct kept kept;                       /* by guest */
    uint32_t asked[CLIENT_CONNECTIONS_MAX]; /* the guest, by connection */
};

static size_t write_request(struct run *run, uint32_t connection, char *request) {
    const struct join_plan *plan = run->plan;
    uint32_t guest = run->asked_count++;
    int size_bytes = snprintf(request, CLIENT_REQUEST_MAX_BYTES,
                              "POST /events/%" PRIu64 "/queue HTTP/1.1\r\n"
                              "Host: usher\r\n"
                              "Authorization: Bearer %s\r\n"
                              "Content-Length: 0\r\n"
                              "\r\n",
                              plan->event, plan->guests[guest].token);
    ensure(size_bytes > 0 && size_bytes < CLIENT_REQUEST_MAX_BYTES);
    run->asked[connection] = guest;
    return (size_t)size_bytes;
}

static size_t first_next(void *context, uint32_t connection, char *request) {
    struct run *run = context;
    return run->asked_count == 0 ? write_request(run, connection, request) : 0;
}

static size_t join_next(void *context, uint32_t connection, char *request) {
    struct run *run = context;
    return run->asked_count < run->plan->count ? write_request(run, connection, request) : 0;
}

static void join_answered(void *context, uint32_t connection, const struct answer *answer,
                          int64_t took_us) {
    struct run *run = context;
    kept_put(&run->kept, run->asked[connection], answer);
    if (run->result->watch.running && answer->status == 201) {
        run->result->joins++;
        histogram_record(&run->result->latency_us, (uint64_t)took_us);
    }
}

static void join_lost(void *context, uint32_t connection) {
    (void)connection;
    ((struct run *)context)->result->lost++;
}

static bool judge_place(const struct run *run, uint32_t guest) {
    const struct kept_answer *answer = &run->kept.answers[guest];
    json_t *place = json_loadb(answer->body, answer->body_bytes, 0, NULL);
    json_int_t number = 0;
    const char *token = NULL;
    bool right = json_unpack(place, "{s:I, s:s}", "number", &number, "queueToken", &token) == 0 &&
                 number > 0;
    if (right)
        fprintf(run->plan->answers, "%" JSON_INTEGER_FORMAT "\t%s\n", number,
                run->plan->guests[guest].user);
    json_decref(place);
    return right;
}

static void judge(struct run *run) {
    bool told = false;
    for (uint32_t i = 0; i < run->asked_count; i++) {
        const struct kept_answer *answer = &run->kept.answers[i];
        if (answer->body == NULL)
            continue;
        bool refused = answer->status != 201;
        bool wrong = !refused && !judge_place(run, i);
        run->result->refused += refused;
        run->result->wrong += wrong;
        if ((refused || wrong) && !told) {
            told = true;
            kept_tell(answer);
        }
    }
}

void join_run(struct client *client, const struct join_plan *plan, struct join_result *result) {
    static const struct client_calls first = {first_next, join_answered, join_lost};
    static const struct client_calls joining = {join_next, join_answered, join_lost};
    struct run *run = calloc(1, sizeof *run);
    ensure(run != NULL);
    run->plan = plan;
    run->result = result;
    kept_init(&run->kept, plan->count);

    client_run(client, &first, run, ANSWERS_LIMIT_MS);
    stopwatch_start(&result->watch);
    client_run(client, &joining, run, ANSWERS_LIMIT_MS);
    stopwatch_stop(&result->watch);
    judge(run);

    kept_clear(&run->kept);
    free(run);
}
