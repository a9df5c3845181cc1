/* The gateway's rooms: news, failing owners and databases, doors that open by the clock. */
#include "gateway/queue_json.h"
#include "gateway/rooms.h"
#include "tests/support/expect.h"

#include <jansson.h>
#include <stdlib.h>

enum { EVENT = 7, OTHER_EVENT = 8 };
static const int64_t second_us = 1000000;
static const int64_t opens_us = INT64_C(1800000000) * 1000000; /* openTime; the sale: an hour on */

struct bench {
    struct rooms *rooms;
    int64_t now_us;
    int64_t wall_us;        /* the database's clock */
    struct room_state room; /* as the owner has it */
    unsigned asked, read, kept, recalled, changed;
    enum room_phase changed_to;
    uint64_t changed_revision;
    bool reads_at_once; /* the database answers what the owner has */
    bool fails_at_once;
    bool has_copy;
    unsigned shown;
    unsigned refused;
    struct room_state last; /* the last view */
    enum room_phase phase;
    bool stale;
    int64_t age_us;
    char *json;
    char etag[BODY_ETAG_SIZE];
};

static int64_t tell_time(void *context, int64_t monotonic_us UNUSED) {
    return ((struct bench *)context)->wall_us;
}

static void count_ask(void *context, uint64_t event_id) {
    assert_int_equal(event_id, EVENT);
    ((struct bench *)context)->asked++;
}

/* What only owners know is not in the database. */
static void give_stored(struct bench *bench) {
    struct room_state state = bench->room;
    state.epoch = state.instance = state.last_number = 0;
    state.admits_per_hour = state.joins_per_minute = 0;
    rooms_stored(bench->rooms, &state, bench->now_us);
}

static void count_read(void *context, uint64_t event_id) {
    struct bench *bench = context;
    assert_int_equal(event_id, EVENT);
    bench->read++;
    if (bench->reads_at_once) {
        give_stored(bench);
    } else if (bench->fails_at_once) {
        rooms_unread(bench->rooms, event_id, bench->now_us);
    }
}

static void count_keep(void *context, const struct room_state *state) {
    assert_int_equal(state->event_id, EVENT);
    ((struct bench *)context)->kept++;
}

static void give_copy(void *context, uint64_t event_id) {
    struct bench *bench = context;
    if (bench->has_copy) {
        struct room_state copy = bench->room;
        copy.event_id = event_id;
        bench->recalled++;
        rooms_recalled(bench->rooms, &copy, bench->now_us - 60 * second_us);
    }
}

static void note_change(void *context, const struct room_view *view) {
    struct bench *bench = context;
    bench->changed++;
    bench->changed_to = view->phase;
    bench->changed_revision = view->revision;
}

static int make_bench(void **state) {
    struct bench *bench = calloc(1, sizeof *bench);
    ensure(bench != NULL);
    const struct rooms_config config = {.unix_us = tell_time,
                                        .ask = count_ask,
                                        .read = count_read,
                                        .keep = count_keep,
                                        .recall = give_copy,
                                        .on_change = note_change,
                                        .context = bench};
    bench->now_us = 1000 * second_us;
    bench->wall_us = opens_us + 2 * 3600 * second_us;
    bench->rooms = rooms_create(&config);
    bench->room =
        (struct room_state){.event_id = EVENT,
                            .partition = partition_of_event(EVENT),
                            .instance = 11,
                            .epoch = 5,
                            .sale = {.state = SHOW_OPEN, .on_sale_us = opens_us + 3600 * second_us},
                            .server_id = "RUN",
                            .created = "2026-11-23T20:00:00Z",
                            .now_serving = 100,
                            .issued_to = 5000,
                            .last_number = 900,
                            .admits_per_hour = 36000,
                            .updated_us = bench->wall_us};
    room_settings_default(&bench->room.settings);
    bench->room.settings.mode = ROOM_MODE_OPEN;
    bench->room.settings.open_us = opens_us;
    const struct room_span first = {.first_number = 1, .first_sequence = 1};
    ensure(bench->rooms != NULL && room_line_add(&bench->room.line, &first) == STATUS_OK);
    *state = bench;
    return 0;
}

static int free_bench(void **state) {
    struct bench *bench = *state;
    rooms_destroy(bench->rooms);
    free(bench->json);
    free(bench);
    return 0;
}

static void keep_view(void *context, const struct room_view *view) {
    struct bench *bench = context;
    if (view == NULL) {
        bench->refused++;
        return;
    }
    bench->shown++;
    bench->last = *view->state;
    bench->phase = view->phase;
    bench->stale = view->stale;
    bench->age_us = bench->now_us - view->confirmed_us;
    const struct body *body = queue_json_whole(view, bench->now_us, bench->wall_us);
    ensure(body != NULL);
    free(bench->json);
    bench->json = strndup(body->data, body->size_bytes);
    memcpy(bench->etag, body->etag, sizeof bench->etag);
}

static void want(struct bench *bench) {
    rooms_want(bench->rooms, EVENT, bench->now_us, keep_view, bench);
}

static void news(struct bench *bench) {
    struct wire_buffer buffer = {0};
    wire_rooms_begin(&buffer);
    ensure(wire_rooms_add(&buffer, &bench->room) == STATUS_OK);
    ensure(rooms_news(bench->rooms, buffer.data, buffer.size_bytes, bench->now_us) == STATUS_OK);
    wire_buffer_free(&buffer);
}

/* Time goes by in ticks. */
static void pass(struct bench *bench, int64_t ms) {
    for (int64_t at_ms = 0; at_ms < ms; at_ms += 100) {
        bench->now_us += 100 * 1000;
        bench->wall_us += 100 * 1000;
        rooms_tick(bench->rooms, bench->now_us);
    }
}

static int64_t json_number(const struct bench *bench, const char *name) {
    json_t *json = json_loads(bench->json, 0, NULL);
    ensure(json != NULL);
    int64_t value = json_integer_value(json_object_get(json, name));
    json_decref(json);
    return value;
}

/* --- owners */

static void what_an_owner_tells_is_shown_at_once(void **state) {
    struct bench *bench = *state;
    news(bench);
    assert_int_equal(bench->changed, 1);
    want(bench);
    assert_int_equal(bench->shown, 1);
    assert_int_equal(bench->asked + bench->read, 0);
    assert_false(bench->stale);
    assert_int_equal(bench->phase, ROOM_OPEN);
    assert_int_equal(bench->last.last_number, 900);
}

static void who_wants_an_unknown_room_makes_its_owner_tell(void **state) {
    struct bench *bench = *state;
    want(bench);
    want(bench);
    assert_int_equal(bench->asked, 1);
    assert_int_equal(bench->read, 1);
    give_stored(bench); /* the database does not know how many wait */
    assert_int_equal(bench->shown, 0);
    pass(bench, 500);
    news(bench);
    assert_int_equal(bench->shown, 2);
    assert_false(bench->stale);
    assert_int_equal(bench->last.last_number, 900);
}

static void a_silent_owner_is_waited_for_only_once(void **state) {
    struct bench *bench = *state;
    bench->reads_at_once = true;
    want(bench);
    pass(bench, ROOMS_PATIENCE_MS - 100);
    assert_int_equal(bench->shown, 0);
    pass(bench, 100);
    assert_int_equal(bench->shown, 1);
    assert_true(bench->stale);
    assert_int_equal(bench->last.now_serving, 100);
    assert_int_equal(bench->last.last_number, 100);
    for (unsigned i = 0; i < 100; i++) {
        want(bench);
    }
    assert_int_equal(bench->shown, 101);
    assert_int_equal(bench->read, 2);
    assert_int_equal(bench->asked, 2);
    pass(bench, ROOMS_AGAIN_MS);
    want(bench);
    assert_int_equal(bench->read, 3);
}

static void nobody_answers(void **state) {
    struct bench *bench = *state;
    bench->fails_at_once = true;
    want(bench);
    assert_int_equal(bench->refused, 0);
    pass(bench, ROOMS_PATIENCE_MS);
    assert_int_equal(bench->refused, 1);
    want(bench); /* waits anew: somebody may have come */
    news(bench);
    assert_int_equal(bench->shown, 1);
}

static void a_database_that_hangs_holds_nobody_up(void **state) {
    struct bench *bench = *state;
    want(bench);
    pass(bench, ROOMS_PATIENCE_MS);
    assert_int_equal(bench->refused, 1);
    rooms_unread(bench->rooms, EVENT, bench->now_us);
    assert_int_equal(bench->refused, 1);
}

/* People see nobody vanish while it looks. */
static void a_new_owner_does_not_know_yet_how_many_joined(void **state) {
    struct bench *bench = *state;
    news(bench);
    bench->room.epoch++;
    bench->room.last_number = ++bench->room.now_serving;
    news(bench);
    want(bench);
    assert_int_equal(bench->last.now_serving, 101);
    assert_int_equal(bench->last.last_number, 900);
    bench->room.last_number = 902;
    news(bench);
    want(bench);
    assert_int_equal(bench->last.last_number, 902);
}

static void news_that_go_back_are_dropped(void **state) {
    struct bench *bench = *state;
    news(bench);
    const struct room_state good = bench->room;
    bench->room.epoch = 4; /* an owner of before */
    bench->room.now_serving = 300;
    news(bench);
    bench->room = good;
    bench->room.now_serving = 99;
    news(bench);
    bench->room = good;
    bench->room.issued_to--;
    news(bench);
    want(bench);
    assert_int_equal(bench->last.now_serving, 100);
    assert_int_equal(bench->changed, 1);
    bench->room.epoch = 6; /* a new owner says how it is */
    news(bench);
    want(bench);
    assert_int_equal(bench->last.issued_to, 4999);
    assert_int_equal(bench->changed, 2);
}

static void only_what_people_and_joins_look_at_is_a_change(void **state) {
    struct bench *bench = *state;
    news(bench);
    bench->room.updated_us += second_us;
    bench->room.passes++;
    news(bench);
    assert_int_equal(bench->changed, 1);
    bench->room.now_serving++;
    news(bench);
    bench->room.issued_to++;
    news(bench);
    bench->room.last_number++;
    news(bench);
    memcpy(bench->room.server_id, "NEXT", 5);
    news(bench);
    memcpy(bench->room.settings.message, "Soon.", 6);
    news(bench);
    bench->room.admits_per_hour++;
    news(bench);
    assert_int_equal(bench->changed, 7);
    bench->room.sale.sold_out = true;
    news(bench);
    assert_int_equal(bench->changed, 8);
    assert_int_equal(bench->changed_to, ROOM_WAITLIST);
}

static void rooms_apart(void **state) {
    struct bench *bench = *state;
    news(bench);
    bench->room.event_id = OTHER_EVENT;
    bench->room.partition = partition_of_event(OTHER_EVENT);
    bench->room.now_serving = 1;
    news(bench);
    struct room_view view;
    assert_true(rooms_find(bench->rooms, EVENT, bench->now_us, &view));
    assert_int_equal(view.state->now_serving, 100);
    assert_false(rooms_find(bench->rooms, 9, bench->now_us, &view));
    size_t cursor = 0;
    assert_non_null(rooms_next(bench->rooms, &cursor));
    assert_non_null(rooms_next(bench->rooms, &cursor));
    assert_null(rooms_next(bench->rooms, &cursor));
    assert_int_equal(rooms_count(bench->rooms), 2);
}

/* --- the clock */

static void doors_open_by_the_clock(void **state) {
    struct bench *bench = *state;
    bench->wall_us = opens_us - second_us;
    bench->room.now_serving = 0;
    news(bench);
    want(bench);
    assert_int_equal(bench->phase, ROOM_CLOSED);
    pass(bench, 900);
    assert_int_equal(bench->changed, 1);
    pass(bench, 100);
    assert_int_equal(bench->changed, 2);
    assert_int_equal(bench->changed_to, ROOM_PREQUEUE);
    bench->wall_us = opens_us + 3600 * second_us; /* between two ticks */
    want(bench);
    assert_int_equal(bench->phase, ROOM_OPEN);
    assert_non_null(strstr(bench->json, "\"OPEN\""));
    pass(bench, 100);
    assert_int_equal(bench->changed_to, ROOM_OPEN);
    assert_int_equal(bench->changed, 3);
}

static void times_that_move_move_the_phase(void **state) {
    struct bench *bench = *state;
    news(bench);
    bench->room.sale.on_sale_us = bench->wall_us + second_us;
    news(bench);
    assert_int_equal(bench->changed_to, ROOM_PREQUEUE);
    bench->room.settings.open_us = bench->wall_us + 60 * second_us;
    news(bench);
    assert_int_equal(bench->changed_to, ROOM_CLOSED);
    bench->room.settings.open_us = opens_us;
    bench->room.sale.on_sale_us = opens_us;
    news(bench);
    assert_int_equal(bench->changed_to, ROOM_OPEN);
    assert_int_equal(bench->changed, 4);
}

/* --- rooms that are off */

static void a_room_that_is_off_is_read_and_nobody_waits(void **state) {
    struct bench *bench = *state;
    bench->room.settings.mode = ROOM_MODE_OFF;
    bench->reads_at_once = true;
    want(bench);
    assert_int_equal(bench->shown, 1);
    assert_false(bench->stale);
    assert_int_equal(bench->phase, ROOM_OFF);
    assert_int_equal(json_number(bench, "nowServing"), 0);
    assert_int_equal(json_number(bench, "lastNumber"), 0);
    want(bench);
    assert_int_equal(bench->read, 1);
    bench->room.settings.mode = ROOM_MODE_OPEN; /* somebody opens it */
    news(bench);
    want(bench);
    assert_int_equal(bench->phase, ROOM_OPEN);
    assert_int_equal(bench->kept, 0);
    pass(bench, 100);
    assert_int_equal(bench->kept, 1);
}

static void what_the_database_says_does_not_undo_news(void **state) {
    struct bench *bench = *state;
    want(bench);
    news(bench);
    bench->room.settings.mode = ROOM_MODE_OFF; /* a replica that lags */
    give_stored(bench);
    want(bench);
    assert_int_equal(bench->phase, ROOM_OPEN);
    pass(bench, ROOMS_CONFIRMED_MS + 100);
    want(bench);
    assert_true(bench->stale);
    bench->room.settings.mode = ROOM_MODE_PAUSED;
    bench->room.now_serving = 99;
    give_stored(bench);
    want(bench);
    assert_int_equal(bench->phase, ROOM_OPEN);
    assert_int_equal(bench->last.now_serving, 100);
}

/* --- outages */

/* Ten minutes without NATS, database and owners: whoever looks is answered at once, older and
 * older. */
static void ten_minutes_of_outage(void **state) {
    struct bench *bench = *state;
    news(bench);
    want(bench);
    bench->fails_at_once = true;
    for (unsigned s = 1; s <= 600; s++) {
        pass(bench, 1000);
        want(bench);
        assert_int_equal(bench->shown, 1 + s);
        assert_int_equal(bench->stale, s > ROOMS_CONFIRMED_MS / 1000);
        assert_int_equal(bench->age_us, s * second_us);
        assert_int_equal(bench->last.last_number, 900);
    }
    assert_int_equal(bench->refused, 0);
    assert_in_range(bench->read, 590, 600);
    assert_true(rooms_are_silent(bench->rooms, bench->now_us));
    bench->room.epoch = 9;
    bench->room.last_number = 4000;
    news(bench);
    want(bench);
    assert_false(bench->stale);
    assert_int_equal(bench->last.last_number, 4000);
    assert_false(rooms_are_silent(bench->rooms, bench->now_us));
}

static void doors_open_by_the_clock_while_nobody_is_heard(void **state) {
    struct bench *bench = *state;
    bench->wall_us = opens_us - 300 * second_us;
    bench->fails_at_once = true;
    news(bench);
    for (unsigned s = 0; s < 299; s++) {
        pass(bench, 1000);
        want(bench);
        assert_int_equal(bench->phase, ROOM_CLOSED);
    }
    pass(bench, 1000);
    want(bench);
    assert_int_equal(bench->phase, ROOM_PREQUEUE);
    assert_true(bench->stale);
}

static void owners_away_the_database_is_asked_each_second(void **state) {
    struct bench *bench = *state;
    news(bench);
    pass(bench, ROOMS_CONFIRMED_MS + 100);
    bench->reads_at_once = true;
    bench->room.now_serving = 150;
    want(bench); /* as last known, and the answer is on its way */
    want(bench);
    assert_true(bench->stale);
    assert_int_equal(bench->last.now_serving, 150);
    assert_int_equal(bench->last.last_number, 900);
    assert_int_equal(json_number(bench, "depth"), 750);
    assert_int_equal(json_number(bench, "admitsPerMinute"), 0);
    assert_int_equal(bench->age_us, 0);
    bench->room.now_serving = 149; /* late news of the owner from before */
    news(bench);
    want(bench);
    assert_int_equal(bench->last.now_serving, 150);
}

static void started_while_all_is_down(void **state) {
    struct bench *bench = *state;
    bench->fails_at_once = bench->has_copy = true;
    want(bench);
    pass(bench, ROOMS_PATIENCE_MS);
    assert_int_equal(bench->recalled, 1);
    assert_int_equal(bench->shown, 1);
    assert_true(bench->stale);
    assert_true(bench->age_us >= 60 * second_us);
    assert_int_equal(bench->last.last_number, 900);
    want(bench);
    assert_int_equal(bench->shown, 2);
    assert_int_equal(bench->recalled, 1);
    bench->room.epoch = 1; /* whoever comes up is believed, if it does not go back */
    bench->room.now_serving = 101;
    bench->room.epoch = 6;
    news(bench);
    want(bench);
    assert_false(bench->stale);
}

static void copies_are_kept_now_and_then(void **state) {
    struct bench *bench = *state;
    for (unsigned s = 0; s < 30; s++) {
        bench->room.last_number++;
        news(bench);
        pass(bench, 1000);
    }
    assert_in_range(bench->kept, 3, 4);
    pass(bench, ROOMS_KEEP_MS);
    unsigned kept = bench->kept;
    news(bench);
    pass(bench, ROOMS_KEEP_MS);
    assert_in_range(bench->kept, kept, kept + 1);
}

static void rooms_nobody_wants_or_tells_of_are_forgotten(void **state) {
    struct bench *bench = *state;
    news(bench);
    pass(bench, ROOMS_IDLE_MS - 1000);
    assert_int_equal(rooms_count(bench->rooms), 1);
    news(bench);
    pass(bench, ROOMS_IDLE_MS - 1000);
    assert_int_equal(rooms_count(bench->rooms), 1);
    pass(bench, 1000);
    assert_int_equal(rooms_count(bench->rooms), 0);
    want(bench);
    pass(bench, ROOMS_PATIENCE_MS);
    pass(bench, ROOMS_IDLE_MS);
    assert_int_equal(rooms_count(bench->rooms), 1); /* the database has to answer first */
    rooms_unread(bench->rooms, EVENT, bench->now_us);
    pass(bench, 100);
    assert_int_equal(rooms_count(bench->rooms), 0);
}

static void who_still_waits_at_the_end_is_told(void **state) {
    struct bench *bench = *state;
    want(bench);
    give_stored(bench);
    want(bench);
    rooms_destroy(bench->rooms);
    bench->rooms = NULL;
    assert_int_equal(bench->refused, 2);
}

static void strangers_news_are_refused(void **state) {
    struct bench *bench = *state;
    assert_int_not_equal(rooms_news(bench->rooms, "junk", 4, bench->now_us), STATUS_OK);
    assert_int_equal(rooms_count(bench->rooms), 0);
}

/* --- what is told */

static void answers_are_made_once_for_all(void **state) {
    struct bench *bench = *state;
    struct room_view view;
    news(bench);
    assert_true(rooms_find(bench->rooms, EVENT, bench->now_us, &view));
    const struct body *body = queue_json_whole(&view, bench->now_us, bench->wall_us);
    char etag[BODY_ETAG_SIZE];
    memcpy(etag, body->etag, sizeof etag);
    bench->now_us += second_us / 2;
    news(bench);
    assert_true(rooms_find(bench->rooms, EVENT, bench->now_us, &view));
    assert_ptr_equal(queue_json_whole(&view, bench->now_us, bench->wall_us), body);
    bench->now_us += second_us; /* made again, for updatedAt, which is not in the ETag */
    want(bench);
    assert_string_equal(bench->etag, etag);
    bench->room.now_serving++;
    news(bench);
    want(bench);
    assert_string_not_equal(bench->etag, etag);
    assert_int_equal(json_number(bench, "nowServing"), 101);
}

int main(void) {
#define BENCH_TEST(function) cmocka_unit_test_setup_teardown(function, make_bench, free_bench)
    const struct CMUnitTest tests[] = {
        BENCH_TEST(what_an_owner_tells_is_shown_at_once),
        BENCH_TEST(who_wants_an_unknown_room_makes_its_owner_tell),
        BENCH_TEST(a_silent_owner_is_waited_for_only_once),
        BENCH_TEST(nobody_answers),
        BENCH_TEST(a_database_that_hangs_holds_nobody_up),
        BENCH_TEST(a_new_owner_does_not_know_yet_how_many_joined),
        BENCH_TEST(news_that_go_back_are_dropped),
        BENCH_TEST(only_what_people_and_joins_look_at_is_a_change),
        BENCH_TEST(rooms_apart),
        BENCH_TEST(doors_open_by_the_clock),
        BENCH_TEST(times_that_move_move_the_phase),
        BENCH_TEST(a_room_that_is_off_is_read_and_nobody_waits),
        BENCH_TEST(what_the_database_says_does_not_undo_news),
        BENCH_TEST(ten_minutes_of_outage),
        BENCH_TEST(doors_open_by_the_clock_while_nobody_is_heard),
        BENCH_TEST(owners_away_the_database_is_asked_each_second),
        BENCH_TEST(started_while_all_is_down),
        BENCH_TEST(copies_are_kept_now_and_then),
        BENCH_TEST(rooms_nobody_wants_or_tells_of_are_forgotten),
        BENCH_TEST(who_still_waits_at_the_end_is_told),
        BENCH_TEST(strangers_news_are_refused),
        BENCH_TEST(answers_are_made_once_for_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
