/* How a WebSocket is opened, and each way in which it is not. */
#include "tests/unit/ws_stage.h"

#include <stdio.h>

#define REQUEST "GET /live HTTP/1.1\r\n"
#define HOST "Host: tickets.example:8080\r\n"
#define UPGRADE "Upgrade: websocket\r\n"
#define CONNECTION "Connection: Upgrade\r\n"
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" /* for this key: RFC 6455, 1.3 */
#define OTHERS HOST UPGRADE CONNECTION VERSION
#define ALL REQUEST OTHERS KEY

static int set_up(void **state) {
    *state = ws_stage_create(NULL, NULL);
    return 0;
}

static int tear_down(void **state) {
    ws_stage_destroy(*state);
    return 0;
}

static struct answer ask(struct client *client, const char *request) {
    client_send_text(client, request);
    client_send_text(client, "\r\n");
    return client_answer(client, true);
}

static void expect_status(struct ws_stage *stage, const char *request, int status,
                          const char *code) {
    char expected[64];
    unsigned opened = stage->opened;
    struct client *client = client_create(stage->fixture);
    struct answer answer = ask(client, request);
    (void)snprintf(expected, sizeof expected, "\"code\":\"%s\"", code);
    if (answer.status != status || (status != 101 && !strstr(answer.body, expected)))
        fail_msg("%d %s instead of %d %s for\n%s", answer.status, answer.body, status, code,
                 request);
    assert_int_equal(stage->opened, opened + (status == 101));
    client_destroy(client);
}

static void expect_open(struct ws_stage *stage, const char *request) {
    expect_status(stage, request, 101, "");
}

static void test_it_opens(void **state) {
    struct ws_stage *stage = *state;
    char value[256];
    struct client *client = client_create(stage->fixture);
    struct answer answer =
        ask(client, ALL "Sec-WebSocket-Extensions: permessage-deflate\r\n"
                        "Sec-WebSocket-Protocol: chat\r\nX-Request-Id: mine\r\n");
    assert_int_equal(answer.status, 101);
    assert_non_null(strstr(answer.head, "HTTP/1.1 101 Switching Protocols\r\n"));
    assert_string_equal(answer_header(&answer, "Upgrade", value), "websocket");
    assert_string_equal(answer_header(&answer, "Connection", value), "Upgrade");
    assert_string_equal(answer_header(&answer, "Sec-WebSocket-Accept", value), ACCEPT);
    assert_string_equal(answer_header(&answer, "X-Request-Id", value), "mine");
    assert_null(answer_header(&answer, "Sec-WebSocket-Extensions", value));
    assert_null(answer_header(&answer, "Sec-WebSocket-Protocol", value));
    assert_null(answer_header(&answer, "Content-Length", value));
    assert_int_equal(stage->opened, 1);
    client_send(client, "\x88\x80\0\0\0\0", 6);
    client_destroy(client);
}

static void test_ways_to_ask(void **state) {
    expect_open(*state, REQUEST HOST VERSION KEY "Upgrade: WebSocket\r\nconnection: upgrade\r\n");
    expect_open(*state, REQUEST HOST VERSION KEY UPGRADE "Connection: keep-alive, Upgrade\r\n");
    expect_open(*state, REQUEST HOST VERSION KEY UPGRADE CONNECTION "Connection: keep-alive\r\n");
    expect_open(*state, REQUEST HOST VERSION KEY CONNECTION "Upgrade: h2c, websocket\r\n");
    expect_open(*state, ALL "Content-Length: 0\r\n");
}

static void test_what_is_no_upgrade(void **state) {
    static const char *const requests[] = {
        REQUEST HOST,
        REQUEST HOST UPGRADE VERSION KEY,
        REQUEST HOST UPGRADE VERSION KEY "Connection: keep-alive\r\n",
        REQUEST HOST CONNECTION VERSION KEY,
        REQUEST HOST CONNECTION VERSION KEY "Upgrade: h2c\r\n",
        REQUEST HOST CONNECTION VERSION KEY "Upgrade: websockets\r\n",
        REQUEST HOST CONNECTION UPGRADE KEY,
        REQUEST HOST CONNECTION UPGRADE KEY "Sec-WebSocket-Version: 8\r\n",
        REQUEST HOST CONNECTION UPGRADE KEY "Sec-WebSocket-Version: 13, 8\r\n",
        ALL "Sec-WebSocket-Version: 13\r\n",
    };
    struct ws_stage *stage = *state;
    for (size_t i = 0; i < ARRAY_LEN(requests); i++)
        expect_status(stage, requests[i], 426, "upgrade-required");
    char value[256];
    struct client *client = client_create(stage->fixture);
    struct answer answer = ask(client, requests[0]);
    assert_string_equal(answer_header(&answer, "Upgrade", value), "websocket");
    assert_string_equal(answer_header(&answer, "Connection", value), "Upgrade");
    assert_string_equal(answer_header(&answer, "Sec-WebSocket-Version", value), "13");
    assert_int_equal(ask(client, ALL).status, 101); /* the same connection can do better */
    client_destroy(client);
}

static void test_bad_requests(void **state) {
    static const char *const requests[] = {
        "GET /live HTTP/1.0\r\n" OTHERS KEY,
        "POST /live HTTP/1.1\r\n" OTHERS KEY,
        ALL "Content-Length: 1\r\n\r\nx",
        REQUEST OTHERS,
        REQUEST OTHERS "Sec-WebSocket-Key:\r\n",
        REQUEST OTHERS "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ\r\n",
        REQUEST OTHERS "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=\r\n",
        REQUEST OTHERS "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ===\r\n",
        REQUEST OTHERS "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQA=\r\n", /* 17 bytes */
        REQUEST OTHERS "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j\r\n",     /* 15 */
        REQUEST OTHERS "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ_==\r\n", /* base64url */
        ALL KEY,
    };
    for (size_t i = 0; i < ARRAY_LEN(requests); i++)
        expect_status(*state, requests[i], 400, "bad-request");
}

#define ORIGIN(origin) ALL "Origin: " origin "\r\n"

static void test_the_sites_own_pages(void **state) {
    struct ws_stage *stage = *state;
    expect_open(stage, ORIGIN("http://tickets.example:8080"));
    expect_open(stage, ORIGIN("https://tickets.example:8080"));
    expect_status(stage, ORIGIN("https://tickets.example"), 403, "forbidden");
    stage->origins.public_url = "https://tickets.example";
    expect_open(stage, ORIGIN("https://tickets.example"));
    expect_status(stage, ORIGIN("http://tickets.example"), 403, "forbidden");
    stage->origins.public_url = "https://tickets.example/shop";
    expect_open(stage, ORIGIN("https://tickets.example"));
    expect_open(stage, ORIGIN("https://tickets.example:8080"));
}

static void test_pages_of_others(void **state) {
    struct ws_stage *stage = *state;
    struct cors *listed = cors_create("https://shop.example"), *any = cors_create("*");
    stage->origins = (struct ws_origins){.public_url = "https://tickets.example", .cors = listed};
    expect_open(stage, ALL);
    expect_open(stage, ORIGIN("https://shop.example"));
    expect_status(stage, ORIGIN("http://shop.example"), 403, "forbidden");
    expect_status(stage, ORIGIN("https://shop.example.evil"), 403, "forbidden");
    expect_status(stage, ORIGIN("https://tickets.example.evil"), 403, "forbidden");
    expect_status(stage, ORIGIN("https://tickets.exampl"), 403, "forbidden");
    expect_status(stage, ORIGIN("null"), 403, "forbidden");
    expect_status(stage, ORIGIN(""), 403, "forbidden");
    expect_status(stage, ORIGIN("tickets.example:8080"), 403, "forbidden");
    stage->origins.cors = any;
    expect_open(stage, ORIGIN("https://anybody.example"));
    expect_open(stage, ORIGIN("null"));
    cors_destroy(listed);
    cors_destroy(any);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_it_opens),     TEST(test_ways_to_ask),         TEST(test_what_is_no_upgrade),
        TEST(test_bad_requests), TEST(test_the_sites_own_pages), TEST(test_pages_of_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
