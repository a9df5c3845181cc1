/*
 * queue_json: the state of a queue as GET /events/{id}/queue answers it and live pushes tell it,
 * and where somebody stands in it. What everybody asks is made once for all readers of its
 * revision, and at least once a second.
 */
#ifndef USHER_GATEWAY_QUEUE_JSON_H
#define USHER_GATEWAY_QUEUE_JSON_H

#include "gateway/rooms.h"

enum { QUEUE_JSON_KEPT_MS = 1000 };

/* The members {"phase":…,"nowServing":…,…,"updatedAt":…} without braces. `as_of_us`: unix µs of
 * `view->confirmed_us`. A room that is OFF is told with zeros. */
void queue_json_put(struct text *text, const struct room_view *view, int64_t as_of_us);
/* The whole; belongs to the view: body_keep it. Its ETag is of all but updatedAt. NULL when there
 * is no memory. */
struct body *queue_json_whole(const struct room_view *view, int64_t now_us, int64_t as_of_us);
/* The answer for a room that is off, the caller's (body_release); NULL when there is no memory. */
struct body *queue_json_off(int64_t as_of_us);
/* A member of an operator's figures of an event: {"phase":…,"depth":…,…}. */
void queue_json_put_stats(struct text *text, const struct room_view *view);

/* People who wait: numbers above now_serving that are in somebody's hands. */
uint64_t queue_depth(const struct room_state *state);
/* People called a minute, as it was seen; 0: not known now. */
uint32_t queue_admits_per_minute(const struct room_state *state);
/* Numbers still before this one. */
uint64_t queue_position(const struct room_state *state, uint64_t number);
/* When its turn comes if it goes on like this; false: not known, also while the door is shut. */
MUST_CHECK bool queue_eta_seconds(const struct room_view *view, uint64_t number,
                                  uint64_t *eta_seconds);
/* "position":…,"etaSeconds":… (null when not known), without braces. */
void queue_json_put_place(struct text *text, const struct room_view *view, uint64_t number);

#endif
