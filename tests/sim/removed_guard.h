/*
 * removed_guard: which guard of the engine is taken out (worker/engine/guards.h). One a program.
 */
#ifndef USHER_TESTS_SIM_REMOVED_GUARD_H
#define USHER_TESTS_SIM_REMOVED_GUARD_H

#include "worker/engine/guards.h"

void guard_remove(enum guard guard); /* GUARD_NONE: all stand */
const char *guard_name(enum guard guard);
const char *guard_protects(enum guard guard);
/* GUARD_NONE when there is none of that name. */
enum guard guard_by_name(const char *name);

#endif
