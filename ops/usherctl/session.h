/*
 * session: a database session of shared/database.h for a program that does one thing after the
 * other. It turns the event loop until the answer is there, so that the statements of
 * shared/catalogue_sql.h can be used.
 */
#ifndef USHER_OPS_USHERCTL_SESSION_H
#define USHER_OPS_USHERCTL_SESSION_H

#include "shared/database.h"

struct session;

/* `statements` as in database_session_config. NULL, with a line on stderr, when there is no
 * connection within 10 s. */
MUST_CHECK struct session *session_open(const char *url,
                                        const struct database_statement *const *statements);
void session_close(struct session *session);

/* For database_group_add and the catalogue's binders. */
struct database_group *session_group(struct session *session);

typedef void session_reader(void *context, PGresult *const *results);
/* Sends the group and waits. `read` (may be NULL) sees the results of success. STATUS_INVALID: the
 * database refused; STATUS_UNAVAILABLE, STATUS_NO_MEMORY, STATUS_LIMIT: not sent, or no answer. */
MUST_CHECK enum status session_run_take(struct session *session, struct database_group *group,
                                        session_reader *read, void *context);
/* Why the last run failed, one line. */
const char *session_error(const struct session *session);

#endif
