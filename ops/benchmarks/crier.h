/*
 * crier: what fanning out is measured beside: the same frame to as many sockets, in a bare loop of
 * write(2), by processes that do nothing else. Their sockets are as the gateway's: accepted on
 * loopback, non-blocking, TCP_NODELAY.
 */
#ifndef USHER_OPS_BENCHMARKS_CRIER_H
#define USHER_OPS_BENCHMARKS_CRIER_H

#include "shared/base.h"

#include <sys/socket.h>

enum { CRIER_FRAME_MAX_BYTES = 2048 };

struct crier;

/* So many processes, that listen, and cry to all who have connected to them. */
struct crier *crier_create(uint32_t processes);
/* Where each of them listens. */
const struct sockaddr_storage *crier_addresses(const struct crier *crier);
/* All have the text to send, in a frame of RFC 6455, and begin. */
void crier_cry(struct crier *crier, const char *text, size_t size_bytes);
double crier_cpu_seconds(const struct crier *crier);
/* NULL is allowed. */
void crier_destroy(struct crier *crier);

#endif
