/*
 * relay: stands between usher and somebody else's HTTP client, as a browser. The client talks to
 * the relay's port as if it were usher's; bytes go on both ways as they come, and every answer that
 * goes by has to be one that gateway/web/openapi.json allows (contract.h), or the test fails: also
 * those that a client keeps to itself. Plain HTTP/1.1 on 127.0.0.1; after a 101 bytes just pass.
 *
 * One thread: nothing moves but in relay_drive.
 */
#ifndef USHER_TESTS_SUPPORT_RELAY_H
#define USHER_TESTS_SUPPORT_RELAY_H

#include "shared/base.h"

enum { RELAY_PAIRS_MAX = 64 };

struct relay;

/* To usher's port `to`; listens on a free one of its own. */
struct relay *relay_create(uint16_t to);
/* Closes everything at once. NULL is allowed. */
void relay_destroy(struct relay *relay);
uint16_t relay_port(const struct relay *relay);
/* Waits up to `timeout_ms` for bytes, and passes them on. */
void relay_drive(struct relay *relay, int timeout_ms);
/* How many answers were held to the document so far, and of them, to OPTIONS. */
size_t relay_answers(const struct relay *relay);
size_t relay_preflights(const struct relay *relay);

#endif
