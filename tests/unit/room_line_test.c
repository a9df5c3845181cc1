/* The arithmetic of numbers: examples to read, then a stream simulated entry by entry beside it. */
#include "shared/room.h"
#include "tests/sim/random.h"
#include "tests/support/expect.h"

enum { LINES = 150, STEPS = 40, JOINS_MAX = 12, NUMBERS_MAX = 2000, AHEAD_MAX = 15 };

static struct room_line line_of(const struct room_span *spans, size_t count) {
    struct room_line line = {0};
    for (size_t i = 0; i < count; i++)
        assert_int_equal(room_line_add(&line, &spans[i]), STATUS_OK);
    return line;
}

static void expect_after(const struct room_line *line, uint64_t number,
                         struct room_stretch expected) {
    struct room_stretch stretch;
    assert_true(room_line_after(line, number, &stretch));
    assert_int_equal(stretch.first, expected.first);
    assert_int_equal(stretch.last, expected.last);
    assert_int_equal(stretch.gap, expected.gap);
    assert_int_equal(stretch.first_sequence, expected.first_sequence);
}

static void numbers_count_on_over_a_lost_tail(void **state) {
    (void)state;
    const struct room_span spans[] = {{1, 1, 0}, {1101, 91, 0}};
    struct room_line line = line_of(spans, ARRAY_LEN(spans));
    assert_int_equal(room_line_number(&line, 0), 0);
    assert_int_equal(room_line_number(&line, 90), 90);
    assert_int_equal(room_line_number(&line, 91), 1101);
    assert_int_equal(room_line_sequence(&line, 90), 90);
    assert_int_equal(room_line_sequence(&line, 91), 0);
    assert_int_equal(room_line_sequence(&line, 1100), 0);
    assert_int_equal(room_line_sequence(&line, 1105), 95);
    expect_after(&line, 0, (struct room_stretch){1, 90, false, 1});
    expect_after(&line, 89, (struct room_stretch){90, 90, false, 90});
    expect_after(&line, 90, (struct room_stretch){91, 1100, true, 0});
    expect_after(&line, 1100, (struct room_stretch){1101, UINT64_MAX, false, 91});
    assert_int_equal(room_line_position(&line, 0, 1), 0);
    assert_int_equal(room_line_position(&line, 40, 90), 49);
    assert_int_equal(room_line_position(&line, 40, 1101), 50);
    assert_int_equal(room_line_position(&line, 1000, 1103), 2);
    assert_int_equal(room_line_position(&line, 90, 90), 0);
    struct room_gap gaps[ROOM_SPANS_MAX];
    assert_int_equal(room_line_gaps(&line, 10, gaps), 1);
    assert_true(gaps[0].first == 91 && gaps[0].last == 1100);
    assert_int_equal(room_line_gaps(&line, 1099, gaps), 1);
    assert_true(gaps[0].first == 1100 && gaps[0].last == 1100);
    assert_int_equal(room_line_gaps(&line, 1100, gaps), 0);
}

static void a_later_loss_may_swallow_a_span(void **state) {
    (void)state;
    const struct room_span spans[] = {{1, 1, 0}, {200, 91, 0}, {300, 81, 0}};
    struct room_line line = line_of(spans, ARRAY_LEN(spans));
    assert_int_equal(room_line_number(&line, 80), 80);
    assert_int_equal(room_line_number(&line, 81), 300);
    assert_int_equal(room_line_number(&line, 95), 314);
    assert_int_equal(room_line_sequence(&line, 81), 0);
    assert_int_equal(room_line_sequence(&line, 204), 0);
    expect_after(&line, 80, (struct room_stretch){81, 299, true, 0});
    expect_after(&line, 204, (struct room_stretch){205, 299, true, 0});
    assert_int_equal(room_line_position(&line, 70, 204), 10);
}

static void a_stream_that_is_gone_is_all_gap(void **state) {
    (void)state;
    const struct room_span spans[] = {{1, 1, 0}, {200, 1, 1}};
    struct room_line line = line_of(spans, ARRAY_LEN(spans));
    assert_int_equal(room_line_number(&line, 1), 200);
    assert_int_equal(room_line_sequence(&line, 1), 0);
    expect_after(&line, 0, (struct room_stretch){1, 199, true, 0});
    expect_after(&line, 220, (struct room_stretch){221, UINT64_MAX, false, 22});
    assert_int_equal(room_line_position(&line, 0, 205), 5);
}

static void without_a_span_there_are_no_numbers(void **state) {
    (void)state;
    struct room_line line = {0};
    struct room_stretch stretch;
    struct room_gap gaps[ROOM_SPANS_MAX];
    assert_int_equal(room_line_number(&line, 1), 0);
    assert_int_equal(room_line_sequence(&line, 1), 0);
    assert_int_equal(room_line_position(&line, 0, 5), 0);
    assert_int_equal(room_line_gaps(&line, 0, gaps), 0);
    assert_false(room_line_after(&line, 0, &stretch));
}

static void only_spans_above_all_before_are_added(void **state) {
    (void)state;
    const struct room_span spans[] = {{1, 1, 0}, {100, 51, 0}};
    struct room_line line = line_of(spans, ARRAY_LEN(spans));
    const struct room_span bad[] = {
        {100, 61, 0},          /* not above the newest */
        {109, 61, 0},          /* sequence 60's number */
        {200, 1, 2},           /* a stream was left out */
        {200, 61, UINT32_MAX}, /* and one has come back */
        {200, 0, 0},           /* out of range */
        {0, 1, 1},
        {ROOM_NUMBER_MAX + 1, 61, 0},
        {200, ROOM_NUMBER_MAX + 1, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(room_line_add(&line, &bad[i]), STATUS_INVALID);
    assert_int_equal(line.count, 2);
    assert_int_equal(room_line_add(&line, &(struct room_span){110, 61, 0}), STATUS_OK);
    while (line.count < ROOM_SPANS_MAX) {
        struct room_span next = room_line_begin(&line, 0, 60, true);
        assert_int_equal(room_line_add(&line, &next), STATUS_OK);
    }
    struct room_span last = room_line_begin(&line, 0, 60, true);
    assert_int_equal(room_line_add(&line, &last), STATUS_LIMIT);
    struct room_gap gaps[ROOM_SPANS_MAX];
    assert_int_equal(room_line_gaps(&line, 0, gaps), 2);
}

static void entries_nobody_was_answered_keep_their_numbers(void **state) {
    (void)state;
    struct room_line line = {0};
    struct room_span first = room_line_begin(&line, 0, 7, false);
    assert_true(first.first_number == 1 && first.first_sequence == 1 && first.stream == 0);
    assert_int_equal(room_line_add(&line, &first), STATUS_OK);
    struct room_span second = room_line_begin(&line, 100, 150, true);
    assert_true(second.first_number == 151 && second.first_sequence == 151 && second.stream == 0);
    assert_int_equal(room_line_add(&line, &second), STATUS_OK);
    struct room_span third = room_line_begin(&line, 100, 9, false);
    assert_true(third.first_number == 152 && third.first_sequence == 1 && third.stream == 1);
}

/* --- beside a stream simulated entry by entry */

/* What there is to know of a number. */
struct fate {
    bool stored; /* in the stream now, at `sequence` */
    uint64_t sequence;
    uint32_t span;
    bool answered;
    uint64_t position; /* when it was last looked at */
};

struct world {
    struct random random;
    struct room_line line;
    uint64_t entries;              /* in the stream */
    uint64_t numbers[NUMBERS_MAX]; /* of the entries, by sequence; 0: none yet */
    struct fate fates[NUMBERS_MAX];
    uint64_t next_number;
    uint64_t issued_to;
    uint64_t now_serving;
};

static void join(struct world *world) {
    uint64_t number = world->next_number++;
    expect(number < NUMBERS_MAX, "more numbers than there is room for");
    world->numbers[++world->entries] = number;
    world->fates[number] = (struct fate){.stored = true,
                                         .sequence = world->entries,
                                         .span = world->line.count - 1,
                                         .position = UINT64_MAX};
}

/* A few are answered, which the owner has allowed before. */
static void answer(struct world *world) {
    uint64_t number = world->next_number - 1;
    if (world->line.count == 0 || random_below(&world->random, 3) == 0)
        return;
    if (number > world->issued_to)
        world->issued_to = number + random_below(&world->random, AHEAD_MAX);
    for (uint64_t i = 1; i < world->next_number && i <= world->issued_to; i++)
        world->fates[i].answered |= world->fates[i].stored;
}

static void lose_tail(struct world *world) {
    uint64_t left = random_below(&world->random, (uint32_t)world->entries + 1);
    for (; world->entries > left; world->entries--)
        world->fates[world->numbers[world->entries]].stored = false;
}

static void lose_stream(struct world *world) {
    for (; world->entries > 0; world->entries--)
        world->fates[world->numbers[world->entries]].stored = false;
    world->entries = random_below(&world->random, 4); /* of people whom nobody answers yet */
}

static void vouch(struct world *world, bool same_stream) {
    struct room_span span =
        room_line_begin(&world->line, world->issued_to, world->entries, same_stream);
    assert_int_equal(room_line_add(&world->line, &span), STATUS_OK);
    for (uint64_t number = span.first_number; number < world->next_number; number++)
        expect(!world->fates[number].answered && !world->fates[number].stored,
               "number %llu begins a span and is somebody's", (unsigned long long)number);
    world->next_number = span.first_number;
    uint64_t early = same_stream ? 0 : world->entries;
    world->entries -= early;
    while (early-- > 0)
        join(world);
}

static void step(struct world *world) {
    uint64_t what = random_below(&world->random, 10);
    if (world->line.count == 0 || what == 0) {
        lose_stream(world);
        vouch(world, false);
    } else if (what <= 2) {
        if (what == 1)
            lose_tail(world);
        vouch(world, true);
    } else if (what == 3) {
        uint64_t most = world->next_number - world->now_serving;
        world->now_serving += random_below(&world->random, (uint32_t)most);
        if (world->issued_to < world->now_serving)
            world->issued_to = world->now_serving;
    } else {
        for (uint64_t joins = random_below(&world->random, JOINS_MAX); joins > 0; joins--)
            join(world);
    }
    answer(world);
}

static bool is_readable(const struct world *world, uint64_t number) {
    return number >= world->next_number || world->fates[number].stored;
}

static uint32_t span_of(const struct world *world, uint64_t number) {
    return number >= world->next_number ? world->line.count - 1 : world->fates[number].span;
}

static void check_stretch(const struct world *world, uint64_t number) {
    struct room_stretch stretch;
    assert_true(room_line_after(&world->line, number, &stretch));
    uint64_t first = number + 1, last = first;
    bool readable = is_readable(world, first);
    while (last + 1 < world->next_number && is_readable(world, last + 1) == readable &&
           (!readable || span_of(world, last + 1) == span_of(world, first)))
        last++;
    bool open_ended = readable && span_of(world, last) == world->line.count - 1;
    assert_int_equal(stretch.first, first);
    assert_int_equal(stretch.gap, !readable);
    assert_int_equal(stretch.last, open_ended ? UINT64_MAX : last);
    assert_int_equal(stretch.first_sequence, room_line_sequence(&world->line, first));
}

static void check_gaps(const struct world *world) {
    struct room_gap gaps[ROOM_SPANS_MAX];
    size_t count = room_line_gaps(&world->line, world->now_serving, gaps), at = 0;
    for (uint64_t number = world->now_serving + 1; number < world->next_number; number++) {
        if (is_readable(world, number))
            continue;
        if (at < count && number > gaps[at].last)
            at++;
        expect(at < count && number >= gaps[at].first && number <= gaps[at].last,
               "%llu is in no gap", (unsigned long long)number);
    }
    for (size_t i = 0; i < count; i++)
        for (uint64_t number = gaps[i].first; number <= gaps[i].last; number++)
            assert_false(is_readable(world, number));
}

static void check_positions(struct world *world) {
    uint64_t before = 0;
    for (uint64_t number = 1; number < world->next_number; number++) {
        uint64_t position = room_line_position(&world->line, world->now_serving, number);
        assert_int_equal(position, before);
        before += number > world->now_serving && is_readable(world, number);
        struct fate *fate = &world->fates[number];
        if (!fate->answered)
            continue;
        expect(position <= fate->position, "the position of %llu grew", (unsigned long long)number);
        fate->position = position;
    }
}

static void check(struct world *world) {
    for (uint64_t sequence = 1; sequence <= world->entries; sequence++)
        assert_int_equal(room_line_number(&world->line, sequence), world->numbers[sequence]);
    assert_int_equal(room_line_number(&world->line, world->entries + 1), world->next_number);
    assert_int_equal(room_line_number(&world->line, world->entries + 3), world->next_number + 2);
    for (uint64_t number = 1; number < world->next_number; number++) {
        const struct fate *fate = &world->fates[number];
        assert_int_equal(room_line_sequence(&world->line, number),
                         fate->stored ? fate->sequence : 0);
    }
    assert_int_equal(room_line_sequence(&world->line, world->next_number), world->entries + 1);
    for (uint64_t number = 0; number < world->next_number + 2; number++)
        check_stretch(world, number);
    check_gaps(world);
    check_positions(world);
}

static void lines_agree_with_a_simulated_stream(void **state) {
    (void)state;
    static struct world world;
    for (uint64_t seed = 1; seed <= LINES; seed++) {
        world = (struct world){.random = {seed}, .next_number = 1};
        for (int k = 0; k < STEPS; k++) {
            step(&world);
            check(&world);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_count_on_over_a_lost_tail),
        cmocka_unit_test(a_later_loss_may_swallow_a_span),
        cmocka_unit_test(a_stream_that_is_gone_is_all_gap),
        cmocka_unit_test(without_a_span_there_are_no_numbers),
        cmocka_unit_test(only_spans_above_all_before_are_added),
        cmocka_unit_test(entries_nobody_was_answered_keep_their_numbers),
        cmocka_unit_test(lines_agree_with_a_simulated_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
