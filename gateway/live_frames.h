/*
 * live_frames: what is said over live connections, as frames that many sessions share (ws/frame.h).
 * The words are documented in web/openapi.json, GET /events/{id}/live.
 *
 * Every function returns one reference, the caller's, and counts the frame; NULL when there is no
 * memory.
 */
#ifndef USHER_GATEWAY_LIVE_FRAMES_H
#define USHER_GATEWAY_LIVE_FRAMES_H

#include "gateway/body.h"
#include "gateway/live_numbers.h"
#include "gateway/seat_maps.h"
#include "gateway/ws/frame.h"

struct ws_frame *live_frame_hello(struct live_numbers *numbers, uint64_t seats_version,
                                  uint64_t instance);
/* What every seat is now that changed after version `since`; maybe none. NULL also when that is not
 * known any more. */
struct ws_frame *live_frame_seats(struct live_numbers *numbers, const struct seat_view *view,
                                  uint64_t since);
/* `body`: the queue's state as GET /events/{id}/queue answers it. */
struct ws_frame *live_frame_queue(struct live_numbers *numbers, const struct body *body);
struct ws_frame *live_frame_message(struct live_numbers *numbers, const char *message);
struct ws_frame *live_frame_auth(struct live_numbers *numbers, const struct id128 *user);
struct ws_frame *live_frame_person(struct live_numbers *numbers, const struct wire_person *person);

#endif
