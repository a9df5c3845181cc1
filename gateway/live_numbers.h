/*
 * live_numbers: what a gateway counts of its live connections, for its metrics (numbers.h).
 */
#ifndef USHER_GATEWAY_LIVE_NUMBERS_H
#define USHER_GATEWAY_LIVE_NUMBERS_H

#include "shared/base.h"

enum live_frame_kind {
    LIVE_HELLO,
    LIVE_SEATS,
    LIVE_QUEUE,
    LIVE_MESSAGE,
    LIVE_AUTH,
    LIVE_TURN,
    LIVE_BOOKING,
    LIVE_FRAME_KIND_COUNT
};
const char *live_frame_kind_text(enum live_frame_kind kind); /* its "type": "hello" … */

/* Why a connection is not opened. */
enum live_refusal {
    LIVE_NOT_REFUSED,
    LIVE_TOO_FAST,     /* too many are opened at once */
    LIVE_FULL,         /* as many are open as may be */
    LIVE_ADDRESS_FULL, /* the client's address has as many as it may */
    LIVE_REFUSAL_COUNT
};
const char *live_refusal_text(enum live_refusal refusal); /* "rate", "full", "address" */

struct live_numbers {
    uint64_t frames[LIVE_FRAME_KIND_COUNT]; /* made */
    uint64_t deliveries;                    /* given to sessions */
    uint64_t slow_closed;                   /* sessions that read too slowly */
    uint64_t refused[LIVE_REFUSAL_COUNT];
};

#endif
