/*
 * faults: allocations that fail. Linked with -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc, it
 * sees every allocation of usher's own code in the program.
 */
#ifndef USHER_TESTS_SIM_FAULTS_H
#define USHER_TESTS_SIM_FAULTS_H

#include "shared/base.h"

/* From now on `allow` allocations succeed, all later ones fail. */
void faults_start(uint32_t allow);
/* All succeed again. Did any fail? */
bool faults_stop(void);

#endif
