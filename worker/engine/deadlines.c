#include "worker/engine/deadlines.h"

#include <stdlib.h>

enum { FIRST_CAPACITY = 16 };

struct deadlines {
    struct live_booking **heap;
    size_t count;
    size_t capacity;
};

struct deadlines *deadlines_create(void) {
    return calloc(1, sizeof(struct deadlines));
}

void deadlines_destroy(struct deadlines *deadlines) {
    if (deadlines != NULL) {
        free(deadlines->heap);
        free(deadlines);
    }
}

enum status deadlines_make_room(struct deadlines *deadlines) {
    if (deadlines->count < deadlines->capacity) {
        return STATUS_OK;
    }
    size_t capacity = deadlines->capacity == 0 ? FIRST_CAPACITY : deadlines->capacity * 2;
    struct live_booking **heap = realloc(deadlines->heap, capacity * sizeof(struct live_booking *));
    if (heap == NULL) {
        return STATUS_NO_MEMORY;
    }
    deadlines->heap = heap;
    deadlines->capacity = capacity;
    return STATUS_OK;
}

static bool is_before(const struct live_booking *a, const struct live_booking *b) {
    int64_t a_ms = a->booking.deadline_served_ms;
    int64_t b_ms = b->booking.deadline_served_ms;
    if (a_ms != b_ms) {
        return a_ms < b_ms;
    }
    return memcmp(&a->booking.id, &b->booking.id, sizeof a->booking.id) < 0;
}

static void put(struct deadlines *deadlines, size_t position, struct live_booking *booking) {
    deadlines->heap[position] = booking;
    booking->deadline_position = position;
}

/* Moves a gap at `position` up to where the booking belongs, and puts it there. */
static void sift_up(struct deadlines *deadlines, size_t position, struct live_booking *booking) {
    while (position > 0) {
        size_t parent = (position - 1) / 2;
        if (!is_before(booking, deadlines->heap[parent])) {
            break;
        }
        put(deadlines, position, deadlines->heap[parent]);
        position = parent;
    }
    put(deadlines, position, booking);
}

static void sift_down(struct deadlines *deadlines, size_t position, struct live_booking *booking) {
    for (;;) {
        size_t child = position * 2 + 1;
        if (child >= deadlines->count) {
            break;
        }
        if (child + 1 < deadlines->count &&
            is_before(deadlines->heap[child + 1], deadlines->heap[child])) {
            child++;
        }
        if (!is_before(deadlines->heap[child], booking)) {
            break;
        }
        put(deadlines, position, deadlines->heap[child]);
        position = child;
    }
    put(deadlines, position, booking);
}

void deadlines_add(struct deadlines *deadlines, struct live_booking *booking) {
    ensure(deadlines->count < deadlines->capacity);
    sift_up(deadlines, deadlines->count++, booking);
}

void deadlines_remove(struct deadlines *deadlines, struct live_booking *booking) {
    size_t position = booking->deadline_position;
    ensure(position < deadlines->count && deadlines->heap[position] == booking);
    struct live_booking *last = deadlines->heap[--deadlines->count];
    if (last == booking) {
        return;
    }
    /* The last one comes from another branch: it may belong above the gap as well as below it. */
    if (is_before(last, booking)) {
        sift_up(deadlines, position, last);
    } else {
        sift_down(deadlines, position, last);
    }
}

struct live_booking *deadlines_first(const struct deadlines *deadlines) {
    return deadlines->count == 0 ? NULL : deadlines->heap[0];
}

size_t deadlines_count(const struct deadlines *deadlines) {
    return deadlines->count;
}

bool deadlines_holds(const struct deadlines *deadlines, const struct live_booking *booking) {
    size_t position = booking->deadline_position;
    if (position >= deadlines->count || deadlines->heap[position] != booking) {
        return false;
    }
    return position == 0 || is_before(deadlines->heap[(position - 1) / 2], booking);
}

size_t deadlines_size_bytes(const struct deadlines *deadlines) {
    return sizeof *deadlines + deadlines->capacity * sizeof(struct live_booking *);
}
