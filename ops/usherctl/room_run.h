/*
 * room_run: `usherctl room`: watches a waiting room, and steers it.
 */
#ifndef USHER_OPS_USHERCTL_ROOM_RUN_H
#define USHER_OPS_USHERCTL_ROOM_RUN_H

#include "ops/usherctl/site.h"

struct room_watch {
    bool json; /* one line each time */
    bool once; /* else every second, for ever */
};

/* The figures on stdout; in a terminal in one place. While the site is away says so and goes on.
 * False with `once`, after a line on stderr. */
MUST_CHECK bool room_run_watch(struct site *site, uint64_t event_id,
                               const struct room_watch *watch);

/* open | pause | close | off | rate N | cap N | message TEXT. NULL: it is none of these; the
 * caller's. */
MUST_CHECK json_t *room_run_change(size_t count, char *const *words);
/* Changes the room and prints its settings. False after a line on stderr. */
MUST_CHECK bool room_run_steer(struct site *site, uint64_t event_id, const json_t *change);

#endif
