/*
 * replay: runs a fuzz target over its corpus and over mutations of it, always the same ones.
 *
 *   NAME CORPUS_FOLDER MUTATIONS
 */
#include "shared/base.h"
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

enum { SEEDS_MAX = 1000, INPUT_MAX_BYTES = 1 << 16, EDITS_MAX = 8 };

struct input {
    uint8_t *data;
    size_t size_bytes;
};

struct corpus {
    struct input seeds[SEEDS_MAX];
    size_t count;
};

/* xorshift64* */
static uint64_t draw(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545F4914F6CDD1Du;
}

static size_t below(uint64_t *state, size_t limit) {
    return (size_t)(draw(state) % limit);
}

static void read_seed(struct input *seed, const char *path) {
    FILE *file = fopen(path, "rb");
    ensure(file != NULL);
    seed->data = malloc(INPUT_MAX_BYTES);
    ensure(seed->data != NULL);
    seed->size_bytes = fread(seed->data, 1, INPUT_MAX_BYTES, file);
    ensure(!ferror(file));
    (void)fclose(file);
}

static int by_name(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_seed(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

static void read_corpus(struct corpus *corpus, const char *folder) {
    struct dirent **entries;
    int count = scandir(folder, &entries, is_seed, by_name);
    ensure(count > 0 && count <= SEEDS_MAX);
    for (int i = 0; i < count; i++) {
        char path[PATH_MAX];
        int length = snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        ensure(length > 0 && (size_t)length < sizeof path);
        read_seed(&corpus->seeds[corpus->count++], path);
        free(entries[i]);
    }
    free(entries);
}

/* Moves what is behind `from` to `to`, as far as there is room. */
static void shift(struct input *input, size_t from, size_t to) {
    size_t rest = input->size_bytes - from;
    if (rest > INPUT_MAX_BYTES - to)
        rest = INPUT_MAX_BYTES - to;
    memmove(input->data + to, input->data + from, rest);
    input->size_bytes = to + rest;
}

static void edit(uint64_t *state, struct input *input, const struct corpus *corpus) {
    static const uint8_t telling[] = {0, 1, '\n', '\r', ' ', '"', 0x7F, 0x80, 0xFE, 0xFF};
    size_t at = below(state, input->size_bytes + 1);
    size_t length = 1 + below(state, 8);
    const struct input *other = &corpus->seeds[below(state, corpus->count)];
    switch (draw(state) % 7) {
    case 0: /* flip a bit */
        if (at < input->size_bytes)
            input->data[at] ^= (uint8_t)(1u << draw(state) % 8);
        return;
    case 1: /* another byte */
        if (at < input->size_bytes)
            input->data[at] = (uint8_t)draw(state);
        return;
    case 2: /* a byte that often means something */
        if (at < input->size_bytes)
            input->data[at] = telling[below(state, sizeof telling)];
        return;
    case 3: /* cut off */
        input->size_bytes = at;
        return;
    case 4: /* leave something out */
        if (at + length <= input->size_bytes)
            shift(input, at + length, at);
        return;
    case 5: /* put something in twice */
        if (at + length <= input->size_bytes)
            shift(input, at, at + length);
        return;
    default: /* go on as another one does */
        if (at < other->size_bytes) {
            memcpy(input->data + at, other->data + at, other->size_bytes - at);
            input->size_bytes = other->size_bytes;
        }
    }
}

int main(int argc, char **argv) {
    ensure(argc == 3);
    struct corpus corpus = {.count = 0};
    uint8_t bytes[INPUT_MAX_BYTES];
    read_corpus(&corpus, argv[1]);
    ensure(corpus.count > 0);
    for (size_t i = 0; i < corpus.count; i++)
        (void)LLVMFuzzerTestOneInput(corpus.seeds[i].data, corpus.seeds[i].size_bytes);

    uint64_t state = 1;
    long mutations = strtol(argv[2], NULL, 10);
    ensure(mutations > 0);
    for (long i = 0; i < mutations; i++) {
        const struct input *seed = &corpus.seeds[below(&state, corpus.count)];
        struct input input = {bytes, seed->size_bytes};
        memcpy(bytes, seed->data, seed->size_bytes);
        for (size_t edits = 1 + below(&state, EDITS_MAX); edits > 0; edits--)
            edit(&state, &input, &corpus);
        (void)LLVMFuzzerTestOneInput(input.data, input.size_bytes);
    }
    (void)printf("%zu seeds, %ld mutations\n", corpus.count, mutations);
    for (size_t i = 0; i < corpus.count; i++)
        free(corpus.seeds[i].data);
    return 0;
}
