/* Log lines are JSON whatever is put in, one a line, at most 8 KB. */
#include "shared/log.h"

#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

enum { LINE_MAX_BYTES = 8192, THREADS = 4, LINES_EACH = 500 };

/* stderr goes into a file in memory meanwhile. */
struct capture {
    int saved_stderr;
    int file;
};

static struct capture capture_begin(void) {
    struct capture capture = {.saved_stderr = dup(STDERR_FILENO),
                              .file = memfd_create("log", MFD_CLOEXEC)};
    assert_true(capture.saved_stderr >= 0 && capture.file >= 0);
    assert_int_equal(fcntl(capture.file, F_SETFL, O_APPEND), 0);
    assert_true(dup2(capture.file, STDERR_FILENO) >= 0);
    return capture;
}

/* What was written, NUL-terminated; the caller's. */
static char *capture_end(struct capture *capture) {
    assert_true(dup2(capture->saved_stderr, STDERR_FILENO) >= 0);
    off_t size = lseek(capture->file, 0, SEEK_END);
    assert_true(size >= 0);
    char *text = calloc(1, (size_t)size + 1);
    assert_non_null(text);
    assert_int_equal(pread(capture->file, text, (size_t)size, 0), size);
    close(capture->file);
    close(capture->saved_stderr);
    return text;
}

/* Takes one line off `*text`. */
static json_t *next_line(char **text) {
    char *end = strchr(*text, '\n');
    assert_non_null(end);
    assert_true(end - *text < LINE_MAX_BYTES);
    json_error_t error;
    json_t *line = json_loadb(*text, (size_t)(end - *text), JSON_REJECT_DUPLICATES, &error);
    if (line == NULL)
        fail_msg("%s in %.*s", error.text, (int)(end - *text), *text);
    assert_true(json_is_object(line));
    *text = end + 1;
    return line;
}

static json_t *only_line(struct capture *capture) {
    char *text = capture_end(capture), *at = text;
    json_t *line = next_line(&at);
    assert_string_equal(at, "");
    free(text);
    return line;
}

static const char *text_of(const json_t *line, const char *name) {
    const char *text = json_string_value(json_object_get(line, name));
    assert_non_null(text);
    return text;
}

static void a_line_says_who_when_and_what(void **state) {
    (void)state;
    log_init("worker-1", LOG_INFO);
    struct capture capture = capture_begin();
    log_write(LOG_WARNING, "partition-lost", "A partition was lost.", LOG_U64("epoch", UINT32_MAX),
              LOG_I64("offset", INT64_MIN), LOG_DOUBLE("load", 0.25), LOG_DOUBLE("none", NAN),
              LOG_TEXT("trace", "abc"), LOG_TEXT("nothing", NULL));
    json_t *line = only_line(&capture);
    assert_string_equal(text_of(line, "level"), "warning");
    assert_string_equal(text_of(line, "process"), "worker-1");
    assert_string_equal(text_of(line, "event"), "partition-lost");
    assert_string_equal(text_of(line, "message"), "A partition was lost.");
    assert_int_equal(strlen(text_of(line, "time")), strlen("2026-11-23T17:31:32.123Z"));
    assert_int_equal(json_integer_value(json_object_get(line, "pid")), getpid());
    assert_true(json_integer_value(json_object_get(line, "epoch")) == UINT32_MAX);
    assert_true(json_integer_value(json_object_get(line, "offset")) == INT64_MIN);
    assert_true(json_real_value(json_object_get(line, "load")) == 0.25);
    assert_true(json_is_null(json_object_get(line, "none")));
    assert_string_equal(text_of(line, "trace"), "abc");
    assert_true(json_is_null(json_object_get(line, "nothing")));
    assert_int_equal(json_object_size(line), 12);
    json_decref(line);
}

static void lines_below_the_level_are_not_written(void **state) {
    (void)state;
    log_init("worker-1", LOG_WARNING);
    struct capture capture = capture_begin();
    log_write(LOG_DEBUG, "a", "");
    log_write(LOG_INFO, "b", "");
    log_write(LOG_ERROR, "c", "");
    json_t *line = only_line(&capture);
    assert_string_equal(text_of(line, "event"), "c");
    json_decref(line);
}

static void levels_have_names(void **state) {
    (void)state;
    enum log_level level = LOG_DEBUG;
    assert_true(log_level_from_text("error", &level));
    assert_int_equal(level, LOG_ERROR);
    assert_true(log_level_from_text("debug", &level));
    assert_int_equal(level, LOG_DEBUG);
    assert_false(log_level_from_text("loud", &level));
    assert_false(log_level_from_text("", &level));
    assert_false(log_level_from_text("Error", &level));
}

static void hostile_text_stays_inside_its_string(void **state) {
    (void)state;
    static const struct {
        const char *text, *read;
    } cases[] = {
        {"\",\"level\":\"debug", "\",\"level\":\"debug"},
        {"back\\slash\\", "back\\slash\\"},
        {"line\nfeed\r\ttab\x01\x1f\x7f", "line\nfeed\r\ttab\x01\x1f\x7f"},
        {"Z\xc3\xbcrich \xe2\x82\xac \xf0\x9f\x8e\xab",
         "Z\xc3\xbcrich \xe2\x82\xac \xf0\x9f\x8e\xab"},
        {"\xff", "\xef\xbf\xbd"},
        {"a\xc3", "a\xef\xbf\xbd"},                               /* ends too early */
        {"a\xe2\x82", "a\xef\xbf\xbd\xef\xbf\xbd"},               /* ends too early */
        {"\x80z", "\xef\xbf\xbdz"},                               /* lone continuation */
        {"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},                 /* overlong '/' */
        {"\xe0\x80\xaf", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* overlong */
        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* a surrogate */
        {"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* > 10FFFF */
        {"\xf4\x8f\xbf\xbd", "\xf4\x8f\xbf\xbd"}, /* the highest but two */
    };
    log_init("worker-1", LOG_INFO);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct capture capture = capture_begin();
        log_write(LOG_INFO, "hostile", cases[i].text, LOG_TEXT("text", cases[i].text));
        json_t *line = only_line(&capture);
        assert_string_equal(text_of(line, "message"), cases[i].read);
        assert_string_equal(text_of(line, "text"), cases[i].read);
        json_decref(line);
    }
}

static void random_bytes_stay_inside_their_string(void **state) {
    (void)state;
    log_init("worker-1", LOG_INFO);
    uint32_t random = 20261123;
    for (int i = 0; i < 2000; i++) {
        char text[64];
        for (size_t k = 0; k < sizeof text; k++) {
            random = random * 1664525 + 1013904223;
            text[k] = (char)(random >> 24);
        }
        text[sizeof text - 1] = '\0';
        struct capture capture = capture_begin();
        log_write(LOG_INFO, "random", "", LOG_TEXT("text", text), LOG_I64("last", i));
        json_t *line = only_line(&capture);
        assert_int_equal(json_integer_value(json_object_get(line, "last")), i);
        json_decref(line);
    }
}

/* Every length around the limit, of characters of one to six bytes in JSON. */
static void long_lines_are_cut_and_stay_json(void **state) {
    (void)state;
    static const char *const units[] = {"x",   "\"", "\xc3\xbc", "\xe2\x82\xac", "\xf0\x9f\x8e\xab",
                                        "\x01"};
    log_init("worker-1", LOG_INFO);
    static char text[3 * LINE_MAX_BYTES];
    for (size_t unit = 0; unit < ARRAY_LEN(units); unit++) {
        for (size_t padding = 0; padding < 16; padding++) {
            size_t used = padding;
            memset(text, '-', padding);
            for (; used < 2 * LINE_MAX_BYTES; used += strlen(units[unit]))
                memcpy(text + used, units[unit], strlen(units[unit]) + 1);
            struct capture capture = capture_begin();
            log_write(LOG_INFO, "long", "said", LOG_TEXT("text", text), LOG_U64("after", 1),
                      LOG_TEXT("more", "x"));
            json_t *line = only_line(&capture);
            const char *cut = text_of(line, "text");
            assert_true(strlen(cut) > 1000);
            assert_memory_equal(cut, text, strlen(cut));
            assert_string_equal(text_of(line, "message"), "said");
            json_decref(line);
        }
    }
}

static void many_fields_end_before_the_limit(void **state) {
    (void)state;
    enum { FIELDS = 400 };
    log_init("worker-1", LOG_INFO);
    static char names[FIELDS][32];
    struct log_field fields[FIELDS];
    for (size_t i = 0; i < FIELDS; i++) {
        snprintf(names[i], sizeof names[i], "field-%zu", i);
        fields[i] = i % 2 == 0 ? LOG_U64(names[i], UINT64_MAX / 4) : LOG_TEXT(names[i], "text");
    }
    struct capture capture = capture_begin();
    log_write_fields(LOG_INFO, "many", "", fields, FIELDS);
    json_t *line = only_line(&capture);
    assert_true(json_object_size(line) > 200);
    json_decref(line);
}

static void *write_lines(void *context) {
    static char filler[3000];
    memset(filler, 'f', sizeof filler - 1);
    for (int i = 0; i < LINES_EACH; i++)
        log_write(LOG_INFO, "thread", filler, LOG_TEXT("name", context), LOG_I64("line", i));
    return NULL;
}

static void lines_of_threads_do_not_mix(void **state) {
    (void)state;
    log_init("worker-1", LOG_INFO);
    pthread_t threads[THREADS];
    static char names[THREADS][2] = {"0", "1", "2", "3"};
    struct capture capture = capture_begin();
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, names[i]), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    char *text = capture_end(&capture), *at = text;
    int next[THREADS] = {0};
    for (int i = 0; i < THREADS * LINES_EACH; i++) {
        json_t *line = next_line(&at);
        int thread = *text_of(line, "name") - '0';
        assert_int_equal(json_integer_value(json_object_get(line, "line")), next[thread]++);
        json_decref(line);
    }
    assert_string_equal(at, "");
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_says_who_when_and_what),
        cmocka_unit_test(lines_below_the_level_are_not_written),
        cmocka_unit_test(levels_have_names),
        cmocka_unit_test(hostile_text_stays_inside_its_string),
        cmocka_unit_test(random_bytes_stay_inside_their_string),
        cmocka_unit_test(long_lines_are_cut_and_stay_json),
        cmocka_unit_test(many_fields_end_before_the_limit),
        cmocka_unit_test(lines_of_threads_do_not_mix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
