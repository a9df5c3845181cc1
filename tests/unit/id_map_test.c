/* id_map against a naive model, at its limit, and when memory ends. */
#include "shared/id_map.h"
#include "shared/ids.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* The linker sends the map's calloc here (--wrap). */
void *__real_calloc(size_t count, size_t size_bytes);
void *__wrap_calloc(size_t count, size_t size_bytes);
static bool memory_is_over;

void *__wrap_calloc(size_t count, size_t size_bytes) {
    return memory_is_over ? NULL : __real_calloc(count, size_bytes);
}

enum { IDS = 600, LIMIT = 400, OPERATIONS = 200000 };

static uint64_t next_random(uint64_t *random) { /* xorshift64 */
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return *random;
}

/* Half numbers as ids, which differ in few bits, half random ids. */
static void make_ids(struct id128 ids[IDS]) {
    for (size_t i = 0; i < IDS; i++)
        ids[i] = i % 2 == 0 ? id128_of_u64(i) : id128_random();
}

static void expect_same(const struct id_map *map, const struct id128 *ids, char *const *model,
                        size_t model_count) {
    assert_int_equal(id_map_count(map), model_count);
    for (size_t i = 0; i < IDS; i++)
        assert_ptr_equal(id_map_get(map, &ids[i]), model[i]);
    bool seen[IDS] = {false};
    size_t cursor = 0, walked = 0;
    struct id128 id;
    void *value;
    while (id_map_next(map, &cursor, &id, &value)) {
        size_t i = 0;
        while (i < IDS && model[i] != value)
            i++;
        assert_true(i < IDS);
        assert_false(seen[i]);
        assert_true(id128_equal(&id, &ids[i]));
        seen[i] = true;
        walked++;
    }
    assert_int_equal(walked, model_count);
}

static void agrees_with_a_naive_model(void **state) {
    (void)state;
    static char values[IDS];
    struct id128 ids[IDS];
    char *model[IDS] = {NULL};
    size_t model_count = 0, limit_answers = 0;
    make_ids(ids);
    struct id_map *map = id_map_create(LIMIT);
    assert_non_null(map);

    uint64_t random = 20261123;
    for (int operation = 0; operation < OPERATIONS; operation++) {
        size_t i = next_random(&random) % IDS;
        /* Phases of growing and of shrinking, so that full and empty are both visited. */
        bool growing = operation / 5000 % 2 == 0;
        if (next_random(&random) % 4 < (growing ? 3 : 1)) {
            enum status expected = model[i] != NULL       ? STATUS_EXISTS
                                   : model_count == LIMIT ? STATUS_LIMIT
                                                          : STATUS_OK;
            assert_int_equal(id_map_put(map, &ids[i], &values[i]), expected);
            limit_answers += expected == STATUS_LIMIT;
            if (expected == STATUS_OK) {
                model[i] = &values[i];
                model_count++;
            }
        } else {
            assert_ptr_equal(id_map_remove(map, &ids[i]), model[i]);
            model_count -= model[i] != NULL;
            model[i] = NULL;
        }
        assert_ptr_equal(id_map_get(map, &ids[i]), model[i]);
        if (operation % 500 == 0)
            expect_same(map, ids, model, model_count);
    }
    assert_true(limit_answers > 100);
    expect_same(map, ids, model, model_count);
    id_map_destroy(map);
}

static void an_empty_map_costs_nothing(void **state) {
    (void)state;
    struct id_map *map = id_map_create(10);
    struct id128 id = id128_of_u64(1);
    size_t cursor = 0;
    void *value;
    size_t empty_bytes = id_map_size_bytes(map);
    assert_null(id_map_get(map, &id));
    assert_null(id_map_remove(map, &id));
    assert_false(id_map_next(map, &cursor, NULL, &value));
    assert_true(empty_bytes < 128);
    assert_int_equal(id_map_put(map, &id, map), STATUS_OK);
    assert_true(id_map_size_bytes(map) > empty_bytes);
    id_map_destroy(map);
    id_map_destroy(NULL);
}

static void churn_does_not_make_it_grow(void **state) {
    (void)state;
    struct id_map *map = id_map_create(100);
    size_t bytes = 0;
    for (uint64_t i = 1; i < 100000; i++) {
        struct id128 id = id128_of_u64(i), old = id128_of_u64(i - 7);
        assert_int_equal(id_map_put(map, &id, map), STATUS_OK);
        if (i > 7)
            assert_ptr_equal(id_map_remove(map, &old), map);
        if (i == 7)
            bytes = id_map_size_bytes(map);
    }
    assert_int_equal(id_map_size_bytes(map), bytes);
    id_map_destroy(map);
}

static void a_cleared_map_is_empty_and_keeps_its_memory(void **state) {
    (void)state;
    struct id_map *map = id_map_create(LIMIT);
    id_map_clear(map);
    for (int again = 0; again < 2; again++) {
        for (uint64_t i = 0; i < LIMIT; i++) {
            struct id128 id = id128_of_u64(i);
            assert_null(id_map_get(map, &id));
            assert_int_equal(id_map_put(map, &id, map), STATUS_OK);
        }
        size_t bytes = id_map_size_bytes(map);
        id_map_clear(map);
        assert_int_equal(id_map_count(map), 0);
        assert_int_equal(id_map_size_bytes(map), bytes);
    }
    id_map_destroy(map);
}

static void a_put_without_memory_changes_nothing(void **state) {
    (void)state;
    struct id_map *map = id_map_create(1000);
    uint64_t count = 0;
    enum status status = STATUS_OK;
    memory_is_over = true;
    struct id128 id = id128_of_u64(1);
    assert_int_equal(id_map_put(map, &id, map), STATUS_NO_MEMORY);
    assert_null(id_map_create(1));
    memory_is_over = false;
    assert_int_equal(id_map_put(map, &id, map), STATUS_OK);
    memory_is_over = true;
    for (count = 1; status == STATUS_OK; count += status == STATUS_OK) {
        id = id128_of_u64(count + 1);
        status = id_map_put(map, &id, map);
    }
    memory_is_over = false;
    assert_int_equal(status, STATUS_NO_MEMORY);
    assert_int_equal(id_map_count(map), count);
    assert_null(id_map_get(map, &id));
    for (uint64_t i = 1; i <= count; i++) {
        struct id128 kept = id128_of_u64(i);
        assert_ptr_equal(id_map_get(map, &kept), map);
    }
    assert_int_equal(id_map_put(map, &id, map), STATUS_OK);
    id_map_destroy(map);
}

static void room_that_was_made_is_there(void **state) {
    (void)state;
    struct id_map *map = id_map_create(1000);
    assert_int_equal(id_map_make_room(map, 1001), STATUS_LIMIT);
    assert_int_equal(id_map_make_room(map, 1000), STATUS_OK);
    memory_is_over = true;
    for (uint64_t i = 1; i <= 1000; i++) {
        struct id128 id = id128_of_u64(i);
        assert_int_equal(id_map_put(map, &id, map), STATUS_OK);
    }
    memory_is_over = false;
    assert_int_equal(id_map_make_room(map, 1), STATUS_LIMIT);
    id_map_destroy(map);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_a_naive_model),
        cmocka_unit_test(an_empty_map_costs_nothing),
        cmocka_unit_test(churn_does_not_make_it_grow),
        cmocka_unit_test(a_cleared_map_is_empty_and_keeps_its_memory),
        cmocka_unit_test(a_put_without_memory_changes_nothing),
        cmocka_unit_test(room_that_was_made_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
