/*
 * admin_note: who asked for a change, from where, and what it was, for usher.admin_log
 * (migrations/0003_admin.sql). Never a key or a token.
 *
 * A statement that writes a line names ADMIN_NOTE_COLUMNS, with ADMIN_NOTE_PARAMETERS parameters in
 * the same order, bound by admin_note_bind, of which the last is jsonb and the others are text.
 */
#ifndef USHER_SHARED_ADMIN_NOTE_H
#define USHER_SHARED_ADMIN_NOTE_H

#include "shared/database.h"

#define ADMIN_NOTE_COLUMNS "who, role, what, request_id, address, change"
enum { ADMIN_NOTE_PARAMETERS = 6 };

struct admin_note {
    const char *who;        /* the key's name, or a user of the system */
    const char *role;       /* admin_role_text, or "usherctl" */
    const char *what;       /* "POST /admin/venues" */
    const char *request_id; /* NULL: none */
    const char *address;
    const char *change; /* JSON; NULL: none */
};

void admin_note_bind(struct database_group *group, const struct admin_note *note);

#endif
