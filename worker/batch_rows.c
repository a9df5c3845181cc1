#include "worker/batch_rows.h"

#include "worker/store.h"

#include <stdlib.h>

enum { COLUMN_FIRST_CAPACITY = 16 };

static void append(struct column *column, const void *items, size_t count, size_t item_bytes) {
    if (column->count + count > column->capacity) {
        size_t capacity = column->capacity ? column->capacity * 2 : COLUMN_FIRST_CAPACITY;
        while (capacity < column->count + count)
            capacity *= 2;
        column->data = reallocarray(column->data, capacity, item_bytes);
        ensure(column->data);
        column->capacity = capacity;
    }
    memcpy((char *)column->data + column->count * item_bytes, items, count * item_bytes);
    column->count += count;
}

static void append_i16(struct column *column, int16_t value) {
    append(column, &value, 1, sizeof value);
}

static void append_i32(struct column *column, int32_t value) {
    append(column, &value, 1, sizeof value);
}

static void append_i64(struct column *column, int64_t value) {
    append(column, &value, 1, sizeof value);
}

static void append_id(struct column *column, const struct id128 *id) {
    append(column, id, 1, sizeof *id);
}

/* Texts are not copied: they live in the batch. */
static void append_text(struct column *column, const char *text) {
    append(column, &text, 1, sizeof text);
}

static void bind_i16(struct database_group *group, const struct column *column) {
    database_group_i16_array(group, column->data, column->count);
}

static void bind_i32(struct database_group *group, const struct column *column) {
    database_group_i32_array(group, column->data, column->count);
}

static void bind_i64(struct database_group *group, const struct column *column) {
    database_group_i64_array(group, column->data, column->count);
}

static void bind_id(struct database_group *group, const struct column *column) {
    database_group_uuid_array(group, column->data, NULL, column->count);
}

static void bind_text(struct database_group *group, const struct column *column) {
    database_group_text_array(group, column->data, column->count);
}

static void free_columns(struct column *const *columns, size_t count) {
    for (size_t i = 0; i < count; i++)
        free(columns[i]->data);
}

void booking_insert_rows_add(struct booking_insert_rows *rows, const struct booking *booking,
                             const char *name, const char *email) {
    append_i64(&rows->event, (int64_t)booking->event_id);
    append_id(&rows->id, &booking->id);
    append_id(&rows->user, &booking->user);
    append_i16(&rows->status, (int16_t)booking->status);
    append_i64(&rows->body_hash, (int64_t)booking->body_hash);
    append_i32(&rows->first, (int32_t)rows->seats.count + 1);
    append(&rows->seats, booking->seats, booking->seat_count, sizeof booking->seats[0]);
    append(&rows->prices, booking->prices, booking->seat_count, sizeof booking->prices[0]);
    append_i32(&rows->last, (int32_t)rows->seats.count);
    append_i64(&rows->amount, booking->amount);
    append_text(&rows->currency, booking->currency);
    append_i64(&rows->created, booking->created_us);
    append_i64(&rows->deadline, booking->deadline_served_ms);
    append_i64(&rows->expires, booking->expires_us);
    append_text(&rows->name, name);
    append_text(&rows->email, email);
    append_i64(&rows->queue_number, (int64_t)booking->queue_number);
    rows->count++;
}

void booking_insert_rows_bind(const struct booking_insert_rows *rows,
                              struct database_group *group) {
    database_group_add(group, &store_insert_bookings);
    bind_i64(group, &rows->event);
    bind_id(group, &rows->id);
    bind_id(group, &rows->user);
    bind_i16(group, &rows->status);
    bind_i64(group, &rows->body_hash);
    bind_i32(group, &rows->first);
    bind_i32(group, &rows->last);
    bind_i32(group, &rows->seats);
    bind_i64(group, &rows->prices);
    bind_i64(group, &rows->amount);
    bind_text(group, &rows->currency);
    bind_i64(group, &rows->created);
    bind_i64(group, &rows->deadline);
    bind_i64(group, &rows->expires);
    bind_text(group, &rows->name);
    bind_text(group, &rows->email);
    bind_i64(group, &rows->queue_number);
}

void booking_insert_rows_free(struct booking_insert_rows *rows) {
    struct column *const columns[] = {
        &rows->event,    &rows->id,           &rows->user,     &rows->status,  &rows->body_hash,
        &rows->first,    &rows->last,         &rows->seats,    &rows->prices,  &rows->amount,
        &rows->currency, &rows->created,      &rows->deadline, &rows->expires, &rows->name,
        &rows->email,    &rows->queue_number,
    };
    free_columns(columns, ARRAY_LEN(columns));
}

void booking_update_rows_add(struct booking_update_rows *rows, enum booking_status before,
                             const struct id128 *user_before, const struct booking *after,
                             const char *name, const char *email) {
    append_i64(&rows->event, (int64_t)after->event_id);
    append_id(&rows->id, &after->id);
    append_i16(&rows->before, (int16_t)before);
    append_i16(&rows->after, (int16_t)after->status);
    append_id(&rows->user_before, user_before);
    append_id(&rows->user_after, &after->user);
    append_text(&rows->name, name);
    append_text(&rows->email, email);
    rows->count++;
}

void booking_update_rows_bind(const struct booking_update_rows *rows,
                              struct database_group *group) {
    database_group_add(group, &store_update_bookings);
    bind_i64(group, &rows->event);
    bind_id(group, &rows->id);
    bind_i16(group, &rows->before);
    bind_i16(group, &rows->after);
    bind_id(group, &rows->user_before);
    bind_id(group, &rows->user_after);
    bind_text(group, &rows->name);
    bind_text(group, &rows->email);
}

void booking_update_rows_free(struct booking_update_rows *rows) {
    struct column *const columns[] = {&rows->event, &rows->id,          &rows->before,
                                      &rows->after, &rows->user_before, &rows->user_after,
                                      &rows->name,  &rows->email};
    free_columns(columns, ARRAY_LEN(columns));
}

void claim_rows_add(struct claim_rows *rows, uint64_t event_id, uint32_t seat,
                    const struct id128 *before, const struct id128 *after) {
    append_i64(&rows->event, (int64_t)event_id);
    append_i32(&rows->seat, (int32_t)seat);
    append_id(&rows->before, before);
    append_id(&rows->after, after);
    rows->count++;
}

void claim_rows_bind(const struct claim_rows *rows, struct database_group *group,
                     const struct database_statement *statement, bool before, bool after) {
    database_group_add(group, statement);
    bind_i64(group, &rows->event);
    bind_i32(group, &rows->seat);
    if (before)
        bind_id(group, &rows->before);
    if (after)
        bind_id(group, &rows->after);
}

void claim_rows_free(struct claim_rows *rows) {
    struct column *const columns[] = {&rows->event, &rows->seat, &rows->before, &rows->after};
    free_columns(columns, ARRAY_LEN(columns));
}

void turn_rows_add(struct turn_rows *rows, uint64_t event_id, const struct turn *turn,
                   enum turn_state before, const struct id128 *user_before) {
    append_i64(&rows->event, (int64_t)event_id);
    append_i64(&rows->number, (int64_t)turn->number);
    append_id(&rows->user, &turn->user);
    append_i16(&rows->state, (int16_t)turn->state);
    append_i64(&rows->joined, turn->joined_us);
    append_i64(&rows->called, turn->called_us);
    append_i64(&rows->deadline, turn->deadline_served_ms);
    append_id(&rows->booking, &turn->booking_id);
    append_i64(&rows->ended, turn->ended_us);
    append_i16(&rows->state_before, (int16_t)before);
    append_id(&rows->user_before, user_before);
    rows->count++;
}

void turn_rows_bind(const struct turn_rows *rows, struct database_group *group,
                    const struct database_statement *statement, bool before) {
    database_group_add(group, statement);
    bind_i64(group, &rows->event);
    bind_i64(group, &rows->number);
    bind_id(group, &rows->user);
    bind_i16(group, &rows->state);
    bind_i64(group, &rows->joined);
    bind_i64(group, &rows->called);
    bind_i64(group, &rows->deadline);
    bind_id(group, &rows->booking);
    bind_i64(group, &rows->ended);
    if (before) {
        bind_i16(group, &rows->state_before);
        bind_id(group, &rows->user_before);
    }
}

void turn_rows_free(struct turn_rows *rows) {
    struct column *const columns[] = {
        &rows->event,  &rows->number,       &rows->user,        &rows->state,
        &rows->joined, &rows->called,       &rows->deadline,    &rows->booking,
        &rows->ended,  &rows->state_before, &rows->user_before,
    };
    free_columns(columns, ARRAY_LEN(columns));
}

void record_rows_add(struct record_rows *rows, uint64_t event_id, const struct room_record *before,
                     const struct room_record *record) {
    append_i64(&rows->event, (int64_t)event_id);
    append_i64(&rows->admitted, (int64_t)record->admitted_to);
    append_i64(&rows->issued, (int64_t)record->issued_to);
    append_i64(&rows->claimed, (int64_t)record->claimed);
    append_i64(&rows->missed, (int64_t)record->missed);
    append_i64(&rows->left, (int64_t)record->left);
    append_i64(&rows->bought, (int64_t)record->bought);
    append_i64(&rows->admitted_before, (int64_t)before->admitted_to);
    append_i64(&rows->issued_before, (int64_t)before->issued_to);
    rows->count++;
}

void record_rows_bind(const struct record_rows *rows, struct database_group *group,
                      const struct database_statement *statement, bool before) {
    database_group_add(group, statement);
    bind_i64(group, &rows->event);
    bind_i64(group, &rows->admitted);
    bind_i64(group, &rows->issued);
    bind_i64(group, &rows->claimed);
    bind_i64(group, &rows->missed);
    bind_i64(group, &rows->left);
    bind_i64(group, &rows->bought);
    if (before) {
        bind_i64(group, &rows->admitted_before);
        bind_i64(group, &rows->issued_before);
    }
}

void record_rows_free(struct record_rows *rows) {
    struct column *const columns[] = {&rows->event,   &rows->admitted,        &rows->issued,
                                      &rows->claimed, &rows->missed,          &rows->left,
                                      &rows->bought,  &rows->admitted_before, &rows->issued_before};
    free_columns(columns, ARRAY_LEN(columns));
}

void span_rows_add(struct span_rows *rows, uint64_t event_id, uint32_t span_no,
                   const struct room_vouch *vouch) {
    append_i64(&rows->event, (int64_t)event_id);
    append_i32(&rows->span_no, (int32_t)span_no);
    append_i64(&rows->first_number, (int64_t)vouch->span.first_number);
    append_i64(&rows->first_sequence, (int64_t)vouch->span.first_sequence);
    append_i32(&rows->stream_no, (int32_t)vouch->span.stream);
    append_text(&rows->server_id, vouch->server_id);
    append_text(&rows->created, vouch->created);
    append_i64(&rows->admitted, (int64_t)vouch->admitted_to);
    append_i64(&rows->vouched, vouch->vouched_served_ms);
    rows->count++;
}

void span_rows_bind(const struct span_rows *rows, struct database_group *group) {
    database_group_add(group, &store_insert_spans);
    bind_i64(group, &rows->event);
    bind_i32(group, &rows->span_no);
    bind_i64(group, &rows->first_number);
    bind_i64(group, &rows->first_sequence);
    bind_i32(group, &rows->stream_no);
    bind_text(group, &rows->server_id);
    bind_text(group, &rows->created);
    bind_i64(group, &rows->admitted);
    bind_i64(group, &rows->vouched);
}

void span_rows_free(struct span_rows *rows) {
    struct column *const columns[] = {&rows->event,          &rows->span_no,   &rows->first_number,
                                      &rows->first_sequence, &rows->stream_no, &rows->server_id,
                                      &rows->created,        &rows->admitted,  &rows->vouched};
    free_columns(columns, ARRAY_LEN(columns));
}

void show_rows_add(struct show_rows *rows, uint64_t event_id, uint64_t from, uint64_t version,
                   uint32_t seats_available, uint32_t open_holds) {
    append_i64(&rows->event, (int64_t)event_id);
    append_i64(&rows->from, (int64_t)from);
    append_i64(&rows->version, (int64_t)version);
    append_i32(&rows->available, (int32_t)seats_available);
    append_i32(&rows->holds, (int32_t)open_holds);
    rows->count++;
}

void show_rows_bind(const struct show_rows *rows, struct database_group *group) {
    database_group_add(group, &store_update_shows);
    bind_i64(group, &rows->event);
    bind_i64(group, &rows->from);
    bind_i64(group, &rows->version);
    bind_i32(group, &rows->available);
    bind_i32(group, &rows->holds);
}

void show_rows_free(struct show_rows *rows) {
    struct column *const columns[] = {&rows->event, &rows->from, &rows->version, &rows->available,
                                      &rows->holds};
    free_columns(columns, ARRAY_LEN(columns));
}
