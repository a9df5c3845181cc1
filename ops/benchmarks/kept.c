#include "ops/benchmarks/kept.h"

#include <stdio.h>
#include <stdlib.h>

void kept_init(struct kept *kept, uint32_t count) {
    *kept = (struct kept){.count = count};
    kept->answers = calloc(count, sizeof kept->answers[0]);
    kept->bodies = malloc((size_t)count * KEPT_BODY_MAX_BYTES);
    ensure(kept->answers != NULL && kept->bodies != NULL);
}

void kept_put(struct kept *kept, uint32_t number, const struct answer *answer) {
    ensure(number < kept->count && kept->answers[number].body == NULL);
    char *body = kept->bodies + kept->bodies_used;
    size_t size_bytes =
        answer->body_bytes < KEPT_BODY_MAX_BYTES ? answer->body_bytes : KEPT_BODY_MAX_BYTES;
    memcpy(body, answer->body, size_bytes);
    kept->bodies_used += size_bytes;
    kept->answers[number] = (struct kept_answer){body, (uint32_t)size_bytes, answer->status};
}

void kept_tell(const struct kept_answer *answer) {
    fprintf(stderr, "the first answer that does not count: %d %.*s\n", answer->status,
            (int)answer->body_bytes, answer->body);
}

void kept_clear(struct kept *kept) {
    free(kept->answers);
    free(kept->bodies);
}
