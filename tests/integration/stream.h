/*
 * stream: holds of one seat each, all over the partitions, that keep coming while the test does
 * something to the workers. In the end every one of them must have been made, once.
 */
#ifndef USHER_TESTS_INTEGRATION_STREAM_H
#define USHER_TESTS_INTEGRATION_STREAM_H

#include "tests/integration/scene.h"

enum { STREAM_SHOWS = 24, STREAM_ASKS_MAX = 6000 };

struct stream {
    struct scene *scene;
    int64_t shows[STREAM_SHOWS];
    struct desk_ask *asks[STREAM_ASKS_MAX];
    size_t count;
    size_t settled; /* those before are answered */
};

struct stream *stream_open(struct scene *scene);
/* Asks for some more, unless too many wait; repeats; lets the loop turn once. */
void stream_turn(struct stream *stream);
/* Until so many more have been answered. */
void stream_run(struct stream *stream, size_t count, int64_t limit_ms);
/* Waits for all answers, compares them with the database; frees. */
void stream_end(struct stream *stream);

#endif
