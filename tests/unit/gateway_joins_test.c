/* The gateway's joins: every course that an acknowledgement can take, in any order. */
#include "tests/support/expect.h"
#include "tests/unit/joins_fixture.h"

#include <stdio.h>
#include <stdlib.h>

static void a_number_is_told_after_a_look(void **state) {
    struct bench *bench = *state;
    char subject[ROOM_SUBJECT_SIZE];
    join(bench, 0);
    assert_int_equal(bench->published, 1);
    room_subject(subject, &bench->installation, EVENT, &bench->people[0].user);
    assert_string_equal(bench->publishes[0].subject, subject);
    assert_string_equal(bench->publishes[0].payload, "0");
    assert_int_equal(bench->publishes[0].expected, 0);
    acknowledge(bench, JETSTREAM_DONE, 41);
    assert_int_equal(bench->looked, 1);
    expect_waiting(bench, 0);
    show_stream(bench, JETSTREAM_DONE, CREATED);
    expect_told(bench, 0, JOIN_NEW, 41);
    assert_int_equal(bench->people[0].place.span, 0);
    assert_int_equal(joins_under_way(bench->joins), 0);
}

static void a_look_covers_what_came_before_it(void **state) {
    struct bench *bench = *state;
    for (size_t i = 0; i < 4; i++) {
        join(bench, i);
    }
    acknowledge(bench, JETSTREAM_DONE, 1);
    for (uint64_t sequence = 2; sequence <= 4; sequence++) {
        acknowledge(bench, JETSTREAM_DONE, sequence);
    }
    assert_int_equal(bench->looked, 1);
    show_stream(bench, JETSTREAM_DONE, CREATED);
    expect_told(bench, 0, JOIN_NEW, 1);
    expect_waiting(bench, 1);
    assert_int_equal(bench->looked, 2);
    show_stream(bench, JETSTREAM_DONE, CREATED);
    for (size_t i = 1; i < 4; i++) {
        expect_told(bench, i, JOIN_NEW, i + 1);
    }
    assert_int_equal(bench->looked, 2);
}

static void nothing_is_published_to_a_run_that_is_not_vouched_for(void **state) {
    struct bench *bench = *state;
    bench->state.created[0] = '\0';
    bench->state.line.count = 0;
    join(bench, 0);
    assert_int_equal(bench->published, 0);
    (void)snprintf(bench->state.created, sizeof bench->state.created, CREATED);
    bench->state.line.count = 1;
    (void)snprintf(bench->server_id, sizeof bench->server_id, "NRUN2");
    change_room(bench);
    tick(bench);
    assert_int_equal(bench->published, 0);
    (void)snprintf(bench->state.server_id, sizeof bench->state.server_id, "NRUN2");
    lose_connection(bench);
    change_room(bench);
    assert_int_equal(bench->published, 0);
    reconnect(bench);
    assert_int_equal(bench->published, 1);
}

static void with_replicas_any_run_will_do(void **state) {
    struct bench *bench = *state;
    bench->state.server_id[0] = '\0';
    join(bench, 0);
    assert_int_equal(bench->published, 1);
}

static void an_unknown_room_is_wanted_once(void **state) {
    struct bench *bench = *state;
    bench->found = false;
    join(bench, 0);
    join(bench, 1);
    assert_non_null(bench->waiter);
    assert_int_equal(bench->published, 0);
    const struct room_view view = {.state = &bench->state, .phase = ROOM_OPEN};
    bench->found = true;
    bench->waiter(bench->waiter_context, &view);
    bench->waiter = NULL;
    assert_int_equal(bench->published, 2);
}

static void of_a_room_that_nobody_knows_nothing_is_known(void **state) {
    struct bench *bench = *state;
    bench->found = false;
    join(bench, 0);
    bench->waiter(bench->waiter_context, NULL);
    bench->waiter = NULL;
    expect_told(bench, 0, JOIN_UNAVAILABLE, 0);
}

static void a_shut_room_takes_nobody(void **state) {
    struct bench *bench = *state;
    bench->phase = ROOM_CLOSED;
    join(bench, 0);
    expect_told(bench, 0, JOIN_CLOSED, 0);
    assert_int_equal(bench->published, 0);
}

static void a_room_that_shuts_issues_no_more(void **state) {
    struct bench *bench = *state;
    join(bench, 0);
    join(bench, 1);
    acknowledge(bench, JETSTREAM_DONE, 1000);
    show_stream(bench, JETSTREAM_DONE, CREATED);
    expect_told(bench, 0, JOIN_NEW, 1000);
    acknowledge(bench, JETSTREAM_DONE, 1001);
    show_stream(bench, JETSTREAM_DONE, CREATED);
    expect_waiting(bench, 1);
    bench->phase = ROOM_CLOSED;
    change_room(bench);
    expect_told(bench, 1, JOIN_CLOSED, 0);
}

static void numbers_wait_until_they_are_issued(void **state) {
    struct bench *bench = *state;
    bench->state.issued_to = 0;
    join(bench, 0);
    join(bench, 1);
    acknowledge(bench, JETSTREAM_DONE, 2);
    acknowledge(bench, JETSTREAM_DONE, 1);
    show_stream(bench, JETSTREAM_DONE, CREATED);
    show_stream(bench, JETSTREAM_DONE, CREATED);
    expect_waiting(bench, 0);
    assert_int_equal(bench->commanded, 1);
    assert_int_equal(bench->commands[0].command.kind, COMMAND_ROOM_ISSUE);
    assert_int_equal(bench->commands[0].command.queue_number, 2);
    bench->state.issued_to = 1;
    change_room(bench);
    expect_waiting(bench, 0);
    expect_told(bench, 1, JOIN_NEW, 1);
    reply(bench, 0, COMMAND_ANSWERED, REPLY_OK, TURN_NONE);
    change_room(bench);
    assert_int_equal(bench->commanded, 1); /* the news are on their way */
    tick(bench);
    assert_int_equal(bench->commanded, 2);
    reply(bench, 1, COMMAND_ANSWERED, REPLY_OK, TURN_NONE);
    bench->state.issued_to = 1002;
    change_room(bench);
    expect_told(bench, 0, JOIN_NEW, 2);
    assert_int_equal(bench->commanded, 2);
}

/* Who was in before is not kept by those whose numbers wait, and comes between them in no order. */
static void old_numbers_do_not_wait_behind_new_ones(void **state) {
    static const uint64_t sequences[] = {1005, 1002, 700, 1003, 20, 300};
    struct bench *bench = *state;
    for (size_t i = 0; i < ARRAY_LEN(sequences); i++) {
        join(bench, i);
        bool old = sequences[i] <= 1000;
        acknowledge(bench, old ? JETSTREAM_CONFLICT : JETSTREAM_DONE, sequences[i]);
    }
    show_stream(bench, JETSTREAM_DONE, CREATED);
    show_stream(bench, JETSTREAM_DONE, CREATED);
    assert_int_equal(bench->commanded, 4); /* for more numbers, and about each of the old */
    bench->state.issued_to = 1003;
    change_room(bench);
    expect_waiting(bench, 0);
    expect_told(bench, 1, JOIN_NEW, 1002);
    expect_told(bench, 3, JOIN_NEW, 1003);
    for (size_t i = 0; i < bench->commanded; i++) {
        reply(bench, i, COMMAND_ANSWERED, REPLY_OK, TURN_NONE);
    }
    expect_told(bench, 2, JOIN_KNOWN, 700);
    expect_told(bench, 4, JOIN_KNOWN, 20);
    expect_told(bench, 5, JOIN_KNOWN, 300);
}

static void more_numbers_are_asked_for_in_time(void **state) {
    struct bench *bench = *state;
    join(bench, 0);
    acknowledge(bench, JETSTREAM_DONE, 1000 - JOINS_ISSUE_AHEAD);
    show_stream(bench, JETSTREAM_DONE, CREATED);
    expect_told(bench, 0, JOIN_NEW, 1000 - JOINS_ISSUE_AHEAD);
    assert_int_equal(bench->commanded, 0);
    join(bench, 1);
    acknowledge(bench, JETSTREAM_DONE, 1001 - JOINS_ISSUE_AHEAD);
    show_stream(bench, JETSTREAM_DONE, CREATED);
    expect_told(bench, 1, JOIN_NEW, 1001 - JOINS_ISSUE_AHEAD);
    assert_int_equal(bench->commanded, 1);
}

/* Somebody's second request finds sequence 5 of before; returns the command that asks for it. */
static const struct command *join_again(struct bench *bench) {
    join(bench, 0);
    acknowledge(bench, JETSTREAM_CONFLICT, 5);
    assert_int_equal(bench->commanded, 0);
    show_stream(bench, JETSTREAM_DONE, CREATED);
    assert_int_equal(bench->commanded, 1);
    return &bench->commands[0].command;
}

static void who_is_in_keeps_the_number(void **state) {
    struct bench *bench = *state;
    const struct command *command = join_again(bench);
    assert_int_equal(command->kind, COMMAND_ROOM_LOOK);
    assert_int_equal(command->queue_number, 5);
    assert_memory_equal(&command->user, &bench->people[0].user, sizeof command->user);
    expect_waiting(bench, 0);
    reply(bench, 0, COMMAND_ANSWERED, REPLY_OK, TURN_CALLED);
    expect_told(bench, 0, JOIN_KNOWN, 5);
}

static void whose_turn_has_ended_gets_a_new_number(void **state) {
    struct bench *bench = *state;
    (void)join_again(bench);
    reply(bench, 0, COMMAND_ANSWERED, REPLY_OK, TURN_MISSED);
    assert_int_equal(bench->published, 2);
    assert_int_equal(bench->publishes[1].expected, 5);
    acknowledge(bench, JETSTREAM_DONE, 77);
    show_stream(bench, JETSTREAM_DONE, CREATED);
    expect_told(bench, 0, JOIN_NEW, 77);
}

static void two_who_rejoin_as_one_get_one_number(void **state) {
    struct bench *bench = *state;
    (void)join_again(bench);
    reply(bench, 0, COMMAND_ANSWERED, REPLY_OK, TURN_LEFT);
    acknowledge(bench, JETSTREAM_CONFLICT, 77);
    show_stream(bench, JETSTREAM_DONE, CREATED);
    assert_int_equal(bench->commands[1].command.queue_number, 77);
    reply(bench, 1, COMMAND_ANSWERED, REPLY_OK, TURN_NONE);
    expect_told(bench, 0, JOIN_KNOWN, 77);
}

static void a_number_given_to_an_account_is_no_guests_any_more(void **state) {
    struct bench *bench = *state;
    (void)join_again(bench);
    reply(bench, 0, COMMAND_ANSWERED, REPLY_BAD_NUMBER, TURN_NONE);
    assert_int_equal(bench->publishes[1].expected, 5);
}

static void what_was_expected_may_be_gone(void **state) {
    struct bench *bench = *state;
    (void)join_again(bench);
    reply(bench, 0, COMMAND_ANSWERED, REPLY_OK, TURN_OVER);
    acknowledge(bench, JETSTREAM_CONFLICT, 0);
    assert_int_equal(bench->published, 3);
    assert_int_equal(bench->publishes[2].expected, 0);
}

static void conflicts_without_end_end(void **state) {
    struct bench *bench = *state;
    join(bench, 0);
    for (int i = 0; i <= JOIN_CONFLICTS_MAX; i++) {
        expect_waiting(bench, 0);
        acknowledge(bench, JETSTREAM_CONFLICT, 0);
    }
    expect_told(bench, 0, JOIN_UNAVAILABLE, 0);
}

static void without_the_owner_nobody_knows(void **state) {
    struct bench *bench = *state;
    (void)join_again(bench);
    reply(bench, 0, COMMAND_OUTCOME_UNKNOWN, REPLY_OK, TURN_NONE);
    expect_told(bench, 0, JOIN_UNAVAILABLE, 0);
}

static void an_owner_who_has_too_much_says_so(void **state) {
    struct bench *bench = *state;
    (void)join_again(bench);
    reply(bench, 0, COMMAND_ANSWERED, REPLY_OVERLOADED, TURN_NONE);
    expect_told(bench, 0, JOIN_OVERLOADED, 0);
}

static void another_stream_gives_no_numbers(void **state) {
    struct bench *bench = *state;
    join(bench, 0);
    acknowledge(bench, JETSTREAM_DONE, 5);
    show_stream(bench, JETSTREAM_DONE, CREATED_LATER);
    expect_waiting(bench, 0);
    assert_int_equal(bench->published, 1); /* not before it is vouched for */
    tick(bench);
    show_stream(bench, JETSTREAM_DONE, CREATED_LATER);
    assert_int_equal(bench->published, 1);
    (void)snprintf(bench->state.created, sizeof bench->state.created, CREATED_LATER);
    bench->state.line.spans[1] = (struct room_span){1001, 1, 1};
    bench->state.line.count = 2;
    bench->state.issued_to = 2000;
    change_room(bench);
    reply(bench, 0, COMMAND_ANSWERED, REPLY_OK, TURN_NONE);
    assert_int_equal(bench->published, 1);
    tick(bench);
    show_stream(bench, JETSTREAM_DONE, CREATED_LATER);
    assert_int_equal(bench->published, 2);
    assert_string_equal(bench->publishes[1].payload, "1");
    acknowledge(bench, JETSTREAM_DONE, 1);
    show_stream(bench, JETSTREAM_DONE, CREATED_LATER);
    expect_told(bench, 0, JOIN_NEW, 1001);
    assert_int_equal(bench->people[0].place.span, 1);
}

/* --- attending */

/* Expects that the owner is told so with this command, and has it agree. */
static void expect_attended(struct bench *bench, size_t command, uint32_t span, uint64_t answered) {
    assert_int_equal(bench->commanded, command + 1);
    assert_int_equal(bench->commands[command].command.kind, COMMAND_ROOM_ISSUE);
    assert_int_equal(bench->commands[command].command.span, span);
    assert_int_equal(bench->commands[command].command.answered, answered);
    reply(bench, command, COMMAND_ANSWERED, REPLY_OK, TURN_NONE);
}

static void answer_one(struct bench *bench, size_t person, uint64_t sequence) {
    join(bench, person);
    acknowledge(bench, JETSTREAM_DONE, sequence);
    show_stream(bench, JETSTREAM_DONE, CREATED);
}

/* NATS starts anew and has lost nothing: the newest span begins at `first_sequence`. */
static void begin_span(struct bench *bench, uint64_t first_sequence) {
    lose_connection(bench);
    (void)snprintf(bench->state.server_id, sizeof bench->state.server_id, "NRUN2");
    (void)snprintf(bench->server_id, sizeof bench->server_id, "NRUN2");
    bench->state.line.spans[1] = (struct room_span){1001, first_sequence, 0};
    bench->state.line.count = 2;
    bench->state.issued_to = 2000;
    bench->connected = true;
    change_room(bench);
}

static void nothing_is_told_before_the_owner_knows_us(void **state) {
    struct bench *bench = *state;
    change_room(bench);
    assert_int_equal(bench->commanded, 0); /* nobody has joined */
    answer_one(bench, 0, 41);
    expect_waiting(bench, 0);
    assert_int_equal(bench->commanded, 1);
    reply(bench, 0, COMMAND_ANSWERED, REPLY_CONFLICT, TURN_NONE);
    change_room(bench);
    assert_int_equal(bench->commanded, 1);
    tick(bench);
    expect_waiting(bench, 0);
    expect_attended(bench, 1, 0, 0);
    expect_told(bench, 0, JOIN_NEW, 41);
}

static void a_span_is_attended_to_when_it_is_heard_of(void **state) {
    struct bench *bench = *state;
    answer_one(bench, 0, 41);
    answer_one(bench, 1, 40);
    for (int i = 0; i < 3; i++) {
        tick(bench);
    }
    assert_int_equal(bench->commanded, 0);
    begin_span(bench, 42);
    answer_one(bench, 2, 42);
    expect_waiting(bench, 2);
    reply(bench, 0, COMMAND_OUTCOME_UNKNOWN, REPLY_OK, TURN_NONE);
    tick(bench);
    expect_waiting(bench, 2);
    expect_attended(bench, 1, 1, 41);
    expect_told(bench, 2, JOIN_NEW, 1001);
    tick(bench);
    assert_int_equal(bench->commanded, 2);
}

/* The owner said that it lives when NATS had just lost it. */
static void who_was_asked_for_in_an_older_span_is_not_told(void **state) {
    struct bench *bench = *state;
    join(bench, 0);
    acknowledge(bench, JETSTREAM_CONFLICT, 5);
    show_stream(bench, JETSTREAM_DONE, CREATED);
    assert_int_equal(bench->commands[0].command.kind, COMMAND_ROOM_LOOK);
    begin_span(bench, 5);
    expect_attended(bench, 1, 1, 0);
    reply(bench, 0, COMMAND_ANSWERED, REPLY_OK, TURN_NONE);
    expect_waiting(bench, 0);
    acknowledge(bench, JETSTREAM_DONE, 5);
    show_stream(bench, JETSTREAM_DONE, CREATED);
    expect_told(bench, 0, JOIN_NEW, 1001);
}

/* As an old copy of the news may tell it. */
static void an_older_span_is_never_attended_to_again(void **state) {
    struct bench *bench = *state;
    begin_span(bench, 42);
    expect_attended(bench, 0, 1, 0);
    bench->state.line.count = 1;
    answer_one(bench, 0, 41);
    tick(bench);
    expect_waiting(bench, 0);
    assert_int_equal(bench->commanded, 1);
}

/* Stored in the old stream, which is deleted; the next one is vouched for before the look. */
static void a_sequence_of_an_old_stream_counts_not_in_the_new(void **state) {
    struct bench *bench = *state;
    join(bench, 0);
    acknowledge(bench, JETSTREAM_DONE, 5);
    (void)snprintf(bench->state.created, sizeof bench->state.created, CREATED_LATER);
    bench->state.line.spans[1] = (struct room_span){1001, 1, 1};
    bench->state.line.count = 2;
    bench->state.issued_to = 2000;
    change_room(bench);
    show_stream(bench, JETSTREAM_DONE, CREATED_LATER);
    expect_waiting(bench, 0);
    assert_int_equal(bench->published, 2);
}

/* Its number was not issued when the owner began another span, which may begin with it. */
static void a_number_that_waits_when_a_span_begins_is_not_told(void **state) {
    struct bench *bench = *state;
    join(bench, 0);
    acknowledge(bench, JETSTREAM_DONE, 1001);
    show_stream(bench, JETSTREAM_DONE, CREATED);
    expect_waiting(bench, 0);
    lose_connection(bench);
    (void)snprintf(bench->state.server_id, sizeof bench->state.server_id, "NRUN2");
    (void)snprintf(bench->server_id, sizeof bench->server_id, "NRUN2");
    bench->state.line.spans[1] = (struct room_span){1001, 990, 0};
    bench->state.line.count = 2;
    bench->state.issued_to = 2000;
    reconnect(bench);
    expect_waiting(bench, 0);
    reply(bench, 0, COMMAND_ANSWERED, REPLY_OK, TURN_NONE); /* more numbers, of the old span */
    reply(bench, 1, COMMAND_ANSWERED, REPLY_OK, TURN_NONE);
    assert_int_equal(bench->published, 2);
    acknowledge(bench, JETSTREAM_DONE, 990);
    show_stream(bench, JETSTREAM_DONE, CREATED);
    expect_told(bench, 0, JOIN_NEW, 1001);
}

static void an_acknowledgement_counts_not_past_its_connection(void **state) {
    struct bench *bench = *state;
    join(bench, 0);
    join(bench, 1);
    join(bench, 2);
    acknowledge(bench, JETSTREAM_DONE, 1); /* looked for */
    acknowledge(bench, JETSTREAM_DONE, 2); /* waits for the next look */
    lose_connection(bench);
    reconnect(bench);
    show_stream(bench, JETSTREAM_LOST, "");
    acknowledge(bench, JETSTREAM_LOST, 0);
    tick(bench);
    for (size_t i = 0; i < 3; i++) {
        expect_waiting(bench, i);
    }
    assert_int_equal(bench->published, 6);
}

static void who_is_asked_to_come_again_looks_first(void **state) {
    static const enum jetstream_outcome outcomes[] = {JETSTREAM_BUSY, JETSTREAM_NO_STREAM};
    struct bench *bench = *state;
    join(bench, 0);
    for (size_t i = 0; i < ARRAY_LEN(outcomes); i++) {
        acknowledge(bench, outcomes[i], 0);
        assert_int_equal(bench->published, i + 1);
        tick(bench);
        show_stream(bench, outcomes[i], "");
        tick(bench);
        assert_int_equal(bench->published, i + 1);
        show_stream(bench, JETSTREAM_DONE, CREATED);
        assert_int_equal(bench->published, i + 2);
    }
}

static void a_look_that_fails_is_repeated(void **state) {
    static const enum jetstream_outcome outcomes[] = {JETSTREAM_BUSY, JETSTREAM_SILENT,
                                                      JETSTREAM_REFUSED};
    struct bench *bench = *state;
    join(bench, 0);
    acknowledge(bench, JETSTREAM_DONE, 1);
    for (size_t i = 0; i < ARRAY_LEN(outcomes); i++) {
        assert_int_equal(bench->looked, i + 1);
        show_stream(bench, outcomes[i], "");
        tick(bench);
    }
    show_stream(bench, JETSTREAM_DONE, CREATED);
    expect_told(bench, 0, JOIN_NEW, 1);
}

static void a_stream_that_is_gone_loses_what_was_in_it(void **state) {
    struct bench *bench = *state;
    join(bench, 0);
    acknowledge(bench, JETSTREAM_DONE, 1);
    show_stream(bench, JETSTREAM_NO_STREAM, "");
    tick(bench);
    show_stream(bench, JETSTREAM_DONE, CREATED);
    expect_waiting(bench, 0);
    assert_int_equal(bench->published, 2);
}

static void other_answers_leave_it_open(void **state) {
    struct bench *bench = *state;
    join(bench, 0);
    join(bench, 1);
    acknowledge(bench, JETSTREAM_SILENT, 0);
    acknowledge(bench, JETSTREAM_REFUSED, 0);
    expect_told(bench, 0, JOIN_UNAVAILABLE, 0);
    expect_told(bench, 1, JOIN_UNAVAILABLE, 0);
}

static void nobody_waits_longer_than_the_limit(void **state) {
    struct bench *bench = *state;
    join(bench, 0);
    join(bench, 1);
    acknowledge(bench, JETSTREAM_DONE, 2000);
    show_stream(bench, JETSTREAM_DONE, CREATED);
    for (int i = 0; i < JOIN_WAIT_MS * 1000 / TICK_US - 1; i++) {
        tick(bench);
    }
    expect_waiting(bench, 0);
    expect_waiting(bench, 1);
    tick(bench);
    expect_told(bench, 0, JOIN_UNAVAILABLE, 0);
    expect_told(bench, 1, JOIN_UNAVAILABLE, 0);
    assert_int_equal(joins_under_way(bench->joins), 1); /* its acknowledgement may come */
    acknowledge(bench, JETSTREAM_DONE, 3);
    assert_int_equal(joins_under_way(bench->joins), 0);
    expect_told(bench, 1, JOIN_UNAVAILABLE, 0);
}

static void what_jetstream_has_no_room_for_is_refused(void **state) {
    struct bench *bench = *state;
    bench->refuses = true;
    join(bench, 0);
    expect_told(bench, 0, JOIN_OVERLOADED, 0);
}

static void only_so_many_are_under_way(void **state) {
    struct bench *bench = *state;
    struct person *crowd = calloc(JOINS_MAX, sizeof *crowd);
    ensure(crowd != NULL);
    for (size_t i = 0; i < JOINS_MAX; i++) {
        assert_int_equal(
            joins_submit(bench->joins, EVENT, &crowd[i].user, bench->now_us, on_joined, &crowd[i]),
            STATUS_OK);
    }
    assert_int_equal(bench->published, JOINS_OPEN_MAX);
    assert_int_equal(
        joins_submit(bench->joins, EVENT, &crowd[0].user, bench->now_us, on_joined, &crowd[0]),
        STATUS_LIMIT);
    bench->now_us += (int64_t)JOIN_WAIT_MS * 1000;
    joins_tick(bench->joins, bench->now_us);
    for (size_t i = 0; i < JOINS_MAX; i++) {
        assert_int_equal(crowd[i].answers, 1);
    }
    assert_int_equal(joins_under_way(bench->joins), JOINS_OPEN_MAX);
    free(crowd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_bench, free_bench)
        TEST(a_number_is_told_after_a_look),
        TEST(a_look_covers_what_came_before_it),
        TEST(nothing_is_published_to_a_run_that_is_not_vouched_for),
        TEST(with_replicas_any_run_will_do),
        TEST(an_unknown_room_is_wanted_once),
        TEST(of_a_room_that_nobody_knows_nothing_is_known),
        TEST(a_shut_room_takes_nobody),
        TEST(a_room_that_shuts_issues_no_more),
        TEST(numbers_wait_until_they_are_issued),
        TEST(old_numbers_do_not_wait_behind_new_ones),
        TEST(more_numbers_are_asked_for_in_time),
        TEST(who_is_in_keeps_the_number),
        TEST(whose_turn_has_ended_gets_a_new_number),
        TEST(two_who_rejoin_as_one_get_one_number),
        TEST(a_number_given_to_an_account_is_no_guests_any_more),
        TEST(what_was_expected_may_be_gone),
        TEST(conflicts_without_end_end),
        TEST(without_the_owner_nobody_knows),
        TEST(an_owner_who_has_too_much_says_so),
        TEST(another_stream_gives_no_numbers),
        TEST(a_sequence_of_an_old_stream_counts_not_in_the_new),
        TEST(a_number_that_waits_when_a_span_begins_is_not_told),
        TEST(an_acknowledgement_counts_not_past_its_connection),
        TEST(who_is_asked_to_come_again_looks_first),
        TEST(a_look_that_fails_is_repeated),
        TEST(a_stream_that_is_gone_loses_what_was_in_it),
        TEST(other_answers_leave_it_open),
        TEST(nobody_waits_longer_than_the_limit),
        TEST(what_jetstream_has_no_room_for_is_refused),
        TEST(only_so_many_are_under_way),
        TEST(a_span_is_attended_to_when_it_is_heard_of),
        TEST(who_was_asked_for_in_an_older_span_is_not_told),
        TEST(an_older_span_is_never_attended_to_again),
#undef TEST
        cmocka_unit_test_setup_teardown(nothing_is_told_before_the_owner_knows_us, make_new_bench,
                                        free_bench),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
