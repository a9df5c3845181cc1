#include "tests/sim/removed_guard.h"

/* The engine asks by guard_stands alone and knows of no simulator: hence a variable of the program.
 */
static enum guard removed;

static const struct {
    const char *name;
    const char *protects;
} guards[GUARD_COUNT] = {
#define GUARD_TEXTS(name, protects) [GUARD_##name] = {#name, protects},
    GUARDS(GUARD_TEXTS)
#undef GUARD_TEXTS
};

bool guard_stands(enum guard guard) {
    return guard != removed;
}

void guard_remove(enum guard guard) {
    removed = guard;
}

const char *guard_name(enum guard guard) {
    return guards[guard].name;
}

const char *guard_protects(enum guard guard) {
    return guards[guard].protects;
}

enum guard guard_by_name(const char *name) {
    for (enum guard guard = GUARD_NONE + 1; guard < GUARD_COUNT; guard++) {
        if (strcmp(guards[guard].name, name) == 0) {
            return guard;
        }
    }
    return GUARD_NONE;
}
