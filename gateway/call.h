/*
 * call: a request on its way through something that answers later. Every route that waits has a
 * struct that begins with a `struct call`. Whatever it waits for ends within a bounded time and
 * calls back; when the client has left by then, `request` is NULL and there is nothing to answer,
 * only memory to free.
 */
#ifndef USHER_GATEWAY_CALL_H
#define USHER_GATEWAY_CALL_H

#include "gateway/gateway.h"

struct call {
    struct gateway *gateway;
    struct http_request *request; /* NULL: the client has left */
};

/* `size_bytes` zeroed bytes that begin with the call. NULL: no memory, and the request was
 * answered. */
MUST_CHECK void *call_create(struct gateway *gateway, struct http_request *request,
                             size_t size_bytes);

#endif
