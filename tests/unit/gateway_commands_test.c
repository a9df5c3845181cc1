/* The gateway's commands: addressed to owners and epochs, repeated, given up; time is moved by
 * hand. */
#include "gateway/commands.h"
#include "tests/support/expect.h"

#include <stdlib.h>

enum { OLD_OWNER = 11, NEW_OWNER = 22, FRAMES_MAX = 64, EVENT = 7 };
static const int64_t second_us = 1000000;

struct sent {
    uint64_t owner;
    uint32_t records;
    struct command first;
};

struct answer {
    unsigned calls;
    enum command_outcome outcome;
    struct reply reply;
};

struct bench {
    struct answer answers[3]; /* commands that end with the bench are answered, too */
    struct owners owners;
    struct commands *commands;
    int64_t now_us;
    struct sent sent[FRAMES_MAX];
    unsigned frames;
    unsigned wakes;
    bool bus_is_away;
};

static bool keep_frame(void *context, uint64_t owner, const void *data, size_t size_bytes) {
    struct bench *bench = context;
    struct wire_reader reader;
    uint64_t gateway = 0;
    if (bench->bus_is_away) {
        return false;
    }
    struct sent *sent = &bench->sent[bench->frames++];
    ensure(bench->frames < FRAMES_MAX);
    ensure(wire_commands_open(&reader, data, size_bytes, &gateway) == STATUS_OK);
    assert_int_equal(gateway, 99);
    *sent = (struct sent){.owner = owner, .records = reader.records_left};
    ensure(wire_commands_next(&reader, &sent->first));
    return true;
}

static void count_wake(void *context) {
    ((struct bench *)context)->wakes++;
}

static void keep_answer(void *context, enum command_outcome outcome, const struct reply *reply) {
    struct answer *answer = context;
    answer->calls++;
    answer->outcome = outcome;
    if (reply != NULL) {
        answer->reply = *reply;
    }
}

static void announce(struct bench *bench, uint64_t owner, uint32_t partition, uint64_t epoch) {
    struct wire_owners announced = {.instance = owner, .count = 1};
    announced.owners[0] = (struct wire_owner){.partition = partition, .epoch = epoch};
    commands_owners_changed(bench->commands,
                            owners_announced(&bench->owners, &announced, bench->now_us));
}

static int make_bench(void **state) {
    struct bench *bench = calloc(1, sizeof *bench);
    ensure(bench != NULL);
    bench->now_us = 1000 * second_us;
    const struct commands_config config = {.gateway_instance = 99,
                                           .owners = &bench->owners,
                                           .send = keep_frame,
                                           .wake = count_wake,
                                           .context = bench};
    owners_init(&bench->owners, bench->now_us);
    bench->commands = commands_create(&config);
    ensure(bench->commands != NULL);
    announce(bench, OLD_OWNER, partition_of_event(EVENT), 5);
    *state = bench;
    return 0;
}

static int free_bench(void **state) {
    struct bench *bench = *state;
    commands_destroy(bench->commands);
    free(bench);
    return 0;
}

static struct command command_of(uint8_t number) {
    return (struct command){.kind = COMMAND_CANCEL,
                            .request_id = {{number}},
                            .deadline_us = 1,
                            .event_id = EVENT,
                            .partition = partition_of_event(EVENT)};
}

static enum status submit(struct bench *bench, uint8_t number, struct answer *answer) {
    struct command command = command_of(number);
    return commands_submit(bench->commands, &command, bench->now_us,
                           bench->now_us + (int64_t)COMMAND_WAIT_MS * 1000, keep_answer, answer);
}

static void reply_to(struct bench *bench, uint8_t number, enum reply_code code, uint64_t epoch) {
    const struct reply reply = {.request_id = {{number}}, .code = code, .epoch = epoch};
    commands_replied(bench->commands, &reply);
}

/* Moves time in steps of the real tick; `owner` 0: nobody announces himself meanwhile. */
static void pass(struct bench *bench, int64_t duration_us, uint64_t owner, uint64_t epoch) {
    for (int64_t end_us = bench->now_us + duration_us; bench->now_us < end_us;) {
        bench->now_us += 100000;
        if (owner != 0) {
            announce(bench, owner, partition_of_event(EVENT), epoch);
        }
        commands_tick(bench->commands, bench->now_us);
    }
}

static void one_turn_leaves_in_one_frame(void **state) {
    struct bench *bench = *state;
    struct answer *answers = bench->answers;
    for (uint8_t i = 0; i < 3; i++) {
        assert_int_equal(submit(bench, i, &answers[i]), STATUS_OK);
    }
    assert_int_equal(bench->frames, 0);
    assert_true(bench->wakes > 0);
    commands_flush(bench->commands, bench->now_us);
    assert_int_equal(bench->frames, 1);
    assert_int_equal(bench->sent[0].records, 3);
    assert_int_equal(bench->sent[0].owner, OLD_OWNER);
    assert_int_equal(bench->sent[0].first.epoch, 5);
    reply_to(bench, 1, REPLY_SEAT_TAKEN, 5);
    assert_int_equal(answers[1].calls, 1);
    assert_int_equal(answers[1].reply.code, REPLY_SEAT_TAKEN);
    reply_to(bench, 1, REPLY_OK, 5);
    assert_int_equal(answers[1].calls, 1);
    assert_int_equal(commands_pending(bench->commands), 2);
}

static void owners_get_a_frame_each(void **state) {
    struct bench *bench = *state;
    struct answer *answer = &bench->answers[0];
    struct command command = command_of(2);
    command.event_id = EVENT + 1;
    command.partition = partition_of_event(EVENT + 1);
    assert_true(command.partition != partition_of_event(EVENT));
    announce(bench, NEW_OWNER, command.partition, 1);
    assert_int_equal(submit(bench, 1, answer), STATUS_OK);
    assert_int_equal(commands_submit(bench->commands, &command, bench->now_us,
                                     bench->now_us + second_us, keep_answer, answer),
                     STATUS_OK);
    commands_flush(bench->commands, bench->now_us);
    assert_int_equal(bench->frames, 2);
    assert_true(bench->sent[0].owner != bench->sent[1].owner);
}

static void unanswered_is_repeated_under_the_same_id(void **state) {
    struct bench *bench = *state;
    struct answer *answer = &bench->answers[0];
    assert_int_equal(submit(bench, 1, answer), STATUS_OK);
    commands_flush(bench->commands, bench->now_us);
    pass(bench, 300000, OLD_OWNER, 5);
    assert_int_equal(bench->frames, 1);
    pass(bench, 100000, OLD_OWNER, 5);
    assert_int_equal(bench->frames, 2);
    assert_memory_equal(&bench->sent[0].first.request_id, &bench->sent[1].first.request_id, 16);
}

static void a_new_epoch_is_addressed_at_once_and_overrules_old_refusals(void **state) {
    struct bench *bench = *state;
    struct answer *answer = &bench->answers[0];
    assert_int_equal(submit(bench, 1, answer), STATUS_OK);
    commands_flush(bench->commands, bench->now_us);
    announce(bench, NEW_OWNER, partition_of_event(EVENT), 6);
    commands_flush(bench->commands, bench->now_us);
    assert_int_equal(bench->frames, 2);
    assert_int_equal(bench->sent[1].owner, NEW_OWNER);
    assert_int_equal(bench->sent[1].first.epoch, 6);
    reply_to(bench, 1, REPLY_SEAT_TAKEN, 5);
    assert_int_equal(answer->calls, 0);
    reply_to(bench, 1, REPLY_WRONG_EPOCH, 6);
    assert_int_equal(answer->calls, 0);
    reply_to(bench, 1, REPLY_OK, 5);
    assert_int_equal(answer->calls, 1);
    assert_int_equal(answer->reply.code, REPLY_OK);
}

static void an_old_owner_is_not_believed_again(void **state) {
    struct bench *bench = *state;
    struct answer *answer = &bench->answers[0];
    announce(bench, NEW_OWNER, partition_of_event(EVENT), 6);
    announce(bench, OLD_OWNER, partition_of_event(EVENT), 5);
    assert_int_equal(submit(bench, 1, answer), STATUS_OK);
    commands_flush(bench->commands, bench->now_us);
    assert_int_equal(bench->sent[0].owner, NEW_OWNER);
}

static void past_the_deadline_the_outcome_is_unknown(void **state) {
    struct bench *bench = *state;
    struct answer *answer = &bench->answers[0];
    assert_int_equal(submit(bench, 1, answer), STATUS_OK);
    commands_flush(bench->commands, bench->now_us);
    pass(bench, (int64_t)COMMAND_WAIT_MS * 1000 - 100000, OLD_OWNER, 5);
    assert_int_equal(answer->calls, 0);
    pass(bench, 100000, OLD_OWNER, 5);
    assert_int_equal(answer->calls, 1);
    assert_int_equal(answer->outcome, COMMAND_OUTCOME_UNKNOWN);
    assert_int_equal(commands_pending(bench->commands), 0);
}

static void what_never_left_is_not_decided(void **state) {
    struct bench *bench = *state;
    struct answer *answer = &bench->answers[0];
    bench->bus_is_away = true;
    assert_int_equal(submit(bench, 1, answer), STATUS_OK);
    pass(bench, (int64_t)COMMAND_WAIT_MS * 1000, OLD_OWNER, 5);
    assert_int_equal(answer->calls, 1);
    assert_int_equal(answer->outcome, COMMAND_NOT_DECIDED);
}

static void without_an_owner_nobody_waits_long(void **state) {
    struct bench *bench = *state;
    struct answer *early = &bench->answers[0];
    struct answer *late = &bench->answers[1];
    pass(bench, 4 * second_us, 0, 0);
    assert_int_equal(submit(bench, 1, early), STATUS_OK);
    commands_flush(bench->commands, bench->now_us);
    assert_int_equal(bench->frames, 0);
    pass(bench, 2 * second_us, 0, 0);
    assert_int_equal(early->calls, 1);
    assert_int_equal(early->outcome, COMMAND_NOT_DECIDED);
    assert_int_equal(submit(bench, 2, late), STATUS_UNAVAILABLE);
    announce(bench, NEW_OWNER, partition_of_event(EVENT), 6);
    assert_int_equal(submit(bench, 2, late), STATUS_OK);
    commands_flush(bench->commands, bench->now_us);
    assert_int_equal(bench->frames, 1);
}

static void what_waited_for_an_owner_leaves_when_there_is_one(void **state) {
    struct bench *bench = *state;
    struct answer *answer = &bench->answers[0];
    const struct wire_owners leaving = {.instance = OLD_OWNER, .leaving = true};
    (void)owners_announced(&bench->owners, &leaving, bench->now_us);
    assert_int_equal(submit(bench, 1, answer), STATUS_OK);
    commands_flush(bench->commands, bench->now_us);
    assert_int_equal(bench->frames, 0);
    bench->now_us += second_us;
    announce(bench, NEW_OWNER, partition_of_event(EVENT), 6);
    commands_flush(bench->commands, bench->now_us);
    assert_int_equal(bench->frames, 1);
    assert_int_equal(bench->sent[0].owner, NEW_OWNER);
}

static void more_than_a_frame_holds_leaves_in_several(void **state) {
    struct bench *bench = *state;
    struct answer *answer = &bench->answers[0];
    char *patch = malloc(EVENT_PATCH_MAX_BYTES);
    ensure(patch != NULL);
    memset(patch, ' ', EVENT_PATCH_MAX_BYTES - 1);
    patch[EVENT_PATCH_MAX_BYTES - 1] = '\0';
    for (uint8_t i = 0; i < 40; i++) {
        struct command command = command_of(i);
        command.kind = COMMAND_UPDATE_EVENT;
        command.patch = patch;
        assert_int_equal(commands_submit(bench->commands, &command, bench->now_us,
                                         bench->now_us + second_us, keep_answer, answer),
                         STATUS_OK);
    }
    free(patch);
    commands_flush(bench->commands, bench->now_us);
    unsigned records = 0;
    for (unsigned i = 0; i < bench->frames; i++) {
        records += bench->sent[i].records;
    }
    assert_int_equal(records, 40);
    assert_true(bench->frames > 1);
}

static void there_is_a_limit(void **state) {
    struct bench *bench = *state;
    struct answer *answer = &bench->answers[0];
    struct command command = command_of(0);
    for (uint32_t i = 0; i < COMMANDS_MAX; i++) {
        memcpy(command.request_id.bytes, &i, sizeof i);
        assert_int_equal(commands_submit(bench->commands, &command, bench->now_us,
                                         bench->now_us + second_us, keep_answer, answer),
                         STATUS_OK);
    }
    uint32_t one_more = COMMANDS_MAX;
    memcpy(command.request_id.bytes, &one_more, sizeof one_more);
    assert_int_equal(commands_submit(bench->commands, &command, bench->now_us,
                                     bench->now_us + second_us, keep_answer, answer),
                     STATUS_LIMIT);
    assert_int_equal(answer->calls, 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_bench, free_bench)
    const struct CMUnitTest tests[] = {
        TEST(one_turn_leaves_in_one_frame),
        TEST(owners_get_a_frame_each),
        TEST(unanswered_is_repeated_under_the_same_id),
        TEST(a_new_epoch_is_addressed_at_once_and_overrules_old_refusals),
        TEST(an_old_owner_is_not_believed_again),
        TEST(past_the_deadline_the_outcome_is_unknown),
        TEST(what_never_left_is_not_decided),
        TEST(without_an_owner_nobody_waits_long),
        TEST(what_waited_for_an_owner_leaves_when_there_is_one),
        TEST(more_than_a_frame_holds_leaves_in_several),
        TEST(there_is_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
