#include "ops/benchmarks/drop_private.h"

#include "ops/benchmarks/loopback.h"
#include "ops/benchmarks/web_socket.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

enum { INPUT_BYTES = 128 * 1024 };

/* Somebody who watches the event, told of their turn. */
struct watcher {
    struct watcher *next;
    struct drop *drop;
    struct person *person;
    struct event *readable; /* NULL: the connection has ended */
    int fd;
    bool open;
    bool called;     /* told so, or the room has come to their number */
    int64_t version; /* of the seats; -1: not greeted */
    uint64_t now_serving;
    size_t kept_bytes;
    char *kept; /* what has come of an unfinished frame */
};

static void watcher_close(struct watcher *watcher) {
    if (watcher->readable == NULL)
        return;
    event_free(watcher->readable);
    watcher->readable = NULL;
    close(watcher->fd);
}

/* From here on they see what the crowd sees. */
static void cut(struct watcher *watcher) {
    struct drop *drop = watcher->drop;
    watcher_close(watcher);
    drop->result->watchers_cut++;
    if (!watcher->called)
        drop_person_wait(drop, watcher->person);
}

static void wrong(struct watcher *watcher, const char *text, const char *why) {
    const struct answer said = {.body = text, .body_bytes = strlen(text)};
    drop_wrong(watcher->drop, watcher->person, &said, why);
}

/* --- what they are told */

/* Frames come by the ten thousand a second: no time to read all of their JSON. -1: there is none.
 */
static int64_t number_after(const char *text, const char *name) {
    const char *found = strstr(text, name);
    return found != NULL ? strtoll(found + strlen(name), NULL, 10) : -1;
}

static void call(struct watcher *watcher) {
    if (watcher->called)
        return;
    watcher->called = true;
    drop_person_called(watcher->drop, watcher->person);
}

static void take_seats(struct watcher *watcher, const char *text) {
    int64_t from = number_after(text, "\"from\":");
    int64_t version = number_after(text, "\"version\":");
    if (from < 0 || from > watcher->version || version <= from)
        wrong(watcher, text, "these seats don't lead on");
    else if (watcher->version < version)
        watcher->version = version;
}

static void take_queue(struct watcher *watcher, const char *text) {
    int64_t serving = number_after(text, "\"nowServing\":");
    if (serving < 0 || (uint64_t)serving < watcher->now_serving) {
        wrong(watcher, text, "the door goes back");
        return;
    }
    watcher->now_serving = (uint64_t)serving;
    if (watcher->now_serving >= watcher->person->number)
        call(watcher);
}

static void take_turn(struct watcher *watcher, const char *text) {
    if ((uint64_t)number_after(text, "\"number\":") != watcher->person->number) {
        wrong(watcher, text, "it is not their turn");
        return;
    }
    watcher->drop->result->turns_told++;
    if (strstr(text, "\"state\":\"CALLED\"") != NULL)
        call(watcher);
}

static void take_booking(struct watcher *watcher, const char *text) {
    const struct purchase *purchase = watcher->person->purchase;
    watcher->drop->result->bookings_told++;
    if (purchase != NULL && purchase->booking[0] != '\0' && strstr(text, purchase->booking) == NULL)
        wrong(watcher, text, "it is not their booking");
}

static void take_auth(struct watcher *watcher, const char *text) {
    const struct drop *drop = watcher->drop;
    if (strstr(text, drop->plan->guests[watcher->person - drop->people].user) == NULL)
        wrong(watcher, text, "it is not them");
}

static void take_hello(struct watcher *watcher, const char *text) {
    watcher->version = number_after(text, "\"seatsVersion\":");
    if (watcher->version < 0)
        wrong(watcher, text, "it greets with no version");
}

static void take_text(struct watcher *watcher, const char *payload, size_t size_bytes) {
    static const struct {
        const char *type;
        void (*take)(struct watcher *watcher, const char *text);
    } kinds[] = {{"seats", take_seats}, {"queue", take_queue},     {"turn", take_turn},
                 {"auth", take_auth},   {"booking", take_booking}, {"hello", take_hello}};
    static const char begin[] = "{\"type\":\"";
    char *text = strndup(payload, size_bytes);
    ensure(text != NULL);
    watcher->drop->result->frames++;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        size_t type_bytes = strlen(kinds[i].type);
        if (strncmp(text, begin, sizeof begin - 1) == 0 &&
            strncmp(text + sizeof begin - 1, kinds[i].type, type_bytes) == 0) {
            kinds[i].take(watcher, text);
            free(text);
            return;
        }
    }
    wrong(watcher, text, "nobody knows what this is");
    free(text);
}

static bool say_who(const struct watcher *watcher) {
    const struct drop *drop = watcher->drop;
    char text[WEB_SOCKET_TEXT_MAX_BYTES];
    int size_bytes = snprintf(text, sizeof text, "{\"type\":\"auth\",\"token\":\"%s\"}",
                              drop->plan->guests[watcher->person - drop->people].token);
    ensure(size_bytes > 0 && (size_t)size_bytes < sizeof text);
    return web_socket_send_text(watcher->fd, text, (size_t)size_bytes);
}

/* Returns the bytes of the first thing that is there, once it is whole and taken; 0: there is none
 * yet, or the connection has ended. */
static size_t take_one(struct watcher *watcher, const char *bytes, size_t there) {
    struct web_socket_frame frame;
    enum web_socket_found found = watcher->open ? web_socket_read_frame(bytes, there, &frame)
                                                : web_socket_read_answer(bytes, there, &frame);
    bool goes_on = true;
    switch (found) {
    case WEB_SOCKET_NOTHING:
        return 0;
    case WEB_SOCKET_OPEN:
        watcher->open = true;
        watcher->drop->result->watchers++;
        goes_on = say_who(watcher);
        break;
    case WEB_SOCKET_TEXT:
        take_text(watcher, frame.payload, frame.payload_bytes);
        break;
    case WEB_SOCKET_PING:
        goes_on = web_socket_send_pong(watcher->fd);
        break;
    case WEB_SOCKET_CLOSE:
    case WEB_SOCKET_STRANGE:
        goes_on = false;
        break;
    }
    if (!goes_on)
        cut(watcher);
    return goes_on ? frame.size_bytes : 0;
}

static void keep_rest(struct watcher *watcher, const char *bytes, size_t size_bytes) {
    free(watcher->kept);
    watcher->kept = NULL;
    watcher->kept_bytes = size_bytes;
    if (size_bytes == 0)
        return;
    watcher->kept = malloc(size_bytes);
    ensure(watcher->kept != NULL);
    memcpy(watcher->kept, bytes, size_bytes);
}

static void on_readable(evutil_socket_t fd, short what, void *context) {
    (void)what;
    struct watcher *watcher = context;
    char bytes[INPUT_BYTES];
    size_t there = watcher->kept_bytes;
    if (there > 0)
        memcpy(bytes, watcher->kept, there);
    ssize_t got = recv(fd, bytes + there, sizeof bytes - there, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        cut(watcher);
        return;
    }
    there += (size_t)got;
    size_t used = 0;
    for (size_t taken; (taken = take_one(watcher, bytes + used, there - used)) > 0;)
        used += taken;
    if (watcher->readable != NULL && (there > used || watcher->kept != NULL))
        keep_rest(watcher, bytes + used, there - used);
}

/* --- watching */

void drop_watch(struct drop *drop, struct person *person) {
    struct watcher *watcher = calloc(1, sizeof *watcher);
    char path[64];
    ensure(watcher != NULL);
    *watcher = (struct watcher){
        .next = drop->watchers, .drop = drop, .person = person, .version = -1, .fd = -1};
    drop->watchers = watcher;
    (void)snprintf(path, sizeof path, "/events/%" PRIu64 "/live", drop->plan->event);
    watcher->fd = client_connect(drop->client, (uint32_t)(person - drop->people));
    if (watcher->fd < 0) {
        cut(watcher);
        return;
    }
    watcher->readable = event_new(client_base(drop->client), watcher->fd, EV_READ | EV_PERSIST,
                                  on_readable, watcher);
    ensure(watcher->readable != NULL && event_add(watcher->readable, NULL) == 0);
    if (!web_socket_ask(watcher->fd, path))
        cut(watcher);
}

void drop_watch_end(struct drop *drop) {
    while (drop->watchers != NULL) {
        struct watcher *watcher = drop->watchers;
        drop->watchers = watcher->next;
        watcher_close(watcher);
        free(watcher->kept);
        free(watcher);
    }
}
