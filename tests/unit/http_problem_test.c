/* Problems: one table, their JSON, their headers. */
#include "gateway/http/problem.h"
#include "tests/unit/http_fixture.h"

#include <jansson.h>
#include <stdio.h>

struct asked {
    enum problem problem;
    const char *detail;
    const char *members;
    uint32_t retry_after_seconds;
};

static int set_up(void **state) {
    *state = fixture_create(NULL);
    return 0;
}

static int tear_down(void **state) {
    fixture_destroy(*state);
    return 0;
}

/* The answer to a request that is refused with this problem; the JSON is the caller's. */
static json_t *ask(struct fixture *fixture, const struct asked *asked, struct answer *answer) {
    struct client *client = client_create(fixture);
    client_send_text(client, "GET /later HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    fixture_wait(fixture, fixture->waiting_count == 1);
    fixture->waiting_count = 0;
    problem_respond(fixture->waiting[0], asked->problem, asked->detail, asked->members,
                    asked->retry_after_seconds);
    *answer = client_answer(client, true);
    json_error_t error;
    json_t *json = json_loads(answer->body, 0, &error);
    if (!json)
        fail_msg("%s: %s", error.text, answer->body);
    client_destroy(client);
    return json;
}

static const char *text_of(const json_t *json, const char *name) {
    return json_string_value(json_object_get(json, name));
}

static void test_every_problem(void **state) {
    for (int i = 0; i < PROBLEM_COUNT; i++) {
        struct asked asked = {.problem = (enum problem)i};
        struct answer answer;
        json_t *json = ask(*state, &asked, &answer);
        char type[64], value[256];
        snprintf(type, sizeof type, "/problems/%s", problem_code(asked.problem));
        assert_int_equal(answer.status, problem_status(asked.problem));
        assert_int_equal(json_integer_value(json_object_get(json, "status")), answer.status);
        assert_string_equal(text_of(json, "type"), type);
        assert_string_equal(text_of(json, "code"), problem_code(asked.problem));
        assert_string_equal(text_of(json, "title"), problem_title(asked.problem));
        assert_null(json_object_get(json, "detail"));
        assert_string_equal(answer_header(&answer, "Content-Type", value),
                            "application/problem+json");
        assert_string_equal(answer_header(&answer, "Cache-Control", value), "no-store");
        bool must_wait = answer.status == 429 || answer.status == 503;
        assert_int_equal(answer_header(&answer, "Retry-After", value) != NULL, must_wait);
        assert_int_equal(answer_header(&answer, "WWW-Authenticate", value) != NULL,
                         answer.status == 401);
        enum problem found;
        assert_true(problem_find(problem_code(asked.problem), &found));
        assert_int_equal(found, asked.problem);
        json_decref(json);
    }
    enum problem none;
    assert_false(problem_find("no-such-code", &none));
}

static void test_detail_and_members(void **state) {
    struct asked asked = {
        .problem = PROBLEM_SEAT_TAKEN,
        .detail = "\"A1\" \\ \n\x01 Zoë",
        .members = "\"seatIds\":[\"A1\"],\"limit\":8",
        .retry_after_seconds = 7,
    };
    struct answer answer;
    char value[256];
    json_t *json = ask(*state, &asked, &answer);
    assert_string_equal(text_of(json, "detail"), asked.detail);
    assert_string_equal(json_string_value(json_array_get(json_object_get(json, "seatIds"), 0)),
                        "A1");
    assert_int_equal(json_integer_value(json_object_get(json, "limit")), 8);
    assert_string_equal(answer_header(&answer, "Retry-After", value), "7");
    json_decref(json);
}

static void test_what_is_too_long_is_left_out(void **state) {
    char members[PROBLEM_TEXT_MAX_BYTES], detail[6000];
    snprintf(members, sizeof members, "\"x\":\"%0*d\"", PROBLEM_TEXT_MAX_BYTES - 7, 0);
    for (size_t used = 0; used < sizeof detail - 4;)
        used += (size_t)snprintf(detail + used, sizeof detail - used, "ü\"");
    struct asked asked = {.problem = PROBLEM_INVALID, .detail = detail, .members = members};
    struct answer answer;
    json_t *json = ask(*state, &asked, &answer); /* valid JSON, so no character was cut */
    assert_null(json_object_get(json, "x"));
    assert_in_range(strlen(text_of(json, "detail")), 1000, 2100);
    json_decref(json);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_every_problem),
        TEST(test_detail_and_members),
        TEST(test_what_is_too_long_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
