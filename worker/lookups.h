/*
 * lookups: commands that name a booking which may have ended, on their way to the database and
 * back.
 *
 *   lookups_begin --batches of before finished--> asked --answer--> on_found: decide again, knowing
 *
 * The database is asked only when everything decided before is stored, and meanwhile nothing about
 * that booking is decided: later commands that name it wait behind the first (lookups_hold). So
 * what the database says is what memory would say. At most LOOKUPS_MAX bookings at a time; a
 * command past that is dropped, its sender repeats it.
 */
#ifndef USHER_WORKER_LOOKUPS_H
#define USHER_WORKER_LOOKUPS_H

#include "worker/shows.h"

struct lookups;

enum { LOOKUPS_MAX = 2048 };

/* `on_found` takes the works: the first one's `lookup` says what was found. */
MUST_CHECK struct lookups *lookups_create(struct shows *shows,
                                          void (*on_found)(void *context, struct work_list *works),
                                          void *context);
/* What waits is dropped. NULL is allowed. Before the shows are destroyed. */
void lookups_destroy(struct lookups *lookups);
/* Takes the work when its booking is being looked up; false: it is still the caller's. */
MUST_CHECK bool lookups_hold(struct lookups *lookups, struct work *work);
/* Takes the work. Asks when `batch`, the number of the newest batch there is, is finished. */
void lookups_begin_take(struct lookups *lookups, struct work *work, uint64_t batch,
                        uint64_t finished_batch);
void lookups_batch_finished(struct lookups *lookups, uint64_t finished_batch);

#endif
