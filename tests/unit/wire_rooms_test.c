/* The frames of the waiting room: what is put in comes out; what is out of range is refused. */
#include "tests/fuzz/wire_check.h"
#include "tests/fuzz/wire_random.h"
#include "tests/support/expect.h"

enum { FRAMES = 1000 };

/* Spans have padding, so a line is compared by value and then put in order for memcmp. */
static void expect_same_line(struct room_line *line, const struct room_line *expected) {
    assert_int_equal(line->count, expected->count);
    for (uint32_t i = 0; i < line->count; i++) {
        assert_int_equal(line->spans[i].first_number, expected->spans[i].first_number);
        assert_int_equal(line->spans[i].first_sequence, expected->spans[i].first_sequence);
        assert_int_equal(line->spans[i].stream, expected->spans[i].stream);
    }
    memcpy(line, expected, sizeof *line);
}

static void rooms_come_out_as_they_went_in(void **state) {
    (void)state;
    uint64_t seed = 21;
    struct wire_buffer buffer = {0};
    for (int i = 0; i < FRAMES; i++) {
        struct room_state in[3], out;
        struct wire_reader reader;
        wire_rooms_begin(&buffer);
        for (size_t k = 0; k < ARRAY_LEN(in); k++) {
            wire_random_room(&seed, &in[k]);
            assert_int_equal(wire_rooms_add(&buffer, &in[k]), STATUS_OK);
        }
        assert_int_equal(wire_rooms_open(&reader, buffer.data, buffer.size_bytes), STATUS_OK);
        for (size_t k = 0; k < ARRAY_LEN(in); k++) {
            assert_true(wire_rooms_next(&reader, &out));
            expect_same_line(&out.line, &in[k].line);
            assert_memory_equal(&out, &in[k], sizeof out);
        }
        assert_false(wire_rooms_next(&reader, &out));
    }
    wire_buffer_free(&buffer);
}

static void grants_come_out_as_they_went_in(void **state) {
    (void)state;
    uint64_t seed = 22;
    struct wire_buffer buffer = {0};
    for (int i = 0; i < FRAMES; i++) {
        struct room_grant in, out;
        wire_random_grant(&seed, &in);
        assert_int_equal(wire_grant_encode(&buffer, &in), STATUS_OK);
        assert_int_equal(wire_grant_decode(&out, buffer.data, buffer.size_bytes), STATUS_OK);
        assert_memory_equal(&out, &in, sizeof out);
    }
    wire_buffer_free(&buffer);
}

static void people_come_out_as_they_went_in(void **state) {
    (void)state;
    uint64_t seed = 23;
    struct wire_buffer buffer = {0};
    for (int i = 0; i < FRAMES; i++) {
        struct wire_person in[5], out;
        struct wire_reader reader;
        wire_people_begin(&buffer);
        for (size_t k = 0; k < ARRAY_LEN(in); k++) {
            wire_random_person(&seed, &in[k]);
            assert_int_equal(wire_people_add(&buffer, &in[k]), STATUS_OK);
        }
        assert_int_equal(wire_people_open(&reader, buffer.data, buffer.size_bytes), STATUS_OK);
        for (size_t k = 0; k < ARRAY_LEN(in); k++) {
            assert_true(wire_people_next(&reader, &out));
            assert_memory_equal(&out, &in[k], sizeof out);
        }
        assert_false(wire_people_next(&reader, &out));
    }
    wire_buffer_free(&buffer);
}

static void asking_is_a_head_only(void **state) {
    (void)state;
    struct wire_buffer buffer = {0};
    assert_int_equal(wire_ask_people_encode(&buffer), STATUS_OK);
    assert_int_equal(wire_ask_people_decode(buffer.data, buffer.size_bytes), STATUS_OK);
    assert_int_equal(wire_ask_owners_decode(buffer.data, buffer.size_bytes), STATUS_INVALID);
    assert_int_equal(wire_ask_owners_encode(&buffer), STATUS_OK);
    assert_int_equal(wire_ask_people_decode(buffer.data, buffer.size_bytes), STATUS_INVALID);
    wire_buffer_free(&buffer);
}

/* The smallest room there is, byte by byte; the positions of what is to be broken. */
enum {
    MODE = 11,
    ADMITS = 13,
    SHOPPERS = 14,
    CLAIM = 15,
    PASS = 16,
    SALE_STATE = 18,
    SOLD_OUT = 21
};
enum { SPANS = 24, FIRST_NUMBER, FIRST_SEQUENCE, STREAM, NOW_SERVING, ISSUED_TO, ROOM_BYTES = 41 };
static const uint8_t a_room[ROOM_BYTES] = {
    0x75,       WIRE_VERSION,
    WIRE_ROOMS, 1,
    0,          0,
    0, /* one record */
    1,          0,
    0,          0, /* event, partition, instance, epoch */
    1,          0,
    1,          1,
    1,          1,
    0, /* open, no openTime, …, no message */
    1,          0,
    0,          0, /* on sale */
    0,          0, /* no run, no stream */
    1,          1,
    1,          0, /* a span: number 1 is sequence 1 */
    2,          2, /* now serving, issued to */
};

static enum status open_rooms(const uint8_t *data, size_t size_bytes) {
    struct wire_reader reader;
    return wire_rooms_open(&reader, data, size_bytes);
}

static void rooms_out_of_range_are_refused(void **state) {
    (void)state;
    assert_int_equal(open_rooms(a_room, sizeof a_room), STATUS_OK);
    assert_true(wire_check_frame(a_room, sizeof a_room));
    for (size_t size = 7; size < sizeof a_room; size++)
        assert_int_equal(open_rooms(a_room, size), STATUS_TRUNCATED);
    static const struct {
        size_t at;
        uint8_t byte;
    } bad[] = {
        {7, 0},        {8, PARTITION_COUNT}, {MODE, 4},         {ADMITS, 0},
        {SHOPPERS, 0}, {CLAIM, 0},           {PASS, 0},         {SALE_STATE, 5},
        {SOLD_OUT, 2}, {SPANS, 2},           {FIRST_NUMBER, 0}, {FIRST_SEQUENCE, 0},
        {STREAM, 1},   {ISSUED_TO, 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        uint8_t room[ROOM_BYTES];
        memcpy(room, a_room, sizeof room);
        room[bad[i].at] = bad[i].byte;
        expect(open_rooms(room, sizeof room) != STATUS_OK, "byte %zu may be %d", bad[i].at,
               bad[i].byte);
    }
}

static void a_grant_is_alone_and_of_something(void **state) {
    (void)state;
    const uint8_t good[] = {0x75, WIRE_VERSION, WIRE_GRANT, 1, 0, 0, 0, 1, 0, 0, 0, 0, 5, 3, 1};
    struct room_grant grant;
    assert_int_equal(wire_grant_decode(&grant, good, sizeof good), STATUS_OK);
    assert_true(grant.from_number == 5 && grant.from_sequence == 3 && grant.count == 1);
    static const size_t positive[] = {7, 12, 13, 14};
    for (size_t i = 0; i < ARRAY_LEN(positive); i++) {
        uint8_t bad[sizeof good];
        memcpy(bad, good, sizeof bad);
        bad[positive[i]] = 0;
        assert_int_equal(wire_grant_decode(&grant, bad, sizeof bad), STATUS_INVALID);
    }
    uint8_t two[sizeof good + 8];
    memcpy(two, good, sizeof good);
    memcpy(two + sizeof good, good + 7, 8);
    two[3] = 2;
    assert_int_equal(wire_grant_decode(&grant, two, sizeof two), STATUS_INVALID);
    const uint8_t none[] = {0x75, WIRE_VERSION, WIRE_GRANT, 0, 0, 0, 0};
    assert_int_equal(wire_grant_decode(&grant, none, sizeof none), STATUS_INVALID);
}

static enum status open_people(const uint8_t *data, size_t size_bytes) {
    struct wire_reader reader;
    return wire_people_open(&reader, data, size_bytes);
}

static void people_out_of_range_are_refused(void **state) {
    (void)state;
    enum { KIND = 7, EVENT = 8, NUMBER = 25, TURN = 26, STATUS = 41 };
    const uint8_t turn[] = {0x75,        WIRE_VERSION,
                            WIRE_PEOPLE, 1,
                            0,           0,
                            0,           WIRE_PERSON_TURN,
                            1,           1,
                            2,           3,
                            4,           5,
                            6,           7,
                            8,           9,
                            10,          11,
                            12,          13,
                            14,          15,
                            16,          5,
                            TURN_CALLED, 0};
    assert_int_equal(open_people(turn, sizeof turn), STATUS_OK);
    static const struct {
        size_t at;
        uint8_t byte;
    } bad[] = {{KIND, 0}, {KIND, 3}, {EVENT, 0}, {NUMBER, 0}, {TURN, 0}, {TURN, 9}};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        uint8_t person[sizeof turn];
        memcpy(person, turn, sizeof person);
        person[bad[i].at] = bad[i].byte;
        assert_int_equal(open_people(person, sizeof person), STATUS_INVALID);
    }
    uint8_t booking[STATUS + 1] = {0x75, WIRE_VERSION, WIRE_PEOPLE, 1, 0, 0, 0, WIRE_PERSON_BOOKING,
                                   1};
    for (unsigned status = 0; status <= BOOKING_EXPIRED + 1; status++) {
        booking[STATUS] = (uint8_t)status;
        assert_int_equal(open_people(booking, sizeof booking),
                         status == BOOKING_NONE || status > BOOKING_EXPIRED ? STATUS_INVALID
                                                                            : STATUS_OK);
    }
}

static void a_full_frame_of_rooms_stays_as_it_is(void **state) {
    (void)state;
    uint64_t seed = 24;
    struct room_state room;
    wire_random_room(&seed, &room);
    struct wire_buffer buffer = {0};
    wire_rooms_begin(&buffer);
    enum status status;
    while ((status = wire_rooms_add(&buffer, &room)) == STATUS_OK)
        continue;
    assert_int_equal(status, STATUS_LIMIT);
    assert_true(buffer.size_bytes <= WIRE_FRAME_MAX_BYTES);
    assert_int_equal(open_rooms(buffer.data, buffer.size_bytes), STATUS_OK);
    wire_buffer_free(&buffer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rooms_come_out_as_they_went_in),
        cmocka_unit_test(grants_come_out_as_they_went_in),
        cmocka_unit_test(people_come_out_as_they_went_in),
        cmocka_unit_test(asking_is_a_head_only),
        cmocka_unit_test(rooms_out_of_range_are_refused),
        cmocka_unit_test(a_grant_is_alone_and_of_something),
        cmocka_unit_test(people_out_of_range_are_refused),
        cmocka_unit_test(a_full_frame_of_rooms_stays_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
