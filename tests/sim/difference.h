/*
 * difference: what differs between what was expected and what the engine said, field by field.
 */
#ifndef USHER_TESTS_SIM_DIFFERENCE_H
#define USHER_TESTS_SIM_DIFFERENCE_H

#include "worker/engine/show.h"

/* The name of the first field that differs, or NULL. */
const char *booking_difference(const struct booking *a, const struct booking *b);
const char *change_difference(const struct show_change *a, const struct show_change *b);
const char *decision_difference(const struct show_decision *a, const struct show_decision *b);

#endif
