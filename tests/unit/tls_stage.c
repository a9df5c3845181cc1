#include "tests/unit/tls_stage.h"

#include "tests/support/certificate.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>

void stage_open(struct stage *stage) {
    stage->fixture = fixture_create(&stage->config);
}

int stage_set_up(void **state) {
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

int stage_tear_down(void **state) {
    struct stage *stage = *state;
    fixture_destroy(stage->fixture);
    http_tls_destroy(stage->tls);
    SSL_CTX_free(stage->context);
    folder_remove(stage->folder);
    free(stage);
    return 0;
}

struct client *stage_connect(struct stage *stage) {
    struct client *client = client_create(stage->fixture);
    assert_int_equal(fcntl(client->fd, F_SETFL, O_NONBLOCK), 0);
    client->tls = SSL_new(stage->context);
    assert_non_null(client->tls);
    assert_int_equal(SSL_set_fd(client->tls, client->fd), 1);
    SSL_set_connect_state(client->tls);
    return client;
}

int client_shake_hands(struct client *client) {
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

struct client *stage_client(struct stage *stage) {
    struct client *client = stage_connect(stage);
    assert_int_equal(client_shake_hands(client), SSL_ERROR_NONE);
    return client;
}

void client_expect_text(struct client *client, const char *body) {
    struct answer answer = client_answer(client, true);
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.body, body);
}

void client_expect_alert(struct client *client, int alert) {
    assert_int_equal(client_shake_hands(client), SSL_ERROR_SSL);
    assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_AD_REASON_OFFSET + alert);
}

void stage_expect_nobody(struct stage *stage) {
    fixture_wait(stage->fixture, http_server_connections(stage->fixture->server) == 0);
}
