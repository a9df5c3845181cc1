/*
 * seat_json: a seat map as GET /events/{id}/seats answers it. A whole map is made once for all
 * readers of its version, and kept for SEAT_JSON_COST_FACTOR times as long as making it took, so
 * that a hall of 100,000 seats that changes with every batch costs, with its compression, a small
 * part of the time.
 */
#ifndef USHER_GATEWAY_SEAT_JSON_H
#define USHER_GATEWAY_SEAT_JSON_H

#include "gateway/seat_maps.h"

enum { SEAT_JSON_COST_FACTOR = 50, SEAT_JSON_KEPT_MS = 1000 };

/* The whole map; belongs to the view: body_keep it. `as_of_us`: unix µs of `view->confirmed_us`.
 * NULL when there is no memory. */
struct body *seat_json_whole(const struct seat_view *view, enum seat_format format, int64_t now_us,
                             int64_t as_of_us);
/* What changed after version `since`, the caller's (body_release); NULL when that is not known any
 * more. */
struct body *seat_json_since(const struct seat_view *view, uint64_t since, int64_t as_of_us);

#endif
