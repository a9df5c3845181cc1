/*
 * link: a database session that comes back. Opens one, and when it is lost or can't be opened
 * another, after a pause (worker/backoff.h).
 */
#ifndef USHER_WORKER_LINK_H
#define USHER_WORKER_LINK_H

#include "shared/database.h"

struct link;

enum { LINK_CONNECT_TIMEOUT_MS = 3000 };

struct link_config {
    const char *name; /* for the log: "write" */
    const char *url;
    const char *application_name;
    const char *options;
    const struct database_statement *const *statements;
    bool simple_protocol;
    size_t limit_groups;
    void (*on_up)(void *context);
    void (*on_down)(
        void *context); /* after having been up; what was in flight is answered LOST already */
    void *context;
};

/* Texts are copied. NULL when there is no memory. */
MUST_CHECK struct link *link_create(struct event_base *base, const struct link_config *config);
/* No callback follows. NULL is allowed. */
void link_destroy(struct link *link);
/* The session while it is up, else NULL. */
struct database_session *link_session(const struct link *link);
/* Gives the present session up, as if it had been lost (on_down is called), and opens another. */
void link_restart(struct link *link);

#endif
