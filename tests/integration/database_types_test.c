/* What goes into PostgreSQL as parameters comes out as results: every type, NULL, empty, large. */
#include "tests/integration/database_probe.h"

#include <stdlib.h>

enum { LARGE_BYTES = 512 * 1024, HUGE_BYTES = 8 << 20, HUGE_GROUPS = 4, MANY = 20000 };

static const struct id128 an_id = {{0xDE, 0xAD, 0xBE, 0xEF, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}};

static void expect_scalars(struct probe *probe, int index, const struct database_answer *answer) {
    (void)probe;
    (void)index;
    expect(answer->outcome == DATABASE_DONE, "%s", answer->error);
    const PGresult *row = answer->results[0];
    assert_true(database_bool(row, 0, 0));
    assert_int_equal(database_i16(row, 0, 1), -1234);
    assert_int_equal(database_i32(row, 0, 2), INT32_MIN);
    assert_int_equal(database_i64(row, 0, 3), INT64_MIN);
    assert_string_equal(database_text(row, 0, 4), "Zoë's “seat”");
    assert_string_equal(database_text(row, 0, 5), "");
    assert_string_equal(database_jsonb(row, 0, 6), "{\"a\": [1, 2]}");
    const uint8_t *bytes;
    assert_int_equal(database_bytes(row, 0, 7, &bytes), 4);
    assert_memory_equal(bytes, "\0\1\377\0", 4);
    struct id128 id = database_uuid(row, 0, 8);
    assert_true(id128_equal(&id, &an_id));
    assert_int_equal(database_time_us(row, 0, 9), 1795452692123456);
    assert_true(database_is_null(row, 0, 10));
    assert_true(database_is_null(row, 0, 11));
    assert_true(database_is_null(row, 0, 12));
    assert_string_equal(database_text(row, 0, 13),
                        "deadbeef-0102-0304-0506-0708090a0b0c 2026-11-23 16:51:32.123456+00");
    assert_true(database_f64(row, 0, 14) == -0.375);
    assert_int_equal(database_rows_affected(row), 1);
}

static void scalars_make_the_round_trip(void **state) {
    struct database_place *place = *state;
    static const struct database_statement echo = {
        "echo",
        "SELECT $1::bool, $2::int2, $3::int4, $4::int8, $5::text, $6::varchar, $7::jsonb, "
        "$8::bytea, "
        "$9::uuid, $10::timestamptz, $11::text, $12::jsonb, $13::int8, "
        "$9::text || ' ' || ($10::timestamptz AT TIME ZONE 'UTC')::text || '+00', -0.375::float8",
        13,
        {0}};
    struct probe probe;
    probe_open(&probe, &(struct database_session_config){
                           .url = place->url,
                           .application_name = "probe",
                           .statements = (const struct database_statement *const[]){&echo, NULL}});
    probe_wait_up(&probe);
    probe.on_answer = expect_scalars;
    struct database_group *group = database_group_create(probe.session);
    database_group_add(group, &echo);
    database_group_bool(group, true);
    database_group_i16(group, -1234);
    database_group_i32(group, INT32_MIN);
    database_group_i64(group, INT64_MIN);
    database_group_text(group, "Zoë's “seat”");
    database_group_text(group, "");
    database_group_jsonb(group, "{\"a\":[1,2]}");
    database_group_bytes(group, "\0\1\377\0", 4);
    database_group_uuid(group, &an_id);
    database_group_time(group, 1795452692123456);
    database_group_text(group, NULL);
    database_group_jsonb(group, NULL);
    database_group_null(group);
    probe_send(&probe, group);
    probe_wait_answers(&probe, 1);
    probe_close(&probe);
}

static void expect_arrays(struct probe *probe, int index, const struct database_answer *answer) {
    (void)probe;
    (void)index;
    expect(answer->outcome == DATABASE_DONE, "%s", answer->error);
    const PGresult *row = answer->results[0];
    int32_t small[2];
    int64_t big[3];
    assert_int_equal(database_i32_array(row, 0, 0, small, 2), 3);
    assert_int_equal(small[0], 7);
    assert_int_equal(small[1], -8);
    assert_int_equal(database_i64_array(row, 0, 1, big, 3), 2);
    assert_int_equal(big[0], INT64_MAX);
    assert_int_equal(big[1], INT64_MIN);
    assert_int_equal(database_i32_array(row, 0, 2, small, 2), 0);
    assert_string_equal(database_text(row, 0, 3), "{1,-2}");
    assert_string_equal(database_text(row, 0, 4), "{deadbeef-0102-0304-0506-0708090a0b0c,NULL}");
    assert_string_equal(database_text(row, 0, 5), "{one,NULL,\"\",\"t,w\"}");
    assert_string_equal(database_text(row, 0, 6), "{}");
}

static void arrays_make_the_round_trip(void **state) {
    struct database_place *place = *state;
    static const struct database_statement echo = {
        .sql = "SELECT $1, $2, $3, $4::text, $5::text, $6::text, $7::text",
        .parameter_count = 7,
        .types = {1007, 1016, 1007, 1005, 2951, 1009, 2951}};
    struct probe probe;
    probe_connect(&probe, place->url);
    probe.on_answer = expect_arrays;
    struct database_group *group = database_group_create(probe.session);
    database_group_add(group, &echo);
    database_group_i32_array(group, (const int32_t[]){7, -8, 9}, 3);
    database_group_i64_array(group, (const int64_t[]){INT64_MAX, INT64_MIN}, 2);
    database_group_i32_array(group, NULL, 0);
    database_group_i16_array(group, (const int16_t[]){1, -2}, 2);
    database_group_uuid_array(group, (const struct id128[]){an_id, an_id},
                              (const bool[]){false, true}, 2);
    database_group_text_array(group, (const char *const[]){"one", NULL, "", "t,w"}, 4);
    database_group_uuid_array(group, NULL, NULL, 0);
    probe_send(&probe, group);
    probe_wait_answers(&probe, 1);
    probe_close(&probe);
}

static void expect_many(struct probe *probe, int index, const struct database_answer *answer) {
    (void)index;
    expect(answer->outcome == DATABASE_DONE, "%s", answer->error);
    const PGresult *rows = answer->results[0];
    assert_int_equal(database_rows_affected(rows), MANY);
    assert_int_equal(PQntuples(rows), MANY);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(database_i64(rows, i, 0), (int64_t)i * i);
    *(bool *)probe->context = true;
}

static void an_array_of_many_becomes_many_rows(void **state) {
    struct database_place *place = *state;
    static const struct database_statement unnest = {
        .sql = "SELECT unnest($1)", .parameter_count = 1, .types = {1016}};
    static int64_t values[MANY];
    for (int64_t i = 0; i < MANY; i++)
        values[i] = i * i;
    struct probe probe;
    bool came = false;
    probe_connect(&probe, place->url);
    probe.on_answer = expect_many;
    probe.context = &came;
    struct database_group *group = database_group_create(probe.session);
    database_group_add(group, &unnest);
    database_group_i64_array(group, values, MANY);
    probe_send(&probe, group);
    probe_wait_answers(&probe, 1);
    assert_true(came);
    probe_close(&probe);
}

static void expect_large(struct probe *probe, int index, const struct database_answer *answer) {
    (void)index;
    const char *sent = probe->context;
    size_t length = strlen(sent);
    expect(answer->outcome == DATABASE_DONE, "%s", answer->error);
    for (int i = 0; i < answer->count; i++) {
        assert_int_equal(PQgetlength(answer->results[i], 0, 0), length);
        assert_true(memcmp(database_text(answer->results[i], 0, 0), sent, length) == 0);
    }
}

static char *text_of(size_t size_bytes) {
    char *text = malloc(size_bytes + 1);
    expect(text != NULL, "no memory");
    for (size_t i = 0; i < size_bytes; i++)
        text[i] = (char)('a' + i * i % 23);
    text[size_bytes] = '\0';
    return text;
}

/* Both sides write more than sockets hold, so each has to read while it writes. */
static void large_values_pass_both_ways(void **state) {
    struct database_place *place = *state;
    static const struct database_statement echo = {
        .sql = "SELECT $1", .parameter_count = 1, .types = {25}};
    size_t sizes[] = {LARGE_BYTES, HUGE_BYTES};
    for (size_t size = 0; size < ARRAY_LEN(sizes); size++) {
        char *text = text_of(sizes[size]);
        struct probe probe;
        probe_connect(&probe, place->url);
        probe.on_answer = expect_large;
        probe.context = text;
        for (int i = 0; i < HUGE_GROUPS; i++) {
            struct database_group *group = database_group_create(probe.session);
            database_group_add(group, &echo);
            database_group_text(group, text);
            database_group_add(group, &echo);
            database_group_text(group, text);
            probe_send(&probe, group);
        }
        probe_wait_answers(&probe, HUGE_GROUPS);
        probe_close(&probe);
        free(text);
    }
}

static void a_group_past_its_limits_is_not_sent(void **state) {
    struct database_place *place = *state;
    static const struct database_statement one = {.sql = "SELECT 1"};
    static const struct database_statement echo = {
        .sql = "SELECT $1", .parameter_count = 1, .types = {17}};
    struct probe probe;
    probe_connect(&probe, place->url);
    struct database_group *group = database_group_create(probe.session);
    for (int i = 0; i <= DATABASE_GROUP_MAX; i++)
        database_group_add(group, &one);
    database_group_i32(group, 1); /* the group has failed: ignored */
    assert_int_equal(database_group_send_take(group, NULL, NULL), STATUS_LIMIT);

    static const uint8_t byte;
    group = database_group_create(probe.session);
    database_group_add(group, &echo);
    database_group_bytes(group, &byte, SIZE_MAX);
    assert_int_equal(database_group_send_take(group, NULL, NULL), STATUS_LIMIT);
    assert_int_equal(database_group_send_take(NULL, NULL, NULL), STATUS_NO_MEMORY);
    assert_int_equal(database_session_in_flight(probe.session), 0);
    probe_close(&probe);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars_make_the_round_trip),
        cmocka_unit_test(arrays_make_the_round_trip),
        cmocka_unit_test(an_array_of_many_becomes_many_rows),
        cmocka_unit_test(large_values_pass_both_ways),
        cmocka_unit_test(a_group_past_its_limits_is_not_sent),
    };
    return cmocka_run_group_tests(tests, database_place_create, database_place_destroy);
}
