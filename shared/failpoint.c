#include "shared/failpoint.h"

#ifdef USHER_FAILPOINTS

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ACTION_SIZE = 32 };

/* False when there is no such file (any more). */
static bool read_action(const char *path, char action[ACTION_SIZE]) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        ensure(errno == ENOENT || errno == ENOTDIR);
        return false;
    }
    ssize_t length = read(fd, action, ACTION_SIZE - 1);
    close(fd);
    ensure(length >= 0);
    action[length] = '\0';
    action[strcspn(action, "\n")] = '\0';
    return *action != '\0'; /* empty: its writer has created it and not written yet */
}

bool failpoint_hit(const char *name) {
    const char *folder = getenv("USHER_FAILPOINT_DIR");
    if (folder == NULL)
        return false;
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, "%s/%s", folder, name);
    ensure(length > 0 && (size_t)length < sizeof path);

    static const char always[] = "always ";
    char text[ACTION_SIZE];
    if (!read_action(path, text))
        return false;
    const char *action = text;
    if (strncmp(text, always, sizeof always - 1) == 0)
        action += sizeof always - 1;
    else if (unlink(path) != 0)
        return false; /* another process was faster: it is its hit */

    if (strcmp(action, "kill") == 0)
        ensure(raise(SIGKILL) == 0);
    if (strcmp(action, "stop") == 0) {
        ensure(raise(SIGSTOP) == 0);
        return false;
    }
    ensure(strcmp(action, "fail") == 0);
    return true;
}

#endif
