/*
 * ops_server: a process's own address for its operators, on loopback only: GET /healthz (200 while
 * the loop turns), GET /readyz, GET /metrics. Over libevent's evhttp: a handful of requests a
 * minute.
 */
#ifndef USHER_SHARED_OPS_SERVER_H
#define USHER_SHARED_OPS_SERVER_H

#include "shared/base.h"

#include <event2/event.h>

struct ops_server;

/* Writes a JSON object (for /readyz) or Prometheus text (for /metrics) into `text`, NUL-terminated;
 * returns the HTTP status (200, 503; 404 when there is nothing of the kind). */
typedef int ops_writer(void *context, char *text, size_t size_bytes);

enum { OPS_TEXT_MAX_BYTES = 256 * 1024 };

/* `port` 0: any free one. NULL, logged, when the port is taken. `metrics` may be NULL. */
MUST_CHECK struct ops_server *ops_server_create(struct event_base *base, uint16_t port,
                                                ops_writer *ready, ops_writer *metrics,
                                                void *context);
void ops_server_destroy(struct ops_server *server);
uint16_t ops_server_port(const struct ops_server *server);

#endif
