#include "worker/lookups.h"

#include "shared/id_map.h"
#include "shared/log.h"

#include <stdlib.h>

struct lookup {
    struct lookups *lookups; /* NULL: nobody waits for the answer any more */
    struct id128 booking_id;
    uint64_t event_id;
    uint64_t batch; /* to be finished before the database is asked */
    struct work_list works;
    TAILQ_ENTRY(lookup) link; /* while not asked */
};

struct lookups {
    struct shows *shows;
    void (*on_found)(void *context, struct work_list *works);
    void *context;
    struct id_map *by_booking;
    TAILQ_HEAD(lookup_list, lookup) waiting; /* in order of batch */
};

struct lookups *lookups_create(struct shows *shows,
                               void (*on_found)(void *context, struct work_list *works),
                               void *context) {
    struct lookups *lookups = calloc(1, sizeof *lookups);
    if (!lookups)
        return NULL;
    lookups->shows = shows;
    lookups->on_found = on_found;
    lookups->context = context;
    TAILQ_INIT(&lookups->waiting);
    lookups->by_booking = id_map_create(LOOKUPS_MAX);
    if (!lookups->by_booking) {
        free(lookups);
        return NULL;
    }
    return lookups;
}

void lookups_destroy(struct lookups *lookups) {
    if (!lookups)
        return;
    struct lookup *lookup;
    while ((lookup = TAILQ_FIRST(&lookups->waiting))) {
        TAILQ_REMOVE(&lookups->waiting, lookup, link);
        (void)id_map_remove(lookups->by_booking, &lookup->booking_id);
        work_list_free(&lookup->works);
        free(lookup);
    }
    size_t cursor = 0;
    void *asked;
    while (id_map_next(lookups->by_booking, &cursor, NULL, &asked)) {
        lookup = asked;
        work_list_free(&lookup->works);
        lookup->lookups = NULL; /* its answer frees it */
    }
    id_map_destroy(lookups->by_booking);
    free(lookups);
}

/* An ended booking stays as it is: all hear of it. That there is none is true until the first has
 * been decided. */
static void tell(struct lookup *lookup, enum lookup_result result, const struct booking *booking) {
    lookup->works.head->lookup = result;
    if (result != LOOKUP_FOUND)
        return;
    for (struct work *work = lookup->works.head; work; work = work->next) {
        work->lookup = LOOKUP_FOUND;
        work->looked_up = *booking;
    }
}

static void on_answer(void *context, enum lookup_result result, const struct booking *booking) {
    struct lookup *lookup = context;
    struct lookups *lookups = lookup->lookups;
    if (lookups) {
        (void)id_map_remove(lookups->by_booking, &lookup->booking_id);
        bool live = result == LOOKUP_FOUND &&
                    (booking->status == BOOKING_PENDING || booking->status == BOOKING_CONFIRMED);
        if (live) {
            log_write(
                LOG_ERROR, "booking-unexpected",
                "A booking is live in the database and not in memory; its show is read again.",
                LOG_U64("eventId", lookup->event_id));
            struct show_entry *entry = shows_find(lookups->shows, lookup->event_id);
            if (entry && entry->state == SHOW_ENTRY_READY && entry->users == 0)
                shows_forget(lookups->shows, entry);
        }
        if (live || result == LOOKUP_NOT_DONE) {
            work_list_free(&lookup->works);
        } else {
            tell(lookup, result, booking);
            lookups->on_found(lookups->context, &lookup->works);
        }
    }
    work_list_free(&lookup->works);
    free(lookup);
}

static void ask(struct lookups *lookups, struct lookup *lookup) {
    shows_lookup(lookups->shows, lookup->event_id, &lookup->booking_id, on_answer, lookup);
}

bool lookups_hold(struct lookups *lookups, struct work *work) {
    if (id_map_count(lookups->by_booking) == 0)
        return false;
    struct lookup *lookup = id_map_get(lookups->by_booking, &work->command.booking_id);
    if (!lookup)
        return false;
    work->lookup = LOOKUP_NOT_DONE; /* what it was told before may be true no longer */
    work_list_push(&lookup->works, work);
    return true;
}

void lookups_begin_take(struct lookups *lookups, struct work *work, uint64_t batch,
                        uint64_t finished_batch) {
    struct lookup *lookup = calloc(1, sizeof *lookup);
    if (!lookup ||
        id_map_put(lookups->by_booking, &work->command.booking_id, lookup) != STATUS_OK) {
        free(lookup);
        work_free(work);
        return;
    }
    lookup->lookups = lookups;
    lookup->booking_id = work->command.booking_id;
    lookup->event_id = work->command.event_id;
    lookup->batch = batch;
    work_list_push(&lookup->works, work);
    if (batch <= finished_batch)
        ask(lookups, lookup);
    else
        TAILQ_INSERT_TAIL(&lookups->waiting, lookup, link);
}

void lookups_batch_finished(struct lookups *lookups, uint64_t finished_batch) {
    struct lookup *lookup;
    while ((lookup = TAILQ_FIRST(&lookups->waiting)) && lookup->batch <= finished_batch) {
        TAILQ_REMOVE(&lookups->waiting, lookup, link);
        ask(lookups, lookup);
    }
}
