#include "worker/engine/deadlines.h"

#include <stdlib.h>

enum { FIRST_CAPACITY = 16 };

/* The deadline is here as well: comparing should not have to fetch bookings from all over memory.
 */
struct entry {
    int64_t served_ms;
    struct live_booking *booking;
};

struct deadlines {
    struct entry *heap;
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
    struct entry *heap = realloc(deadlines->heap, capacity * sizeof *heap);
    if (heap == NULL) {
        return STATUS_NO_MEMORY;
    }
    deadlines->heap = heap;
    deadlines->capacity = capacity;
    return STATUS_OK;
}

static bool is_before(const struct entry *a, const struct entry *b) {
    if (a->served_ms != b->served_ms) {
        return a->served_ms < b->served_ms;
    }
    const struct id128 *a_id = &a->booking->booking.id;
    const struct id128 *b_id = &b->booking->booking.id;
    return memcmp(a_id->bytes, b_id->bytes, sizeof a_id->bytes) < 0;
}

static void put(struct deadlines *deadlines, size_t position, struct entry entry) {
    deadlines->heap[position] = entry;
    entry.booking->deadline_position = position;
}

/* Moves a gap at `position` up to where the entry belongs, and puts it there. */
static void sift_up(struct deadlines *deadlines, size_t position, struct entry entry) {
    while (position > 0) {
        size_t parent = (position - 1) / 2;
        if (!is_before(&entry, &deadlines->heap[parent])) {
            break;
        }
        put(deadlines, position, deadlines->heap[parent]);
        position = parent;
    }
    put(deadlines, position, entry);
}

static void sift_down(struct deadlines *deadlines, size_t position, struct entry entry) {
    for (;;) {
        size_t child = position * 2 + 1;
        if (child >= deadlines->count) {
            break;
        }
        if (child + 1 < deadlines->count &&
            is_before(&deadlines->heap[child + 1], &deadlines->heap[child])) {
            child++;
        }
        if (!is_before(&deadlines->heap[child], &entry)) {
            break;
        }
        put(deadlines, position, deadlines->heap[child]);
        position = child;
    }
    put(deadlines, position, entry);
}

void deadlines_add(struct deadlines *deadlines, struct live_booking *booking) {
    ensure(deadlines->count < deadlines->capacity);
    struct entry entry = {booking->booking.deadline_served_ms, booking};
    sift_up(deadlines, deadlines->count++, entry);
}

void deadlines_remove(struct deadlines *deadlines, struct live_booking *booking) {
    size_t position = booking->deadline_position;
    ensure(position < deadlines->count && deadlines->heap[position].booking == booking);
    struct entry gone = deadlines->heap[position];
    struct entry last = deadlines->heap[--deadlines->count];
    if (last.booking == booking) {
        return;
    }
    /* The last one comes from another branch: it may belong above the gap as well as below it. */
    if (is_before(&last, &gone)) {
        sift_up(deadlines, position, last);
    } else {
        sift_down(deadlines, position, last);
    }
}

struct live_booking *deadlines_first(const struct deadlines *deadlines) {
    return deadlines->count == 0 ? NULL : deadlines->heap[0].booking;
}

size_t deadlines_count(const struct deadlines *deadlines) {
    return deadlines->count;
}

bool deadlines_holds(const struct deadlines *deadlines, const struct live_booking *booking) {
    size_t position = booking->deadline_position;
    if (position >= deadlines->count || deadlines->heap[position].booking != booking ||
        deadlines->heap[position].served_ms != booking->booking.deadline_served_ms) {
        return false;
    }
    const struct entry *entry = &deadlines->heap[position];
    return position == 0 || is_before(&deadlines->heap[(position - 1) / 2], entry);
}

size_t deadlines_size_bytes(const struct deadlines *deadlines) {
    return sizeof *deadlines + deadlines->capacity * sizeof *deadlines->heap;
}
