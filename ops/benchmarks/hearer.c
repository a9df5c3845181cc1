#include "ops/benchmarks/hearer.h"

#include "ops/benchmarks/web_socket.h"
#include "shared/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    INPUT_BYTES = HEARER_FRAME_MAX_BYTES + 4, /* a whole frame */
    EVENTS_PER_TURN = 256,
};

struct ear {
    int fd;
    bool is_upgraded;
    bool is_greeted;
    uint32_t kept_bytes;
    uint32_t heard; /* frames of news */
    char *kept;     /* NULL, or what has come of an unfinished frame */
};

struct hearer {
    const struct hearer_plan *plan;
    struct hearer_desk *desk;
    int poll;
    uint32_t greeted;
    int64_t now_us; /* when this turn began */
    struct ear *ears;
};

static void ring(const struct hearer *hearer) {
    static const uint64_t once = 1;
    ensure(write(hearer->plan->bell, &once, sizeof once) == sizeof once);
}

__attribute__((format(printf, 2, 3))) static _Noreturn void fail(struct hearer *hearer,
                                                                 const char *why, ...) {
    va_list values;
    va_start(values, why);
    (void)vsnprintf(hearer->desk->why, sizeof hearer->desk->why, why, values);
    va_end(values);
    hearer->desk->failed = true;
    ring(hearer);
    _exit(1);
}

/* --- what comes ------------------------------------------------------------------------------ */

/* Frames come by the ten thousand: no time to read JSON as it should be. -1: there is none. */
static int64_t number_after(const char *text, const char *name) {
    const char *found = strstr(text, name);
    return found ? strtoll(found + strlen(name), NULL, 10) : -1;
}

static void take_hello(struct hearer *hearer, struct ear *ear, const char *text) {
    int64_t version = number_after(text, "\"seatsVersion\":");
    if (ear->is_greeted)
        fail(hearer, "greeted twice: %s", text);
    if (hearer->greeted++ == 0)
        hearer->desk->version = version;
    if (version < 0 || version != hearer->desk->version)
        fail(hearer, "greeted with another version: %s", text);
    ear->is_greeted = true;
}

/* The first to hear of it. */
static void note_news(struct hearer *hearer, uint32_t number, const char *text, size_t size_bytes) {
    struct hearer_desk *desk = hearer->desk;
    if (number == HEARER_NEWS_MAX)
        fail(hearer, "too much news: %s", text);
    struct hearer_news *news = &desk->news[number];
    int64_t known = number > 0 ? desk->news[number - 1].version : desk->version;
    if (news->heard > 0)
        fail(hearer, "not what others heard, '%s': %s", news->text, text);
    news->first_us = hearer->now_us;
    news->version = number_after(text, "\"version\":");
    news->size_bytes = (uint32_t)size_bytes;
    memcpy(news->text, text, size_bytes);
    if (hearer->plan->path && (number_after(text, "\"from\":") != known || news->version <= known))
        fail(hearer, "does not lead on from %" PRId64 ": %s", known, text);
}

static void count_news(struct hearer *hearer, struct ear *ear) {
    struct hearer_news *news = &hearer->desk->news[ear->heard++];
    if (++news->heard < hearer->plan->sockets)
        return;
    news->last_us = clock_monotonic_us();
    hearer->desk->told = ear->heard;
    ring(hearer);
}

static bool is_known(const struct hearer *hearer, const struct ear *ear, const char *text,
                     size_t size_bytes) {
    if (ear->heard == HEARER_NEWS_MAX)
        return false;
    const struct hearer_news *news = &hearer->desk->news[ear->heard];
    return news->heard > 0 && size_bytes == news->size_bytes &&
           memcmp(text, news->text, size_bytes) == 0;
}

static void take_text(struct hearer *hearer, struct ear *ear, const char *text, size_t size_bytes) {
    char whole[HEARER_FRAME_MAX_BYTES + 1];
    if (is_known(hearer, ear, text, size_bytes)) {
        count_news(hearer, ear);
        return;
    }
    memcpy(whole, text, size_bytes);
    whole[size_bytes] = '\0';
    if (strstr(whole, "\"type\":\"seats\"")) {
        note_news(hearer, ear->heard, whole, size_bytes);
        count_news(hearer, ear);
    } else if (strstr(whole, "\"type\":\"hello\"")) {
        take_hello(hearer, ear, whole);
    } else if (!strstr(whole, "\"type\":\"queue\"") && !strstr(whole, "\"type\":\"message\"")) {
        fail(hearer, "not understood: %s", whole);
    }
}

static void answer_ping(struct hearer *hearer, const struct ear *ear) {
    if (!web_socket_send_pong(ear->fd))
        fail(hearer, "a pong could not be sent: %s", strerror(errno));
}

/* Returns the bytes of the first frame, or of the answer to the handshake, once it is whole and
 * taken, else 0. */
static size_t take_one(struct hearer *hearer, struct ear *ear, const char *data, size_t there) {
    struct web_socket_frame frame;
    switch (ear->is_upgraded ? web_socket_read_frame(data, there, &frame)
                             : web_socket_read_answer(data, there, &frame)) {
    case WEB_SOCKET_NOTHING:
        return 0;
    case WEB_SOCKET_OPEN:
        ear->is_upgraded = true;
        break;
    case WEB_SOCKET_TEXT:
        take_text(hearer, ear, frame.payload, frame.payload_bytes);
        break;
    case WEB_SOCKET_PING:
        answer_ping(hearer, ear);
        break;
    case WEB_SOCKET_CLOSE:
    case WEB_SOCKET_STRANGE:
        fail(hearer, "not understood: %.*s", (int)there, data);
    }
    return frame.size_bytes;
}

static void keep_rest(struct ear *ear, const char *data, size_t size_bytes) {
    free(ear->kept);
    ear->kept = NULL;
    ear->kept_bytes = (uint32_t)size_bytes;
    if (size_bytes == 0)
        return;
    ear->kept = malloc(size_bytes);
    ensure(ear->kept != NULL);
    memcpy(ear->kept, data, size_bytes);
}

/* Whatever has come on that socket: it is told of once only. */
static void hear(struct hearer *hearer, struct ear *ear) {
    char data[INPUT_BYTES];
    size_t there = ear->kept_bytes;
    size_t room;
    ssize_t got;
    if (there > 0)
        memcpy(data, ear->kept, there);
    do {
        room = sizeof data - there;
        got = recv(ear->fd, data + there, room, 0);
        if (got == 0 || (got < 0 && errno != EAGAIN))
            fail(hearer, "a connection ended: %s", got == 0 ? "in order" : strerror(errno));
        there += got > 0 ? (size_t)got : 0;
        size_t used = 0, size_bytes;
        do {
            size_bytes = take_one(hearer, ear, data + used, there - used);
            used += size_bytes;
        } while (size_bytes > 0);
        there -= used;
        memmove(data, data + used, there);
    } while (got == (ssize_t)room);
    if (there > 0 || ear->kept)
        keep_rest(ear, data, there);
}

static void turn(struct hearer *hearer) {
    struct epoll_event events[EVENTS_PER_TURN];
    int count = epoll_wait(hearer->poll, events, EVENTS_PER_TURN, -1);
    hearer->now_us = clock_monotonic_us();
    for (int i = 0; i < count; i++)
        hear(hearer, events[i].data.ptr);
}

/* --- opening --------------------------------------------------------------------------------- */

/* Numbers of ports end before an address's sockets do. */
static struct sockaddr_in own_address(const struct hearer *hearer, uint32_t number) {
    uint32_t host = 1 + number / HEARER_SOCKETS_PER_ADDRESS;
    return (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK + ((hearer->plan->number + 1) << 16) + host)};
}

static void ear_open(struct hearer *hearer, uint32_t number) {
    const struct hearer_plan *plan = hearer->plan;
    const struct sockaddr_storage *server = &plan->servers[number % plan->server_count];
    const struct sockaddr_in own = own_address(hearer, number);
    struct ear *ear = &hearer->ears[number];
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = ear};
    static const int yes = 1;
    ear->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (ear->fd < 0 ||
        setsockopt(ear->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes) != 0 ||
        bind(ear->fd, (const struct sockaddr *)&own, sizeof own) != 0 ||
        connect(ear->fd, (const struct sockaddr *)server, sizeof(struct sockaddr_in)) != 0 ||
        fcntl(ear->fd, F_SETFL, O_NONBLOCK) != 0 ||
        epoll_ctl(hearer->poll, EPOLL_CTL_ADD, ear->fd, &event) != 0)
        fail(hearer, "socket %u could not be opened: %s", number, strerror(errno));
    if (plan->path && !web_socket_ask(ear->fd, plan->path))
        fail(hearer, "a handshake could not be sent: %s", strerror(errno));
    if (!plan->path) {
        ear->is_upgraded = true;
        hearer->greeted++;
    }
}

void hearer_run(const struct hearer_plan *plan) {
    struct hearer *hearer = calloc(1, sizeof *hearer);
    ensure(hearer != NULL);
    hearer->plan = plan;
    hearer->desk = plan->desk;
    hearer->poll = epoll_create1(EPOLL_CLOEXEC);
    hearer->ears = calloc(plan->sockets, sizeof *hearer->ears);
    ensure(hearer->poll >= 0 && hearer->ears != NULL);
    for (uint32_t i = 0; i < plan->sockets; i++) {
        ear_open(hearer, i);
        while (i + 1 - hearer->greeted >= HEARER_AT_ONCE)
            turn(hearer);
    }
    while (hearer->greeted < plan->sockets)
        turn(hearer);
    plan->desk->open = true;
    ring(hearer);
    while (true)
        turn(hearer);
}
