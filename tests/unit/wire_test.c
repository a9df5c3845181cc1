/* Frames: what is put in comes out, and whatever else arrives is refused as a whole. */
#include "tests/fuzz/wire_check.h"
#include "tests/fuzz/wire_random.h"
#include "tests/support/expect.h"

#include <stdio.h>
#include <stdlib.h>

enum { FRAMES = 2000, FRAMES_TO_DAMAGE = 150, DAMAGED_MAX_BYTES = 1024 };

/* The linker gives us wire's calls of realloc (-Wl,--wrap=realloc). */
void *__real_realloc(void *memory, size_t size_bytes);
void *__wrap_realloc(void *memory, size_t size_bytes);
static bool no_memory(bool change, bool to) {
    static bool value;
    if (change)
        value = to;
    return value;
}
void *__wrap_realloc(void *memory, size_t size_bytes) {
    return no_memory(false, false) ? NULL : __real_realloc(memory, size_bytes);
}

static void commands_come_out_as_they_went_in(void **state) {
    (void)state;
    uint64_t seed = 17;
    struct wire_buffer buffer = {0};
    for (int i = 0; i < FRAMES; i++) {
        struct command in[3], out;
        static uint8_t arrivals[ARRAY_LEN(in)][WIRE_RANDOM_ARRIVALS_BYTES];
        struct wire_reader reader;
        uint64_t sender;
        wire_commands_begin(&buffer, (uint64_t)i);
        for (size_t k = 0; k < ARRAY_LEN(in); k++) {
            wire_random_command(&seed, &in[k], arrivals[k]);
            assert_int_equal(wire_commands_add(&buffer, &in[k]), STATUS_OK);
        }
        assert_int_equal(wire_commands_open(&reader, buffer.data, buffer.size_bytes, &sender),
                         STATUS_OK);
        assert_int_equal(sender, i);
        for (size_t k = 0; k < ARRAY_LEN(in); k++) {
            assert_true(wire_commands_next(&reader, &out));
            assert_int_equal(out.patch != NULL, in[k].patch != NULL);
            if (in[k].patch != NULL)
                assert_string_equal(out.patch, in[k].patch);
            if (in[k].arrival_count > 0)
                assert_memory_equal(out.arrivals, in[k].arrivals,
                                    (size_t)in[k].arrival_count * ROOM_ARRIVAL_BYTES);
            out.patch = in[k].patch;
            out.arrivals = in[k].arrivals;
            assert_memory_equal(&out, &in[k], sizeof out);
        }
        assert_false(wire_commands_next(&reader, &out));
    }
    wire_buffer_free(&buffer);
}

static void replies_come_out_as_they_went_in(void **state) {
    (void)state;
    uint64_t seed = 18;
    struct wire_buffer buffer = {0};
    for (int i = 0; i < FRAMES; i++) {
        struct reply in[2], out;
        static uint8_t packed[ARRAY_LEN(in)][WIRE_RANDOM_PACKED_BYTES];
        struct wire_reader reader;
        wire_replies_begin(&buffer);
        for (size_t k = 0; k < ARRAY_LEN(in); k++) {
            wire_random_reply(&seed, &in[k], packed[k]);
            assert_int_equal(wire_replies_add(&buffer, &in[k]), STATUS_OK);
        }
        assert_int_equal(wire_replies_open(&reader, buffer.data, buffer.size_bytes), STATUS_OK);
        for (size_t k = 0; k < ARRAY_LEN(in); k++) {
            assert_true(wire_replies_next(&reader, &out));
            if (in[k].packed_seat_count > 0)
                assert_memory_equal(out.packed_seats, in[k].packed_seats,
                                    packed_seats_bytes(in[k].packed_seat_count));
            out.packed_seats = in[k].packed_seats;
            assert_memory_equal(&out, &in[k], sizeof out);
        }
        assert_false(wire_replies_next(&reader, &out));
    }
    wire_buffer_free(&buffer);
}

static void a_reply_is_added_again_as_it_was(void **state) {
    (void)state;
    uint64_t seed = 19;
    struct wire_buffer first = {0}, again = {0};
    struct reply reply;
    static uint8_t packed[WIRE_RANDOM_PACKED_BYTES];
    wire_replies_begin(&first);
    wire_replies_begin(&again);
    for (int i = 0; i < 10; i++) {
        size_t before = first.size_bytes;
        wire_random_reply(&seed, &reply, packed);
        assert_int_equal(wire_replies_add(&first, &reply), STATUS_OK);
        assert_int_equal(
            wire_replies_add_encoded(&again, first.data + before, first.size_bytes - before),
            STATUS_OK);
    }
    assert_int_equal(again.size_bytes, first.size_bytes);
    assert_memory_equal(again.data, first.data, first.size_bytes);
    wire_buffer_free(&first);
    wire_buffer_free(&again);
}

static void owners_come_out_as_they_went_in(void **state) {
    (void)state;
    struct wire_buffer buffer = {0};
    struct wire_owners in = {.instance = 77}, out;
    for (uint32_t partition = 0; partition < PARTITION_COUNT; partition++)
        in.owners[in.count++] = (struct wire_owner){partition, UINT64_MAX - partition};
    assert_int_equal(wire_owners_encode(&buffer, &in), STATUS_OK);
    assert_int_equal(wire_owners_decode(&out, buffer.data, buffer.size_bytes), STATUS_OK);
    assert_int_equal(out.instance, 77);
    assert_false(out.leaving);
    assert_int_equal(out.count, PARTITION_COUNT);
    for (uint32_t i = 0; i < out.count; i++) {
        assert_int_equal(out.owners[i].partition, i);
        assert_int_equal(out.owners[i].epoch, UINT64_MAX - i);
    }

    in = (struct wire_owners){.instance = UINT64_MAX, .leaving = true};
    assert_int_equal(wire_owners_encode(&buffer, &in), STATUS_OK);
    assert_int_equal(wire_owners_decode(&out, buffer.data, buffer.size_bytes), STATUS_OK);
    assert_true(out.leaving && out.count == 0 && out.instance == UINT64_MAX);

    assert_int_equal(wire_ask_owners_decode(buffer.data, buffer.size_bytes), STATUS_INVALID);
    assert_int_equal(wire_ask_owners_encode(&buffer), STATUS_OK);
    assert_int_equal(wire_ask_owners_decode(buffer.data, buffer.size_bytes), STATUS_OK);
    assert_int_equal(wire_owners_decode(&out, buffer.data, buffer.size_bytes), STATUS_INVALID);
    wire_buffer_free(&buffer);
}

static void seat_news_come_out_as_they_went_in(void **state) {
    (void)state;
    struct wire_buffer buffer = {0};
    const struct wire_seats news[] = {
        {.event_id = 1,
         .partition = 63,
         .instance = 9,
         .epoch = 3,
         .from = 7,
         .version = 9,
         .change_count = 2},
        {.event_id = INT64_MAX, .instance = 9, .from = 5, .version = 5},
    };
    const struct wire_seat_change changes[] = {{0, SEAT_BLOCKED}, {SHOW_SEATS_MAX - 1, SEAT_HELD}};
    wire_seats_begin(&buffer);
    for (size_t i = 0; i < ARRAY_LEN(news); i++)
        assert_int_equal(wire_seats_add(&buffer, &news[i], changes), STATUS_OK);

    struct wire_reader reader;
    struct wire_seats head = {0};
    assert_int_equal(wire_seats_open(&reader, buffer.data, buffer.size_bytes), STATUS_OK);
    for (size_t i = 0; i < ARRAY_LEN(news); i++) {
        assert_true(wire_seats_next(&reader, &head));
        assert_int_equal(head.event_id, news[i].event_id);
        assert_int_equal(head.partition, news[i].partition);
        assert_int_equal(head.instance, news[i].instance);
        assert_int_equal(head.epoch, news[i].epoch);
        assert_int_equal(head.from, news[i].from);
        assert_int_equal(head.version, news[i].version);
        assert_int_equal(head.change_count, news[i].change_count);
        for (uint32_t k = 0; k < news[i].change_count; k++) {
            struct wire_seat_change change = wire_seats_change(&reader);
            assert_int_equal(change.seat, changes[k].seat);
            assert_int_equal(change.state, changes[k].state);
        }
    }
    assert_false(wire_seats_next(&reader, &head));
    wire_buffer_free(&buffer);
}

static void damaged_frames_are_refused_or_stay_in_range(void **state) {
    (void)state;
    uint64_t seed = 19;
    struct wire_buffer buffer = {0};
    for (int i = 0; i < FRAMES_TO_DAMAGE; i++) {
        do
            wire_random_frame(&seed, &buffer);
        while (buffer.size_bytes > DAMAGED_MAX_BYTES);
        assert_true(wire_check_frame(buffer.data, buffer.size_bytes));
        for (size_t size = 0; size < buffer.size_bytes; size++)
            assert_false(wire_check_frame(buffer.data, size));
        for (size_t at = 0; at < buffer.size_bytes; at++) {
            uint8_t right = buffer.data[at];
            for (int bit = 0; bit < 8; bit++) {
                buffer.data[at] = (uint8_t)(right ^ 1 << bit);
                (void)wire_check_frame(buffer.data, buffer.size_bytes);
            }
            buffer.data[at] = (uint8_t)~right;
            (void)wire_check_frame(buffer.data, buffer.size_bytes);
            buffer.data[at] = right;
        }
    }
    wire_buffer_free(&buffer);
}

static enum status open_commands(const void *data, size_t size_bytes) {
    struct wire_reader reader;
    uint64_t sender;
    return wire_commands_open(&reader, data, size_bytes, &sender);
}

static void refusals_say_what_is_wrong(void **state) {
    (void)state;
    const uint8_t empty[] = {0x75, WIRE_VERSION, WIRE_COMMANDS, 0, 0, 0, 0, 5};
    assert_int_equal(open_commands(empty, sizeof empty), STATUS_OK);
    assert_int_equal(open_commands(empty, 0), STATUS_TRUNCATED);
    assert_int_equal(open_commands(empty, sizeof empty - 1), STATUS_TRUNCATED);
    const uint8_t magic[] = {0x74, WIRE_VERSION, WIRE_COMMANDS, 0, 0, 0, 0, 5};
    assert_int_equal(open_commands(magic, sizeof magic), STATUS_INVALID);
    const uint8_t version[] = {0x75, WIRE_VERSION - 1};
    assert_int_equal(open_commands(version, sizeof version), STATUS_VERSION);
    const uint8_t type[] = {0x75, WIRE_VERSION, WIRE_REPLIES, 0, 0, 0, 0, 5};
    assert_int_equal(open_commands(type, sizeof type), STATUS_INVALID);
    const uint8_t more[] = {0x75, WIRE_VERSION, WIRE_COMMANDS, 0, 0, 0, 0, 5, 0};
    assert_int_equal(open_commands(more, sizeof more), STATUS_INVALID);
    const uint8_t padded[] = {0x75, WIRE_VERSION, WIRE_COMMANDS, 0, 0, 0, 0, 0x85, 0};
    assert_int_equal(open_commands(padded, sizeof padded), STATUS_INVALID);
    const uint8_t many[] = {0x75, WIRE_VERSION, WIRE_COMMANDS, 255, 255, 255, 255, 5};
    assert_int_equal(open_commands(many, sizeof many), STATUS_TRUNCATED);
    const uint8_t overflow[] = {0x75, WIRE_VERSION, WIRE_COMMANDS, 0,   0,   0,   0,   255, 255,
                                255,  255,          255,           255, 255, 255, 255, 2};
    assert_int_equal(open_commands(overflow, sizeof overflow), STATUS_INVALID);
}

static struct command a_command(enum command_kind kind) {
    return (struct command){.kind = kind, .event_id = 1, .seat_count = 1};
}

static void what_nobody_would_accept_is_not_added(void **state) {
    (void)state;
    struct command good = a_command(COMMAND_RESERVE);
    struct command bad[13];
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        bad[i] = good;
    bad[0].event_id = 0;
    bad[1].partition = PARTITION_COUNT;
    bad[2].seats[0] = SHOW_SEATS_MAX;
    bad[3].seat_count = BOOKING_SEATS_MAX + 1;
    bad[4].kind = (enum command_kind)(COMMAND_KIND_LAST + 1);
    bad[5].kind = COMMAND_UPDATE_EVENT;
    bad[6].pass = PASS_GOOD;
    bad[7].pass = PASS_GOOD;
    bad[7].queue_number = ROOM_NUMBER_MAX + 1;
    bad[8].kind = COMMAND_ROOM_VOUCH;
    bad[9].kind = COMMAND_ROOM_LOOK;
    bad[9].queue_number = ROOM_NUMBER_MAX + 1;
    static const uint8_t arrivals[WIRE_RANDOM_ARRIVALS_BYTES + ROOM_ARRIVAL_BYTES];
    for (size_t i = 10; i < ARRAY_LEN(bad); i++) {
        bad[i].kind = COMMAND_ROOM_REPORT;
        bad[i].queue_number = 1;
        bad[i].arrival_count = 1;
        bad[i].arrivals = arrivals;
    }
    bad[10].queue_number = 0;
    bad[11].arrival_count = ROOM_REPORT_MAX + 1;
    bad[12].arrival_count = 0;

    struct wire_buffer buffer = {0};
    wire_commands_begin(&buffer, 1);
    assert_int_equal(wire_commands_add(&buffer, &good), STATUS_OK);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(wire_commands_add(&buffer, &bad[i]), STATUS_INVALID);
    bad[12].arrival_count = 1;
    assert_int_equal(wire_commands_add(&buffer, &bad[12]), STATUS_OK);
    bad[12].arrivals = NULL;
    assert_int_equal(wire_commands_add(&buffer, &bad[12]), STATUS_INVALID);
    assert_int_equal(buffer.records, 2);
    assert_true(wire_check_frame(buffer.data, buffer.size_bytes));

    struct reply reply = {.code = REPLY_OK,
                          .has_booking = true,
                          .booking = {.event_id = 1,
                                      .status = BOOKING_PENDING,
                                      .seat_count = 1,
                                      .prices = {100},
                                      .amount = 100,
                                      .currency = "EUR"}};
    wire_replies_begin(&buffer);
    assert_int_equal(wire_replies_add(&buffer, &reply), STATUS_OK);
    reply.booking.amount = 101;
    assert_int_equal(wire_replies_add(&buffer, &reply), STATUS_INVALID);
    reply.booking.amount = reply.booking.prices[0] = -100;
    assert_int_equal(wire_replies_add(&buffer, &reply), STATUS_INVALID);
    reply = (struct reply){.has_turn = true, .turn = {.state = TURN_SKIPPED + 1}};
    assert_int_equal(wire_replies_add(&buffer, &reply), STATUS_INVALID);
    reply.turn = (struct turn_view){.number = ROOM_NUMBER_MAX + 1};
    assert_int_equal(wire_replies_add(&buffer, &reply), STATUS_INVALID);
    assert_int_equal(buffer.records, 1);
    assert_true(wire_check_frame(buffer.data, buffer.size_bytes));
    wire_buffer_free(&buffer);
}

static void a_full_frame_stays_as_it_is(void **state) {
    (void)state;
    struct command command = a_command(COMMAND_UPDATE_EVENT);
    char *patch = malloc(EVENT_PATCH_MAX_BYTES + 2);
    expect(patch != NULL, "no memory");
    memset(patch, ' ', EVENT_PATCH_MAX_BYTES + 1);
    patch[EVENT_PATCH_MAX_BYTES + 1] = '\0';
    command.patch = patch;
    struct wire_buffer buffer = {0};
    wire_commands_begin(&buffer, 1);
    assert_int_equal(wire_commands_add(&buffer, &command), STATUS_INVALID);
    patch[EVENT_PATCH_MAX_BYTES] = '\0';
    enum status status;
    while ((status = wire_commands_add(&buffer, &command)) == STATUS_OK)
        continue;
    assert_int_equal(status, STATUS_LIMIT);
    assert_int_equal(buffer.records, WIRE_FRAME_MAX_BYTES / EVENT_PATCH_MAX_BYTES);
    assert_true(wire_check_frame(buffer.data, buffer.size_bytes));
    struct command small = a_command(COMMAND_SNAPSHOT);
    assert_int_equal(wire_commands_add(&buffer, &small), STATUS_OK);
    wire_buffer_free(&buffer);
    free(patch);
}

static void without_memory_nothing_is_added(void **state) {
    (void)state;
    struct command command = a_command(COMMAND_SNAPSHOT);
    struct wire_buffer buffer = {0};
    no_memory(true, true);
    wire_commands_begin(&buffer, 1);
    assert_true(buffer.failed);
    assert_int_equal(wire_commands_add(&buffer, &command), STATUS_NO_MEMORY);
    assert_int_equal(wire_ask_owners_encode(&buffer), STATUS_NO_MEMORY);
    no_memory(true, false);
    wire_commands_begin(&buffer, 1);
    assert_int_equal(wire_commands_add(&buffer, &command), STATUS_OK);
    no_memory(true, true);
    enum status status;
    while ((status = wire_commands_add(&buffer, &command)) == STATUS_OK)
        continue;
    assert_int_equal(status, STATUS_NO_MEMORY);
    no_memory(true, false);
    assert_true(wire_check_frame(buffer.data, buffer.size_bytes));
    wire_buffer_free(&buffer);
}

static void subjects_name_installation_and_instance(void **state) {
    (void)state;
    const struct id128 installation = {{0xAB, 0xCD, [15] = 1}};
    char subject[WIRE_SUBJECT_SIZE];
    wire_subject_worker(subject, &installation, 0xFF);
    assert_string_equal(subject, "usher.abcd0000000000000000000000000001.worker.00000000000000ff");
    wire_subject_gateway(subject, &installation, UINT64_MAX);
    assert_string_equal(subject, "usher.abcd0000000000000000000000000001.gateway.ffffffffffffffff");
    wire_subject_owners(subject, &installation);
    assert_string_equal(subject, "usher.abcd0000000000000000000000000001.owners");
    wire_subject_ask_owners(subject, &installation);
    assert_string_equal(subject, "usher.abcd0000000000000000000000000001.ask-owners");
    wire_subject_seats(subject, &installation);
    assert_string_equal(subject, "usher.abcd0000000000000000000000000001.seats");
    wire_subject_rooms(subject, &installation);
    assert_string_equal(subject, "usher.abcd0000000000000000000000000001.rooms");
    wire_subject_grants(subject, &installation);
    assert_string_equal(subject, "usher.abcd0000000000000000000000000001.grants");
    wire_subject_people(subject, &installation);
    assert_string_equal(subject, "usher.abcd0000000000000000000000000001.people");
    wire_subject_ask_people(subject, &installation);
    assert_string_equal(subject, "usher.abcd0000000000000000000000000001.ask-people");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_come_out_as_they_went_in),
        cmocka_unit_test(replies_come_out_as_they_went_in),
        cmocka_unit_test(a_reply_is_added_again_as_it_was),
        cmocka_unit_test(owners_come_out_as_they_went_in),
        cmocka_unit_test(seat_news_come_out_as_they_went_in),
        cmocka_unit_test(damaged_frames_are_refused_or_stay_in_range),
        cmocka_unit_test(refusals_say_what_is_wrong),
        cmocka_unit_test(what_nobody_would_accept_is_not_added),
        cmocka_unit_test(a_full_frame_stays_as_it_is),
        cmocka_unit_test(without_memory_nothing_is_added),
        cmocka_unit_test(subjects_name_installation_and_instance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
