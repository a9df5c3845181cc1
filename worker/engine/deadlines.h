/*
 * deadlines: the open holds in order of (deadline, booking id): a binary heap. The id makes the
 * order the same whatever order they were added in. Adding and removing are O(log holds).
 */
#ifndef USHER_WORKER_ENGINE_DEADLINES_H
#define USHER_WORKER_ENGINE_DEADLINES_H

#include "shared/status.h"
#include "worker/engine/live_booking.h"

struct deadlines;

/* NULL when there is no memory. */
MUST_CHECK struct deadlines *deadlines_create(void);
/* Frees the order, not the bookings. NULL is allowed. */
void deadlines_destroy(struct deadlines *deadlines);

/* Makes sure that one more can be added. STATUS_NO_MEMORY. */
MUST_CHECK enum status deadlines_make_room(struct deadlines *deadlines);
/* Needs room made. The booking's id and deadline stay as they are while it is in the order. */
void deadlines_add(struct deadlines *deadlines, struct live_booking *booking);
void deadlines_remove(struct deadlines *deadlines, struct live_booking *booking);
/* The earliest, or NULL. */
struct live_booking *deadlines_first(const struct deadlines *deadlines);
size_t deadlines_count(const struct deadlines *deadlines);
/* Is the booking where it says, and not before its parent in the heap? */
bool deadlines_holds(const struct deadlines *deadlines, const struct live_booking *booking);
size_t deadlines_size_bytes(const struct deadlines *deadlines);

#endif
