#include "ops/benchmarks/guests.h"

#include <jansson.h>
#include <stdio.h>

static const char request_text[] = "POST /sessions HTTP/1.1\r\n"
                                   "Host: usher\r\n"
                                   "Content-Type: application/json\r\n"
                                   "Content-Length: 2\r\n"
                                   "\r\n"
                                   "{}";
enum { GUESTS_LIMIT_MS = 120000 };

struct guests {
    char **tokens;
    uint32_t count;
    uint32_t asked;
    uint32_t made;
    uint32_t failed;
};

static size_t guests_next(void *context, uint32_t connection, char *request) {
    (void)connection;
    struct guests *guests = context;
    if (guests->asked == guests->count || guests->failed > 0)
        return 0;
    guests->asked++;
    memcpy(request, request_text, sizeof request_text - 1);
    return sizeof request_text - 1;
}

static void guests_answered(void *context, uint32_t connection, const struct answer *answer,
                            int64_t took_us) {
    (void)connection, (void)took_us;
    struct guests *guests = context;
    json_t *session = json_loadb(answer->body, answer->body_bytes, 0, NULL);
    const char *token = json_string_value(json_object_get(session, "token"));
    if (answer->status == 201 && token != NULL && strlen(token) <= GUEST_TOKEN_MAX_BYTES) {
        guests->tokens[guests->made] = strdup(token);
        ensure(guests->tokens[guests->made] != NULL);
        guests->made++;
    } else {
        guests->failed++;
    }
    json_decref(session);
}

static void guests_lost(void *context, uint32_t connection) {
    (void)connection;
    ((struct guests *)context)->failed++;
}

bool guests_create(struct client *client, uint32_t count, char **tokens) {
    static const struct client_calls calls = {guests_next, guests_answered, guests_lost};
    ensure(count <= GUESTS_MAX);
    struct guests guests = {.tokens = tokens, .count = count};
    client_run(client, &calls, &guests, GUESTS_LIMIT_MS);
    if (guests.made == count)
        return true;
    fprintf(stderr, "only %u of %u guests' sessions were made\n", guests.made, count);
    return false;
}
