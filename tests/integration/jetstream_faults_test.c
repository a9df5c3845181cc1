/* Questions to JetStream that go wrong: a stand-in on a server without JetStream gives every shape
 * of answer, late, twice or not at all; a server freezes, dies and comes back. */
#include "shared/log.h"
#include "tests/integration/asker.h"
#include "tests/support/expect.h"
#include "tests/support/servers.h"
#include "tests/support/wait.h"

#include <stdio.h>
#include <stdlib.h>

enum { LIMIT_MS = 20000, FROZEN_MS = 4500, QUESTIONS = 1000, EARLY_MS = 100 };

struct tally {
    int by_outcome[JETSTREAM_LOST + 1];
    int answers;
    struct jetstream *jetstream;
    enum status again; /* what asking once more in the first handler says, … */
    struct asked last; /* … and what becomes of it */
};

struct place {
    char folder[FOLDER_PATH_SIZE];
    char url[SERVER_URL_SIZE];
    struct nats_server nats;
    struct asker asker;
    struct stand_in joins, gets, makers, nexts, deleters;
    struct tally tally;
};

static int place_open(void **state) {
    struct place *place = calloc(1, sizeof *place);
    expect(place != NULL, "no memory");
    folder_create(place->folder);
    nats_create_plain(&place->nats, place->folder);
    nats_url(&place->nats, place->url);
    asker_open(&place->asker, place->url);
    stand_in_open(&place->joins, &place->asker, "room.1.*");
    stand_in_open(&place->gets, &place->asker, "$JS.API.STREAM.MSG.GET.ROOM");
    stand_in_open(&place->makers, &place->asker, "$JS.API.CONSUMER.CREATE.ROOM.*");
    stand_in_open(&place->nexts, &place->asker, "$JS.API.CONSUMER.MSG.NEXT.ROOM.*");
    stand_in_open(&place->deleters, &place->asker, "$JS.API.CONSUMER.DELETE.ROOM.*");
    asker_wait_ups(&place->asker, 1);
    *state = place;
    return 0;
}

static int place_close(void **state) {
    struct place *place = *state;
    asker_close(&place->asker);
    nats_destroy(&place->nats);
    folder_remove(place->folder);
    free(place);
    return 0;
}

static int library_close(void **state) {
    (void)state;
    bus_library_close();
    return 0;
}

static void join(struct place *place, uint64_t expected_last, struct asked *asked) {
    *asked = (struct asked){0};
    assert_int_equal(jetstream_publish(place->asker.jetstream, "ROOM", "room.1.anna", expected_last,
                                       "x", 1, asked_ack, asked),
                     STATUS_OK);
}

/* A join that the stand-in has got, and not answered. */
static void join_unanswered(struct place *place, uint64_t expected_last, struct asked *asked) {
    int questions = place->joins.questions;
    join(place, expected_last, asked);
    stand_in_wait(&place->joins, questions + 1);
}

static struct asked join_answered(struct place *place, uint64_t expected_last, int status,
                                  const char *answer) {
    struct asked asked;
    join_unanswered(place, expected_last, &asked);
    stand_in_say(&place->joins, place->joins.reply, status, answer);
    asker_wait(&place->asker, &asked);
    return asked;
}

static void every_shape_of_acknowledgement_has_an_outcome(void **state) {
    static const struct {
        const char *answer;
        int status;
        enum jetstream_outcome outcome;
        uint64_t sequence;
    } shapes[] = {
        {"{\"stream\":\"ROOM\",\"seq\":7}", 0, JETSTREAM_DONE, 7},
        {"{\"stream\":\"ROOM\",\"seq\":7,\"duplicate\":true}", 0, JETSTREAM_DONE, 7},
        {"{\"error\":{\"code\":400,\"err_code\":10071,\"description\":\"wrong last sequence: 9\"},"
         "\"stream\":\"ROOM\",\"seq\":0}",
         0, JETSTREAM_CONFLICT, 9},
        {"{\"error\":{\"code\":409,\"err_code\":10158}}", 0, JETSTREAM_BUSY, 0},
        {"{\"error\":{\"code\":429,\"err_code\":10167}}", 0, JETSTREAM_BUSY, 0},
        {"{\"error\":{\"code\":404,\"err_code\":10059}}", 0, JETSTREAM_NO_STREAM, 0},
        {"{\"error\":{\"code\":503,\"err_code\":10077}}", 0, JETSTREAM_REFUSED, 0},
        {"{\"stream\":\"ROOM\",\"seq\":0}", 0, JETSTREAM_REFUSED, 0},
        {"{\"stream\":\"ROOM\"", 0, JETSTREAM_REFUSED, 0},
        {"", 503, JETSTREAM_NO_STREAM, 0},
    };
    struct place *place = *state;
    for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
        struct asked asked = join_answered(place, 0, shapes[i].status, shapes[i].answer);
        expect(asked.outcome == shapes[i].outcome && asked.sequence == shapes[i].sequence,
               "%s: %s %llu", shapes[i].answer, jetstream_outcome_text(asked.outcome),
               (unsigned long long)asked.sequence);
        assert_true(asked.error[0] != '\0' || asked.outcome != JETSTREAM_REFUSED);
    }
    assert_int_equal(jetstream_open(place->asker.jetstream), 0);
}

static const char *const conflict_unsaid =
    "{\"error\":{\"code\":400,\"err_code\":10164,\"description\":\"wrong last sequence\"}}";

static struct asked settle(struct place *place, uint64_t expected_last, const char *last) {
    struct asked asked;
    join_unanswered(place, expected_last, &asked);
    int questions = place->gets.questions;
    stand_in_say(&place->joins, place->joins.reply, 0, conflict_unsaid);
    stand_in_wait(&place->gets, questions + 1);
    assert_string_equal(place->gets.text, "{\"last_by_subj\":\"room.1.anna\"}");
    assert_int_equal(asked.answers, 0);
    stand_in_say(&place->gets, place->gets.reply, 0, last);
    asker_wait(&place->asker, &asked);
    return asked;
}

static void a_conflict_that_does_not_say_with_what_is_looked_up(void **state) {
    static const char *const message = "{\"message\":{\"subject\":\"room.1.anna\",\"seq\":12,"
                                       "\"time\":\"2026-11-23T17:31:32.123456789Z\"}}";
    static const char *const none = "{\"error\":{\"code\":404,\"err_code\":10037}}";
    struct place *place = *state;
    struct asked asked = settle(place, 0, message);
    assert_int_equal(asked.outcome, JETSTREAM_CONFLICT);
    assert_int_equal(asked.sequence, 12);
    asked = settle(place, 4, none);
    assert_int_equal(asked.outcome, JETSTREAM_CONFLICT);
    assert_int_equal(asked.sequence, 0);
    asked = settle(place, 0, none); /* what it is in conflict with is not stored yet */
    assert_int_equal(asked.outcome, JETSTREAM_BUSY);
    asked = settle(place, 12, message);
    assert_int_equal(asked.outcome, JETSTREAM_BUSY);
    asked = settle(place, 0, "{\"error\":{\"code\":404,\"err_code\":10059}}");
    assert_int_equal(asked.outcome, JETSTREAM_NO_STREAM);
    asked = settle(place, 0, "{}");
    assert_int_equal(asked.outcome, JETSTREAM_REFUSED);
}

static void an_answer_counts_once_and_only_in_time(void **state) {
    static const char *const done = "{\"seq\":7}", *const other = "{\"seq\":8}";
    struct place *place = *state;
    struct asked first, second;
    char old_reply[BUS_SUBJECT_MAX_BYTES + 1];
    join_unanswered(place, 0, &first);
    (void)snprintf(old_reply, sizeof old_reply, "%s", place->joins.reply);
    int64_t began_ms = wait_now_ms();
    asker_wait(&place->asker, &first);
    assert_int_equal(first.outcome, JETSTREAM_SILENT);
    assert_in_range(wait_now_ms() - began_ms, JETSTREAM_WAIT_MS - EARLY_MS, FROZEN_MS);

    join_unanswered(place, 0, &second); /* in the same slot */
    stand_in_say(&place->joins, old_reply, 0, done);
    stand_in_say(&place->joins, place->joins.reply, 0, other);
    stand_in_say(&place->joins, place->joins.reply, 0, done);
    asker_wait(&place->asker, &second);
    assert_int_equal(second.outcome, JETSTREAM_DONE);
    assert_int_equal(second.sequence, 8);
    (void)join_answered(place, 0, 0, done); /* everything before it has come */
    assert_int_equal(first.answers, 1);
    assert_int_equal(second.answers, 1);
}

static void an_answer_for_another_connection_finds_nobody(void **state) {
    struct place *place = *state;
    struct asked first, second;
    char old_reply[BUS_SUBJECT_MAX_BYTES + 1];
    join_unanswered(place, 0, &first);
    (void)snprintf(old_reply, sizeof old_reply, "%s", place->joins.reply);
    nats_kill(&place->nats);
    asker_wait(&place->asker, &first);
    assert_int_equal(first.outcome, JETSTREAM_LOST);
    nats_start(&place->nats);
    asker_wait_ups(&place->asker, 2);
    join_unanswered(place, 0, &second);
    stand_in_say(&place->joins, old_reply, 0, "{\"seq\":7}");
    stand_in_say(&place->joins, place->joins.reply, 0, "{\"seq\":8}");
    asker_wait(&place->asker, &second);
    assert_int_equal(second.sequence, 8);
    assert_int_equal(first.answers, 1);
}

static void noise_in_the_inbox_is_nothing(void **state) {
    static const char *const marks[] = {"x",
                                        "1",
                                        "1-0",
                                        "1-0-",
                                        "1-0-1-",
                                        "0-0-0",
                                        "1--1-1",
                                        "ffffffffffffffffffff-0-1",
                                        "1-ffffffff-1",
                                        "1-0-ffffffffffffffff",
                                        "1-0-0",
                                        "2-0-1"};
    struct place *place = *state;
    struct asked asked;
    join_unanswered(place, 0, &asked);
    for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
        char subject[BUS_SUBJECT_MAX_BYTES + 1];
        const char *mark = strrchr(place->joins.reply, '.') + 1;
        (void)snprintf(subject, sizeof subject, "%.*s%s", (int)(mark - place->joins.reply),
                       place->joins.reply, marks[i]);
        stand_in_say(&place->joins, subject, 0, "{\"seq\":1}");
        stand_in_say(&place->joins, subject, 503, "");
    }
    stand_in_say(&place->joins, place->joins.reply, 0, "{\"seq\":2}");
    asker_wait(&place->asker, &asked);
    assert_int_equal(asked.sequence, 2);
}

/* --- reading */

/* A read from 5 on whose consumer has three messages, waiting for the first. */
static void read_begin(struct place *place, struct fetched *fetched) {
    int makers = place->makers.questions, nexts = place->nexts.questions;
    *fetched = (struct fetched){0};
    assert_int_equal(jetstream_read(place->asker.jetstream, "ROOM", 5, 10, fetched_read, fetched),
                     STATUS_OK);
    stand_in_wait(&place->makers, makers + 1);
    expect(strstr(place->makers.text, "\"opt_start_seq\":5") != NULL, "%s", place->makers.text);
    stand_in_say(&place->makers, place->makers.reply, 0, "{\"num_pending\":3}");
    stand_in_wait(&place->nexts, nexts + 1);
    expect(strstr(place->nexts.text, "\"batch\":3") != NULL, "%s", place->nexts.text);
}

static void read_end(struct place *place, const struct fetched *fetched,
                     enum jetstream_outcome outcome) {
    int deleters = place->deleters.questions;
    struct wait wait = wait_at_most(LIMIT_MS);
    while (fetched->endings == 0) {
        expect(!wait_is_over(&wait), "the read does not end");
        asker_turn(&place->asker);
    }
    assert_int_equal(fetched->outcome, outcome);
    assert_int_equal(fetched->count, 0);
    if (place->asker.downs == 0)
        stand_in_wait(&place->deleters, deleters + 1);
    assert_int_equal(fetched->endings, 1);
}

static void a_read_ends_with_what_nats_says(void **state) {
    static const struct {
        int status;
        enum jetstream_outcome outcome;
    } ends[] = {{408, JETSTREAM_SILENT}, {409, JETSTREAM_REFUSED}, {503, JETSTREAM_NO_STREAM}};
    struct place *place = *state;
    struct fetched fetched;
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        read_begin(place, &fetched);
        stand_in_say(&place->nexts, place->nexts.reply, ends[i].status, "");
        read_end(place, &fetched, ends[i].outcome);
    }
    read_begin(place, &fetched);
    read_end(place, &fetched, JETSTREAM_SILENT);
    read_begin(place, &fetched);
    nats_kill(&place->nats);
    read_end(place, &fetched, JETSTREAM_LOST);
}

/* --- the server */

static void on_counted(void *context, const struct jetstream_ack *ack) {
    struct tally *tally = context;
    tally->by_outcome[ack->outcome]++;
    if (tally->answers++ == 0)
        tally->again = jetstream_publish(tally->jetstream, "ROOM", "room.1.x", 0, "x", 1, asked_ack,
                                         &tally->last);
}

static void ask_many(struct asker *asker, struct tally *tally, int count) {
    *tally = (struct tally){.jetstream = asker->jetstream};
    for (int i = 0; i < count; i++)
        assert_int_equal(
            jetstream_publish(asker->jetstream, "ROOM", "room.2.x", 0, "x", 1, on_counted, tally),
            STATUS_OK);
}

static void wait_tally(struct asker *asker, const struct tally *tally, int count,
                       int64_t limit_ms) {
    struct wait wait = wait_at_most(limit_ms);
    while (tally->answers < count) {
        expect(!wait_is_over(&wait), "%d of %d answers", tally->answers, count);
        asker_turn(asker);
    }
    assert_int_equal(tally->answers, count);
}

static void what_is_open_when_the_server_dies_is_lost(void **state) {
    struct place *place = *state;
    struct tally *tally = &place->tally;
    process_freeze(place->nats.process);
    ask_many(&place->asker, tally, QUESTIONS);
    nats_kill(&place->nats);
    wait_tally(&place->asker, tally, QUESTIONS, LIMIT_MS);
    assert_int_equal(tally->by_outcome[JETSTREAM_LOST], QUESTIONS);
    assert_int_equal(tally->again, STATUS_UNAVAILABLE);
    assert_int_equal(jetstream_open(place->asker.jetstream), 0);
    nats_start(&place->nats);
    asker_wait_ups(&place->asker, 2);
    assert_int_equal(join_answered(place, 0, 0, "{\"seq\":1}").sequence, 1);
}

static void a_frozen_server_answers_nobody(void **state) {
    struct place *place = *state;
    struct tally *tally = &place->tally;
    process_freeze(place->nats.process);
    ask_many(&place->asker, tally, QUESTIONS);
    wait_tally(&place->asker, tally, QUESTIONS, FROZEN_MS);
    assert_int_equal(tally->by_outcome[JETSTREAM_LOST] + tally->by_outcome[JETSTREAM_SILENT],
                     QUESTIONS);
    process_thaw(place->nats.process);
    asker_wait_downs(&place->asker, 1);
    asker_wait_ups(&place->asker, 2);
    assert_int_equal(join_answered(place, 0, 0, "{\"seq\":1}").sequence, 1);
    assert_int_equal(tally->answers, QUESTIONS);
}

static void more_than_can_be_open_is_not_asked(void **state) {
    struct place *place = *state;
    struct asked asked = {0};
    struct tally *tally = &place->tally;
    log_init("jetstream-faults-test", LOG_ERROR); /* the mailbox can't hold so many answers */
    ask_many(&place->asker, tally, JETSTREAM_OPEN_MAX);
    assert_int_equal(jetstream_open(place->asker.jetstream), JETSTREAM_OPEN_MAX);
    assert_int_equal(
        jetstream_publish(place->asker.jetstream, "ROOM", "room.2.x", 0, "x", 1, asked_ack, &asked),
        STATUS_LIMIT);
    wait_tally(&place->asker, tally, JETSTREAM_OPEN_MAX, LIMIT_MS);
    assert_int_equal(tally->again, STATUS_OK); /* the first answer makes room */
    assert_int_equal(tally->by_outcome[JETSTREAM_NO_STREAM] + tally->by_outcome[JETSTREAM_SILENT],
                     JETSTREAM_OPEN_MAX);
    assert_int_equal(asked.answers, 0);
}

static void the_end_ends_what_is_open(void **state) {
    struct place *place = *state;
    struct tally *tally = &place->tally;
    struct fetched fetched;
    ask_many(&place->asker, tally, 3);
    read_begin(place, &fetched);
    jetstream_destroy(place->asker.jetstream);
    place->asker.jetstream = NULL;
    assert_int_equal(tally->answers, 3);
    assert_int_equal(fetched.endings, 1);
    assert_int_equal(fetched.outcome, JETSTREAM_LOST);
    jetstream_destroy(NULL);
}

#define FAULT_TEST(name) cmocka_unit_test_setup_teardown(name, place_open, place_close)

int main(void) {
    const struct CMUnitTest tests[] = {
        FAULT_TEST(every_shape_of_acknowledgement_has_an_outcome),
        FAULT_TEST(a_conflict_that_does_not_say_with_what_is_looked_up),
        FAULT_TEST(an_answer_counts_once_and_only_in_time),
        FAULT_TEST(an_answer_for_another_connection_finds_nobody),
        FAULT_TEST(noise_in_the_inbox_is_nothing),
        FAULT_TEST(a_read_ends_with_what_nats_says),
        FAULT_TEST(what_is_open_when_the_server_dies_is_lost),
        FAULT_TEST(a_frozen_server_answers_nobody),
        FAULT_TEST(more_than_can_be_open_is_not_asked),
        FAULT_TEST(the_end_ends_what_is_open),
    };
    return cmocka_run_group_tests(tests, NULL, library_close);
}
