#include "worker/batch_private.h"

#include "worker/batch_rows.h"
#include "worker/store.h"

#include <stdlib.h>

bool batch_rooms_init(struct batch_rooms *rooms) {
    rooms->index = id_map_create(SIZE_MAX / 2);
    return rooms->index;
}

void batch_rooms_clear(struct batch_rooms *rooms) {
    id_map_destroy(rooms->index);
    free(rooms->turns);
    free(rooms->records);
    free(rooms->spans);
}

void batch_rooms_empty(struct batch_rooms *rooms) {
    id_map_clear(rooms->index);
    rooms->turn_count = 0;
    rooms->record_count = 0;
    rooms->span_count = 0;
}

bool batch_rooms_is_empty(const struct batch_rooms *rooms) {
    return rooms->turn_count + rooms->record_count + rooms->span_count == 0;
}

static struct id128 key_of(const struct show_entry *entry, uint64_t number) {
    struct id128 key;
    memcpy(key.bytes, &entry->event_id, sizeof entry->event_id);
    memcpy(key.bytes + sizeof entry->event_id, &number, sizeof number);
    return key;
}

static void add_turn(struct batch_rooms *rooms, struct show_entry *entry,
                     const struct room_change *change) {
    ensure(change->turn.number > 0);
    struct id128 key = key_of(entry, change->turn.number);
    size_t place = batch_find_place(rooms->index, &key);
    if (place == 0) {
        rooms->turns = batch_grow(rooms->turns, &rooms->turn_capacity, rooms->turn_count,
                                  sizeof *rooms->turns);
        rooms->turns[rooms->turn_count++] = (struct batch_turn){
            .entry = entry, .before = change->before, .user_before = change->user_before};
        batch_put_place(rooms->index, &key, rooms->turn_count);
        rooms->turns[rooms->turn_count - 1].after = change->turn;
        return;
    }
    struct batch_turn *net = &rooms->turns[place - 1];
    ensure(net->after.state == change->before &&
           id128_equal(&net->after.user, &change->user_before));
    net->after = change->turn;
}

static void add_record(struct batch_rooms *rooms, struct show_entry *entry,
                       const struct room_change *change) {
    struct id128 key = key_of(entry, 0);
    size_t place = batch_find_place(rooms->index, &key);
    if (place == 0) {
        rooms->records = batch_grow(rooms->records, &rooms->record_capacity, rooms->record_count,
                                    sizeof *rooms->records);
        rooms->records[rooms->record_count++] = (struct batch_record){
            .entry = entry, .is_new = !entry->room_is_stored, .before = change->was};
        entry->room_is_stored = true;
        place = rooms->record_count;
        batch_put_place(rooms->index, &key, place);
    }
    rooms->records[place - 1].after = change->record;
}

static void add_span(struct batch_rooms *rooms, struct show_entry *entry,
                     const struct room_change *change) {
    rooms->spans =
        batch_grow(rooms->spans, &rooms->span_capacity, rooms->span_count, sizeof *rooms->spans);
    rooms->spans[rooms->span_count++] =
        (struct batch_span){.entry = entry, .span_no = change->vouch_index, .vouch = change->vouch};
}

void batch_rooms_add(struct batch_rooms *rooms, struct show_entry *entry,
                     const struct room_change *change) {
    switch (change->kind) {
    case ROOM_CHANGE_TURN:
        add_turn(rooms, entry, change);
        return;
    case ROOM_CHANGE_RECORD:
        add_record(rooms, entry, change);
        return;
    case ROOM_CHANGE_VOUCH:
        add_span(rooms, entry, change);
        return;
    }
}

static size_t bind_turns(const struct batch_rooms *rooms, struct database_group *group,
                         size_t *counts) {
    struct turn_rows made = {0};
    struct turn_rows moved = {0};
    size_t statements = 0;
    for (size_t i = 0; i < rooms->turn_count; i++) {
        const struct batch_turn *net = &rooms->turns[i];
        turn_rows_add(net->before == TURN_NONE ? &made : &moved, net->entry->event_id, &net->after,
                      net->before, &net->user_before);
    }
    if (made.count > 0) {
        turn_rows_bind(&made, group, &store_insert_turns, false);
        counts[statements++] = made.count;
    }
    if (moved.count > 0) {
        turn_rows_bind(&moved, group, &store_update_turns, true);
        counts[statements++] = moved.count;
    }
    turn_rows_free(&made);
    turn_rows_free(&moved);
    return statements;
}

static size_t bind_records(const struct batch_rooms *rooms, struct database_group *group,
                           size_t *counts) {
    struct record_rows made = {0};
    struct record_rows moved = {0};
    size_t statements = 0;
    for (size_t i = 0; i < rooms->record_count; i++) {
        const struct batch_record *net = &rooms->records[i];
        record_rows_add(net->is_new ? &made : &moved, net->entry->event_id, &net->before,
                        &net->after);
    }
    if (made.count > 0) {
        record_rows_bind(&made, group, &store_insert_rooms, false);
        counts[statements++] = made.count;
    }
    if (moved.count > 0) {
        record_rows_bind(&moved, group, &store_update_rooms, true);
        counts[statements++] = moved.count;
    }
    record_rows_free(&made);
    record_rows_free(&moved);
    return statements;
}

static size_t bind_spans(const struct batch_rooms *rooms, struct database_group *group,
                         size_t *counts) {
    struct span_rows made = {0};
    if (rooms->span_count == 0)
        return 0;
    for (size_t i = 0; i < rooms->span_count; i++) {
        const struct batch_span *span = &rooms->spans[i];
        span_rows_add(&made, span->entry->event_id, span->span_no, &span->vouch);
    }
    span_rows_bind(&made, group);
    counts[0] = made.count;
    span_rows_free(&made);
    return 1;
}

size_t batch_rooms_bind(const struct batch_rooms *rooms, struct database_group *group,
                        size_t rows[BATCH_ROOMS_STATEMENTS]) {
    size_t count = bind_turns(rooms, group, rows);
    count += bind_records(rooms, group, rows + count);
    return count + bind_spans(rooms, group, rows + count);
}
