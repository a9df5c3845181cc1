/* On every way that an answer takes to a test, one that is not documented fails that test: this
 * program runs itself, as the test that receives the answer, and looks whether it fails. */
#include "tests/support/contract.h"
#include "tests/support/expect.h"
#include "tests/support/folder.h"
#include "tests/support/http_client.h"
#include "tests/support/process.h"
#include "tests/support/relay.h"
#include "tests/support/servers.h"
#include "tests/support/wait.h"
#include "tests/support/ws_client.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LIMIT_MS = 20000 };

#define GENERAL                                                                                    \
    "Date: Fri, 29 May 2099 19:00:00 GMT\r\nX-Request-Id: a\r\nX-Content-Type-Options: nosniff"    \
    "\r\nReferrer-Policy: no-referrer\r\nCross-Origin-Resource-Policy: same-origin\r\n"
#define HEAD(status) "HTTP/1.1 " status " X\r\n" GENERAL "Cache-Control: no-store\r\n"
#define JSON "Content-Type: application/json\r\n"
#define PROBLEM "Content-Type: application/problem+json\r\n"
#define SAYS(code, status, member)                                                                 \
    "{\"type\":\"/problems/" code "\",\"code\":\"" code                                            \
    "\",\"title\":\"x\",\"status\":" status member "}"
#define OPEN                                                                                       \
    "HTTP/1.1 101 X\r\n" GENERAL "Upgrade: websocket\r\nConnection: Upgrade\r\n"                   \
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"

struct answer {
    const char *head;
    const char *body; /* NULL: none */
};

/* Right, and wrong in one thing each. */
struct answers {
    struct answer right, header, status, member;
};

static const struct answers health = {
    .right = {HEAD("200") JSON, "{\"status\":\"ok\"}"},
    .header = {HEAD("200") JSON "X-Mood: good\r\n", "{\"status\":\"ok\"}"},
    .status = {HEAD("418") PROBLEM, SAYS("request-timeout", "418", "")},
    .member = {HEAD("200") JSON, "{\"status\":\"ok\",\"mood\":\"good\"}"},
};
static const struct answers refusal = {
    .right = {HEAD("400") PROBLEM, SAYS("bad-request", "400", "")},
    .header = {HEAD("400") PROBLEM "X-Mood: good\r\n", SAYS("bad-request", "400", "")},
    .status = {HEAD("404") PROBLEM, SAYS("not-found", "404", "")},
    .member = {HEAD("400") PROBLEM, SAYS("bad-request", "400", ",\"mood\":1")},
};
static const struct answers opening = {
    .right = {OPEN, NULL},
    .header = {OPEN "X-Mood: good\r\n", NULL},
    .status = {HEAD("418") PROBLEM, SAYS("bad-request", "418", "")},
    .member = {HEAD("400") PROBLEM, SAYS("bad-request", "400", ",\"mood\":1")},
};

/* --- who answers */

struct server {
    int listener, fd;
    uint16_t port;
    char asked[4096];
    size_t asked_bytes;
    const struct answer *answer; /* NULL: given */
};

static struct server server_create(const struct answer *answer) {
    struct server server = {.fd = -1, .port = port_claim(), .answer = answer};
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons(server.port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    server.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    expect(server.listener >= 0 &&
               bind(server.listener, (const struct sockaddr *)&address, sizeof address) == 0 &&
               listen(server.listener, 1) == 0,
           "can't listen on port %u", server.port);
    return server;
}

static void give(struct server *server) {
    char text[2048], length[64] = "";
    const char *body = server->answer->body != NULL ? server->answer->body : "";
    if (server->answer->body != NULL) {
        (void)snprintf(length, sizeof length, "Content-Length: %zu\r\n", strlen(body));
    }
    int size = snprintf(text, sizeof text, "%s%s\r\n%s", server->answer->head, length, body);
    ensure(size > 0 && (size_t)size < sizeof text);
    ensure(send(server->fd, text, (size_t)size, MSG_NOSIGNAL) == size);
    server->answer = NULL;
}

/* Its part, as far as it can be done now: answers the first request when its head is there. */
static void serve(struct server *server) {
    if (server->fd < 0) {
        server->fd = accept(server->listener, NULL, NULL);
    }
    if (server->fd < 0 || server->answer == NULL) {
        return;
    }
    ssize_t got = recv(server->fd, server->asked + server->asked_bytes,
                       sizeof server->asked - server->asked_bytes, MSG_DONTWAIT);
    server->asked_bytes += got > 0 ? (size_t)got : 0;
    if (server->asked_bytes > 0 &&
        memmem(server->asked, server->asked_bytes, "\r\n\r\n", 4) != NULL) {
        give(server);
    }
}

static void server_destroy(struct server *server) {
    ensure(close(server->fd) == 0 && close(server->listener) == 0);
}

/* --- who receives */

static void take(struct http_connection *connection, struct server *server, struct relay *relay) {
    struct http_answer answer;
    while (!http_connection_take(connection, &answer)) {
        http_drive(&connection, 1, 1);
        if (relay != NULL) {
            relay_drive(relay, 1);
        }
        serve(server);
    }
    assert_int_equal(answer.outcome, HTTP_ANSWERED);
    http_answer_free(&answer);
    http_connection_destroy(connection);
}

static void by_request(struct server *server) {
    struct http_connection *connection = http_connection_create(server->port);
    http_connection_send(connection, &(struct http_request){.method = "GET", .path = "/healthz"},
                         LIMIT_MS);
    take(connection, server, NULL);
}

static void by_bytes(struct server *server) {
    static const char bytes[] = "GET /healthz?a=b HTTP/1.1\r\nHost: x\r\n\r\n";
    struct http_connection *connection = http_connection_create(server->port);
    http_connection_send_bytes(connection, bytes, sizeof bytes - 1, LIMIT_MS);
    take(connection, server, NULL);
}

static void by_noise(struct server *server) {
    static const char bytes[] = "hello, is anybody there?\r\n\r\n";
    struct http_connection *connection = http_connection_create(server->port);
    http_connection_send_bytes(connection, bytes, sizeof bytes - 1, LIMIT_MS);
    take(connection, server, NULL);
}

/* Whose own client does not care, as a browser does not. */
static void by_relay(struct server *server) {
    struct relay *relay = relay_create(server->port);
    struct http_connection *connection = http_connection_create(relay_port(relay));
    const struct http_request request = {.method = "GET", .path = "/healthz", .unchecked = true};
    http_connection_send(connection, &request, LIMIT_MS);
    take(connection, server, relay);
    assert_int_equal(relay_answers(relay), 1);
    relay_destroy(relay);
}

static void by_websocket(struct server *server) {
    struct event_base *base = event_base_new();
    const struct ws_client_config config = {
        .base = base, .port = server->port, .path = "/events/1/live"};
    struct ws_client *client = ws_client_create(&config);
    struct wait wait = wait_at_most(LIMIT_MS);
    while (ws_client_status(client) == 0) {
        expect(!wait_is_over(&wait), "there is no answer");
        ws_client_turn(base);
        serve(server);
    }
    ws_client_destroy(client);
    event_base_free(base);
}

static const struct way {
    const char *name;
    void (*receive)(struct server *server);
    const struct answers *answers;
} ways[] = {
    {"request", by_request, &health},      {"bytes", by_bytes, &health},
    {"noise", by_noise, &refusal},         {"relay", by_relay, &health},
    {"websocket", by_websocket, &opening},
};

/* One way and one answer. */
struct tried {
    const struct way *way;
    const struct answer *answer;
};

static void receives(void **state) {
    const struct tried *tried = *state;
    struct server server = server_create(tried->answer);
    tried->way->receive(&server);
    server_destroy(&server);
}

/* --- who watches */

static void expect_outcome(const struct way *way, const char *what, bool passes) {
    char program[512], folder[FOLDER_PATH_SIZE], log[FOLDER_PATH_SIZE + 16];
    ssize_t size = readlink("/proc/self/exe", program, sizeof program - 1);
    ensure(size > 0);
    program[size] = '\0';
    folder_create(folder);
    (void)snprintf(log, sizeof log, "%s/log", folder);
    const struct process_start start = {
        .name = way->name,
        .arguments = (const char *[]){program, way->name, what, NULL},
        .log_path = log,
    };
    int status = process_run(&start, LIMIT_MS);
    bool is_told = folder_file_contains(log, "not as documented");
    expect((status == 0) == passes && is_told != passes,
           "%s: an answer %s %s: the test that receives it ends with %d", way->name,
           passes ? "that is" : "with a wrong", what, status);
    folder_remove(folder);
}

static void what_is_not_documented_fails_its_test(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        expect_outcome(&ways[i], "right", true);
        expect_outcome(&ways[i], "header", false);
        expect_outcome(&ways[i], "status", false);
        expect_outcome(&ways[i], "member", false);
    }
}

static const struct answer *answer_called(const struct answers *answers, const char *name) {
    return strcmp(name, "right") == 0    ? &answers->right
           : strcmp(name, "header") == 0 ? &answers->header
           : strcmp(name, "status") == 0 ? &answers->status
                                         : &answers->member;
}

int main(int argc, char **argv) {
    for (size_t i = 0; argc == 3 && i < ARRAY_LEN(ways); i++) {
        if (strcmp(argv[1], ways[i].name) == 0) {
            struct tried tried = {&ways[i], answer_called(ways[i].answers, argv[2])};
            const struct CMUnitTest tests[] = {
                cmocka_unit_test_prestate(receives, &tried),
            };
            return cmocka_run_group_tests(tests, NULL, NULL);
        }
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_documented_fails_its_test),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
