/*
 * sql: every statement of the gateway, by name, with its parameters ($1 …) and columns. What admin
 * routes insert is in shared/catalogue_sql.h.
 */
#ifndef USHER_GATEWAY_SQL_H
#define USHER_GATEWAY_SQL_H

#include "shared/database.h"

/* Columns: clock_timestamp. Any session. */
extern const struct database_statement sql_clock;

/* Columns: installation_id uuid, partition_count int4, partition_hash text, booking_key bytea, and
 * the first and second session key, bytea, the second maybe NULL. */
extern const struct database_statement sql_installation;

/* $1 event_id. Columns: state int2, venue_id int8, layout_version int4, GET /events/{id} as JSON
 * text, event_id int8, whether its room is off bool. */
extern const struct database_statement sql_event;

/* Both: $1 city, $2 state, $3 from and $5 to as instants, $4 from and $6 to as local time of the
 * venue, $7 start time and $8 event_id after which to go on, $9 how many; all but $9 may be NULL.
 * sql_search_words: $10 a text search query. Columns: JSON text of an event, start_time, event_id;
 * soonest first. */
extern const struct database_statement sql_search_all;
extern const struct database_statement sql_search_words;
/* $1 what was typed. Columns: text search query, text. What matches best first; no rows: nothing
 * can be found. */
extern const struct database_statement sql_search_classes;
extern const struct database_statement sql_search_similar;

/* $1 venue_id, $2 layout_version. A row each for layout (seat_count int4, sections text); sections
 * in order (name, general bool, category, first_seat int4, seat_count int4); seats in order
 * (seat_id). */
extern const struct database_statement sql_layout;
extern const struct database_statement sql_layout_sections;
extern const struct database_statement sql_layout_seats;

/* $1 event_id. Columns: seats_version int8, seat_count int4, taken int4[]: seat * 4 + enum
 * seat_state. */
extern const struct database_statement sql_seats;

/* $1 event_id. Columns: room settings jsonb, state int2, on_sale_time and sale_end_time (maybe
 * NULL), sold out bool; of the door (zeros when it never was open): admitted_to, issued_to,
 * claimed, missed, gone, bought, turns called and passes, int8 all; the line: first numbers int8[],
 * first sequences int8[], streams int4[]; server_id and created of the newest span, text ("" when
 * there is none); clock_timestamp. */
extern const struct database_statement sql_room;

/* Columns of both: event_id int8, booking_id uuid, status int2, seats int4[], prices int8[], amount
 * int8, currency text, created_at, expires_at. $1 event_id, $2 booking_id, $3 user_id. */
extern const struct database_statement sql_booking;
/* $1 user_id, $2 event_id or NULL, $3 created_at and $4 booking_id after which to go on or NULL, $5
 * how many. Newest first. */
extern const struct database_statement sql_bookings;

/* A guest becomes a user: one group. $1 the guest's user_id, $2 the account's, for
 * sql_link_bookings $3 how many. sql_link: the first to ask is the one; column: user_id uuid.
 * sql_link_note keeps which bookings are to move, unless the guest is linked to another account.
 * sql_link_bookings: those of them that are live; columns as sql_booking, and whether it is the
 * guest's still; such come first. */
extern const struct database_statement sql_link;
extern const struct database_statement sql_link_note;
extern const struct database_statement sql_link_bookings;

/* $1 event_id. GET /admin/events/{id}/stats as JSON text. */
extern const struct database_statement sql_stats;

/* $1 how many. The keys that are good. Columns: name, role, hash bytea. */
extern const struct database_statement sql_admin_keys;
/* A change that an event's owner is to decide: $1 event_id and a note (shared/admin_note.h).
 * Column: log_id int8. Then its outcome: $1 log_id, $2 status int2. */
extern const struct database_statement sql_admin_log_begin;
extern const struct database_statement sql_admin_log_end;

/* What each session prepares; NULL-terminated. */
extern const struct database_statement *const sql_of_catalogue_session[];
extern const struct database_statement *const sql_of_search_session[];
extern const struct database_statement *const sql_of_primary_session[];
extern const struct database_statement *const sql_of_admin_session[];

#endif
