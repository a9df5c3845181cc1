/*
 * worker: one process that decides. Puts the parts together and carries them from instance to
 * instance.
 *
 *   STARTING --installation read--> SEEKING --control alive--> SERVING --SIGTERM--> LEAVING --> end
 *                                      ^                          |
 *                                      +-- control session lost --+
 *
 * Every instance begins anew: nothing is remembered but the answers given (worker/answers.h).
 *
 * Commands: bus → intake → committer (decide → engine → batch → PostgreSQL) → intake → bus.
 * Everything runs on one event loop; nothing blocks it.
 */
#ifndef USHER_WORKER_WORKER_H
#define USHER_WORKER_WORKER_H

#include "shared/config.h"

#include <event2/event.h>

struct worker;

enum { WORKER_LEAVE_LIMIT_MS = 5000, WORKER_WRITE_PATIENCE_S = 5 };

/* NULL, logged, when it can't start (memory, the ops port). An absent database or bus is waited
 * for. */
MUST_CHECK struct worker *worker_create(struct event_base *base, const struct config *config);
/* Drains, releases, tells; then, or after WORKER_LEAVE_LIMIT_MS, leaves the event loop. */
void worker_leave(struct worker *worker);
void worker_destroy(struct worker *worker);
/* Whether the process should end with an error: the database belongs to other programs. */
bool worker_failed(const struct worker *worker);

#endif
