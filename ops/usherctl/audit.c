#include "ops/usherctl/audit_private.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIRST_CAPACITY = 1024 };

const char *audit_rule_text(enum audit_rule rule) {
    static const char *const texts[AUDIT_RULES] = {
        [AUDIT_LINE] = "line",
        [AUDIT_NUMBER_TWICE] = "number-twice",
        [AUDIT_NOT_ISSUED] = "not-issued",
        [AUDIT_SPAN] = "span",
        [AUDIT_JOIN_ORDER] = "join-order",
        [AUDIT_TWO_PLACES] = "two-places",
        [AUDIT_TWO_TURNS] = "two-turns",
        [AUDIT_NO_ENTRY] = "no-entry",
        [AUDIT_NO_TURN] = "no-turn",
        [AUDIT_WRONG_PERSON] = "wrong-person",
        [AUDIT_AHEAD] = "ahead",
        [AUDIT_CALL_ORDER] = "call-order",
        [AUDIT_NO_REASON] = "no-reason",
        [AUDIT_TURN_BROKEN] = "turn-broken",
        [AUDIT_CUT_SHORT] = "cut-short",
        [AUDIT_NOT_ADMITTED] = "not-admitted",
        [AUDIT_TWO_BOOKINGS] = "two-bookings",
        [AUDIT_WITHOUT_NUMBER] = "without-number",
        [AUDIT_SHOPPERS] = "shoppers",
        [AUDIT_COUNT] = "count",
    };
    ensure((size_t)rule < ARRAY_LEN(texts));
    return texts[rule];
}

void audit_find(struct audit *audit, enum audit_rule rule, uint64_t number, const char *format,
                ...) {
    uint64_t position = audit->summary.findings++;
    audit->summary.findings_of[rule]++;
    if (position >= AUDIT_FINDINGS_KEPT)
        return;
    struct audit_finding *finding = &audit->findings[position];
    finding->rule = rule;
    finding->number = number;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(finding->text, sizeof finding->text, format, arguments);
    va_end(arguments);
}

/* --- the line and its gaps */

/* Becomes one with those that it touches, which are the last ones. */
static void add_gap(struct audit *audit, struct room_gap gap) {
    while (audit->gap_count > 0 && audit->gaps[audit->gap_count - 1].last + 1 >= gap.first) {
        const struct room_gap *older = &audit->gaps[--audit->gap_count];
        gap.first = older->first < gap.first ? older->first : gap.first;
        gap.last = older->last > gap.last ? older->last : gap.last;
    }
    ensure(audit->gap_count < ROOM_SPANS_MAX);
    audit->gaps[audit->gap_count++] = gap;
}

/* What can't be read any more in front of a new span, and the door had not passed by then. */
static void add_span(struct audit *audit, uint32_t span_no, uint64_t admitted_to) {
    struct room_gap gaps[ROOM_SPANS_MAX];
    size_t count = room_line_gaps(&audit->line, admitted_to, gaps);
    uint64_t first_number = audit->line.spans[span_no].first_number;
    if (count > 0 && gaps[count - 1].last == first_number - 1)
        add_gap(audit, gaps[count - 1]);
}

static void add_spans(struct audit *audit) {
    uint64_t admitted_to = 0;
    for (uint32_t i = 0; i < audit->room.span_count; i++) {
        const struct audit_span *span = &audit->room.spans[i];
        if (span->admitted_to < admitted_to || span->admitted_to >= span->span.first_number ||
            room_line_add(&audit->line, &span->span) != STATUS_OK) {
            audit_find(audit, AUDIT_LINE, span->span.first_number,
                       "span %" PRIu32 " can't begin with number %" PRIu64
                       " where it does; neither it nor any later one counts",
                       i, span->span.first_number);
            return;
        }
        admitted_to = span->admitted_to;
        add_span(audit, i, admitted_to);
    }
}

const struct room_gap *audit_gap_of(const struct audit *audit, uint64_t number) {
    for (size_t i = 0; i < audit->gap_count; i++)
        if (number >= audit->gaps[i].first && number <= audit->gaps[i].last)
            return &audit->gaps[i];
    return NULL;
}

void audit_find_passed_over(struct audit *audit, uint64_t first, uint64_t last) {
    while (first <= last) {
        const struct room_gap *gap = audit_gap_of(audit, first);
        uint64_t end = gap != NULL ? gap->last : last;
        for (size_t i = 0; gap == NULL && i < audit->gap_count; i++)
            if (audit->gaps[i].first > first && audit->gaps[i].first <= end)
                end = audit->gaps[i].first - 1;
        if (gap == NULL)
            audit_find(audit, AUDIT_NO_TURN, first,
                       "the door has passed %" PRIu64 " … %" PRIu64
                       ", of whom there is neither entry nor turn",
                       first, end);
        if (end >= last)
            return;
        first = end + 1;
    }
}

/* --- memory */

struct audit *audit_create(const struct audit_room *room) {
    ensure(room->span_count <= ROOM_SPANS_MAX && room->on_count <= AUDIT_PERIODS_MAX);
    struct audit *audit = calloc(1, sizeof *audit);
    if (audit == NULL)
        return NULL;
    audit->index = id_map_create(AUDIT_PEOPLE_MAX);
    if (audit->index == NULL) {
        free(audit);
        return NULL;
    }
    audit->room = *room;
    add_spans(audit);
    audit->summary.gaps = audit->gap_count;
    for (size_t i = 0; i < audit->gap_count; i++)
        audit->summary.gap_numbers += audit->gaps[i].last - audit->gaps[i].first + 1;
    if (room->admitted_to > room->issued_to)
        audit_find(audit, AUDIT_NOT_ISSUED, room->admitted_to,
                   "the door is at %" PRIu64 ", but numbers were given only up to %" PRIu64,
                   room->admitted_to, room->issued_to);
    return audit;
}

void audit_destroy(struct audit *audit) {
    if (audit == NULL)
        return;
    id_map_destroy(audit->index);
    free(audit->people);
    free(audit->turns);
    free(audit->skips);
    free(audit);
}

/* Room for one more; NULL without memory: `items` is as before. */
static void *grow(void *items, size_t *capacity, size_t count, size_t item_bytes) {
    if (count < *capacity)
        return items;
    size_t grown = *capacity == 0 ? FIRST_CAPACITY : *capacity * 2;
    void *moved = realloc(items, grown * item_bytes);
    if (moved != NULL)
        *capacity = grown;
    return moved;
}

enum status audit_person_of(struct audit *audit, const struct id128 *user, size_t *person) {
    void *place = id_map_get(audit->index, user);
    if (place != NULL) {
        *person = (uintptr_t)place - 1;
        return STATUS_OK;
    }
    size_t count = id_map_count(audit->index);
    struct audit_person *people =
        grow(audit->people, &audit->people_capacity, count, sizeof *people);
    if (people == NULL)
        return STATUS_NO_MEMORY;
    audit->people = people;
    enum status status = id_map_put(audit->index, user, (void *)(uintptr_t)(count + 1));
    if (status != STATUS_OK)
        return status;
    people[count] = (struct audit_person){0};
    audit->summary.people++;
    *person = count;
    return STATUS_OK;
}

enum status audit_add_turn(struct audit *audit, const struct audit_turn *turn) {
    struct audit_turn *turns =
        grow(audit->turns, &audit->turn_capacity, audit->turn_count, sizeof *turns);
    if (turns == NULL)
        return STATUS_NO_MEMORY;
    audit->turns = turns;
    turns[audit->turn_count++] = *turn;
    return STATUS_OK;
}

enum status audit_add_skip(struct audit *audit, const struct audit_skip *skip) {
    struct audit_skip *skips =
        grow(audit->skips, &audit->skip_capacity, audit->skip_count, sizeof *skips);
    if (skips == NULL)
        return STATUS_NO_MEMORY;
    audit->skips = skips;
    skips[audit->skip_count++] = *skip;
    return STATUS_OK;
}

const struct audit_summary *audit_summary(const struct audit *audit) {
    return &audit->summary;
}

const struct audit_finding *audit_findings(const struct audit *audit, size_t *count) {
    uint64_t found = audit->summary.findings;
    *count = found < AUDIT_FINDINGS_KEPT ? (size_t)found : AUDIT_FINDINGS_KEPT;
    return audit->findings;
}
