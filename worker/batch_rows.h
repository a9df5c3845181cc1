/*
 * batch_rows: the columns of a batch's writes, gathered as arrays and bound to the statements of
 * worker/store.h. Zero-initialised is empty; rows are added, bound once, freed. Aborts without
 * memory, as the batch does.
 */
#ifndef USHER_WORKER_BATCH_ROWS_H
#define USHER_WORKER_BATCH_ROWS_H

#include "shared/booking.h"
#include "shared/database.h"
#include "worker/engine/room.h"

/* A growing array; the items' size is the user's. */
struct column {
    void *data;
    size_t count;
    size_t capacity;
};

struct booking_insert_rows {
    size_t count;
    struct column event, id, user, status, body_hash, first, last, seats, prices, amount, currency,
        created, deadline, expires, name, email, queue_number;
};

void booking_insert_rows_add(struct booking_insert_rows *rows, const struct booking *booking,
                             const char *name, const char *email);
void booking_insert_rows_bind(const struct booking_insert_rows *rows, struct database_group *group);
void booking_insert_rows_free(struct booking_insert_rows *rows);

struct booking_update_rows {
    size_t count;
    struct column event, id, before, after, user_before, user_after, name, email;
};

void booking_update_rows_add(struct booking_update_rows *rows, enum booking_status before,
                             const struct id128 *user_before, const struct booking *after,
                             const char *name, const char *email);
void booking_update_rows_bind(const struct booking_update_rows *rows, struct database_group *group);
void booking_update_rows_free(struct booking_update_rows *rows);

struct claim_rows {
    size_t count;
    struct column event, seat, before, after;
};

void claim_rows_add(struct claim_rows *rows, uint64_t event_id, uint32_t seat,
                    const struct id128 *before, const struct id128 *after);
/* Binds event and seat, then who has the seat and who gets it, as the statement wants. */
void claim_rows_bind(const struct claim_rows *rows, struct database_group *group,
                     const struct database_statement *statement, bool before, bool after);
void claim_rows_free(struct claim_rows *rows);

struct turn_rows {
    size_t count;
    struct column event, number, user, state, joined, called, deadline, booking, ended,
        state_before, user_before;
};

void turn_rows_add(struct turn_rows *rows, uint64_t event_id, const struct turn *turn,
                   enum turn_state before, const struct id128 *user_before);
/* Binds what the statement wants: an update also what each was before. */
void turn_rows_bind(const struct turn_rows *rows, struct database_group *group,
                    const struct database_statement *statement, bool before);
void turn_rows_free(struct turn_rows *rows);

struct record_rows {
    size_t count;
    struct column event, admitted, issued, claimed, missed, left, bought, admitted_before,
        issued_before;
};

void record_rows_add(struct record_rows *rows, uint64_t event_id, const struct room_record *before,
                     const struct room_record *record);
/* As for turns. */
void record_rows_bind(const struct record_rows *rows, struct database_group *group,
                      const struct database_statement *statement, bool before);
void record_rows_free(struct record_rows *rows);

struct span_rows {
    size_t count;
    struct column event, span_no, first_number, first_sequence, stream_no, server_id, created,
        admitted, vouched;
};

/* Keeps the vouch's texts by pointer. */
void span_rows_add(struct span_rows *rows, uint64_t event_id, uint32_t span_no,
                   const struct room_vouch *vouch);
void span_rows_bind(const struct span_rows *rows, struct database_group *group);
void span_rows_free(struct span_rows *rows);

struct show_rows {
    size_t count;
    struct column event, from, version, available, holds;
};

void show_rows_add(struct show_rows *rows, uint64_t event_id, uint64_t from, uint64_t version,
                   uint32_t seats_available, uint32_t open_holds);
void show_rows_bind(const struct show_rows *rows, struct database_group *group);
void show_rows_free(struct show_rows *rows);

#endif
