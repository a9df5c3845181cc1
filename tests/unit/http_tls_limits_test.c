/* TLS on the public port: whom it refuses, and the limits of those who are slow or too many. */
#include "shared/clock.h"
#include "tests/unit/tls_stage.h"

#include <openssl/err.h>
#include <signal.h>
#include <sys/socket.h>

/* --- who is refused -------------------------------------------------------------------------- */

static void test_old_versions(void **state) {
    struct stage *stage = *state;
    stage_open(stage);
    SSL_CTX_set_security_level(stage->context, 0);
    assert_int_equal(SSL_CTX_set_min_proto_version(stage->context, TLS1_VERSION), 1);
    assert_int_equal(SSL_CTX_set_max_proto_version(stage->context, TLS1_1_VERSION), 1);
    struct client *client = stage_connect(stage);
    client_expect_alert(client, SSL_AD_PROTOCOL_VERSION);
    client_destroy(client);
    stage_expect_nobody(stage);
}

/* RSA key exchange and CBC: without forward secrecy, without authenticated encryption. */
static void test_old_ciphers(void **state) {
    struct stage *stage = *state;
    stage_open(stage);
    assert_int_equal(SSL_CTX_set_max_proto_version(stage->context, TLS1_2_VERSION), 1);
    assert_int_equal(SSL_CTX_set_cipher_list(stage->context, "AES128-GCM-SHA256:"
                                                             "ECDHE-ECDSA-AES128-SHA"),
                     1);
    struct client *client = stage_connect(stage);
    client_expect_alert(client, SSL_AD_HANDSHAKE_FAILURE);
    client_destroy(client);
    stage_expect_nobody(stage);
}

static void test_protocols(void **state) {
    struct stage *stage = *state;
    static const unsigned char both[] = "\x02h2\x08http/1.1", h2[] = "\x02h2";
    const unsigned char *chosen;
    unsigned size;
    stage_open(stage);
    struct client *client = stage_connect(stage);
    assert_int_equal(SSL_set_alpn_protos(client->tls, both, sizeof both - 1), 0);
    assert_int_equal(client_shake_hands(client), SSL_ERROR_NONE);
    SSL_get0_alpn_selected(client->tls, &chosen, &size);
    assert_int_equal(size, 8);
    assert_memory_equal(chosen, "http/1.1", 8);
    client_destroy(client);
    client = stage_connect(stage);
    assert_int_equal(SSL_set_alpn_protos(client->tls, h2, sizeof h2 - 1), 0);
    client_expect_alert(client, SSL_AD_NO_APPLICATION_PROTOCOL);
    client_destroy(client);
    stage_expect_nobody(stage);
}

static void test_no_renegotiation(void **state) {
    struct stage *stage = *state;
    stage_open(stage);
    assert_int_equal(SSL_CTX_set_max_proto_version(stage->context, TLS1_2_VERSION), 1);
    struct client *client = stage_client(stage);
    assert_int_equal(SSL_renegotiate(client->tls), 1);
    assert_int_equal(client_shake_hands(client), SSL_ERROR_SSL);
    assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_R_NO_RENEGOTIATION);
    client_destroy(client);
    stage_expect_nobody(stage);
}

static void test_plain_http(void **state) {
    struct stage *stage = *state;
    static const char *const requests[] = {
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "DELETE /bookings HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody",
        "P",
    };
    stage_open(stage);
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
    stage_expect_nobody(stage);
}

static void test_noise(void **state) {
    struct stage *stage = *state;
    static const char noise[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 no hello";
    stage_open(stage);
    struct client *plain = client_create(stage->fixture);
    client_send(plain, "\xff\xff\xff\xff\xff\xff", 6);
    client_expect_closed(plain);
    client_destroy(plain);
    plain = client_create(stage->fixture);
    client_send(plain, noise, sizeof noise);
    client_destroy(plain);
    /* Noise where records are expected. */
    struct client *client = stage_client(stage);
    client_send_text(client, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    fixture_wait(stage->fixture, stage->fixture->waiting_count == 1);
    assert_int_equal(send(client->fd, noise, sizeof noise, MSG_NOSIGNAL), sizeof noise);
    fixture_wait(stage->fixture, stage->fixture->gone == 1);
    client_destroy(client);
    stage_expect_nobody(stage);
}

/* --- limits ---------------------------------------------------------------------------------- */

static void test_a_handshake_has_a_time_limit(void **state) {
    enum { REQUEST_MS = 300 };
    struct stage *stage = *state;
    stage->config.request_ms = REQUEST_MS;
    stage_open(stage);
    /* One never says anything, one only half of its hello, one all but its last word. */
    struct client *silent = client_create(stage->fixture);
    struct client *half = stage_connect(stage);
    BIO *written = BIO_new(BIO_s_mem());
    assert_non_null(written);
    SSL_set0_wbio(half->tls, written);
    (void)SSL_do_handshake(half->tls);
    char *hello;
    long hello_bytes = BIO_get_mem_data(written, &hello);
    assert_int_equal(send(half->fd, hello, (size_t)hello_bytes / 2, MSG_NOSIGNAL), hello_bytes / 2);
    struct client *last = stage_connect(stage);
    (void)SSL_do_handshake(last->tls);
    fixture_wait(stage->fixture, http_server_connections(stage->fixture->server) == 3);
    int64_t began_us = clock_monotonic_us();
    client_expect_closed(silent);
    stage_expect_nobody(stage);
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
    stage_open(stage);
    struct client *client = stage_client(stage);
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
    stage_open(stage);
    struct client *busy = stage_client(stage);
    client_send_text(busy, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    fixture_wait(stage->fixture, stage->fixture->waiting_count == 1);
    /* Who has said nothing gives way. */
    struct client *silent = client_create(stage->fixture);
    fixture_wait(stage->fixture, http_server_connections(stage->fixture->server) == 2);
    struct client *second = stage_client(stage);
    client_expect_closed(silent);
    client_send_text(second, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    fixture_wait(stage->fixture, stage->fixture->waiting_count == 2);
    /* With everybody busy the next is told so. */
    struct client *third = stage_client(stage);
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
    stage_open(stage);
    struct client *busy = stage_client(stage);
    struct client *idle = stage_client(stage);
    struct client *silent = client_create(stage->fixture);
    client_send_text(busy, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    fixture_wait(stage->fixture, stage->fixture->waiting_count == 1);
    fixture_wait(stage->fixture, http_server_connections(stage->fixture->server) == 3);
    http_server_drain(stage->fixture->server, 60000, on_drained, &drained);
    client_expect_closed(idle);
    client_expect_closed(silent);
    stage->fixture->waiting_count = 0;
    http_respond(stage->fixture->waiting[0], 200, "text/plain", "last", 4);
    client_expect_text(busy, "last");
    client_expect_closed(busy);
    client_destroy(busy);
    client_destroy(idle);
    client_destroy(silent);
    fixture_wait(stage->fixture, drained == 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_set_up, stage_tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
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
    };
    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
