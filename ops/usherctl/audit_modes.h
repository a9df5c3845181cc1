/*
 * audit_modes: from the log of the administration (usher.admin_log): when a waiting room surely was
 * on, and which of its settings were never changed. Pure.
 *
 * The log has a line before each change and its outcome afterwards, so a change took effect at some
 * time between the line and AUDIT_SWITCH_US later. A room surely is on from that time after it was
 * switched on (or from when its owner first vouched for a stream meanwhile, since it does that for
 * rooms that are on) until the line that switches it off.
 */
#ifndef USHER_OPS_USHERCTL_AUDIT_MODES_H
#define USHER_OPS_USHERCTL_AUDIT_MODES_H

#include "ops/usherctl/audit.h"

enum { AUDIT_SWITCH_US = 10 * 1000 * 1000 };

enum audit_outcome { AUDIT_DONE, AUDIT_REFUSED, AUDIT_UNKNOWN };

/* A line of the log about an event. */
struct audit_change {
    int64_t at_us;
    enum audit_outcome outcome;
    bool creates; /* POST /admin/events: what it does not name is the default */
    bool has_mode;
    enum room_mode mode;
    bool has_max_shoppers;
    bool has_claim;
    bool has_pass;
};

struct audit_modes {
    struct audit_room *room;
    const int64_t *vouched_us; /* of the spans */
    bool known;                /* is_on is certain */
    bool is_on;
    bool always_known;
};

/* `now` are today's settings; `mode_changes`: whether any line that is no creation and was not
 * refused names a mode; if none does, today's was the event's from the beginning, `created_us`.
 * Fills in what is known of `room`, whose spans are there. */
void audit_modes_begin(struct audit_modes *modes, struct audit_room *room,
                       const int64_t *vouched_us, const struct room_settings *now,
                       int64_t created_us, bool mode_changes);
/* The lines in order. */
void audit_modes_add(struct audit_modes *modes, const struct audit_change *change);
/* Where the log does not lead to today's mode nothing is known. */
void audit_modes_finish(struct audit_modes *modes, const struct room_settings *now);

#endif
