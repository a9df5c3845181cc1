/*
 * failpoint: named places where a test can make a process die, freeze or fail. In production builds
 * every FAILPOINT is the constant false.
 *
 * In test builds (USHER_FAILPOINTS) a hit looks for the file $USHER_FAILPOINT_DIR/NAME; its text is
 * the action: "kill" (SIGKILL to itself), "stop" (SIGSTOP to itself), "fail" (FAILPOINT is true,
 * the code behind it says what fails). The file is removed by the hit, so that it happens once;
 * with "always " in front it stays.
 */
#ifndef USHER_SHARED_FAILPOINT_H
#define USHER_SHARED_FAILPOINT_H

#include "shared/base.h"

#ifdef USHER_FAILPOINTS
bool failpoint_hit(const char *name);
#define FAILPOINT(name) failpoint_hit(name)
#define FAILPOINTS_BUILT_IN true /* for what has to be done before a hit, and only then */
#else
#define FAILPOINT(name) false
#define FAILPOINTS_BUILT_IN false
#endif

#endif
