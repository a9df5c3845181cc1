/*
 * audit_private: what an audit is made of, for its own files.
 *
 * audit.c         the line, people, findings
 * audit_number.c  what is checked of each number in its turn
 * audit_end.c     what is checked at the end: turns by person, by time
 */
#ifndef USHER_OPS_USHERCTL_AUDIT_PRIVATE_H
#define USHER_OPS_USHERCTL_AUDIT_PRIVATE_H

#include "ops/usherctl/audit.h"
#include "shared/clock.h"
#include "shared/id_map.h"

/* Somebody's newest entry in the stream. */
struct audit_person {
    uint64_t number;       /* 0: none */
    int64_t place_ends_us; /* INT64_MAX: it has not ended */
};

/* Somebody's time between being called and the end. One that was moved is there twice: of whose it
 * was, and of whose it is; when that was is not known. */
struct audit_turn {
    uint64_t number;
    size_t person;
    int64_t called_us;
    int64_t ended_us; /* INT64_MAX: it has not */
    bool moved;
    bool again; /* the second one */
};

/* Not called, or ended, since its person was said to have another turn. */
struct audit_skip {
    uint64_t number;
    size_t person;
    int64_t at_us;
};

struct audit {
    struct audit_room room;
    struct room_line line;
    size_t gap_count;
    struct room_gap gaps[ROOM_SPANS_MAX]; /* of the door, in order */

    struct id_map *index; /* by user: position in people, and one */
    struct audit_person *people;
    size_t people_capacity;
    struct audit_turn *turns;
    size_t turn_count;
    size_t turn_capacity;
    struct audit_skip *skips;
    size_t skip_count;
    size_t skip_capacity;

    uint64_t last_number;
    uint64_t last_joined_number;
    int64_t last_joined_us;
    uint64_t last_called_number; /* of those outside gaps */
    int64_t last_called_us;

    struct audit_summary summary;
    struct audit_finding findings[AUDIT_FINDINGS_KEPT];
};

void audit_find(struct audit *audit, enum audit_rule rule, uint64_t number, const char *format, ...)
    PRINTF_LIKE(4, 5);
/* Position in people of a user, whom it adds. STATUS_NO_MEMORY, STATUS_LIMIT. */
MUST_CHECK enum status audit_person_of(struct audit *audit, const struct id128 *user,
                                       size_t *person);
MUST_CHECK enum status audit_add_turn(struct audit *audit, const struct audit_turn *turn);
MUST_CHECK enum status audit_add_skip(struct audit *audit, const struct audit_skip *skip);
/* In a gap that the door had not passed when it opened: NULL when not. */
const struct room_gap *audit_gap_of(const struct audit *audit, uint64_t number);
/* Finds the numbers of these that should have a turn. */
void audit_find_passed_over(struct audit *audit, uint64_t first, uint64_t last);

#endif
