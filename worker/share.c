#include "worker/share.h"

static uint32_t count_owned(const struct share_view *view, uint64_t owner) {
    uint32_t count = 0;
    for (size_t i = 0; i < PARTITION_COUNT; i++)
        count += view->partitions[i].owner == owner;
    return count;
}

static uint32_t fair_share(uint32_t workers) {
    return workers == 0 ? PARTITION_COUNT : (PARTITION_COUNT + workers - 1) / workers;
}

/* Marks up to `limit` partitions of `owner`, lowest first. */
static void choose(const struct share_view *view, uint64_t owner, uint32_t limit,
                   struct share_plan *plan) {
    for (size_t i = 0; i < PARTITION_COUNT && limit > 0; i++) {
        if (view->partitions[i].owner == owner) {
            plan->partitions[i] = true;
            limit--;
        }
    }
}

static uint64_t find_dead(const struct share_view *view) {
    for (size_t i = 0; i < PARTITION_COUNT; i++)
        if (view->partitions[i].owner != 0 && !view->partitions[i].owner_alive &&
            view->partitions[i].owner != view->me)
            return view->partitions[i].owner;
    return 0;
}

/* Whether a worker that has been alive long enough owns less than its share, which counts such
 * workers only. */
static bool somebody_wants_more(const struct share_view *view, uint32_t mine) {
    uint32_t settled = 1;
    uint32_t least = mine;
    for (uint32_t i = 0; i < view->worker_count; i++) {
        if (view->workers[i].instance == view->me ||
            view->workers[i].alive_seconds < view->handover_seconds)
            continue;
        settled++;
        uint32_t owned = count_owned(view, view->workers[i].instance);
        if (owned < least)
            least = owned;
    }
    return mine > fair_share(settled) && least < fair_share(settled);
}

/* How many of what nobody owns are this worker's to claim. A newcomer leaves to the others what
 * they have room for: it may have been released for them. */
static uint32_t claimable(const struct share_view *view, uint32_t unowned, uint32_t room) {
    uint32_t share = fair_share(view->worker_count);
    uint32_t left_to_others = 0;
    for (uint32_t i = 0; i < view->worker_count; i++) {
        bool settled = view->workers[i].alive_seconds >= view->handover_seconds;
        uint32_t owned = count_owned(view, view->workers[i].instance);
        if (view->workers[i].instance == view->me && settled)
            return room;
        if (settled && owned < share)
            left_to_others += share - owned;
    }
    uint32_t rest = unowned > left_to_others ? unowned - left_to_others : 0;
    return rest < room ? rest : room;
}

struct share_plan share_decide(const struct share_view *view) {
    struct share_plan plan = {.step = SHARE_NOTHING};
    uint32_t mine = count_owned(view, view->me);
    uint32_t share = fair_share(view->worker_count);
    uint32_t room = share > mine ? share - mine : 0;
    uint32_t unowned = count_owned(view, 0);
    uint32_t claims = claimable(view, unowned, room);
    plan.dead = find_dead(view);
    if (plan.dead != 0) {
        plan.step = SHARE_TAKE_OVER;
        choose(view, plan.dead, room, &plan);
    } else if (unowned > 0 && claims > 0) {
        plan.step = SHARE_CLAIM;
        choose(view, 0, claims, &plan);
    } else if (unowned == 0 && somebody_wants_more(view, mine)) {
        plan.step = SHARE_RELEASE;
        choose(view, view->me, 1, &plan);
    }
    return plan;
}
