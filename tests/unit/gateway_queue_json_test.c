/* What people are told of a queue, and where somebody stands in it. */
#include "gateway/queue_json.h"
#include "tests/support/expect.h"

static const int64_t ten_us = INT64_C(1800007200) * 1000000; /* 2027-01-15T10:00:00Z */

/* 1 … 800 and 5001 …; what is between was lost. */
static struct room_state make_room(void) {
    static const struct room_span spans[] = {{.first_number = 1, .first_sequence = 1},
                                             {.first_number = 5001, .first_sequence = 801}};
    struct room_state room = {.now_serving = 100,
                              .issued_to = 6000,
                              .last_number = 5100,
                              .admits_per_hour = 36000,
                              .joins_per_minute = 70,
                              .oldest_wait_seconds = 300,
                              .called = 2,
                              .passes = 3,
                              .claimed = 80,
                              .missed = 9,
                              .left = 6,
                              .bought = 50};
    for (size_t i = 0; i < ARRAY_LEN(spans); i++) {
        ensure(room_line_add(&room.line, &spans[i]) == STATUS_OK);
    }
    return room;
}

static void expect_text(struct text *text, const char *wanted) {
    text_add(text, "", 1);
    assert_string_equal(text->data, wanted);
    text_free(text);
}

static void the_whole_of_an_answer(void **state) {
    (void)state;
    struct text text = {0};
    struct room_state room = make_room();
    const struct room_view view = {.state = &room, .phase = ROOM_OPEN};
    room.admits_per_hour = 601; /* rounded up: somebody is admitted */
    queue_json_put(&text, &view, ten_us);
    expect_text(&text, "\"phase\":\"OPEN\",\"nowServing\":100,\"lastNumber\":5100,\"depth\":800,"
                       "\"admitsPerMinute\":11,\"skips\":[{\"from\":801,\"to\":5000}],"
                       "\"updatedAt\":\"2027-01-15T10:00:00.000Z\"");
}

static void a_room_that_is_off_is_told_with_zeros(void **state) {
    (void)state;
    static const char zeros[] = "{\"phase\":\"OFF\",\"nowServing\":0,\"lastNumber\":0,\"depth\":0,"
                                "\"admitsPerMinute\":0,\"skips\":[],"
                                "\"updatedAt\":\"2027-01-15T10:00:00.000Z\"}";
    struct room_state room = make_room();
    struct room_answer answer = {.body = NULL};
    const struct room_view view = {.state = &room, .phase = ROOM_OFF, .answer = &answer};
    struct body *off = queue_json_off(ten_us);
    const struct body *whole = queue_json_whole(&view, 1, ten_us);
    assert_non_null(off);
    assert_non_null(whole);
    assert_int_equal(off->size_bytes, sizeof zeros - 1);
    assert_memory_equal(off->data, zeros, sizeof zeros - 1);
    assert_memory_equal(whole->data, zeros, sizeof zeros - 1);
    assert_string_equal(off->etag, whole->etag);
    body_release(off);
    body_release(answer.body);
}

static void an_operators_figures(void **state) {
    (void)state;
    struct text text = {0};
    struct room_state room = make_room();
    const struct room_view view = {.state = &room, .phase = ROOM_PAUSED};
    queue_json_put_stats(&text, &view);
    expect_text(&text, "{\"phase\":\"PAUSED\",\"depth\":800,\"nowServing\":100,\"lastNumber\":5100,"
                       "\"joinsPerMinute\":70,\"admitsPerMinute\":600,\"shoppers\":5,\"turns\":2,"
                       "\"passes\":3,\"claimed\":80,\"missed\":9,\"left\":6,\"bought\":50,"
                       "\"oldestWaitingSeconds\":300}");
}

static void expect_place(const struct room_view *view, uint64_t number, const char *wanted) {
    struct text text = {0};
    queue_json_put_place(&text, view, number);
    expect_text(&text, wanted);
}

static void where_somebody_stands(void **state) {
    (void)state;
    struct room_state room = make_room();
    struct room_view view = {.state = &room, .phase = ROOM_OPEN};
    expect_place(&view, 100, "\"position\":0,\"etaSeconds\":0"); /* has been called */
    expect_place(&view, 101, "\"position\":0,\"etaSeconds\":0"); /* is next */
    expect_place(&view, 701, "\"position\":600,\"etaSeconds\":60");
    expect_place(&view, 702, "\"position\":601,\"etaSeconds\":61");
    expect_place(&view, 900, "\"position\":700,\"etaSeconds\":70"); /* in a gap */
    expect_place(&view, 5001, "\"position\":700,\"etaSeconds\":70");
    view.phase = ROOM_PAUSED; /* the door is shut */
    expect_place(&view, 701, "\"position\":600,\"etaSeconds\":null");
    expect_place(&view, 100, "\"position\":0,\"etaSeconds\":0");
    view.phase = ROOM_OPEN;
    room.admits_per_hour = 0; /* not known yet */
    expect_place(&view, 701, "\"position\":600,\"etaSeconds\":null");
    room.admits_per_hour = 7; /* one in a long while */
    expect_place(&view, 102, "\"position\":1,\"etaSeconds\":515");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_whole_of_an_answer),
        cmocka_unit_test(a_room_that_is_off_is_told_with_zeros),
        cmocka_unit_test(an_operators_figures),
        cmocka_unit_test(where_somebody_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
