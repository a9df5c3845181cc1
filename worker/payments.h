/*
 * payments: what the payment provider says. Here the sandbox, which knows its tokens by heart and
 * answers at once. Pure.
 */
#ifndef USHER_WORKER_PAYMENTS_H
#define USHER_WORKER_PAYMENTS_H

#include "worker/engine/show.h"

/* "" asks for nothing; tok_ok, tok_declined; any other token is unknown. */
enum payment_result payments_sandbox(const char *token);

#endif
