/* TLS on the public port: what it carries, whom it refuses, certificates that change. */
#include "gateway/http/tls.h"
#include "gateway/http/transport.h"
#include "shared/clock.h"
#include "tests/support/certificate.h"
#include "tests/support/folder.h"
#include "tests/unit/http_fixture.h"

#include <fcntl.h>
#include <malloc.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct stage {
    char folder[FOLDER_PATH_SIZE];
    char certificate[FOLDER_PATH_SIZE + 8];
    char key[FOLDER_PATH_SIZE + 8];
    struct http_tls *tls;
    struct http_server_config config;
    struct fixture *fixture;
    SSL_CTX *context; /* of clients */
};

static void start(struct stage *stage) {
    stage->fixture = fixture_create(&stage->config);
}

static int set_up(void **state) {
    struct stage *stage = calloc(1, sizeof *stage);
    assert_non_null(stage);
    *state = stage;
    folder_create(stage->folder);
    certificate_create(stage->folder, "crt", "key", "first");
    (void)snprintf(stage->certificate, sizeof stage->certificate, "%s/crt", stage->folder);
    (void)snprintf(stage->key, sizeof stage->key, "%s/key", stage->folder);
    stage->tls = http_tls_create(stage->certificate, stage->key);
    assert_non_null(stage->tls);
    stage->context = SSL_CTX_new(TLS_client_method());
    assert_non_null(stage->context);
    stage->config = fixture_config();
    stage->config.tls = stage->tls;
    return 0;
}

static int tear_down(void **state) {
    struct stage *stage = *state;
    fixture_destroy(stage->fixture);
    http_tls_destroy(stage->tls);
    SSL_CTX_free(stage->context);
    folder_remove(stage->folder);
    free(stage);
    return 0;
}

/* --- clients over TLS ------------------------------------------------------------------------ */

static struct client *connect_client(struct stage *stage) {
    struct client *client = client_create(stage->fixture);
    assert_int_equal(fcntl(client->fd, F_SETFL, O_NONBLOCK), 0);
    client->tls = SSL_new(stage->context);
    assert_non_null(client->tls);
    assert_int_equal(SSL_set_fd(client->tls, client->fd), 1);
    SSL_set_connect_state(client->tls);
    return client;
}

/* SSL_ERROR_NONE when both agree. */
static int shake_hands(struct client *client) {
    int64_t end_us = fixture_deadline_us();
    for (;;) {
        ERR_clear_error();
        int error = SSL_get_error(client->tls, SSL_connect(client->tls));
        if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
            return error;
        assert_false(fixture_is_late(end_us));
        fixture_turn(client->fixture, client->fd);
    }
}

static struct client *create_tls_client(struct stage *stage) {
    struct client *client = connect_client(stage);
    assert_int_equal(shake_hands(client), SSL_ERROR_NONE);
    return client;
}

static void expect_text(struct client *client, const char *body) {
    struct answer answer = client_answer(client, true);
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.body, body);
}

static void expect_shown(const struct client *client, const char *name) {
    char shown[64];
    X509 *certificate = SSL_get1_peer_certificate(client->tls);
    assert_non_null(certificate);
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, shown,
                              sizeof shown);
    assert_string_equal(shown, name);
    X509_free(certificate);
}

static void expect_refused_with(struct client *client, int alert) {
    assert_int_equal(shake_hands(client), SSL_ERROR_SSL);
    assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_AD_REASON_OFFSET + alert);
}

static void expect_nobody_left(struct stage *stage) {
    fixture_wait(stage->fixture, http_server_connections(stage->fixture->server) == 0);
}

/* --- what is carried ------------------------------------------------------------------------- */

static void test_requests(void **state) {
    struct stage *stage = *state;
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    start(stage);
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        char value[256];
        assert_int_equal(SSL_CTX_set_max_proto_version(stage->context, versions[i]), 1);
        struct client *client = create_tls_client(stage);
        assert_int_equal(SSL_version(client->tls), versions[i]);
        client_send_text(client, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
        expect_text(client, "/a");
        client_send_text(client, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
                                 "Expect: 100-continue\r\n\r\n");
        assert_int_equal(client_answer(client, false).status, 100);
        client_send_text(client, "ok");
        expect_text(client, "ok");
        client_send_text(client, "GET /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        struct answer answer = client_answer(client, true);
        assert_string_equal(answer_header(&answer, "Strict-Transport-Security", value),
                            "max-age=31536000");
        client_expect_closed(client); /* with a close_notify */
        client_destroy(client);
    }
}

/* Every byte of the handshake and of the records by itself. */
static void test_bytes_one_by_one(void **state) {
    struct stage *stage = *state;
    static const char text[] = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nslow"
                               "GET /next HTTP/1.1\r\nHost: x\r\n\r\n";
    start(stage);
    struct client *client = connect_client(stage);
    BIO *written = BIO_new(BIO_s_mem());
    assert_non_null(written);
    SSL_set0_wbio(client->tls, written);
    bool is_sent = false;
    int64_t end_us = fixture_deadline_us();
    while (!is_sent || BIO_pending(written) > 0) {
        char byte;
        assert_false(fixture_is_late(end_us));
        if (BIO_read(written, &byte, 1) == 1)
            assert_int_equal(send(client->fd, &byte, 1, MSG_NOSIGNAL), 1);
        else if (SSL_is_init_finished(client->tls))
            is_sent = SSL_write(client->tls, text, sizeof text - 1) == sizeof text - 1;
        else
            (void)SSL_do_handshake(client->tls);
        fixture_turn(stage->fixture, client->fd);
    }
    expect_text(client, "slow");
    expect_text(client, "/next");
    client_destroy(client);
}

/* More than is buffered for a client, in records that don't end where requests do. */
static void test_pipelining(void **state) {
    enum { REQUESTS = 10000 };
    struct stage *stage = *state;
    static const char request[] = "GET /text HTTP/1.1\r\nHost: x\r\n\r\n";
    enum { REQUEST_BYTES = sizeof request - 1 };
    start(stage);
    struct client *client = create_tls_client(stage);
    char *text = malloc(REQUESTS * REQUEST_BYTES);
    assert_non_null(text);
    for (size_t i = 0; i < REQUESTS; i++)
        memcpy(text + i * REQUEST_BYTES, request, REQUEST_BYTES);
    client_send_text(client, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    client_send(client, text, REQUESTS * REQUEST_BYTES);
    fixture_wait(stage->fixture, stage->fixture->waiting_count == 1);
    for (int i = 0; i < 20; i++)
        fixture_turn(stage->fixture, -1);
    assert_int_equal(stage->fixture->served, 1);
    stage->fixture->waiting_count = 0;
    http_respond(stage->fixture->waiting[0], 200, "text/plain", "late", 4);
    expect_text(client, "late");
    for (size_t i = 0; i < REQUESTS; i++)
        expect_text(client, "/text");
    free(text);
    client_destroy(client);
}

/* What remains of a record in OpenSSL when the input is full and its end completes a body. */
static void test_a_body_that_fills_the_input(void **state) {
    enum { BODY_BYTES = 300 * 1024 };
    struct stage *stage = *state;
    start(stage);
    struct client *client = create_tls_client(stage);
    char *text = malloc(BODY_BYTES + 256);
    assert_non_null(text);
    client_send_text(client, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    int head = snprintf(
        text, 256, "POST /admin/x HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", BODY_BYTES);
    memset(text + head, 'x', BODY_BYTES);
    client_send(client, text, (size_t)head + BODY_BYTES);
    client_send_text(client, "GET /end HTTP/1.1\r\nHost: x\r\n\r\n");
    fixture_wait(stage->fixture, stage->fixture->waiting_count == 1);
    stage->fixture->waiting_count = 0;
    http_respond(stage->fixture->waiting[0], 200, "text/plain", "late", 4);
    expect_text(client, "late");
    expect_text(client, "307200");
    expect_text(client, "/end");
    free(text);
    client_destroy(client);
}

static void test_a_large_shared_body(void **state) {
    struct stage *stage = *state;
    start(stage);
    struct client *client = create_tls_client(stage);
    for (unsigned i = 1; i <= 2; i++) {
        client_send_text(client, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
        struct answer answer = client_answer(client, true);
        assert_int_equal(answer.body_bytes, LARGE_BYTES);
        assert_memory_equal(answer.body, stage->fixture->large, LARGE_BYTES);
        fixture_wait(stage->fixture, stage->fixture->released == i);
    }
    client_send_text(client, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    fixture_wait(stage->fixture, stage->fixture->served == 3);
    client_destroy(client); /* in the middle of it */
    fixture_wait(stage->fixture, stage->fixture->released == 3);
}

static void test_a_client_leaves_while_waiting(void **state) {
    struct stage *stage = *state;
    start(stage);
    struct client *client = create_tls_client(stage);
    client_send_text(client, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    fixture_wait(stage->fixture, stage->fixture->waiting_count == 1);
    (void)SSL_shutdown(client->tls); /* says so, and leaves the socket open */
    fixture_wait(stage->fixture, stage->fixture->gone == 1);
    client_expect_closed(client);
    client_destroy(client);
    expect_nobody_left(stage);
}

static void test_a_session_is_resumed(void **state) {
    struct stage *stage = *state;
    start(stage);
    struct client *client = create_tls_client(stage);
    client_send_text(client, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_text(client, "/a"); /* the ticket has come before it */
    SSL_SESSION *session = SSL_get1_session(client->tls);
    (void)SSL_shutdown(client->tls); /* or OpenSSL holds the session to be broken */
    client_destroy(client);
    client = connect_client(stage);
    assert_int_equal(SSL_set_session(client->tls, session), 1);
    assert_int_equal(shake_hands(client), SSL_ERROR_NONE);
    assert_true(SSL_session_reused(client->tls));
    client_send_text(client, "GET /b HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_text(client, "/b");
    SSL_SESSION_free(session);
    client_destroy(client);
}

/* --- who is refused -------------------------------------------------------------------------- */

static void test_old_versions(void **state) {
    struct stage *stage = *state;
    start(stage);
    SSL_CTX_set_security_level(stage->context, 0);
    assert_int_equal(SSL_CTX_set_min_proto_version(stage->context, TLS1_VERSION), 1);
    assert_int_equal(SSL_CTX_set_max_proto_version(stage->context, TLS1_1_VERSION), 1);
    struct client *client = connect_client(stage);
    expect_refused_with(client, SSL_AD_PROTOCOL_VERSION);
    client_destroy(client);
    expect_nobody_left(stage);
}

/* RSA key exchange and CBC: without forward secrecy, without authenticated encryption. */
static void test_old_ciphers(void **state) {
    struct stage *stage = *state;
    start(stage);
    assert_int_equal(SSL_CTX_set_max_proto_version(stage->context, TLS1_2_VERSION), 1);
    assert_int_equal(SSL_CTX_set_cipher_list(stage->context, "AES128-GCM-SHA256:"
                                                             "ECDHE-ECDSA-AES128-SHA"),
                     1);
    struct client *client = connect_client(stage);
    expect_refused_with(client, SSL_AD_HANDSHAKE_FAILURE);
    client_destroy(client);
    expect_nobody_left(stage);
}

static void test_protocols(void **state) {
    struct stage *stage = *state;
    static const unsigned char both[] = "\x02h2\x08http/1.1", h2[] = "\x02h2";
    const unsigned char *chosen;
    unsigned size;
    start(stage);
    struct client *client = connect_client(stage);
    assert_int_equal(SSL_set_alpn_protos(client->tls, both, sizeof both - 1), 0);
    assert_int_equal(shake_hands(client), SSL_ERROR_NONE);
    SSL_get0_alpn_selected(client->tls, &chosen, &size);
    assert_int_equal(size, 8);
    assert_memory_equal(chosen, "http/1.1", 8);
    client_destroy(client);
    client = connect_client(stage);
    assert_int_equal(SSL_set_alpn_protos(client->tls, h2, sizeof h2 - 1), 0);
    expect_refused_with(client, SSL_AD_NO_APPLICATION_PROTOCOL);
    client_destroy(client);
    expect_nobody_left(stage);
}

static void test_no_renegotiation(void **state) {
    struct stage *stage = *state;
    start(stage);
    assert_int_equal(SSL_CTX_set_max_proto_version(stage->context, TLS1_2_VERSION), 1);
    struct client *client = create_tls_client(stage);
    assert_int_equal(SSL_renegotiate(client->tls), 1);
    assert_int_equal(shake_hands(client), SSL_ERROR_SSL);
    assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_R_NO_RENEGOTIATION);
    client_destroy(client);
    expect_nobody_left(stage);
}

static void test_plain_http(void **state) {
    struct stage *stage = *state;
    static const char *const requests[] = {
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "DELETE /bookings HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody",
        "P",
    };
    start(stage);
    for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
        char value[256];
        struct client *client = client_create(stage->fixture);
        client_send_text(client, requests[i]);
        struct answer answer = client_answer(client, true);
        assert_int_equal(answer.status, 400);
        assert_string_equal(answer.body,
                            "This port speaks HTTPS: write https:// instead of http://.\n");
        assert_null(answer_header(&answer, "Strict-Transport-Security", value));
        client_expect_closed(client);
        client_destroy(client);
    }
    assert_int_equal(stage->fixture->served, 0);
    expect_nobody_left(stage);
}

static void test_noise(void **state) {
    struct stage *stage = *state;
    static const char noise[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 no hello";
    start(stage);
    struct client *plain = client_create(stage->fixture);
    client_send(plain, "\xff\xff\xff\xff\xff\xff", 6);
    client_expect_closed(plain);
    client_destroy(plain);
    plain = client_create(stage->fixture);
    client_send(plain, noise, sizeof noise);
    client_destroy(plain);
    /* Noise where records are expected. */
    struct client *client = create_tls_client(stage);
    client_send_text(client, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    fixture_wait(stage->fixture, stage->fixture->waiting_count == 1);
    assert_int_equal(send(client->fd, noise, sizeof noise, MSG_NOSIGNAL), sizeof noise);
    fixture_wait(stage->fixture, stage->fixture->gone == 1);
    client_destroy(client);
    expect_nobody_left(stage);
}

/* --- limits ---------------------------------------------------------------------------------- */

static void test_a_handshake_has_a_time_limit(void **state) {
    enum { REQUEST_MS = 300 };
    struct stage *stage = *state;
    stage->config.request_ms = REQUEST_MS;
    start(stage);
    /* One never says anything, one only half of its hello, one all but its last word. */
    struct client *silent = client_create(stage->fixture);
    struct client *half = connect_client(stage);
    BIO *written = BIO_new(BIO_s_mem());
    assert_non_null(written);
    SSL_set0_wbio(half->tls, written);
    (void)SSL_do_handshake(half->tls);
    char *hello;
    long hello_bytes = BIO_get_mem_data(written, &hello);
    assert_int_equal(send(half->fd, hello, (size_t)hello_bytes / 2, MSG_NOSIGNAL), hello_bytes / 2);
    struct client *last = connect_client(stage);
    (void)SSL_do_handshake(last->tls);
    fixture_wait(stage->fixture, http_server_connections(stage->fixture->server) == 3);
    int64_t began_us = clock_monotonic_us();
    client_expect_closed(silent);
    expect_nobody_left(stage);
    int64_t took_ms = (clock_monotonic_us() - began_us) / 1000;
    assert_in_range(took_ms, REQUEST_MS / 2, REQUEST_MS + 3000);
    client_destroy(silent);
    client_destroy(half);
    client_destroy(last);
}

/* A record that never becomes whole is no request and no sign of life. */
static void test_a_slow_record(void **state) {
    enum { IDLE_MS = 300, RECORD_BYTES = 8000 };
    struct stage *stage = *state;
    stage->config.idle_ms = IDLE_MS;
    start(stage);
    struct client *client = create_tls_client(stage);
    char request[RECORD_BYTES], *record;
    memset(request, 'x', sizeof request);
    BIO *written = BIO_new(BIO_s_mem());
    assert_non_null(written);
    SSL_set0_wbio(client->tls, written);
    assert_int_equal(SSL_write(client->tls, request, sizeof request), sizeof request);
    assert_true(BIO_get_mem_data(written, &record) > RECORD_BYTES);
    int64_t began_us = clock_monotonic_us();
    size_t sent = 0;
    while (http_server_connections(stage->fixture->server) > 0) {
        assert_in_range(sent, 0, RECORD_BYTES - 1);
        if (send(client->fd, record + sent++, 1, MSG_NOSIGNAL) == 1)
            fixture_turn(stage->fixture, -1);
    }
    int64_t took_ms = (clock_monotonic_us() - began_us) / 1000;
    assert_in_range(took_ms, IDLE_MS / 2, IDLE_MS + 3000);
    client_destroy(client);
}

static void test_too_many_connections(void **state) {
    struct stage *stage = *state;
    stage->config.connections_max = 2;
    start(stage);
    struct client *busy = create_tls_client(stage);
    client_send_text(busy, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    fixture_wait(stage->fixture, stage->fixture->waiting_count == 1);
    /* Who has said nothing gives way. */
    struct client *silent = client_create(stage->fixture);
    fixture_wait(stage->fixture, http_server_connections(stage->fixture->server) == 2);
    struct client *second = create_tls_client(stage);
    client_expect_closed(silent);
    client_send_text(second, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    fixture_wait(stage->fixture, stage->fixture->waiting_count == 2);
    /* With everybody busy the next is told so. */
    struct client *third = create_tls_client(stage);
    struct answer answer = client_answer(third, true);
    assert_int_equal(answer.status, 503);
    client_expect_closed(third);
    client_destroy(third);
    client_destroy(second);
    client_destroy(silent);
    client_destroy(busy);
}

static void on_drained(void *context) {
    (*(unsigned *)context)++;
}

static void test_draining(void **state) {
    struct stage *stage = *state;
    unsigned drained = 0;
    start(stage);
    struct client *busy = create_tls_client(stage);
    struct client *idle = create_tls_client(stage);
    struct client *silent = client_create(stage->fixture);
    client_send_text(busy, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    fixture_wait(stage->fixture, stage->fixture->waiting_count == 1);
    fixture_wait(stage->fixture, http_server_connections(stage->fixture->server) == 3);
    http_server_drain(stage->fixture->server, 60000, on_drained, &drained);
    client_expect_closed(idle);
    client_expect_closed(silent);
    stage->fixture->waiting_count = 0;
    http_respond(stage->fixture->waiting[0], 200, "text/plain", "last", 4);
    expect_text(busy, "last");
    client_expect_closed(busy);
    client_destroy(busy);
    client_destroy(idle);
    client_destroy(silent);
    fixture_wait(stage->fixture, drained == 1);
}

/* --- certificates ---------------------------------------------------------------------------- */

static void test_a_new_certificate(void **state) {
    struct stage *stage = *state;
    start(stage);
    struct client *old = create_tls_client(stage);
    expect_shown(old, "first");
    certificate_create(stage->folder, "crt", "key", "second");
    struct client *between = create_tls_client(stage); /* nobody has said so yet */
    expect_shown(between, "first");
    client_destroy(between);
    assert_true(http_tls_reload(stage->tls));
    struct client *new = create_tls_client(stage);
    expect_shown(new, "second");
    client_send_text(new, "GET /new HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_text(new, "/new");
    client_send_text(old, "GET /old HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_text(old, "/old");
    client_destroy(new);
    client_destroy(old);
}

static void test_a_broken_certificate(void **state) {
    struct stage *stage = *state;
    start(stage);
    certificate_create(stage->folder, "other", "key", "key of another"); /* they don't fit */
    assert_false(http_tls_reload(stage->tls));
    folder_write(stage->folder, "crt", 0600, "-----BEGIN CERTIFICATE-----\nnone\n");
    assert_false(http_tls_reload(stage->tls));
    assert_int_equal(unlink(stage->certificate), 0);
    assert_false(http_tls_reload(stage->tls));
    struct client *client = create_tls_client(stage);
    expect_shown(client, "first");
    client_send_text(client, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_text(client, "/a");
    client_destroy(client);
    assert_null(http_tls_create(stage->certificate, stage->key));
}

/* --- memory ---------------------------------------------------------------------------------- */

static size_t ssl_bytes; /* all that OpenSSL has, of clients and server */

static void *count(void *memory) {
    ssl_bytes += memory ? malloc_usable_size(memory) : 0;
    return memory;
}

static void free_counted(void *memory, const char *file UNUSED, int line UNUSED) {
    ssl_bytes -= memory ? malloc_usable_size(memory) : 0;
    free(memory);
}

static void *malloc_counted(size_t size_bytes, const char *file UNUSED, int line UNUSED) {
    return count(malloc(size_bytes));
}

static void *realloc_counted(void *memory, size_t size_bytes, const char *file UNUSED,
                             int line UNUSED) {
    ssl_bytes -= memory ? malloc_usable_size(memory) : 0;
    return count(realloc(memory, size_bytes));
}

static void test_memory_of_an_idle_connection(void **state) {
    enum { CLIENTS = 50 };
    struct stage *stage = *state;
    struct client *clients[CLIENTS];
    start(stage);
    client_destroy(create_tls_client(stage)); /* makes what is made once */
    expect_nobody_left(stage);
    size_t before = ssl_bytes;
    for (size_t i = 0; i < CLIENTS; i++) {
        clients[i] = create_tls_client(stage);
        client_send_text(clients[i], "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
        expect_text(clients[i], "/a");
        SSL_free(clients[i]->tls); /* its socket stays */
        clients[i]->tls = NULL;
    }
    assert_int_equal(http_server_connections(stage->fixture->server), CLIENTS);
    size_t each = (ssl_bytes - before) / CLIENTS;
    print_message("an idle TLS connection: %zu bytes in OpenSSL\n", each);
    assert_in_range(each, 1, HTTP_TLS_IDLE_BYTES);
    for (size_t i = 0; i < CLIENTS; i++)
        client_destroy(clients[i]);
    expect_nobody_left(stage);
    assert_in_range(ssl_bytes, 0, before + 1024);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_requests),
        TEST(test_bytes_one_by_one),
        TEST(test_pipelining),
        TEST(test_a_body_that_fills_the_input),
        TEST(test_a_large_shared_body),
        TEST(test_a_client_leaves_while_waiting),
        TEST(test_a_session_is_resumed),
        TEST(test_old_versions),
        TEST(test_old_ciphers),
        TEST(test_protocols),
        TEST(test_no_renegotiation),
        TEST(test_plain_http),
        TEST(test_noise),
        TEST(test_a_handshake_has_a_time_limit),
        TEST(test_a_slow_record),
        TEST(test_too_many_connections),
        TEST(test_draining),
        TEST(test_a_new_certificate),
        TEST(test_a_broken_certificate),
        TEST(test_memory_of_an_idle_connection),
    };
    ensure(CRYPTO_set_mem_functions(malloc_counted, realloc_counted, free_counted) == 1);
    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
