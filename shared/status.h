/*
 * status: how a function says that it failed. One enum for all of usher, one table of texts.
 *
 * A status is handled or handed up once. What a *customer* is told is not a status but a reply code
 * (shared/booking.h) or a problem (gateway/http/problem.h).
 */
#ifndef USHER_SHARED_STATUS_H
#define USHER_SHARED_STATUS_H

#include "shared/base.h"

enum status {
    STATUS_OK = 0,
    STATUS_INVALID,   /* the input breaks a documented rule */
    STATUS_TRUNCATED, /* the input ends before it should */
    STATUS_VERSION,   /* a message of an unknown version */
    STATUS_LIMIT,     /* a named limit is reached; nothing was changed */
    STATUS_NO_MEMORY, /* the allocator refused; nothing was changed */
    STATUS_NOT_FOUND,
    STATUS_EXISTS,
    STATUS_CONFLICT,    /* stored state is not what the caller believed */
    STATUS_UNAVAILABLE, /* a peer (PostgreSQL, NATS, disk) can't be reached now; trying again may
                           help */
    STATUS_SYSTEM,      /* a system call failed; errno tells */
    STATUS_COUNT
};

/* A short lower-case text in English; static memory; never NULL, also for values out of range. */
const char *status_text(enum status status);

#endif
