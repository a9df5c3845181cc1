/*
 * store: all SQL of the worker, as named statements, and how rows become plain data. No decisions.
 */
#ifndef USHER_WORKER_STORE_H
#define USHER_WORKER_STORE_H

#include "shared/booking.h"
#include "shared/database.h"
#include "worker/engine/room.h"

/* What each session prepares; NULL-terminated. */
extern const struct database_statement *const store_write_statements[];
extern const struct database_statement *const store_load_statements[];
extern const struct database_statement *const store_admin_statements[];

/* --- transactions */

extern const struct database_statement store_begin;
extern const struct database_statement store_begin_snapshot; /* repeatable read, read only */
extern const struct database_statement
    store_begin_patient; /* no lock is waited for longer than 1 s … */
extern const struct database_statement store_commit;
extern const struct database_statement store_rollback;

/* --- the write session: one batch */

/* Its statements are planned once, and always for a few rows by index: the tables may have been
 * empty when they were planned and be large a minute later. */
#define STORE_WRITE_OPTIONS                                                                        \
    "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_hashjoin=off "          \
    "-c enable_mergejoin=off -c enable_bitmapscan=off -c jit=off"

/* $1 partition_id int2[], $2 epoch int8[]. A row a partition whose epoch is unchanged, in order of
 * id. The first locks them against a takeover, the second only looks (for batches without changes).
 */
extern const struct database_statement store_fence_lock;
extern const struct database_statement store_fence_look;
/* $1 event_id int8[], $2 booking_id uuid[], $3 user_id uuid[], $4 status int2[], $5 body_hash
 * int8[], $6 first int4[] and $7 last int4[] (positions, from 1, in:) $8 seats int4[] and $9 prices
 * int8[], $10 amount int8[], $11 currency text[], $12 created int8[] µs, $13 deadline int8[], $14
 * expires int8[] µs, $15/$16 contact text[] ("" none), $17 queue_number int8[] (0 none). */
extern const struct database_statement store_insert_bookings;
/* $1 event_id int8[], $2 booking_id uuid[], $3 before int2[], $4 after int2[], $5 user_id
 * uuid[] before and $6 after, $7/$8 contact text[]. */
extern const struct database_statement store_update_bookings;
/* $1 event_id int8[], $2 seat int4[], $3 booking_id uuid[] (who has it now). */
extern const struct database_statement store_delete_claims;
/* The same and $4 booking_id uuid[] (who gets it). */
extern const struct database_statement store_update_claims;
/* $1 event_id int8[], $2 seat int4[], $3 booking_id uuid[]. */
extern const struct database_statement store_insert_claims;
/* $1 event_id int8[], $2 from int8[], $3 version int8[], $4 seats_available int4[], $5 open_holds
 * int4[]. */
extern const struct database_statement store_update_shows;
/* $1 partition_id int2[], $2 served_ms int8[]. */
extern const struct database_statement store_update_served;
/* $1 event_id int8[], $2 number int8[], $3 user_id uuid[], $4 state int2[], $5 joined and $6 called
 * int8[] µs, $7 deadline int8[], $8 booking_id uuid[], $9 ended int8[] µs; zeros are NULL. */
extern const struct database_statement store_insert_turns;
/* The same, and $10 state int2[] and $11 user_id uuid[] before. */
extern const struct database_statement store_update_turns;
/* $1 event_id int8[], then int8[] each: $2 admitted_to, $3 issued_to, $4 claimed, $5 missed, $6
 * gone, $7 bought. */
extern const struct database_statement store_insert_rooms;
/* The same, and $8 admitted_to and $9 issued_to before. */
extern const struct database_statement store_update_rooms;
/* $1 event_id int8[], $2 span_no int4[], $3 first_number and $4 first_sequence int8[], $5 stream_no
 * int4[], $6 server_id and $7 created text[], $8 admitted_to and $9 vouched_served_ms int8[]. */
extern const struct database_statement store_insert_spans;

/* --- the load session */

/* $1 event_id. One row or none. */
extern const struct database_statement store_select_event;
/* $1 event_id. A row a section, in order. */
extern const struct database_statement store_select_sections;
/* $1 event_id. Live bookings, through their claims. */
extern const struct database_statement store_select_live;
/* $1 event_id. Blocked seats. */
extern const struct database_statement store_select_blocked;
/* $1 event_id, $2 limit. Ids of bookings that ended. */
extern const struct database_statement store_select_ended;
/* $1 event_id, $2 booking_id. */
extern const struct database_statement store_select_booking;
/* $1 event_id. One row or none: the room's record. */
extern const struct database_statement store_select_room;
/* $1 event_id. What the room's spans were vouched for, in order. */
extern const struct database_statement store_select_spans;
/* $1 event_id. Turns the room has to know (room_restore_turn). */
extern const struct database_statement store_select_turns;
/* $1 partition_id int2[]. Events that have something to do though nobody asks: open holds, turns
 * whose time runs, or a room that is on. */
extern const struct database_statement store_select_busy_events;

/* What store_select_event, …_sections say of a show. */
struct store_show {
    uint64_t seats_version;
    uint32_t seat_count;
    uint32_t section_count;
    struct show_section *sections; /* free() */
    struct show_settings settings;
    struct room_settings room;
};

/* STATUS_NOT_FOUND, STATUS_INVALID (the rows break a rule the engine relies on), STATUS_NO_MEMORY.
 */
MUST_CHECK enum status store_read_show(const PGresult *event, const PGresult *sections,
                                       struct store_show *show);
/* A row of store_select_live or store_select_booking. False when it breaks a rule. */
MUST_CHECK bool store_read_booking(const PGresult *result, int row, struct booking *booking);
/* Rows of store_select_room, …_spans, …_turns. False when one breaks a rule. */
MUST_CHECK bool store_read_record(const PGresult *result, int row, struct room_record *record);
MUST_CHECK bool store_read_vouch(const PGresult *result, int row, struct room_vouch *vouch);
MUST_CHECK bool store_read_turn(const PGresult *result, int row, struct turn *turn);

/* Waits for no lock longer than this: an owner that lives again may hold rows. And a worker that
 * freezes in the middle of a takeover must not keep the dead one's lock. */
#define STORE_ADMIN_OPTIONS "-c lock_timeout=1000 -c idle_session_timeout=2500"

/* --- the admin session: who owns what */

/* One row: installation_id, partition_count, partition_hash. */
extern const struct database_statement store_select_installation;
/* $1 instance, $2 process, $3 host, $4 pid. Nothing happens when it is there already. */
extern const struct database_statement store_insert_instance;
/* All partitions in order: partition_id, epoch, owner, alive bool, served_ms. */
extern const struct database_statement store_select_partitions;
/* Alive workers: instance, age in seconds float8. */
extern const struct database_statement store_select_workers;
/* $1 instance. One row: whether this session got that instance's lock. */
extern const struct database_statement store_lock_instance;
extern const struct database_statement store_unlock_instance;
/* $1 application_name. Ends every session of that name; one row: how many there still are. */
extern const struct database_statement store_end_sessions;
/* $1 server process id, $2 application_name. The same for one session. */
extern const struct database_statement store_end_session;
/* $1 dead instance, $2 mine, $3 partition_id int2[] to keep; the others get no owner. All epochs
 * are raised. Rows: partition_id, epoch, served_ms of those kept. */
extern const struct database_statement store_take_over;
/* $1 mine, $2 partition_id int2[]. Of these, the ones without an owner. Rows as above. */
extern const struct database_statement store_claim;
/* $1 mine. Raises the epochs of all that is mine. Rows as above. */
extern const struct database_statement store_raise_epochs;
/* $1 mine, $2 partition_id int2[], $3 served_ms int8[]. Gives them up. */
extern const struct database_statement store_release;
/* $1 instance. */
extern const struct database_statement store_delete_instance;
/* Instances that are neither alive nor own anything. */
extern const struct database_statement store_delete_stale_instances;

#endif
