/*
 * booking_json: a booking as the API shows it.
 */
#ifndef USHER_GATEWAY_BOOKING_JSON_H
#define USHER_GATEWAY_BOOKING_JSON_H

#include "gateway/layout.h"

/* Whether the layout has the booking's seats; booking_json_put asks for it. */
MUST_CHECK bool booking_json_fits(const struct booking *booking, const struct layout *layout);
/* `now_us`: database time. */
void booking_json_put(struct text *text, const struct booking *booking, const struct layout *layout,
                      int64_t now_us);

#endif
