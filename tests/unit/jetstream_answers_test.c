/* Reading JetStream's answers: those of servers as they are, and those that no server should give.
 */
#include "shared/jetstream_answers.h"
#include "tests/support/expect.h"

#include <stdio.h>

static struct bus_message answer_of(const char *text) {
    return (struct bus_message){.subject = "_INBOX.x",
                                .reply = "",
                                .data = (const uint8_t *)text,
                                .size_bytes = strlen(text)};
}

static struct bus_message status_of(int status) {
    struct bus_message answer = answer_of("");
    answer.status = status;
    return answer;
}

static struct jetstream_ack ack_of(const char *text, struct jetstream_error *error) {
    struct jetstream_ack ack;
    struct bus_message answer = answer_of(text);
    jetstream_read_ack(&answer, &ack, error);
    assert_ptr_equal(ack.error, error->text);
    return ack;
}

#define ERROR_OF(code, number, description)                                                        \
    "{\"type\":\"io.nats.jetstream.api.v1.pub_ack_response\",\"error\":{\"code\":" code            \
    ",\"err_code\":" number ",\"description\":\"" description "\"},\"stream\":\"ROOM\",\"seq\":0}"

static void acknowledgements_are_read(void **state) {
    static const struct {
        const char *text;
        enum jetstream_outcome outcome;
        uint64_t sequence;
    } cases[] = {
        {"{\"stream\":\"ROOM\",\"seq\":1}", JETSTREAM_DONE, 1},
        {"{\"stream\":\"ROOM\", \"domain\":\"eu\", \"seq\":22, \"duplicate\": true}",
         JETSTREAM_DONE, 22},
        {"{\"seq\":9223372036854775807}", JETSTREAM_DONE, INT64_MAX},
        {ERROR_OF("400", "10071", "wrong last sequence: 5"), JETSTREAM_CONFLICT, 5},
        {ERROR_OF("400", "10071", "wrong last sequence: 0"), JETSTREAM_CONFLICT, 0},
        {ERROR_OF("400", "10071", "wrong last sequence: 9223372036854775808"), JETSTREAM_CONFLICT,
         JETSTREAM_SEQUENCE_UNKNOWN},
        {ERROR_OF("400", "10071", "wrong last sequence: -5"), JETSTREAM_CONFLICT,
         JETSTREAM_SEQUENCE_UNKNOWN},
        {ERROR_OF("400", "10071", "wrong last sequence: 5 or so"), JETSTREAM_CONFLICT,
         JETSTREAM_SEQUENCE_UNKNOWN},
        {ERROR_OF("400", "10071", "something else"), JETSTREAM_CONFLICT,
         JETSTREAM_SEQUENCE_UNKNOWN},
        {ERROR_OF("400", "10164", "wrong last sequence"), JETSTREAM_CONFLICT,
         JETSTREAM_SEQUENCE_UNKNOWN},
        {"{\"error\":{\"code\":400,\"err_code\":10071}}", JETSTREAM_CONFLICT,
         JETSTREAM_SEQUENCE_UNKNOWN},
        {ERROR_OF("409", "10158", "duplicate message id is in process"), JETSTREAM_BUSY, 0},
        {ERROR_OF("503", "10163", "temporarily unavailable"), JETSTREAM_BUSY, 0},
        {ERROR_OF("429", "10167", "too many requests"), JETSTREAM_BUSY, 0},
        {ERROR_OF("429", "19999", "later, please"), JETSTREAM_BUSY, 0},
        {ERROR_OF("404", "10059", "stream not found"), JETSTREAM_NO_STREAM, 0},
        {"{\"error\":{\"code\":404}}", JETSTREAM_NO_STREAM, 0},
        {ERROR_OF("404", "10037", "no message found"), JETSTREAM_NOT_FOUND, 0},
        {ERROR_OF("400", "10060", "expected stream does not match"), JETSTREAM_REFUSED, 0},
        {ERROR_OF("503", "10077", "maximum messages exceeded"), JETSTREAM_REFUSED, 0},
        {ERROR_OF("500", "99999", "unheard of"), JETSTREAM_REFUSED, 0},
        {"{\"error\":{\"code\":500}}", JETSTREAM_REFUSED, 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct jetstream_error error;
        struct jetstream_ack ack = ack_of(cases[i].text, &error);
        expect(ack.outcome == cases[i].outcome && ack.sequence == cases[i].sequence, "%s: %s, %llu",
               cases[i].text, jetstream_outcome_text(ack.outcome),
               (unsigned long long)ack.sequence);
        assert_int_equal(*ack.error == '\0', ack.outcome == JETSTREAM_DONE);
    }
}

static void what_is_no_answer_is_refused(void **state) {
    static const char *const cases[] = {
        "", "{", "[]", "1", "null", "{}", "\xff", "{\"seq\":1}x", "{\"seq\":1,\"seq\":2}",
        /* sequences */
        "{\"seq\":0}", "{\"seq\":-1}", "{\"seq\":\"1\"}", "{\"seq\":1.0}", "{\"seq\":1e3}",
        "{\"seq\":9223372036854775808}", "{\"seq\":18446744073709551617}", "{\"seq\":null}",
        /* errors */
        "{\"error\":null,\"seq\":1}", "{\"error\":\"no\",\"seq\":1}", "{\"error\":{},\"seq\":1}",
        "{\"error\":{\"code\":\"400\"},\"seq\":1}", "{\"error\":{\"code\":-404}}",
        "{\"error\":{\"code\":400,\"err_code\":\"10071\"}}",
        "{\"error\":{\"code\":400,\"err_code\":99999999999999999999}}"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct jetstream_error error;
        struct jetstream_ack ack = ack_of(cases[i], &error);
        expect(ack.outcome == JETSTREAM_REFUSED && ack.sequence == 0, "%s: %s", cases[i],
               jetstream_outcome_text(ack.outcome));
        assert_string_equal(ack.error, "an answer that can't be read");
    }
}

static void an_error_is_told_in_one_line(void **state) {
    struct jetstream_error error;
    (void)state;
    (void)ack_of(ERROR_OF("400", "10060", "not\\n\\u0007this"), &error);
    assert_string_equal(error.text, "400/10060 not  this");
    char text[600];
    (void)snprintf(text, sizeof text, ERROR_OF("400", "10060", "%300d"), 1);
    (void)ack_of(text, &error);
    assert_int_equal(strlen(error.text), JETSTREAM_ERROR_SIZE - 1);
}

static void nats_itself_says_something_by_a_status(void **state) {
    struct jetstream_ack ack;
    struct jetstream_stream stream;
    struct jetstream_stored stored;
    struct jetstream_error error;
    uint64_t pending;
    struct bus_message answer = status_of(503);
    (void)state;
    jetstream_read_ack(&answer, &ack, &error);
    assert_int_equal(ack.outcome, JETSTREAM_NO_STREAM);
    jetstream_read_stream(&answer, &stream, &error);
    assert_int_equal(stream.outcome, JETSTREAM_NO_STREAM);
    assert_int_equal(jetstream_read_pending(&answer, &pending, &error), JETSTREAM_NO_STREAM);
    assert_int_equal(jetstream_read_stored(&answer, &stored, &error), JETSTREAM_NO_STREAM);
    jetstream_stored_clear(&stored);
    answer = status_of(409);
    jetstream_read_ack(&answer, &ack, &error);
    assert_int_equal(ack.outcome, JETSTREAM_REFUSED);
    assert_string_equal(ack.error, "status 409");
}

#define STREAM_OF(created, replicas, state, more)                                                  \
    "{\"type\":\"io.nats.jetstream.api.v1.stream_info_response\",\"config\":{\"name\":\"ROOM\","   \
    "\"num_replicas\":" replicas "},\"created\":" created ",\"state\":" state more "}"
#define GOOD_STATE "{\"messages\":8,\"bytes\":99,\"first_seq\":3,\"last_seq\":10}"
#define GOOD_TIME "\"2026-11-23T17:31:32.123456789Z\""

static struct jetstream_stream stream_of(const char *text) {
    struct jetstream_stream stream;
    struct jetstream_error error;
    struct bus_message answer = answer_of(text);
    jetstream_read_stream(&answer, &stream, &error);
    stream.error = NULL;
    return stream;
}

static void streams_are_read(void **state) {
    (void)state;
    struct jetstream_stream stream =
        stream_of(STREAM_OF(GOOD_TIME, "1", GOOD_STATE, ",\"cluster\":{\"leader\":\"NDX\"}"));
    assert_int_equal(stream.outcome, JETSTREAM_DONE);
    assert_string_equal(stream.created, "2026-11-23T17:31:32.123456789Z");
    assert_int_equal(stream.first_sequence, 3);
    assert_int_equal(stream.last_sequence, 10);
    assert_int_equal(stream.messages, 8);
    assert_int_equal(stream.replicas, 1);
    assert_false(stream.clustered);
    stream = stream_of(
        STREAM_OF(GOOD_TIME, "3", GOOD_STATE, ",\"cluster\":{\"name\":\"eu\",\"leader\":\"a\"}"));
    assert_int_equal(stream.replicas, 3);
    assert_true(stream.clustered);
    assert_false(stream_of(STREAM_OF(GOOD_TIME, "1", GOOD_STATE, "")).clustered);

    static const char *const bad[] = {
        STREAM_OF("1", "1", GOOD_STATE, ""),
        STREAM_OF("\"\"", "1", GOOD_STATE, ""),
        STREAM_OF("\"2026-11-23T17:31:32.12345678901234567890Z\"", "1", GOOD_STATE, ""),
        STREAM_OF(GOOD_TIME, "0", GOOD_STATE, ""),
        STREAM_OF(GOOD_TIME, "4294967296", GOOD_STATE, ""),
        STREAM_OF(GOOD_TIME, "1", "{}", ""),
        STREAM_OF(GOOD_TIME, "1", "[]", ""),
        STREAM_OF(GOOD_TIME, "1", "{\"messages\":8,\"first_seq\":3,\"last_seq\":-10}", ""),
        STREAM_OF(GOOD_TIME, "1", "{\"messages\":8,\"first_seq\":3}", ""),
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        stream = stream_of(bad[i]);
        assert_int_equal(stream.outcome, JETSTREAM_REFUSED);
        assert_int_equal(stream.last_sequence, 0);
        assert_string_equal(stream.created, "");
    }
    assert_int_equal(stream_of(ERROR_OF("404", "10059", "stream not found")).outcome,
                     JETSTREAM_NO_STREAM);
    assert_int_equal(stream_of(ERROR_OF("400", "10071", "odd")).outcome, JETSTREAM_REFUSED);
}

static void consumers_say_what_they_have(void **state) {
    struct jetstream_error error;
    uint64_t pending = 0;
    struct bus_message answer = answer_of("{\"name\":\"c\",\"num_pending\":7}");
    (void)state;
    assert_int_equal(jetstream_read_pending(&answer, &pending, &error), JETSTREAM_DONE);
    assert_int_equal(pending, 7);
    answer = answer_of("{\"name\":\"c\"}");
    assert_int_equal(jetstream_read_pending(&answer, &pending, &error), JETSTREAM_REFUSED);
}

#define MESSAGE_OF(more)                                                                           \
    "{\"message\":{\"subject\":\"room.1.anna\",\"seq\":4,\"time\":" GOOD_TIME more "}}"

static void messages_are_read(void **state) {
    struct jetstream_error error;
    struct jetstream_stored stored;
    static const struct {
        const char *text, *data;
    } good[] = {{MESSAGE_OF(""), ""},
                {MESSAGE_OF(",\"data\":\"\""), ""},
                {MESSAGE_OF(",\"data\":\"YQ==\""), "a"},
                {MESSAGE_OF(",\"data\":\"YWI=\",\"hdrs\":\"TkFUUy8xLjANCg0K\""), "ab"},
                {MESSAGE_OF(",\"data\":\"YWJj\""), "abc"}};
    static const char *const bad[] = {
        MESSAGE_OF(",\"data\":\"YQ=\""),
        MESSAGE_OF(",\"data\":\"Y===\""),
        MESSAGE_OF(",\"data\":\"====\""),
        MESSAGE_OF(",\"data\":\"YQ==YQ==\""),
        MESSAGE_OF(",\"data\":\" YQ=\""),
        MESSAGE_OF(",\"data\":\"Y-==\""),
        "{\"message\":{}}",
        "{\"message\":[]}",
        "{\"message\":{\"subject\":\"x\",\"seq\":0,\"time\":" GOOD_TIME "}}",
        "{\"message\":{\"subject\":\"x\",\"seq\":1,\"time\":\"yesterday\"}}",
        "{\"message\":{\"seq\":1,\"time\":" GOOD_TIME "}}"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct bus_message answer = answer_of(good[i].text);
        assert_int_equal(jetstream_read_stored(&answer, &stored, &error), JETSTREAM_DONE);
        assert_int_equal(stored.message.sequence, 4);
        assert_string_equal(stored.message.subject, "room.1.anna");
        assert_true(stored.message.stored_us == INT64_C(1795455092123456));
        assert_int_equal(stored.message.size_bytes, strlen(good[i].data));
        assert_memory_equal(stored.message.data, good[i].data, strlen(good[i].data));
        jetstream_stored_clear(&stored);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct bus_message answer = answer_of(bad[i]);
        expect(jetstream_read_stored(&answer, &stored, &error) == JETSTREAM_REFUSED, "%s", bad[i]);
        jetstream_stored_clear(&stored);
    }
}

static void deliveries_are_read_in_both_forms(void **state) {
    struct jetstream_delivery delivery;
    static const char *const good[] = {
        "$JS.ACK.ROOM.reader-1.1.42.7.1795455092123456789.3",
        "$JS.ACK._.ACCHASH.ROOM.reader-1.1.42.7.1795455092123456789.3",
        "$JS.ACK.eu.ACCHASH.ROOM.reader-1.1.42.7.1795455092123456789.3.random",
        "$JS.ACK.eu.ACCHASH.ROOM.reader-1.1.42.7.1795455092123456789.3.random.a.b.c.d.e.f",
    };
    static const char *const bad[] = {"",
                                      "_INBOX.x",
                                      "$JS.ACK.",
                                      "$JS.ACK.........",
                                      "$JS.ACK.ROOM.reader-1.1.42.7.1795.",
                                      "$JS.ACK.ROOM.reader-1.1.42.7.1795",
                                      "$JS.ACK.a.ROOM.reader-1.1.42.7.1795.3",
                                      "$JS.ACK.ROOM..1.42.7.1795.3",
                                      "$JS.ACK.ROOM.reader-1.1.0.7.1795.3",
                                      "$JS.ACK.ROOM.reader-1.1.42.0.1795.3",
                                      "$JS.ACK.ROOM.reader-1.1.-42.7.1795.3",
                                      "$JS.ACK.ROOM.reader-1.1.42.7.9223372036854775808.3",
                                      "$JS.ACK.ROOM.reader-1.x.42.7.1795.3",
                                      "$JS.ACK.ROOM.reader-1.1.4 2.7.1795.3",
                                      "$JS.NAK.ROOM.reader-1.1.42.7.1795.3"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        expect(jetstream_read_delivery(good[i], &delivery), "%s", good[i]);
        assert_string_equal(delivery.consumer, "reader-1");
        assert_int_equal(delivery.sequence, 42);
        assert_int_equal(delivery.number, 7);
        assert_true(delivery.stored_us == INT64_C(1795455092123456));
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        expect(!jetstream_read_delivery(bad[i], &delivery), "%s", bad[i]);
    char text[400];
    (void)snprintf(text, sizeof text, "$JS.ACK.ROOM.%0300d.1.42.7.1795.3", 1);
    assert_false(jetstream_read_delivery(text, &delivery));
}

static void outcomes_have_texts(void **state) {
    (void)state;
    for (int outcome = JETSTREAM_DONE; outcome <= JETSTREAM_LOST; outcome++)
        assert_string_not_equal(jetstream_outcome_text((enum jetstream_outcome)outcome),
                                "unknown outcome");
    assert_string_equal(jetstream_outcome_text((enum jetstream_outcome)99), "unknown outcome");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acknowledgements_are_read),
        cmocka_unit_test(what_is_no_answer_is_refused),
        cmocka_unit_test(an_error_is_told_in_one_line),
        cmocka_unit_test(nats_itself_says_something_by_a_status),
        cmocka_unit_test(streams_are_read),
        cmocka_unit_test(consumers_say_what_they_have),
        cmocka_unit_test(messages_are_read),
        cmocka_unit_test(deliveries_are_read_in_both_forms),
        cmocka_unit_test(outcomes_have_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
