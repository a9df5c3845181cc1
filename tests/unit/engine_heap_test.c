#include "tests/sim/random.h"
#include "worker/engine/heap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void add(struct heap *heap, struct heap_node *node, int64_t key, uint8_t id) {
    *node = (struct heap_node){.key = key, .id = {{id}}};
    assert_int_equal(heap_make_room(heap, 1), STATUS_OK);
    heap_add(heap, node);
}

static void test_the_earliest_comes_first_and_ids_settle_ties(void **state UNUSED) {
    struct heap *heap = heap_create();
    struct heap_node nodes[4];
    assert_null(heap_first(heap));
    add(heap, &nodes[0], 30, 1);
    add(heap, &nodes[1], 10, 9);
    add(heap, &nodes[2], 20, 1);
    add(heap, &nodes[3], 10, 3);
    static const int order[] = {3, 1, 2, 0};
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        assert_ptr_equal(heap_first(heap), &nodes[order[i]]);
        heap_remove(heap, &nodes[order[i]]);
    }
    assert_int_equal(heap_count(heap), 0);
    heap_destroy(heap);
}

static void test_room_is_made_for_many_at_once(void **state UNUSED) {
    struct heap *heap = heap_create();
    struct heap_node nodes[100];
    assert_int_equal(heap_make_room(heap, ARRAY_LEN(nodes)), STATUS_OK);
    for (size_t i = 0; i < ARRAY_LEN(nodes); i++) {
        nodes[i] = (struct heap_node){.key = -(int64_t)i};
        heap_add(heap, &nodes[i]);
    }
    assert_ptr_equal(heap_first(heap), &nodes[ARRAY_LEN(nodes) - 1]);
    heap_destroy(heap);
}

enum { NODES = 200 };

static struct heap_node *earliest(struct heap_node *nodes, const bool *in_order) {
    struct heap_node *first = NULL;
    for (int i = 0; i < NODES; i++) {
        if (!in_order[i]) {
            continue;
        }
        if (first == NULL || nodes[i].key < first->key ||
            (nodes[i].key == first->key && nodes[i].id.bytes[0] < first->id.bytes[0])) {
            first = &nodes[i];
        }
    }
    return first;
}

static void test_nodes_leave_from_the_middle(void **state UNUSED) {
    struct heap *heap = heap_create();
    struct heap_node *nodes = calloc(NODES, sizeof *nodes);
    bool in_order[NODES] = {0};
    struct random random = {3};
    assert_non_null(nodes);
    for (int step = 0; step < 20000; step++) {
        uint32_t i = random_below(&random, NODES);
        if (in_order[i]) {
            heap_remove(heap, &nodes[i]);
        } else {
            add(heap, &nodes[i], random_below(&random, 50), (uint8_t)i);
        }
        in_order[i] = !in_order[i];
        assert_ptr_equal(heap_first(heap), earliest(nodes, in_order));
    }
    for (int i = 0; i < NODES; i++) {
        assert_true(!in_order[i] || heap_holds(heap, &nodes[i]));
    }
    free(nodes);
    heap_destroy(heap);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_earliest_comes_first_and_ids_settle_ties),
        cmocka_unit_test(test_room_is_made_for_many_at_once),
        cmocka_unit_test(test_nodes_leave_from_the_middle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
