#include "gateway/ws/session.h"

#include "gateway/http/transport.h"
#include "gateway/http/wheel.h"
#include "shared/clock.h"

#include <assert.h>
#include <errno.h>
#include <event2/event_struct.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/socket.h>

enum {
    CLOSES_PER_WAKE = 256, /* of a drain */
    PING_PHASES = 16,      /* sessions that are opened at once are not pinged at once */
};

enum state { OPEN, CLOSING, ENDING, CLOSED };

struct unsent {
    STAILQ_ENTRY(unsent) entry;
    struct ws_frame *frame;
};

struct ws_session {
    struct ws_sessions *sessions;
    struct http_server *server; /* that it came from, and that counts it */
    void *context;
    struct event event;
    LIST_ENTRY(ws_session) entry; /* among the open ones, the ending ones or the closed ones */
    struct http_timer timer;
    struct http_transport transport;
    struct http_buffer input; /* came, not yet looked at */
    struct ws_decoder decoder;
    STAILQ_HEAD(, unsent) unsent;
    uint32_t unsent_bytes;
    uint32_t unsent_frames;
    uint32_t begun_bytes; /* of the first of them, that the socket has taken */
    uint16_t code;
    short watched; /* EV_READ, EV_WRITE */
    uint8_t state;
    bool awaits_pong;
    bool is_shut; /* for writing */
};

static_assert(sizeof(struct ws_session) <= WS_IDLE_BYTES, "an idle session grew");

LIST_HEAD(session_list, ws_session);

struct ws_sessions {
    struct ws_sessions_config config;
    struct event_base *base;
    struct event *tick_event;
    struct event *reap_event;
    struct event *drain_event;
    struct session_list open;
    struct session_list ending; /* CLOSING and ENDING */
    struct session_list closed; /* told and freed by the next reap */
    struct http_wheel wheel;
    struct ws_frame *ping;
    uint32_t count;
    uint32_t opened;
    bool draining;
    char input[WS_INPUT_BYTES];
};

static void on_ready(evutil_socket_t fd, short what, void *context);

/* --- state ----------------------------------------------------------------------------------- */

static void limit(struct ws_session *session, int64_t limit_ms) {
    http_wheel_set(&session->sessions->wheel, &session->timer,
                   clock_monotonic_us() + limit_ms * 1000);
}

static void move(struct ws_session *session, struct session_list *list) {
    LIST_REMOVE(session, entry);
    LIST_INSERT_HEAD(list, session, entry);
}

/* The end of the connection, with or without a close frame. Whoever is working on the session still
 * has its buffers: they go with it, after the loop's turn. */
static void cut(struct ws_session *session) {
    struct ws_sessions *sessions = session->sessions;
    if (session->state == CLOSED)
        return;
    session->state = CLOSED;
    if (session->watched)
        event_del(&session->event);
    session->watched = 0;
    http_wheel_clear(&session->timer);
    http_transport_close(&session->transport);
    move(session, &sessions->closed);
    sessions->count--;
    http_server_release(session->server);
    event_active(sessions->reap_event, EV_TIMEOUT, 0);
}

static void watch(struct ws_session *session, short what) {
    if (session->watched == what)
        return;
    if (session->watched)
        event_del(&session->event);
    session->watched = 0;
    if (event_assign(&session->event, session->sessions->base, session->transport.fd,
                     (short)(what | EV_PERSIST), on_ready, session) != 0 ||
        event_add(&session->event, NULL) != 0) {
        cut(session); /* the kernel has no memory for it */
        return;
    }
    session->watched = what;
}

/* After whatever may have changed the state. */
static void settle(struct ws_session *session) {
    if (session->state == CLOSED)
        return;
    bool has_unsent = !STAILQ_EMPTY(&session->unsent);
    if (session->state == ENDING && !has_unsent && !session->is_shut) {
        session->is_shut = true;
        http_transport_end(&session->transport);
    }
    watch(session, has_unsent ? EV_READ | EV_WRITE : EV_READ);
    bool has_more =
        session->input.size_bytes > 0 || http_transport_has_received(&session->transport);
    if (session->watched && has_more)
        event_active(&session->event, EV_READ, 0);
}

/* --- sending --------------------------------------------------------------------------------- */

/* Returns the bytes that the socket took, 0 when it is full, -1 when the connection is broken. */
static ssize_t send_rest(struct ws_session *session, struct ws_frame *frame, uint32_t begun_bytes) {
    const struct iovec parts[2] = {
        {.iov_base = frame->bytes, .iov_len = 0},
        {.iov_base = frame->bytes + begun_bytes, .iov_len = frame->size_bytes - begun_bytes},
    };
    ssize_t sent = http_transport_send(&session->transport, parts);
    return sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? 0 : sent;
}

static void drop_unsent(struct ws_session *session, struct unsent *unsent) {
    STAILQ_REMOVE(&session->unsent, unsent, unsent, entry);
    session->unsent_bytes -= unsent->frame->size_bytes;
    session->unsent_frames--;
    ws_frame_release(unsent->frame);
    free(unsent);
}

/* Forgets what is kept, but for the frame that may have begun: the peer could read nothing behind
 * half a one, and TLS wants the same bytes again. */
static void drop_all_but_first(struct ws_session *session) {
    struct unsent *first = STAILQ_FIRST(&session->unsent);
    while (first && STAILQ_NEXT(first, entry))
        drop_unsent(session, STAILQ_NEXT(first, entry));
}

static void send_unsent(struct ws_session *session) {
    struct unsent *first;
    while ((first = STAILQ_FIRST(&session->unsent))) {
        ssize_t sent = send_rest(session, first->frame, session->begun_bytes);
        if (sent < 0) {
            cut(session);
            return;
        }
        session->begun_bytes += (uint32_t)sent;
        if (session->begun_bytes < first->frame->size_bytes)
            return;
        session->begun_bytes = 0;
        drop_unsent(session, first);
    }
}

/* Sends the frame behind those that wait. */
static void put(struct ws_session *session, struct ws_frame *frame) {
    ssize_t sent = 0;
    if (STAILQ_EMPTY(&session->unsent))
        sent = send_rest(session, frame, 0);
    if (sent == (ssize_t)frame->size_bytes)
        return;
    struct unsent *unsent = sent < 0 ? NULL : malloc(sizeof *unsent);
    if (!unsent) {
        cut(session);
        return;
    }
    if (STAILQ_EMPTY(&session->unsent))
        session->begun_bytes = (uint32_t)sent;
    unsent->frame = ws_frame_hold(frame);
    STAILQ_INSERT_TAIL(&session->unsent, unsent, entry);
    session->unsent_bytes += frame->size_bytes;
    session->unsent_frames++;
}

/* --- closing --------------------------------------------------------------------------------- */

static void say_goodbye(struct ws_session *session, enum state next, uint16_t code,
                        const char *reason) {
    ensure(session->state == OPEN);
    struct ws_frame *frame = ws_frame_create_close(code, reason);
    if (!frame) {
        cut(session);
        return;
    }
    session->state = (uint8_t)next;
    session->code = code;
    move(session, &session->sessions->ending);
    limit(session, session->sessions->config.close_ms);
    drop_all_but_first(session);
    put(session, frame);
    ws_frame_release(frame);
}

void ws_session_close(struct ws_session *session, uint16_t code, const char *reason) {
    if (session->state != OPEN)
        return;
    say_goodbye(session, CLOSING, code, reason);
    settle(session);
}

void ws_session_send(struct ws_session *session, struct ws_frame *frame) {
    if (session->state != OPEN)
        return;
    put(session, frame);
    bool is_too_much = session->unsent_bytes - session->begun_bytes > WS_UNSENT_MAX_BYTES ||
                       session->unsent_frames > WS_UNSENT_MAX_FRAMES;
    if (session->state == OPEN && is_too_much)
        say_goodbye(session, CLOSING, WS_CLOSE_TRY_LATER, "too slow");
    settle(session);
}

/* --- receiving ------------------------------------------------------------------------------- */

static void answer_ping(struct ws_session *session, const struct ws_received *ping) {
    struct ws_frame *pong = ws_frame_create(WS_OPCODE_PONG, ping->data, ping->size_bytes);
    if (!pong) {
        cut(session);
        return;
    }
    ws_session_send(session, pong);
    ws_frame_release(pong);
}

static void take_open(struct ws_session *session, const struct ws_received *received) {
    switch (received->kind) {
    case WS_RECEIVED_NOTHING:
        break;
    case WS_RECEIVED_TEXT:
        session->sessions->config.on_text(session->context, session, received->data,
                                          received->size_bytes);
        break;
    case WS_RECEIVED_PING:
        answer_ping(session, received);
        break;
    case WS_RECEIVED_PONG:
        session->awaits_pong = false;
        break;
    case WS_RECEIVED_CLOSE: /* answered with its own code (RFC 6455, 5.5.1) */
    case WS_RECEIVED_VIOLATION:
        say_goodbye(session, ENDING, received->code, "");
        break;
    }
}

/* Takes what is whole out of `data`. Returns the bytes used. */
static size_t take_items(struct ws_session *session, char *data, size_t size_bytes) {
    size_t used = 0;
    struct ws_received received = {.kind = WS_RECEIVED_TEXT};
    for (unsigned items = 0; session->state == OPEN || session->state == CLOSING; items++) {
        if (received.kind == WS_RECEIVED_NOTHING ||
            (items == WS_ITEMS_PER_WAKE && used < size_bytes))
            return used;
        used += ws_decoder_take(&session->decoder, data + used, size_bytes - used, &received);
        if (session->state == OPEN)
            take_open(session, &received);
        else if (received.kind == WS_RECEIVED_CLOSE || received.kind == WS_RECEIVED_VIOLATION)
            session->state = ENDING;
    }
    return size_bytes; /* nobody listens any more */
}

static void take_waiting_input(struct ws_session *session) {
    struct http_buffer *input = &session->input;
    http_buffer_drop(input, take_items(session, input->data, input->size_bytes));
    if (input->size_bytes == 0)
        http_buffer_reset(input, 0);
}

static void receive(struct ws_session *session) {
    if (session->input.size_bytes > 0) {
        take_waiting_input(session);
        return;
    }
    char *data = session->sessions->input;
    ssize_t received = http_transport_receive(&session->transport, data, WS_INPUT_BYTES);
    if (received > 0) {
        size_t used = take_items(session, data, (size_t)received);
        if (!http_buffer_add(&session->input, data + used, (size_t)received - used))
            cut(session);
    } else if (received == 0 || (errno != EAGAIN && errno != EINTR)) {
        cut(session); /* the peer left */
    }
}

static void on_ready(evutil_socket_t fd UNUSED, short what, void *context) {
    struct ws_session *session = context;
    if (what & EV_WRITE)
        send_unsent(session);
    if (what & EV_READ && session->state != CLOSED)
        receive(session);
    settle(session);
}

/* --- time ------------------------------------------------------------------------------------ */

static void on_due(void *context UNUSED, struct http_timer *timer) {
    char *at = (char *)timer - offsetof(struct ws_session, timer);
    struct ws_session *session = (struct ws_session *)(void *)at;
    struct ws_sessions *sessions = session->sessions;
    if (session->state != OPEN || session->awaits_pong) {
        cut(session);
        return;
    }
    session->awaits_pong = true;
    limit(session, sessions->config.ping_ms);
    ws_session_send(session, sessions->ping);
}

static void on_tick(evutil_socket_t fd UNUSED, short what UNUSED, void *context) {
    struct ws_sessions *sessions = context;
    http_wheel_advance(&sessions->wheel, clock_monotonic_us(), on_due, sessions);
}

/* By a timeout, so that what has come for others is looked at in between. */
static void go_on_draining(struct ws_sessions *sessions) {
    static const struct timeval now = {0};
    event_add(sessions->drain_event, &now);
}

/* --- life ------------------------------------------------------------------------------------ */

struct ws_session *ws_session_open(struct ws_sessions *sessions, const struct http_taken *taken,
                                   void *context) {
    static const int unsent_bytes = WS_KERNEL_UNSENT_BYTES;
    struct http_transport transport = *taken->transport;
    struct ws_session *session = calloc(1, sizeof *session);
    if (!session || !http_buffer_add(&session->input, taken->data, taken->size_bytes)) {
        free(session);
        http_transport_close(&transport);
        http_server_release(taken->server);
        return NULL;
    }
    session->sessions = sessions;
    session->server = taken->server;
    session->context = context;
    session->transport = transport;
    session->code = WS_CLOSE_ABNORMAL;
    STAILQ_INIT(&session->unsent);
    LIST_INSERT_HEAD(&sessions->open, session, entry);
    sessions->count++;
    /* at least half of the time until the next, so that they spread */
    int64_t ping_ms = sessions->config.ping_ms;
    limit(session, ping_ms - ping_ms / 2 * (sessions->opened++ % PING_PHASES) / PING_PHASES);
    (void)setsockopt(transport.fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent_bytes,
                     sizeof unsent_bytes);
    settle(session);
    if (sessions->draining)
        go_on_draining(sessions);
    return session;
}

static void free_session(struct ws_session *session) {
    while (!STAILQ_EMPTY(&session->unsent))
        drop_unsent(session, STAILQ_FIRST(&session->unsent));
    ws_decoder_free(&session->decoder);
    http_buffer_reset(&session->input, 0);
    free(session);
}

static void on_reap(evutil_socket_t fd UNUSED, short what UNUSED, void *context) {
    struct ws_sessions *sessions = context;
    struct ws_session *session;
    while ((session = LIST_FIRST(&sessions->closed))) {
        LIST_REMOVE(session, entry);
        sessions->config.on_closed(session->context, session, session->code);
        free_session(session);
    }
}

static void on_drain(evutil_socket_t fd UNUSED, short what UNUSED, void *context) {
    struct ws_sessions *sessions = context;
    for (unsigned i = 0; i < CLOSES_PER_WAKE && !LIST_EMPTY(&sessions->open); i++)
        ws_session_close(LIST_FIRST(&sessions->open), WS_CLOSE_GOING_AWAY, "");
    if (!LIST_EMPTY(&sessions->open))
        go_on_draining(sessions);
}

void ws_sessions_drain(struct ws_sessions *sessions) {
    sessions->draining = true;
    go_on_draining(sessions);
}

static bool create_events(struct ws_sessions *sessions) {
    static const struct timeval tick = {.tv_usec = HTTP_TICK_MS * 1000};
    sessions->tick_event = event_new(sessions->base, -1, EV_PERSIST, on_tick, sessions);
    sessions->reap_event = event_new(sessions->base, -1, 0, on_reap, sessions);
    sessions->drain_event = event_new(sessions->base, -1, 0, on_drain, sessions);
    return sessions->tick_event && sessions->reap_event && sessions->drain_event &&
           event_add(sessions->tick_event, &tick) == 0;
}

struct ws_sessions *ws_sessions_create(struct event_base *base,
                                       const struct ws_sessions_config *config) {
    struct ws_sessions *sessions = calloc(1, sizeof *sessions);
    if (!sessions)
        return NULL;
    sessions->config = *config;
    sessions->base = base;
    LIST_INIT(&sessions->open);
    LIST_INIT(&sessions->ending);
    LIST_INIT(&sessions->closed);
    http_wheel_init(&sessions->wheel, clock_monotonic_us());
    sessions->ping = ws_frame_create(WS_OPCODE_PING, NULL, 0);
    if (!sessions->ping || !create_events(sessions)) {
        ws_sessions_destroy(sessions);
        return NULL;
    }
    return sessions;
}

void ws_sessions_destroy(struct ws_sessions *sessions) {
    if (!sessions)
        return;
    while (!LIST_EMPTY(&sessions->open))
        cut(LIST_FIRST(&sessions->open));
    while (!LIST_EMPTY(&sessions->ending))
        cut(LIST_FIRST(&sessions->ending));
    on_reap(-1, 0, sessions);
    struct event *events[] = {sessions->tick_event, sessions->reap_event, sessions->drain_event};
    for (size_t i = 0; i < ARRAY_LEN(events); i++)
        if (events[i])
            event_free(events[i]);
    ws_frame_release(sessions->ping);
    free(sessions);
}

uint32_t ws_sessions_count(const struct ws_sessions *sessions) {
    return sessions->count;
}
