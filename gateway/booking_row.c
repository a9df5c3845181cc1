#include "gateway/booking_row.h"

#include <stdio.h>

bool booking_row_read(const PGresult *rows, int row, struct booking *booking) {
    int32_t seats[BOOKING_SEATS_MAX] = {0};
    size_t seat_count = database_i32_array(rows, row, 3, seats, BOOKING_SEATS_MAX);
    size_t price_count = database_i64_array(rows, row, 4, booking->prices, BOOKING_SEATS_MAX);
    int16_t status = database_i16(rows, row, 2);
    if (seat_count > BOOKING_SEATS_MAX || price_count != seat_count || status < BOOKING_PENDING ||
        status > BOOKING_EXPIRED) {
        return false;
    }
    for (size_t i = 0; i < seat_count; i++) {
        booking->seats[i] = (uint32_t)seats[i];
    }
    booking->event_id = (uint64_t)database_i64(rows, row, 0);
    booking->id = database_uuid(rows, row, 1);
    booking->status = (enum booking_status)status;
    booking->seat_count = (uint32_t)seat_count;
    booking->amount = database_i64(rows, row, 5);
    (void)snprintf(booking->currency, sizeof booking->currency, "%s", database_text(rows, row, 6));
    booking->created_us = database_time_us(rows, row, 7);
    booking->expires_us = database_time_us(rows, row, 8);
    return true;
}
