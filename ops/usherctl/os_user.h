/*
 * os_user: whom the system says usherctl is called by, for the log of the administration.
 */
#ifndef USHER_OPS_USHERCTL_OS_USER_H
#define USHER_OPS_USHERCTL_OS_USER_H

#include "shared/admin_note.h"

enum { OS_USER_NAME_SIZE = 64, OS_USER_HOST_SIZE = 65 };

struct os_user {
    char name[OS_USER_NAME_SIZE]; /* under sudo the one who called it */
    char host[OS_USER_HOST_SIZE];
};

void os_user_read(struct os_user *user);
/* `change` is JSON, or NULL. The texts are kept by pointer. */
struct admin_note os_user_note(const struct os_user *user, const char *what, const char *change);

#endif
