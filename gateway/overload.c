#include "gateway/overload.h"

const char *overload_part_text(enum overload_part part) {
    static const char *const texts[OVERLOAD_PART_COUNT] = {
        [OVERLOAD_BOOKING] = "booking",
        [OVERLOAD_SESSIONS] = "sessions",
        [OVERLOAD_LOOKING] = "looking",
    };
    return texts[part];
}

static size_t clamp(size_t value) {
    if (value < OVERLOAD_PENDING_MIN)
        return OVERLOAD_PENDING_MIN;
    return value < OVERLOAD_PENDING_MAX ? value : OVERLOAD_PENDING_MAX;
}

/* To what the wait suggests, by half at most. */
static size_t cut(size_t under_way, int64_t wait_us) {
    size_t fitting = (size_t)((int64_t)under_way * OVERLOAD_WAIT_US / wait_us);
    return clamp(fitting > under_way / 2 ? fitting : under_way / 2);
}

static void begin_interval(struct overload *overload, int64_t now_us) {
    overload->ends_us = now_us + OVERLOAD_INTERVAL_US;
    overload->lags = 0;
    overload->waits = 0;
    overload->pending_most = 0;
}

static void close_interval(struct overload *overload) {
    int64_t lag_us = overload->lag_least_us;
    int64_t wait_us = overload->waits > 0 ? overload->wait_least_us : 0;
    int64_t slowest_us = lag_us > wait_us ? lag_us : wait_us;
    overload->loop_is_slow = lag_us > OVERLOAD_WAIT_US;
    overload->looking_suffers = lag_us > OVERLOAD_LAST_US;
    if (slowest_us > OVERLOAD_WAIT_US) {
        size_t under_way = overload->pending_most;
        if (overload->shedding && under_way > overload->limit)
            under_way = overload->limit;
        overload->limit = cut(under_way, slowest_us);
        overload->shedding = true;
    } else if (overload->shedding) {
        overload->limit += overload->limit / (slowest_us < OVERLOAD_WAIT_US / 4 ? 2 : 8);
        overload->shedding = overload->limit < OVERLOAD_PENDING_MAX;
    }
}

bool overload_lag(struct overload *overload, int64_t lag_us, size_t pending, int64_t now_us) {
    bool was_shedding = overload->shedding;
    if (overload->ends_us == 0)
        begin_interval(overload, now_us);
    if (overload->lags++ == 0 || lag_us < overload->lag_least_us)
        overload->lag_least_us = lag_us;
    if (pending > overload->pending_most)
        overload->pending_most = pending;
    /* Commands under way and no answer say nothing: an owner may be changing, a batch be large. */
    bool says_something = overload->waits > 0 || pending == 0 || lag_us > OVERLOAD_WAIT_US;
    if (now_us >= overload->ends_us && overload->lags > 1 && says_something) {
        close_interval(overload);
        begin_interval(overload, now_us);
    }
    return overload->shedding != was_shedding;
}

void overload_answered(struct overload *overload, int64_t wait_us) {
    if (overload->waits++ == 0 || wait_us < overload->wait_least_us)
        overload->wait_least_us = wait_us;
}

bool overload_takes(const struct overload *overload, enum overload_part part, size_t pending) {
    switch (part) {
    case OVERLOAD_BOOKING:
        return !overload->shedding || pending < overload->limit;
    case OVERLOAD_SESSIONS:
        return !overload->shedding || !overload->loop_is_slow;
    case OVERLOAD_LOOKING:
    case OVERLOAD_PART_COUNT:
        break;
    }
    return !overload->looking_suffers;
}
