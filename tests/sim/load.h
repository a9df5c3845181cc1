/*
 * load: recovery of the show from the store, also from one that is broken.
 */
#ifndef USHER_TESTS_SIM_LOAD_H
#define USHER_TESTS_SIM_LOAD_H

#include "tests/sim/owner.h"

/* Replaces the owner's show by what the store holds, loaded in random order, and compares it with
 * the model. Sometimes memory runs out on the way: then it is loaded once more. */
MUST_CHECK bool show_load(struct owner *owner);

/* Loads the store into another show, adds one row that can't be, and sees it refused. */
MUST_CHECK bool broken_store_refused(struct owner *owner);

#endif
