/* TLS on the public port: what it carries, certificates that change, what a connection costs. */
#include "gateway/http/transport.h"
#include "tests/support/certificate.h"
#include "tests/unit/tls_stage.h"

#include <malloc.h>
#include <openssl/err.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- what is carried ------------------------------------------------------------------------- */

static void test_requests(void **state) {
    struct stage *stage = *state;
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    stage_open(stage);
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        char value[256];
        assert_int_equal(SSL_CTX_set_max_proto_version(stage->context, versions[i]), 1);
        struct client *client = stage_client(stage);
        assert_int_equal(SSL_version(client->tls), versions[i]);
        client_send_text(client, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
        client_expect_text(client, "/a");
        client_send_text(client, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
                                 "Expect: 100-continue\r\n\r\n");
        assert_int_equal(client_answer(client, false).status, 100);
        client_send_text(client, "ok");
        client_expect_text(client, "ok");
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
    stage_open(stage);
    struct client *client = stage_connect(stage);
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
    client_expect_text(client, "slow");
    client_expect_text(client, "/next");
    client_destroy(client);
}

/* More than is buffered for a client, in records that don't end where requests do. */
static void test_pipelining(void **state) {
    enum { REQUESTS = 10000 };
    struct stage *stage = *state;
    static const char request[] = "GET /text HTTP/1.1\r\nHost: x\r\n\r\n";
    enum { REQUEST_BYTES = sizeof request - 1 };
    stage_open(stage);
    struct client *client = stage_client(stage);
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
    client_expect_text(client, "late");
    for (size_t i = 0; i < REQUESTS; i++)
        client_expect_text(client, "/text");
    free(text);
    client_destroy(client);
}

/* What remains of a record in OpenSSL when the input is full and its end completes a body. */
static void test_a_body_that_fills_the_input(void **state) {
    enum { BODY_BYTES = 300 * 1024 };
    struct stage *stage = *state;
    stage_open(stage);
    struct client *client = stage_client(stage);
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
    client_expect_text(client, "late");
    client_expect_text(client, "307200");
    client_expect_text(client, "/end");
    free(text);
    client_destroy(client);
}

static void test_a_large_shared_body(void **state) {
    struct stage *stage = *state;
    stage_open(stage);
    struct client *client = stage_client(stage);
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
    stage_open(stage);
    struct client *client = stage_client(stage);
    client_send_text(client, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    fixture_wait(stage->fixture, stage->fixture->waiting_count == 1);
    (void)SSL_shutdown(client->tls); /* says so, and leaves the socket open */
    fixture_wait(stage->fixture, stage->fixture->gone == 1);
    client_expect_closed(client);
    client_destroy(client);
    stage_expect_nobody(stage);
}

static void test_a_session_is_resumed(void **state) {
    struct stage *stage = *state;
    stage_open(stage);
    struct client *client = stage_client(stage);
    client_send_text(client, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    client_expect_text(client, "/a"); /* the ticket has come before it */
    SSL_SESSION *session = SSL_get1_session(client->tls);
    (void)SSL_shutdown(client->tls); /* or OpenSSL holds the session to be broken */
    client_destroy(client);
    client = stage_connect(stage);
    assert_int_equal(SSL_set_session(client->tls, session), 1);
    assert_int_equal(client_shake_hands(client), SSL_ERROR_NONE);
    assert_true(SSL_session_reused(client->tls));
    client_send_text(client, "GET /b HTTP/1.1\r\nHost: x\r\n\r\n");
    client_expect_text(client, "/b");
    SSL_SESSION_free(session);
    client_destroy(client);
}

/* --- certificates ---------------------------------------------------------------------------- */

static void expect_shown(const struct client *client, const char *name) {
    char shown[64];
    X509 *certificate = SSL_get1_peer_certificate(client->tls);
    assert_non_null(certificate);
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, shown,
                              sizeof shown);
    assert_string_equal(shown, name);
    X509_free(certificate);
}

static void test_a_new_certificate(void **state) {
    struct stage *stage = *state;
    stage_open(stage);
    struct client *old = stage_client(stage);
    expect_shown(old, "first");
    certificate_create(stage->folder, "crt", "key", "second");
    struct client *between = stage_client(stage); /* nobody has said so yet */
    expect_shown(between, "first");
    client_destroy(between);
    assert_true(http_tls_reload(stage->tls));
    struct client *new = stage_client(stage);
    expect_shown(new, "second");
    client_send_text(new, "GET /new HTTP/1.1\r\nHost: x\r\n\r\n");
    client_expect_text(new, "/new");
    client_send_text(old, "GET /old HTTP/1.1\r\nHost: x\r\n\r\n");
    client_expect_text(old, "/old");
    client_destroy(new);
    client_destroy(old);
}

static void test_a_broken_certificate(void **state) {
    struct stage *stage = *state;
    stage_open(stage);
    certificate_create(stage->folder, "other", "key", "key of another"); /* they don't fit */
    assert_false(http_tls_reload(stage->tls));
    folder_write(stage->folder, "crt", 0600, "-----BEGIN CERTIFICATE-----\nnone\n");
    assert_false(http_tls_reload(stage->tls));
    assert_int_equal(unlink(stage->certificate), 0);
    assert_false(http_tls_reload(stage->tls));
    struct client *client = stage_client(stage);
    expect_shown(client, "first");
    client_send_text(client, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    client_expect_text(client, "/a");
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
    stage_open(stage);
    client_destroy(stage_client(stage)); /* makes what is made once */
    stage_expect_nobody(stage);
    size_t before = ssl_bytes;
    for (size_t i = 0; i < CLIENTS; i++) {
        clients[i] = stage_client(stage);
        client_send_text(clients[i], "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
        client_expect_text(clients[i], "/a");
        SSL_free(clients[i]->tls); /* its socket stays */
        clients[i]->tls = NULL;
    }
    assert_int_equal(http_server_connections(stage->fixture->server), CLIENTS);
    size_t each = (ssl_bytes - before) / CLIENTS;
    print_message("an idle TLS connection: %zu bytes in OpenSSL\n", each);
    assert_in_range(each, 1, HTTP_TLS_IDLE_BYTES);
    for (size_t i = 0; i < CLIENTS; i++)
        client_destroy(clients[i]);
    stage_expect_nobody(stage);
    assert_in_range(ssl_bytes, 0, before + 1024);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_set_up, stage_tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_requests),
        TEST(test_bytes_one_by_one),
        TEST(test_pipelining),
        TEST(test_a_body_that_fills_the_input),
        TEST(test_a_large_shared_body),
        TEST(test_a_client_leaves_while_waiting),
        TEST(test_a_session_is_resumed),
        TEST(test_a_new_certificate),
        TEST(test_a_broken_certificate),
        TEST(test_memory_of_an_idle_connection),
    };
    ensure(CRYPTO_set_mem_functions(malloc_counted, realloc_counted, free_counted) == 1);
    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
