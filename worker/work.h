/*
 * work: a command on its way through the worker, and lists of them. Made by intake, decided and
 * answered by the committer, waiting in between in exactly one list. Never copied; whoever takes it
 * out of the last list frees it with work_free.
 *
 * Works are made by the ten thousand a second, so a pool keeps those that were freed for the next.
 */
#ifndef USHER_WORKER_WORK_H
#define USHER_WORKER_WORK_H

#include "shared/booking.h"
#include "worker/engine/show.h"

/* How a command is decided after a batch with it failed in the database (worker/committer.h). */
enum work_redo { WORK_FIRST_TIME, WORK_BY_SHOW, WORK_ALONE };

enum { WORK_SPARES_MAX = 2000 };

struct answer;
struct work_pool;

struct work {
    struct work *next;
    struct work_pool *pool;
    struct command command; /* its patch and arrivals belong to the work */
    uint64_t gateway;       /* the instance the answer goes to; 0: nobody, it is the worker's own */
    uint64_t arrival;       /* number in order of arrival at this worker */
    enum work_redo redo;
    enum lookup_result lookup;
    struct booking looked_up; /* LOOKUP_FOUND */
    bool decided;             /* `reply` is known whatever its show says: it only needs the fence */
    struct reply reply;
    uint8_t *packed_seats; /* a snapshot's, of the reply */
    struct answer *answer; /* worker/answers.h: remembers that it is under way */
};

struct work_list {
    struct work *head;
    struct work *tail;
    uint32_t count;
};

/* NULL when there is no memory. Outlives its works. */
MUST_CHECK struct work_pool *work_pool_create(void);
void work_pool_destroy(struct work_pool *pool); /* NULL is allowed */

/* Copies the command, its patch and arrivals. NULL when there is no memory. */
MUST_CHECK struct work *work_create(struct work_pool *pool, const struct command *command,
                                    uint64_t gateway, uint64_t arrival);
void work_free(struct work *work);

void work_list_push(struct work_list *list, struct work *work);
struct work *work_list_pop(struct work_list *list);
/* Moves all of `from` to the end of `list`. */
void work_list_append(struct work_list *list, struct work_list *from);
void work_list_free(struct work_list *list);
/* Moves those for which `matches` says so to the end of `out`; the order stays. */
void work_list_split(struct work_list *list,
                     bool (*matches)(const struct work *work, const void *context),
                     const void *context, struct work_list *out);
/* By `arrival`. */
void work_list_sort(struct work_list *list);

#endif
