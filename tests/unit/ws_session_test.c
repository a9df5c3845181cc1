/* One open WebSocket over a real socket: what it carries, and every way in which it ends. */
#include "tests/unit/ws_stage.h"

#include <stdlib.h>

enum { SHORT_MS = 300 };

static int set_up(void **state) {
    *state = ws_stage_create(NULL, NULL);
    return 0;
}

/* Without one: the test makes its own. */
static int set_up_nothing(void **state) {
    *state = NULL;
    return 0;
}

static int tear_down(void **state) {
    ws_stage_destroy(*state);
    return 0;
}

static struct ws_client *raw_client(struct ws_stage *stage) {
    struct ws_client_config config = ws_stage_client_config(stage);
    config.raw = true;
    return ws_stage_client(stage, &config);
}

static void expect_frame(struct ws_client *client, uint8_t first, const char *payload) {
    const struct ws_client_frame *frame = ws_client_receive(client);
    assert_non_null(frame);
    assert_int_equal(frame->first, first);
    assert_string_equal(frame->payload, payload);
}

/* --- what is carried ------------------------------------------------------------------------- */

static void test_texts(void **state) {
    struct ws_stage *stage = *state;
    struct ws_client *client = ws_stage_client(stage, NULL);
    stage->echoes = true;
    ws_client_send_text(client, "Hello");
    ws_client_expect_text(client, "Hello");
    ws_client_send_text(client, "");
    ws_client_expect_text(client, "");
    ws_client_send_frame(client, 0x01, "in ", 3);
    ws_client_send_frame(client, WS_PING, "p", 1);
    ws_client_send_frame(client, 0x00, "fragments ", 10);
    ws_client_send_frame(client, WS_PONG, "nobody asked", 12);
    ws_client_send_frame(client, 0x80, "\xce\xba", 2);
    expect_frame(client, WS_PONG, "p");
    ws_client_expect_text(client, "in fragments \xce\xba");
    assert_int_equal(stage->texts, 3);
    ws_client_destroy(client);
    ws_stage_wait_closed(stage, 1);
    assert_int_equal(stage->code, WS_CLOSE_ABNORMAL);
}

static void test_sizes(void **state) {
    static const size_t sizes[] = {125, 126, 4096};
    struct ws_stage *stage = *state;
    struct ws_client *client = ws_stage_client(stage, NULL);
    char text[WS_MESSAGE_MAX_BYTES + 1];
    stage->echoes = true;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        memset(text, 'x', sizes[i]);
        text[sizes[i]] = '\0';
        ws_client_send_text(client, text);
        ws_client_expect_text(client, text);
    }
    /* what is sent may be larger than what is received */
    enum { LARGE = 200000 };
    char *large = malloc(LARGE + 1);
    assert_non_null(large);
    memset(large, 'y', LARGE);
    large[LARGE] = '\0';
    ws_stage_send(stage->open[0], large);
    ws_client_expect_text(client, large);
    free(large);
    ws_client_destroy(client);
}

/* More in one piece than is handed out in one wake-up, and every byte by itself. */
static void test_many_at_once(void **state) {
    enum { TEXTS = 5000 };
    struct ws_stage *stage = *state;
    struct ws_client *client = ws_stage_client(stage, NULL);
    for (unsigned i = 0; i < TEXTS; i++)
        ws_client_send_text(client, "x");
    ws_client_send_text(client, "last");
    fixture_wait(stage->fixture, stage->texts == TEXTS + 1);
    assert_string_equal(stage->text, "last");
    static const char bytes[] = "\x01\x83\1\2\3\4\x60\x60\x60\x80\x82\1\2\3\4\x65\x67";
    for (size_t i = 0; i < sizeof bytes - 1; i++) {
        ws_client_send_raw(client, bytes + i, 1);
        ws_client_turn(stage->fixture->base);
    }
    fixture_wait(stage->fixture, stage->texts == TEXTS + 2);
    assert_string_equal(stage->text, "abcde");
    ws_client_destroy(client);
}

/* Texts and a close frame that came before the answer was sent. */
static void test_impatient_clients(void **state) {
    enum { TEXTS = 1000 };
    static const uint8_t text[] = {0x81, 0x81, 0, 0, 0, 0, 'e'}, close[] = {0x88, 0x80, 0, 0, 0, 0};
    struct ws_stage *stage = *state;
    char bytes[sizeof WS_STAGE_REQUEST + TEXTS * sizeof text + sizeof close] = WS_STAGE_REQUEST;
    size_t size = sizeof WS_STAGE_REQUEST - 1;
    for (unsigned i = 0; i < TEXTS; i++, size += sizeof text)
        memcpy(bytes + size, text, sizeof text);
    memcpy(bytes + size, close, sizeof close);
    struct client *client = client_create(stage->fixture);
    client_send(client, bytes, size + sizeof close);
    assert_int_equal(client_answer(client, false).status, 101);
    assert_true(client_wait(client, 2));
    assert_memory_equal(client->input, "\x88\x00", 2);
    assert_int_equal(stage->texts, TEXTS);
    client_destroy(client);
    ws_stage_wait_closed(stage, 1);
    assert_int_equal(stage->code, WS_CLOSE_NO_CODE);
}

static void test_a_shared_frame(void **state) {
    enum { CLIENTS = 50 };
    struct ws_stage *stage = *state;
    struct ws_client *clients[CLIENTS];
    for (size_t i = 0; i < CLIENTS; i++)
        clients[i] = ws_stage_client(stage, NULL);
    struct ws_frame *frame = ws_frame_create(WS_OPCODE_TEXT, "to all", 6);
    assert_non_null(frame);
    for (size_t i = 0; i < CLIENTS; i++)
        ws_session_send(stage->open[i], frame);
    assert_int_equal(frame->references, 1); /* the sockets had room */
    ws_frame_release(frame);
    for (size_t i = 0; i < CLIENTS; i++) {
        ws_client_expect_text(clients[i], "to all");
        ws_client_destroy(clients[i]);
    }
}

/* --- opening later --------------------------------------------------------------------------- */

static void test_opening_later(void **state) {
    struct ws_stage *stage = *state;
    struct fixture *fixture = stage->fixture;
    struct ws_client_config config = ws_stage_client_config(stage);
    config.path = "/later";
    struct ws_client *client = ws_client_create(&config);
    fixture_wait(fixture, fixture->waiting_count == 1);
    fixture->waiting_count = 0;
    ws_stage_accept(stage, fixture->waiting[0]);
    ws_client_wait_open(client);
    ws_stage_send(stage->open[0], "late");
    ws_client_expect_text(client, "late");
    ws_client_destroy(client);
    ws_stage_wait_closed(stage, 1);

    client = ws_client_create(&config); /* leaves while its request waits */
    fixture_wait(fixture, fixture->waiting_count == 1);
    fixture->waiting_count = 0;
    ws_client_destroy(client);
    fixture_wait(fixture, fixture->gone == 1);

    client = ws_client_create(&config); /* leaves, and it is not known yet */
    fixture_wait(fixture, fixture->waiting_count == 1);
    ws_client_reset(client);
    ws_stage_accept(stage, fixture->waiting[0]);
    assert_int_equal(stage->left, 1);
    assert_int_equal(stage->opened, 1);
    ws_client_destroy(client);
    fixture_wait(fixture, http_server_connections(fixture->server) == 0);
}

/* --- violations ------------------------------------------------------------------------------ */

static void test_violations(void **state) {
    static const struct {
        const char *bytes;
        size_t size_bytes;
        uint16_t code;
    } cases[] = {
        {"\x81\x01x", 3, 1002},
        {"\x82\x81\0\0\0\0x", 7, 1003},
        {"\x81\x81\0\0\0\0\xff", 7, 1007},
        {"\x81\xfe\x10\x01\0\0\0\0", 8, 1009},
    };
    struct ws_stage *stage = *state;
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        struct ws_client *client = raw_client(stage);
        ws_client_send_text(client, "good");
        ws_client_send_raw(client, cases[i].bytes, cases[i].size_bytes);
        ws_client_send_text(client, "dropped");
        ws_client_expect_close(client, cases[i].code);
        ws_client_expect_over(client);
        assert_int_equal(stage->texts, i + 1);
        assert_int_equal(stage->closed, i); /* it still reads, or what it said could be lost */
        ws_client_destroy(client);
        ws_stage_wait_closed(stage, i + 1);
        assert_int_equal(stage->code, cases[i].code);
    }
}

/* The refusal reaches a client that sends on and on. */
static void test_a_violation_in_a_flood(void **state) {
    enum { FLOOD = 4 * 1024 * 1024 };
    struct ws_stage *stage = *state;
    struct ws_client *client = raw_client(stage);
    char *flood = calloc(1, FLOOD);
    assert_non_null(flood);
    ws_client_send_raw(client, flood, FLOOD);
    ws_client_expect_close(client, 1002);
    ws_client_expect_over(client);
    ws_client_destroy(client);
    free(flood);
    ws_stage_wait_closed(stage, 1);
}

/* --- closing --------------------------------------------------------------------------------- */

static void test_the_client_closes(void **state) {
    struct ws_stage *stage = *state;
    struct ws_client *client = raw_client(stage);
    ws_client_send_close(client, 4001);
    ws_client_send_text(client, "dropped");
    ws_client_expect_close(client, 4001);
    ws_client_expect_over(client); /* the server ends the connection first */
    ws_client_destroy(client);
    ws_stage_wait_closed(stage, 1);
    assert_int_equal(stage->code, 4001);
    assert_int_equal(stage->texts, 0);

    client = raw_client(stage);
    ws_client_send_frame(client, WS_CLOSE, "", 0);
    ws_client_expect_close(client, WS_CLOSE_NO_CODE);
    ws_client_expect_over(client);
    ws_client_destroy(client);
    ws_stage_wait_closed(stage, 2);
    assert_int_equal(stage->code, WS_CLOSE_NO_CODE);
}

static void test_the_server_closes(void **state) {
    struct ws_stage *stage = *state;
    struct ws_client *client = raw_client(stage);
    ws_stage_send(stage->open[0], "last");
    ws_session_close(stage->open[0], WS_CLOSE_POLICY, "why");
    ws_stage_send(stage->open[0], "dropped");
    ws_session_close(stage->open[0], WS_CLOSE_NORMAL, "twice");
    ws_client_expect_text(client, "last");
    expect_frame(client, WS_CLOSE, "\x03\xf0why");
    ws_client_send_text(client, "dropped");
    ws_client_send_frame(client, WS_PING, "", 0); /* not answered any more */
    ws_client_send_close(client, WS_CLOSE_NORMAL);
    ws_client_expect_over(client);
    assert_int_equal(stage->closed, 0);
    ws_client_destroy(client);
    ws_stage_wait_closed(stage, 1);
    assert_int_equal(stage->code, WS_CLOSE_POLICY);
    assert_int_equal(stage->texts, 0);
}

static struct ws_stage *create_hasty(void **state) {
    struct ws_sessions_config config = ws_stage_config();
    config.close_ms = SHORT_MS;
    struct ws_stage *stage = ws_stage_create(NULL, &config);
    *state = stage;
    return stage;
}

static void test_a_close_that_is_not_answered(void **state) {
    struct ws_stage *stage = create_hasty(state);
    struct ws_client *client = raw_client(stage);
    ws_session_close(stage->open[0], WS_CLOSE_NORMAL, "");
    ws_client_expect_close(client, WS_CLOSE_NORMAL);
    ws_stage_wait_closed(stage, 1);
    assert_int_equal(stage->code, WS_CLOSE_NORMAL);
    ws_client_destroy(client);

    client = raw_client(stage); /* answers, and does not end the connection */
    ws_client_send_close(client, WS_CLOSE_NORMAL);
    ws_client_expect_close(client, WS_CLOSE_NORMAL);
    ws_stage_wait_closed(stage, 2);
    ws_client_destroy(client);
}

static void test_clients_that_leave(void **state) {
    struct ws_stage *stage = *state;
    struct ws_client *client = ws_stage_client(stage, NULL);
    ws_client_send_frame(client, 0x01, "half of it", 10);
    ws_client_shut(client);
    ws_client_expect_over(client);
    ws_stage_wait_closed(stage, 1);
    assert_int_equal(stage->code, WS_CLOSE_ABNORMAL);
    ws_client_destroy(client);

    client = ws_stage_client(stage, NULL);
    ws_client_reset(client);
    ws_stage_wait_closed(stage, 2);
    ws_client_destroy(client);

    client = ws_stage_client(stage, NULL);
    ws_client_reset(client);
    ws_stage_send(stage->open[2], "not known yet"); /* finds out, and tells later */
    assert_int_equal(stage->closed, 2);
    ws_stage_wait_closed(stage, 3);
    ws_client_destroy(client);
    fixture_wait(stage->fixture, http_server_connections(stage->fixture->server) == 0);
}

/* --- time ------------------------------------------------------------------------------------ */

static void test_pings(void **state) {
    struct ws_sessions_config config = ws_stage_config();
    config.ping_ms = SHORT_MS / 2;
    struct ws_stage *stage = ws_stage_create(NULL, &config);
    *state = stage;
    struct ws_client *lively = raw_client(stage), *dead = raw_client(stage);
    for (int i = 0; i < 3; i++) {
        expect_frame(lively, WS_PING, "");
        ws_client_send_frame(lively, WS_PONG, "", 0);
    }
    expect_frame(dead, WS_PING, "");
    ws_client_send_text(dead, "is no pong");
    ws_client_expect_over(dead);
    assert_int_equal(stage->closed, 1);
    assert_int_equal(stage->code, WS_CLOSE_ABNORMAL);
    assert_non_null(stage->open[0]);
    ws_client_destroy(lively);
    ws_client_destroy(dead);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define TEST_OF_ITS_OWN(name) cmocka_unit_test_setup_teardown(name, set_up_nothing, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_texts),
        TEST(test_sizes),
        TEST(test_many_at_once),
        TEST(test_impatient_clients),
        TEST(test_a_shared_frame),
        TEST(test_opening_later),
        TEST(test_violations),
        TEST(test_a_violation_in_a_flood),
        TEST(test_the_client_closes),
        TEST(test_the_server_closes),
        TEST_OF_ITS_OWN(test_a_close_that_is_not_answered),
        TEST(test_clients_that_leave),
        TEST_OF_ITS_OWN(test_pings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
