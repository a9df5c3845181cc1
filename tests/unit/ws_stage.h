/*
 * ws_stage: WebSocket sessions on the server of http_fixture, which answers
 *
 *   /live   a WebSocket, as ws_session opens it
 *   /later  the same, but only when the test says: the request is kept in the fixture's `waiting`
 *
 * and what the sessions' owner sees, written down. Clients are ws_clients on the fixture's loop, or
 * the fixture's raw ones.
 */
#ifndef USHER_TESTS_UNIT_WS_STAGE_H
#define USHER_TESTS_UNIT_WS_STAGE_H

#include "gateway/ws/handshake.h"
#include "gateway/ws/session.h"
#include "tests/support/ws_client.h"
#include "tests/unit/http_fixture.h"

/* For raw clients. */
#define WS_STAGE_REQUEST                                                                           \
    "GET /live HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"               \
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

enum { WS_STAGE_SESSIONS_MAX = 4096, WS_STAGE_TEXT_SIZE = 256 };

struct ws_stage {
    struct fixture *fixture;
    struct ws_sessions *sessions;
    struct ws_origins origins;
    struct ws_session *open[WS_STAGE_SESSIONS_MAX]; /* in order of opening; NULL when closed */
    unsigned opened;
    unsigned closed;
    unsigned left; /* before they were open */
    uint16_t code; /* of the last that was closed */
    unsigned texts;
    size_t text_bytes;             /* of all texts */
    char text[WS_STAGE_TEXT_SIZE]; /* the beginning of the last */
    bool echoes;                   /* texts are sent back */
};

/* Limits that no test reaches by accident. */
struct ws_sessions_config ws_stage_config(void);
/* NULL: the usual ones. */
struct ws_stage *ws_stage_create(const struct http_server_config *http,
                                 const struct ws_sessions_config *config);
void ws_stage_destroy(struct ws_stage *stage);
/* The same, but the fixture stays. */
void ws_stage_close(struct ws_stage *stage);
/* Answers a request that was kept. */
void ws_stage_accept(struct ws_stage *stage, struct http_request *request);

struct ws_client_config ws_stage_client_config(struct ws_stage *stage);
/* Open. NULL: the usual configuration. */
struct ws_client *ws_stage_client(struct ws_stage *stage, const struct ws_client_config *config);
/* To one session; the text is encoded once. */
void ws_stage_send(struct ws_session *session, const char *text);
void ws_stage_wait_closed(struct ws_stage *stage, unsigned closed);

#endif
