/*
 * catalogue_sql: how venues and events are stored. The statements are the same for the gateway
 * (admin routes), `usherctl import` and, for patches, the owner; each is bound to a database group
 * here, and nowhere else.
 */
#ifndef USHER_SHARED_CATALOGUE_SQL_H
#define USHER_SHARED_CATALOGUE_SQL_H

#include "shared/admin_note.h"
#include "shared/catalogue_input.h"

enum { ADMIN_BODY_HASH_BYTES = 32 };

/* How an admin POST is repeated (`idempotency_key` NULL: it can't be), and what the log says of it.
 * An idempotency key is its caller's: another's same key is another. */
struct admin_request {
    const char *caller;
    const char *idempotency_key;
    uint8_t body_hash[ADMIN_BODY_HASH_BYTES]; /* SHA-256 of the body */
    struct admin_note note;
};

/*
 * No row: PostgreSQL knows no such time zone; nothing was stored (the caller names the field
 * timeZone). Else one row: id bigint (venue_id), layout_version int4, seat_count int4, replayed
 * bool, key_reused bool (then nothing was stored and id is the first request's). Two that race with
 * one key: the loser fails with SQLSTATE 23505 and is to be sent again. What is stored has its line
 * in the log; a repeat has none.
 */
extern const struct database_statement catalogue_insert_venue;
void catalogue_bind_venue(struct database_group *group, const struct venue_input *venue,
                          const struct admin_request *request);

/* One row: id bigint (event_id), replayed bool, key_reused bool; no row: no such venue. Writes the
 * usher.show row as well. The partition follows from the id: partition_of_event, computed in SQL by
 * the same function. */
extern const struct database_statement catalogue_insert_event;
void catalogue_bind_event(struct database_group *group, const struct event_input *event,
                          int64_t default_hold_seconds, const struct admin_request *request);

/* $1 venue_id. No row: no such venue. One row: categories text[] as jsonb array of texts. */
extern const struct database_statement catalogue_select_venue_facts;
void catalogue_bind_venue_facts(struct database_group *group, int64_t venue_id);
void catalogue_read_venue_facts(const PGresult *result, struct venue_facts *facts);

/* The owner's: writes what the patch names into usher.event; the room's settings are merged, so
 * that one can be changed alone. One row affected. */
extern const struct database_statement catalogue_update_event;
void catalogue_bind_update(struct database_group *group, uint64_t event_id,
                           const struct event_patch *patch);

#endif
