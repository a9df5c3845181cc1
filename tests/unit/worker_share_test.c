/* Fair share: plays the plans of several workers against one table of partitions. */
#include "worker/share.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { WORKERS = 5, SETTLE_STEPS = 400 };

struct world {
    uint64_t owners[PARTITION_COUNT];
    bool alive[WORKERS + 1]; /* instances are 1 … WORKERS */
    double alive_seconds[WORKERS + 1];
};

static struct share_view look(const struct world *world, uint64_t me) {
    struct share_view view = {.me = me, .handover_seconds = 10};
    for (uint64_t i = 1; i <= WORKERS; i++) {
        if (!world->alive[i])
            continue;
        view.workers[view.worker_count].instance = i;
        view.workers[view.worker_count++].alive_seconds = world->alive_seconds[i];
    }
    for (size_t p = 0; p < PARTITION_COUNT; p++) {
        view.partitions[p].owner = world->owners[p];
        view.partitions[p].owner_alive = world->owners[p] != 0 && world->alive[world->owners[p]];
    }
    return view;
}

/* What the database would make of a plan. */
static void carry_out(struct world *world, uint64_t me, const struct share_plan *plan) {
    for (size_t p = 0; p < PARTITION_COUNT; p++) {
        if (plan->step == SHARE_TAKE_OVER && world->owners[p] == plan->dead)
            world->owners[p] = plan->partitions[p] ? me : 0;
        else if (plan->step == SHARE_CLAIM && plan->partitions[p] && world->owners[p] == 0)
            world->owners[p] = me;
        else if (plan->step == SHARE_RELEASE && plan->partitions[p])
            world->owners[p] = 0;
    }
}

/* Lets everybody alive act in turn until nobody wants anything; returns how many steps were taken.
 */
static int settle(struct world *world) {
    int steps = 0;
    for (int quiet = 0; quiet < WORKERS && steps < SETTLE_STEPS;) {
        for (uint64_t me = 1; me <= WORKERS; me++) {
            if (!world->alive[me])
                continue;
            struct share_view view = look(world, me);
            struct share_plan plan = share_decide(&view);
            carry_out(world, me, &plan);
            quiet = plan.step == SHARE_NOTHING ? quiet + 1 : 0;
            steps += plan.step != SHARE_NOTHING;
        }
    }
    return steps;
}

static uint32_t owned_by(const struct world *world, uint64_t owner) {
    uint32_t count = 0;
    for (size_t p = 0; p < PARTITION_COUNT; p++)
        count += world->owners[p] == owner;
    return count;
}

static void a_lone_worker_takes_everything(void **state) {
    (void)state;
    struct world world = {.alive = {[1] = true}};
    assert_int_equal(settle(&world), 1);
    assert_int_equal(owned_by(&world, 1), PARTITION_COUNT);
}

static void a_newcomer_is_given_nothing_at_first(void **state) {
    (void)state;
    struct world world = {.alive = {[1] = true}, .alive_seconds = {[1] = 100, [2] = 9.9}};
    settle(&world);
    world.alive[2] = true;
    assert_int_equal(settle(&world), 0);
    world.alive_seconds[2] = 10;
    settle(&world);
    assert_int_equal(owned_by(&world, 1), PARTITION_COUNT / 2);
    assert_int_equal(owned_by(&world, 2), PARTITION_COUNT / 2);
}

static void the_dead_are_replaced_and_shares_stay_fair(void **state) {
    (void)state;
    struct world world = {0};
    for (uint64_t i = 1; i <= WORKERS; i++) {
        world.alive[i] = true;
        world.alive_seconds[i] = 1000;
    }
    settle(&world);
    for (uint64_t i = 1; i <= WORKERS; i++)
        assert_in_range(owned_by(&world, i), 1, (PARTITION_COUNT + WORKERS - 1) / WORKERS);
    world.alive[2] = false;
    world.alive[4] = false;
    assert_true(settle(&world) < SETTLE_STEPS);
    assert_int_equal(owned_by(&world, 0) + owned_by(&world, 2) + owned_by(&world, 4), 0);
    for (uint64_t i = 1; i <= WORKERS; i += 2)
        assert_in_range(owned_by(&world, i), 1, (PARTITION_COUNT + 2) / 3);
}

static void one_partition_at_a_time_is_released(void **state) {
    (void)state;
    struct world world = {.alive = {[1] = true, [2] = true},
                          .alive_seconds = {[1] = 100, [2] = 100}};
    for (size_t p = 0; p < PARTITION_COUNT; p++)
        world.owners[p] = 1;
    struct share_view view = look(&world, 1);
    struct share_plan plan = share_decide(&view);
    assert_int_equal(plan.step, SHARE_RELEASE);
    uint32_t released = 0;
    for (size_t p = 0; p < PARTITION_COUNT; p++)
        released += plan.partitions[p];
    assert_int_equal(released, 1);
    carry_out(&world, 1, &plan);
    view = look(&world, 1);
    plan = share_decide(&view); /* not the next before somebody has taken this one */
    assert_int_equal(plan.step, SHARE_NOTHING);
}

/* A newcomer that restarts in a loop must not catch what is handed to others. */
static void what_is_released_is_for_those_who_have_settled(void **state) {
    (void)state;
    struct world world = {.alive = {[1] = true, [2] = true, [3] = true},
                          .alive_seconds = {[1] = 100, [2] = 100, [3] = 1}};
    for (size_t p = 0; p < PARTITION_COUNT; p++)
        world.owners[p] = p == 0 ? 0 : 1;
    struct share_view view = look(&world, 3);
    assert_int_equal(share_decide(&view).step, SHARE_NOTHING);
    view = look(&world, 2);
    assert_int_equal(share_decide(&view).step, SHARE_CLAIM);

    /* But what they can't take must not lie about. */
    world.alive[2] = false;
    for (size_t p = 0; p < PARTITION_COUNT; p++)
        world.owners[p] = p % 2;
    view = look(&world, 3);
    struct share_plan plan = share_decide(&view);
    assert_int_equal(plan.step, SHARE_CLAIM);
    carry_out(&world, 3, &plan);
    assert_int_equal(owned_by(&world, 3), PARTITION_COUNT / 2);
}

static void nobody_takes_over_itself(void **state) {
    (void)state;
    struct world world = {.alive = {[1] = true}};
    for (size_t p = 0; p < PARTITION_COUNT; p++)
        world.owners[p] = 1;
    struct share_view view = look(&world, 1);
    for (size_t p = 0; p < PARTITION_COUNT; p++)
        view.partitions[p].owner_alive = false; /* its lock is just being read */
    assert_int_equal(share_decide(&view).step, SHARE_NOTHING);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lone_worker_takes_everything),
        cmocka_unit_test(a_newcomer_is_given_nothing_at_first),
        cmocka_unit_test(the_dead_are_replaced_and_shares_stay_fair),
        cmocka_unit_test(one_partition_at_a_time_is_released),
        cmocka_unit_test(what_is_released_is_for_those_who_have_settled),
        cmocka_unit_test(nobody_takes_over_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
