/*
 * loopback: the address behind a URL, when it is one of this machine's own that nobody else can be
 * behind; and connections to it.
 *
 * Two addresses have no more connections to one port than the kernel has ports to give away (28,232
 * by default). So connections to 127.0.0.0/8 leave from LOOPBACK_SOURCES addresses of that network
 * in turn; IPv6's loopback is one address.
 */
#ifndef USHER_OPS_BENCHMARKS_LOOPBACK_H
#define USHER_OPS_BENCHMARKS_LOOPBACK_H

#include "shared/base.h"

#include <sys/socket.h>

enum { LOOPBACK_SOURCES = 64 };

/* http://ADDRESS:PORT, numeric: of 127.0.0.0/8, or [::1]; false for anything else. */
MUST_CHECK bool loopback_from_url(const char *url, struct sockaddr_storage *address,
                                  socklen_t *size);
/* A connected, non-blocking TCP socket without delay, the caller's to close; its source is the one
 * whose turn it is with connection `number`. -1, and errno, when it can't be had. */
int loopback_connect(const struct sockaddr_storage *server, socklen_t size, uint32_t number);

#endif
