/*
 * wire_seeds: writes the seed corpus of wire_fuzz anew, for when the encoding has changed.
 *
 *   wire_seeds FOLDER COUNT
 */
#include "tests/fuzz/wire_random.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

enum { SEED_MAX_BYTES = 4096 };

int main(int argc, char **argv) {
    ensure(argc == 3);
    long count = strtol(argv[2], NULL, 10);
    struct wire_buffer buffer = {0};
    uint64_t seed = 1;
    for (long i = 0; i < count; i++) {
        do
            wire_random_frame(&seed, &buffer);
        while (buffer.size_bytes > SEED_MAX_BYTES);
        char path[PATH_MAX];
        int length = snprintf(path, sizeof path, "%s/frame-%02ld", argv[1], i);
        ensure(length > 0 && (size_t)length < sizeof path);
        FILE *file = fopen(path, "wb");
        ensure(file != NULL);
        ensure(fwrite(buffer.data, 1, buffer.size_bytes, file) == buffer.size_bytes);
        ensure(fclose(file) == 0);
    }
    wire_buffer_free(&buffer);
    return 0;
}
