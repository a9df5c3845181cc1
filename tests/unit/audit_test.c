/* The audit: rooms that kept their word pass; whatever is then changed in their records is found.
 */
#include "tests/unit/audit_history.h"

#include "tests/support/expect.h"

enum { HISTORIES = 60, HISTORIES_CHANGED = 10 };

static void expect_nothing(const struct audit *audit, size_t history) {
    size_t count;
    const struct audit_finding *findings = audit_findings(audit, &count);
    expect(count == 0, "history %zu: %s: %s", history, audit_rule_text(findings[0].rule),
           findings[0].text);
}

static void rooms_that_kept_their_word_pass(void **state) {
    (void)state;
    struct random random = {.state = 20261123};
    struct audit_summary all = {0};
    for (size_t i = 0; i < HISTORIES; i++) {
        struct history history;
        history_make(&history, &random);
        struct audit *audit = history_audit(&history);
        expect_nothing(audit, i);
        const struct audit_summary *summary = audit_summary(audit);
        assert_true(summary->most_shoppers <= HISTORY_SHOPPERS_MAX);
        for (size_t turn = 0; turn <= TURN_STATE_LAST; turn++)
            all.turns[turn] += summary->turns[turn];
        all.gap_turns += summary->gap_turns;
        all.bookings += summary->bookings;
        all.waiting += summary->waiting;
        audit_destroy(audit);
    }
    for (size_t turn = TURN_WAITING; turn <= TURN_STATE_LAST; turn++)
        expect(all.turns[turn] > 0, "no history has a turn that is %s",
               turn_state_text((enum turn_state)turn));
    assert_true(all.gap_turns > 0 && all.bookings > 0 && all.waiting > 0);
}

static void whatever_is_changed_is_found(void **state) {
    (void)state;
    struct random random = {.state = 4};
    for (const struct history_change *change = history_changes; change->name; change++) {
        size_t applied = 0;
        for (size_t i = 0; i < HISTORIES_CHANGED; i++) {
            struct history history;
            history_make(&history, &random);
            if (!change->apply(&history))
                continue;
            applied++;
            struct audit *audit = history_audit(&history);
            expect(audit_summary(audit)->findings_of[change->rule] > 0,
                   "history %zu: %s is not found", i, change->name);
            audit_destroy(audit);
        }
        expect(applied > 0, "%s was never tried", change->name);
    }
}

static void more_shoppers_than_allowed_are_found(void **state) {
    (void)state;
    struct random random = {.state = 7};
    struct history history;
    history_make(&history, &random);
    struct audit *audit = history_audit(&history);
    uint64_t most = audit_summary(audit)->most_shoppers;
    audit_destroy(audit);
    assert_true(most > 1);
    history.room.max_shoppers = (uint32_t)most - 1;
    audit = history_audit(&history);
    assert_int_equal(audit_summary(audit)->findings_of[AUDIT_SHOPPERS], 1);
    audit_destroy(audit);
    history.room.max_shoppers = 0; /* it was changed: nothing can be said */
    audit = history_audit(&history);
    expect_nothing(audit, 0);
    audit_destroy(audit);
}

static void without_a_number_nobody_books_while_the_room_is_on(void **state) {
    (void)state;
    const struct audit_room room = {
        .on_count = 2, .on = {{1000, 2000}, {5000, INT64_MAX}}, .lost_above = UINT64_MAX};
    const int64_t off[] = {999, 2000, 4999};
    const int64_t on[] = {1000, 1999, 5000, INT64_MAX - 1};
    struct audit *audit = audit_create(&room);
    for (size_t i = 0; i < ARRAY_LEN(off); i++)
        audit_add_without_number(audit, &(struct audit_booking){.created_us = off[i]});
    expect_nothing(audit, 0);
    for (size_t i = 0; i < ARRAY_LEN(on); i++)
        audit_add_without_number(audit, &(struct audit_booking){.created_us = on[i]});
    assert_int_equal(audit_summary(audit)->findings_of[AUDIT_WITHOUT_NUMBER], ARRAY_LEN(on));
    assert_int_equal(audit_finish(audit), STATUS_OK);
    audit_destroy(audit);
}

static void what_a_restart_may_have_lost_is_no_finding(void **state) {
    (void)state;
    struct audit_room room = {.span_count = 1,
                              .spans = {{.span = {1, 1, 0}}},
                              .admitted_to = 1,
                              .issued_to = 100,
                              .lost_above = 0};
    const struct audit_number lost = {.number = 1,
                                      .joined_us = 5,
                                      .span = -1,
                                      .turn_joined_us = 5,
                                      .state = TURN_CALLED,
                                      .called_us = 10};
    struct audit *audit = audit_create(&room);
    assert_int_equal(audit_add(audit, &lost), STATUS_OK);
    assert_int_equal(audit_finish(audit), STATUS_OK);
    expect_nothing(audit, 0);
    assert_int_equal(audit_summary(audit)->lost, 1);
    audit_destroy(audit);
}

static void many_findings_are_counted_and_the_first_kept(void **state) {
    (void)state;
    const struct audit_room room = {.span_count = 1,
                                    .spans = {{.span = {1, 1, 0}}},
                                    .admitted_to = 100,
                                    .issued_to = 100,
                                    .lost_above = UINT64_MAX};
    struct audit *audit = audit_create(&room);
    size_t count;
    for (uint64_t number = 2; number <= 100; number += 2) {
        struct audit_number n = {
            .number = number, .stored = true, .joined_us = (int64_t)number, .span = -1};
        memcpy(n.joined.bytes, &number, sizeof number);
        assert_int_equal(audit_add(audit, &n), STATUS_OK);
    }
    assert_int_equal(audit_finish(audit), STATUS_OK);
    assert_int_equal(audit_summary(audit)->findings, 100);
    const struct audit_finding *findings = audit_findings(audit, &count);
    assert_int_equal(count, AUDIT_FINDINGS_KEPT);
    assert_int_equal(findings[0].number, 1);
    assert_int_equal(findings[AUDIT_FINDINGS_KEPT - 1].number, AUDIT_FINDINGS_KEPT);
    audit_destroy(audit);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rooms_that_kept_their_word_pass),
        cmocka_unit_test(whatever_is_changed_is_found),
        cmocka_unit_test(more_shoppers_than_allowed_are_found),
        cmocka_unit_test(without_a_number_nobody_books_while_the_room_is_on),
        cmocka_unit_test(what_a_restart_may_have_lost_is_no_finding),
        cmocka_unit_test(many_findings_are_counted_and_the_first_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
