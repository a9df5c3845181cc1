#include "ops/usherctl/os_user.h"

#include "shared/admin_key.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void os_user_read(struct os_user *user) {
    const struct passwd *entry = getpwuid(getuid());
    const char *name = getuid() == 0 ? getenv("SUDO_USER") : NULL;
    if (name == NULL || *name == '\0') {
        name = entry != NULL ? entry->pw_name : NULL;
    }
    if (name != NULL) {
        (void)snprintf(user->name, sizeof user->name, "%s", name);
    } else {
        (void)snprintf(user->name, sizeof user->name, "user %ld", (long)getuid());
    }
    if (gethostname(user->host, sizeof user->host) != 0) {
        (void)snprintf(user->host, sizeof user->host, "(unknown host)");
    }
    user->host[sizeof user->host - 1] = '\0';
}

struct admin_note os_user_note(const struct os_user *user, const char *what, const char *change) {
    return (struct admin_note){.who = user->name,
                               .role = ADMIN_USHERCTL,
                               .what = what,
                               .address = user->host,
                               .change = change};
}
