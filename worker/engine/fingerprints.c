#include "worker/engine/fingerprints.h"

#include "worker/engine/guards.h"

#include <stdlib.h>

enum { FIRST_CAPACITY = 16 };

struct fingerprints {
    uint64_t *table; /* 0: empty */
    size_t capacity; /* power of two */
    size_t count;
    size_t limit;
    bool past_limit; /* not all are kept: any id may have been added */
};

struct fingerprints *fingerprints_create(size_t limit) {
    struct fingerprints *fingerprints = calloc(1, sizeof *fingerprints);
    if (fingerprints != NULL) {
        fingerprints->limit = limit;
    }
    return fingerprints;
}

void fingerprints_destroy(struct fingerprints *fingerprints) {
    if (fingerprints != NULL) {
        free(fingerprints->table);
        free(fingerprints);
    }
}

static uint64_t fingerprint_of(const struct id128 *id) {
    uint64_t fingerprint = 0;
    memcpy(&fingerprint, id->bytes + sizeof id->bytes - sizeof fingerprint, sizeof fingerprint);
    return fingerprint == 0 ? 1 : fingerprint;
}

/* Where the fingerprint is, or the empty place where it would be. */
static size_t find(const uint64_t *table, size_t capacity, uint64_t fingerprint) {
    size_t at = (size_t)fingerprint & (capacity - 1);
    while (table[at] != 0 && table[at] != fingerprint) {
        at = (at + 1) & (capacity - 1);
    }
    return at;
}

/* At most three quarters full. */
static bool make_room(struct fingerprints *fingerprints) {
    if ((fingerprints->count + 1) * 4 <= fingerprints->capacity * 3) {
        return true;
    }
    size_t capacity = fingerprints->capacity == 0 ? FIRST_CAPACITY : fingerprints->capacity * 2;
    uint64_t *table = calloc(capacity, sizeof *table);
    if (table == NULL) {
        return false;
    }
    for (size_t i = 0; i < fingerprints->capacity; i++) {
        uint64_t fingerprint = fingerprints->table[i];
        if (fingerprint != 0) {
            table[find(table, capacity, fingerprint)] = fingerprint;
        }
    }
    free(fingerprints->table);
    fingerprints->table = table;
    fingerprints->capacity = capacity;
    return true;
}

static void drop_all(struct fingerprints *fingerprints) {
    free(fingerprints->table);
    fingerprints->table = NULL;
    fingerprints->capacity = 0;
    fingerprints->count = 0;
    fingerprints->past_limit = true;
}

static bool is_kept(const struct fingerprints *fingerprints, uint64_t fingerprint) {
    return fingerprints->capacity > 0 &&
           fingerprints->table[find(fingerprints->table, fingerprints->capacity, fingerprint)] != 0;
}

void fingerprints_add(struct fingerprints *fingerprints, const struct id128 *id) {
    uint64_t fingerprint = fingerprint_of(id);
    if (fingerprints->past_limit || is_kept(fingerprints, fingerprint)) {
        return;
    }
    if (fingerprints->count == fingerprints->limit || !make_room(fingerprints)) {
        drop_all(fingerprints);
        return;
    }
    fingerprints->table[find(fingerprints->table, fingerprints->capacity, fingerprint)] =
        fingerprint;
    fingerprints->count++;
}

bool fingerprints_may_hold(const struct fingerprints *fingerprints, const struct id128 *id) {
    return GUARD(ENDED_PAST_LIMIT, fingerprints->past_limit) ||
           GUARD(ENDED_HIT, is_kept(fingerprints, fingerprint_of(id)));
}

size_t fingerprints_size_bytes(const struct fingerprints *fingerprints) {
    return sizeof *fingerprints + fingerprints->capacity * sizeof *fingerprints->table;
}
