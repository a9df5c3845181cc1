/*
 * Keys of the administration, over HTTP and by usherctl: made, listed and revoked; every role on
 * every route; what happens to them while the database is away. What the log keeps: admin_log_test.
 */
#include "tests/integration/office.h"
#include "tests/support/expect.h"
#include "tests/support/wait.h"

#include <inttypes.h>
#include <stdlib.h>

enum { REVOKED_WITHIN_MS = 2000, NOTICE_MS = 20000 };

/* --- usherctl ------------------------------------------------------------------------------- */

static void expect_refused(struct office *office, const char *name, const char *why) {
    int status = USHERCTL_WORDS(office, "key", "create", name, "--role", "viewer");
    expect(status == 1 && office_printed(office, why), "create '%s': %d", name, status);
}

static void expect_usage(struct office *office, const char *const *words) {
    int status = office_usherctl(office, words);
    expect(status == 2 && office_printed(office, "usherctl key create NAME"), "usage: %d", status);
}

static void expect_no_trace(struct cluster *cluster, const char *key) {
    int64_t stored = sql_number(
        cluster->sql,
        "SELECT (SELECT count(*) FROM usher.admin_key k WHERE position($1 IN k::text) > 0)"
        " + (SELECT count(*) FROM usher.admin_log l WHERE position($1 IN l::text) > 0)",
        (const char *[]){key, NULL});
    expect(stored == 0, "a key is in the database in clear");
    for (unsigned i = 0; i < cluster->gateway_count; i++) {
        expect(!folder_file_contains(process_log_path(cluster->gateways[i].process), key),
               "a key is in the log of %s", cluster->gateways[i].name);
    }
}

static void check_usherctl(struct office *office) {
    struct sql *sql = office->cluster->sql;
    char key[ADMIN_KEY_TEXT_SIZE];
    office_make_key(office, "jo@box-office", "operator", key);
    assert_int_equal(strlen(key), 49);
    assert_int_equal(sql_number(sql,
                                "SELECT count(*) FROM usher.admin_key WHERE name = 'jo@box-office'"
                                " AND role = 'operator' AND hash = sha256($1::text::bytea)",
                                (const char *[]){key, NULL}),
                     1);
    expect_refused(office, "jo@box-office", "a name is used once");
    expect_refused(office, "admin.key", "admin.key and usherctl are taken");
    expect_refused(office, "usherctl", "are taken");
    expect_refused(office, "a b", "letters, digits");
    expect_refused(office, "", "letters, digits");
    static const char *const usages[][7] = {
        {"key"},
        {"key", "create", "x"},
        {"key", "create", "x", "--role", "boss"},
        {"key", "create", "x", "--role", "admin", "y"},
        {"key", "revoke"},
        {"key", "list", "x"},
        {"log", "--limit"},
        {"log", "--limit", "0"},
        {"log", "--limit", "7x"},
        {"log", "x"},
    };
    for (size_t i = 0; i < ARRAY_LEN(usages); i++) {
        expect_usage(office, usages[i]);
    }

    assert_int_equal(USHERCTL_WORDS(office, "key", "list"), 0);
    assert_true(office_printed(office, "jo@box-office                    operator"));
    assert_int_equal(USHERCTL_WORDS(office, "key", "list", "--json"), 0);
    assert_true(office_printed(office, "\"revokedAt\" : null"));
    assert_false(office_printed(office, key));

    assert_int_equal(USHERCTL_WORDS(office, "key", "revoke", "nobody"), 1);
    assert_true(office_printed(office, "there is no key named nobody"));
    assert_int_equal(USHERCTL_WORDS(office, "key", "revoke", "admin.key"), 1);
    assert_int_equal(USHERCTL_WORDS(office, "key", "revoke", "jo@box-office"), 0);
    assert_true(office_printed(office, "is revoked"));
    assert_int_equal(USHERCTL_WORDS(office, "key", "revoke", "jo@box-office"), 0);
    assert_true(office_printed(office, "was revoked before"));
    expect_refused(office, "jo@box-office", "a name is used once");
    expect_no_trace(office->cluster, key);
    expect_no_trace(office->cluster, office->cluster->admin_key);
}

/* --- every role on every route --------------------------------------------------------------- */

#define VENUE_BODY                                                                                 \
    "{\"name\":\"Hall\",\"city\":\"Oslo\",\"country\":\"NO\",\"timeZone\":\"Europe/Oslo\","        \
    "\"sections\":[{\"name\":\"Floor\",\"priceCategory\":\"normal\",\"capacity\":5}]}"
#define EVENT_BODY                                                                                 \
    "{\"name\":\"Night\",\"venueId\":1,\"startTime\":\"2099-06-01T19:00:00Z\","                    \
    "\"prices\":{\"normal\":{\"value\":1,\"currency\":\"EUR\"}}}"
#define PRICES "{\"normal\":{\"value\":7,\"currency\":\"EUR\"}}"

/* Event and venue 1 are there. `may`: v, o, g, a: viewer, operator, organiser, admin. */
static const struct {
    const char *method, *path, *body, *may;
    int status;
} cells[] = {
    {"GET", "/admin/events/1", NULL, "voga", 200},
    {"HEAD", "/admin/events/1", NULL, "voga", 200},
    {"GET", "/admin/events/1/stats", NULL, "voga", 200},
    {"PATCH", "/admin/events/1", "{\"state\":\"PAUSED\"}", "oga", 200},
    {"PATCH", "/admin/events/1", "{\"room\":{\"mode\":\"off\"}}", "oga", 200},
    {"PATCH", "/admin/events/1", "{\"room\":{\"maxShoppers\":9},\"state\":\"ON_SALE\"}", "oga",
     200},
    {"PATCH", "/admin/events/1", "{\"name\":\"Other\"}", "ga", 200},
    {"PATCH", "/admin/events/1", "{\"prices\":" PRICES "}", "ga", 200},
    {"PATCH", "/admin/events/1", "{\"state\":\"ON_SALE\",\"seatsPerUser\":3}", "ga", 200},
    {"POST", "/admin/venues", VENUE_BODY, "ga", 201},
    {"POST", "/admin/events", EVENT_BODY, "ga", 201},
};

static void check_cell(struct office *office, size_t cell, unsigned role, const char *key) {
    static const char letters[] = "voga";
    bool may = strchr(cells[cell].may, letters[role]) != NULL;
    bool changes = cells[cell].body != NULL;
    int64_t lines = office_log_count(office);
    struct http_answer answer =
        office_ask(office, (unsigned)(cell + role) % office->cluster->gateway_count, key,
                   cells[cell].method, cells[cell].path, cells[cell].body);
    expect(answer.status == (may ? cells[cell].status : 403), "%s of a %s: %d %s",
           cells[cell].method, admin_role_text((enum admin_role)role), answer.status,
           answer.body != NULL ? answer.body : "");
    assert_true(may || strcmp(http_answer_code(&answer), "forbidden") == 0);
    http_answer_free(&answer);
    expect(office_log_count(office) == lines + (may && changes ? 1 : 0),
           "%s %s of a %s: not the lines in the log that it should have", cells[cell].method,
           cells[cell].body != NULL ? cells[cell].body : "",
           admin_role_text((enum admin_role)role));
}

/* Callers that have no key. */
static void check_strangers(struct office *office, size_t cell, const char *customer) {
    const struct {
        const char *token;
        int status;
    } strangers[] = {
        {NULL, 401}, {"usher_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 401}, {customer, 403}};
    for (size_t i = 0; i < ARRAY_LEN(strangers); i++) {
        struct http_answer answer = office_ask(office, 0, strangers[i].token, cells[cell].method,
                                               cells[cell].path, cells[cell].body);
        expect(answer.status == strangers[i].status, "stranger %zu: %d", i, answer.status);
        http_answer_free(&answer);
    }
}

static void check_cells(struct office *office, char keys[ADMIN_ROLE_COUNT][ADMIN_KEY_TEXT_SIZE]) {
    struct cluster *cluster = office->cluster;
    struct shop_customer customer;
    const struct shop_event event = {.venue_id = shop_venue(cluster, 1, 5)};
    assert_int_equal(event.venue_id, 1);
    assert_int_equal(shop_event(cluster, &event), 1);
    shop_customer(cluster, &customer);
    for (unsigned role = 0; role < ADMIN_ROLE_COUNT; role++) {
        const char *name = admin_role_text((enum admin_role)role);
        office_make_key(office, name, name, keys[role]);
    }
    for (size_t cell = 0; cell < ARRAY_LEN(cells); cell++) {
        for (unsigned role = 0; role < ADMIN_ROLE_COUNT; role++) {
            check_cell(office, cell, role, keys[role]);
        }
        check_cell(office, cell, ADMIN_ROLE_ADMIN, cluster->admin_key);
        check_strangers(office, cell, customer.token);
    }
}

/* --- revoked, and replaced ------------------------------------------------------------------- */

static int status_of(struct office *office, unsigned gateway, const char *key) {
    struct http_answer answer = office_ask(office, gateway, key, "GET", "/admin/events/1", NULL);
    int status = answer.status;
    expect(status != 503 || http_answer_has_header(&answer, "Retry-After", NULL), "no Retry-After");
    http_answer_free(&answer);
    return status;
}

/* Until both gateways answer so. */
static void wait_for_status(struct office *office, const char *key, int status) {
    struct wait wait = wait_at_most(NOTICE_MS);
    for (unsigned gateway = 0; gateway < office->cluster->gateway_count; gateway++) {
        while (status_of(office, gateway, key) != status) {
            wait_again(&wait, "both gateways to think the same of a key");
        }
    }
}

static void check_revoked_key_stops(struct office *office, const char *name, const char *key) {
    assert_int_equal(status_of(office, 0, key), 200);
    assert_int_equal(status_of(office, 1, key), 200);
    assert_int_equal(USHERCTL_WORDS(office, "key", "revoke", name), 0);
    int64_t revoked_ms = wait_now_ms();
    wait_for_status(office, key, 401);
    int64_t took_ms = wait_now_ms() - revoked_ms;
    print_message("a revoked key stopped on both gateways after %" PRId64 " ms\n", took_ms);
    expect(took_ms < REVOKED_WITHIN_MS, "a revoked key worked for %lld ms", (long long)took_ms);
}

static void check_replaced_file(struct office *office) {
    struct cluster *cluster = office->cluster;
    static const char next[] = "the-next-admin-key-of-this-test-0123456789";
    char home[FOLDER_PATH_SIZE + 8];
    (void)snprintf(home, sizeof home, "%s/home", cluster->folder);
    folder_write(home, "admin.key", 0600, next);
    wait_for_status(office, cluster->admin_key, 401);
    wait_for_status(office, next, 200);
    folder_write(home, "admin.key", 0600, cluster->admin_key);
    wait_for_status(office, next, 401);
    wait_for_status(office, cluster->admin_key, 200);
}

/* The last list serves, and what is answered says what is wrong. */
static void check_database_away(struct office *office, const char *viewer, const char *revoked) {
    struct cluster *cluster = office->cluster;
    postgres_crash(cluster->postgres);
    wait_for_status(office, viewer, 503);
    wait_for_status(office, cluster->admin_key, 503);
    assert_int_equal(status_of(office, 0, revoked), 401);
    shop_expect(office_ask(office, 0, viewer, "POST", "/admin/venues", VENUE_BODY), 403,
                "forbidden");

    /* A gateway that is started meanwhile knows only admin.key, and that it knows no more. */
    cluster_kill(&cluster->gateways[1]);
    cluster_start_gateway(cluster, 1);
    struct wait wait = wait_at_most(NOTICE_MS);
    while (status_of(office, 1, viewer) != 503) {
        wait_again(&wait, "a gateway without a database to answer");
    }
    assert_int_equal(status_of(office, 1, cluster->admin_key), 503);

    postgres_start(cluster->postgres);
    wait_for_status(office, viewer, 200);
    wait_for_status(office, cluster->admin_key, 200);
    wait_for_status(office, revoked, 401);
}

static void keys_are_made_used_and_revoked(void **state) {
    struct office office;
    char keys[ADMIN_ROLE_COUNT][ADMIN_KEY_TEXT_SIZE];
    office_open(&office, cluster_create(state, NULL));
    check_usherctl(&office);
    check_cells(&office, keys);
    check_revoked_key_stops(&office, "admin", keys[ADMIN_ROLE_ADMIN]);
    assert_int_equal(status_of(&office, 1, keys[ADMIN_ROLE_VIEWER]), 200);
    check_replaced_file(&office);
    check_database_away(&office, keys[ADMIN_ROLE_VIEWER], keys[ADMIN_ROLE_ADMIN]);
    cluster_finish(office.cluster);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(keys_are_made_used_and_revoked, cluster_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
