/* WebSockets over TLS. */
#include "tests/unit/tls_stage.h"
#include "tests/unit/ws_stage.h"

#include <signal.h>
#include <stdlib.h>

struct tls_and_ws {
    struct stage *tls;
    struct ws_stage *ws;
};

static int set_up(void **state) {
    struct tls_and_ws *both = calloc(1, sizeof *both);
    void *tls;
    assert_non_null(both);
    stage_set_up(&tls);
    both->tls = tls;
    both->ws = ws_stage_create(&both->tls->config, NULL);
    both->tls->fixture = both->ws->fixture;
    both->ws->echoes = true;
    *state = both;
    return 0;
}

static int tear_down(void **state) {
    struct tls_and_ws *both = *state;
    void *tls = both->tls;
    ws_stage_close(both->ws); /* the fixture is the other's to destroy */
    stage_tear_down(&tls);
    free(both);
    return 0;
}

static struct client *open_client(struct tls_and_ws *both) {
    struct client *client = stage_client(both->tls);
    client_send_text(client, WS_STAGE_REQUEST);
    assert_int_equal(client_answer(client, false).status, 101);
    return client;
}

/* Waits for these bytes and forgets them. */
static void expect_bytes(struct client *client, const char *bytes, size_t size_bytes) {
    client_wait(client, size_bytes);
    assert_in_range(client->input_bytes, size_bytes, SIZE_MAX);
    assert_memory_equal(client->input, bytes, size_bytes);
    client_drop(client, size_bytes);
}

static void test_texts(void **state) {
    enum { MANY = 2000 };
    struct tls_and_ws *both = *state;
    struct client *client = open_client(both);
    client_send(client, "\x81\x85\1\2\3\4\x69\x67\x6f\x68\x6e\x89\x80\0\0\0\0", 17);
    expect_bytes(client, "\x81\x05hello\x8a\x00", 9);
    /* many in one record, more than is received at once; and one in many */
    static const uint8_t text[] = {0x81, 0x81, 0, 0, 0, 0, 'm'};
    char many[MANY * sizeof text];
    for (size_t i = 0; i < sizeof many; i += sizeof text)
        memcpy(many + i, text, sizeof text);
    both->ws->echoes = false;
    client_send(client, many, sizeof many);
    fixture_wait(both->ws->fixture, both->ws->texts == MANY + 1);
    both->ws->echoes = true;
    for (size_t i = 0; i < sizeof text; i++)
        client_send(client, many + i, 1);
    expect_bytes(client, "\x81\x01m", 3);
    client_destroy(client);
    fixture_wait(both->ws->fixture, both->ws->closed == 1);
}

static void test_a_large_frame(void **state) {
    enum { LARGE = 200000 };
    struct tls_and_ws *both = *state;
    struct client *client = open_client(both);
    char *text = malloc(LARGE + 1);
    assert_non_null(text);
    for (size_t i = 0; i < LARGE; i++)
        text[i] = (char)('a' + i % 23);
    text[LARGE] = '\0';
    ws_stage_send(both->ws->open[0], text);
    ws_stage_send(both->ws->open[0], "after it");
    expect_bytes(client, "\x81\x7f\0\0\0\0\0\x03\x0d\x40", 10);
    expect_bytes(client, text, LARGE);
    expect_bytes(client,
                 "\x81\x08"
                 "after it",
                 10);
    free(text);
    client_destroy(client);
}

static void test_closing(void **state) {
    struct tls_and_ws *both = *state;
    struct client *client = open_client(both);
    client_send(client, "\x88\x82\0\0\0\0\x03\xe8", 8);
    expect_bytes(client, "\x88\x02\x03\xe8", 4);
    client_expect_closed(client); /* with a close_notify */
    client_destroy(client);
    client = open_client(both);
    ws_session_close(both->ws->open[1], WS_CLOSE_POLICY, "");
    expect_bytes(client, "\x88\x02\x03\xf0", 4);
    client_send(client, "\x88\x80\0\0\0\0", 6);
    client_expect_closed(client);
    client_destroy(client);
    ws_stage_wait_closed(both->ws, 2);
}

/* Whole frames, the one that had begun too, and then the close frame. */
static void test_a_slow_reader(void **state) {
    enum { NEWS_BYTES = 20000, LIMIT = WS_UNSENT_MAX_BYTES / NEWS_BYTES };
    struct tls_and_ws *both = *state;
    struct client *client = open_client(both);
    char *text = calloc(1, NEWS_BYTES + 1);
    assert_non_null(text);
    memset(text, 'n', NEWS_BYTES);
    struct ws_frame *news = ws_frame_create(WS_OPCODE_TEXT, text, NEWS_BYTES);
    assert_non_null(news);
    for (unsigned most = 0, kept = 0; most < LIMIT / 2 || kept > 1;) {
        ws_session_send(both->ws->open[0], news);
        kept = news->references - 1;
        most = kept > most ? kept : most;
        fixture_turn(both->ws->fixture, -1);
    }
    ws_frame_release(news);
    unsigned received = 0;
    for (; client_wait(client, 4) && client->input[0] == '\x81'; received++) {
        expect_bytes(client, "\x81\x7e\x4e\x20", 4);
        expect_bytes(client, text, NEWS_BYTES);
    }
    assert_in_range(received, 1, SIZE_MAX);
    expect_bytes(client, "\x88\x0a\x03\xf5too slow", 12);
    client_send(client, "\x88\x80\0\0\0\0", 6);
    client_expect_closed(client);
    client_destroy(client);
    ws_stage_wait_closed(both->ws, 1);
    assert_int_equal(both->ws->code, WS_CLOSE_TRY_LATER);
    free(text);
}

/* Reads again in the middle of what is kept: every record is as it should be. */
static void test_a_reader_that_catches_up(void **state) {
    enum { TEXTS = 150, TEXT_BYTES = 30000 };
    struct tls_and_ws *both = *state;
    struct client *client = open_client(both);
    char *text = calloc(1, TEXT_BYTES + 1);
    assert_non_null(text);
    for (int round = 0; round < TEXTS / 5; round++) {
        for (int i = 0; i < 5; i++) {
            memset(text, 'a' + (round * 5 + i) % 26, TEXT_BYTES);
            ws_stage_send(both->ws->open[0], text);
        }
        for (int i = 0; i < 5; i++) {
            memset(text, 'a' + (round * 5 + i) % 26, TEXT_BYTES);
            expect_bytes(client, "\x81\x7e\x75\x30", 4);
            expect_bytes(client, text, TEXT_BYTES);
        }
    }
    free(text);
    client_destroy(client);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_texts),
        TEST(test_a_large_frame),
        TEST(test_closing),
        TEST(test_a_slow_reader),
        TEST(test_a_reader_that_catches_up),
    };
    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
