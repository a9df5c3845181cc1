#include "worker/engine/pace.h"

#include "worker/engine/guards.h"

#define SECOND_US (INT64_C(1000) * 1000)
#define PERSON (60 * SECOND_US) /* in the bucket: a rate of one a minute for a minute */

static int64_t min_of(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* Thousandths: how many have to be called so that a thousand come. */
static int64_t needed_permille(const struct pace *pace, int64_t decided_us) {
    int64_t came = 0, called = 0;
    for (size_t i = 0; i < PACE_COHORTS; i++) {
        const struct pace_cohort *cohort = &pace->cohorts[i];
        if ((cohort->number + 1) * pace->cohort_us <= decided_us &&
            cohort->number > decided_us / pace->cohort_us - PACE_COHORTS) {
            came += cohort->came;
            called += (int64_t)cohort->came + cohort->stayed_away;
        }
    }
    if (called < PACE_LEAST) {
        return 1000;
    }
    return called > came * PACE_EXTRA ? PACE_EXTRA * 1000 : called * 1000 / came;
}

/* Thousandths of full speed. */
static int64_t speed_permille(uint32_t commit_ms) {
    int64_t slow_ms = min_of(commit_ms, PACE_SLOW_MS) - PACE_FAST_MS;
    return slow_ms <= 0 ? 1000 : 1000 - 900 * slow_ms / (PACE_SLOW_MS - PACE_FAST_MS);
}

/* What the bucket gains in `elapsed_us`, at most a second. */
static int64_t gain(const struct pace *pace, const struct pace_limits *limits, int64_t now_us,
                    int64_t elapsed_us) {
    int64_t needed = needed_permille(pace, now_us - limits->claim_ms * 1000);
    int64_t rate_permille = limits->per_minute * needed * speed_permille(limits->commit_ms) / 1000;
    return elapsed_us * rate_permille / 1000;
}

static int64_t at_least_0(int64_t people) {
    return people < 0 ? 0 : people;
}

/* How many people can be called at most, however long the bucket fills. */
static int64_t people_bound(const struct pace_limits *limits) {
    int64_t people = INT32_MAX;
    if (GUARD(PACE_SHOPPERS, true)) {
        people = at_least_0((int64_t)limits->max_shoppers - limits->live);
    }
    if (GUARD(PACE_NOTHING_FREE, limits->free_seats == 0)) {
        return 0;
    }
    int64_t seats = limits->free_seats < PACE_SEATS_LEAST ? PACE_SEATS_LEAST : limits->free_seats;
    if (GUARD(PACE_SEATS, true)) {
        people = min_of(people, at_least_0(seats - limits->without_hold));
    }
    return people;
}

static void start(struct pace *pace, int64_t cohort_us, int64_t now_us) {
    *pace = (struct pace){.level = pace->level,
                          .started_us = now_us,
                          .filled_us = pace->filled_us == 0 ? now_us : pace->filled_us,
                          .cohort_us = cohort_us};
}

void pace_fill(struct pace *pace, const struct pace_limits *limits, int64_t now_us) {
    int64_t cohort_ms = limits->claim_ms / 4;
    int64_t cohort_us =
        1000 * (cohort_ms < PACE_COHORT_LEAST_MS ? PACE_COHORT_LEAST_MS : cohort_ms);
    if (pace->cohort_us != cohort_us) {
        start(pace, cohort_us, now_us);
    }
    int64_t elapsed_us = min_of(at_least_0(now_us - pace->filled_us), SECOND_US);
    pace->filled_us = now_us;
    if (GUARD(PACE_SHUT, !limits->open)) {
        pace->level = 0;
        return;
    }
    int64_t most = gain(pace, limits, now_us, SECOND_US) + PERSON;
    int64_t bound = people_bound(limits) * PERSON + PERSON - 1;
    pace->level += gain(pace, limits, now_us, elapsed_us);
    if (GUARD(PACE_BURST, pace->level > most)) {
        pace->level = most;
    }
    pace->level = min_of(pace->level, bound);
}

uint32_t pace_allowance(const struct pace *pace) {
    return (uint32_t)(pace->level / PERSON);
}

void pace_take(struct pace *pace) {
    ensure(pace->level >= PERSON);
    pace->level -= PERSON;
}

void pace_lower(struct pace *pace, uint32_t people) {
    pace->level = min_of(pace->level, people * PERSON + PERSON - 1);
}

void pace_judge(struct pace *pace, int64_t called_us, bool came) {
    if (pace->cohort_us == 0 || called_us < pace->started_us) {
        return;
    }
    int64_t number = called_us / pace->cohort_us;
    struct pace_cohort *cohort = &pace->cohorts[number % PACE_COHORTS];
    if (cohort->number > number) {
        return; /* too long ago */
    }
    if (cohort->number < number) {
        *cohort = (struct pace_cohort){.number = number};
    }
    cohort->came += came;
    cohort->stayed_away += !came;
}
