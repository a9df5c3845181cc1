#include "worker/show_load.h"

#include "worker/store.h"

#include <stdlib.h>

enum load_row_set {
    LOAD_BEGIN,
    LOAD_EVENT,
    LOAD_SECTIONS,
    LOAD_LIVE,
    LOAD_BLOCKED,
    LOAD_ROOM,
    LOAD_SPANS,
    LOAD_TURNS,
    LOAD_ENDED,
    LOAD_COMMIT
};

enum status show_load_send(struct database_session *session, uint64_t event_id,
                           database_answer_handler *on_answer, void *context) {
    static const struct database_statement *const by_event[] = {
        &store_select_event, &store_select_sections, &store_select_live, &store_select_blocked,
        &store_select_room,  &store_select_spans,    &store_select_turns};
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

static enum status restore_show(struct show *show, const struct database_answer *answer) {
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

static enum status restore_room(struct room *room, const struct database_answer *answer) {
    enum status status = STATUS_OK;
    const PGresult *record_rows = answer->results[LOAD_ROOM];
    if (PQntuples(record_rows) > 0) {
        struct room_record record;
        if (!store_read_record(record_rows, 0, &record))
            return STATUS_INVALID;
        status = room_restore_record(room, &record);
    }
    const PGresult *spans = answer->results[LOAD_SPANS];
    for (int row = 0; status == STATUS_OK && row < PQntuples(spans); row++) {
        struct room_vouch vouch;
        if (!store_read_vouch(spans, row, &vouch))
            return STATUS_INVALID;
        status = room_restore_vouch(room, &vouch);
    }
    const PGresult *turns = answer->results[LOAD_TURNS];
    for (int row = 0; status == STATUS_OK && row < PQntuples(turns); row++) {
        struct turn turn;
        if (!store_read_turn(turns, row, &turn))
            return STATUS_INVALID;
        status = room_restore_turn(room, &turn);
    }
    return status;
}

enum status show_load_read(const struct database_answer *answer, uint64_t event_id,
                           struct loaded_show *loaded) {
    struct store_show stored;
    enum status status =
        store_read_show(answer->results[LOAD_EVENT], answer->results[LOAD_SECTIONS], &stored);
    if (status != STATUS_OK)
        return status;
    const struct show_layout layout = {.section_count = stored.section_count,
                                       .sections = stored.sections};
    *loaded = (struct loaded_show){
        .show = show_create(event_id, &layout, &stored.settings, SHOW_ENDED_MAX),
        .seats_version = stored.seats_version,
        .room = room_create(event_id, &stored.room, ROOM_WAITING_MAX),
        .room_is_stored = PQntuples(answer->results[LOAD_ROOM]) > 0,
    };
    free(stored.sections);
    status = loaded->show && loaded->room ? STATUS_OK : STATUS_NO_MEMORY;
    if (status == STATUS_OK)
        status = restore_show(loaded->show, answer);
    if (status == STATUS_OK)
        status = restore_room(loaded->room, answer);
    if (status != STATUS_OK) {
        show_destroy(loaded->show);
        room_destroy(loaded->room);
    }
    return status;
}
