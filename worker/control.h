/*
 * control: the session that says "this worker is alive", and nothing else.
 *
 * It holds one advisory lock, the number of the worker's *instance* (random, one session, never
 * reused), and asks the database's time every CONTROL_HEARTBEAT_MS. PostgreSQL ends it when nothing
 * came for CONTROL_IDLE_TIMEOUT_MS (a frozen process), or when the network to it is dead; with the
 * session goes the lock, and others may take over. The time-outs travel in the startup packet; when
 * SHOW says otherwise the worker owns nothing.
 *
 *   CONNECTING --up--> CHECKING --settings right--> LOCKING --granted--> ALIVE
 *        |                  |                           |                   |
 *        +------------------+------- refused, lost -----+-------------------+--> on_lost
 *
 * After on_lost the instance is over: the owner destroys the control and makes another with a new
 * instance.
 */
#ifndef USHER_WORKER_CONTROL_H
#define USHER_WORKER_CONTROL_H

#include "shared/clock.h"
#include "shared/database.h"

struct control;

enum {
    CONTROL_HEARTBEAT_MS = 500,
    CONTROL_IDLE_TIMEOUT_MS = 2500,
    CONTROL_CONNECT_TIMEOUT_MS = 3000
};

struct control_config {
    struct event_base *base;
    const char *database_url;
    const char *application_name;
    uint64_t instance; /* 1 … INT64_MAX */
    struct database_clock *clock;
    void (*on_alive)(void *context);
    void (*on_lost)(void *context); /* once; also when it never was alive */
    void *context;
};

MUST_CHECK struct control *control_create(const struct control_config *config);
/* When the database last answered a heartbeat; monotonic µs, 0 before the first. */
int64_t control_heard_us(const struct control *control);
/* Also from inside on_lost. NULL is allowed. */
void control_destroy(struct control *control);

#endif
