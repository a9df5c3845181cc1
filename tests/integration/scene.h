/*
 * scene: a stage with one worker that owns everything, and a desk in front of it; shared by the
 * tests of a program, each with shows of its own. The last of them is scene_ends_well.
 */
#ifndef USHER_TESTS_INTEGRATION_SCENE_H
#define USHER_TESTS_INTEGRATION_SCENE_H

#include "tests/integration/desk.h"
#include "tests/integration/stage.h"

struct scene {
    struct stage *stage;
    struct desk *desk;
};

/* `settings` of the worker as for stage_start_worker. */
void scene_open(void **state, const char *const *settings);
/* Fixtures of a group: the first without settings. */
int scene_set_up(void **state);
int scene_tear_down(void **state);
/* A test: the database is sound; asked to end, the worker gives all it had back, and ends with 0.
 */
void scene_ends_well(void **state);

/* Whatever this user books is refused by the database, after `delay_seconds`. */
void scene_poison(struct scene *scene, const struct id128 *user, const char *delay_seconds);

#endif
