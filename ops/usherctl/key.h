/*
 * key: makes, lists and revokes keys of the administration (shared/admin_key.h). What is made or
 * revoked has its line in the log, written by the same statement.
 *
 * Gateways read the keys every second: a new one works, and a revoked one stops, within 2 s.
 * admin.key is not among them: it is a file in USHER_HOME.
 */
#ifndef USHER_OPS_USHERCTL_KEY_H
#define USHER_OPS_USHERCTL_KEY_H

#include "shared/admin_key.h"

/* These take a connection string, print to stdout, and are false after a line on stderr. */

/* The key, this once; all else that is said goes to stderr. A name is used once. */
MUST_CHECK bool key_create(const char *url, const char *name, enum admin_role role);
/* `json`: an object a line. */
MUST_CHECK bool key_list(const char *url, bool json);
/* One that is revoked already is no mistake. */
MUST_CHECK bool key_revoke(const char *url, const char *name);

#endif
