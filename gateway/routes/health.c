#include "gateway/answers.h"
#include "gateway/routes/routes.h"

#include <stdio.h>

void route_healthz(void *context, struct http_request *request, const struct route_match *match) {
    (void)context;
    (void)match;
    static const char body[] = "{\"status\":\"ok\"}";
    http_answer_header(request, "Cache-Control", "no-store");
    http_respond(request, 200, "application/json", body, sizeof body - 1);
}

static void put_reason(struct text *text, bool *first, const char *reason) {
    text_put(text, *first ? "" : ",");
    text_json(text, reason);
    *first = false;
}

/* Writes the answer of /readyz and returns its status. */
static int put_ready(struct text *text, const struct gateway *gateway) {
    bool installed = gateway->installation.known;
    bool looking = installed || keep_has_any(gateway->keep);
    bool bus = gateway->bus != NULL && bus_connected(gateway->bus);
    bool clock = database_clock_known(reads_clock(gateway->reads));
    uint32_t owned = owners_known(&gateway->owners, clock_monotonic_us());
    bool booking = installed && bus && clock && owned == PARTITION_COUNT &&
                   reads_is_up(gateway->reads, READS_PRIMARY);
    bool queue = installed && bus && !rooms_are_silent(gateway->rooms, clock_monotonic_us());
    bool first = true;
    text_format(text, "{\"looking\":\"%s\",\"booking\":\"%s\",\"queue\":\"%s\",\"reasons\":[",
                looking ? "up" : "down", booking ? "up" : "down", queue ? "up" : "down");
    if (!installed) {
        put_reason(text, &first, "the installation's record has not been read from the database");
    }
    if (!reads_is_up(gateway->reads, READS_PRIMARY) ||
        !reads_is_up(gateway->reads, READS_CATALOGUE)) {
        put_reason(text, &first, "the database can't be reached");
    }
    if (!bus) {
        put_reason(text, &first, "NATS can't be reached");
    }
    if (bus && installed && !queue) {
        put_reason(text, &first, "no owner of an open waiting room is heard");
    }
    if (owned < PARTITION_COUNT) {
        char reason[80];
        (void)snprintf(reason, sizeof reason, "%u of %d partitions have no owner",
                       (unsigned)PARTITION_COUNT - owned, PARTITION_COUNT);
        put_reason(text, &first, reason);
    }
    text_put(text, "]}");
    return looking ? 200 : 503;
}

void route_readyz(void *context, struct http_request *request, const struct route_match *match) {
    (void)match;
    struct text text = {0};
    int status = put_ready(&text, context);
    if (status == 503) {
        http_answer_header(request, "Retry-After", "1");
    }
    answer_json_take(request, status, &text);
}

int routes_write_ready(void *context, char *text, size_t size_bytes) {
    struct text ready = {0};
    int status = put_ready(&ready, context);
    text_add(&ready, "", 1);
    (void)snprintf(text, size_bytes, "%s", ready.failed ? "{}" : ready.data);
    text_free(&ready);
    return status;
}
