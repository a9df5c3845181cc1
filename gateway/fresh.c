#include "gateway/fresh.h"

#include "shared/id_map.h"

#include <stdlib.h>
#include <sys/queue.h>

struct waiter {
    STAILQ_ENTRY(waiter) next;
    fresh_handler *handler;
    void *context;
};

STAILQ_HEAD(waiter_list, waiter);

struct fresh_entry {
    TAILQ_ENTRY(fresh_entry) in_use;     /* by_use, most recently wanted first */
    TAILQ_ENTRY(fresh_entry) in_loading; /* while loading */
    struct fresh *fresh;
    struct id128 key;
    void *value; /* NULL: nothing known yet */
    size_t size_bytes;
    int64_t loaded_us;
    int64_t load_started_us;
    bool loading;
    bool expired;
    struct waiter_list waiters;
};

TAILQ_HEAD(entry_list, fresh_entry);

struct fresh {
    struct fresh_config config;
    struct id_map *by_key;
    struct entry_list by_use;
    struct entry_list loading; /* in order of load_started_us */
    size_t size_bytes;
    size_t waiters;
    struct fresh_numbers numbers;
};

struct fresh *fresh_create(const struct fresh_config *config) {
    struct fresh *fresh = calloc(1, sizeof *fresh);
    if (fresh == NULL) {
        return NULL;
    }
    fresh->config = *config;
    fresh->by_key = id_map_create(FRESH_ENTRIES_MAX);
    if (fresh->by_key == NULL) {
        free(fresh);
        return NULL;
    }
    TAILQ_INIT(&fresh->by_use);
    TAILQ_INIT(&fresh->loading);
    return fresh;
}

static void drop_value(struct fresh_entry *entry) {
    if (entry->value != NULL) {
        entry->fresh->config.release(entry->value);
        entry->fresh->size_bytes -= entry->size_bytes;
        entry->value = NULL;
    }
}

static void forget(struct fresh_entry *entry) {
    struct fresh *fresh = entry->fresh;
    ensure(!entry->loading && STAILQ_EMPTY(&entry->waiters));
    drop_value(entry);
    TAILQ_REMOVE(&fresh->by_use, entry, in_use);
    ensure(id_map_remove(fresh->by_key, &entry->key) == entry);
    free(entry);
}

void fresh_destroy(struct fresh *fresh) {
    if (fresh == NULL) {
        return;
    }
    while (!TAILQ_EMPTY(&fresh->by_use)) {
        forget(TAILQ_FIRST(&fresh->by_use));
    }
    id_map_destroy(fresh->by_key);
    free(fresh);
}

/* Tells everybody who waits now; `entry` is loading, so it stays. */
static void tell_waiters(struct fresh_entry *entry, enum fresh_outcome outcome, int64_t now_us) {
    struct waiter_list waiters = STAILQ_HEAD_INITIALIZER(waiters);
    bool is_old = outcome == FRESH_FOUND && entry->loaded_us != entry->load_started_us;
    STAILQ_CONCAT(&waiters, &entry->waiters);
    while (!STAILQ_EMPTY(&waiters)) {
        struct waiter *waiter = STAILQ_FIRST(&waiters);
        STAILQ_REMOVE_HEAD(&waiters, next);
        entry->fresh->waiters--;
        entry->fresh->numbers.stale += is_old;
        waiter->handler(waiter->context, outcome, outcome == FRESH_FOUND ? entry->value : NULL,
                        now_us - entry->loaded_us);
        free(waiter);
    }
}

static struct fresh_entry *entry_create(struct fresh *fresh, const struct id128 *key) {
    struct fresh_entry *entry = calloc(1, sizeof *entry);
    if (entry == NULL) {
        return NULL;
    }
    *entry = (struct fresh_entry){.fresh = fresh, .key = *key};
    STAILQ_INIT(&entry->waiters);
    if (id_map_put(fresh->by_key, key, entry) != STATUS_OK) {
        free(entry);
        return NULL;
    }
    TAILQ_INSERT_HEAD(&fresh->by_use, entry, in_use);
    return entry;
}

static bool wait_for(struct fresh_entry *entry, fresh_handler *handler, void *context) {
    struct waiter *waiter = malloc(sizeof *waiter);
    if (waiter == NULL || entry->fresh->waiters >= FRESH_WAITERS_MAX) {
        free(waiter);
        return false;
    }
    *waiter = (struct waiter){.handler = handler, .context = context};
    STAILQ_INSERT_TAIL(&entry->waiters, waiter, next);
    entry->fresh->waiters++;
    return true;
}

void fresh_want(struct fresh *fresh, const struct id128 *key, const void *detail, bool any_age,
                int64_t now_us, fresh_handler *handler, void *context) {
    struct fresh_entry *entry = id_map_get(fresh->by_key, key);
    if (entry == NULL) {
        entry = entry_create(fresh, key);
    } else {
        TAILQ_REMOVE(&fresh->by_use, entry, in_use);
        TAILQ_INSERT_HEAD(&fresh->by_use, entry, in_use);
    }
    if (entry == NULL) {
        handler(context, FRESH_UNAVAILABLE, NULL, 0);
        return;
    }
    bool known = entry->value != NULL;
    int64_t age_us = now_us - entry->loaded_us;
    bool young = known && !entry->expired && age_us <= fresh->config.max_age_us;
    bool impatient = entry->loading && now_us - entry->load_started_us > fresh->config.patience_us;
    if (young || (known && (any_age || impatient))) {
        *(young || any_age ? &fresh->numbers.hits : &fresh->numbers.stale) += 1;
        handler(context, FRESH_FOUND, entry->value, age_us);
        return;
    }
    fresh->numbers.misses++;
    bool waits = wait_for(entry, handler, context);
    if (!entry->loading) {
        entry->loading = true;
        entry->load_started_us = now_us;
        TAILQ_INSERT_TAIL(&fresh->loading, entry, in_loading);
        fresh->config.load(fresh->config.context, entry, key, detail);
    }
    if (!waits) {
        handler(context, FRESH_UNAVAILABLE, NULL, 0);
    }
}

void *fresh_peek(struct fresh *fresh, const struct id128 *key) {
    struct fresh_entry *entry = id_map_get(fresh->by_key, key);
    return entry != NULL ? entry->value : NULL;
}

static void make_room(struct fresh *fresh) {
    struct fresh_entry *next = NULL;
    for (struct fresh_entry *entry = TAILQ_LAST(&fresh->by_use, entry_list);
         entry != NULL && (fresh->size_bytes > fresh->config.limit_bytes ||
                           id_map_count(fresh->by_key) > FRESH_ENTRIES_MAX / 2);
         entry = next) {
        next = TAILQ_PREV(entry, entry_list, in_use);
        if (!entry->loading) {
            forget(entry);
        }
    }
}

void fresh_loaded(struct fresh_entry *entry, enum fresh_outcome outcome, void *value,
                  size_t size_bytes, int64_t now_us) {
    struct fresh *fresh = entry->fresh;
    ensure(entry->loading && (value != NULL) == (outcome == FRESH_FOUND));
    if (outcome != FRESH_UNAVAILABLE) {
        drop_value(entry);
    }
    if (outcome == FRESH_FOUND) {
        entry->value = value;
        entry->size_bytes = size_bytes;
        entry->loaded_us = entry->load_started_us; /* what changed since then is not in it */
        entry->expired = false;
        fresh->size_bytes += size_bytes;
    }
    bool known = entry->value != NULL;
    while (!STAILQ_EMPTY(&entry->waiters)) {
        tell_waiters(entry, known ? FRESH_FOUND : outcome, now_us);
    }
    TAILQ_REMOVE(&fresh->loading, entry, in_loading);
    entry->loading = false;
    if (!known) {
        forget(entry);
    }
    make_room(fresh);
}

void fresh_recalled(struct fresh_entry *entry, void *value, size_t size_bytes, int64_t true_us,
                    int64_t now_us) {
    entry->load_started_us = true_us;
    fresh_loaded(entry, FRESH_FOUND, value, size_bytes, now_us);
}

bool fresh_is_known(const struct fresh_entry *entry) {
    return entry->value != NULL;
}

void fresh_expire(struct fresh *fresh, const struct id128 *key) {
    struct fresh_entry *entry = id_map_get(fresh->by_key, key);
    if (entry != NULL) {
        entry->expired = true;
    }
}

void fresh_tick(struct fresh *fresh, int64_t now_us) {
    struct fresh_entry *next = NULL;
    for (struct fresh_entry *entry = TAILQ_FIRST(&fresh->loading); entry != NULL; entry = next) {
        next = TAILQ_NEXT(entry, in_loading);
        if (now_us - entry->load_started_us <= fresh->config.patience_us) {
            break;
        }
        if (entry->value != NULL && !STAILQ_EMPTY(&entry->waiters)) {
            tell_waiters(entry, FRESH_FOUND, now_us);
        }
    }
}

const struct fresh_numbers *fresh_numbers(const struct fresh *fresh) {
    return &fresh->numbers;
}
