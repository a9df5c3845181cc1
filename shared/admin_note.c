#include "shared/admin_note.h"

void admin_note_bind(struct database_group *group, const struct admin_note *note) {
    database_group_text(group, note->who);
    database_group_text(group, note->role);
    database_group_text(group, note->what);
    database_group_text(group, note->request_id);
    database_group_text(group, note->address);
    database_group_jsonb(group, note->change);
}
