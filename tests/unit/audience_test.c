/* Who listens to ops/bench' frames notices what is missing, doubled, out of order or not the same.
 */
#include "ops/benchmarks/audience.h"
#include "ops/benchmarks/crew.h"
#include "ops/benchmarks/crier.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum { LISTENERS = 2, TEXTS_MAX = 4, WAIT_MS = 10000, TOO_LITTLE_MS = 400 };

#define UPGRADED                                                                                   \
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"            \
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
#define HELLO "{\"type\":\"hello\",\"seatsVersion\":5}"
#define QUEUE "{\"type\":\"queue\",\"phase\":\"OFF\"}"
#define SIXTH "{\"type\":\"seats\",\"from\":5,\"version\":6,\"changes\":{\"A1\":\"HELD\"}}"
#define OTHER_SIXTH "{\"type\":\"seats\",\"from\":5,\"version\":6,\"changes\":{\"A2\":\"HELD\"}}"
#define SEVENTH "{\"type\":\"seats\",\"from\":6,\"version\":7,\"changes\":{\"A2\":\"HELD\"}}"

/* What a server says to each of them; ends where there is no more. */
struct server {
    int listening;
    const char *texts[LISTENERS][TEXTS_MAX + 1];
};

static void say(int fd, const char *text) {
    uint8_t header[2] = {0x81, (uint8_t)strlen(text)};
    ensure(write(fd, header, sizeof header) == sizeof header);
    ensure(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
}

static void serve(void *context) {
    const struct server *server = context;
    char request[1024];
    int fds[LISTENERS];
    for (unsigned i = 0; i < LISTENERS; i++) {
        fds[i] = accept(server->listening, NULL, NULL);
        ensure(read(fds[i], request, sizeof request) > 0);
        ensure(write(fds[i], UPGRADED, sizeof UPGRADED - 1) == sizeof UPGRADED - 1);
        for (unsigned text = 0; server->texts[i][text]; text++)
            say(fds[i], server->texts[i][text]);
    }
    (void)pause();
}

static struct audience *listen_to(struct server *server, struct crew *crew) {
    struct sockaddr_storage address = {.ss_family = AF_INET};
    struct sockaddr_in *in = (struct sockaddr_in *)&address;
    socklen_t size = sizeof *in;
    in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server->listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server->listening, (struct sockaddr *)in, size), 0);
    assert_int_equal(listen(server->listening, LISTENERS), 0);
    assert_int_equal(getsockname(server->listening, (struct sockaddr *)in, &size), 0);
    crew_add(crew, serve, server);
    close(server->listening);
    return audience_create(&address, 1, "/live", LISTENERS);
}

/* How many frames everybody hears in order, before something is wrong or nothing more comes. */
static uint32_t frames_heard(struct server server) {
    struct crew crew = {0};
    struct hearer_news *news = malloc(sizeof *news);
    struct audience *audience = listen_to(&server, &crew);
    uint32_t frames = 0;
    assert_non_null(news);
    while (audience && audience_wait(audience, frames, TOO_LITTLE_MS, news)) {
        assert_int_equal(news->heard, LISTENERS);
        assert_true(news->last_us >= news->first_us);
        frames++;
    }
    audience_destroy(audience);
    crew_end(&crew);
    free(news);
    return frames;
}

static void hears_what_all_are_told(void **state) {
    (void)state;
    const struct server server = {
        .texts = {{HELLO, QUEUE, SIXTH, SEVENTH}, {HELLO, SIXTH, QUEUE, SEVENTH}}};
    assert_int_equal(frames_heard(server), 2);
}

static void notices_a_missing_frame(void **state) {
    (void)state;
    const struct server at_the_end = {.texts = {{HELLO, SIXTH, SEVENTH}, {HELLO, SIXTH}}};
    const struct server before = {.texts = {{HELLO, SIXTH, SEVENTH}, {HELLO, SEVENTH}}};
    const struct server for_all = {.texts = {{HELLO, SEVENTH}, {HELLO, SEVENTH}}};
    assert_int_equal(frames_heard(at_the_end), 1);
    assert_int_equal(frames_heard(before), 0);
    assert_int_equal(frames_heard(for_all), 0);
}

static void notices_a_frame_twice(void **state) {
    (void)state;
    const struct server for_one = {.texts = {{HELLO, SIXTH, SIXTH}, {HELLO, SIXTH, SEVENTH}}};
    const struct server for_all = {.texts = {{HELLO, SIXTH, SIXTH}, {HELLO, SIXTH, SIXTH}}};
    const struct server greeting = {.texts = {{HELLO, HELLO, SIXTH}, {HELLO, SIXTH}}};
    assert_true(frames_heard(for_one) <= 1);
    assert_true(frames_heard(for_all) <= 1);
    assert_int_equal(frames_heard(greeting), 0);
}

static void notices_another_frame(void **state) {
    (void)state;
    const struct server server = {.texts = {{HELLO, SIXTH}, {HELLO, OTHER_SIXTH}}};
    assert_int_equal(frames_heard(server), 0);
}

static void hears_who_cries(void **state) {
    (void)state;
    char text[300];
    struct hearer_news *news = malloc(sizeof *news);
    struct crier *crier = crier_create(LISTENERS);
    struct audience *audience =
        audience_create(crier_addresses(crier), LISTENERS, NULL, 5 * LISTENERS);
    assert_non_null(news);
    assert_non_null(audience);
    for (uint32_t i = 0; i < 2; i++) {
        size_t size_bytes = i == 0 ? 100 : sizeof text;
        memset(text, 'x', sizeof text);
        memcpy(text, SEVENTH, sizeof SEVENTH - 1);
        crier_cry(crier, text, size_bytes);
        assert_true(audience_wait(audience, i, WAIT_MS, news));
        assert_int_equal(news->heard, 5 * LISTENERS);
        assert_int_equal(news->size_bytes, size_bytes);
        assert_memory_equal(news->text, text, size_bytes);
    }
    assert_true(crier_cpu_seconds(crier) > 0 && audience_cpu_seconds(audience) > 0);
    audience_destroy(audience);
    crier_destroy(crier);
    free(news);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hears_what_all_are_told), cmocka_unit_test(notices_a_missing_frame),
        cmocka_unit_test(notices_a_frame_twice),   cmocka_unit_test(notices_another_frame),
        cmocka_unit_test(hears_who_cries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
