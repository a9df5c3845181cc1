#include "shared/status.h"

static const char *const texts[STATUS_COUNT] = {
    [STATUS_OK] = "ok",
    [STATUS_INVALID] = "invalid input",
    [STATUS_TRUNCATED] = "input ends too early",
    [STATUS_VERSION] = "unknown version",
    [STATUS_LIMIT] = "limit reached",
    [STATUS_NO_MEMORY] = "out of memory",
    [STATUS_NOT_FOUND] = "not found",
    [STATUS_EXISTS] = "exists already",
    [STATUS_CONFLICT] = "conflict with stored state",
    [STATUS_UNAVAILABLE] = "not reachable now",
    [STATUS_SYSTEM] = "system call failed",
};

const char *status_text(enum status status) {
    if ((unsigned)status >= STATUS_COUNT)
        return "unknown status";
    return texts[status];
}
