/* The plain words: texts of the enums, packed seats. */
#include "shared/booking.h"
#include "shared/status.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void every_status_has_its_own_text(void **state) {
    (void)state;
    for (int a = 0; a < STATUS_COUNT; a++) {
        assert_non_null(status_text((enum status)a));
        for (int b = 0; b < a; b++)
            assert_string_not_equal(status_text((enum status)a), status_text((enum status)b));
    }
    assert_string_equal(status_text(STATUS_COUNT), "unknown status");
}

static void words_are_those_of_the_interface(void **state) {
    (void)state;
    assert_string_equal(seat_state_text(SEAT_AVAILABLE), "AVAILABLE");
    assert_string_equal(seat_state_text(SEAT_HELD), "HELD");
    assert_string_equal(seat_state_text(SEAT_BOOKED), "BOOKED");
    assert_string_equal(seat_state_text(SEAT_BLOCKED), "BLOCKED");
    assert_string_equal(booking_status_text(BOOKING_PENDING), "PENDING");
    assert_string_equal(booking_status_text(BOOKING_CONFIRMED), "CONFIRMED");
    assert_string_equal(booking_status_text(BOOKING_CANCELLED), "CANCELLED");
    assert_string_equal(booking_status_text(BOOKING_EXPIRED), "EXPIRED");
    assert_string_equal(command_kind_text(COMMAND_UPDATE_EVENT), "update-event");
    assert_string_equal(command_kind_text(COMMAND_TRANSFER), "transfer");
    for (int kind = COMMAND_RESERVE; kind <= (int)COMMAND_KIND_LAST; kind++)
        assert_true(strlen(command_kind_text((enum command_kind)kind)) > 0);
    for (int code = 0; code < REPLY_CODE_COUNT; code++)
        assert_true(strlen(reply_code_text((enum reply_code)code)) > 0);
}

static void packed_seats_keep_their_neighbours(void **state) {
    (void)state;
    enum { SEATS = 11 };
    uint8_t packed[3] = {0};
    assert_int_equal(packed_seats_bytes(SEATS), sizeof packed);
    assert_int_equal(packed_seats_bytes(0), 0);
    for (uint32_t seat = 0; seat < SEATS; seat++)
        packed_seats_set(packed, seat, (enum seat_state)(seat % 4));
    packed_seats_set(packed, 5, SEAT_BLOCKED);
    packed_seats_set(packed, 6, SEAT_AVAILABLE);
    for (uint32_t seat = 0; seat < SEATS; seat++) {
        unsigned expected = seat == 5 ? SEAT_BLOCKED : seat == 6 ? SEAT_AVAILABLE : seat % 4;
        assert_int_equal(packed_seats_get(packed, seat), expected);
    }
    assert_int_equal(packed[0], 0xe4); /* seat 0 in the lowest bits */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_its_own_text),
        cmocka_unit_test(words_are_those_of_the_interface),
        cmocka_unit_test(packed_seats_keep_their_neighbours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
