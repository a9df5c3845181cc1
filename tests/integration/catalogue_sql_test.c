/* The statements that store the catalogue: repeats, races, large venues, and what a patch changes.
 */
#include "ops/usherctl/migrate.h"
#include "ops/usherctl/session.h"
#include "shared/catalogue_sql.h"
#include "tests/support/expect.h"
#include "tests/support/servers.h"
#include "tests/support/sql.h"

#include <stdlib.h>

static const struct database_statement *const statements[] = {
    &catalogue_insert_venue, &catalogue_insert_event, &catalogue_select_venue_facts,
    &catalogue_update_event, NULL};

struct fixture {
    char folder[FOLDER_PATH_SIZE];
    struct postgres_server server;
    struct sql *sql;
    struct session *session;
};

static int create_fixture(void **state) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    folder_create(fixture->folder);
    postgres_create(&fixture->server, fixture->folder);
    postgres_create_database(&fixture->server, "usher");
    char url[SERVER_URL_SIZE];
    char error[MIGRATE_ERROR_SIZE];
    postgres_url(&fixture->server, "usher", false, url);
    PGconn *connection = PQconnectdb(url);
    assert_int_equal(migrate_run(connection, &migrations_embedded, stderr, error), STATUS_OK);
    PQfinish(connection);
    fixture->sql = sql_open(url);
    fixture->session = session_open(url, statements);
    assert_non_null(fixture->session);
    *state = fixture;
    return 0;
}

static int destroy_fixture(void **state) {
    struct fixture *fixture = *state;
    session_close(fixture->session);
    sql_close(fixture->sql);
    postgres_destroy(&fixture->server);
    folder_remove(fixture->folder);
    free(fixture);
    return 0;
}

/* The one row of an insert. */
struct row {
    int rows;
    int64_t id;
    int32_t layout_version, seat_count;
    bool replayed, key_reused;
};

static void read_venue_row(void *context, PGresult *const *results) {
    struct row *row = context;
    row->rows = PQntuples(results[0]);
    if (row->rows == 1) {
        row->id = database_i64(results[0], 0, 0);
        row->layout_version = database_i32(results[0], 0, 1);
        row->seat_count = database_i32(results[0], 0, 2);
        row->replayed = database_bool(results[0], 0, 3);
        row->key_reused = database_bool(results[0], 0, 4);
    }
}

static void read_event_row(void *context, PGresult *const *results) {
    struct row *row = context;
    row->rows = PQntuples(results[0]);
    if (row->rows == 1) {
        row->id = database_i64(results[0], 0, 0);
        row->replayed = database_bool(results[0], 0, 1);
        row->key_reused = database_bool(results[0], 0, 2);
    }
}

static struct admin_request make_request(const char *key, uint8_t body) {
    struct admin_request request = {.caller = "tester",
                                    .idempotency_key = key,
                                    .note = {.who = "tester",
                                             .role = "admin",
                                             .what = "a test",
                                             .address = "127.0.0.1",
                                             .change = "{\"a\":1}"}};
    memset(request.body_hash, body, sizeof request.body_hash);
    return request;
}

/* `document` is taken. */
static struct row insert_venue(struct fixture *fixture, json_t *document, const char *key,
                               uint8_t body) {
    struct venue_input *venue = NULL;
    struct catalogue_problems problems;
    assert_int_equal(venue_input_read(document, &venue, &problems), STATUS_OK);
    struct admin_request request = make_request(key, body);
    struct database_group *group = session_group(fixture->session);
    catalogue_bind_venue(group, venue, &request);
    venue_input_free(venue);
    json_decref(document);
    struct row row = {0};
    expect(session_run_take(fixture->session, group, read_venue_row, &row) == STATUS_OK, "%s",
           session_error(fixture->session));
    return row;
}

static json_t *venue_document(const char *time_zone) {
    return json_pack("{s:s, s:s, s:s, s:s, s:[{s:s, s:s, s:i}, {s:s, s:s, s:[{s:s, s:i}]}]}",
                     "name", "V", "city", "C", "country", "NO", "timeZone", time_zone, "sections",
                     "name", "Floor", "priceCategory", "Floor", "capacity", 5, "name", "S",
                     "priceCategory", "Stalls", "rows", "name", "A", "seats", 3);
}

static void read_facts(void *context, PGresult *const *results) {
    catalogue_read_venue_facts(results[0], context);
}

static struct venue_facts select_facts(struct fixture *fixture, int64_t venue_id) {
    struct venue_facts facts;
    struct database_group *group = session_group(fixture->session);
    catalogue_bind_venue_facts(group, venue_id);
    assert_int_equal(session_run_take(fixture->session, group, read_facts, &facts), STATUS_OK);
    return facts;
}

static struct row insert_event(struct fixture *fixture, int64_t venue_id,
                               const struct venue_facts *facts, const char *key, uint8_t body) {
    json_t *document =
        json_pack("{s:s, s:I, s:s, s:{s:{s:i, s:s}, s:{s:i, s:s}}}", "name", "E", "venueId",
                  (json_int_t)venue_id, "startTime", "2030-05-17T19:30:00Z", "prices", "Stalls",
                  "value", 900, "currency", "NOK", "Floor", "value", 500, "currency", "NOK");
    struct event_input *event = NULL;
    struct catalogue_problems problems;
    assert_int_equal(event_input_read(document, false, facts, &event, &problems), STATUS_OK);
    struct admin_request request = make_request(key, body);
    struct database_group *group = session_group(fixture->session);
    catalogue_bind_event(group, event, 77, &request);
    event_input_free(event);
    json_decref(document);
    struct row row = {0};
    expect(session_run_take(fixture->session, group, read_event_row, &row) == STATUS_OK, "%s",
           session_error(fixture->session));
    return row;
}

static void venue_is_stored_once_a_key(void **state) {
    struct fixture *fixture = *state;
    struct row first = insert_venue(fixture, venue_document("Europe/Oslo"), "k", 1);
    assert_int_equal(first.rows, 1);
    assert_int_equal(first.seat_count, 8);
    assert_int_equal(first.layout_version, 1);
    assert_false(first.replayed || first.key_reused);
    struct row again = insert_venue(fixture, venue_document("Europe/Oslo"), "k", 1);
    assert_true(again.replayed && !again.key_reused && again.id == first.id);
    assert_int_equal(again.seat_count, 8);
    struct row other = insert_venue(fixture, venue_document("Europe/Oslo"), "k", 2);
    assert_true(other.key_reused && !other.replayed && other.id == first.id);
    struct row keyless = insert_venue(fixture, venue_document("Europe/Oslo"), NULL, 1);
    struct row keyless_too = insert_venue(fixture, venue_document("Europe/Oslo"), NULL, 1);
    assert_true(keyless.id != first.id && keyless_too.id != keyless.id);
}

static void unknown_time_zone_stores_nothing(void **state) {
    struct fixture *fixture = *state;
    int64_t before = sql_number(fixture->sql, "SELECT count(*) FROM usher.venue", NULL);
    struct row row = insert_venue(fixture, venue_document("Europe/Atlantis"), "zone", 1);
    assert_int_equal(row.rows, 0);
    assert_int_equal(sql_number(fixture->sql, "SELECT count(*) FROM usher.venue", NULL), before);
    row = insert_venue(fixture, venue_document("Europe/Oslo"), "zone", 2); /* the key is free */
    assert_false(row.replayed || row.key_reused);
}

static void largest_venue_is_stored(void **state) {
    struct fixture *fixture = *state;
    json_t *document = venue_document("UTC");
    json_t *rows = json_array();
    for (int i = 0; i < 1000; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        json_array_append_new(rows, json_pack("{s:s, s:i}", "name", name, "seats", 199));
    }
    json_array_append_new(
        json_object_get(document, "sections"),
        json_pack("{s:s, s:s, s:o}", "name", "Field", "priceCategory", "Stalls", "rows", rows));
    struct row row = insert_venue(fixture, document, NULL, 1);
    assert_int_equal(row.seat_count, 199008);
    char id[32];
    snprintf(id, sizeof id, "%lld", (long long)row.id);
    assert_int_equal(sql_number(fixture->sql,
                                "SELECT count(*) FROM usher.layout_seat WHERE venue_id = $1",
                                (const char *[]){id, NULL}),
                     199008);
}

static void event_is_stored_with_its_show(void **state) {
    struct fixture *fixture = *state;
    struct row venue = insert_venue(fixture, venue_document("UTC"), NULL, 1);
    struct venue_facts facts = select_facts(fixture, venue.id);
    assert_int_equal(facts.category_count, 2);
    assert_string_equal(facts.categories[0], "Floor");
    assert_string_equal(facts.categories[1], "Stalls");
    struct row first = insert_event(fixture, venue.id, &facts, "k", 1);
    assert_false(first.replayed || first.key_reused);
    char id[32];
    snprintf(id, sizeof id, "%lld", (long long)first.id);
    assert_int_equal(sql_number(fixture->sql,
                                "SELECT count(*) FROM usher.event e JOIN usher.show s"
                                " USING (event_id, partition_id)"
                                " WHERE event_id = $1 AND prices = '{500,900}' AND currency = 'NOK'"
                                "   AND hold_seconds = 77 AND seats_per_user = 8 AND guests"
                                "   AND state = 1 AND on_sale_time IS NULL AND seats_available = 8"
                                "   AND room = '{}' AND seats_version = 0",
                                (const char *[]){id, NULL}),
                     1);
    struct row again = insert_event(fixture, venue.id, &facts, "k", 1);
    assert_true(again.replayed && again.id == first.id);
    struct row other = insert_event(fixture, venue.id, &facts, "k", 2);
    assert_true(other.key_reused && other.id == first.id);
    assert_int_equal(insert_event(fixture, 999999, &facts, NULL, 1).rows, 0);
}

static void read_affected(void *context, PGresult *const *results) {
    *(int64_t *)context = database_rows_affected(results[0]);
}

static int64_t update_event(struct fixture *fixture, int64_t event_id,
                            const struct venue_facts *facts, const char *text) {
    json_t *document = json_loads(text, 0, NULL);
    struct event_input *event = NULL;
    struct event_patch *patch = NULL;
    struct catalogue_problems problems;
    assert_int_equal(event_input_read(document, true, facts, &event, &problems), STATUS_OK);
    assert_int_equal(event_patch_read(event_input_command_text(event), &patch), STATUS_OK);
    event_input_free(event);
    json_decref(document);
    struct database_group *group = session_group(fixture->session);
    catalogue_bind_update(group, (uint64_t)event_id, patch);
    event_patch_free(patch);
    int64_t affected = -1;
    expect(session_run_take(fixture->session, group, read_affected, &affected) == STATUS_OK, "%s",
           session_error(fixture->session));
    return affected;
}

static void expect_event(struct fixture *fixture, int64_t event_id, const char *wanted) {
    char id[32];
    snprintf(id, sizeof id, "%lld", (long long)event_id);
    char *text = sql_text(
        fixture->sql,
        "SELECT concat_ws('|', name, state, extract(epoch FROM start_time)::bigint,"
        " coalesce(extract(epoch FROM end_time)::bigint::text, '-'),"
        " coalesce(extract(epoch FROM on_sale_time)::bigint::text, '-'),"
        " coalesce(extract(epoch FROM sale_end_time)::bigint::text, '-'), description, artists,"
        " currency, prices, hold_seconds, seats_per_user, guests, room->>'mode', "
        "room->>'maxShoppers')"
        " FROM usher.event WHERE event_id = $1",
        (const char *[]){id, NULL});
    assert_string_equal(text, wanted);
    free(text);
}

static void patch_changes_what_it_names(void **state) {
    struct fixture *fixture = *state;
    struct row venue = insert_venue(fixture, venue_document("UTC"), NULL, 1);
    struct venue_facts facts = select_facts(fixture, venue.id);
    int64_t id = insert_event(fixture, venue.id, &facts, NULL, 1).id;
    expect_event(fixture, id, "E|1|1905276600|-|-|-||{}|NOK|{500,900}|77|8|t");
    assert_int_equal(update_event(fixture, id, &facts, "{}"), 1);
    expect_event(fixture, id, "E|1|1905276600|-|-|-||{}|NOK|{500,900}|77|8|t");
    assert_int_equal(
        update_event(
            fixture, id, &facts,
            "{\"name\":\"F\",\"state\":\"PAUSED\",\"startTime\":\"2030-05-17T19:30:10Z\","
            "\"endTime\":\"2030-05-17T19:30:20Z\",\"onSaleTime\":\"1970-01-01T00:00:30Z\","
            "\"saleEndTime\":\"1970-01-01T00:00:40Z\",\"description\":\"d\","
            "\"artists\":[\"A\",\"B\"],\"holdSeconds\":9,\"seatsPerUser\":3,\"guests\":false,"
            "\"prices\":{\"Stalls\":{\"value\":2,\"currency\":\"SEK\"},"
            "\"Floor\":{\"value\":1,\"currency\":\"SEK\"}},"
            "\"room\":{\"mode\":\"open\",\"maxShoppers\":5}}"),
        1);
    expect_event(fixture, id, "F|2|1905276610|1905276620|30|40|d|{A,B}|SEK|{1,2}|9|3|f|open|5");
    assert_int_equal(
        update_event(fixture, id, &facts,
                     "{\"endTime\":null,\"onSaleTime\":null,\"saleEndTime\":null,"
                     "\"description\":\"\",\"artists\":[],\"room\":{\"mode\":\"off\"}}"),
        1);
    expect_event(fixture, id, "F|2|1905276610|-|-|-||{}|SEK|{1,2}|9|3|f|off|5");
    assert_int_equal(update_event(fixture, 999999, &facts, "{\"name\":\"G\"}"), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(venue_is_stored_once_a_key),
        cmocka_unit_test(unknown_time_zone_stores_nothing),
        cmocka_unit_test(largest_venue_is_stored),
        cmocka_unit_test(event_is_stored_with_its_show),
        cmocka_unit_test(patch_changes_what_it_names),
    };
    return cmocka_run_group_tests(tests, create_fixture, destroy_fixture);
}
