/* Every change by an admin has its line in the log, also one whose outcome nobody knows. */
#include "tests/integration/office.h"
#include "tests/support/expect.h"
#include "tests/support/wait.h"

#include <inttypes.h>
#include <stdlib.h>

enum { STEP_MS = 20000 };

#define VENUE_BODY                                                                                 \
    "{\"name\":\"Hall\",\"city\":\"Oslo\",\"country\":\"NO\",\"timeZone\":\"Europe/Oslo\","        \
    "\"sections\":[{\"name\":\"Floor\",\"priceCategory\":\"normal\",\"capacity\":5}]}"
#define EVENT_BODY                                                                                 \
    "{\"name\":\"Night\",\"venueId\":1,\"startTime\":\"2099-06-01T19:00:00Z\","                    \
    "\"prices\":{\"normal\":{\"value\":1,\"currency\":\"EUR\"}}}"

/* The same fields, in any order; "at" has to be there as well. */
static void expect_line(const json_t *line, const char *wanted_text) {
    json_t *wanted = json_loads(wanted_text, 0, NULL);
    json_t *given = json_deep_copy(line);
    expect(wanted != NULL, "not JSON: %s", wanted_text);
    expect(json_is_string(json_object_get(given, "at")), "a line without time");
    ensure(json_object_del(given, "at") == 0);
    char *text = json_dumps(given, JSON_COMPACT);
    expect(json_equal(given, wanted) == 1, "wanted %s, got %s", wanted_text, text);
    free(text);
    json_decref(given);
    json_decref(wanted);
}

static void expect_last_line(struct office *office, const char *wanted) {
    json_t *log = office_log(office, 1);
    expect_line(json_array_get(log, 0), wanted);
    json_decref(log);
}

/* A POST with a request id and an idempotency key. */
static void post(struct office *office, const char *key, const char *path, const char *body,
                 const char *idempotency_key, int status, const char *id_field, int64_t id) {
    struct http_answer answer;
    const struct http_request request = {.method = "POST",
                                         .path = path,
                                         .token = key,
                                         .key = idempotency_key,
                                         .headers = "X-Request-Id: log-1\r\n",
                                         .body = body};
    http_call(office->cluster->gateways[0].port, &request, &answer);
    expect(answer.status == status, "POST %s: %d %s", path, answer.status,
           answer.body != NULL ? answer.body : "");
    assert_int_equal(http_answer_number(&answer, id_field), id);
    http_answer_free(&answer);
}

static void patch(struct office *office, const char *key, const char *body, int status) {
    struct http_answer answer;
    const struct http_request request = {.method = "PATCH",
                                         .path = "/admin/events/1",
                                         .token = key,
                                         .headers = "X-Request-Id: log-2\r\n",
                                         .body = body};
    http_call(office->cluster->gateways[1].port, &request, &answer);
    expect(answer.status == status, "PATCH %s: %d %s", body, answer.status,
           answer.body != NULL ? answer.body : "");
    http_answer_free(&answer);
}

/* --- usherctl ------------------------------------------------------------------------------- */

static const char *text_of(const json_t *line, const char *field) {
    const char *text = json_string_value(json_object_get(line, field));
    return text != NULL ? text : "";
}

static void check_usherctl(struct office *office, char key[ADMIN_KEY_TEXT_SIZE]) {
    char other[ADMIN_KEY_TEXT_SIZE];
    office_make_key(office, "pia", "organiser", key);
    office_make_key(office, "leo", "viewer", other);
    assert_int_equal(USHERCTL_WORDS(office, "key", "revoke", "leo"), 0);
    assert_int_equal(USHERCTL_WORDS(office, "key", "revoke", "leo"), 0); /* changes nothing */
    json_t *log = office_log(office, 3);
    static const char *const wanted[][2] = {{"usherctl key create", "pia"},
                                            {"usherctl key create", "leo"},
                                            {"usherctl key revoke", "leo"}};
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        const json_t *line = json_array_get(log, i);
        assert_string_equal(text_of(line, "what"), wanted[i][0]);
        assert_string_equal(text_of(line, "keyName"), wanted[i][1]);
        assert_string_equal(text_of(line, "role"), "usherctl");
        assert_string_not_equal(text_of(line, "who"), "");
        assert_string_not_equal(text_of(line, "from"), "");
    }
    assert_string_equal(text_of(json_object_get(json_array_get(log, 0), "change"), "role"),
                        "organiser");
    json_decref(log);
}

static const char import_text[] =
    "{\"venues\":[{\"key\":\"k\",\"name\":\"Barn\",\"city\":\"Ghent\",\"country\":\"BE\","
    "\"timeZone\":\"UTC\",\"sections\":[{\"name\":\"F\",\"priceCategory\":\"p\","
    "\"capacity\":3}]}],\"events\":[{\"venue\":\"k\",\"name\":\"Fair\","
    "\"startTime\":\"2099-01-01T00:00:00Z\","
    "\"prices\":{\"p\":{\"value\":1,\"currency\":\"EUR\"}}}]}";

static void check_import(struct office *office) {
    char path[FOLDER_PATH_SIZE + 32];
    int64_t before = office_log_count(office);
    folder_write(office->cluster->folder, "import.json", 0644, import_text);
    (void)snprintf(path, sizeof path, "%s/import.json", office->cluster->folder);
    assert_int_equal(USHERCTL_WORDS(office, "import", path), 0);
    assert_int_equal(USHERCTL_WORDS(office, "import", path), 0); /* there already: no lines */
    assert_int_equal(office_log_count(office), before + 2);
    json_t *log = office_log(office, 2);
    const json_t *venue = json_array_get(log, 0);
    const json_t *event = json_array_get(log, 1);
    assert_string_equal(text_of(venue, "what"), "usherctl import");
    assert_string_equal(text_of(venue, "role"), "usherctl");
    assert_true(json_integer_value(json_object_get(venue, "venueId")) > 0);
    assert_string_equal(text_of(json_object_get(venue, "change"), "name"), "Barn");
    assert_true(json_integer_value(json_object_get(event, "eventId")) > 0);
    assert_string_equal(text_of(json_object_get(event, "change"), "name"), "Fair");
    json_decref(log);
}

/* --- over HTTP ------------------------------------------------------------------------------- */

static void check_posts(struct office *office, const char *key) {
    post(office, key, "/admin/venues", VENUE_BODY, "k", 201, "venueId", 1);
    expect_last_line(office, "{\"who\":\"pia\",\"role\":\"organiser\","
                             "\"what\":\"POST /admin/venues\",\"eventId\":null,\"venueId\":1,"
                             "\"keyName\":null,\"requestId\":\"log-1\",\"from\":\"127.0.0.1\","
                             "\"status\":201,\"change\":" VENUE_BODY "}");
    post(office, key, "/admin/events", EVENT_BODY, "k", 201, "eventId", 1);
    expect_last_line(office, "{\"who\":\"pia\",\"role\":\"organiser\","
                             "\"what\":\"POST /admin/events\",\"eventId\":1,\"venueId\":1,"
                             "\"keyName\":null,\"requestId\":\"log-1\",\"from\":\"127.0.0.1\","
                             "\"status\":201,\"change\":" EVENT_BODY "}");
    /* A repeat changes nothing, and another's same idempotency key is another. */
    int64_t lines = office_log_count(office);
    post(office, key, "/admin/events", EVENT_BODY, "k", 201, "eventId", 1);
    post(office, key, "/admin/venues", EVENT_BODY, "bad", 422, "venueId", -1);
    assert_int_equal(office_log_count(office), lines);
    post(office, office->cluster->admin_key, "/admin/events", EVENT_BODY, "k", 201, "eventId", 2);
    json_t *log = office_log(office, 1);
    assert_string_equal(text_of(json_array_get(log, 0), "who"), "admin.key");
    json_decref(log);
}

#define PATCHED(status, change)                                                                    \
    "{\"who\":\"pia\",\"role\":\"organiser\",\"what\":\"PATCH /admin/events/{id}\","               \
    "\"eventId\":1,\"venueId\":null,\"keyName\":null,\"requestId\":\"log-2\","                     \
    "\"from\":\"127.0.0.1\",\"status\":" status ",\"change\":" change "}"

static void check_patches(struct office *office, const char *key) {
    patch(office, key, "{\"name\":\"Ny kväll\"}", 200);
    expect_last_line(office, PATCHED("200", "{\"name\":\"Ny kväll\"}"));
    int64_t lines = office_log_count(office);
    patch(office, key, "{\"name\":7}", 422);
    assert_int_equal(office_log_count(office), lines);
    /* The owner is asked, and the database refuses it. */
    sql_run(office->cluster->sql,
            "ALTER TABLE usher.event ADD CONSTRAINT refuse CHECK (name <> 'Poison')", NULL);
    patch(office, key, "{\"name\":\"Poison\"}", 500);
    expect_last_line(office, PATCHED("500", "{\"name\":\"Poison\"}"));
}

/* --- when nobody knows ----------------------------------------------------------------------- */

static struct http_connection *send_patch(struct office *office, unsigned gateway, const char *key,
                                          const char *body) {
    struct http_connection *connection =
        http_connection_create(office->cluster->gateways[gateway].port);
    const struct http_request request = {.method = "PATCH",
                                         .path = "/admin/events/1",
                                         .token = key,
                                         .headers = "X-Request-Id: log-2\r\n",
                                         .body = body};
    http_connection_send(connection, &request, HTTP_CALL_MS);
    return connection;
}

/* No worker answers. One gateway asks until the deadline, the other dies before: either change has
 * its line, which says that nobody knows. */
static void check_unknown(struct office *office, const char *key) {
    struct cluster *cluster = office->cluster;
    int64_t lines = office_log_count(office);
    process_freeze(cluster->workers[0].process);
    process_freeze(cluster->workers[1].process);
    struct http_connection *both[] = {send_patch(office, 0, key, "{\"state\":\"PAUSED\"}"),
                                      send_patch(office, 1, key, "{\"state\":\"PAUSED\"}")};
    struct wait wait = wait_at_most(STEP_MS);
    while (office_log_count(office) < lines + 2) {
        http_drive(both, ARRAY_LEN(both), WAIT_PAUSE_MS);
        wait_again(&wait, "both changes to have a line");
    }
    cluster_kill(&cluster->gateways[1]);
    struct http_answer answer;
    while (!http_connection_take(both[0], &answer)) {
        http_drive(both, ARRAY_LEN(both), WAIT_PAUSE_MS);
        wait_again(&wait, "the deadline of a change");
    }
    shop_expect(answer, 503, "outcome-unknown");
    json_t *log = office_log(office, 2);
    expect_line(json_array_get(log, 0), PATCHED("null", "{\"state\":\"PAUSED\"}"));
    expect_line(json_array_get(log, 1), PATCHED("null", "{\"state\":\"PAUSED\"}"));
    json_decref(log);
    http_connection_destroy(both[0]);
    http_connection_destroy(both[1]);
    process_thaw(cluster->workers[0].process);
    process_thaw(cluster->workers[1].process);
    cluster_start_gateway(cluster, 1);
    cluster_wait_ready(cluster);
}

static void check_table(struct office *office, const char *key) {
    assert_int_equal(USHERCTL_WORDS(office, "log"), 0);
    static const char *const wanted[] = {"usherctl key create",
                                         "key pia",
                                         "POST /admin/venues",
                                         "venue 1",
                                         "event 1",
                                         "unknown",
                                         "PATCH /admin/events",
                                         "127.0.0.1",
                                         "Ny kväll"};
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        expect(office_printed(office, wanted[i]), "the log does not show %s", wanted[i]);
    }
    assert_false(office_printed(office, key));
    assert_false(office_printed(office, office->cluster->admin_key));
}

static void every_change_has_its_line(void **state) {
    struct office office;
    char key[ADMIN_KEY_TEXT_SIZE];
    office_open(&office, cluster_create(state, NULL));
    check_usherctl(&office, key);
    check_posts(&office, key);
    check_patches(&office, key);
    check_import(&office);
    check_unknown(&office, key);
    check_table(&office, key);
    patch(&office, key, "{\"state\":\"ON_SALE\"}", 200);
    cluster_finish(office.cluster);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(every_change_has_its_line, cluster_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
