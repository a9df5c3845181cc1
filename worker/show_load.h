/*
 * show_load: one show out of the database, in one snapshot (repeatable read): its settings and
 * layout, its live bookings and blocked seats, and the ids of ended bookings, up to SHOW_ENDED_MAX;
 * and its room: settings, record, spans, and the turns it has to know.
 */
#ifndef USHER_WORKER_SHOW_LOAD_H
#define USHER_WORKER_SHOW_LOAD_H

#include "shared/database.h"
#include "worker/engine/room.h"

/* One group of statements on a session that has prepared store_load_statements. STATUS_… as of
 * database_group_send_take. A group that fails leaves the session in a broken transaction. */
MUST_CHECK enum status show_load_send(struct database_session *session, uint64_t event_id,
                                      database_answer_handler *on_answer, void *context);

struct loaded_show {
    struct show *show;
    uint64_t seats_version;
    struct room *room;
    bool room_is_stored; /* its record has a row */
};

/* From its answer, which is DATABASE_DONE. On STATUS_OK show and room are the caller's.
 * STATUS_NOT_FOUND: no such event; STATUS_INVALID, STATUS_CONFLICT: the stored rows are broken;
 * STATUS_NO_MEMORY. */
MUST_CHECK enum status show_load_read(const struct database_answer *answer, uint64_t event_id,
                                      struct loaded_show *loaded);

#endif
