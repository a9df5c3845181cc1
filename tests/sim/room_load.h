/*
 * room_load: recovery of the room from the store, also from one that is broken.
 */
#ifndef USHER_TESTS_SIM_ROOM_LOAD_H
#define USHER_TESTS_SIM_ROOM_LOAD_H

#include "tests/sim/room_owner.h"

/* Replaces the owner's room by what the store holds, loaded in random order, and compares it with
 * the model. Sometimes memory runs out on the way: then it is loaded once more. */
MUST_CHECK bool room_load_stored(struct room_owner *owner);

/* Loads the store into another room, adds what can't be, and sees it refused. */
MUST_CHECK bool room_broken_store_refused(struct room_owner *owner);

#endif
