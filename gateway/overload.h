/*
 * overload: what this gateway can still take on. Pure: time (monotonic µs) is passed in.
 *
 * Two waits are watched: how long a ready event waits for its turn of the loop (`lag`: the gateway
 * itself can't keep up), and how long a command waits for its answer (workers or PostgreSQL can't).
 * As in CoDel (RFC 8289) not a high wait counts but one that does not go: the *least* seen during
 * an interval. A burst that drains within one is no overload. An interval without any answer goes
 * on until there is one.
 *
 *            least wait of an interval > OVERLOAD_WAIT_US
 *   CALM -------------------------------------------------> SHEDDING
 *        <-------------------------------------------------
 *            the limit has grown to OVERLOAD_PENDING_MAX again
 *
 * While SHEDDING as many commands may be under way as `limit` says. It is cut in proportion to the
 * wait, by half at most, after every interval that was too slow, and grows by an eighth after every
 * one that was not, so that it settles where what is taken on is answered within about
 * OVERLOAD_WAIT_US. Where the wait is not a quarter of that it grows by half: after a standstill
 * that has passed, all is taken on again within seconds. Never below OVERLOAD_PENDING_MIN: work
 * goes on however much is asked.
 *
 * What waits unread in its socket, since a turn of the loop takes on only so many (libevent:
 * 4,096), is no sign of overload: nothing is cheaper than to leave it there, and as many wait as
 * there are connections. To turn one away costs about a seventh of what serving it costs all
 * processes together (ops/bench overload), most of it in the kernel, however little is done about
 * it here: a processor that is fully used and reads three times what it can serve, only to refuse
 * most of it, would serve two thirds of what it can.
 *
 * Who is turned away, and when:
 *   bookings   while as many commands are under way as the limit says
 *   sessions   while SHEDDING and the loop itself is slow; joining a queue as well
 *   looking    when the loop's least lag was above OVERLOAD_LAST_US: last of all
 * Health and administration never are, nor is looking at the queue.
 */
#ifndef USHER_GATEWAY_OVERLOAD_H
#define USHER_GATEWAY_OVERLOAD_H

#include "shared/base.h"

enum {
    OVERLOAD_WAIT_US = 500000,
    OVERLOAD_LAST_US = 3000000,
    OVERLOAD_INTERVAL_US = 500000,
    OVERLOAD_PENDING_MIN = 512,
    OVERLOAD_PENDING_MAX = 20000, /* that many are no overload by themselves */
};

enum overload_part { OVERLOAD_BOOKING, OVERLOAD_SESSIONS, OVERLOAD_LOOKING, OVERLOAD_PART_COUNT };
const char *overload_part_text(enum overload_part part);

/* Plain data, all zero at first; changed by the functions only. */
struct overload {
    bool shedding;
    bool loop_is_slow;
    bool looking_suffers;
    size_t limit;
    size_t pending_most; /* of this interval */
    int64_t ends_us;     /* this interval */
    int64_t lag_least_us;
    int64_t wait_least_us;
    uint32_t lags; /* measured in this interval, and answers */
    uint32_t waits;
};

/* One measurement of the loop; called some twenty times a second. Closes the interval when it is
 * over. `pending`: commands under way. True: `shedding` has changed. */
bool overload_lag(struct overload *overload, int64_t lag_us, size_t pending, int64_t now_us);
/* A command was answered after so long. */
void overload_answered(struct overload *overload, int64_t wait_us);
/* Whether one more of this part is taken on, with `pending` commands under way. */
bool overload_takes(const struct overload *overload, enum overload_part part, size_t pending);

#endif
