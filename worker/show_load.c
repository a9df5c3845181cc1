#include "worker/show_load.h"

#include "worker/store.h"

#include <stdlib.h>

enum load_row_set {
    LOAD_BEGIN,
    LOAD_EVENT,
    LOAD_SECTIONS,
    LOAD_LIVE,
    LOAD_BLOCKED,
    LOAD_ENDED,
    LOAD_COMMIT
};

enum status show_load_send(struct database_session *session, uint64_t event_id,
                           database_answer_handler *on_answer, void *context) {
    static const struct database_statement *const by_event[] = {
        &store_select_event, &store_select_sections, &store_select_live, &store_select_blocked};
    struct database_group *group = database_group_create(session);
    database_group_add(group, &store_begin_snapshot);
    for (size_t i = 0; i < ARRAY_LEN(by_event); i++) {
        database_group_add(group, by_event[i]);
        database_group_i64(group, (int64_t)event_id);
    }
    database_group_add(group, &store_select_ended);
    database_group_i64(group, (int64_t)event_id);
    database_group_i64(group, SHOW_ENDED_MAX + 1);
    database_group_add(group, &store_commit);
    return database_group_send_take(group, on_answer, context);
}

static enum status restore(struct show *show, const struct database_answer *answer) {
    const PGresult *live = answer->results[LOAD_LIVE];
    for (int row = 0; row < PQntuples(live); row++) {
        struct booking booking;
        if (!store_read_booking(live, row, &booking))
            return STATUS_INVALID;
        enum status status = show_restore_booking(show, &booking);
        if (status != STATUS_OK)
            return status;
    }
    const PGresult *blocked = answer->results[LOAD_BLOCKED];
    for (int row = 0; row < PQntuples(blocked); row++) {
        enum status status = show_restore_blocked(show, (uint32_t)database_i32(blocked, row, 0));
        if (status != STATUS_OK)
            return status;
    }
    const PGresult *ended = answer->results[LOAD_ENDED];
    for (int row = 0; row < PQntuples(ended); row++) {
        struct id128 id = database_uuid(ended, row, 0);
        enum status status = show_restore_ended(show, &id);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

enum status show_load_read(const struct database_answer *answer, uint64_t event_id,
                           struct show **show, uint64_t *seats_version) {
    struct store_show stored;
    enum status status =
        store_read_show(answer->results[LOAD_EVENT], answer->results[LOAD_SECTIONS], &stored);
    if (status != STATUS_OK)
        return status;
    const struct show_layout layout = {.section_count = stored.section_count,
                                       .sections = stored.sections};
    struct show *made = show_create(event_id, &layout, &stored.settings, SHOW_ENDED_MAX);
    free(stored.sections);
    if (!made)
        return STATUS_NO_MEMORY;
    status = restore(made, answer);
    if (status != STATUS_OK) {
        show_destroy(made);
        return status;
    }
    *show = made;
    *seats_version = stored.seats_version;
    return STATUS_OK;
}
