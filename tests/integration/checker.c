#include "tests/integration/checker.h"

#include "shared/id_map.h"
#include "shared/ids.h"

#include <stdlib.h>

enum seat_is { SEAT_IS_FREE, SEAT_IS_HELD, SEAT_IS_BOOKED };

struct seat {
    enum seat_is is;
    uint32_t booking; /* unless free */
};

enum fit { FIT_NOT, FIT_SEES, FIT_CHANGES };

/* Operations not done yet are a list in order of invocation; entry 0 is its head, operation i is
 * entry i + 1. */
struct search {
    const struct checker_operation *operations; /* sorted by invoked_us */
    const int64_t *deadlines_us;
    size_t count;
    size_t *next, *previous;
    size_t certain_left;
    bool *took; /* by booking: it took the seat once */
    /* What was tried: the XOR of the marks of everything done and of the seat's state. */
    struct id_map *tried;
    struct id128 *marks; /* by operation */
    struct id128 done;
    size_t states_left;
    bool exhausted;
};

static void toggle(struct id128 *sum, const struct id128 *mark) {
    for (size_t i = 0; i < sizeof sum->bytes; i++) {
        sum->bytes[i] ^= mark->bytes[i];
    }
}

static void take_out(struct search *search, size_t operation) {
    size_t entry = operation + 1;
    search->next[search->previous[entry]] = search->next[entry];
    search->previous[search->next[entry]] = search->previous[entry];
    search->certain_left -= search->operations[operation].certain;
    toggle(&search->done, &search->marks[operation]);
}

/* Undoes take_out; in the opposite order of taking out. */
static void put_back(struct search *search, size_t operation) {
    size_t entry = operation + 1;
    search->next[search->previous[entry]] = entry;
    search->previous[search->next[entry]] = entry;
    search->certain_left += search->operations[operation].certain;
    toggle(&search->done, &search->marks[operation]);
}

/* The latest instant at which the next thing may happen: the first answer among what is not done.
 */
static int64_t horizon_us(const struct search *search) {
    int64_t horizon = INT64_MAX;
    for (size_t entry = search->next[0]; entry != 0; entry = search->next[entry]) {
        const struct checker_operation *operation = &search->operations[entry - 1];
        if (operation->invoked_us > horizon) {
            break;
        }
        if (operation->certain && operation->returned_us < horizon) {
            horizon = operation->returned_us;
        }
    }
    return horizon;
}

static enum fit fits(const struct search *search, const struct checker_operation *operation,
                     const struct seat *seat, struct seat *after) {
    bool mine = seat->is != SEAT_IS_FREE && seat->booking == operation->booking;
    bool held = mine && seat->is == SEAT_IS_HELD;
    bool booked = mine && seat->is == SEAT_IS_BOOKED;
    bool took = search->took[operation->booking];
    *after = *seat;
    switch (operation->kind) {
    case CHECKER_TAKE:
        after->is = SEAT_IS_HELD;
        after->booking = operation->booking;
        return held ? FIT_SEES : seat->is == SEAT_IS_FREE && !took ? FIT_CHANGES : FIT_NOT;
    case CHECKER_CONFIRM:
        after->is = SEAT_IS_BOOKED;
        return booked ? FIT_SEES : held ? FIT_CHANGES : FIT_NOT;
    case CHECKER_CANCEL:
        after->is = SEAT_IS_FREE;
        return took && !mine ? FIT_SEES : held ? FIT_CHANGES : FIT_NOT;
    case CHECKER_SEE_FREE:
        return seat->is == SEAT_IS_FREE ? FIT_SEES : FIT_NOT;
    case CHECKER_SEE_TAKEN:
        return seat->is != SEAT_IS_FREE && !mine ? FIT_SEES : FIT_NOT;
    case CHECKER_SEE_HELD:
        return held ? FIT_SEES : FIT_NOT;
    case CHECKER_SEE_BOOKED:
        return booked ? FIT_SEES : FIT_NOT;
    case CHECKER_SEE_ENDED:
        return took && !mine ? FIT_SEES : FIT_NOT;
    }
    ensure(false);
    return FIT_NOT;
}

/* Takes out every certain operation that fits without a change, until none does. Appends them to
 * `trail`. */
static void take_seeing(struct search *search, const struct seat *seat, size_t *trail,
                        size_t *trail_count) {
    bool again = true;
    while (again) {
        int64_t horizon = horizon_us(search);
        again = false;
        for (size_t entry = search->next[0]; entry != 0; entry = search->next[entry]) {
            const struct checker_operation *operation = &search->operations[entry - 1];
            struct seat after;
            if (operation->invoked_us > horizon) {
                break;
            }
            if (operation->certain && fits(search, operation, seat, &after) == FIT_SEES) {
                take_out(search, entry - 1);
                trail[(*trail_count)++] = entry - 1;
                again = true;
            }
        }
    }
}

/* False when this state was tried before, or no more may be. */
static bool is_new_state(struct search *search, const struct seat *seat) {
    struct id128 state = search->done;
    uint8_t is = (uint8_t)(seat->is + 1);
    state.bytes[0] ^= is;
    if (seat->is != SEAT_IS_FREE) {
        for (size_t i = 0; i < sizeof seat->booking; i++) {
            state.bytes[1 + i] ^= (uint8_t)(seat->booking >> (8 * i));
        }
    }
    if (search->states_left == 0) {
        search->exhausted = true;
        return false;
    }
    if (id_map_put(search->tried, &state, search) != STATUS_OK) {
        return false;
    }
    search->states_left--;
    return true;
}

static bool succeeds_from(struct search *search, struct seat seat);

static bool succeeds_with(struct search *search, size_t operation, const struct seat *after) {
    const struct checker_operation *done = &search->operations[operation];
    bool took = search->took[done->booking];
    take_out(search, operation);
    search->took[done->booking] = took || done->kind == CHECKER_TAKE;
    bool success = succeeds_from(search, *after);
    search->took[done->booking] = took;
    put_back(search, operation);
    return success;
}

static bool succeeds_with_one(struct search *search, const struct seat *seat, bool certain) {
    int64_t horizon = horizon_us(search);
    for (size_t entry = search->next[0]; entry != 0; entry = search->next[entry]) {
        const struct checker_operation *operation = &search->operations[entry - 1];
        struct seat after;
        if (operation->invoked_us > horizon) {
            break;
        }
        if (operation->certain == certain && fits(search, operation, seat, &after) == FIT_CHANGES &&
            succeeds_with(search, entry - 1, &after)) {
            return true;
        }
    }
    return false;
}

static bool succeeds_by_expiry(struct search *search, const struct seat *seat) {
    return seat->is == SEAT_IS_HELD && search->deadlines_us[seat->booking] <= horizon_us(search) &&
           succeeds_from(search, (struct seat){.is = SEAT_IS_FREE});
}

static bool succeeds_from(struct search *search, struct seat seat) {
    size_t trail_count = 0;
    size_t *trail = calloc(search->certain_left + 1, sizeof *trail);
    ensure(trail != NULL);
    take_seeing(search, &seat, trail, &trail_count);
    bool success = search->certain_left == 0 ||
                   (is_new_state(search, &seat) &&
                    (succeeds_with_one(search, &seat, true) || succeeds_by_expiry(search, &seat) ||
                     succeeds_with_one(search, &seat, false)));
    while (trail_count > 0) {
        put_back(search, trail[--trail_count]);
    }
    free(trail);
    return success;
}

static int by_invocation(const void *a, const void *b) {
    const struct checker_operation *first = a, *second = b;
    return first->invoked_us < second->invoked_us   ? -1
           : first->invoked_us > second->invoked_us ? 1
                                                    : 0;
}

enum checker_verdict checker_decide(const struct checker_history *history, size_t limit) {
    size_t count = history->count;
    struct checker_operation *sorted = calloc(count + 1, sizeof *sorted);
    struct search search = {.operations = sorted,
                            .deadlines_us = history->deadlines_us,
                            .count = count,
                            .next = calloc(count + 1, sizeof(size_t)),
                            .previous = calloc(count + 1, sizeof(size_t)),
                            .took = calloc(history->booking_count + 1, sizeof(bool)),
                            .tried = id_map_create(limit),
                            .marks = calloc(count + 1, sizeof(struct id128)),
                            .states_left = limit};
    ensure(sorted != NULL && search.next != NULL && search.previous != NULL);
    ensure(search.took != NULL && search.tried != NULL && search.marks != NULL);
    if (count > 0) {
        memcpy(sorted, history->operations, count * sizeof *sorted);
        qsort(sorted, count, sizeof *sorted, by_invocation);
    }
    for (size_t i = 0; i < count; i++) {
        ensure(sorted[i].booking < history->booking_count);
        ensure(sorted[i].certain || sorted[i].kind <= CHECKER_CANCEL);
        search.next[i] = i + 1;
        search.previous[i + 1] = i;
        search.marks[i] = id128_random();
        search.certain_left += sorted[i].certain;
    }
    search.previous[0] = count;
    bool success = succeeds_from(&search, (struct seat){.is = SEAT_IS_FREE});
    id_map_destroy(search.tried);
    free(search.marks);
    free(search.took);
    free(search.previous);
    free(search.next);
    free(sorted);
    return success ? CHECKER_LINEARIZABLE : search.exhausted ? CHECKER_UNDECIDED : CHECKER_BROKEN;
}

const char *checker_kind_text(enum checker_kind kind) {
    static const char *const texts[] = {
        [CHECKER_TAKE] = "take",
        [CHECKER_CONFIRM] = "confirm",
        [CHECKER_CANCEL] = "cancel",
        [CHECKER_SEE_FREE] = "see-free",
        [CHECKER_SEE_TAKEN] = "see-taken",
        [CHECKER_SEE_HELD] = "see-held",
        [CHECKER_SEE_BOOKED] = "see-booked",
        [CHECKER_SEE_ENDED] = "see-ended",
    };
    ensure((size_t)kind < ARRAY_LEN(texts));
    return texts[kind];
}
