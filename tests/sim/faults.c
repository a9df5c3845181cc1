#include "tests/sim/faults.h"

/* The linker finds the wrappers by name: one state for the program. */
static struct {
    bool active;
    bool fired;
    uint32_t allowed;
} faults;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);

void faults_start(uint32_t allow) {
    faults.active = true;
    faults.fired = false;
    faults.allowed = allow;
}

bool faults_stop(void) {
    faults.active = false;
    return faults.fired;
}

static bool fails(void) {
    if (!faults.active) {
        return false;
    }
    if (faults.allowed > 0) {
        faults.allowed--;
        return false;
    }
    faults.fired = true;
    return true;
}

void *__wrap_malloc(size_t size) {
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size) {
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size) {
    return fails() ? NULL : __real_realloc(memory, size);
}
