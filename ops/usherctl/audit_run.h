/*
 * audit_run: `usherctl audit`: audits a waiting room, or an export of one, and says what was
 * checked and what was found.
 */
#ifndef USHER_OPS_USHERCTL_AUDIT_RUN_H
#define USHER_OPS_USHERCTL_AUDIT_RUN_H

#include "shared/base.h"

#include <libpq-fe.h>

enum audit_exit {
    AUDIT_EXIT_GOOD = 0,
    AUDIT_EXIT_FINDINGS = 1,
    AUDIT_EXIT_NOT_CHECKED = 2, /* something needed can't be read; a line on stderr says what */
};

/* Of an event. `export_path`: where to write an export, or NULL; a file that is there is replaced,
 * and only by a whole one. */
enum audit_exit audit_run(PGconn *connection, const char *nats_url, uint64_t event_id,
                          const char *export_path, bool json);
/* Of an export. */
enum audit_exit audit_run_check(const char *path, bool json);

#endif
