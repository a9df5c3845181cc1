#include "worker/engine/seat_index.h"

#include "shared/booking.h"

#include <stdlib.h>

enum { LEVELS = 3, WORD_BITS = 64 };

_Static_assert(SHOW_SEATS_MAX <= WORD_BITS * WORD_BITS * WORD_BITS, "three levels cover a show");

struct seat_index {
    uint32_t bit_count[LEVELS];
    uint64_t *words[LEVELS]; /* parts of `storage`, lowest level first */
    size_t word_count;
    uint64_t storage[];
};

static uint32_t words_for(uint32_t bits) {
    return (bits + WORD_BITS - 1) / WORD_BITS;
}

static uint64_t bit_of(uint32_t position) {
    return UINT64_C(1) << position % WORD_BITS;
}

struct seat_index *seat_index_create(uint32_t seat_count) {
    ensure(seat_count > 0 && seat_count <= SHOW_SEATS_MAX);
    size_t word_count = 0;
    for (uint32_t level = 0, bits = seat_count; level < LEVELS; level++) {
        bits = words_for(bits);
        word_count += bits;
    }
    struct seat_index *index = calloc(1, sizeof *index + word_count * sizeof index->storage[0]);
    if (index == NULL) {
        return NULL;
    }
    index->word_count = word_count;
    uint64_t *words = index->storage;
    uint32_t bits = seat_count;
    for (uint32_t level = 0; level < LEVELS; level++) {
        index->bit_count[level] = bits;
        index->words[level] = words;
        words += words_for(bits);
        bits = words_for(bits);
    }
    for (uint32_t seat = 0; seat < seat_count; seat++) {
        seat_index_give_back(index, seat);
    }
    return index;
}

void seat_index_destroy(struct seat_index *index) {
    free(index);
}

void seat_index_take(struct seat_index *index, uint32_t seat) {
    ensure(seat < index->bit_count[0]);
    uint32_t position = seat;
    for (uint32_t level = 0; level < LEVELS; level++) {
        uint64_t *word = &index->words[level][position / WORD_BITS];
        *word &= ~bit_of(position);
        if (*word != 0) {
            return;
        }
        position /= WORD_BITS;
    }
}

void seat_index_give_back(struct seat_index *index, uint32_t seat) {
    ensure(seat < index->bit_count[0]);
    uint32_t position = seat;
    for (uint32_t level = 0; level < LEVELS; level++) {
        index->words[level][position / WORD_BITS] |= bit_of(position);
        position /= WORD_BITS;
    }
}

/* Climbs until a word has a bit at or after the position looked for, then goes down to its lowest
 * seat. */
uint32_t seat_index_next(const struct seat_index *index, uint32_t from) {
    uint32_t position = from;
    uint32_t level = 0;
    uint64_t found = 0;
    for (;; level++) {
        if (level == LEVELS || position >= index->bit_count[level]) {
            return SEAT_INDEX_NONE;
        }
        found = index->words[level][position / WORD_BITS] & ~(bit_of(position) - 1);
        if (found != 0) {
            break;
        }
        position = position / WORD_BITS + 1;
    }
    uint32_t word = position / WORD_BITS;
    for (;; level--) {
        position = word * WORD_BITS + (uint32_t)__builtin_ctzll(found);
        if (level == 0) {
            return position;
        }
        word = position;
        found = index->words[level - 1][word];
    }
}

size_t seat_index_size_bytes(const struct seat_index *index) {
    return sizeof *index + index->word_count * sizeof index->storage[0];
}
