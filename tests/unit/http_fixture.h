/*
 * http_fixture: a real HTTP server on a loop in the test's own thread, and raw socket clients. The
 * loop turns while a client waits, so a test reads top to bottom without threads.
 *
 * The server's routes, by path; OPTIONS of any is a preflight:
 *   /echo      200, the request's body
 *   /text/…    200, the decoded path
 *   /later     kept in `waiting` until the test answers
 *   /page      200, a page of HTML
 *   /nothing   204, with a body that must not be sent
 *   /same      304, likewise
 *   /large     200, LARGE_BYTES of shared body
 *   /admin/…   200, the body's size; may have HTTP_ADMIN_BODY_MAX_BYTES
 */
#ifndef USHER_TESTS_UNIT_HTTP_FIXTURE_H
#define USHER_TESTS_UNIT_HTTP_FIXTURE_H

#include "gateway/http/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/ssl.h>

enum { LARGE_BYTES = 16 * 1024 * 1024, WAITING_MAX = 64, FIXTURE_WAIT_MS = 30000 };

struct fixture {
    struct event_base *base;
    struct http_server *server;
    struct http_server_config config;
    struct http_request *waiting[WAITING_MAX];
    unsigned waiting_count;
    unsigned served; /* requests handed to the handler */
    unsigned gone;
    unsigned problems;
    unsigned shared;   /* bodies */
    unsigned released; /* of these */
    unsigned drained;
    void *user; /* of a handler that a test brings itself */
    char *large;
};

/* Limits that no test reaches by accident. */
struct http_server_config fixture_config(void);
struct fixture *fixture_create(const struct http_server_config *config);
void fixture_destroy(struct fixture *fixture);
/* One turn of the loop; waits at most a few milliseconds for something to do on `fd` (-1: none). */
void fixture_turn(struct fixture *fixture, int fd);

/* Turns the loop until the condition holds; fails the test when it never does. */
#define fixture_wait(fixture, condition)                                                           \
    do {                                                                                           \
        int64_t fixture_end_us = fixture_deadline_us();                                            \
        while (!(condition)) {                                                                     \
            if (fixture_is_late(fixture_end_us))                                                   \
                fail_msg("never came true: %s", #condition);                                       \
            fixture_turn((fixture), -1);                                                           \
        }                                                                                          \
    } while (0)
int64_t fixture_deadline_us(void);
bool fixture_is_late(int64_t end_us);

struct client {
    struct fixture *fixture;
    int fd;
    SSL *tls;    /* NULL, or who speaks for it: made by the test, freed by client_destroy */
    char *input; /* NUL-terminated */
    size_t input_bytes;
    bool is_closed; /* the server closed, in order (over TLS: and said so) */
    bool is_reset;
};

struct answer {
    int status;
    char head[4096];
    char *body; /* NUL-terminated, until the client's next answer */
    size_t body_bytes;
};

struct client *client_create(struct fixture *fixture);
void client_destroy(struct client *client);
/* All of it; turns the loop while the socket is full. */
void client_send(struct client *client, const void *data, size_t size_bytes);
void client_send_text(struct client *client, const char *text);
/* The next answer, waited for. `has_body` false: HEAD, 204, 304. */
struct answer client_answer(struct client *client, bool has_body);
/* Waits until `size_bytes` are there; false when the connection ends before. */
bool client_wait(struct client *client, size_t size_bytes);
/* Forgets the first bytes of what is there. */
void client_drop(struct client *client, size_t size_bytes);
/* Waits until the server has closed, expecting no byte of input besides. */
void client_expect_closed(struct client *client);
/* The value of a header in the answer, copied into `value`; NULL when there is none. */
char *answer_header(const struct answer *answer, const char *name, char value[256]);

#endif
