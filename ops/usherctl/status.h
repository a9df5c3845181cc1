/*
 * status: what an operator sees of an installation at a glance, from the database alone: who owns
 * which partition at which epoch, which workers are alive, open holds, bookings.
 *
 * A worker's instance is alive while it holds the advisory lock of its number; the view pg_locks
 * shows it as classid (high 32 bits), objid (low 32 bits), objsubid 1 (PostgreSQL manual, 54.12
 * pg_locks).
 */
#ifndef USHER_OPS_USHERCTL_STATUS_H
#define USHER_OPS_USHERCTL_STATUS_H

#include "shared/base.h"

#include <libpq-fe.h>

/* To stdout, as a table or as one JSON object. False, with a line on stderr. */
MUST_CHECK bool status_print(PGconn *connection, bool json);

#endif
