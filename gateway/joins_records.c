#include "gateway/joins_private.h"
#include "shared/ids.h"

#include <stdlib.h>

struct joins_room *joins_find_room(const struct joins *joins, uint64_t event_id) {
    const struct id128 key = id128_of_u64(event_id);
    return id_map_get(joins->by_event, &key);
}

enum status joins_make_room(struct joins *joins, uint64_t event_id, struct joins_room **made) {
    const struct id128 key = id128_of_u64(event_id);
    struct joins_room *room = calloc(1, sizeof *room);
    if (room == NULL) {
        return STATUS_NO_MEMORY;
    }
    enum status status = id_map_put(joins->by_event, &key, room);
    if (status != STATUS_OK) {
        free(room);
        return status;
    }
    room->joins = joins;
    room->event_id = event_id;
    room_stream_name(room->stream, joins->config.installation, event_id);
    for (size_t i = 0; i < STATE_COUNT; i++) {
        TAILQ_INIT(&room->lists[i]);
    }
    TAILQ_INSERT_TAIL(&joins->rooms, room, next);
    room->answered = joins->forgetful ? ROOM_NUMBER_MAX : 0;
    *made = room;
    return STATUS_OK;
}

void joins_free_room(struct joins_room *room) {
    const struct id128 key = id128_of_u64(room->event_id);
    ensure(id_map_remove(room->joins->by_event, &key) == room);
    TAILQ_REMOVE(&room->joins->rooms, room, next);
    free(room);
}

bool joins_room_is_idle(const struct joins_room *room) {
    return room->count == 0 && !room->wanting && !room->looking && !room->issuing;
}

bool joins_room_is_over(const struct joins_room *room) {
    return joins_room_is_idle(room) &&
           (room->attended == 0 || id_map_count(room->joins->by_event) > JOINS_ROOMS_KEPT_MAX);
}

static void leave(struct join *join) {
    TAILQ_REMOVE(&join->room->lists[join->state], join, in_state);
    join->room->published -= join->state == PUBLISHED;
}

void join_enter(struct join *join, enum join_state state) {
    leave(join);
    join->state = state;
    join->room->published += state == PUBLISHED;
    TAILQ_INSERT_TAIL(&join->room->lists[state], join, in_state);
}

void join_enter_fenced(struct join *join, uint64_t issued_to) {
    struct join_list *fenced = &join->room->lists[FENCED];
    struct join *before = join->number <= issued_to ? NULL : TAILQ_LAST(fenced, join_list);
    while (before != NULL && before->number > join->number) {
        before = TAILQ_PREV(before, join_list, in_state);
    }
    leave(join);
    join->state = FENCED;
    if (before != NULL) {
        TAILQ_INSERT_AFTER(fenced, before, join, in_state);
    } else {
        TAILQ_INSERT_HEAD(fenced, join, in_state);
    }
}

void joins_enter_all(struct joins_room *room, enum join_state from, enum join_state to) {
    while (!TAILQ_EMPTY(&room->lists[from])) {
        join_enter(TAILQ_FIRST(&room->lists[from]), to);
    }
}

void join_free(struct join *join) {
    leave(join);
    join->room->count--;
    join->room->joins->count--;
    free(join);
}
