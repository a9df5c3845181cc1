#include "tests/unit/audit_history.h"

#include "tests/support/expect.h"

enum {
    STEPS = 1500,
    PEOPLE = 60,
    GUESTS = 40, /* the first of them; the rest are accounts */
    STEP_MS_MAX = 400,
    AHEAD = 12,
    TAIL_MAX = 6,
    SPANS_MAX = 6,
};

struct story {
    struct history *history;
    struct random *random;
    struct room_line line;
    uint64_t last_sequence;
    int64_t now_us;
    int64_t linked_us[PEOPLE]; /* guests: when they logged in; accounts: when the first did */
    struct id128 account_of[PEOPLE];
    bool shows[HISTORY_NUMBERS_MAX]; /* whose entry was lost: they will show the number */
};

static struct id128 user_of(uint32_t person) {
    struct id128 user = {{0}};
    user.bytes[0] = (uint8_t)(person + 1);
    return user;
}

static uint32_t person_of(const struct id128 *user) {
    return user->bytes[0] - 1U;
}

static bool is_live(const struct audit_number *n) {
    return turn_state_is_live(n->state);
}

static struct audit_number *live_turn_of(const struct story *story, const struct id128 *user) {
    for (size_t i = 0; i < story->history->count; i++) {
        struct audit_number *n = &story->history->numbers[i];
        if (is_live(n) && id128_equal(&n->user, user))
            return n;
    }
    return NULL;
}

static uint32_t count_live(const struct story *story) {
    uint32_t count = 0;
    for (size_t i = 0; i < story->history->count; i++)
        count += is_live(&story->history->numbers[i]);
    return count;
}

static bool was_moved(const struct audit_number *n) {
    return n->state != TURN_NONE && !id128_equal(&n->user, &n->joined);
}

/* --- joining */

static bool has_place(const struct story *story, const struct id128 *user) {
    for (size_t i = 0; i < story->history->count; i++) {
        const struct audit_number *n = &story->history->numbers[i];
        if (n->stored && id128_equal(&n->joined, user) && !turn_state_is_ended(n->state) &&
            !was_moved(n))
            return true;
    }
    return false;
}

static void join(struct story *story) {
    struct history *history = story->history;
    struct id128 user = user_of(random_below(story->random, PEOPLE));
    if (history->count == HISTORY_NUMBERS_MAX || has_place(story, &user))
        return;
    struct audit_number *n = &history->numbers[history->count];
    *n = (struct audit_number){.number = room_line_number(&story->line, ++story->last_sequence),
                               .stored = true,
                               .joined = user,
                               .joined_us = story->now_us,
                               .span = history->room.span_count - 1,
                               .bookings = history->bookings[history->count]};
    history->count++;
    if (history->room.issued_to < n->number + AHEAD)
        history->room.issued_to = n->number + AHEAD;
}

/* --- turns */

static void end(struct story *story, struct audit_number *n, enum turn_state state) {
    n->state = state;
    n->ended_us = story->now_us;
}

/* The door has passed this number. */
static void call(struct story *story, struct audit_number *n) {
    if (n->state == TURN_NONE)
        n->user = n->joined;
    if (live_turn_of(story, &n->user) != NULL) {
        end(story, n, TURN_SKIPPED);
        return;
    }
    n->state = TURN_CALLED;
    n->called_us = story->now_us;
}

static struct audit_number *find(const struct story *story, uint64_t number) {
    for (size_t i = 0; i < story->history->count; i++)
        if (story->history->numbers[i].number == number)
            return &story->history->numbers[i];
    return NULL;
}

/* Somebody of a gap up to `last` who waits to be called. */
static struct audit_number *next_of_gap(const struct story *story, uint64_t last) {
    for (size_t i = 0; i < story->history->count; i++) {
        struct audit_number *n = &story->history->numbers[i];
        if (n->number <= last && !n->stored && n->state == TURN_WAITING)
            return n;
    }
    return NULL;
}

static void admit(struct story *story) {
    struct audit_room *room = &story->history->room;
    struct audit_number *n = next_of_gap(story, room->admitted_to);
    struct room_stretch stretch;
    if (count_live(story) == HISTORY_SHOPPERS_MAX ||
        !room_line_after(&story->line, room->admitted_to, &stretch))
        return;
    if (n == NULL && stretch.gap) {
        n = next_of_gap(story, stretch.last);
        room->admitted_to = n != NULL ? n->number : stretch.last;
    } else if (n == NULL) {
        n = find(story, stretch.first);
        room->admitted_to += n != NULL;
        if (n != NULL && n->state == TURN_LEFT)
            return;
        if (n != NULL)
            n->turn_joined_us = n->joined_us;
    }
    if (n != NULL)
        call(story, n);
}

static struct audit_booking *open_hold(const struct audit_number *n) {
    for (size_t i = 0; i < n->booking_count; i++)
        if (n->bookings[i].status == BOOKING_PENDING)
            return (struct audit_booking *)&n->bookings[i];
    return NULL;
}

static void shop(struct story *story, struct audit_number *n, struct audit_booking *bookings) {
    struct audit_booking *hold = open_hold(n);
    uint32_t chance = random_below(story->random, 100);
    if (chance < 2) {
        end(story, n, TURN_LEFT);
    } else if (hold == NULL &&
               story->now_us >= n->called_us + (HISTORY_PASS_MS + HISTORY_CLAIM_MS) * 1000L) {
        end(story, n, TURN_OVER);
    } else if (hold == NULL && chance < 10 && n->booking_count < HISTORY_BOOKINGS_MAX) {
        bookings[n->booking_count++] = (struct audit_booking){
            .user = n->user, .created_us = story->now_us, .status = BOOKING_PENDING};
    } else if (hold != NULL && chance < 16) {
        hold->status = chance < 12 ? BOOKING_CONFIRMED : BOOKING_EXPIRED;
        if (hold->status == BOOKING_CONFIRMED)
            end(story, n, TURN_BOUGHT);
    }
}

static void go_on(struct story *story, size_t position) {
    struct audit_number *n = &story->history->numbers[position];
    if (n->state == TURN_PASS) {
        shop(story, n, story->history->bookings[position]);
    } else if (n->state == TURN_CALLED) {
        if (random_percent(story->random, 8))
            n->state = TURN_PASS;
        else if (random_percent(story->random, 1))
            end(story, n, TURN_LEFT);
        else if (story->now_us >= n->called_us + HISTORY_CLAIM_MS * 1000L)
            end(story, n, TURN_MISSED);
    }
}

/* Somebody who waits gives up, or shows the number of an entry that was lost. */
static void wait(struct story *story) {
    size_t count = story->history->count;
    if (count == 0)
        return;
    size_t position = random_below(story->random, (uint32_t)count);
    struct audit_number *n = &story->history->numbers[position];
    if (n->state == TURN_NONE && n->stored && random_percent(story->random, 20)) {
        n->user = n->joined;
        end(story, n, TURN_LEFT);
    } else if (story->shows[position] && n->state == TURN_NONE) {
        n->user = n->joined;
        n->state = TURN_WAITING;
    }
}

/* --- logging in: places and turns follow */

static void move(struct story *story, struct audit_number *n, const struct id128 *account) {
    bool skipped = is_live(n) && live_turn_of(story, account) != NULL;
    if (n->state == TURN_NONE)
        n->state = TURN_WAITING;
    n->user = *account;
    for (size_t i = 0; i < n->booking_count; i++)
        ((struct audit_booking *)&n->bookings[i])->linked = true;
    if (skipped)
        end(story, n, TURN_SKIPPED);
}

static void log_in(struct story *story) {
    uint32_t guest = random_below(story->random, GUESTS);
    uint32_t account = random_between(story->random, GUESTS, PEOPLE - 1);
    struct id128 user = user_of(guest);
    struct id128 to = user_of(account);
    if (story->linked_us[guest] != 0)
        return;
    story->account_of[guest] = to;
    story->linked_us[guest] = story->now_us;
    if (story->linked_us[account] == 0)
        story->linked_us[account] = story->now_us;
    for (size_t i = 0; i < story->history->count; i++) {
        struct audit_number *n = &story->history->numbers[i];
        const struct id128 *owner = n->state == TURN_NONE ? &n->joined : &n->user;
        if ((n->stored || n->state != TURN_NONE) && id128_equal(owner, &user) &&
            !turn_state_is_ended(n->state))
            move(story, n, &to);
    }
}

/* --- losses */

static void begin_span(struct story *story, bool same_stream) {
    struct audit_room *room = &story->history->room;
    struct room_span span =
        room_line_begin(&story->line, room->issued_to, story->last_sequence, same_stream);
    assert_int_equal(room_line_add(&story->line, &span), STATUS_OK);
    room->spans[room->span_count++] = (struct audit_span){span, room->admitted_to};
    if (!same_stream)
        story->last_sequence = 0;
}

static void restart(struct story *story) {
    bool same_stream = random_percent(story->random, 80);
    uint64_t lost = random_below(story->random, TAIL_MAX);
    if (story->history->room.span_count == SPANS_MAX)
        return;
    story->last_sequence -= lost < story->last_sequence ? lost : story->last_sequence;
    begin_span(story, same_stream);
    for (size_t i = 0; i < story->history->count; i++) {
        struct audit_number *n = &story->history->numbers[i];
        if (room_line_sequence(&story->line, n->number) == 0 && n->stored) {
            n->stored = false;
            story->shows[i] = n->state == TURN_NONE && random_percent(story->random, 40);
        }
    }
}

/* --- what is left of it */

/* What the gatherer knows of a number: of who was lost and did not show it nothing. */
static bool tell(struct story *story, struct audit_number *n) {
    if (n->stored) {
        bool told = was_moved(n) || n->state == TURN_SKIPPED;
        n->linked_us = told ? story->linked_us[person_of(&n->joined)] : 0;
        return true;
    }
    if (n->state == TURN_NONE)
        return false;
    n->joined = n->user;
    n->joined_us = n->turn_joined_us;
    n->span = -1;
    uint32_t person = person_of(&n->user);
    n->linked_us = person >= GUESTS || n->state == TURN_SKIPPED ? story->linked_us[person] : 0;
    return true;
}

static void keep_what_is_known(struct story *story) {
    struct history *history = story->history;
    size_t kept = 0;
    for (size_t i = 0; i < history->count; i++) {
        struct audit_number n = history->numbers[i];
        if (!tell(story, &n))
            continue;
        memmove(history->bookings[kept], history->bookings[i], sizeof history->bookings[i]);
        n.bookings = history->bookings[kept];
        history->numbers[kept++] = n;
    }
    history->count = kept;
}

void history_make(struct history *history, struct random *random) {
    struct story story = {
        .history = history, .random = random, .now_us = INT64_C(1790000000000000)};
    *history = (struct history){.room = {.lost_above = UINT64_MAX,
                                         .max_shoppers = HISTORY_SHOPPERS_MAX,
                                         .claim_ms = HISTORY_CLAIM_MS,
                                         .pass_ms = HISTORY_PASS_MS,
                                         .on_count = 1,
                                         .on = {{story.now_us, INT64_MAX}},
                                         .on_known = true}};
    begin_span(&story, false);
    for (int i = 0; i < STEPS; i++) {
        story.now_us += random_between(random, 1, STEP_MS_MAX) * 1000L;
        if (random_percent(random, 40))
            join(&story);
        if (random_percent(random, 50))
            admit(&story);
        if (random_percent(random, 10))
            wait(&story);
        if (random_percent(random, 2))
            log_in(&story);
        if (random_below(random, 1000) < 4)
            restart(&story);
        for (size_t n = 0; n < history->count; n++)
            go_on(&story, n);
    }
    keep_what_is_known(&story);
}

struct audit *history_audit(const struct history *history) {
    struct audit *audit = audit_create(&history->room);
    assert_non_null(audit);
    for (size_t i = 0; i < history->count; i++)
        assert_int_equal(audit_add(audit, &history->numbers[i]), STATUS_OK);
    assert_int_equal(audit_finish(audit), STATUS_OK);
    return audit;
}
