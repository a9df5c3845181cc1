#include "tests/unit/ws_stage.h"

#include <stdio.h>
#include <stdlib.h>

static void on_text(void *context, struct ws_session *session, const char *text,
                    size_t size_bytes) {
    struct ws_stage *stage = context;
    stage->texts++;
    stage->text_bytes += size_bytes;
    (void)snprintf(stage->text, sizeof stage->text, "%.*s", (int)size_bytes, text);
    struct ws_frame *frame =
        stage->echoes ? ws_frame_create(WS_OPCODE_TEXT, text, size_bytes) : NULL;
    if (!frame)
        return;
    ws_session_send(session, frame);
    ws_frame_release(frame);
}

static void on_closed(void *context, struct ws_session *session, uint16_t code) {
    struct ws_stage *stage = context;
    stage->closed++;
    stage->code = code;
    for (unsigned i = 0; i < stage->opened; i++)
        if (stage->open[i] == session)
            stage->open[i] = NULL;
}

static void on_taken(void *context, const struct http_taken *taken) {
    struct ws_stage *stage = context;
    if (!taken) {
        stage->left++;
        return;
    }
    assert_string_equal(taken->peer, "127.0.0.1");
    struct ws_session *session = ws_session_open(stage->sessions, taken, stage);
    if (session) {
        assert_in_range(stage->opened, 0, WS_STAGE_SESSIONS_MAX - 1);
        stage->open[stage->opened++] = session;
    }
}

void ws_stage_accept(struct ws_stage *stage, struct http_request *request) {
    ws_handshake_accept(request, on_taken, stage);
}

static void on_gone(void *context, struct http_request *request UNUSED) {
    ((struct fixture *)context)->gone++;
}

static void on_request(void *context, struct http_request *request) {
    struct fixture *fixture = context;
    struct ws_stage *stage = fixture->user;
    if (!ws_handshake_check(request, &stage->origins))
        return;
    if (strcmp(http_request_path(request), "/later") == 0) {
        fixture->waiting[fixture->waiting_count++] = request;
        http_request_set_context(request, fixture, on_gone);
    } else {
        ws_stage_accept(stage, request);
    }
}

struct ws_sessions_config ws_stage_config(void) {
    return (struct ws_sessions_config){
        .ping_ms = 60000, .close_ms = 60000, .on_text = on_text, .on_closed = on_closed};
}

struct ws_stage *ws_stage_create(const struct http_server_config *http,
                                 const struct ws_sessions_config *config) {
    struct http_server_config server = http ? *http : fixture_config();
    const struct ws_sessions_config usual = ws_stage_config();
    struct ws_stage *stage = calloc(1, sizeof *stage);
    assert_non_null(stage);
    server.on_request = on_request;
    stage->fixture = fixture_create(&server);
    stage->fixture->user = stage;
    stage->origins.public_url = "";
    stage->sessions = ws_sessions_create(stage->fixture->base, config ? config : &usual);
    assert_non_null(stage->sessions);
    return stage;
}

void ws_stage_close(struct ws_stage *stage) {
    ws_sessions_destroy(stage->sessions);
    assert_int_equal(stage->closed, stage->opened);
    free(stage);
}

void ws_stage_destroy(struct ws_stage *stage) {
    struct fixture *fixture = stage->fixture;
    ws_stage_close(stage);
    fixture_destroy(fixture);
}

struct ws_client_config ws_stage_client_config(struct ws_stage *stage) {
    return (struct ws_client_config){
        .base = stage->fixture->base,
        .port = http_server_port(stage->fixture->server),
        .path = "/live",
        .unchecked = true,
    };
}

struct ws_client *ws_stage_client(struct ws_stage *stage, const struct ws_client_config *config) {
    const struct ws_client_config usual = ws_stage_client_config(stage);
    unsigned opened = stage->opened;
    struct ws_client *client = ws_client_create(config ? config : &usual);
    ws_client_wait_open(client);
    assert_int_equal(stage->opened, opened + 1);
    return client;
}

void ws_stage_send(struct ws_session *session, const char *text) {
    struct ws_frame *frame = ws_frame_create(WS_OPCODE_TEXT, text, strlen(text));
    assert_non_null(frame);
    ws_session_send(session, frame);
    ws_frame_release(frame);
}

void ws_stage_wait_closed(struct ws_stage *stage, unsigned closed) {
    fixture_wait(stage->fixture, stage->closed == closed);
    assert_int_equal(ws_sessions_count(stage->sessions), stage->opened - stage->closed);
}
