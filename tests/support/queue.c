#include "tests/support/queue.h"
#include "tests/support/expect.h"
#include "tests/support/wait.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

int64_t queue_event(struct cluster *cluster, int64_t venue_id, const char *room, const char *more) {
    char fields[SHOP_TEXT_SIZE];
    ensure(snprintf(fields, sizeof fields, ",\"room\":{%s}%s", room, more != NULL ? more : "") <
           (int)sizeof fields);
    const struct shop_event event = {.venue_id = venue_id, .more = fields};
    return shop_event(cluster, &event);
}

void queue_patch(struct cluster *cluster, int64_t event_id, const char *body) {
    char path[SHOP_TEXT_SIZE];
    struct http_answer answer;
    (void)snprintf(path, sizeof path, "/admin/events/%" PRId64, event_id);
    const struct http_request request = {
        .method = "PATCH", .path = path, .token = cluster->admin_key, .body = body};
    http_call(cluster->gateways[0].port, &request, &answer);
    expect(answer.status == 200, "PATCH %s %s: %d %s", path, body, answer.status,
           answer.body != NULL ? answer.body : "");
    http_answer_free(&answer);
}

/* --- requests */

static struct http_answer ask(struct cluster *cluster, unsigned gateway, const char *method,
                              const char *token, int64_t event_id, const char *rest,
                              const char *body) {
    char path[2 * SHOP_TEXT_SIZE];
    struct http_answer answer;
    (void)snprintf(path, sizeof path, "/events/%" PRId64 "/queue%s", event_id, rest);
    const struct http_request request = {
        .method = method, .path = path, .token = token, .body = body};
    http_call(cluster->gateways[gateway].port, &request, &answer);
    return answer;
}

struct http_answer queue_state(struct cluster *cluster, unsigned gateway, int64_t event_id) {
    return ask(cluster, gateway, "GET", NULL, event_id, "", NULL);
}

struct http_answer queue_join(struct cluster *cluster, unsigned gateway,
                              const struct shop_customer *customer, int64_t event_id) {
    return ask(cluster, gateway, "POST", customer->token, event_id, "", NULL);
}

struct http_answer queue_claim(struct cluster *cluster, unsigned gateway,
                               const struct shop_customer *customer, int64_t event_id,
                               const char *queue_token) {
    char body[2 * SHOP_TEXT_SIZE];
    (void)snprintf(body, sizeof body, "{\"queueToken\":\"%s\"}", queue_token);
    return ask(cluster, gateway, "POST", customer->token, event_id, "/claim", body);
}

struct http_answer queue_leave(struct cluster *cluster, unsigned gateway,
                               const struct shop_customer *customer, int64_t event_id,
                               const char *queue_token) {
    char query[2 * SHOP_TEXT_SIZE] = "";
    if (queue_token != NULL) {
        (void)snprintf(query, sizeof query, "?queueToken=%s", queue_token);
    }
    return ask(cluster, gateway, "DELETE", customer->token, event_id, query, NULL);
}

struct http_answer queue_reserve(struct cluster *cluster, unsigned gateway,
                                 const struct shop_customer *customer, int64_t event_id,
                                 const char *seats, const char *pass) {
    char body[SHOP_TEXT_SIZE];
    char header[2 * SHOP_TEXT_SIZE];
    struct http_answer answer;
    (void)snprintf(header, sizeof header, "Usher-Pass: %s\r\n", pass != NULL ? pass : "");
    const struct http_request request = {.method = "POST",
                                         .path = "/bookings/reserve",
                                         .token = customer->token,
                                         .headers = pass != NULL ? header : NULL,
                                         .body = shop_reserve_body(body, event_id, seats)};
    http_call(cluster->gateways[gateway].port, &request, &answer);
    return answer;
}

/* --- outcomes */

static void keep_text(char text[SHOP_TEXT_SIZE], const struct http_answer *answer,
                      const char *field) {
    const char *value = http_answer_text(answer, field);
    expect(value != NULL, "no %s in %d %s", field, answer->status,
           answer->body != NULL ? answer->body : "(no answer)");
    ensure(strlen(value) < SHOP_TEXT_SIZE);
    memcpy(text, value, strlen(value) + 1);
}

void queue_enter(struct cluster *cluster, unsigned gateway, const struct shop_customer *customer,
                 int64_t event_id, int status, struct queue_place *place) {
    struct http_answer answer = queue_join(cluster, gateway, customer, event_id);
    *place =
        (struct queue_place){.event_id = event_id, .number = http_answer_number(&answer, "number")};
    keep_text(place->token, &answer, "queueToken");
    shop_expect(answer, status, NULL);
}

void queue_take_pass(struct cluster *cluster, unsigned gateway,
                     const struct shop_customer *customer, struct queue_place *place) {
    queue_wait_served(cluster, gateway, place->event_id, place->number);
    struct http_answer answer =
        queue_claim(cluster, gateway, customer, place->event_id, place->token);
    keep_text(place->pass, &answer, "pass");
    shop_expect(answer, 200, NULL);
}

void queue_wait_served(struct cluster *cluster, unsigned gateway, int64_t event_id,
                       int64_t number) {
    struct wait wait = wait_at_most(QUEUE_WAIT_MS);
    for (;;) {
        struct http_answer answer = queue_state(cluster, gateway, event_id);
        int64_t now_serving = http_answer_number(&answer, "nowServing");
        http_answer_free(&answer);
        if (now_serving >= number) {
            return;
        }
        wait_again(&wait, "a number to be served");
    }
}

void queue_wait_phase(struct cluster *cluster, unsigned gateway, int64_t event_id,
                      const char *phase) {
    struct wait wait = wait_at_most(QUEUE_WAIT_MS);
    for (;;) {
        struct http_answer answer = queue_state(cluster, gateway, event_id);
        const char *told = http_answer_text(&answer, "phase");
        bool reached = told != NULL && strcmp(told, phase) == 0;
        http_answer_free(&answer);
        if (reached) {
            return;
        }
        wait_again(&wait, phase);
    }
}
