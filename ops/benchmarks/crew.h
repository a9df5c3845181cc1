/*
 * crew: processes of this program, each of which does one thing for as long as the program wants
 * it. They end with the program, however that ends.
 */
#ifndef USHER_OPS_BENCHMARKS_CREW_H
#define USHER_OPS_BENCHMARKS_CREW_H

#include "shared/base.h"

#include <sys/types.h>

enum { CREW_MAX = 64 };

/* Zero-initialised is nobody. */
struct crew {
    pid_t members[CREW_MAX];
    uint32_t count;
};

/* One more, that does this and then ends. At most CREW_MAX. */
void crew_add(struct crew *crew, void (*work)(void *context), void *context);
/* What all of them have used of the processors, user and system. */
double crew_cpu_seconds(const struct crew *crew);
/* Ends them and waits for that. */
void crew_end(struct crew *crew);
/* Memory that a crew has in common with who made it; zeroed. Given back by munmap(2). */
void *crew_memory(size_t size_bytes);

#endif
