/*
 * output: an answer on its way out: a head and a body that is borrowed, copied, or shared.
 *
 * Usually one call takes everything and nothing is kept. What the socket doesn't take is kept in
 * an http_output until it does: a copy, but a shared body by reference.
 */
#ifndef USHER_GATEWAY_HTTP_OUTPUT_H
#define USHER_GATEWAY_HTTP_OUTPUT_H

#include "gateway/http/transport.h"

struct http_output;

/* A body not to be copied; `release` NULL: an ordinary one. */
struct http_share {
    void (*release)(void *context);
    void *context;
};

/* Calls release, once, if there is one. */
void http_share_release(struct http_share *share);

enum http_sent { HTTP_SENT_ALL, HTTP_SENT_PART, HTTP_SENT_NOTHING, HTTP_SENT_BROKEN };

/* Sends. HTTP_SENT_PART or _NOTHING: `*rest` has the remainder. `share` is released by this call or
 * by the rest. */
MUST_CHECK enum http_sent http_output_start(struct http_transport *transport, const void *head,
                                            size_t head_bytes, const void *body, size_t body_bytes,
                                            struct http_share share, struct http_output **rest);
/* Sends on. */
MUST_CHECK enum http_sent http_output_continue(struct http_output *output,
                                               struct http_transport *transport);
void http_output_destroy(struct http_output *output);

#endif
