/* What many WebSockets cost, and what slow or many clients can't do to others. */
#include "tests/unit/ws_stage.h"

#include <malloc.h>
#include <stdlib.h>
#include <sys/resource.h>

enum { SHORT_MS = 300 };

/* Linked with --wrap: what everything but the libraries allocates, and refuses at will. libevent
 * allocates by the same functions (event_set_mem_functions). */
static size_t allocations;
static size_t refused_allocation; /* which one gets no memory; 0: none */
static size_t live_bytes;
void *__real_malloc(size_t size_bytes);
void *__real_calloc(size_t count, size_t size_bytes);
void *__real_realloc(void *memory, size_t size_bytes);
void __real_free(void *memory);
void *__wrap_malloc(size_t size_bytes);
void *__wrap_calloc(size_t count, size_t size_bytes);
void *__wrap_realloc(void *memory, size_t size_bytes);
void __wrap_free(void *memory);

static bool is_refused(void) {
    return ++allocations == refused_allocation;
}

static void *counted(void *memory) {
    live_bytes += memory ? malloc_usable_size(memory) : 0;
    return memory;
}

void *__wrap_malloc(size_t size_bytes) {
    return is_refused() ? NULL : counted(__real_malloc(size_bytes));
}

void *__wrap_calloc(size_t count, size_t size_bytes) {
    return is_refused() ? NULL : counted(__real_calloc(count, size_bytes));
}

void *__wrap_realloc(void *memory, size_t size_bytes) {
    if (is_refused())
        return NULL;
    live_bytes -= memory ? malloc_usable_size(memory) : 0;
    return counted(__real_realloc(memory, size_bytes));
}

void __wrap_free(void *memory) {
    live_bytes -= memory ? malloc_usable_size(memory) : 0;
    __real_free(memory);
}

static void *event_malloc(size_t size_bytes) {
    return counted(__real_malloc(size_bytes));
}

static void *event_realloc(void *memory, size_t size_bytes) {
    live_bytes -= memory ? malloc_usable_size(memory) : 0;
    return counted(__real_realloc(memory, size_bytes));
}

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
    if (*state)
        ws_stage_destroy(*state);
    return 0;
}

/* --- readers that are too slow --------------------------------------------------------------- */

static struct ws_client *slow_client(struct ws_stage *stage) {
    struct ws_client_config config = ws_stage_client_config(stage);
    config.receive_bytes = 4096;
    config.raw = true;
    struct ws_client *client = ws_stage_client(stage, &config);
    ws_client_read(client, false);
    return client;
}

/* Sends the same news of this size to the first session, which does not read, and to the second,
 * which does, until the first is closed: then what is kept for it, up to about `limit`, is dropped
 * but for one. Returns how many were kept at most. */
static unsigned send_until_closed(struct ws_stage *stage, struct ws_client *fast, size_t size_bytes,
                                  unsigned limit, unsigned *sent) {
    unsigned most = 0, kept = 0;
    char *text = calloc(1, size_bytes + 1);
    assert_non_null(text);
    memset(text, 'n', size_bytes);
    struct ws_frame *news = ws_frame_create(WS_OPCODE_TEXT, text, size_bytes);
    assert_non_null(news);
    for (*sent = 0; most < limit / 2 || kept > 1; ++*sent) {
        ws_session_send(stage->open[0], news);
        kept = news->references - 1;
        most = kept > most ? kept : most;
        ws_session_send(stage->open[1], news);
        ws_client_expect_text(fast, text); /* is not held up */
    }
    ws_frame_release(news);
    free(text);
    return most;
}

static void test_many_bytes_unsent(void **state) {
    enum { NEWS_BYTES = 8 * 1024, LIMIT = WS_UNSENT_MAX_BYTES / NEWS_BYTES };
    struct ws_stage *stage = *state;
    struct ws_client *slow = slow_client(stage), *fast = ws_stage_client(stage, NULL);
    unsigned sent, received = 0;
    unsigned most = send_until_closed(stage, fast, NEWS_BYTES, LIMIT, &sent);
    assert_in_range(most, LIMIT - 1, LIMIT + 1);
    ws_client_read(slow, true); /* whole frames up to the close frame, the last ones dropped */
    const struct ws_client_frame *frame;
    for (; (frame = ws_client_receive(slow)) && frame->first == WS_TEXT; received++)
        assert_int_equal(frame->size_bytes, NEWS_BYTES);
    ensure(frame != NULL);
    assert_int_equal(frame->first, WS_CLOSE);
    assert_memory_equal(frame->payload, "\x03\xf5", 2);
    assert_in_range(received, 1, sent - most + 1);
    ws_client_send_close(slow, WS_CLOSE_TRY_LATER);
    ws_client_expect_over(slow);
    ws_client_destroy(slow);
    ws_stage_wait_closed(stage, 1);
    assert_int_equal(stage->code, WS_CLOSE_TRY_LATER);
    ws_client_destroy(fast);
}

static void test_many_frames_unsent(void **state) {
    struct ws_stage *stage = *state;
    struct ws_client *slow = slow_client(stage), *fast = ws_stage_client(stage, NULL);
    unsigned sent;
    assert_int_equal(send_until_closed(stage, fast, 100, WS_UNSENT_MAX_FRAMES, &sent),
                     WS_UNSENT_MAX_FRAMES);
    ws_client_destroy(slow);
    ws_client_destroy(fast);
}

static void test_a_reader_that_stays_slow(void **state) {
    struct ws_sessions_config config = ws_stage_config();
    config.close_ms = SHORT_MS;
    struct ws_stage *stage = ws_stage_create(NULL, &config);
    *state = stage;
    struct ws_client *slow = slow_client(stage), *fast = ws_stage_client(stage, NULL);
    unsigned sent;
    (void)send_until_closed(stage, fast, 1000, WS_UNSENT_MAX_FRAMES, &sent);
    ws_stage_wait_closed(stage, 1); /* it could not even be told */
    assert_int_equal(stage->code, WS_CLOSE_TRY_LATER);
    ws_client_destroy(slow);
    ws_client_destroy(fast);
}

/* Slow for a while: what was kept arrives, in order. */
static void test_a_reader_that_catches_up(void **state) {
    enum { TEXTS = 28, TEXT_BYTES = 16 * 1024 };
    struct ws_stage *stage = *state;
    struct ws_client *slow = slow_client(stage);
    char text[TEXT_BYTES + 1] = "";
    for (unsigned i = 0; i < TEXTS; i++) {
        memset(text, 'a' + (char)i % 26, TEXT_BYTES);
        ws_stage_send(stage->open[0], text);
        if (i % 7 == 6) { /* some of it */
            ws_client_read(slow, true);
            for (unsigned j = i - 6; j <= i; j++) {
                memset(text, 'a' + (char)j % 26, TEXT_BYTES);
                ws_client_expect_text(slow, text);
            }
            ws_client_read(slow, false);
        }
    }
    assert_int_equal(ws_sessions_count(stage->sessions), 1);
    ws_client_destroy(slow);
}

/* --- many ------------------------------------------------------------------------------------ */

static void expect_answer(struct fixture *fixture, int status) {
    struct client *client = client_create(fixture);
    client_send_text(client, "GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_int_equal(client_answer(client, true).status, status);
    client_destroy(client);
}

static void test_they_count_as_connections(void **state) {
    struct http_server_config config = fixture_config();
    config.connections_max = 3;
    struct ws_stage *stage = ws_stage_create(&config, NULL);
    struct fixture *fixture = stage->fixture;
    *state = stage;
    struct ws_client *clients[3];
    for (size_t i = 0; i < 2; i++)
        clients[i] = ws_stage_client(stage, NULL);
    assert_int_equal(http_server_connections(fixture->server), 2);
    struct client *idle = client_create(fixture);
    fixture_wait(fixture, http_server_connections(fixture->server) == 3);
    clients[2] = ws_stage_client(stage, NULL); /* in the place of the idle one */
    client_expect_closed(idle);
    expect_answer(fixture, 503);
    ws_client_destroy(clients[0]);
    ws_stage_wait_closed(stage, 1);
    expect_answer(fixture, 426);
    ws_client_destroy(clients[1]);
    ws_client_destroy(clients[2]);
    client_destroy(idle);
    fixture_wait(fixture, http_server_connections(fixture->server) == 0);
}

static void on_drained(void *context) {
    ((struct fixture *)context)->drained++;
}

static void test_a_drain(void **state) {
    enum { CLIENTS = 600 };
    struct ws_stage *stage = *state;
    struct fixture *fixture = stage->fixture;
    struct ws_client *clients[CLIENTS];
    for (size_t i = 0; i < CLIENTS; i++)
        clients[i] = ws_stage_client(stage, NULL);
    struct ws_client_config config = ws_stage_client_config(stage);
    config.path = "/later";
    struct ws_client *late = ws_client_create(&config);
    fixture_wait(fixture, fixture->waiting_count == 1);
    ws_sessions_drain(stage->sessions);
    http_server_drain(fixture->server, 60000, on_drained, fixture);
    for (size_t i = 0; i < CLIENTS; i++) {
        ws_client_expect_close(clients[i], WS_CLOSE_GOING_AWAY);
        ws_client_expect_over(clients[i]);
        ws_client_destroy(clients[i]);
    }
    ws_stage_wait_closed(stage, CLIENTS);
    assert_int_equal(fixture->drained, 0);
    ws_stage_accept(stage, fixture->waiting[0]); /* what was asked before */
    ws_client_expect_close(late, WS_CLOSE_GOING_AWAY);
    ws_client_destroy(late);
    fixture_wait(fixture, fixture->drained == 1);
    assert_int_equal(stage->closed, CLIENTS + 1);
}

/* What is open when all ends is told to its owner as well. */
static void test_the_end(void **state) {
    struct ws_stage *stage = *state;
    struct ws_client *open = ws_stage_client(stage, NULL), *closing = ws_stage_client(stage, NULL);
    ws_session_close(stage->open[1], WS_CLOSE_POLICY, "");
    ws_stage_send(stage->open[0], "x");
    ws_sessions_destroy(stage->sessions);
    stage->sessions = NULL;
    assert_int_equal(stage->closed, 2);
    assert_int_equal(http_server_connections(stage->fixture->server), 0);
    ws_client_expect_text(open, "x");
    assert_null(ws_client_receive(open));
    ws_client_expect_close(closing, WS_CLOSE_POLICY);
    ws_client_destroy(open);
    ws_client_destroy(closing);
}

static void test_memory(void **state) {
    enum { CLIENTS = 2000, OTHER_DESCRIPTORS = 100 };
    struct ws_stage *stage = *state;
    struct fixture *fixture = stage->fixture;
    const struct rlimit limit = {2 * CLIENTS + OTHER_DESCRIPTORS, 2 * CLIENTS + OTHER_DESCRIPTORS};
    struct rlimit there;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &there), 0);
    if (there.rlim_cur < limit.rlim_cur)
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    struct client **clients = calloc(CLIENTS, sizeof *clients);
    assert_non_null(clients);
    for (size_t i = 0; i < CLIENTS; i++) {
        clients[i] = client_create(fixture);
        client_send_text(clients[i], WS_STAGE_REQUEST);
    }
    size_t before = live_bytes;
    fixture_wait(fixture, stage->opened == CLIENTS);
    fixture_turn(fixture, -1);
    size_t each = (live_bytes - before) / CLIENTS;
    print_message("an idle WebSocket: %zu bytes\n", each);
    assert_in_range(each, WS_IDLE_BYTES / 2, 1024);
    for (size_t i = 0; i < CLIENTS; i++)
        client_destroy(clients[i]);
    free(clients);
    ws_stage_wait_closed(stage, CLIENTS);
}

/* Whichever allocation is refused: one connection at most is lost, and nothing else. */
static void test_without_memory(void **state UNUSED) {
    static const char bytes[] = WS_STAGE_REQUEST "\x01\x82\0\0\0\0He\x89\x81\0\0\0\0p"
                                                 "\x80\x83\0\0\0\0llo\x81\x81\0\0\0\0e\x81\x84\0";
    static const char rest[] = "\0\0\0rest\x88\x80\0\0\0\0";
    bool was_reached = true;
    for (size_t nth = 1; was_reached; nth++) {
        struct ws_stage *stage = ws_stage_create(NULL, NULL);
        struct client *client = client_create(stage->fixture);
        stage->echoes = true;
        client_send(client, bytes, sizeof bytes - 1);
        refused_allocation = allocations + nth;
        for (int i = 0; i < 5; i++)
            fixture_turn(stage->fixture, -1);
        client_send(client, rest, sizeof rest - 1);
        for (int i = 0; i < 5; i++)
            fixture_turn(stage->fixture, -1);
        was_reached = allocations >= refused_allocation;
        refused_allocation = 0;
        struct ws_client *next = ws_stage_client(stage, NULL);
        ws_client_send_text(next, "next");
        ws_client_expect_text(next, "next");
        ws_client_destroy(next);
        client_destroy(client);
        fixture_wait(stage->fixture, http_server_connections(stage->fixture->server) == 0);
        ws_stage_destroy(stage);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define TEST_OF_ITS_OWN(name) cmocka_unit_test_setup_teardown(name, set_up_nothing, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_many_bytes_unsent),
        TEST(test_many_frames_unsent),
        TEST_OF_ITS_OWN(test_a_reader_that_stays_slow),
        TEST(test_a_reader_that_catches_up),
        TEST_OF_ITS_OWN(test_they_count_as_connections),
        TEST(test_a_drain),
        TEST(test_the_end),
        TEST(test_memory),
        TEST_OF_ITS_OWN(test_without_memory),
    };
    event_set_mem_functions(event_malloc, event_realloc, __wrap_free);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
