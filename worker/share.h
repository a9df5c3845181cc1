/*
 * share: who should own what, as a pure function of what the database says. The worker asks it
 * after every poll and carries out one step at a time.
 *
 * With n workers alive each takes at most ⌈PARTITION_COUNT / n⌉. First the partitions of the dead
 * are taken from them (whatever exceeds one's share is left without owner, for others to claim),
 * then those without an owner are claimed, then a surplus is released, one partition at a time and
 * only to workers that have been alive for a while: one that restarts in a loop must not pull
 * partitions to and fro. So a newcomer claims only what the others have no room for.
 */
#ifndef USHER_WORKER_SHARE_H
#define USHER_WORKER_SHARE_H

#include "shared/partition.h"

enum { SHARE_WORKERS_MAX = 256 };

struct share_view {
    uint64_t me;
    uint32_t worker_count; /* alive, me among them */
    struct {
        uint64_t instance;
        double alive_seconds;
    } workers[SHARE_WORKERS_MAX];
    struct {
        uint64_t owner; /* 0: nobody */
        bool owner_alive;
    } partitions[PARTITION_COUNT];
    double handover_seconds; /* how long a worker has to be alive before it is given anything */
};

enum share_step { SHARE_NOTHING, SHARE_TAKE_OVER, SHARE_CLAIM, SHARE_RELEASE };

struct share_plan {
    enum share_step step;
    uint64_t dead;                    /* TAKE_OVER: from whom */
    bool partitions[PARTITION_COUNT]; /* to keep, to claim, to release */
};

struct share_plan share_decide(const struct share_view *view);

#endif
