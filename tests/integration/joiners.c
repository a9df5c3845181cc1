#include "tests/integration/joiners.h"

#include "tests/support/expect.h"
#include "tests/support/wait.h"

#include <inttypes.h>
#include <stdio.h>

enum { PATH_SIZE = 64, GUESTS_AT_ONCE = 500 };

struct joiner *joiners_create(struct cluster *cluster, size_t count) {
    struct shop_customer *customers = calloc(count, sizeof *customers);
    struct joiner *joiners = calloc(count, sizeof *joiners);
    ensure(customers != NULL && joiners != NULL);
    for (size_t made = 0; made < count; made += GUESTS_AT_ONCE) {
        shop_customers(cluster, &customers[made],
                       count - made < GUESTS_AT_ONCE ? count - made : GUESTS_AT_ONCE);
    }
    for (size_t i = 0; i < count; i++) {
        joiners[i].customer = customers[i];
        joiners[i].gateway = (unsigned)i % cluster->gateway_count;
    }
    free(customers);
    return joiners;
}

static void take_answer(struct joiner *joiner, const struct http_answer *answer) {
    joiner->status = answer->status;
    joiner->sent_us = answer->sent_us;
    joiner->done_us = answer->done_us;
    joiner->number = 0;
    if (answer->status != 201 && answer->status != 200) {
        return;
    }
    const char *token = http_answer_text(answer, "queueToken");
    joiner->number = http_answer_number(answer, "number");
    joiner->position = http_answer_number(answer, "position");
    expect(token != NULL && joiner->number > 0, "no place in %s", answer->body);
    (void)snprintf(joiner->queue_token, sizeof joiner->queue_token, "%s", token);
}

static void send_join(struct http_connection *connection, const struct cluster *cluster,
                      int64_t event_id, const struct joiner *joiner) {
    char path[PATH_SIZE];
    (void)snprintf(path, sizeof path, "/events/%" PRId64 "/queue", event_id);
    const struct http_request request = {
        .method = "POST", .path = path, .token = joiner->customer.token};
    http_connection_set_port(connection, cluster->gateways[joiner->gateway].port);
    http_connection_send(connection, &request, HTTP_CALL_MS);
}

/* A connection stays with one gateway, so that it is kept alive. */
static struct joiner *next_of(struct joiner *joiners, size_t count, size_t *cursors,
                              unsigned gateway) {
    while (cursors[gateway] < count) {
        struct joiner *joiner = &joiners[cursors[gateway]++];
        if (joiner->gateway == gateway) {
            return joiner;
        }
    }
    return NULL;
}

void joiners_join(struct cluster *cluster, int64_t event_id, struct joiner *joiners, size_t count,
                  size_t at_once) {
    size_t cursors[CLUSTER_GATEWAYS_MAX] = {0};
    struct http_connection **connections = calloc(at_once, sizeof *connections);
    struct joiner **asking = calloc(at_once, sizeof *asking);
    size_t busy = 0;
    ensure(connections != NULL && asking != NULL);
    for (size_t i = 0; i < at_once; i++) {
        unsigned gateway = (unsigned)i % cluster->gateway_count;
        connections[i] = http_connection_create(cluster->gateways[gateway].port);
        asking[i] = next_of(joiners, count, cursors, gateway);
        if (asking[i] != NULL) {
            send_join(connections[i], cluster, event_id, asking[i]);
            busy++;
        }
    }
    while (busy > 0) {
        http_drive(connections, at_once, 100);
        for (size_t i = 0; i < at_once; i++) {
            struct http_answer answer;
            if (asking[i] == NULL || !http_connection_take(connections[i], &answer)) {
                continue;
            }
            take_answer(asking[i], &answer);
            http_answer_free(&answer);
            asking[i] = next_of(joiners, count, cursors, asking[i]->gateway);
            if (asking[i] != NULL) {
                send_join(connections[i], cluster, event_id, asking[i]);
            } else {
                busy--;
            }
        }
    }
    for (size_t i = 0; i < at_once; i++) {
        http_connection_destroy(connections[i]);
    }
    free(connections);
    free(asking);
}

struct joiners_asked {
    struct joiner *joiners;
    struct http_connection **connections;
    size_t count;
};

struct joiners_asked *joiners_ask(struct cluster *cluster, int64_t event_id, struct joiner *joiners,
                                  size_t count) {
    struct joiners_asked *asked = calloc(1, sizeof *asked);
    ensure(asked != NULL);
    *asked = (struct joiners_asked){
        .joiners = joiners,
        .connections = calloc(count, sizeof(struct http_connection *)),
        .count = count,
    };
    ensure(asked->connections != NULL);
    for (size_t i = 0; i < count; i++) {
        asked->connections[i] = http_connection_create(cluster->gateways[joiners[i].gateway].port);
        send_join(asked->connections[i], cluster, event_id, &joiners[i]);
    }
    http_drive(asked->connections, count, 0);
    return asked;
}

void joiners_take(struct joiners_asked *asked) {
    for (size_t i = 0; i < asked->count; i++) {
        struct http_answer answer;
        while (!http_connection_take(asked->connections[i], &answer)) {
            http_drive(asked->connections, asked->count, 100);
        }
        take_answer(&asked->joiners[i], &answer);
        http_answer_free(&answer);
    }
    for (size_t i = 0; i < asked->count; i++) {
        http_connection_destroy(asked->connections[i]);
    }
    free(asked->connections);
    free(asked);
}

void joiner_join(struct cluster *cluster, int64_t event_id, struct joiner *joiner) {
    joiners_join(cluster, event_id, joiner, 1, cluster->gateway_count);
}

static int by_number(const void *a, const void *b) {
    const struct joiner *left = *(struct joiner *const *)a;
    const struct joiner *right = *(struct joiner *const *)b;
    return (left->number > right->number) - (left->number < right->number);
}

static int by_sent(const void *a, const void *b) {
    const struct joiner *left = *(struct joiner *const *)a;
    const struct joiner *right = *(struct joiner *const *)b;
    return (left->sent_us > right->sent_us) - (left->sent_us < right->sent_us);
}

static int by_done(const void *a, const void *b) {
    const struct joiner *left = *(struct joiner *const *)a;
    const struct joiner *right = *(struct joiner *const *)b;
    return (left->done_us > right->done_us) - (left->done_us < right->done_us);
}

/* The caller's, free. */
static const struct joiner **sorted(const struct joiner *joiners, size_t count,
                                    int (*compare)(const void *, const void *)) {
    const struct joiner **order = calloc(count, sizeof(const struct joiner *));
    ensure(order != NULL);
    for (size_t i = 0; i < count; i++) {
        order[i] = &joiners[i];
    }
    qsort(order, count, sizeof(const struct joiner *), compare);
    return order;
}

void joiners_expect_dense(const struct joiner *joiners, size_t count, int64_t first) {
    const struct joiner **order = sorted(joiners, count, by_number);
    for (size_t i = 0; i < count; i++) {
        expect(order[i]->number == first + (int64_t)i,
               "number %" PRId64 " where %" PRId64 " should be (status %d)", order[i]->number,
               first + (int64_t)i, order[i]->status);
    }
    free(order);
}

uint64_t joiners_expect_order(const struct joiner *joiners, size_t count) {
    const struct joiner **asked = sorted(joiners, count, by_sent);
    const struct joiner **told = sorted(joiners, count, by_done);
    int64_t highest = 0; /* told before */
    uint64_t pairs = 0;
    size_t done = 0;
    for (size_t i = 0; i < count; i++) {
        for (; done < count && told[done]->done_us < asked[i]->sent_us; done++) {
            highest = told[done]->number > highest ? told[done]->number : highest;
        }
        pairs += done;
        expect(asked[i]->number > highest,
               "number %" PRId64 " was asked for after %" PRId64 " was told", asked[i]->number,
               highest);
    }
    free(asked);
    free(told);
    return pairs;
}
