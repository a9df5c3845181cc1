#include "worker/engine/room.h"

#include "worker/engine/room_private.h"

#include <stdlib.h>

enum { JOINED_LATELY_MAX = 1000000 };

struct room *room_create(uint64_t event_id, const struct room_settings *settings,
                         size_t waiting_limit) {
    struct room *room = calloc(1, sizeof *room);
    if (room == NULL) {
        return NULL;
    }
    room->event_id = event_id;
    room->waiting_limit = waiting_limit;
    room->turns = id_map_create(SIZE_MAX);
    room->live = id_map_create(SIZE_MAX);
    room->deadlines = heap_create();
    room->roll = heap_create();
    if (room->turns == NULL || room->live == NULL || room->deadlines == NULL ||
        room->roll == NULL || room_make_room(room, 1) != STATUS_OK) {
        room_destroy(room);
        return NULL;
    }
    room_set_settings(room, settings);
    return room;
}

static void destroy_turns(struct room *room) {
    size_t cursor = 0;
    void *value = NULL;
    while (room->turns != NULL && id_map_next(room->turns, &cursor, NULL, &value)) {
        free(value);
    }
    while (room->spares != NULL) {
        struct known_turn *spare = room->spares;
        room->spares = spare->next;
        free(spare);
    }
}

void room_destroy(struct room *room) {
    if (room == NULL) {
        return;
    }
    destroy_turns(room);
    id_map_destroy(room->turns);
    id_map_destroy(room->live);
    heap_destroy(room->deadlines);
    heap_destroy(room->roll);
    free(room->vouches);
    free(room->items);
    free(room);
}

void room_set_settings(struct room *room, const struct room_settings *settings) {
    ensure(settings->admits_per_minute <= ROOM_PEOPLE_MAX &&
           settings->max_shoppers <= ROOM_PEOPLE_MAX);
    ensure(settings->claim_ms > 0 && settings->claim_ms <= ROOM_SECONDS_MAX * INT64_C(1000));
    ensure(settings->pass_ms > 0 && settings->pass_ms <= ROOM_SECONDS_MAX * INT64_C(1000));
    room->settings = *settings;
    uint32_t live = room_live_count(room);
    pace_lower(&room->pace, settings->max_shoppers > live ? settings->max_shoppers - live : 0);
}

const struct room_settings *room_get_settings(const struct room *room) {
    return &room->settings;
}

const struct room_record *room_get_record(const struct room *room) {
    return &room->record;
}

const struct room_line *room_get_line(const struct room *room) {
    return &room->line;
}

const struct room_vouch *room_get_vouch(const struct room *room) {
    return room->line.count == 0 ? NULL : &room->vouches[room->line.count - 1];
}

const struct turn *room_get_turn(const struct room *room, uint64_t number) {
    const struct known_turn *known = room_find(room, number);
    return known == NULL ? NULL : &known->turn;
}

uint32_t room_live_count(const struct room *room) {
    return room->called + room->passes;
}

int64_t room_next_deadline(const struct room *room) {
    const struct heap_node *first = heap_first(room->deadlines);
    return first == NULL ? INT64_MAX : first->key;
}

size_t room_size_bytes(const struct room *room) {
    return sizeof *room + room->line.count * sizeof *room->vouches +
           id_map_size_bytes(room->turns) + id_map_size_bytes(room->live) +
           heap_size_bytes(room->deadlines) + heap_size_bytes(room->roll) +
           (id_map_count(room->turns) + room->spare_count) * sizeof(struct known_turn) +
           room->item_capacity * sizeof *room->items;
}

void room_saw_stream(struct room *room, uint64_t last_sequence, int64_t next_joined_us,
                     const struct show_time *time) {
    uint64_t joined = 0;
    if (room->stream_seen && last_sequence > room->last_sequence) {
        joined = last_sequence - room->last_sequence;
        meter_add(&room->joins, time->now_us, joined);
    }
    room->joined_lately = joined < JOINED_LATELY_MAX ? joined : JOINED_LATELY_MAX;
    room->stream_seen = true;
    room->last_sequence = last_sequence;
    room->next_joined_us = next_joined_us;
}

static uint32_t u32_of(uint64_t count) {
    return count < UINT32_MAX ? (uint32_t)count : UINT32_MAX;
}

/* How long who is next has waited. Who was next at the last look may have been called since. */
static uint32_t oldest_wait_seconds(const struct room *room, uint64_t last_number,
                                    const struct show_time *time) {
    if (last_number <= room->record.admitted_to || room->next_joined_us == 0 ||
        time->now_us < room->next_joined_us) {
        return 0;
    }
    return u32_of((uint64_t)(time->now_us - room->next_joined_us) / 1000000);
}

void room_describe(const struct room *room, const struct room_facts *facts,
                   const struct show_time *time, struct room_state *out) {
    const struct room_vouch *vouch = room_get_vouch(room);
    const struct room_record *record = &room->record;
    uint64_t last_number = room_line_number(&room->line, room->last_sequence);
    out->event_id = room->event_id;
    out->settings = room->settings;
    out->sale = facts->sale;
    memset(out->server_id, 0, sizeof out->server_id);
    memset(out->created, 0, sizeof out->created);
    if (vouch != NULL) {
        memcpy(out->server_id, vouch->server_id, sizeof out->server_id);
        memcpy(out->created, vouch->created, sizeof out->created);
    }
    out->line = room->line;
    out->now_serving = record->admitted_to;
    out->issued_to = record->issued_to;
    out->last_number = last_number > record->admitted_to ? last_number : record->admitted_to;
    out->admits_per_hour = u32_of(meter_per_hour(&room->calls, time->now_us));
    out->joins_per_minute = u32_of(meter_sum(&room->joins, time->now_us));
    out->oldest_wait_seconds = oldest_wait_seconds(room, last_number, time);
    out->called = room->called;
    out->passes = room->passes;
    out->claimed = record->claimed;
    out->missed = record->missed;
    out->left = record->left;
    out->bought = record->bought;
    out->updated_us = time->now_us;
}
