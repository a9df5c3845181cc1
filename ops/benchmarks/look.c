#include "ops/benchmarks/look.h"

#include "ops/benchmarks/answer.h"
#include "ops/benchmarks/loopback.h"
#include "ops/benchmarks/same_body.h"
#include "shared/clock.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    REQUEST_MAX_BYTES = 1024,
    INPUT_BYTES = 256 * 1024, /* one recv */
    EVENTS_PER_WAKE = 64,
    SILENCE_MS = 5000, /* who does not answer for so long never will */
};

struct looker {
    int fd; /* -1: closed */
    bool waiting;
    bool in_body;
    const struct bytes *expected; /* what the body was compared with so far */
    struct bytes other;           /* it is not that one: as far as it has come */
    size_t size_bytes;            /* of the body */
    size_t at;
    int64_t asked_us;
};

struct look {
    const struct look_plan *plan;
    struct look_result *result;
    char request[REQUEST_MAX_BYTES];
    size_t request_bytes;
    struct same_body same;
    int epoll;
    uint32_t waiting;
    int64_t now_us;
    int64_t ends_us;
    char input[INPUT_BYTES];
    struct looker lookers[];
};

static void looker_rest(struct look *look, struct looker *looker) {
    looker->waiting = false;
    look->waiting--;
}

static void looker_lose(struct look *look, struct looker *looker) {
    look->result->lost++;
    close(looker->fd);
    looker->fd = -1;
    looker_rest(look, looker);
}

static void looker_ask(struct look *look, struct looker *looker) {
    looker->waiting = true;
    look->waiting++;
    looker->in_body = false;
    looker->asked_us = look->now_us;
    /* One request always fits into an empty socket buffer. */
    if (send(looker->fd, look->request, look->request_bytes, MSG_NOSIGNAL) !=
        (ssize_t)look->request_bytes)
        looker_lose(look, looker);
}

/* Goes on with the whole of it in memory. */
static void looker_collect(struct looker *looker) {
    looker->other =
        (struct bytes){.data = malloc(looker->size_bytes + 1), .size_bytes = looker->size_bytes};
    ensure(looker->other.data != NULL);
    if (looker->at > 0)
        memcpy(looker->other.data, looker->expected->data, looker->at);
}

static void looker_take_body(struct looker *looker, const char *data, size_t size_bytes) {
    if (looker->other.data == NULL &&
        memcmp(looker->expected->data + looker->at, data, size_bytes) != 0)
        looker_collect(looker);
    if (looker->other.data != NULL)
        memcpy(looker->other.data + looker->at, data, size_bytes);
    looker->at += size_bytes;
}

static void looker_judge(struct look *look, struct looker *looker) {
    bool right = looker->other.data == NULL || same_body_judge_take(&look->same, looker->other);
    looker->other = (struct bytes){0};
    looker_rest(look, looker);
    if (right) {
        look->result->answers++;
        histogram_record(&look->result->latency_us, (uint64_t)(look->now_us - looker->asked_us));
    } else {
        look->result->wrong++;
    }
}

/* The head has to be whole: servers send it at once. Returns its size; 0 when it was not
 * understood. */
static size_t looker_take_head(struct look *look, struct looker *looker, size_t received) {
    struct answer answer = {.body = NULL};
    enum answer_state state = answer_read(look->input, received, &answer);
    if (state == ANSWER_STRANGE || answer.body == NULL || answer.status != 200 ||
        answer.body_bytes > SAME_BODY_MAX_BYTES)
        return 0;
    looker->in_body = true;
    looker->at = 0;
    looker->size_bytes = answer.body_bytes;
    looker->expected = look->same.expected;
    if (looker->expected == NULL || looker->expected->size_bytes != looker->size_bytes)
        looker_collect(looker);
    look->result->head_bytes = (size_t)(answer.body - look->input);
    look->result->body_bytes = answer.body_bytes;
    return look->result->head_bytes;
}

static void looker_read(struct look *look, struct looker *looker) {
    size_t used = 0;
    ssize_t got = recv(looker->fd, look->input, sizeof look->input, 0);
    if (got < 0 && errno == EINTR)
        return;
    if (got > 0 && looker->waiting && !looker->in_body)
        used = looker_take_head(look, looker, (size_t)got);
    size_t left = got > 0 ? (size_t)got - used : 0;
    if (got <= 0 || !looker->waiting || !looker->in_body ||
        left > looker->size_bytes - looker->at) {
        looker_lose(look, looker);
        return;
    }
    looker_take_body(looker, look->input + used, left);
    if (looker->at < looker->size_bytes)
        return;
    looker_judge(look, looker);
    if (look->now_us < look->ends_us)
        looker_ask(look, looker);
}

/* Until nobody waits any more. */
static void turn(struct look *look) {
    struct epoll_event ready[EVENTS_PER_WAKE];
    while (look->waiting > 0) {
        int count = epoll_wait(look->epoll, ready, EVENTS_PER_WAKE, SILENCE_MS);
        if (count < 0 && errno == EINTR)
            continue;
        ensure(count >= 0);
        if (count == 0) {
            look->result->lost += look->waiting;
            return;
        }
        look->now_us = clock_monotonic_us();
        for (int i = 0; i < count; i++)
            looker_read(look, ready[i].data.ptr);
    }
}

static bool looker_connect(struct look *look, struct looker *looker,
                           const struct sockaddr_storage *server, socklen_t size) {
    static const int yes = 1;
    struct epoll_event readable = {.events = EPOLLIN, .data.ptr = looker};
    looker->fd = socket(server->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return looker->fd >= 0 && connect(looker->fd, (const struct sockaddr *)server, size) == 0 &&
           setsockopt(looker->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) == 0 &&
           epoll_ctl(look->epoll, EPOLL_CTL_ADD, looker->fd, &readable) == 0;
}

static bool connect_all(struct look *look) {
    struct sockaddr_storage server;
    socklen_t size;
    if (!loopback_from_url(look->plan->url, &server, &size)) {
        fprintf(stderr, "%s is no http://ADDRESS:PORT of loopback\n", look->plan->url);
        return false;
    }
    for (uint32_t i = 0; i < look->plan->connections; i++) {
        if (!looker_connect(look, &look->lookers[i], &server, size)) {
            fprintf(stderr, "connection %u to %s: %s\n", i + 1, look->plan->url, strerror(errno));
            return false;
        }
    }
    return true;
}

static void ask_all(struct look *look, uint32_t connections) {
    look->now_us = clock_monotonic_us();
    for (uint32_t i = 0; i < connections; i++)
        looker_ask(look, &look->lookers[i]);
    turn(look);
}

/* Before the clock runs: what everything is compared with. */
static bool ask_first(struct look *look) {
    look->ends_us = 0;
    look->same.is_gzip = look->plan->gzip;
    ask_all(look, 1);
    bool right = look->result->answers == 1;
    if (!right)
        fprintf(stderr, "GET %s is not answered as it should be\n", look->plan->path);
    look->result->answers = 0;
    look->result->latency_us = (struct histogram){0};
    return right;
}

bool look_run(const struct look_plan *plan, struct look_result *result) {
    struct look *look = calloc(1, sizeof *look + plan->connections * sizeof look->lookers[0]);
    ensure(look != NULL);
    look->plan = plan;
    look->result = result;
    look->epoll = epoll_create1(EPOLL_CLOEXEC);
    ensure(look->epoll >= 0);
    for (uint32_t i = 0; i < plan->connections; i++)
        look->lookers[i].fd = -1;
    int size = snprintf(
        look->request, sizeof look->request, "GET %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", plan->path,
        plan->url + strlen("http://"), plan->gzip ? "Accept-Encoding: gzip\r\n" : "");
    look->request_bytes = look->result->request_bytes = (size_t)size;
    bool measured = false;
    if (size < (int)sizeof look->request && connect_all(look) && ask_first(look)) {
        look->ends_us = clock_monotonic_us() + plan->duration_ms * 1000;
        stopwatch_start(&result->watch);
        ask_all(look, plan->connections);
        stopwatch_stop(&result->watch);
        measured = true;
    }
    for (uint32_t i = 0; i < plan->connections; i++) {
        free(look->lookers[i].other.data);
        if (look->lookers[i].fd >= 0)
            close(look->lookers[i].fd);
    }
    same_body_clear(&look->same);
    close(look->epoll);
    free(look);
    return measured;
}
