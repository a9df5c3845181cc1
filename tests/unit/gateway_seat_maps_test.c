/* The gateway's seat maps: snapshots, news, gaps, owners that change and sources that fail. */
#include "gateway/seat_json.h"
#include "gateway/seat_maps.h"
#include "tests/support/expect.h"

#include <jansson.h>
#include <stdlib.h>

enum { EVENT = 7, SEATS = 8, INSTANCE = 1001, OTHER_INSTANCE = 1002 };
static const int64_t second_us = 1000000;

struct bench {
    struct seat_maps *maps;
    struct layout *layout;
    int64_t now_us;
    unsigned asked;
    unsigned read;
    unsigned shown; /* answers to readers */
    unsigned refused;
    unsigned kept;
    unsigned recalled;
    bool has_copy;
    bool stale; /* the last view */
    uint64_t version;
    uint8_t packed[4];
    uint32_t counts[4];
    char *json; /* of the last view */
    char *since_json;
    uint64_t since;
};

static void count_ask(void *context, uint64_t event_id) {
    assert_int_equal(event_id, EVENT);
    ((struct bench *)context)->asked++;
}

static void count_read(void *context, uint64_t event_id) {
    assert_int_equal(event_id, EVENT);
    ((struct bench *)context)->read++;
}

static void count_keep(void *context, uint64_t event_id, const struct seat_map *map) {
    assert_int_equal(event_id, EVENT);
    assert_true(map->known);
    ((struct bench *)context)->kept++;
}

static void give_copy(void *context, uint64_t event_id) {
    static const uint8_t packed[2] = {SEAT_HELD, 0};
    struct bench *bench = context;
    if (bench->has_copy) {
        bench->recalled++;
        seat_maps_recalled(bench->maps, event_id, 9, packed, SEATS, bench->now_us);
    }
}

static int make_bench(void **state) {
    static const char *const ids[SEATS] = {"A1", "A2", "A3", "A4", "B1", "B2", "B3", "B\"4"};
    static const struct layout_section section = {.name = "", .category = "x", .seat_count = SEATS};
    struct bench *bench = calloc(1, sizeof *bench);
    struct text text = {0};
    text_put(&text, "{}");
    ensure(bench != NULL);
    bench->now_us = 1000 * second_us;
    struct body *body = body_create_take(&text, NULL);
    ensure(body != NULL);
    ensure(layout_create(1, &section, 1, ids, SEATS, body, &bench->layout) == STATUS_OK);
    const struct seat_maps_config config = {.ask = count_ask,
                                            .read = count_read,
                                            .keep = count_keep,
                                            .recall = give_copy,
                                            .context = bench};
    bench->maps = seat_maps_create(&config);
    ensure(bench->maps != NULL);
    *state = bench;
    return 0;
}

static int free_bench(void **state) {
    struct bench *bench = *state;
    seat_maps_destroy(bench->maps);
    layout_release(bench->layout);
    free(bench->json);
    free(bench->since_json);
    free(bench);
    return 0;
}

static char *text_of(const struct body *body) {
    return body != NULL ? strndup(body->data, body->size_bytes) : NULL;
}

static void keep_view(void *context, const struct seat_view *view) {
    struct bench *bench = context;
    if (view == NULL) {
        bench->refused++;
        return;
    }
    bench->shown++;
    bench->stale = view->stale;
    bench->version = view->map->version;
    memcpy(bench->packed, view->map->packed, packed_seats_bytes(SEATS));
    memcpy(bench->counts, view->map->counts, sizeof bench->counts);
    free(bench->json);
    free(bench->since_json);
    bench->json = text_of(seat_json_whole(view, SEAT_FORMAT_JSON, bench->now_us, 0));
    struct body *since = seat_json_since(view, bench->since, 0);
    bench->since_json = text_of(since);
    body_release(since);
}

static void want(struct bench *bench) {
    seat_maps_want(bench->maps, EVENT, bench->layout, bench->now_us, keep_view, bench);
}

static void snapshot(struct bench *bench, uint64_t instance, uint64_t epoch, uint64_t version,
                     const uint8_t packed[2]) {
    const struct reply reply = {.code = REPLY_OK,
                                .epoch = epoch,
                                .instance = instance,
                                .seats_version = version,
                                .packed_seat_count = SEATS,
                                .packed_seats = packed};
    seat_maps_snapshot(bench->maps, EVENT, &reply, bench->now_us);
}

static void news(struct bench *bench, uint64_t instance, uint64_t epoch, uint64_t from,
                 uint64_t version, uint32_t seat, enum seat_state seat_state) {
    struct wire_buffer buffer = {0};
    const struct wire_seats head = {.event_id = EVENT,
                                    .partition = partition_of_event(EVENT),
                                    .instance = instance,
                                    .epoch = epoch,
                                    .from = from,
                                    .version = version,
                                    .change_count = from == version ? 0 : 1};
    const struct wire_seat_change change = {.seat = seat, .state = seat_state};
    wire_seats_begin(&buffer);
    ensure(wire_seats_add(&buffer, &head, &change) == STATUS_OK);
    ensure(seat_maps_news(bench->maps, buffer.data, buffer.size_bytes, bench->now_us) == STATUS_OK);
    wire_buffer_free(&buffer);
}

static enum seat_state shown(const struct bench *bench, uint32_t seat) {
    return packed_seats_get(bench->packed, seat);
}

static const uint8_t all_free[2] = {0, 0};
static const uint8_t first_held[2] = {SEAT_HELD, 0};

/* A live map at version 10, everything free. */
static void begin_live(struct bench *bench) {
    want(bench);
    assert_int_equal(bench->shown, 0);
    assert_int_equal(bench->asked, 1);
    snapshot(bench, INSTANCE, 5, 10, all_free);
    assert_int_equal(bench->shown, 1);
    assert_false(bench->stale);
}

static void many_readers_ask_once(void **state) {
    struct bench *bench = *state;
    want(bench);
    want(bench);
    want(bench);
    assert_int_equal(bench->asked, 1);
    snapshot(bench, INSTANCE, 5, 10, first_held);
    assert_int_equal(bench->shown, 3);
    assert_int_equal(shown(bench, 0), SEAT_HELD);
    assert_int_equal(bench->counts[SEAT_AVAILABLE], SEATS - 1);
    want(bench);
    assert_int_equal(bench->shown, 4);
    assert_int_equal(bench->asked, 1);
}

static void news_move_the_map_on(void **state) {
    struct bench *bench = *state;
    begin_live(bench);
    news(bench, INSTANCE, 5, 10, 11, 3, SEAT_HELD);
    news(bench, INSTANCE, 5, 11, 12, 3, SEAT_BOOKED);
    news(bench, INSTANCE, 5, 10, 11, 3, SEAT_HELD); /* doubled and late */
    want(bench);
    assert_int_equal(bench->version, 12);
    assert_int_equal(shown(bench, 3), SEAT_BOOKED);
    assert_int_equal(bench->counts[SEAT_BOOKED], 1);
    assert_int_equal(bench->asked, 1);
}

static void a_gap_asks_for_a_snapshot(void **state) {
    struct bench *bench = *state;
    begin_live(bench);
    news(bench, INSTANCE, 5, 11, 12, 3, SEAT_HELD);
    assert_int_equal(bench->asked, 2);
    snapshot(bench, INSTANCE, 5, 12, first_held);
    want(bench);
    assert_int_equal(bench->version, 12);
    assert_int_equal(bench->asked, 2);
}

static void an_announced_version_shows_a_lost_message(void **state) {
    struct bench *bench = *state;
    begin_live(bench);
    news(bench, INSTANCE, 5, 10, 10, 0, SEAT_AVAILABLE);
    assert_int_equal(bench->asked, 1);
    news(bench, INSTANCE, 5, 11, 11, 0, SEAT_AVAILABLE);
    assert_int_equal(bench->asked, 2);
}

static void another_instance_means_a_snapshot_and_a_lower_epoch_nothing(void **state) {
    struct bench *bench = *state;
    begin_live(bench);
    news(bench, OTHER_INSTANCE, 4, 10, 11, 1, SEAT_HELD);
    assert_int_equal(bench->asked, 1);
    news(bench, OTHER_INSTANCE, 6, 10, 11, 1, SEAT_HELD);
    assert_int_equal(bench->asked, 2);
    snapshot(bench, OTHER_INSTANCE, 6, 11, first_held);
    news(bench, INSTANCE, 5, 10, 11, 2, SEAT_HELD);
    want(bench);
    assert_int_equal(shown(bench, 0), SEAT_HELD);
    assert_int_equal(shown(bench, 2), SEAT_AVAILABLE);
    assert_int_equal(bench->asked, 2);
}

static void news_during_a_snapshot_are_kept_for_it(void **state) {
    struct bench *bench = *state;
    want(bench);
    news(bench, INSTANCE, 5, 9, 10, 1, SEAT_HELD);
    news(bench, INSTANCE, 5, 10, 11, 2, SEAT_HELD);
    snapshot(bench, INSTANCE, 5, 10, first_held);
    assert_int_equal(bench->version, 11);
    assert_int_equal(shown(bench, 0), SEAT_HELD);
    assert_int_equal(shown(bench, 1), SEAT_AVAILABLE);
    assert_int_equal(shown(bench, 2), SEAT_HELD);
    assert_int_equal(bench->asked, 1);
}

static void without_an_owner_the_database_is_read_and_the_map_is_stale(void **state) {
    struct bench *bench = *state;
    want(bench);
    bench->now_us += 2 * second_us;
    seat_maps_tick(bench->maps, bench->now_us);
    assert_int_equal(bench->read, 1);
    seat_maps_stored(bench->maps, EVENT, 10, first_held, SEATS, bench->now_us);
    assert_int_equal(bench->shown, 1);
    assert_true(bench->stale);
    assert_int_equal(shown(bench, 0), SEAT_HELD);
    want(bench);
    assert_int_equal(bench->shown, 2);
    assert_int_equal(bench->read, 1);
    bench->now_us += second_us;
    want(bench);
    assert_int_equal(bench->shown, 3);
    assert_int_equal(bench->read, 2);
    seat_maps_stored(bench->maps, EVENT, 10, first_held, SEATS, bench->now_us);
    snapshot(bench, INSTANCE, 5, 11, all_free);
    want(bench);
    assert_false(bench->stale);
    assert_int_equal(bench->version, 11);
}

static void an_owner_known_to_be_missing_is_not_waited_for(void **state) {
    struct bench *bench = *state;
    want(bench);
    seat_maps_unanswered(bench->maps, EVENT, bench->now_us);
    assert_int_equal(bench->read, 1);
    seat_maps_unread(bench->maps, EVENT, bench->now_us);
    assert_int_equal(bench->refused, 1);
    assert_int_equal(bench->shown, 0);
}

static void without_anything_the_last_known_map_is_shown(void **state) {
    struct bench *bench = *state;
    begin_live(bench);
    bench->now_us += 4 * second_us;
    want(bench);
    assert_int_equal(bench->shown, 1);
    assert_int_equal(bench->asked, 2);
    seat_maps_unanswered(bench->maps, EVENT, bench->now_us);
    seat_maps_unread(bench->maps, EVENT, bench->now_us);
    assert_int_equal(bench->shown, 2);
    assert_true(bench->stale);
    news(bench, INSTANCE, 5, 10, 10, 0, SEAT_AVAILABLE);
    want(bench);
    assert_false(bench->stale);
}

/* A start without owner and database: the copy on disk is shown until somebody answers. */
static void a_copy_is_shown_when_nobody_answers(void **state) {
    struct bench *bench = *state;
    bench->has_copy = true;
    want(bench);
    seat_maps_unanswered(bench->maps, EVENT, bench->now_us);
    for (int second = 1; second <= 600; second++) {
        seat_maps_unread(bench->maps, EVENT, bench->now_us);
        assert_int_equal(bench->recalled, 1);
        assert_true(bench->stale);
        assert_int_equal(bench->version, 9);
        assert_int_equal(shown(bench, 0), SEAT_HELD);
        bench->now_us += second_us;
        want(bench);
        seat_maps_unanswered(bench->maps, EVENT, bench->now_us);
    }
    seat_maps_unread(bench->maps, EVENT, bench->now_us);
    want(bench);
    snapshot(bench, INSTANCE, 5, 10, all_free);
    want(bench);
    assert_false(bench->stale);
    assert_int_equal(bench->version, 10);
}

static void a_live_map_is_kept_now_and_then(void **state) {
    struct bench *bench = *state;
    begin_live(bench);
    seat_maps_tick(bench->maps, bench->now_us);
    assert_int_equal(bench->kept, 1);
    news(bench, INSTANCE, 5, 10, 11, 0, SEAT_HELD);
    seat_maps_tick(bench->maps, bench->now_us);
    assert_int_equal(bench->kept, 1);
    bench->now_us += SEAT_MAPS_KEEP_MS * INT64_C(1000);
    news(bench, INSTANCE, 5, 11, 11, 0, SEAT_HELD);
    seat_maps_tick(bench->maps, bench->now_us);
    assert_int_equal(bench->kept, 2);
    bench->now_us += SEAT_MAPS_KEEP_MS * INT64_C(1000);
    news(bench, INSTANCE, 5, 11, 11, 0, SEAT_HELD);
    seat_maps_tick(bench->maps, bench->now_us); /* nothing has changed */
    assert_int_equal(bench->kept, 2);
}

static void a_replica_that_lags_does_not_turn_back_time(void **state) {
    struct bench *bench = *state;
    begin_live(bench);
    bench->now_us += 4 * second_us;
    want(bench);
    seat_maps_unanswered(bench->maps, EVENT, bench->now_us);
    seat_maps_stored(bench->maps, EVENT, 9, first_held, SEATS, bench->now_us);
    assert_true(bench->stale);
    assert_int_equal(bench->version, 10);
    assert_int_equal(shown(bench, 0), SEAT_AVAILABLE);
}

static void changes_since_a_version(void **state) {
    struct bench *bench = *state;
    begin_live(bench);
    news(bench, INSTANCE, 5, 10, 11, 1, SEAT_HELD);
    news(bench, INSTANCE, 5, 11, 12, 7, SEAT_HELD);
    news(bench, INSTANCE, 5, 12, 13, 1, SEAT_BOOKED);
    bench->since = 11;
    want(bench);
    json_t *document = json_loads(bench->since_json, 0, NULL);
    const json_t *seats = json_object_get(document, "seats");
    assert_int_equal(json_object_size(seats), 2);
    assert_string_equal(json_string_value(json_object_get(seats, "A2")), "BOOKED");
    assert_string_equal(json_string_value(json_object_get(seats, "B\"4")), "HELD");
    json_decref(document);
    bench->since = 13;
    want(bench);
    assert_non_null(strstr(bench->since_json, "\"seats\":{}"));
    bench->since = 9;
    want(bench);
    assert_null(bench->since_json);
    bench->since = 14;
    want(bench);
    assert_null(bench->since_json);
}

static void a_takeover_keeps_the_history(void **state) {
    struct bench *bench = *state;
    begin_live(bench);
    news(bench, OTHER_INSTANCE, 6, 12, 12, 0, SEAT_AVAILABLE);
    snapshot(bench, OTHER_INSTANCE, 6, 12, first_held);
    bench->since = 10;
    want(bench);
    assert_non_null(strstr(bench->since_json, "\"seats\":{\"A1\":\"HELD\"}"));
}

static void the_history_is_bounded(void **state) {
    struct bench *bench = *state;
    begin_live(bench);
    for (uint64_t version = 10; version < 10 + SEAT_MAP_HISTORY_MAX + 1; version++) {
        news(bench, INSTANCE, 5, version, version + 1, 0,
             version % 2 == 0 ? SEAT_HELD : SEAT_AVAILABLE);
    }
    bench->since = 10;
    want(bench);
    assert_null(bench->since_json);
    bench->since = 11;
    want(bench);
    assert_non_null(bench->since_json);
}

static void the_whole_map_is_json(void **state) {
    struct bench *bench = *state;
    want(bench);
    snapshot(bench, INSTANCE, 5, 10, first_held);
    json_t *document = json_loads(bench->json, 0, NULL);
    const json_t *counts = json_object_get(document, "counts");
    assert_non_null(document);
    assert_int_equal(json_integer_value(json_object_get(document, "eventId")), EVENT);
    assert_int_equal(json_integer_value(json_object_get(document, "seatsVersion")), 10);
    assert_int_equal(json_integer_value(json_object_get(counts, "HELD")), 1);
    assert_int_equal(json_object_size(json_object_get(document, "seats")), SEATS);
    json_decref(document);
}

static void idle_maps_are_forgotten(void **state) {
    struct bench *bench = *state;
    begin_live(bench);
    bench->now_us += (int64_t)SEAT_MAPS_IDLE_MS * 1000 - 1;
    seat_maps_tick(bench->maps, bench->now_us);
    assert_int_equal(seat_maps_count(bench->maps), 1);
    bench->now_us += 1;
    seat_maps_tick(bench->maps, bench->now_us);
    assert_int_equal(seat_maps_count(bench->maps), 0);
}

static void a_snapshot_of_another_hall_is_refused(void **state) {
    struct bench *bench = *state;
    const struct reply reply = {.code = REPLY_OK,
                                .instance = INSTANCE,
                                .packed_seat_count = SEATS + 1,
                                .packed_seats = (const uint8_t[]){0, 0, 0}};
    want(bench);
    seat_maps_snapshot(bench->maps, EVENT, &reply, bench->now_us);
    assert_int_equal(bench->shown, 0);
    assert_int_equal(bench->read, 1);
    seat_maps_unread(bench->maps, EVENT, bench->now_us);
    assert_int_equal(bench->refused, 1);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_bench, free_bench)
    const struct CMUnitTest tests[] = {
        TEST(many_readers_ask_once),
        TEST(news_move_the_map_on),
        TEST(a_gap_asks_for_a_snapshot),
        TEST(an_announced_version_shows_a_lost_message),
        TEST(another_instance_means_a_snapshot_and_a_lower_epoch_nothing),
        TEST(news_during_a_snapshot_are_kept_for_it),
        TEST(without_an_owner_the_database_is_read_and_the_map_is_stale),
        TEST(an_owner_known_to_be_missing_is_not_waited_for),
        TEST(without_anything_the_last_known_map_is_shown),
        TEST(a_copy_is_shown_when_nobody_answers),
        TEST(a_live_map_is_kept_now_and_then),
        TEST(a_replica_that_lags_does_not_turn_back_time),
        TEST(changes_since_a_version),
        TEST(a_takeover_keeps_the_history),
        TEST(the_history_is_bounded),
        TEST(the_whole_map_is_json),
        TEST(idle_maps_are_forgotten),
        TEST(a_snapshot_of_another_hall_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
