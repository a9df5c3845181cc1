#include "worker/engine/heap.h"

#include <stdlib.h>

enum { FIRST_CAPACITY = 16 };

/* The key is here as well: comparing should not have to fetch nodes from all over memory. */
struct entry {
    int64_t key;
    struct heap_node *node;
};

struct heap {
    struct entry *entries;
    size_t count;
    size_t capacity;
};

struct heap *heap_create(void) {
    return calloc(1, sizeof(struct heap));
}

void heap_destroy(struct heap *heap) {
    if (heap != NULL) {
        free(heap->entries);
        free(heap);
    }
}

enum status heap_make_room(struct heap *heap, size_t count) {
    size_t capacity = heap->capacity == 0 ? FIRST_CAPACITY : heap->capacity;
    while (capacity - heap->count < count) {
        capacity *= 2;
    }
    if (capacity == heap->capacity) {
        return STATUS_OK;
    }
    struct entry *entries = realloc(heap->entries, capacity * sizeof *entries);
    if (entries == NULL) {
        return STATUS_NO_MEMORY;
    }
    heap->entries = entries;
    heap->capacity = capacity;
    return STATUS_OK;
}

static bool is_before(const struct entry *a, const struct entry *b) {
    if (a->key != b->key) {
        return a->key < b->key;
    }
    return memcmp(a->node->id.bytes, b->node->id.bytes, sizeof a->node->id.bytes) < 0;
}

static void put(struct heap *heap, size_t position, struct entry entry) {
    heap->entries[position] = entry;
    entry.node->position = position;
}

/* Moves a gap at `position` up to where the entry belongs, and puts it there. */
static void sift_up(struct heap *heap, size_t position, struct entry entry) {
    while (position > 0) {
        size_t parent = (position - 1) / 2;
        if (!is_before(&entry, &heap->entries[parent])) {
            break;
        }
        put(heap, position, heap->entries[parent]);
        position = parent;
    }
    put(heap, position, entry);
}

static void sift_down(struct heap *heap, size_t position, struct entry entry) {
    for (;;) {
        size_t child = position * 2 + 1;
        if (child >= heap->count) {
            break;
        }
        if (child + 1 < heap->count &&
            is_before(&heap->entries[child + 1], &heap->entries[child])) {
            child++;
        }
        if (!is_before(&heap->entries[child], &entry)) {
            break;
        }
        put(heap, position, heap->entries[child]);
        position = child;
    }
    put(heap, position, entry);
}

void heap_add(struct heap *heap, struct heap_node *node) {
    ensure(heap->count < heap->capacity);
    struct entry entry = {node->key, node};
    sift_up(heap, heap->count++, entry);
}

void heap_remove(struct heap *heap, struct heap_node *node) {
    size_t position = node->position;
    ensure(position < heap->count && heap->entries[position].node == node);
    struct entry gone = heap->entries[position];
    struct entry last = heap->entries[--heap->count];
    if (last.node == node) {
        return;
    }
    /* The last one comes from another branch: it may belong above the gap as well as below it. */
    if (is_before(&last, &gone)) {
        sift_up(heap, position, last);
    } else {
        sift_down(heap, position, last);
    }
}

struct heap_node *heap_first(const struct heap *heap) {
    return heap->count == 0 ? NULL : heap->entries[0].node;
}

size_t heap_count(const struct heap *heap) {
    return heap->count;
}

bool heap_holds(const struct heap *heap, const struct heap_node *node) {
    size_t position = node->position;
    if (position >= heap->count || heap->entries[position].node != node ||
        heap->entries[position].key != node->key) {
        return false;
    }
    const struct entry *entry = &heap->entries[position];
    return position == 0 || is_before(&heap->entries[(position - 1) / 2], entry);
}

size_t heap_size_bytes(const struct heap *heap) {
    return sizeof *heap + heap->capacity * sizeof *heap->entries;
}
