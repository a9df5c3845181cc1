/*
 * wheel: many coarse time limits at the price of list operations. A timer lies in the slot of its
 * tick; a due slot is emptied tick by tick. Limits fire up to one tick late, never early. Timers
 * further away than one turn of the wheel stay in their slot until their tick comes.
 */
#ifndef USHER_GATEWAY_HTTP_WHEEL_H
#define USHER_GATEWAY_HTTP_WHEEL_H

#include "shared/base.h"

#include <sys/queue.h>

enum { HTTP_TICK_MS = 100, HTTP_WHEEL_SLOTS = 256 };

/* Embedded in what is limited. Zero-initialised is not set. */
struct http_timer {
    LIST_ENTRY(http_timer) entry;
    int64_t due_tick; /* 0: not set */
};

LIST_HEAD(http_timer_list, http_timer);

struct http_wheel {
    int64_t tick; /* the last one that was worked off */
    struct http_timer_list slots[HTTP_WHEEL_SLOTS];
};

void http_wheel_init(struct http_wheel *wheel, int64_t now_us);
/* Sets or moves. */
void http_wheel_set(struct http_wheel *wheel, struct http_timer *timer, int64_t due_us);
void http_wheel_clear(struct http_timer *timer);
/* Calls `fired` for every timer that is due; it is not set any more. `fired` may set and clear any
 * timer. */
void http_wheel_advance(struct http_wheel *wheel, int64_t now_us,
                        void (*fired)(void *context, struct http_timer *timer), void *context);

#endif
