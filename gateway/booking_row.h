/*
 * booking_row: a booking as the gateway reads it from the database.
 */
#ifndef USHER_GATEWAY_BOOKING_ROW_H
#define USHER_GATEWAY_BOOKING_ROW_H

#include "shared/booking.h"
#include "shared/database.h"

/* A row of sql_booking, sql_bookings or sql_link_bookings; user, body hash and served time are not
 * read. False when it breaks a rule. */
MUST_CHECK bool booking_row_read(const PGresult *rows, int row, struct booking *booking);

#endif
