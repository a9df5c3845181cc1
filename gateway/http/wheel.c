#include "gateway/http/wheel.h"

enum { TICK_US = HTTP_TICK_MS * 1000 };

void http_wheel_init(struct http_wheel *wheel, int64_t now_us) {
    wheel->tick = now_us / TICK_US;
    for (size_t i = 0; i < HTTP_WHEEL_SLOTS; i++)
        LIST_INIT(&wheel->slots[i]);
}

void http_wheel_clear(struct http_timer *timer) {
    if (timer->due_tick)
        LIST_REMOVE(timer, entry);
    timer->due_tick = 0;
}

void http_wheel_set(struct http_wheel *wheel, struct http_timer *timer, int64_t due_us) {
    int64_t tick = due_us / TICK_US + 1;
    if (tick <= wheel->tick)
        tick = wheel->tick + 1;
    if (tick == timer->due_tick)
        return;
    http_wheel_clear(timer);
    timer->due_tick = tick;
    LIST_INSERT_HEAD(&wheel->slots[tick % HTTP_WHEEL_SLOTS], timer, entry);
}

static void empty_slot(struct http_wheel *wheel, size_t slot, int64_t now_tick,
                       void (*fired)(void *context, struct http_timer *timer), void *context) {
    /* On a list of its own, since `fired` may change the slot's. */
    struct http_timer_list list = wheel->slots[slot];
    LIST_INIT(&wheel->slots[slot]);
    if (!LIST_EMPTY(&list))
        LIST_FIRST(&list)->entry.le_prev = &list.lh_first;
    while (!LIST_EMPTY(&list)) {
        struct http_timer *timer = LIST_FIRST(&list);
        LIST_REMOVE(timer, entry);
        if (timer->due_tick > now_tick) {
            LIST_INSERT_HEAD(&wheel->slots[slot], timer, entry);
            continue;
        }
        timer->due_tick = 0;
        fired(context, timer);
    }
}

void http_wheel_advance(struct http_wheel *wheel, int64_t now_us,
                        void (*fired)(void *context, struct http_timer *timer), void *context) {
    int64_t now_tick = now_us / TICK_US;
    int64_t first = wheel->tick + 1;
    /* After a long freeze one turn visits every slot. */
    if (first <= now_tick - HTTP_WHEEL_SLOTS)
        first = now_tick - HTTP_WHEEL_SLOTS + 1;
    wheel->tick = now_tick;
    for (int64_t tick = first; tick <= now_tick; tick++)
        empty_slot(wheel, (size_t)(tick % HTTP_WHEEL_SLOTS), now_tick, fired, context);
}
