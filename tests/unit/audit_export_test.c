/* An export says all that the audit needs: checking it finds the same as checking the records. */
#include "ops/usherctl/audit_export.h"
#include "tests/support/expect.h"
#include "tests/unit/audit_history.h"

#include <stdlib.h>

enum { HISTORIES = 8, EXPORT_BYTES_MAX = 1 << 20 };

static const struct audit_booking without_number[] = {
    {.created_us = INT64_C(1790000000000000) - 1, .status = BOOKING_EXPIRED},
    {.created_us = INT64_C(1790000000000000), .status = BOOKING_CONFIRMED},
};

/* Exports a history with the bookings above; free it. */
static char *export_of(const struct history *history, size_t *size) {
    struct audit_header header = {.event_id = 7,
                                  .made_us = INT64_C(1800000000123456),
                                  .settings = {.mode = ROOM_MODE_PAUSED,
                                               .admits_per_minute = 60,
                                               .max_shoppers = HISTORY_SHOPPERS_MAX,
                                               .claim_ms = HISTORY_CLAIM_MS,
                                               .pass_ms = HISTORY_PASS_MS},
                                  .room = history->room};
    char *text = NULL;
    audit_hash("x", 1, header.installation);
    FILE *out = open_memstream(&text, size);
    struct audit_export *file = audit_export_begin(out, &header);
    for (size_t i = 0; i < history->count; i++)
        audit_export_number(file, &history->numbers[i]);
    for (size_t i = 0; i < ARRAY_LEN(without_number); i++)
        audit_export_without_number(file, &without_number[i]);
    audit_export_end_take(file);
    assert_int_equal(fclose(out), 0);
    return text;
}

static enum status check(char *text, size_t size, struct audit_header *header, struct audit **audit,
                         char error[AUDIT_ERROR_SIZE]) {
    FILE *in = fmemopen(text, size, "r");
    enum status status = audit_export_check(in, header, audit, error);
    assert_int_equal(fclose(in), 0);
    return status;
}

/* As export_of and check, but without a file between. */
static struct audit *audit_of(const struct history *history) {
    struct audit *audit = audit_create(&history->room);
    for (size_t i = 0; i < history->count; i++)
        assert_int_equal(audit_add(audit, &history->numbers[i]), STATUS_OK);
    for (size_t i = 0; i < ARRAY_LEN(without_number); i++)
        audit_add_without_number(audit, &without_number[i]);
    assert_int_equal(audit_finish(audit), STATUS_OK);
    return audit;
}

static void expect_same(const struct history *history, const char *what) {
    struct audit_header header;
    struct audit *audit = NULL;
    char error[AUDIT_ERROR_SIZE];
    size_t size, expected_count, count;
    char *text = export_of(history, &size);
    enum status status = check(text, size, &header, &audit, error);
    expect(status == STATUS_OK, "%s: %s", what, error);
    assert_memory_equal(&header.room, &history->room, sizeof header.room);
    struct audit *expected = audit_of(history);
    const struct audit_finding *wanted = audit_findings(expected, &expected_count);
    const struct audit_finding *found = audit_findings(audit, &count);
    for (size_t i = 0; i < count && i < expected_count; i++)
        expect(strcmp(found[i].text, wanted[i].text) == 0, "%s: %s instead of %s", what,
               found[i].text, wanted[i].text);
    expect(memcmp(audit_summary(audit), audit_summary(expected), sizeof(struct audit_summary)) == 0,
           "%s: the summaries differ", what);
    audit_destroy(expected);
    audit_destroy(audit);
    free(text);
}

static void a_checked_export_says_what_the_audit_says(void **state) {
    (void)state;
    struct random random = {.state = 99};
    for (size_t i = 0; i < HISTORIES; i++) {
        struct history history;
        history_make(&history, &random);
        expect_same(&history, "nothing changed");
    }
    for (const struct history_change *change = history_changes; change->name; change++) {
        struct history history;
        history_make(&history, &random);
        if (change->apply(&history))
            expect_same(&history, change->name);
    }
}

static void people_are_told_apart_but_not_named(void **state) {
    (void)state;
    struct random random = {.state = 5};
    struct history history;
    size_t size;
    history_make(&history, &random);
    char *one = export_of(&history, &size);
    char *other = export_of(&history, &size);
    const char *user = strstr(one, "\"user\":\"");
    assert_non_null(user);
    char hash[AUDIT_HASH_SIZE];
    (void)snprintf(hash, sizeof hash, "%s", user + strlen("\"user\":\""));
    assert_null(strstr(other, hash));
    audit_hash(history.numbers[0].joined.bytes, sizeof(struct id128), hash);
    assert_null(strstr(one, hash));
    free(one);
    free(other);
}

static void what_is_no_export_is_refused(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum status status;
    } cases[] = {
        {" ", STATUS_INVALID},
        {"{\"format\":\"usher\"}\n", STATUS_INVALID},
        {"{\"format\":\"usher-audit\",\"version\":2}\n", STATUS_VERSION},
        {"{\"format\":\"usher-audit\",\"version\":1}\n", STATUS_INVALID},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[256], error[AUDIT_ERROR_SIZE];
        struct audit_header header;
        struct audit *audit;
        (void)snprintf(text, sizeof text, "%s", cases[i].text);
        assert_int_equal(check(text, strlen(text), &header, &audit, error), cases[i].status);
        assert_null(audit);
        assert_true(strncmp(error, "line 1: ", 8) == 0);
    }
}

/* Cut anywhere, or one byte another: an answer, never a crash. */
static void a_damaged_export_is_refused_or_checked(void **state) {
    (void)state;
    struct random random = {.state = 6};
    struct history history;
    size_t size;
    history_make(&history, &random);
    history.count = history.count < 12 ? history.count : 12;
    history.room.admitted_to = history.numbers[history.count - 1].number;
    char *text = export_of(&history, &size);
    for (size_t i = 0; i < 400; i++) {
        struct audit_header header;
        struct audit *audit;
        char error[AUDIT_ERROR_SIZE];
        size_t position = random_below(&random, (uint32_t)size);
        bool cut = random_percent(&random, 30);
        char kept = text[position];
        text[position] = (char)random_between(&random, 1, 255);
        enum status status = check(text, cut ? position + 1 : size, &header, &audit, error);
        expect(!cut || position + 1 == size || status != STATUS_OK, "cut at %zu", position);
        audit_destroy(audit);
        text[position] = kept;
    }
    free(text);
}

static void lines_that_are_missing_are_noticed(void **state) {
    (void)state;
    struct random random = {.state = 8};
    struct history history;
    struct audit_header header;
    struct audit *audit;
    char error[AUDIT_ERROR_SIZE];
    size_t size;
    history_make(&history, &random);
    char *text = export_of(&history, &size);
    char *last_of_all = strstr(text, "{\"withoutNumber\"");
    char *line = strchr(last_of_all, '\n') + 1;
    memmove(last_of_all, line, strlen(line) + 1);
    assert_int_equal(check(text, strlen(text), &header, &audit, error), STATUS_OK);
    assert_int_equal(audit_summary(audit)->findings_of[AUDIT_COUNT], 1);
    audit_destroy(audit);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_checked_export_says_what_the_audit_says),
        cmocka_unit_test(people_are_told_apart_but_not_named),
        cmocka_unit_test(what_is_no_export_is_refused),
        cmocka_unit_test(a_damaged_export_is_refused_or_checked),
        cmocka_unit_test(lines_that_are_missing_are_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
