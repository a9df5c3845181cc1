#include "worker/work.h"

#include "worker/answers.h"

#include <stdlib.h>

struct work_pool {
    struct work *spares;
    size_t spare_count;
};

struct work_pool *work_pool_create(void) {
    return calloc(1, sizeof(struct work_pool));
}

void work_pool_destroy(struct work_pool *pool) {
    if (!pool)
        return;
    for (struct work *work; (work = pool->spares);) {
        pool->spares = work->next;
        free(work);
    }
    free(pool);
}

static struct work *pool_take(struct work_pool *pool) {
    struct work *work = pool->spares;
    if (!work)
        return malloc(sizeof *work);
    pool->spares = work->next;
    pool->spare_count--;
    return work;
}

static void pool_give(struct work_pool *pool, struct work *work) {
    if (pool->spare_count >= WORK_SPARES_MAX) {
        free(work);
        return;
    }
    work->next = pool->spares;
    pool->spares = work;
    pool->spare_count++;
}

/* What the command only refers to. */
static bool copy_parts(struct work *work, const struct command *command) {
    work->command.patch = NULL;
    work->command.arrivals = NULL;
    if (command->patch) {
        work->command.patch = strdup(command->patch);
        if (!work->command.patch)
            return false;
    }
    if (command->arrival_count > 0) {
        size_t size_bytes = (size_t)command->arrival_count * ROOM_ARRIVAL_BYTES;
        uint8_t *arrivals = malloc(size_bytes);
        if (!arrivals)
            return false;
        memcpy(arrivals, command->arrivals, size_bytes);
        work->command.arrivals = arrivals;
    }
    return true;
}

struct work *work_create(struct work_pool *pool, const struct command *command, uint64_t gateway,
                         uint64_t arrival) {
    struct work *work = pool_take(pool);
    if (!work)
        return NULL;
    *work =
        (struct work){.pool = pool, .command = *command, .gateway = gateway, .arrival = arrival};
    work->command.gateway = gateway;
    if (!copy_parts(work, command)) {
        work_free(work);
        return NULL;
    }
    return work;
}

void work_free(struct work *work) {
    if (!work)
        return;
    if (work->answer)
        answer_abandon(work->answer);
    free((void *)(uintptr_t)work->command.patch);
    free((void *)(uintptr_t)work->command.arrivals);
    free(work->packed_seats);
    pool_give(work->pool, work);
}

void work_list_push(struct work_list *list, struct work *work) {
    work->next = NULL;
    if (list->tail)
        list->tail->next = work;
    else
        list->head = work;
    list->tail = work;
    list->count++;
}

struct work *work_list_pop(struct work_list *list) {
    struct work *work = list->head;
    if (!work)
        return NULL;
    list->head = work->next;
    if (!list->head)
        list->tail = NULL;
    list->count--;
    work->next = NULL;
    return work;
}

void work_list_append(struct work_list *list, struct work_list *from) {
    if (!from->head)
        return;
    if (list->tail)
        list->tail->next = from->head;
    else
        list->head = from->head;
    list->tail = from->tail;
    list->count += from->count;
    *from = (struct work_list){0};
}

void work_list_free(struct work_list *list) {
    for (struct work *work; (work = work_list_pop(list));)
        work_free(work);
}

void work_list_split(struct work_list *list,
                     bool (*matches)(const struct work *work, const void *context),
                     const void *context, struct work_list *out) {
    struct work_list rest = {0};
    for (struct work *work; (work = work_list_pop(list));)
        work_list_push(matches(work, context) ? out : &rest, work);
    *list = rest;
}

static int compare_arrival(const void *a, const void *b) {
    const struct work *left = *(struct work *const *)a;
    const struct work *right = *(struct work *const *)b;
    return (left->arrival > right->arrival) - (left->arrival < right->arrival);
}

void work_list_sort(struct work_list *list) {
    uint32_t count = list->count;
    if (count < 2)
        return;
    struct work **all = malloc(count * sizeof *all);
    ensure(all);
    for (uint32_t i = 0; i < count; i++)
        all[i] = work_list_pop(list);
    qsort(all, count, sizeof *all, compare_arrival);
    for (uint32_t i = 0; i < count; i++)
        work_list_push(list, all[i]);
    free(all);
}
