/*
 * import: stores the venues and events of files (ops/usherctl/import_file.h) in one transaction:
 * all or nothing.
 *
 * The same file is stored once: what it made is found again by the hash of its content and printed
 * as "there already". With `once` nothing happens when the catalogue has an event.
 */
#ifndef USHER_OPS_USHERCTL_IMPORT_H
#define USHER_OPS_USHERCTL_IMPORT_H

#include "shared/base.h"

struct import_options {
    const char *database_url;
    int64_t default_hold_seconds;
    bool once;
    const char *const *paths; /* NULL-terminated */
};

/* A line on stdout for everything made. False, with lines on stderr: nothing was stored. */
MUST_CHECK bool import_run(const struct import_options *options);

#endif
