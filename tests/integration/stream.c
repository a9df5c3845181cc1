#include "tests/integration/stream.h"
#include "tests/support/expect.h"
#include "tests/support/wait.h"

#include <stdlib.h>

enum {
    SEATS = 4000,
    ASKS_A_TURN = 4,
    PENDING_MAX = 400,
    SETTLE_MS = 40000,
    DEADLINE_MS = 60000, /* longer than whatever is done to the workers takes */
};

struct stream *stream_open(struct scene *scene) {
    struct stream *stream = calloc(1, sizeof *stream);
    ensure(stream != NULL);
    stream->scene = scene;
    for (size_t i = 0; i < STREAM_SHOWS; i++)
        stream->shows[i] = stage_show(scene->stage, &(struct stage_show){.seats = SEATS});
    return stream;
}

void stream_turn(struct stream *stream) {
    struct desk *desk = stream->scene->desk;
    while (stream->settled < stream->count && stream->asks[stream->settled]->answered)
        stream->settled++;
    for (size_t i = 0; i < ASKS_A_TURN && stream->count < STREAM_ASKS_MAX &&
                       stream->count - stream->settled < PENDING_MAX;
         i++) {
        size_t number = stream->count++;
        struct desk_ask *ask = desk_reserve(desk, stream->shows[number % STREAM_SHOWS],
                                            (uint32_t)(number / STREAM_SHOWS));
        ask->command.deadline_us += (DEADLINE_MS - DESK_DEADLINE_MS) * INT64_C(1000);
        stream->asks[number] = ask;
        desk_send(desk, &ask, 1);
    }
    desk_turn(desk);
    desk_repeat(desk, stream->asks + stream->settled, stream->count - stream->settled);
}

void stream_run(struct stream *stream, size_t count, int64_t limit_ms) {
    size_t wanted = stream->settled + count;
    struct wait wait = wait_at_most(limit_ms);
    while (stream->settled < wanted) {
        expect(!wait_is_over(&wait), "%zu of %zu more commands were answered in %lld ms",
               stream->settled + count - wanted, count, (long long)limit_ms);
        stream_turn(stream);
    }
}

void stream_end(struct stream *stream) {
    desk_settle(stream->scene->desk, stream->asks, stream->count, SETTLE_MS);
    for (size_t i = 0; i < stream->count; i++) {
        expect(stream->asks[i]->reply.code == REPLY_OK, "command %zu: %s", i,
               reply_code_text(stream->asks[i]->reply.code));
        expect(!stream->asks[i]->differed, "command %zu was answered in two ways", i);
    }
    assert_int_equal(
        sql_number(stream->scene->stage->sql, "SELECT count(*) FROM usher.booking", NULL),
        stream->count);
    print_message("%zu commands\n", stream->count);
    stage_expect_sound_database(stream->scene->stage);
    free(stream);
}
