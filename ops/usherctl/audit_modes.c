#include "ops/usherctl/audit_modes.h"

static struct audit_period *open_period(const struct audit_modes *modes) {
    struct audit_room *room = modes->room;
    struct audit_period *last = room->on_count > 0 ? &room->on[room->on_count - 1] : NULL;
    return last != NULL && last->to_us == INT64_MAX ? last : NULL;
}

static void switch_on(struct audit_modes *modes, int64_t from_us) {
    struct audit_room *room = modes->room;
    if (open_period(modes) == NULL && room->on_count < AUDIT_PERIODS_MAX)
        room->on[room->on_count++] = (struct audit_period){from_us, INT64_MAX};
}

static void switch_off(struct audit_modes *modes, int64_t at_us) {
    struct audit_period *open = open_period(modes);
    if (open != NULL && open->from_us < at_us)
        open->to_us = at_us;
    else if (open != NULL)
        modes->room->on_count--;
}

void audit_modes_begin(struct audit_modes *modes, struct audit_room *room,
                       const int64_t *vouched_us, const struct room_settings *now,
                       int64_t created_us, bool mode_changes) {
    *modes = (struct audit_modes){.room = room,
                                  .vouched_us = vouched_us,
                                  .known = !mode_changes,
                                  .is_on = !mode_changes && now->mode != ROOM_MODE_OFF,
                                  .always_known = !mode_changes};
    room->max_shoppers = now->max_shoppers;
    room->claim_ms = now->claim_ms;
    room->pass_ms = now->pass_ms;
    room->on_count = 0;
    if (modes->is_on)
        switch_on(modes, created_us);
}

/* When a room that was switched on at `at_us` surely was. */
static int64_t surely_on_us(const struct audit_modes *modes, int64_t at_us) {
    for (uint32_t i = 0; i < modes->room->span_count; i++)
        if (modes->vouched_us[i] >= at_us && modes->vouched_us[i] < at_us + AUDIT_SWITCH_US)
            return modes->vouched_us[i];
    return at_us + AUDIT_SWITCH_US;
}

static void change_mode(struct audit_modes *modes, const struct audit_change *change) {
    bool on = change->mode != ROOM_MODE_OFF;
    if (modes->known && modes->is_on == on)
        return;
    if (!on)
        switch_off(modes, change->at_us);
    modes->known = change->outcome == AUDIT_DONE;
    modes->is_on = on;
    modes->always_known = modes->known && (change->creates || modes->always_known);
    if (on && modes->known)
        switch_on(modes, change->creates ? change->at_us : surely_on_us(modes, change->at_us));
}

void audit_modes_add(struct audit_modes *modes, const struct audit_change *change) {
    struct audit_room *room = modes->room;
    if (change->outcome == AUDIT_REFUSED)
        return;
    if (change->creates || change->has_mode)
        change_mode(modes, change);
    if (change->creates)
        return;
    room->max_shoppers = change->has_max_shoppers ? 0 : room->max_shoppers;
    room->claim_ms = change->has_claim ? 0 : room->claim_ms;
    room->pass_ms = change->has_pass ? 0 : room->pass_ms;
}

void audit_modes_finish(struct audit_modes *modes, const struct room_settings *now) {
    struct audit_room *room = modes->room;
    bool on = now->mode != ROOM_MODE_OFF;
    room->on_known = modes->known && modes->always_known && modes->is_on == on;
    if (modes->known && modes->is_on != on)
        room->on_count = 0;
}
