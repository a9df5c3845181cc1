#include "ops/usherctl/audit_private.h"

#include <inttypes.h>
#include <stdlib.h>

static int by_person(const void *left, const void *right) {
    const struct audit_turn *a = left;
    const struct audit_turn *b = right;
    if (a->person != b->person)
        return a->person < b->person ? -1 : 1;
    if (a->called_us != b->called_us)
        return a->called_us < b->called_us ? -1 : 1;
    return (a->number > b->number) - (a->number < b->number);
}

/* One begins when the one before has ended. Where a turn was moved it is not known from when on it
 * was theirs. */
static void check_two_turns(struct audit *audit) {
    const struct audit_turn *latest = NULL; /* to end, of the same person */
    for (size_t i = 0; i < audit->turn_count; i++) {
        const struct audit_turn *turn = &audit->turns[i];
        char text[TIME_TEXT_SIZE];
        if (turn->moved)
            continue;
        bool same = latest != NULL && latest->person == turn->person;
        if (same && turn->called_us < latest->ended_us - AUDIT_CLOCK_US)
            audit_find(audit, AUDIT_TWO_TURNS, turn->number,
                       "number %" PRIu64
                       " was called at %s, when its person had the turn of number "
                       "%" PRIu64,
                       turn->number, time_to_text(turn->called_us, text), latest->number);
        if (!same || turn->ended_us > latest->ended_us)
            latest = turn;
    }
}

/* Had this person another turn at that time? */
static bool had_turn(const struct audit *audit, const struct audit_skip *skip) {
    const struct audit_turn from = {.person = skip->person, .called_us = INT64_MIN};
    size_t low = 0;
    for (size_t high = audit->turn_count; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (by_person(&audit->turns[middle], &from) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < audit->turn_count && audit->turns[low].person == skip->person; low++) {
        const struct audit_turn *turn = &audit->turns[low];
        if (turn->number != skip->number && turn->called_us <= skip->at_us + AUDIT_CLOCK_US &&
            turn->ended_us >= skip->at_us - AUDIT_CLOCK_US)
            return true;
    }
    return false;
}

static void check_reasons(struct audit *audit) {
    for (size_t i = 0; i < audit->skip_count; i++) {
        const struct audit_skip *skip = &audit->skips[i];
        char text[TIME_TEXT_SIZE];
        if (!had_turn(audit, skip))
            audit_find(audit, AUDIT_NO_REASON, skip->number,
                       "number %" PRIu64 " was skipped at %s, when its person had no other turn",
                       skip->number, time_to_text(skip->at_us, text));
    }
}

static int by_time(const void *left, const void *right) {
    int64_t a = *(const int64_t *)left;
    int64_t b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

/* An end counts a little earlier: who is called next may have been told the time by another owner's
 * clock. */
static enum status count_shoppers(struct audit *audit) {
    int64_t *times = malloc((2 * audit->turn_count + 1) * sizeof *times);
    if (times == NULL)
        return STATUS_NO_MEMORY;
    int64_t *called = times;
    int64_t *ended = times + audit->turn_count;
    size_t count = 0;
    for (size_t i = 0; i < audit->turn_count; i++) {
        const struct audit_turn *turn = &audit->turns[i];
        int64_t end_us = turn->ended_us - AUDIT_CLOCK_US;
        if (turn->again)
            continue;
        called[count] = turn->called_us;
        ended[count++] = end_us > turn->called_us ? end_us : turn->called_us;
    }
    qsort(called, count, sizeof *called, by_time);
    qsort(ended, count, sizeof *ended, by_time);
    for (size_t i = 0, gone = 0; i < count; i++) {
        while (gone <= i && ended[gone] <= called[i])
            gone++;
        if (i + 1 - gone > audit->summary.most_shoppers) {
            audit->summary.most_shoppers = i + 1 - gone;
            audit->summary.most_shoppers_us = called[i];
        }
    }
    free(times);
    return STATUS_OK;
}

void audit_expect(struct audit *audit, uint64_t numbers, uint64_t without_number) {
    const struct audit_summary *summary = &audit->summary;
    if (summary->numbers != numbers)
        audit_find(audit, AUDIT_COUNT, 0, "there should be %" PRIu64 " numbers, and are %" PRIu64,
                   numbers, summary->numbers);
    if (summary->bookings_without_number != without_number)
        audit_find(audit, AUDIT_COUNT, 0,
                   "there should be %" PRIu64 " bookings without a number, and are %" PRIu64,
                   without_number, summary->bookings_without_number);
}

enum status audit_finish(struct audit *audit) {
    audit_find_passed_over(audit, audit->last_number + 1, audit->room.admitted_to);
    if (audit->turn_count > 0)
        qsort(audit->turns, audit->turn_count, sizeof *audit->turns, by_person);
    check_two_turns(audit);
    check_reasons(audit);
    enum status status = count_shoppers(audit);
    uint64_t most = audit->summary.most_shoppers;
    if (audit->room.max_shoppers != 0 && most > audit->room.max_shoppers) {
        char text[TIME_TEXT_SIZE];
        audit_find(audit, AUDIT_SHOPPERS, 0,
                   "at %s %" PRIu64 " people had turns; the most was to be %" PRIu32,
                   time_to_text(audit->summary.most_shoppers_us, text), most,
                   audit->room.max_shoppers);
    }
    return status;
}
