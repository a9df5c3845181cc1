#include "gateway/booking_json.h"

#include "shared/ids.h"

bool booking_json_fits(const struct booking *booking, const struct layout *layout) {
    for (uint32_t i = 0; i < booking->seat_count; i++) {
        if (booking->seats[i] >= layout_seat_count(layout)) {
            return false;
        }
    }
    return booking->seat_count <= BOOKING_SEATS_MAX;
}

static void put_money(struct text *text, int64_t value, const char *currency) {
    text_put(text, "{\"value\":");
    text_number(text, value);
    text_put(text, ",\"currency\":");
    text_json(text, currency);
    text_put(text, "}");
}

static void put_seats(struct text *text, const struct booking *booking,
                      const struct layout *layout) {
    text_put(text, ",\"seatIds\":[");
    for (uint32_t i = 0; i < booking->seat_count; i++) {
        text_put(text, i > 0 ? "," : "");
        text_json(text, layout_seat_id(layout, booking->seats[i]));
    }
    text_put(text, "],\"items\":[");
    for (uint32_t i = 0; i < booking->seat_count; i++) {
        text_put(text, i > 0 ? ",{\"seatId\":" : "{\"seatId\":");
        text_json(text, layout_seat_id(layout, booking->seats[i]));
        text_put(text, ",\"priceCategory\":");
        text_json(text, layout_section_of(layout, booking->seats[i])->category);
        text_put(text, ",\"price\":");
        put_money(text, booking->prices[i], booking->currency);
        text_put(text, "}");
    }
    text_put(text, "]");
}

void booking_json_put(struct text *text, const struct booking *booking, const struct layout *layout,
                      int64_t now_us) {
    char id[BOOKING_ID_TEXT_SIZE];
    bool open = booking->status == BOOKING_PENDING && booking->expires_us > now_us;
    text_put(text, "{\"bookingId\":\"");
    text_put(text, booking_id_to_text(booking->event_id, &booking->id, id));
    text_put(text, "\",\"status\":\"");
    text_put(text, booking_status_text(booking->status));
    text_put(text, "\",\"eventId\":");
    text_number(text, (int64_t)booking->event_id);
    put_seats(text, booking, layout);
    text_put(text, ",\"amount\":");
    put_money(text, booking->amount, booking->currency);
    text_put(text, ",\"createdAt\":");
    text_time(text, booking->created_us);
    text_put(text, ",\"expiresAt\":");
    text_time(text, booking->expires_us);
    text_put(text, ",\"expiresInSeconds\":");
    text_number(text, open ? (booking->expires_us - now_us) / 1000000 : 0);
    text_put(text, "}");
}
