#include "tests/support/ws_client.h"

#include "tests/support/contract.h"
#include "tests/support/expect.h"
#include "tests/support/http_message.h"
#include "tests/support/wait.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event_struct.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/queue.h>
#include <sys/socket.h>

/* The example of RFC 6455, 1.3. */
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"

enum { HEADER_MAX_BYTES = 10, MASK_BYTES = 4, TURN_MS = 10 };

struct kept {
    STAILQ_ENTRY(kept) entry;
    struct ws_client_frame frame;
    char payload[];
};

struct ws_client {
    struct ws_client_config config; /* its texts last for the call only */
    char *path;
    struct bufferevent *stream;
    STAILQ_HEAD(, kept) kept;
    struct kept *received; /* handed out the last time */
    uint32_t mask;
    int status;
    bool is_over;
    bool was_reset;
};

/* --- receiving ------------------------------------------------------------------------------- */

static void keep(struct ws_client *client, const struct ws_client_frame *frame) {
    struct kept *kept = malloc(sizeof *kept + frame->size_bytes + 1);
    ensure(kept != NULL);
    kept->frame = (struct ws_client_frame){frame->first, kept->payload, frame->size_bytes};
    if (frame->size_bytes)
        memcpy(kept->payload, frame->payload, frame->size_bytes);
    kept->payload[frame->size_bytes] = '\0';
    STAILQ_INSERT_TAIL(&client->kept, kept, entry);
}

static void take_frame(struct ws_client *client, const struct ws_client_frame *frame) {
    if (!client->config.raw && frame->first == WS_PING) {
        ws_client_send_frame(client, WS_PONG, frame->payload, frame->size_bytes);
        return;
    }
    if (!client->config.raw && frame->first == WS_CLOSE)
        ws_client_send_frame(client, WS_CLOSE, frame->payload, frame->size_bytes < 2 ? 0 : 2);
    if (client->config.on_frame)
        client->config.on_frame(client->config.context, client, frame);
    else
        keep(client, frame);
}

/* The header's size, once it is whole; else 0. */
static size_t read_header(struct evbuffer *input, uint8_t *first, uint64_t *size_bytes) {
    uint8_t header[HEADER_MAX_BYTES];
    ssize_t there = evbuffer_copyout(input, header, sizeof header);
    if (there < 2)
        return 0;
    size_t more = header[1] == 126 ? 2 : header[1] == 127 ? 8 : 0;
    expect(!(header[1] & 0x80), "a server's frame is masked");
    expect(!(header[0] & 0x70), "a reserved bit is set");
    if ((size_t)there < 2 + more)
        return 0;
    *first = header[0];
    *size_bytes = more ? 0 : header[1];
    for (size_t i = 0; i < more; i++)
        *size_bytes = *size_bytes << 8 | header[2 + i];
    size_t shortest = *size_bytes < 126 ? 0 : *size_bytes <= UINT16_MAX ? 2 : 8;
    expect(more == shortest, "a length is longer than need be");
    return 2 + more;
}

static void take_frames(struct ws_client *client, struct evbuffer *input) {
    uint8_t first;
    uint64_t size_bytes;
    size_t header;
    while ((header = read_header(input, &first, &size_bytes)) > 0 &&
           evbuffer_get_length(input) >= header + size_bytes) {
        const char *bytes = (const char *)evbuffer_pullup(input, (ssize_t)(header + size_bytes));
        const struct ws_client_frame frame = {first, bytes + header, (size_t)size_bytes};
        take_frame(client, &frame);
        evbuffer_drain(input, header + size_bytes);
    }
}

static void take_answer(struct ws_client *client, struct evbuffer *input) {
    size_t there = evbuffer_get_length(input);
    const char *bytes = there ? (const char *)evbuffer_pullup(input, -1) : "";
    const struct http_message message = http_message_answer(bytes, there, false);
    if (message.head_bytes == 0 || there < message.head_bytes + message.body_bytes)
        return;
    char *head = http_message_copy(bytes, message.head_bytes);
    char *body = http_message_copy(bytes + message.head_bytes, message.body_bytes);
    client->status = message.status;
    expect(client->status != 101 || strstr(head, ACCEPT), "a wrong answer: %s", head);
    if (!client->config.unchecked)
        contract_expect(&(struct contract_answer){.method = "GET",
                                                  .target = client->path,
                                                  .status = message.status,
                                                  .head = head,
                                                  .body = body,
                                                  .body_bytes = message.body_bytes});
    free(head);
    free(body);
    evbuffer_drain(input, message.head_bytes + message.body_bytes);
}

static void on_input(struct bufferevent *stream, void *context) {
    struct ws_client *client = context;
    struct evbuffer *input = bufferevent_get_input(stream);
    if (client->status == 0)
        take_answer(client, input);
    if (client->status == 101)
        take_frames(client, input);
}

static void on_change(struct bufferevent *stream, short what, void *context) {
    struct ws_client *client = context;
    if (what & BEV_EVENT_CONNECTED)
        return;
    client->is_over = true;
    client->was_reset = what & BEV_EVENT_ERROR;
    bufferevent_disable(stream, EV_READ | EV_WRITE);
}

/* --- life ------------------------------------------------------------------------------------ */

static void ask(struct ws_client *client) {
    const struct ws_client_config *config = &client->config;
    evbuffer_add_printf(bufferevent_get_output(client->stream),
                        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUpgrade: websocket\r\n"
                        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                        "Sec-WebSocket-Key: " KEY "\r\n%s\r\n",
                        config->path, config->port, config->headers ? config->headers : "");
}

struct ws_client *ws_client_create(const struct ws_client_config *config) {
    const struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(config->port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    struct ws_client *client = calloc(1, sizeof *client);
    ensure(client != NULL);
    client->config = *config;
    client->path = strdup(config->path);
    ensure(client->path != NULL);
    client->mask = 0x5af00fa5;
    STAILQ_INIT(&client->kept);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    expect(fd >= 0, "no socket: %s", strerror(errno));
    if (config->receive_bytes)
        ensure(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &config->receive_bytes,
                          sizeof config->receive_bytes) == 0);
    client->stream = bufferevent_socket_new(config->base, fd, BEV_OPT_CLOSE_ON_FREE);
    ensure(client->stream != NULL);
    bufferevent_setcb(client->stream, on_input, NULL, on_change, client);
    ensure(bufferevent_enable(client->stream, EV_READ | EV_WRITE) == 0);
    ask(client);
    ensure(bufferevent_socket_connect(client->stream, (const struct sockaddr *)&address,
                                      sizeof address) == 0);
    return client;
}

void ws_client_destroy(struct ws_client *client) {
    if (!client)
        return;
    bufferevent_free(client->stream);
    while (!STAILQ_EMPTY(&client->kept)) {
        struct kept *kept = STAILQ_FIRST(&client->kept);
        STAILQ_REMOVE_HEAD(&client->kept, entry);
        free(kept);
    }
    free(client->received);
    free(client->path);
    free(client);
}

int ws_client_status(const struct ws_client *client) {
    return client->status;
}

bool ws_client_is_over(const struct ws_client *client) {
    return client->is_over;
}

bool ws_client_was_reset(const struct ws_client *client) {
    return client->was_reset;
}

/* --- sending --------------------------------------------------------------------------------- */

void ws_client_send_raw(struct ws_client *client, const void *bytes, size_t size_bytes) {
    ensure(bufferevent_write(client->stream, bytes, size_bytes) == 0);
}

void ws_client_send_frame(struct ws_client *client, uint8_t first, const void *payload,
                          size_t size_bytes) {
    uint8_t header[HEADER_MAX_BYTES + MASK_BYTES] = {first, (uint8_t)size_bytes};
    size_t more = size_bytes < 126 ? 0 : size_bytes <= UINT16_MAX ? 2 : 8;
    if (more)
        header[1] = more == 2 ? 126 : 127;
    header[1] |= 0x80;
    for (size_t i = 0; i < more; i++)
        header[2 + i] = (uint8_t)((uint64_t)size_bytes >> (8 * (more - 1 - i)));
    client->mask = client->mask * 1664525 + 1013904223;
    memcpy(header + 2 + more, &client->mask, MASK_BYTES);
    size_t header_bytes = 2 + more + MASK_BYTES;
    char *bytes = malloc(header_bytes + size_bytes);
    ensure(bytes != NULL);
    memcpy(bytes, header, header_bytes);
    for (size_t i = 0; i < size_bytes; i++)
        bytes[header_bytes + i] =
            (char)(((const char *)payload)[i] ^ header[2 + more + i % MASK_BYTES]);
    ws_client_send_raw(client, bytes, header_bytes + size_bytes);
    free(bytes);
}

void ws_client_send_text(struct ws_client *client, const char *text) {
    ws_client_send_frame(client, WS_TEXT, text, strlen(text));
}

void ws_client_send_close(struct ws_client *client, uint16_t code) {
    const uint8_t payload[2] = {(uint8_t)(code >> 8), (uint8_t)code};
    ws_client_send_frame(client, WS_CLOSE, payload, sizeof payload);
}

void ws_client_shut(struct ws_client *client) {
    struct evbuffer *output = bufferevent_get_output(client->stream);
    ws_client_wait(client->config.base, evbuffer_get_length(output) == 0 || client->is_over);
    (void)shutdown(bufferevent_getfd(client->stream), SHUT_WR);
}

void ws_client_reset(struct ws_client *client) {
    static const struct linger reset = {.l_onoff = 1};
    int fd = bufferevent_getfd(client->stream);
    ensure(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset) == 0);
    bufferevent_setfd(client->stream, -1);
    evutil_closesocket(fd);
    client->is_over = client->was_reset = true;
}

void ws_client_read(struct ws_client *client, bool reads) {
    if (reads)
        ensure(bufferevent_enable(client->stream, EV_READ) == 0);
    else
        ensure(bufferevent_disable(client->stream, EV_READ) == 0);
}

/* --- waiting --------------------------------------------------------------------------------- */

static void on_turn_over(evutil_socket_t fd UNUSED, short what UNUSED, void *context UNUSED) {
}

void ws_client_turn(struct event_base *base) {
    static const struct timeval limit = {.tv_usec = TURN_MS * 1000};
    struct event turn;
    ensure(event_assign(&turn, base, -1, 0, on_turn_over, NULL) == 0);
    ensure(event_add(&turn, &limit) == 0);
    ensure(event_base_loop(base, EVLOOP_ONCE) >= 0);
    event_del(&turn);
}

int64_t ws_client_now_ms(void) {
    return wait_now_ms();
}

void ws_client_fail(const char *what) {
    fail_msg("never came true: %s", what);
    abort();
}

void ws_client_wait_open(struct ws_client *client) {
    ws_client_wait(client->config.base, client->status != 0 || client->is_over);
    expect(client->status == 101, "answered %d instead of 101", client->status);
}

const struct ws_client_frame *ws_client_receive(struct ws_client *client) {
    ws_client_wait(client->config.base, !STAILQ_EMPTY(&client->kept) || client->is_over);
    free(client->received);
    client->received = STAILQ_FIRST(&client->kept);
    if (!client->received)
        return NULL;
    STAILQ_REMOVE_HEAD(&client->kept, entry);
    return &client->received->frame;
}

static const struct ws_client_frame *expect_frame(struct ws_client *client, uint8_t first) {
    const struct ws_client_frame *frame = ws_client_receive(client);
    expect(frame, "the connection has ended instead of a frame");
    expect(frame->first == first, "a frame %02x '%s' instead of %02x", frame->first, frame->payload,
           first);
    return frame;
}

void ws_client_expect_text(struct ws_client *client, const char *text) {
    const struct ws_client_frame *frame = expect_frame(client, WS_TEXT);
    expect(strcmp(frame->payload, text) == 0, "'%s' instead of '%s'", frame->payload, text);
}

void ws_client_expect_close(struct ws_client *client, uint16_t code) {
    const struct ws_client_frame *frame = expect_frame(client, WS_CLOSE);
    const uint8_t *payload = (const uint8_t *)frame->payload;
    int said = frame->size_bytes < 2 ? 1005 : payload[0] << 8 | payload[1];
    expect(said == code, "closed with %d instead of %d", said, code);
}

void ws_client_expect_over(struct ws_client *client) {
    const struct ws_client_frame *frame = ws_client_receive(client);
    expect(!frame, "a frame %02x '%s' instead of the end", frame->first, frame->payload);
    expect(!client->was_reset, "the connection was reset");
}
