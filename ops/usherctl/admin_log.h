/*
 * admin_log: shows what admins did (usher.admin_log): who, in which role, what, to what, from
 * where, with which outcome.
 */
#ifndef USHER_OPS_USHERCTL_ADMIN_LOG_H
#define USHER_OPS_USHERCTL_ADMIN_LOG_H

#include "shared/base.h"

enum { ADMIN_LOG_LIMIT_DEFAULT = 50, ADMIN_LOG_LIMIT_MAX = 100000 };

/*
 * The newest `limit` lines, the newest last, on stdout. `json`: an object a line,
 *   {"at","who","role","what","eventId","venueId","keyName","requestId","from","status","change"}
 * with null for what does not apply, and status null when it is not known whether the change was
 * made; else a table. False after a line on stderr.
 */
MUST_CHECK bool admin_log_print(const char *url, int32_t limit, bool json);

#endif
