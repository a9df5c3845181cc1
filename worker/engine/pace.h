/*
 * pace: how many more people may be called now. Pure: time and what binds are passed in; the same
 * inputs give the same numbers everywhere (integers only).
 *
 * A bucket that fills at the rate, and from which everybody who is called takes one. What is in it
 * is the allowance. It fills
 *
 *   - at per_minute; more when part of those called don't come: the rate counts those who do. Their
 *     share is that of the people called between one and PACE_COHORTS / 4 claim windows ago, who
 *     have all decided; from PACE_LEAST of them on, by at most a factor of PACE_EXTRA;
 *   - slower when batches take longer than PACE_FAST_MS to commit, down to a tenth from
 *     PACE_SLOW_MS on;
 *
 * and it holds no more than
 *
 *   - about one second's worth (and one person), so that nobody comes in crowds after a pause, a
 *     lull or a takeover;
 *   - max_shoppers less those who have a turn or a pass;
 *   - the free seats, or PACE_SEATS_LEAST while there is any, less those who have a turn or a pass
 *     and no hold: a single seat that nobody wants must not hold up thousands;
 *   - nothing when nothing is free, and nothing while the door is shut.
 */
#ifndef USHER_WORKER_ENGINE_PACE_H
#define USHER_WORKER_ENGINE_PACE_H

#include "shared/base.h"

enum {
    PACE_FAST_MS = 250,
    PACE_SLOW_MS = 2000,
    PACE_SEATS_LEAST = 20,
    PACE_EXTRA = 3,
    PACE_LEAST = 30,
    PACE_COHORTS = 16, /* by when they were called; a quarter of a claim window each … */
    PACE_COHORT_LEAST_MS = 5000, /* … or so long */
};

struct pace_limits {
    bool open;           /* the door is */
    uint32_t per_minute; /* at most ROOM_PEOPLE_MAX */
    int64_t claim_ms;
    uint32_t max_shoppers;
    uint32_t live;         /* turns and passes */
    uint32_t without_hold; /* of those */
    uint32_t free_seats;
    uint32_t commit_ms;
};

struct pace_cohort {
    int64_t number; /* when they were called / cohort_us */
    uint32_t came;
    uint32_t stayed_away;
};

/* All zero: new. Only pace.c looks inside. */
struct pace {
    int64_t level;      /* of the bucket */
    int64_t started_us; /* what was called before is not judged */
    int64_t filled_us;
    int64_t cohort_us;
    struct pace_cohort cohorts[PACE_COHORTS];
};

/* Several times a second. */
void pace_fill(struct pace *pace, const struct pace_limits *limits, int64_t now_us);
uint32_t pace_allowance(const struct pace *pace);
/* One of the allowance is called. */
void pace_take(struct pace *pace);
/* The allowance is at most `people` from here on. */
void pace_lower(struct pace *pace, uint32_t people);
/* What became of somebody who was called then. */
void pace_judge(struct pace *pace, int64_t called_us, bool came);

#endif
