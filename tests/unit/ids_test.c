/* Identifiers and partitions. What is stored in databases is pinned to values computed elsewhere.
 */
#include "shared/ids.h"
#include "shared/mac.h"
#include "shared/partition.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct id128 id_of(const char *hex) {
    struct id128 id;
    assert_int_equal(id128_from_text(hex, &id), STATUS_OK);
    return id;
}

static void text_goes_round(void **state) {
    (void)state;
    for (int i = 0; i < 1000; i++) {
        struct id128 id = id128_random(), again;
        char text[ID128_TEXT_SIZE], uuid[UUID_TEXT_SIZE];
        assert_int_equal(id128_from_text(id128_to_text(&id, text), &again), STATUS_OK);
        assert_true(id128_equal(&id, &again));
        assert_int_equal(id128_from_uuid(id128_to_uuid(&id, uuid), &again), STATUS_OK);
        assert_true(id128_equal(&id, &again));
    }
    char text[ID128_TEXT_SIZE], uuid[UUID_TEXT_SIZE];
    struct id128 id = id_of("00112233445566778899aabbccddeeff");
    assert_string_equal(id128_to_text(&id, text), "00112233445566778899aabbccddeeff");
    assert_string_equal(id128_to_uuid(&id, uuid), "00112233-4455-6677-8899-aabbccddeeff");
}

static void random_ids_differ(void **state) {
    (void)state;
    struct id128 a = id128_random(), b = id128_random();
    assert_false(id128_equal(&a, &b));
    assert_false(id128_is_zero(&a));
}

static void refuses_what_is_no_id(void **state) {
    (void)state;
    static const char *const cases[] = {
        "",
        "0",
        "00112233445566778899aabbccddeef",
        "00112233445566778899aabbccddeeff0",
        "00112233445566778899AABBCCDDEEFF",
        "00112233445566778899aabbccddeefg",
        "g0112233445566778899aabbccddeeff",
        " 0112233445566778899aabbccddeeff",
        "00112233-4455-6677-8899-aabbccddeeff",
    };
    struct id128 id = id128_random(), before = id;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(id128_from_text(cases[i], &id), STATUS_INVALID);
    assert_true(id128_equal(&id, &before));
}

static void uuids_are_canonical_in_either_case(void **state) {
    (void)state;
    static const char *const cases[] = {
        "",
        "00112233445566778899aabbccddeeff",
        "00112233-4455-6677-8899-aabbccddeef",
        "00112233-4455-6677-8899-aabbccddeeff0",
        "001122334-455-6677-8899-aabbccddeeff",
        "00112233-4455-6677-8899-aabbccddee-f",
        "00112233-4455-6677-8899-aabbccddeegf",
        "00112233_4455-6677-8899-aabbccddeeff",
        "{0112233-4455-6677-8899-aabbccddeef}",
    };
    struct id128 id, expected = id_of("00112233445566778899aabbccddeeff");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(id128_from_uuid(cases[i], &id), STATUS_INVALID);
    assert_int_equal(id128_from_uuid("00112233-4455-6677-8899-AABBccDDeeFF", &id), STATUS_OK);
    assert_true(id128_equal(&id, &expected));
}

static void uuid7_begins_with_its_time(void **state) {
    (void)state;
    char a[UUID_TEXT_SIZE], b[UUID_TEXT_SIZE];
    uuid7_text(0x0193f2a4b6c8, a);
    uuid7_text(0x0193f2a4b6c8, b);
    assert_memory_equal(a, "0193f2a4-b6c8-7", 15);
    assert_non_null(strchr("89ab", a[19]));
    assert_int_equal(strlen(a), UUID_TEXT_SIZE - 1);
    assert_string_not_equal(a, b);
}

static const char user_text[] = "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf";

static void expect_booking_id(uint64_t event_id, const char *key, const char *expected) {
    uint8_t bytes[MAC_KEY_BYTES];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)i;
    struct mac *installation_key = mac_create(bytes);
    struct id128 user = id_of(user_text);
    struct id128 id = booking_id_derive(installation_key, &user, event_id, key);
    mac_destroy(installation_key);
    char text[ID128_TEXT_SIZE];
    assert_string_equal(id128_to_text(&id, text), expected);
}

/* A change here would make every repeat of an old request a new booking. */
static void derived_booking_ids_never_change(void **state) {
    (void)state;
    expect_booking_id(17, "order-1", "52650bbbe37506323565d06b0f401f5c");
    expect_booking_id(18, "order-1", "480465a07a3e6379b762ed5ec593e78e");
    expect_booking_id(17, "0193f2a4-b6c8-7d10-a1b2-c3d4e5f60718", /* a UUIDv7 gives its time */
                      "0193f2a4b6c8"
                      "469bece06df7fb7a01ca");
    expect_booking_id(17, "0193f2a4-b6c8-4d10-a1b2-c3d4e5f60718", /* other UUIDs don't */
                      "2401bc52c11cb85d612cdab1dae4206f");
    char longest[129];
    memset(longest, 'x', 128);
    longest[128] = '\0';
    expect_booking_id(17, longest, "10da44ac5915fcbae9283a23036fe888");
}

static void every_part_makes_another_booking(void **state) {
    (void)state;
    const uint8_t bytes[MAC_KEY_BYTES] = {1}, other_bytes[MAC_KEY_BYTES] = {2};
    struct mac *key = mac_create(bytes), *other_key = mac_create(other_bytes);
    struct id128 user = id_of(user_text), other_user = id128_random();
    struct id128 ids[] = {
        booking_id_derive(key, &user, 1, "a"),       booking_id_derive(other_key, &user, 1, "a"),
        booking_id_derive(key, &other_user, 1, "a"), booking_id_derive(key, &user, 2, "a"),
        booking_id_derive(key, &user, 1, "b"),       booking_id_derive(key, &user, 1, "aa"),
    };
    for (size_t a = 0; a < ARRAY_LEN(ids); a++)
        for (size_t b = 0; b < a; b++)
            assert_false(id128_equal(&ids[a], &ids[b]));
    mac_destroy(key);
    mac_destroy(other_key);
}

static void public_booking_ids_go_round(void **state) {
    (void)state;
    static const uint64_t events[] = {1, 17, 1000000, INT64_MAX};
    for (size_t i = 0; i < ARRAY_LEN(events); i++) {
        struct id128 id = id128_random(), again;
        uint64_t event_id;
        char text[BOOKING_ID_TEXT_SIZE];
        booking_id_to_text(events[i], &id, text);
        assert_int_equal(booking_id_from_text(text, &event_id, &again), STATUS_OK);
        assert_true(event_id == events[i] && id128_equal(&id, &again));
    }
    struct id128 id = id_of("0193f2a4b6c87d10a1b2c3d4e5f60718");
    char text[BOOKING_ID_TEXT_SIZE];
    assert_string_equal(booking_id_to_text(17, &id, text), "17-0193f2a4b6c87d10a1b2c3d4e5f60718");
    assert_string_equal(booking_id_to_text(UINT64_MAX, &id, text),
                        "18446744073709551615-0193f2a4b6c87d10a1b2c3d4e5f60718");
}

static void refuses_what_is_no_booking_id(void **state) {
    (void)state;
    static const char *const cases[] = {
        "",
        "17",
        "17-",
        "-0193f2a4b6c87d10a1b2c3d4e5f60718",
        "0-0193f2a4b6c87d10a1b2c3d4e5f60718",
        "017-0193f2a4b6c87d10a1b2c3d4e5f60718",
        "+17-0193f2a4b6c87d10a1b2c3d4e5f60718",
        "17 -0193f2a4b6c87d10a1b2c3d4e5f60718",
        "17-0193F2A4b6c87d10a1b2c3d4e5f60718",
        "17-0193f2a4b6c87d10a1b2c3d4e5f60718 ",
        "17-0193f2a4b6c87d10a1b2c3d4e5f6071",
        "9223372036854775808-0193f2a4b6c87d10a1b2c3d4e5f60718",
        "18446744073709551633-0193f2a4b6c87d10a1b2c3d4e5f60718", /* 17 + 2^64 */
        "99999999999999999999-0193f2a4b6c87d10a1b2c3d4e5f60718",
    };
    uint64_t event_id;
    struct id128 id;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(booking_id_from_text(cases[i], &event_id, &id), STATUS_INVALID);
}

/* A change here would take everybody's bookings from them. */
static void users_are_named_by_issuer_and_subject(void **state) {
    (void)state;
    char text[ID128_TEXT_SIZE];
    struct id128 alice = user_id_derive("https://login.example/", "alice");
    assert_string_equal(id128_to_text(&alice, text), "5e68e3c0f08eb76d10d0603a52962146");
    static const char *const others[][2] = {
        {"https://login.example", "/alice"}, {"https://login.example/a", "lice"},
        {"https://login.example/", "Alice"}, {"https://login.example/", "alice "},
        {"alice", "https://login.example/"},
    };
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        struct id128 other = user_id_derive(others[i][0], others[i][1]);
        assert_false(id128_equal(&alice, &other));
    }
    char longest[USER_NAME_MAX_BYTES + 1];
    memset(longest, 'x', USER_NAME_MAX_BYTES);
    longest[USER_NAME_MAX_BYTES] = '\0';
    struct id128 long_one = user_id_derive(longest, longest);
    assert_false(id128_is_zero(&long_one));
}

/* A change here would give an event two owners. */
static void partitions_never_change(void **state) {
    (void)state;
    static const struct {
        uint64_t event_id;
        uint32_t partition;
    } cases[] = {
        {0, 5},  {1, 36},    {2, 7},          {17, 52},        {63, 26},
        {64, 5}, {1000, 28}, {123456789, 25}, {INT64_MAX, 61}, {UINT64_MAX, 61},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(partition_of_event(cases[i].event_id), cases[i].partition);
}

static void events_spread_over_partitions(void **state) {
    (void)state;
    uint32_t events[PARTITION_COUNT] = {0};
    for (uint64_t event_id = 1; event_id <= 6400; event_id++)
        events[partition_of_event(event_id)]++;
    for (uint32_t i = 0; i < PARTITION_COUNT; i++)
        assert_in_range(events[i], 50, 150);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_goes_round),
        cmocka_unit_test(random_ids_differ),
        cmocka_unit_test(refuses_what_is_no_id),
        cmocka_unit_test(uuids_are_canonical_in_either_case),
        cmocka_unit_test(uuid7_begins_with_its_time),
        cmocka_unit_test(derived_booking_ids_never_change),
        cmocka_unit_test(every_part_makes_another_booking),
        cmocka_unit_test(public_booking_ids_go_round),
        cmocka_unit_test(refuses_what_is_no_booking_id),
        cmocka_unit_test(users_are_named_by_issuer_and_subject),
        cmocka_unit_test(partitions_never_change),
        cmocka_unit_test(events_spread_over_partitions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
