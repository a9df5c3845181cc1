#include "tests/support/relay.h"

#include "tests/support/contract.h"
#include "tests/support/expect.h"
#include "tests/support/http_message.h"
#include "tests/support/servers.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_BYTES = 65536 };

/* What came and was not yet held to the document. */
struct bytes {
    char *data;
    size_t size_bytes;
};

struct pair {
    int client, server;
    struct bytes asked, answered;
    bool is_upgraded;
};

struct relay {
    uint16_t to, port;
    int fd;
    size_t pair_count;
    struct pair pairs[RELAY_PAIRS_MAX];
    size_t answers, preflights;
};

static struct sockaddr_in address_of(uint16_t port) {
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

struct relay *relay_create(uint16_t to) {
    static const int yes = 1;
    struct relay *relay = calloc(1, sizeof *relay);
    ensure(relay != NULL);
    relay->to = to;
    relay->port = port_claim();
    relay->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const struct sockaddr_in address = address_of(relay->port);
    expect(relay->fd >= 0 &&
               setsockopt(relay->fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
               bind(relay->fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
               listen(relay->fd, RELAY_PAIRS_MAX) == 0,
           "can't listen on port %u: %s", relay->port, strerror(errno));
    return relay;
}

static void close_pair(struct relay *relay, size_t index) {
    struct pair *pair = &relay->pairs[index];
    (void)close(pair->client);
    (void)close(pair->server);
    free(pair->asked.data);
    free(pair->answered.data);
    *pair = relay->pairs[--relay->pair_count];
}

void relay_destroy(struct relay *relay) {
    if (relay == NULL) {
        return;
    }
    while (relay->pair_count > 0) {
        close_pair(relay, relay->pair_count - 1);
    }
    (void)close(relay->fd);
    free(relay);
}

uint16_t relay_port(const struct relay *relay) {
    return relay->port;
}

size_t relay_answers(const struct relay *relay) {
    return relay->answers;
}

size_t relay_preflights(const struct relay *relay) {
    return relay->preflights;
}

/* --- answers ---------------------------------------------------------------------------------- */

static void add(struct bytes *bytes, const char *data, size_t size_bytes) {
    bytes->data = realloc(bytes->data, bytes->size_bytes + size_bytes);
    ensure(bytes->data != NULL);
    memcpy(bytes->data + bytes->size_bytes, data, size_bytes);
    bytes->size_bytes += size_bytes;
}

static void drop(struct bytes *bytes, size_t size_bytes) {
    bytes->size_bytes -= size_bytes;
    memmove(bytes->data, bytes->data + size_bytes, bytes->size_bytes);
}

/* The next answer, when it is whole. */
static bool check_next(struct relay *relay, struct pair *pair) {
    struct bytes *asked = &pair->asked, *answered = &pair->answered;
    struct http_message_request request = {.method = ""};
    bool is_request = http_message_request(asked->data, asked->size_bytes, &request);
    const struct http_message answer = http_message_answer(answered->data, answered->size_bytes,
                                                           strcmp(request.method, "HEAD") == 0);
    size_t answer_bytes = answer.head_bytes + answer.body_bytes;
    if (answer.head_bytes == 0 || answered->size_bytes < answer_bytes) {
        return false;
    }
    char *head = http_message_copy(answered->data, answer.head_bytes);
    char *body = http_message_copy(answered->data + answer.head_bytes, answer.body_bytes);
    contract_expect(&(struct contract_answer){.method = is_request ? request.method : NULL,
                                              .target = request.target,
                                              .status = answer.status,
                                              .head = head,
                                              .body = body,
                                              .body_bytes = answer.body_bytes});
    free(head);
    free(body);
    relay->answers++;
    relay->preflights += strcmp(request.method, "OPTIONS") == 0;
    pair->is_upgraded = answer.status == 101;
    size_t request_bytes = http_message_request_bytes(asked->data, asked->size_bytes);
    bool is_whole = request_bytes > 0 && request_bytes <= asked->size_bytes;
    drop(asked, is_whole ? request_bytes : asked->size_bytes);
    drop(answered, answer_bytes);
    return !pair->is_upgraded;
}

/* --- bytes ------------------------------------------------------------------------------------ */

/* Both sides read at once whatever comes, so a blocking send ends. */
static void send_all(int fd, const char *data, size_t size_bytes) {
    while (size_bytes > 0) {
        ssize_t sent = send(fd, data, size_bytes, MSG_NOSIGNAL);
        if (sent <= 0) {
            return; /* the other side has gone, which is noticed by reading */
        }
        data += sent;
        size_bytes -= (size_t)sent;
    }
}

/* False: this side has ended. */
static bool pass(int from, int to, struct bytes *kept, bool is_upgraded) {
    char data[READ_BYTES];
    ssize_t got = recv(from, data, sizeof data, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return true;
    }
    if (got <= 0) {
        return false;
    }
    if (!is_upgraded) {
        add(kept, data, (size_t)got);
    }
    send_all(to, data, (size_t)got);
    return true;
}

static void take_client(struct relay *relay) {
    int client = accept4(relay->fd, NULL, NULL, SOCK_CLOEXEC);
    if (client < 0) {
        return;
    }
    const struct sockaddr_in address = address_of(relay->to);
    int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    expect(server >= 0 && connect(server, (const struct sockaddr *)&address, sizeof address) == 0,
           "port %u: %s", relay->to, strerror(errno));
    relay->pairs[relay->pair_count++] = (struct pair){.client = client, .server = server};
}

void relay_drive(struct relay *relay, int timeout_ms) {
    struct pollfd ends[2 * RELAY_PAIRS_MAX + 1];
    size_t pairs = relay->pair_count;
    for (size_t i = 0; i < pairs; i++) {
        ends[2 * i] = (struct pollfd){.fd = relay->pairs[i].client, .events = POLLIN};
        ends[2 * i + 1] = (struct pollfd){.fd = relay->pairs[i].server, .events = POLLIN};
    }
    ends[2 * pairs] =
        (struct pollfd){.fd = pairs < RELAY_PAIRS_MAX ? relay->fd : -1, .events = POLLIN};
    if (poll(ends, (nfds_t)(2 * pairs + 1), timeout_ms) <= 0) {
        return;
    }
    for (size_t i = pairs; i-- > 0;) {
        struct pair *pair = &relay->pairs[i];
        bool is_open = (ends[2 * i].revents == 0 ||
                        pass(pair->client, pair->server, &pair->asked, pair->is_upgraded)) &&
                       (ends[2 * i + 1].revents == 0 ||
                        pass(pair->server, pair->client, &pair->answered, pair->is_upgraded));
        while (!pair->is_upgraded && check_next(relay, pair)) {
            /* what was pipelined */
        }
        if (!is_open) {
            close_pair(relay, i);
        }
    }
    if (ends[2 * pairs].revents != 0) {
        take_client(relay);
    }
}
