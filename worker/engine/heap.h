/*
 * heap: things in order of (key, id), the first at hand: a binary heap. The id makes the order the
 * same whatever order they were added in. Adding and removing are O(log count).
 *
 * What is kept embeds a `struct heap_node` as its first member, so that a node is what embeds it.
 */
#ifndef USHER_WORKER_ENGINE_HEAP_H
#define USHER_WORKER_ENGINE_HEAP_H

#include "shared/base.h"
#include "shared/status.h"

struct heap;

struct heap_node {
    int64_t key; /* e.g. a deadline */
    struct id128 id;
    size_t position; /* the heap's own */
};

/* NULL when there is no memory. */
MUST_CHECK struct heap *heap_create(void);
/* Frees the order, not what is in it. NULL is allowed. */
void heap_destroy(struct heap *heap);

/* Makes sure that `count` more can be added. STATUS_NO_MEMORY. */
MUST_CHECK enum status heap_make_room(struct heap *heap, size_t count);
/* Needs room made. Key and id stay as they are while it is in the order. */
void heap_add(struct heap *heap, struct heap_node *node);
void heap_remove(struct heap *heap, struct heap_node *node);
/* The one with the lowest key, or NULL. */
struct heap_node *heap_first(const struct heap *heap);
size_t heap_count(const struct heap *heap);
/* Is the node where it says, and not before its parent in the heap? */
bool heap_holds(const struct heap *heap, const struct heap_node *node);
size_t heap_size_bytes(const struct heap *heap);

#endif
