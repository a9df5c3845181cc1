/* The waiting room's words: settings as people write them, the phase, names in JetStream. */
#include "shared/booking.h"
#include "shared/room.h"
#include "tests/support/expect.h"

#include <stdio.h>

static struct room_settings defaults(void) {
    struct room_settings settings;
    room_settings_default(&settings);
    return settings;
}

static void settings_begin_as_documented(void **state) {
    (void)state;
    struct room_settings settings = defaults();
    assert_int_equal(settings.mode, ROOM_MODE_OFF);
    assert_int_equal(settings.open_us, 0);
    assert_int_equal(settings.admits_per_minute, 600);
    assert_int_equal(settings.max_shoppers, 500);
    assert_int_equal(settings.claim_ms, 120000);
    assert_int_equal(settings.pass_ms, 600000);
    assert_string_equal(settings.message, "");
}

static void what_is_named_is_applied_and_the_rest_stays(void **state) {
    (void)state;
    struct room_settings settings = defaults();
    assert_int_equal(room_settings_apply(&settings, "{}"), STATUS_OK);
    struct room_settings untouched = defaults();
    assert_memory_equal(&settings, &untouched, sizeof settings);
    assert_int_equal(room_settings_apply(&settings,
                                         "{\"mode\":\"open\",\"openTime\":\"2030-01-01T00:00:00Z\","
                                         "\"admitsPerMinute\":1,\"maxShoppers\":1000000,"
                                         "\"claimSeconds\":1,\"passSeconds\":86400,"
                                         "\"message\":\"Gr\u00fc\u00dfe\"}"),
                     STATUS_OK);
    assert_int_equal(settings.mode, ROOM_MODE_OPEN);
    assert_true(settings.open_us == 1893456000000000);
    assert_int_equal(settings.admits_per_minute, 1);
    assert_int_equal(settings.max_shoppers, 1000000);
    assert_int_equal(settings.claim_ms, 1000);
    assert_int_equal(settings.pass_ms, 86400000);
    assert_string_equal(settings.message, "Gr\u00fc\u00dfe");
    assert_int_equal(
        room_settings_apply(&settings, "{\"mode\":\"closed\",\"openTime\":null,\"message\":\"\"}"),
        STATUS_OK);
    assert_int_equal(settings.mode, ROOM_MODE_CLOSED);
    assert_int_equal(settings.open_us, 0);
    assert_int_equal(settings.admits_per_minute, 1);
    assert_string_equal(settings.message, "");
}

static void what_breaks_a_rule_changes_nothing(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        "null",
        "[]",
        "{\"mode\":\"open\"",
        "{\"mode\":\"ajar\"}",
        "{\"mode\":\"OPEN\"}",
        "{\"mode\":1}",
        "{\"mode\":\"open\",\"mode\":\"off\"}",
        "{\"admitsPerMinute\":0}",
        "{\"admitsPerMinute\":1000001}",
        "{\"admitsPerMinute\":4294967297}",
        "{\"maxShoppers\":0}",
        "{\"maxShoppers\":1.5}",
        "{\"claimSeconds\":0}",
        "{\"claimSeconds\":86401}",
        "{\"passSeconds\":null}",
        "{\"openTime\":\"soon\"}",
        "{\"message\":null}",
        "{\"message\":\"two\\nlines\"}",
        "{\"message\":\"\\u007f\"}",
        "{\"message\":\"\\u0000\"}",
        "{\"message\":\"\xff\"}",
        "{\"doors\":2}",
        "{\"maxShoppers\":5,\"admitsPerMinute\":0}",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct room_settings settings = defaults(), untouched = defaults();
        expect(room_settings_apply(&settings, bad[i]) == STATUS_INVALID, "%s", bad[i]);
        assert_memory_equal(&settings, &untouched, sizeof settings);
    }
}

static void a_message_has_five_hundred_bytes(void **state) {
    (void)state;
    struct room_settings settings = defaults();
    char json[ROOM_MESSAGE_SIZE + 32];
    (void)snprintf(json, sizeof json, "{\"message\":\"%0*d\"}", ROOM_MESSAGE_SIZE - 1, 0);
    assert_int_equal(room_settings_apply(&settings, json), STATUS_OK);
    assert_int_equal(strlen(settings.message), 500);
    (void)snprintf(json, sizeof json, "{\"message\":\"%0*d\"}", ROOM_MESSAGE_SIZE, 0);
    assert_int_equal(room_settings_apply(&settings, json), STATUS_INVALID);
    assert_int_equal(strlen(settings.message), 500);
}

static void the_first_phase_that_applies_counts(void **state) {
    (void)state;
    enum { OPENS = 100, SALE = 200, ENDS = 300 };
    static const struct {
        enum room_mode mode;
        enum show_state state;
        bool sold_out;
        int64_t now_us;
        enum room_phase phase;
    } cases[] = {
        {ROOM_MODE_OFF, SHOW_CANCELLED, true, SALE, ROOM_OFF},
        {ROOM_MODE_CLOSED, SHOW_OPEN, false, SALE, ROOM_CLOSED},
        {ROOM_MODE_OPEN, SHOW_DRAFT, false, SALE, ROOM_CLOSED},
        {ROOM_MODE_OPEN, SHOW_SALE_ENDED, false, SALE, ROOM_CLOSED},
        {ROOM_MODE_OPEN, SHOW_CANCELLED, true, SALE, ROOM_CLOSED},
        {ROOM_MODE_OPEN, SHOW_OPEN, false, OPENS - 1, ROOM_CLOSED},
        {ROOM_MODE_PAUSED, SHOW_OPEN, false, OPENS - 1, ROOM_CLOSED},
        {ROOM_MODE_OPEN, SHOW_OPEN, true, OPENS, ROOM_PREQUEUE},
        {ROOM_MODE_PAUSED, SHOW_OPEN, false, OPENS, ROOM_PREQUEUE},
        {ROOM_MODE_OPEN, SHOW_PAUSED, false, SALE - 1, ROOM_PREQUEUE},
        {ROOM_MODE_OPEN, SHOW_OPEN, false, SALE, ROOM_OPEN},
        {ROOM_MODE_OPEN, SHOW_OPEN, true, SALE, ROOM_WAITLIST},
        {ROOM_MODE_PAUSED, SHOW_OPEN, true, SALE, ROOM_WAITLIST},
        {ROOM_MODE_PAUSED, SHOW_OPEN, false, SALE, ROOM_PAUSED},
        {ROOM_MODE_OPEN, SHOW_PAUSED, false, SALE, ROOM_PAUSED},
        {ROOM_MODE_OPEN, SHOW_OPEN, false, ENDS - 1, ROOM_OPEN},
        {ROOM_MODE_OPEN, SHOW_OPEN, true, ENDS, ROOM_CLOSED},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct room_settings settings = defaults();
        settings.mode = cases[i].mode;
        settings.open_us = OPENS;
        struct room_sale sale = {.state = cases[i].state,
                                 .on_sale_us = SALE,
                                 .sale_end_us = ENDS,
                                 .sold_out = cases[i].sold_out};
        enum room_phase phase = room_phase_of(&settings, &sale, cases[i].now_us);
        expect(phase == cases[i].phase, "case %zu is %s", i, room_phase_text(phase));
    }
    struct room_settings settings = defaults();
    settings.mode = ROOM_MODE_OPEN;
    struct room_sale sale = {.state = SHOW_OPEN}; /* no times: at once and for ever */
    assert_int_equal(room_phase_of(&settings, &sale, 1), ROOM_OPEN);
    for (int phase = ROOM_OFF; phase <= ROOM_CLOSED; phase++)
        assert_int_equal(room_phase_joins((enum room_phase)phase),
                         phase != ROOM_OFF && phase != ROOM_CLOSED);
}

static void words_are_those_of_the_interface(void **state) {
    (void)state;
    assert_string_equal(room_mode_text(ROOM_MODE_OFF), "off");
    assert_string_equal(room_mode_text(ROOM_MODE_CLOSED), "closed");
    assert_string_equal(room_phase_text(ROOM_PREQUEUE), "PREQUEUE");
    assert_string_equal(room_phase_text(ROOM_CLOSED), "CLOSED");
    for (int turn = TURN_NONE; turn <= (int)TURN_STATE_LAST; turn++) {
        assert_true(strlen(turn_state_text((enum turn_state)turn)) > 0);
        assert_true(!turn_state_is_live((enum turn_state)turn) ||
                    !turn_state_is_ended((enum turn_state)turn));
    }
}

static void arrivals_come_out_as_they_went_in(void **state) {
    (void)state;
    const struct room_arrival in = {.user = {{1, [15] = 0xFE}}, .joined_us = -2};
    uint8_t bytes[ROOM_ARRIVAL_BYTES];
    room_arrival_put(bytes, &in);
    assert_int_equal(bytes[16], 0xFE); /* the lowest byte first */
    struct room_arrival out = room_arrival_get(bytes);
    assert_true(id128_equal(&out.user, &in.user) && out.joined_us == in.joined_us);
}

static void names_carry_installation_event_and_user(void **state) {
    (void)state;
    const struct id128 installation = {{0xAB, [15] = 1}}, user = {{0xCD, [15] = 2}};
    char name[ROOM_STREAM_SIZE], subject[ROOM_SUBJECT_SIZE];
    room_stream_name(name, &installation, UINT64_MAX);
    assert_string_equal(name, "USHER_ab000000000000000000000000000001_18446744073709551615");
    room_subject(subject, &installation, 7, NULL);
    assert_string_equal(subject, "usher.ab000000000000000000000000000001.room.7.*");
    struct id128 read = {{0}};
    assert_int_equal(room_subject_user(subject, &read), STATUS_INVALID);
    room_subject(subject, &installation, UINT64_MAX, &user);
    assert_string_equal(subject, "usher.ab000000000000000000000000000001.room."
                                 "18446744073709551615.cd000000000000000000000000000002");
    assert_int_equal(room_subject_user(subject, &read), STATUS_OK);
    assert_true(id128_equal(&read, &user));
    for (size_t length = strlen(subject); length-- > 0;) {
        char cut[ROOM_SUBJECT_SIZE];
        (void)snprintf(cut, sizeof cut, "%.*s", (int)length, subject);
        assert_int_equal(room_subject_user(cut, &read), STATUS_INVALID);
    }
    static const char *const bad[] = {
        "usher.ab000000000000000000000000000001.room.7.cd0000000000000000000000000000021",
        "usher.ab000000000000000000000000000001.room.7.CD000000000000000000000000000002",
        "usher.ab000000000000000000000000000001.room..cd000000000000000000000000000002",
        "usher.ab000000000000000000000000000001.room.x.cd000000000000000000000000000002",
        "usher.ab00000000000000000000000000001.room.7.cd000000000000000000000000000002",
        "usher.ab000000000000000000000000000001.seat.7.cd000000000000000000000000000002",
        "busher.ab00000000000000000000000000001.room.7.cd000000000000000000000000000002",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        expect(room_subject_user(bad[i], &read) == STATUS_INVALID, "%s", bad[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_begin_as_documented),
        cmocka_unit_test(what_is_named_is_applied_and_the_rest_stays),
        cmocka_unit_test(what_breaks_a_rule_changes_nothing),
        cmocka_unit_test(a_message_has_five_hundred_bytes),
        cmocka_unit_test(the_first_phase_that_applies_counts),
        cmocka_unit_test(words_are_those_of_the_interface),
        cmocka_unit_test(arrivals_come_out_as_they_went_in),
        cmocka_unit_test(names_carry_installation_event_and_user),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
