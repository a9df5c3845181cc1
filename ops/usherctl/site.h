/*
 * site: the running site, asked as an admin, one request after the other. Over one connection that
 * is kept.
 */
#ifndef USHER_OPS_USHERCTL_SITE_H
#define USHER_OPS_USHERCTL_SITE_H

#include "shared/config.h"

#include <jansson.h>

enum { SITE_ERROR_SIZE = 256, SITE_ANSWER_BYTES_MAX = 1 << 20 };

struct site;

/* Its address is USHER_URL (of the environment or of run/env), else USHER_PUBLIC_URL, else the
 * listening address and port. The key is USHER_ADMIN_KEY, else what USHER_HOME's admin.key holds.
 * NULL, with a line on stderr: there is no key. */
MUST_CHECK struct site *site_open(const struct config *config);
void site_close(struct site *site); /* NULL is allowed */
/* The body of a 200, the caller's. `change`: NULL for GET, else the body of a PATCH. NULL: `error`
 * is a sentence. */
MUST_CHECK json_t *site_call(struct site *site, const char *path, const json_t *change,
                             char error[SITE_ERROR_SIZE]);

#endif
