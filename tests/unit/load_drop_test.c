/* A drop's people believe no answer that does not fit what they asked and what was answered before,
 * and do what people do about the others. */
#include "ops/benchmarks/drop_private.h"
#include "shared/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { PEOPLE = 3, SEATS = 8 };

static struct guest guests[PEOPLE] = {
    {.token = "t0", .user = "u0"}, {.token = "t1", .user = "u1"}, {.token = "t2", .user = "u2"}};
static char *const seats[SEATS] = {"A1", "A2", "A3", "A4", "A5", "A6", "A7", "A8"};

struct stage {
    struct drop_plan plan;
    struct drop_result *result;
    struct drop *drop;
};

static int set_up(void **state) {
    struct stage *stage = calloc(1, sizeof *stage);
    assert_non_null(stage);
    stage->result = calloc(1, sizeof *stage->result);
    stage->plan = (struct drop_plan){.event = 7,
                                     .guests = guests,
                                     .people = PEOPLE,
                                     .seats = seats,
                                     .seat_count = SEATS,
                                     .joining_ms = 1000,
                                     .answers = tmpfile()};
    assert_non_null(stage->plan.answers);
    stage->drop = drop_open(&stage->plan, stage->result, NULL);
    stage->drop->began_us = stage->drop->sale_us = clock_monotonic_us();
    *state = stage;
    return 0;
}

static int tear_down(void **state) {
    struct stage *stage = *state;
    drop_close(stage->drop);
    fclose(stage->plan.answers);
    free(stage->result);
    free(stage);
    return 0;
}

static struct person *person(const struct stage *stage, uint32_t index) {
    return &stage->drop->people[index];
}

/* What they have asked gets that answer. */
static void answer(struct stage *stage, uint32_t index, enum drop_act act, int status,
                   const char *body) {
    const struct answer answer = {.status = status, .body = body, .body_bytes = strlen(body)};
    person(stage, index)->act = (uint8_t)act;
    person(stage, index)->due_us = clock_monotonic_us();
    drop_take(stage->drop, person(stage, index), &answer);
}

static void join(struct stage *stage, uint32_t index, int number) {
    char body[128];
    (void)snprintf(body, sizeof body,
                   "{\"queueToken\":\"q\",\"number\":%d,\"phase\":\"OPEN\",\"position\":0}",
                   number);
    answer(stage, index, DROP_JOIN, 201, body);
}

static void see_room(struct stage *stage, uint32_t connection, int serving) {
    char body[128];
    (void)snprintf(body, sizeof body, "{\"phase\":\"OPEN\",\"nowServing\":%d,\"lastNumber\":9}",
                   serving);
    person(stage, PEOPLE)->connection = connection;
    answer(stage, PEOPLE, DROP_ROOM, 200, body);
}

/* They have a pass, and ask for the first seats there are. */
static void admit(struct stage *stage, uint32_t index) {
    join(stage, index, (int)index + 1);
    answer(stage, index, DROP_CLAIM, 200, "{\"pass\":\"p\",\"expiresAt\":\"soon\"}");
    struct purchase *purchase = person(stage, index)->purchase;
    assert_non_null(purchase);
    person(stage, index)->wanted = 2;
    purchase->seat_count = 2;
    purchase->seats[0] = 0;
    purchase->seats[1] = 1;
    (void)snprintf(purchase->key, sizeof purchase->key, "k");
}

static void reserve(struct stage *stage, uint32_t index, const char *status, const char *ids) {
    char body[128];
    (void)snprintf(body, sizeof body, "{\"bookingId\":\"7-%u\",\"status\":\"%s\",\"seatIds\":[%s]}",
                   index, status, ids);
    answer(stage, index, strcmp(status, "CONFIRMED") == 0 ? DROP_CONFIRM : DROP_RESERVE,
           strcmp(status, "CONFIRMED") == 0 ? 200 : 201, body);
}

static void a_number_is_one_persons(void **state) {
    struct stage *stage = *state;
    join(stage, 0, 5);
    assert_int_equal(stage->result->wrong, 0);
    assert_int_equal(stage->result->joined, 1);
    join(stage, 1, 5);
    assert_int_equal(stage->result->wrong, 1);
}

static void who_asks_later_is_behind(void **state) {
    struct stage *stage = *state;
    join(stage, 0, 5);
    join(stage, 1, 4); /* asked at the same time */
    assert_int_equal(stage->result->wrong, 0);
    person(stage, 2)->floor = stage->drop->highest;
    join(stage, 2, 3);
    assert_int_equal(stage->result->wrong, 1);
}

static void who_joins_twice_keeps_the_number(void **state) {
    static const char other[] =
        "{\"queueToken\":\"q\",\"number\":6,\"phase\":\"OPEN\",\"position\":0}";
    struct stage *stage = *state;
    join(stage, 0, 5);
    answer(stage, 0, DROP_JOIN_TWICE, 200, other);
    assert_int_equal(stage->result->wrong, 1);
}

static void the_door_goes_forward_on_every_connection(void **state) {
    struct stage *stage = *state;
    see_room(stage, 0, 5);
    see_room(stage, 1, 4); /* another gateway, which has heard of less */
    see_room(stage, 0, 5);
    assert_int_equal(stage->result->wrong, 0);
    see_room(stage, 0, 4);
    assert_int_equal(stage->result->wrong, 1);
}

static void nobody_is_admitted_before_the_sale(void **state) {
    struct stage *stage = *state;
    stage->drop->sale_us += INT64_C(3600) * 1000 * 1000;
    see_room(stage, 0, 0);
    assert_int_equal(stage->result->wrong, 0);
    see_room(stage, 0, 1);
    assert_int_equal(stage->result->wrong, 1);
}

static void who_waits_is_called_in_turn(void **state) {
    struct stage *stage = *state;
    join(stage, 0, 1);
    join(stage, 1, 2);
    see_room(stage, 0, 1);
    assert_false(person(stage, 0)->waiting);
    assert_int_equal(person(stage, 0)->act, DROP_CLAIM);
    assert_true(person(stage, 1)->waiting);
    assert_int_equal(stage->drop->shoppers, 1);
}

static void a_booking_is_what_was_asked_for(void **state) {
    struct stage *stage = *state;
    admit(stage, 0);
    reserve(stage, 0, "PENDING", "\"A1\",\"A2\"");
    assert_int_equal(stage->result->wrong, 0);
    admit(stage, 1);
    reserve(stage, 1, "PENDING", "\"A1\",\"A3\"");
    assert_int_equal(stage->result->wrong, 1);
    admit(stage, 2);
    reserve(stage, 2, "PENDING", "\"A1\"");
    assert_int_equal(stage->result->wrong, 2);
}

static void a_seat_is_sold_once(void **state) {
    struct stage *stage = *state;
    admit(stage, 0);
    admit(stage, 1);
    admit(stage, 2);
    reserve(stage, 1, "PENDING", "\"A1\",\"A2\"");
    reserve(stage, 0, "PENDING", "\"A1\",\"A2\"");
    reserve(stage, 0, "CONFIRMED", "\"A1\",\"A2\"");
    assert_int_equal(stage->result->wrong, 0);
    assert_int_equal(stage->result->seats_paid, 2);
    reserve(stage, 1, "CONFIRMED", "\"A1\",\"A2\"");
    assert_int_equal(stage->result->wrong, 1);
    reserve(stage, 2, "PENDING", "\"A1\",\"A2\"");
    assert_int_equal(stage->result->wrong, 2);
}

static void refusals_are_those_of_the_api(void **state) {
    static const struct {
        enum drop_act act;
        int status;
        const char *code;
        enum drop_outcome outcome;
    } cases[] = {
        {DROP_RESERVE, 409, "seat-taken", OUTCOME_TAKEN},
        {DROP_RESERVE, 409, "conflict", OUTCOME_WRONG},
        {DROP_RESERVE, 503, "outcome-unknown", OUTCOME_AGAIN},
        {DROP_RESERVE, 500, "internal", OUTCOME_WRONG},
        {DROP_CLAIM, 410, "turn-missed", OUTCOME_NO_TURN},
        {DROP_CLAIM, 410, "hold-expired", OUTCOME_WRONG},
        {DROP_CONFIRM, 410, "hold-expired", OUTCOME_OVER},
        {DROP_JOIN, 409, "room-closed", OUTCOME_WRONG},
        {DROP_LOOK, 204, "", OUTCOME_WRONG},
    };
    struct stage *stage = *state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_t *problem = json_pack("{s:s}", "code", cases[i].code);
        const struct answer answer = {.status = cases[i].status};
        person(stage, 0)->act = (uint8_t)cases[i].act;
        assert_int_equal(drop_judge(stage->drop, person(stage, 0), &answer, problem),
                         cases[i].outcome);
        json_decref(problem);
    }
}

static void what_is_answered_503_is_asked_again_under_its_key(void **state) {
    struct stage *stage = *state;
    admit(stage, 0);
    answer(stage, 0, DROP_RESERVE, 503, "{\"code\":\"outcome-unknown\"}");
    assert_int_equal(stage->result->wrong, 0);
    assert_int_equal(person(stage, 0)->act, DROP_RESERVE);
    assert_true(drop_person_prepare(stage->drop, person(stage, 0)));
    assert_string_equal(person(stage, 0)->purchase->key, "k");
    answer(stage, 0, DROP_RESERVE, 409, "{\"code\":\"seat-taken\",\"seatIds\":[\"A2\"]}");
    assert_memory_equal(stage->drop->map, "AHAAAAAA", SEATS);
    assert_true(drop_person_prepare(stage->drop, person(stage, 0)));
    assert_string_not_equal(person(stage, 0)->purchase->key, "k");
}

static void neighbours_are_chosen_where_there_are_some(void **state) {
    struct stage *stage = *state;
    struct purchase purchase = {0};
    memcpy(stage->drop->map, "HAAHAAAB", SEATS);
    for (int i = 0; i < 100; i++) {
        assert_true(drop_seats_choose(stage->drop, 3, &purchase));
        assert_int_equal(purchase.seat_count, 3);
        assert_int_equal(purchase.seats[0], 4);
        assert_true(drop_seats_choose(stage->drop, 4, &purchase));
        assert_int_equal(purchase.seat_count, 3);
        for (uint32_t k = 0; k < purchase.seat_count; k++)
            assert_int_equal(purchase.seats[k], 4 + k);
    }
    memset(stage->drop->map, 'B', SEATS);
    assert_false(drop_seats_choose(stage->drop, 1, &purchase));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_number_is_one_persons),
        TEST(who_asks_later_is_behind),
        TEST(who_joins_twice_keeps_the_number),
        TEST(the_door_goes_forward_on_every_connection),
        TEST(nobody_is_admitted_before_the_sale),
        TEST(who_waits_is_called_in_turn),
        TEST(a_booking_is_what_was_asked_for),
        TEST(a_seat_is_sold_once),
        TEST(refusals_are_those_of_the_api),
        TEST(what_is_answered_503_is_asked_again_under_its_key),
        TEST(neighbours_are_chosen_where_there_are_some),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
