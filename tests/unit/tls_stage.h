/*
 * tls_stage: the server of http_fixture with TLS, a certificate made for the test ("first"), and
 * clients that speak it.
 */
#ifndef USHER_TESTS_UNIT_TLS_STAGE_H
#define USHER_TESTS_UNIT_TLS_STAGE_H

#include "gateway/http/tls.h"
#include "tests/support/folder.h"
#include "tests/unit/http_fixture.h"

struct stage {
    char folder[FOLDER_PATH_SIZE];
    char certificate[FOLDER_PATH_SIZE + 8];
    char key[FOLDER_PATH_SIZE + 8];
    struct http_tls *tls;
    struct http_server_config config;
    struct fixture *fixture;
    SSL_CTX *context; /* of clients */
};

/* cmocka's; the test may change `config` before it opens. */
int stage_set_up(void **state);
int stage_tear_down(void **state);
void stage_open(struct stage *stage);

/* Connected; the handshake is still to be made. */
struct client *stage_connect(struct stage *stage);
/* SSL_ERROR_NONE when both agree. */
int client_shake_hands(struct client *client);
/* Both. */
struct client *stage_client(struct stage *stage);

/* The handshake fails with this alert of the server's. */
void client_expect_alert(struct client *client, int alert);
/* The next answer is a 200 with this body. */
void client_expect_text(struct client *client, const char *body);
void stage_expect_nobody(struct stage *stage);

#endif
