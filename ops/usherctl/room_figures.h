/*
 * room_figures: how a waiting room stands, as `usherctl room EVENT` shows it: from an event and its
 * stats as the site tells them to admins. Pure.
 *
 * As JSON: {"at","event","name","phase","mode","depth","nowServing","lastNumber","joinsPerSecond",
 * "admitsPerMinute","admitsPerMinuteMax","shoppers","turns","passes","maxShoppers","claimed",
 * "missed","left","bought","claimRate": of the turns that were claimed or missed, null before any,
 * "oldestWaitingSeconds","lastEtaSeconds": when who is last comes in, null: not known, "message"}
 */
#ifndef USHER_OPS_USHERCTL_ROOM_FIGURES_H
#define USHER_OPS_USHERCTL_ROOM_FIGURES_H

#include "shared/base.h"

#include <jansson.h>
#include <stdio.h>

/* `event`: GET /admin/events/{id}; `stats`: its stats. Times are unix µs. NULL: they are not what
 * they should be, or nobody knows the room now. The caller's. */
MUST_CHECK json_t *room_figures_make(const json_t *event, const json_t *stats, int64_t now_us);
/* For people, some ten lines. `line_end` ends each, without a newline. */
void room_figures_print(FILE *out, const json_t *figures, const char *line_end);

#endif
