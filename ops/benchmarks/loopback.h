/*
 * loopback: the address behind a URL, when it is one of this machine's own that nobody else can be
 * behind.
 */
#ifndef USHER_OPS_BENCHMARKS_LOOPBACK_H
#define USHER_OPS_BENCHMARKS_LOOPBACK_H

#include "shared/base.h"

#include <sys/socket.h>

/* http://ADDRESS:PORT, numeric: of 127.0.0.0/8, or [::1]; false for anything else. */
MUST_CHECK bool loopback_from_url(const char *url, struct sockaddr_storage *address,
                                  socklen_t *size);

#endif
