#include "ops/benchmarks/door.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

enum { LOOKS_PER_SECOND = 20, LIMIT_MS = 60000 };

struct run {
    uint64_t event;
    uint64_t number;
    uint64_t first; /* served at the first look */
    bool failed;
    struct door_result *result;
};

static size_t door_next(void *context, uint32_t connection, char *request) {
    (void)connection;
    const struct run *run = context;
    const struct stopwatch *watch = &run->result->watch;
    if (run->failed || (watch->started_us > 0 && !watch->running))
        return 0;
    int size_bytes =
        snprintf(request, CLIENT_REQUEST_MAX_BYTES,
                 "GET /events/%" PRIu64 "/queue HTTP/1.1\r\nHost: usher\r\n\r\n", run->event);
    ensure(size_bytes > 0 && size_bytes < CLIENT_REQUEST_MAX_BYTES);
    return (size_t)size_bytes;
}

static void door_answered(void *context, uint32_t connection, const struct answer *answer,
                          int64_t took_us) {
    (void)connection, (void)took_us;
    struct run *run = context;
    struct stopwatch *watch = &run->result->watch;
    json_t *queue = json_loadb(answer->body, answer->body_bytes, 0, NULL);
    json_int_t served = -1;
    if (answer->status != 200 || json_unpack(queue, "{s:I}", "nowServing", &served) != 0 ||
        served < 0) {
        run->failed = true;
    } else if (watch->started_us == 0) {
        run->first = (uint64_t)served;
        stopwatch_start(watch);
    } else if (watch->running && (uint64_t)served >= run->number) {
        stopwatch_stop(watch);
        run->result->admissions = (uint64_t)served - run->first;
    }
    json_decref(queue);
}

static void door_lost(void *context, uint32_t connection) {
    (void)connection;
    ((struct run *)context)->failed = true;
}

bool door_run(struct client *client, uint64_t event, uint64_t number, struct door_result *result) {
    static const struct client_calls calls = {door_next, door_answered, door_lost};
    struct run run = {.event = event, .number = number, .result = result};
    (void)client_run_open(client, &calls, &run, LOOKS_PER_SECOND, LIMIT_MS);
    if (!run.failed && result->admissions > 0)
        return true;
    fprintf(stderr, "the door can't be seen, or did not come to number %" PRIu64 "\n", number);
    return false;
}
